//! OAuth: the page where a person lets the app in, codes for tokens, tokens for newer ones.
//!
//! <https://docs.slack.dev/authentication/installing-with-oauth>, <https://docs.slack.dev/authentication/using-token-rotation>

use super::Call;
use crate::slack::state::{Answer, Code, Refresh, Refusal, State};
use serde_json::{Value, json};

/// How long a code lives, in seconds.
const CODE: i64 = 600;
/// How long a rotated access token lives, in seconds.
const ACCESS: i64 = 43_200;
/// How long a refresh token that was used gives the same answer again, in seconds.
const GRACE: i64 = 30;

pub(super) fn access(state: &mut State, call: &Call) -> Answer {
    let (id, secret) = match &call.basic {
        Some(pair) => pair.clone(),
        None => (call.args.text("client_id").unwrap_or_default(), call.args.text("client_secret").unwrap_or_default()),
    };
    if id != state.app.client_id {
        return Err("invalid_client_id".into());
    }
    if secret != state.app.client_secret {
        return Err("bad_client_secret".into());
    }
    match call.args.text("grant_type").as_deref() {
        None | Some("authorization_code") => exchange(state, call),
        Some("refresh_token") => refresh(state, call),
        Some(_) => Err("invalid_grant_type".into()),
    }
}

fn exchange(state: &mut State, call: &Call) -> Answer {
    let code = call.args.text("code").and_then(|code| state.codes.remove(&code)).ok_or("invalid_code")?;
    if state.time.seconds() - code.made > CODE {
        return Err("invalid_code".into());
    }
    if code.redirect != call.args.text("redirect_uri") {
        return Err("bad_redirect_uri".into());
    }
    let expires = state.settings.rotation.then(|| state.time.seconds() + ACCESS);
    // Scopes are additive: what was given once is never taken away by giving less.
    let mut scopes = code.scopes.clone();
    for token in state.tokens.values().filter(|token| token.team == code.team && !token.app_level && token.revoked.is_none()) {
        scopes.extend(token.scopes.iter().filter(|scope| !code.scopes.contains(scope)).cloned());
    }
    scopes.sort();
    scopes.dedup();
    let access = state.install(&code.team, scopes, expires);
    let refresh = expires.map(|_| state.new_refresh(&code.team, &access));
    Ok(granted(state, &code.team, &access, refresh.as_deref(), &code.user))
}

fn refresh(state: &mut State, call: &Call) -> Answer {
    let now = state.time.seconds();
    let wanted = call.args.text("refresh_token").ok_or("invalid_refresh_token")?;
    let known = state.refreshes.get(&wanted).cloned().ok_or("invalid_refresh_token")?;
    if let Some(used) = known.used {
        // Used a moment ago: the same answer once more, for a client that lost it. After that it is spent.
        return match &known.successor {
            Some((access, next)) if now - used <= GRACE => Ok(granted(state, &known.team, &access.clone(), Some(&next.clone()), "")),
            _ => Err("invalid_refresh_token".into()),
        };
    }
    let scopes = state.tokens.get(&known.access).map(|token| token.scopes.clone()).unwrap_or_default();
    if state.tokens.get(&known.access).is_some_and(|token| token.revoked.is_some()) {
        return Err("token_revoked".into());
    }
    let access = state.install(&known.team, scopes, Some(now + ACCESS));
    let next = state.new_refresh(&known.team, &access);
    if let Some(known) = state.refreshes.get_mut(&wanted) {
        (known.used, known.successor) = (Some(now), Some((access.clone(), next.clone())));
    }
    Ok(granted(state, &known.team, &access, Some(&next), ""))
}

fn granted(state: &State, team: &str, access: &str, refresh: Option<&str>, user: &str) -> Value {
    let found = state.team(team);
    let scope = state.tokens.get(access).map(|token| token.scopes.join(",")).unwrap_or_default();
    let mut answer = json!({
        "app_id": state.app.id,
        "authed_user": { "id": user },
        "scope": scope,
        "token_type": "bot",
        "access_token": access,
        "bot_user_id": found.map(|team| team.bot_user.clone()),
        "team": { "id": team, "name": found.map(|team| team.name.clone()) },
        "enterprise": null,
        "is_enterprise_install": false,
    });
    if let Some(refresh) = refresh {
        answer["refresh_token"] = json!(refresh);
        answer["expires_in"] = json!(ACCESS);
    }
    answer
}

impl State {
    fn new_refresh(&mut self, team: &str, access: &str) -> String {
        let token = format!("xoxe-1-{}", self.ids.secret());
        let kept = Refresh { team: team.to_owned(), access: access.to_owned(), used: None, successor: None };
        self.refreshes.insert(token.clone(), kept);
        token
    }
}

/// A person of a workspace lets the app in; the address that the browser goes to next.
///
/// # Errors
/// What the page would say.
pub(crate) fn authorize(state: &mut State, query: &[(String, String)], team: &str, user: &str) -> Result<String, Refusal> {
    let get = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).filter(|value| !value.is_empty());
    if get("client_id").as_deref() != Some(state.app.client_id.as_str()) {
        return Err("invalid_client_id".into());
    }
    let scopes: Vec<String> =
        get("scope").ok_or("no_scopes")?.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let redirect = get("redirect_uri");
    let to = redirect.clone().ok_or("bad_redirect_uri")?;
    let code = format!("{}.{}", state.ids.number(), state.ids.secret());
    let kept = Code { team: team.to_owned(), redirect, scopes, made: state.time.seconds(), user: user.to_owned() };
    state.codes.insert(code.clone(), kept);
    let mark = if to.contains('?') { '&' } else { '?' };
    let pairs = [("code", code.as_str()), ("state", &get("state").unwrap_or_default())];
    Ok(format!("{to}{mark}{}", crate::slack::args::form(&pairs)))
}
