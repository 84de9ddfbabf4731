//! The connector: what bots call to send, change, remove, to make conversations and to ask who is in them.
//!
//! <https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference>

mod people;
mod send;

use super::call::{Call, Reply};
use super::limits::{GET, SEND};
use super::state::{Conversation, Kind, Refusal, State, bare};
use super::tokens::BOT;
use serde_json::Value;

pub(super) type Answer = Result<Reply, Refusal>;

/// How the ledger calls it, and which conversation's windows it counts in.
pub(super) fn name(call: &Call) -> (String, String) {
    let part = |at: usize| call.parts.get(at).map_or("", String::as_str);
    let conversation = bare(part(5));
    let (name, what) = match (call.method.as_str(), part(4), part(6), part(7)) {
        ("POST", "conversations", "", _) => return ("create".into(), format!("send {}", destination(call))),
        ("POST", "conversations", "activities", "") => ("send", "send"),
        ("POST", "conversations", "activities", _) => ("reply", "send"),
        ("PUT", "conversations", "activities", _) => ("update", "send"),
        ("DELETE", "conversations", "activities", _) => ("delete", "send"),
        ("GET", "conversations", _, _) => ("members", "get"),
        ("GET", "teams", _, _) => ("team", "get"),
        ("GET", "attachments", _, _) => ("picture", "picture"),
        _ => ("unknown", "unknown"),
    };
    (name.to_owned(), format!("{what} {conversation}"))
}

/// Where a new conversation would be: the channel or the person.
fn destination(call: &Call) -> String {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let named = body.pointer("/channelData/channel/id").or_else(|| body.pointer("/members/0/id"));
    named.and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn answer(state: &mut State, call: &Call, what: &str) -> Reply {
    if let Err(reply) = state.shown(call, BOT) {
        return reply;
    }
    if call.parts.get(2).is_none_or(|tenant| *tenant != state.tenant) {
        return Reply::refused(&Refusal::new(403, "InvalidBotApiHost", "another cloud or tenant is at this address"));
    }
    if call.parts.get(3).map(String::as_str) != Some("v3") {
        return Reply::text(404, "there is no such page");
    }
    let now = state.micros();
    if state.settings.limits.per_second > 0
        && let Err(seconds) = state.meter.call("the app in the tenant", &[(state.settings.limits.per_second, 1)], now)
    {
        return Reply::refused(&Refusal::limited("Throttled", seconds));
    }
    let windows = if what.starts_with("send ") { &SEND } else { &GET };
    if state.settings.limits.windows
        && let Err(seconds) = state.meter.call(what, windows, now)
    {
        return Reply::refused(&Refusal::limited("Throttled", seconds));
    }
    routed(state, call).unwrap_or_else(|refusal| Reply::refused(&refusal))
}

fn routed(state: &mut State, call: &Call) -> Answer {
    let parts: Vec<&str> = call.parts.iter().skip(4).map(String::as_str).collect();
    match (call.method.as_str(), parts.as_slice()) {
        ("POST", ["conversations"]) => send::create(state, call),
        ("POST", ["conversations", conversation, "activities"]) => send::send(state, call, conversation, None),
        ("POST", ["conversations", conversation, "activities", to]) => send::send(state, call, conversation, Some(to)),
        ("PUT", ["conversations", conversation, "activities", id]) => send::update(state, call, conversation, id),
        ("DELETE", ["conversations", conversation, "activities", id]) => send::delete(state, call, conversation, id),
        ("GET", ["conversations", conversation, "members"]) => people::all(state, conversation),
        ("GET", ["conversations", conversation, paged]) if paged.eq_ignore_ascii_case("pagedmembers") => {
            people::page(state, call, conversation)
        }
        ("GET", ["conversations", conversation, "members", who]) => people::one(state, conversation, who),
        ("GET", ["teams", team]) => people::team(state, team),
        ("GET", ["teams", team, "conversations"]) => people::channels(state, team),
        ("GET", ["attachments", id, "views", _]) => people::picture(state, id),
        _ => Err(Refusal::new(404, "NotFound", "the connector has no such call")),
    }
}

impl State {
    /// A conversation that the bot is in.
    fn open(&self, id: &str) -> Result<Conversation, Refusal> {
        let found = self.conversation(id).filter(|one| !one.gone);
        let found = found.cloned().ok_or_else(|| Refusal::new(404, "ConversationNotFound", "Conversation not found."))?;
        if found.team.as_deref().is_some_and(|team| self.team(team).is_none()) {
            return Err(Refusal::new(404, "ConversationNotFound", "Conversation not found."));
        }
        if self.disabled {
            return Err(Refusal::new(403, "BotDisabledByAdmin", "The bot is disabled by the administrator."));
        }
        if !self.bot_in(&found) {
            return Err(Refusal::new(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster."));
        }
        let blocked = found.kind == Kind::Personal && self.users.iter().any(|user| user.chat == found.id && user.blocks);
        if blocked {
            return Err(Refusal::new(403, "ConversationBlockedByUser", "User blocked the conversation with the bot."));
        }
        Ok(found)
    }
}
