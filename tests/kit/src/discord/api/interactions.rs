//! Responses to interactions, and what follows them.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding>

use super::call::{Body, Call, Part};
use super::webhooks::with_message;
use super::{Answer, Author, Draft, Fault, fault, id, nothing, ok, unknown};
use crate::discord::check::Problems;
use crate::discord::check::command::value;
use crate::discord::check::message::{For, message};
use crate::discord::check::modal::modal;
use crate::discord::ids::Id;
use crate::discord::records::{Form, Interaction, Responded};
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const EPHEMERAL: u64 = 64;
const LOADING: u64 = 128;

pub(super) fn callback(state: &mut State, call: &Call, number: &str, token: &str, body: Body) -> Answer {
    let number = id(number, "interaction_id")?;
    let (body, parts) = body.split();
    let known = state.interactions.get(&number).filter(|one| one.token == token);
    if known.is_none() {
        return Err(unknown(10062, "interaction"));
    }
    state.respond(number, &body, parts)?;
    if !call.flag("with_response") {
        return Ok(nothing());
    }
    let Some(interaction) = state.interactions.get(&number).cloned() else { return Ok(nothing()) };
    let original = interaction.original.and_then(|id| state.message(interaction.channel, id));
    let mut value = json!({
        "interaction": {
            "id": number.to_string(), "type": interaction.kind, "response_message_id": original.map(|one| one.id.to_string()),
            "response_message_loading": original.is_some_and(|one| one.loading), "response_message_ephemeral": interaction.ephemeral,
        },
        "resource": { "type": body["type"] },
    });
    if let Some(original) = original {
        value["resource"]["message"] = state.message_whole(original);
    }
    Ok(ok(&value))
}

