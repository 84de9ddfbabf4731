//! `conversations.history` and `conversations.replies`, and how a message is written in answers and events.

use super::Call;
use crate::slack::args::page;
use crate::slack::state::{Answer, Message, Refusal, State};
use serde_json::{Value, json};

/// A message as the Web API and the events show it.
pub(crate) fn json(state: &State, message: &Message, metadata: bool) -> Value {
    let team = state.channel(&message.channel).map(|channel| channel.team.clone()).unwrap_or_default();
    let mut shown = json!({ "type": "message", "user": message.user, "text": message.text, "ts": message.ts, "team": team });
    if message.app {
        let bot = state.team(&team).map(|team| team.bot_id.clone()).unwrap_or_default();
        shown["bot_profile"] = json!({ "id": bot, "app_id": state.app.id, "name": "Bellhop", "deleted": false, "team_id": team });
        shown["bot_id"] = json!(bot);
        shown["app_id"] = json!(state.app.id);
    }
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown[name] = value;
        }
    };
    set("username", message.username.as_ref().map(|name| json!(name)));
    set("subtype", message.subtype.as_ref().map(|subtype| json!(subtype)));
    set("blocks", (!message.blocks.is_empty()).then(|| json!(message.blocks)));
    set("attachments", (!message.attachments.is_empty()).then(|| json!(message.attachments)));
    set("thread_ts", message.thread.as_ref().map(|thread| json!(thread)));
    set("edited", message.edited.as_ref().map(|ts| json!({ "user": message.user, "ts": ts })));
    set("metadata", message.metadata.as_ref().filter(|_| metadata).map(|metadata| json!(metadata)));
    if !message.files.is_empty() {
        let files: Vec<Value> =
            message.files.iter().filter_map(|id| state.files.get(id)).map(|file| super::files::in_message(state, file)).collect();
        set("files", Some(json!(files)));
        set("upload", Some(json!(false)));
    }
    let replies: Vec<&Message> = state
        .messages
        .get(&message.channel)
        .into_iter()
        .flatten()
        .filter(|reply| !reply.gone && reply.only.is_none() && reply.ts != message.ts && reply.thread.as_deref() == Some(&message.ts))
        .collect();
    if let Some(last) = replies.last() {
        set("thread_ts", Some(json!(message.ts)));
        set("reply_count", Some(json!(replies.len())));
        set("latest_reply", Some(json!(last.ts)));
    }
    shown
}

struct Span {
    oldest: Option<String>,
    latest: Option<String>,
    inclusive: bool,
}

impl Span {
    fn of(call: &Call) -> Result<Self, Refusal> {
        let time = |name: &str, error: &'static str| match call.args.text(name) {
            None => Ok(None),
            Some(text) if text.parse::<f64>().is_ok() => Ok(Some(text)),
            Some(_) => Err(Refusal::from(error)),
        };
        let oldest = time("oldest", "invalid_ts_oldest")?.filter(|ts| ts != "0");
        Ok(Self { oldest, latest: time("latest", "invalid_ts_latest")?, inclusive: call.args.flag("inclusive") })
    }

    fn holds(&self, ts: &str) -> bool {
        let at = |text: &str| {
            let (seconds, rest) = text.split_once('.').unwrap_or((text, ""));
            (seconds.parse::<i64>().unwrap_or(0), format!("{rest:0<6}"))
        };
        let ts = at(ts);
        let after = self.oldest.as_deref().map(at).is_none_or(|oldest| ts > oldest || (self.inclusive && ts == oldest));
        let before = self.latest.as_deref().map(at).is_none_or(|latest| ts < latest || (self.inclusive && ts == latest));
        after && before
    }
}

fn answer(state: &State, call: &Call, list: Vec<Message>) -> Answer {
    let metadata = call.args.flag("include_all_metadata");
    let (list, more) = page(list, &call.args, state.settings.page, state.settings.empty_pages)?;
    let messages: Vec<Value> = list.iter().map(|message| json(state, message, metadata)).collect();
    let has_more = more["next_cursor"].as_str().is_some_and(|cursor| !cursor.is_empty());
    Ok(json!({ "messages": messages, "has_more": has_more, "pin_count": 0, "response_metadata": more }))
}

pub(super) fn history(state: &mut State, call: &Call) -> Answer {
    let id = call.args.need("channel")?;
    let channel = state.visible(call, &id)?;
    call.wants_for(channel, "history")?;
    if !channel.members.contains(&state.bot_of(&call.team)) && !channel.archived {
        return Err("not_in_channel".into());
    }
    let span = Span::of(call)?;
    let messages = state.messages.get(&id).cloned().unwrap_or_default();
    let top = messages.into_iter().rev().filter(|message| {
        let answer = message.thread.as_ref().is_some_and(|thread| *thread != message.ts) && !message.broadcast;
        !message.gone && message.only.is_none() && !answer && span.holds(&message.ts)
    });
    answer(state, call, top.collect())
}

pub(super) fn replies(state: &mut State, call: &Call) -> Answer {
    let (id, ts) = (call.args.need("channel")?, call.args.need("ts")?);
    let channel = state.visible(call, &id)?;
    call.wants_for(channel, "history")?;
    if !channel.members.contains(&state.bot_of(&call.team)) && !channel.archived {
        return Err("not_in_channel".into());
    }
    let parent = state.message(&id, &ts).filter(|message| message.only.is_none()).ok_or("thread_not_found")?;
    let root = parent.thread.clone().unwrap_or_else(|| parent.ts.clone());
    let span = Span::of(call)?;
    let messages = state.messages.get(&id).cloned().unwrap_or_default();
    let thread = messages.into_iter().filter(|message| {
        let belongs = message.ts == root || message.thread.as_ref() == Some(&root);
        !message.gone && message.only.is_none() && belongs && (message.ts == root || span.holds(&message.ts))
    });
    answer(state, call, thread.collect())
}
