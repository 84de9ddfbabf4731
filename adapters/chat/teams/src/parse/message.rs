//! Messages: what people type, files that they send, and cards whose buttons come as messages.

use super::files::attachments;
use super::text::typed;
use super::{Activity, Heard, Unreadable, list, text};
use crate::click::MEMBER;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::ChatName;
use bellhop_core::ports::Said;
use serde_json::Value;

pub(super) fn heard(activity: &Activity<'_>, chat: &ChatName, now: Timestamp, direct_uploads: bool) -> Result<Heard, Unreadable> {
    // Programs talk to programs without end.
    if activity.text("/from/role") == Some("bot") || activity.text("/from/id").is_none_or(|id| id.starts_with("28:")) {
        return Ok(Heard::Nothing);
    }
    let id = activity.text("/id").ok_or(Unreadable { member: "/id" })?;
    let conversation = activity.conversation().ok_or(Unreadable { member: "/conversation/id" })?;
    let mut origin = activity.origin(format!("msg:{conversation}:{id}"), chat, now)?;
    origin.reply.activity = Some(id.to_owned());
    let personal = activity.scope() == "personal";
    if let Some(data) = activity.value.get("value").filter(|data| data.get(MEMBER).is_some()) {
        // What is answered is the card, and it may be changed by the answer: it isn't replied to.
        origin.reply.activity = None;
        return Ok(Heard::Click { origin: Box::new(origin), data: data.clone() });
    }
    let targeted = activity.value.pointer("/recipient/isTargeted").and_then(Value::as_bool).unwrap_or_default();
    let entities: Vec<&Value> = list(activity.value, "/entities").filter(|entity| text(entity, "/type") == Some("mention")).collect();
    let mentioned = entities.iter().any(|entity| text(entity, "/mentioned/id") == Some(activity.bot()));
    // With more rights a bot hears everything that is said; only what is said to it is a command.
    if !(personal || targeted || mentioned) {
        return Ok(Heard::Nothing);
    }
    let line = typed(activity.text("/text").unwrap_or_default(), &entities, activity.bot());
    let files = attachments(activity, &origin.at, id);
    let line = match (line.is_empty(), files.is_empty()) {
        (false, _) => line,
        (true, false) if personal && !direct_uploads => return Ok(Heard::Nothing),
        (true, false) => "file put".to_owned(),
        // A card or something else that isn't a file.
        (true, true) if activity.text("/text").is_none() && list(activity.value, "/attachments").next().is_some() => {
            return Ok(Heard::Nothing);
        }
        (true, true) => "help".to_owned(),
    };
    // A message that only its sender sees can't be answered to.
    if targeted {
        origin.reply.activity = None;
        // Nor is it the beginning of a thread: nobody else has it.
        if origin.at.thread.as_ref().is_some_and(|thread| thread.as_str() == id) {
            origin.at.thread = None;
            origin.reply.conversation = origin.at.channel.to_string();
        }
    }
    Ok(Heard::Say(Box::new(origin.says(Said::Line(line), files))))
}
