//! Slash commands. Which commands there are is not known here: the line is handed on as it was typed.

use super::fields::{first, needed, text};
use super::text::typed;
use super::{Frame, Heard, Unreadable};
use crate::handle::ReplyTo;
use bellhop_core::ports::Said;
use serde_json::Value;

/// The one command under which all others can be typed. A second bot in a workspace needs another name for it, since of two
/// commands of one name Slack knows only the newer: `/bellhop-staging`.
const ROOT: &str = "bellhop";

pub(super) fn heard(fields: &Value, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    let user = needed(fields, "/user_id")?;
    let channel = needed(fields, "/channel_id")?;
    let trigger = needed(fields, "/trigger_id")?;
    let command = needed(fields, "/command")?.trim().trim_start_matches('/').to_lowercase();
    // An organisation's installation has no workspace of its own, but a command is typed in one all the same.
    let workspace = first(fields, &["/team_id", "/enterprise_id"]).ok_or(Unreadable { member: "/team_id" })?;
    let rest = typed(text(fields, "/text").unwrap_or_default());
    let root = command.strip_prefix(ROOT).is_some_and(|more| more.is_empty() || more.starts_with(['-', '_']));
    let line = match (root, rest.as_str()) {
        (true, "") => "help".to_owned(),
        (true, line) => line.to_owned(),
        (false, "") => command,
        (false, rest) => format!("{command} {rest}"),
    };
    let reply = ReplyTo {
        response_url: text(fields, "/response_url").map(str::to_owned),
        trigger_id: Some(trigger.to_owned()),
        received: Some(frame.now),
        ..ReplyTo::default()
    };
    // Slash commands can't be typed in threads, so there is never one.
    let at = frame.at(workspace, channel, None);
    let origin = frame.origin(format!("cmd:{trigger}"), user, text(fields, "/user_name"), at, Some(reply));
    Ok(Heard::Accept(Box::new(origin.says(Said::Line(line), Vec::new()))))
}
