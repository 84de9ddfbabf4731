//! Clicks, shortcuts and requests for options. <https://docs.slack.dev/reference/interaction-payloads>

use super::fields::{first, list, needed, text, thread};
use super::file::{attachments, message_text};
use super::{Frame, Heard, Unreadable, view};
use crate::click::{Click, ViewMeta};
use crate::handle::ReplyTo;
use crate::interact::{Opens, Origin, Wants};
use bellhop_core::address::Address;
use bellhop_core::clock::Timestamp;
use bellhop_core::ports::Said;
use bellhop_core::text::{one_line, shorten};
use serde_json::Value;

/// The longest title and text of an alert that are taken from a message, in characters. A modal's input holds 3,000.
const TITLE: usize = 150;
const TEXT: usize = 3000;

pub(super) fn heard(payload: &Value, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    match needed(payload, "/type")? {
        "block_actions" => clicked(payload, frame),
        "view_submission" => view::submitted(payload, frame),
        "message_action" => on_message(payload, frame),
        "shortcut" => shortcut(payload, frame),
        "block_suggestion" => suggestion(payload, frame),
        _ => Ok(Heard::Nothing),
    }
}

/// The workspace; an organisation's installation has the organisation instead.
pub(super) fn workspace(payload: &Value) -> Result<&str, Unreadable> {
    first(payload, &["/team/id", "/enterprise/id", "/view/team_id", "/user/team_id"]).ok_or(Unreadable { member: "/team/id" })
}

pub(super) fn person(payload: &Value) -> Result<(&str, Option<&str>), Unreadable> {
    Ok((needed(payload, "/user/id")?, first(payload, &["/user/name", "/user/username"])))
}

/// Where a modal or the home page belongs: where it was opened from, or else the person's own conversation.
pub(super) fn place(payload: &Value, frame: &Frame<'_>, meta: &ViewMeta) -> Result<Address, Unreadable> {
    let (workspace, (user, _)) = (workspace(payload)?, person(payload)?);
    // Posting to a person's id opens the conversation with them.
    let channel = if meta.channel.is_empty() { user } else { &meta.channel };
    Ok(frame.at(workspace, channel, meta.thread.as_deref()))
}

