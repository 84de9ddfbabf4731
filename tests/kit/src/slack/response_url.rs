//! Response URLs: five answers within half an hour, without a token.
//!
//! <https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>

use super::args::Args;
use super::methods::content;
use super::server::{Held, Reply, World};
use super::state::{ResponseUrl, State};
use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// How many answers.
const USES: u32 = 5;
/// For how long, in seconds.
const LIFE: i64 = 1800;

impl State {
    /// A fresh address for answers to what a person did.
    pub(super) fn response_url(&mut self, team: &str, channel: &str, user: &str, message: Option<&str>) -> String {
        let id = self.ids.secret();
        let kept = ResponseUrl {
            team: team.to_owned(),
            channel: channel.to_owned(),
            user: user.to_owned(),
            made: self.time.seconds(),
            uses: 0,
            message: message.map(str::to_owned),
        };
        self.responses.insert(id.clone(), kept);
        format!("{}/response/{team}/{id}", self.url)
    }
}

pub(super) fn post(world: &World, path: &str, held: &Held, body: &Bytes) -> Reply {
    let id = path.rsplit('/').next().unwrap_or_default().to_owned();
    let refuse = |status: StatusCode, code: &str| Reply { status, ..Reply::json(&json!({ "ok": false, "error": code })) };
    world.change(|state| {
        let now = state.time.seconds();
        let Some(kept) = state.responses.get(&id).cloned() else { return Reply::text(StatusCode::NOT_FOUND, "expired_url") };
        if now - kept.made > LIFE {
            return Reply::text(StatusCode::NOT_FOUND, "expired_url");
        }
        if kept.uses >= USES {
            return Reply::text(StatusCode::NOT_FOUND, "used_url");
        }
        if held.bearer.is_some() {
            return refuse(StatusCode::BAD_REQUEST, "invalid_auth");
        }
        if let Err(refusal) = state.message_allowed(&kept.team, &kept.channel) {
            *state.ledger.limited.entry("response_url".into()).or_default() += 1;
            return Reply::too_many(refusal.wait.unwrap_or(1));
        }
        let Ok(value) = serde_json::from_slice::<Value>(body) else { return refuse(StatusCode::BAD_REQUEST, "invalid_payload") };
        match answer(state, &kept, &value, body) {
            Ok(()) => {
                if let Some(kept) = state.responses.get_mut(&id) {
                    kept.uses += 1;
                }
                Reply { kind: "application/json; charset=utf-8".into(), ..Reply::text(StatusCode::OK, "{\"ok\":true}") }
            }
            Err(code) => {
                state.ledger.failures.push(format!("response_url: {code}"));
                refuse(StatusCode::OK, &code)
            }
        }
    })
}

fn answer(state: &mut State, kept: &ResponseUrl, value: &Value, body: &Bytes) -> Result<(), String> {
    let flag = |name: &str| value[name].as_bool().unwrap_or(false) || value[name].as_str() == Some("true");
    if flag("delete_original") {
        let ts = kept.message.as_deref().ok_or("no_original_message")?;
        let message = state.message_mut(&kept.channel, ts).ok_or("message_not_found")?;
        message.gone = true;
        return Ok(());
    }
    let args = Args::json(body).map_err(|refusal| refusal.code)?;
    let content = content(&args).map_err(|refusal| refusal.code)?;
    if flag("replace_original") {
        let ts = kept.message.as_deref().ok_or("no_original_message")?;
        let fresh = state.compose(&kept.team, &kept.channel, content);
        let edited = state.fresh_ts();
        let message = state.message_mut(&kept.channel, ts).filter(|message| message.app).ok_or("message_not_found")?;
        (message.text, message.blocks, message.attachments, message.edited) = (fresh.text, fresh.blocks, fresh.attachments, Some(edited));
        if fresh.metadata.is_some() {
            message.metadata = fresh.metadata;
        }
        return Ok(());
    }
    respond(state, kept, content, value);
    Ok(())
}

/// Shows an answer: to the person only, or to all.
pub(super) fn respond(state: &mut State, kept: &ResponseUrl, content: super::methods::Content, value: &Value) {
    let mut message = state.compose(&kept.team, &kept.channel, content);
    let everyone = value["response_type"] == "in_channel";
    message.only = (!everyone).then(|| kept.user.clone());
    message.thread = value["thread_ts"].as_str().map(str::to_owned);
    state.put(message, &kept.team);
}
