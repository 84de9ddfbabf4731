//! Modals that were filled in. <https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload>
//!
//! The values are taken as they were entered. Whether the command takes them is looked at before they are accepted
//! (`interact`), while the modal is still open.

use super::fields::{first, list, needed, text};
use super::file::attachments;
use super::interaction::{meta, person, place};
use super::{Frame, Heard, Unreadable};
use crate::click::ViewMeta;
use crate::handle::ReplyTo;
use crate::interact::Wants;
use bellhop_core::clock::Timestamp;
use bellhop_core::form::Answers;
use bellhop_core::ports::Said;
use bellhop_core::text::visible;
use chrono::SecondsFormat;
use serde_json::Value;

/// What stands before an argument's id in the id of its block.
pub(crate) const ARGUMENT: &str = "arg:";
/// The block that asks where the answer goes.
const WHERE: &str = "where";

pub(super) fn submitted(payload: &Value, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    let callback = text(payload, "/view/callback_id").unwrap_or_default();
    if !matches!(callback, "form" | "line" | "save") {
        return Ok(Heard::Nothing);
    }
    let mut meta = meta(payload);
    let chosen = list(payload, "/response_urls").find(|url| text(url, "/block_id") == Some(WHERE));
    let chosen = chosen.and_then(|url| Some((text(url, "/channel_id")?, text(url, "/response_url")?)));
    let picked = element(payload, WHERE).and_then(|value| first(value, &["/selected_conversation", "/selected_channel"]));
    if let Some(channel) = chosen.map(|(channel, _)| channel).or(picked) {
        // What opened the form was elsewhere: its thread and its response address are no use there.
        meta = ViewMeta { command: meta.command, channel: channel.to_owned(), thread: None, response_url: None };
    }
    let reply = match (chosen, meta.response_url.take()) {
        (Some((_, url)), _) => {
            ReplyTo { response_url: Some(url.to_owned()), trigger_id: trigger(payload), received: Some(frame.now), ..ReplyTo::default() }
        }
        // The address began to count when the form was opened; the trigger of the submission would be taken for as old.
        (None, Some((url, since))) => {
            ReplyTo { response_url: Some(url), received: Timestamp::from_timestamp(since, 0), ..ReplyTo::default() }
        }
        (None, None) => ReplyTo { trigger_id: trigger(payload), received: Some(frame.now), ..ReplyTo::default() },
    };
    let key = match trigger(payload) {
        Some(trigger) => format!("act:{trigger}"),
        None => format!("view:{}:{}", needed(payload, "/view/id")?, text(payload, "/view/hash").unwrap_or_default()),
    };
    let ((user, name), at) = (person(payload)?, place(payload, frame, &meta)?);
    let workspace = at.workspace.as_str().to_owned();
    let origin = frame.origin(key, user, name, at, Some(reply));
    Ok(match callback {
        "form" => Heard::interact(
            origin,
            Wants::Submit { command: meta.command, answers: answers(payload), blocks: blocks(payload), attachments: Vec::new() },
        ),
        "line" => {
            let line = element(payload, "line").and_then(|value| text(value, "/value")).map(str::trim).unwrap_or_default();
            let line = if line.is_empty() { "help" } else { line };
            Heard::Accept(Box::new(origin.says(Said::Line(visible(line)), Vec::new())))
        }
        _ => {
            let files = element(payload, "files").map(|value| attachments(value, "/files", &workspace)).unwrap_or_default();
            Heard::interact(
                origin,
                Wants::Submit { command: "file put".to_owned(), answers: answers(payload), blocks: blocks(payload), attachments: files },
            )
        }
    })
}

fn trigger(payload: &Value) -> Option<String> {
    text(payload, "/trigger_id").map(str::to_owned)
}

/// What was entered in a block. Our blocks have one element each.
fn element<'a>(payload: &'a Value, block: &str) -> Option<&'a Value> {
    payload.pointer("/view/state/values")?.get(block)?.as_object()?.values().next()
}

/// The ids of the view's blocks that ask for arguments, in their order.
fn blocks(payload: &Value) -> Vec<String> {
    let shown = list(payload, "/view/blocks").filter_map(|block| text(block, "/block_id"));
    let mut ids: Vec<String> = shown.filter(|id| id.starts_with(ARGUMENT) || *id == "files").map(str::to_owned).collect();
    let values = payload.pointer("/view/state/values").and_then(Value::as_object).into_iter().flatten();
    for (id, _) in values.filter(|(id, _)| id.starts_with(ARGUMENT)) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

fn answers(payload: &Value) -> Answers {
    let values = payload.pointer("/view/state/values").and_then(Value::as_object).into_iter().flatten();
    let of = |(block, _): (&String, &Value)| {
        let id = block.strip_prefix(ARGUMENT)?;
        let given: Vec<String> = given(element(payload, block)?).into_iter().filter(|value| !value.trim().is_empty()).collect();
        (!given.is_empty()).then(|| (id.to_owned(), given))
    };
    values.filter_map(of).collect()
}

/// The values of one input, whichever kind it is. Ids of people and channels are written as the command line writes them.
fn given(value: &Value) -> Vec<String> {
    let texts = |path: &str| list(value, path).filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let marked = |mark: char, ids: Vec<String>| ids.into_iter().map(|id| format!("{mark}{id}")).collect();
    if let Some(typed) = text(value, "/value") {
        return vec![visible(typed).trim().to_owned()];
    }
    if let Some(one) = first(value, &["/selected_option/value", "/selected_date", "/selected_time"]) {
        return vec![one.to_owned()];
    }
    if let Some(at) = value.get("selected_date_time").and_then(Value::as_i64).and_then(|at| Timestamp::from_timestamp(at, 0)) {
        return vec![at.to_rfc3339_opts(SecondsFormat::Secs, true)];
    }
    if let Some(id) = text(value, "/selected_user") {
        return vec![format!("@{id}")];
    }
    if let Some(id) = first(value, &["/selected_conversation", "/selected_channel"]) {
        return vec![format!("#{id}")];
    }
    let options: Vec<String> = list(value, "/selected_options").filter_map(|option| text(option, "/value")).map(str::to_owned).collect();
    let several: [Vec<String>; 4] = [
        options,
        marked('@', texts("/selected_users")),
        marked('#', texts("/selected_conversations")),
        marked('#', texts("/selected_channels")),
    ];
    several.into_iter().flatten().collect()
}