/// What a view of ours carries.
pub(super) fn meta(payload: &Value) -> ViewMeta {
    text(payload, "/view/private_metadata").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn clicked(payload: &Value, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    let mut clicks = list(payload, "/actions").filter_map(|action| first(action, &["/value", "/selected_option/value"]));
    let Some(click) = clicks.find_map(Click::read) else { return Ok(Heard::Nothing) };
    let (workspace, (user, name)) = (workspace(payload)?, person(payload)?);
    let at = match first(payload, &["/channel/id", "/container/channel_id"]) {
        Some(channel) => {
            let within = text(payload, "/container/thread_ts").filter(|thread| text(payload, "/container/message_ts") != Some(thread));
            frame.at(workspace, channel, within.or_else(|| payload.get("message").and_then(thread)))
        }
        None => place(payload, frame, &meta(payload))?,
    };
    let reply = ReplyTo {
        response_url: text(payload, "/response_url").map(str::to_owned),
        trigger_id: text(payload, "/trigger_id").map(str::to_owned),
        received: Some(frame.now),
        message_ts: first(payload, &["/container/message_ts", "/message/ts"]).map(str::to_owned),
        ephemeral: payload.pointer("/container/is_ephemeral").and_then(Value::as_bool).unwrap_or_default(),
    };
    let trigger = match text(payload, "/trigger_id") {
        Some(trigger) => trigger,
        // One click has one moment of its own.
        None => needed(payload, "/actions/0/action_ts")?,
    };
    let origin = frame.origin(format!("act:{trigger}"), user, name, at, Some(reply));
    Ok(match click {
        Click::Invoke(invoke) => Heard::Accept(Box::new(origin.says(Said::Invoke(invoke), Vec::new()))),
        Click::Put { line, attachments } => Heard::Accept(Box::new(origin.says(Said::Line(line), attachments))),
        Click::Form { command, answers } => Heard::interact(origin, Wants::Open(Opens::Form { command, answers })),
        Click::Prefill(line) => Heard::interact(origin, Wants::Open(Opens::Line(line))),
        Click::Kept(key) => Heard::interact(origin, Wants::Kept(key)),
        Click::Nothing => Heard::Nothing,
    })
}

fn on_message(payload: &Value, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    let callback = text(payload, "/callback_id").unwrap_or_default();
    if !matches!(callback, "save_to_storage" | "turn_into_alert") {
        return Ok(Heard::Nothing);
    }
    let (workspace, (user, name)) = (workspace(payload)?, person(payload)?);
    let channel = needed(payload, "/channel/id")?;
    let ts = first(payload, &["/message/ts", "/message_ts"]).ok_or(Unreadable { member: "/message_ts" })?;
    let message = payload.get("message").unwrap_or(&Value::Null);
    let origin = shortcut_origin(payload, frame, (user, name), frame.at(workspace, channel, thread(message)))?;
    let said = shown(message);
    if callback == "turn_into_alert" {
        let first_line = said.lines().map(one_line).find(|line| !line.trim().is_empty()).unwrap_or_default();
        let title = shorten(first_line.trim(), TITLE);
        let text = if title == said.trim() { String::new() } else { shorten(said.trim(), TEXT) };
        return Ok(Heard::interact(origin, Wants::Raise { title, text, message: Some(ts.to_owned()) }));
    }
    let mut files = attachments(message, "/files", workspace);
    if files.is_empty() && !said.trim().is_empty() {
        let name = format!("message-{}.txt", moment(ts).unwrap_or(frame.now).format("%Y-%m-%d-%H%M"));
        files.push(message_text(workspace, format!("msg:{channel}:{ts}"), name, said));
    }
    Ok(Heard::Accept(Box::new(origin.says(Said::Line("file put".to_owned()), files))))
}

/// When a message was posted: its ts begins with Unix seconds.
fn moment(ts: &str) -> Option<Timestamp> {
    let seconds = ts.split('.').next()?.parse().ok()?;
    Timestamp::from_timestamp(seconds, 0)
}

/// What a message says to a reader. Messages of other apps often say it in attachments and blocks only.
fn shown(message: &Value) -> String {
    if let Some(said) = text(message, "/text").filter(|said| !said.trim().is_empty()) {
        return super::unescape(said);
    }
    let in_blocks = list(message, "/blocks").filter_map(|block| text(block, "/text/text"));
    let in_attachments = list(message, "/attachments").flat_map(|part| {
        let parts = [text(part, "/pretext"), text(part, "/title"), text(part, "/text")];
        let fallback = if parts.iter().all(Option::is_none) { text(part, "/fallback") } else { None };
        parts.into_iter().flatten().chain(fallback)
    });
    in_blocks.chain(in_attachments).map(super::unescape).collect::<Vec<_>>().join("\n")
}

fn shortcut(payload: &Value, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    let wants = match text(payload, "/callback_id").unwrap_or_default() {
        "run_command" => Wants::Open(Opens::Line(String::new())),
        "raise_alert" => Wants::Raise { title: String::new(), text: String::new(), message: None },
        "save_file" => Wants::Open(Opens::Save),
        _ => return Ok(Heard::Nothing),
    };
    let (person, at) = (person(payload)?, place(payload, frame, &ViewMeta::default())?);
    Ok(Heard::interact(shortcut_origin(payload, frame, person, at)?, wants))
}

fn shortcut_origin(payload: &Value, frame: &Frame<'_>, (user, name): (&str, Option<&str>), at: Address) -> Result<Origin, Unreadable> {
    let trigger = needed(payload, "/trigger_id")?;
    let reply = ReplyTo {
        response_url: text(payload, "/response_url").map(str::to_owned),
        trigger_id: Some(trigger.to_owned()),
        received: Some(frame.now),
        ..ReplyTo::default()
    };
    Ok(frame.origin(format!("act:{trigger}"), user, name, at, Some(reply)))
}

fn suggestion(payload: &Value, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    let meta = meta(payload);
    let (user, name) = person(payload)?;
    let Some(argument) = text(payload, "/block_id").and_then(|id| id.strip_prefix(view::ARGUMENT)) else { return Ok(Heard::Nothing) };
    let at = match first(payload, &["/channel/id", "/container/channel_id"]) {
        Some(channel) => frame.at(workspace(payload)?, channel, None),
        None => place(payload, frame, &meta)?,
    };
    let typed = text(payload, "/value").unwrap_or_default().to_owned();
    let wants = Wants::Options { command: meta.command, argument: argument.to_owned(), typed };
    Ok(Heard::interact(frame.origin(format!("options:{user}"), user, name, at, None), wants))
}
