//! One call of the Web API: the token, the limit of the method's tier, the arguments, the answer.

use super::args::Args;
use super::ledger::Behaviour;
use super::methods::{self, Call, Wants};
use super::server::{Held, Reply, World};
use super::state::{Answer, Refusal, State};
use super::time::mix;
use axum::body::Bytes;
use serde_json::{Value, json};

/// How a call is treated, when not well.
pub(super) struct Draw {
    pub behaviour: Behaviour,
    pub reset: bool,
    pub lose: bool,
}

impl State {
    /// How this call is treated. Chances are drawn from the call's number, so that a run can be repeated.
    pub(super) fn treat(&mut self, name: &str) -> Option<Draw> {
        let at = self.behaviours.iter().position(|(behaviour, treated)| {
            behaviour.method.as_ref().is_none_or(|method| method == name) && behaviour.times.is_none_or(|times| *treated < times)
        })?;
        self.behaviours[at].1 += 1;
        self.treated += 1;
        let behaviour = self.behaviours[at].0.clone();
        let draw = |salt: u64| u8::try_from(mix(self.treated.wrapping_mul(2).wrapping_add(salt)) % 100).unwrap_or_default();
        let (reset, lose) = (draw(0) < behaviour.reset_percent, draw(1) < behaviour.lose_percent);
        Some(Draw { behaviour, reset, lose })
    }
}

/// Tells a caller to wait, for no reason but a test's wish.
pub(super) fn told_to_wait(world: &World, name: &str, held: &Held, seconds: u32) -> Reply {
    let mut state = world.state();
    let known = held.bearer.as_deref().filter(|_| methods::find(name).is_some()).and_then(|token| state.tokens.get(token));
    let team = known.map(|token| token.team.clone()).unwrap_or_default();
    let now = state.time.now().timestamp_micros();
    *state.ledger.limited.entry(name.to_owned()).or_default() += 1;
    state.meter.refuse(&format!("{name} {team}"), seconds, now);
    Reply::too_many(seconds)
}

/// The seconds for which whoever calls this, which is no method of the Web API, was told to wait and didn't.
pub(super) fn still_told_to_wait(world: &World, name: &str) -> Option<u32> {
    if methods::find(name).is_some() {
        return None;
    }
    let mut state = world.state();
    let (now, limits) = (state.time.now().timestamp_micros(), state.settings.limits.clone());
    let state = &mut *state;
    let seconds = state.meter.call(&limits, &format!("{name} "), 0, now, &mut state.ledger).err()?;
    *state.ledger.limited.entry(name.to_owned()).or_default() += 1;
    Some(seconds)
}

/// Answers a call.
pub(super) fn call(world: &World, name: &str, reads: bool, query: &str, held: &Held, body: &Bytes) -> Reply {
    world.change(|state| {
        let (answer, scopes) = answered(state, name, reads, query, held, body);
        let reply = match answer {
            Ok(mut value) => {
                value["ok"] = json!(true);
                Reply::json(&value)
            }
            Err(Refusal { wait: Some(seconds), .. }) => {
                *state.ledger.limited.entry(name.to_owned()).or_default() += 1;
                Reply::too_many(seconds)
            }
            Err(refusal) => {
                state.ledger.failures.push(format!("{name}: {}", refusal.code));
                let mut value = Value::Object(refusal.more);
                value["ok"] = json!(false);
                value["error"] = json!(refusal.code);
                Reply::json(&value)
            }
        };
        match scopes {
            Some(scopes) => reply.with("x-oauth-scopes", &scopes.join(",")),
            None => reply,
        }
    })
}

type Answered = (Answer, Option<Vec<String>>);

fn answered(state: &mut State, name: &str, reads: bool, query: &str, held: &Held, body: &Bytes) -> Answered {
    let Some(method) = methods::find(name) else { return (Err("unknown_method".into()), None) };
    let (token, team, scopes, app) = match (&held.bearer, method.token) {
        (_, Wants::None) => (String::new(), String::new(), Vec::new(), false),
        (None, _) => return (Err("not_authed".into()), None),
        (Some(token), _) => match state.token(token) {
            Ok(known) => (token.clone(), known.team.clone(), known.scopes.clone(), known.app_level),
            Err(refusal) => return (Err(refusal), None),
        },
    };
    let shown = (!scopes.is_empty()).then(|| scopes.clone());
    let wrong_kind = match method.token {
        Wants::App => !app,
        Wants::Bot => app && name != "auth.test",
        Wants::None => false,
    };
    if wrong_kind {
        return (Err("not_allowed_token_type".into()), shown);
    }
    let now = state.time.now().timestamp_micros();
    let limits = state.settings.limits.clone();
    let (meter, ledger) = (&mut state.meter, &mut state.ledger);
    if let Err(seconds) = meter.call(&limits, &format!("{name} {team}"), method.per_minute, now, ledger) {
        return (Err(Refusal::limited(seconds)), shown);
    }
    let mut args = match arguments(method, reads, query, held, body) {
        Ok(args) => args,
        Err(refusal) => return (Err(refusal), shown),
    };
    // A token belongs into the header, where no log keeps it.
    if let Some(given) = args.take("token")
        && (state.settings.careful || given != token)
    {
        let why = "[ERROR] a token as an argument is not accepted; it goes into the header";
        return (Err(Refusal::messages("invalid_auth", &[why.into()])), shown);
    }
    let known: Vec<&str> = method.args.split_whitespace().collect();
    let strange: Vec<String> = args.names().filter(|arg| !known.contains(arg)).map(|arg| format!("{name}: {arg}")).collect();
    state.ledger.strange.extend(strange);
    let call = Call { args, token, team, scopes, basic: held.basic.clone() };
    (method.run(state, &call), shown)
}

fn arguments(method: &methods::Method, reads: bool, query: &str, held: &Held, body: &Bytes) -> Result<Args, Refusal> {
    let mut args = Args::form(query.as_bytes());
    if args.text("token").is_some() {
        return Err(Refusal::messages("invalid_auth", &["[ERROR] a token in the query is not accepted; it goes into the header".into()]));
    }
    if !reads {
        let kind = held.kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let more = match kind.as_str() {
            "application/json" if method.json => {
                if !query.is_empty() {
                    return Err(Refusal::messages("invalid_arguments", &["[ERROR] arguments both in the query and in a JSON body".into()]));
                }
                if body.is_empty() { Args::default() } else { Args::json(body)? }
            }
            // A reading method doesn't look at JSON at all, so what it was given is missing.
            "application/json" => {
                let why = format!("[ERROR] {} takes no JSON; its arguments go as a form", method.name);
                return Err(Refusal::messages("invalid_arguments", &[why]));
            }
            "application/x-www-form-urlencoded" | "multipart/form-data" => Args::form(body),
            "" if body.is_empty() => Args::default(),
            "" => return Err("missing_post_type".into()),
            _ => return Err("invalid_post_type".into()),
        };
        args.merge(more);
    }
    Ok(args)
}