impl State {
    /// The first response to an interaction, however it came.
    pub(in crate::discord) fn respond(&mut self, number: Id, body: &Value, parts: Vec<Part>) -> Result<(), Fault> {
        let Some(interaction) = self.interactions.get(&number).cloned() else { return Err(unknown(10062, "interaction")) };
        let now = self.millis();
        let within = i64::try_from(self.settings.respond_within.as_millis()).unwrap_or(i64::MAX);
        if interaction.responded.is_some() {
            self.ledger.twice_responded += 1;
            return Err(fault(StatusCode::BAD_REQUEST, 40060, "Interaction has already been acknowledged."));
        }
        if interaction.late || now - interaction.made > within {
            return Err(unknown(10062, "interaction"));
        }
        let allowed: &[u64] = match interaction.kind {
            1 => &[1],
            2 => &[4, 5, 9, 12],
            3 => &[4, 5, 6, 7, 9, 12],
            4 => &[8],
            _ if interaction.source.is_some() => &[4, 5, 6, 7, 12],
            _ => &[4, 5, 12],
        };
        let mut problems = Problems::default();
        let kind = problems.choice(body, "type", allowed, true).unwrap_or(0);
        problems.done()?;
        let data = &body["data"];
        self.sizes(&parts)?;
        let mut original = None;
        let mut ephemeral = interaction.ephemeral;
        match kind {
            4 => {
                let careless = within_data(message(data, &parts, For::Response, 0))?;
                self.careless("POST /interactions/{interaction}/{token}/callback", careless);
                ephemeral = data["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0;
                original = Some(self.say(&interaction, ephemeral, Draft { body: data.clone(), parts }));
            }
            5 => {
                let flags = data["flags"].as_u64().unwrap_or(0);
                if flags & !EPHEMERAL != 0 || data.as_object().is_some_and(|data| data.keys().any(|name| name != "flags")) {
                    self.ledger.careless.push("a deferral says more than whether it is for one person only".into());
                }
                ephemeral = flags & EPHEMERAL != 0;
                let id = self.say(&interaction, ephemeral, Draft::default());
                if let Some(message) = self.message_mut(interaction.channel, id) {
                    message.loading = true;
                    message.flags |= LOADING;
                }
                original = Some(id);
            }
            6 => original = interaction.source,
            7 => {
                let careless = within_data(message(data, &parts, For::Edit(false), 0))?;
                self.careless("POST /interactions/{interaction}/{token}/callback", careless);
                original = interaction.source;
                if let Some(source) = interaction.source {
                    self.rewrite(interaction.channel, source, &Draft { body: data.clone(), parts });
                }
            }
            8 => choices(data)?,
            9 => self.open_form(&interaction, data)?,
            _ => {}
        }
        if let Some(known) = self.interactions.get_mut(&number) {
            known.responded = Some(Responded { kind, data: data.clone() });
            known.original = original;
            known.ephemeral = ephemeral;
            known.finished = kind != 5;
        }
        Ok(())
    }

    fn say(&mut self, interaction: &Interaction, ephemeral: bool, draft: Draft) -> Id {
        let author = Author {
            user: interaction.app,
            app: Some(interaction.app),
            webhook: Some(interaction.app),
            only: ephemeral.then_some(interaction.user),
            answers: Some((interaction.id, interaction.kind, interaction.user)),
            careful: true,
            ..Author::default()
        };
        self.post(interaction.channel, author, draft)
    }

    fn open_form(&mut self, interaction: &Interaction, data: &Value) -> Result<(), Fault> {
        let mut problems = Problems::default();
        let mut old = false;
        problems.within("data", |problems| old = modal(problems, data));
        problems.done()?;
        if old {
            self.ledger.careless.push("a form with text inputs in rows, which labels have taken the place of".into());
        }
        let form = Form {
            app: interaction.app,
            body: data.clone(),
            channel: interaction.channel,
            source: interaction.source,
            values: BTreeMap::new(),
        };
        self.forms.insert(interaction.user, form);
        Ok(())
    }

    /// Finishes a deferral, or changes what was said first.
    fn finish(&mut self, interaction: &Interaction, original: Id) {
        if let Some(message) = self.message_mut(interaction.channel, original) {
            message.flags &= !LOADING;
        }
        if let Some(known) = self.interactions.get_mut(&interaction.id) {
            known.finished = true;
        }
    }
}

/// The same problems, below `data`.
fn within_data<T>(done: Result<T, Fault>) -> Result<T, Fault> {
    done.map_err(|refusal| match refusal {
        Fault::Refused { status, mut body } if body["errors"].is_object() => {
            body["errors"] = json!({ "data": body["errors"] });
            Fault::Refused { status, body }
        }
        other => other,
    })
}

fn choices(data: &Value) -> Result<(), Fault> {
    let mut problems = Problems::default();
    problems.within("data", |problems| {
        let list = problems.list(data, "choices", 0, 25);
        if data["choices"].is_null() {
            problems.required("choices");
        }
        for (n, choice) in list.iter().enumerate() {
            problems.within(format!("choices.{n}"), |problems| {
                problems.text(choice, "name", 1, 100, true);
                let kind = if choice["value"].is_number() { 10 } else { 3 };
                value(problems, &choice["value"], kind, "value");
            });
        }
    });
    problems.done()
}

/// What an app says after the first response, with the interaction's token for all permission.
pub(super) fn follow_up(state: &mut State, call: &Call, app: Id, token: &str, rest: &[&str], body: Body) -> Answer {
    let found = state.interactions.values().find(|one| one.token == token && one.app == app).cloned();
    let Some(interaction) = found else { return Err(unknown(10015, "Webhook")) };
    let life = i64::try_from(state.settings.token_life.as_millis()).unwrap_or(i64::MAX);
    if state.millis() - interaction.made > life {
        return Err(fault(StatusCode::UNAUTHORIZED, 50027, "Invalid Webhook Token"));
    }
    if interaction.responded.is_none() {
        return Err(unknown(10015, "Webhook"));
    }
    let (body, parts) = body.split();
    match (call.method.as_str(), rest) {
        ("POST", []) => {
            if !interaction.finished
                && let Some(original) = interaction.original
            {
                state.ledger.careless.push("a deferral was finished by a follow-up instead of a change of @original".into());
                state.finish(&interaction, original);
                return with_message(state, "PATCH", interaction.channel, original, body, parts);
            }
            let careless = message(&body, &parts, For::Response, 0)?;
            state.sizes(&parts)?;
            state.careless("POST /webhooks/{webhook}/{token}", careless);
            let ephemeral = body["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0;
            let made = state.say(&interaction, ephemeral, Draft { body, parts });
            Ok(ok(&state.message(interaction.channel, made).map(|one| state.message_whole(one)).unwrap_or_default()))
        }
        (method, ["messages", message]) => {
            let number = if *message == "@original" {
                interaction.original.ok_or_else(|| unknown(10008, "Message"))?
            } else {
                id(message, "message_id")?
            };
            // Its own messages only, and the one that it works on.
            let own =
                state.message(interaction.channel, number).is_some_and(|one| one.answers.is_some_and(|(id, ..)| id == interaction.id));
            if !own && interaction.source != Some(number) {
                return Err(unknown(10008, "Message"));
            }
            let done = with_message(state, method, interaction.channel, number, body, parts)?;
            if matches!(method, "PATCH" | "DELETE") && interaction.original == Some(number) {
                state.finish(&interaction, number);
            }
            Ok(done)
        }
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}
