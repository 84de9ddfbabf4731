//! Events. <https://docs.slack.dev/apis/events-api>
//!
//! In channels only what mentions the bot is meant for it; in a direct conversation every message is. Messages of bots, the
//! own ones first of all, are never answered.

use super::fields::{first, list, needed, text, thread, truth};
use super::file::attachments;
use super::text::spoken;
use super::{Frame, Heard, Lifecycle, Unreadable};
use crate::interact::Wants;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::Said;
use serde_json::Value;

/// An event with what stands around it.
struct Around<'a> {
    workspace: &'a str,
    /// The bot's own person, where Slack says.
    bot: Option<&'a str>,
    event: &'a Value,
}

pub(super) fn heard(payload: &Value, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    if text(payload, "/type") != Some("event_callback") {
        return Ok(Heard::Nothing);
    }
    let event = payload.get("event").ok_or(Unreadable { member: "/event" })?;
    let kind = needed(event, "/type").map_err(|_| Unreadable { member: "/event/type" })?;
    let workspace = first(
        payload,
        // In a channel shared between workspaces the event may come from another one than the app is installed in.
        &["/authorizations/0/team_id", "/context_team_id", "/team_id", "/authorizations/0/enterprise_id", "/enterprise_id"],
    )
    .ok_or(Unreadable { member: "/team_id" })?;
    let bot = list(payload, "/authorizations").find(|one| truth(one, "/is_bot")).and_then(|one| text(one, "/user_id"));
    let around = Around { workspace, bot, event };
    let changed = |people| Ok(Heard::Lifecycle(Lifecycle::Changed { workspace: WorkspaceId::from(workspace), people }));
    match kind {
        "app_mention" => message(&around, true, frame),
        "message" => message(&around, false, frame),
        "file_shared" => Ok(file(&around, frame)),
        "app_home_opened" if text(event, "/tab") == Some("home") => home(&around, frame),
        "link_shared" => links(&around, frame),
        "app_uninstalled" => Ok(ended(payload, workspace, frame)),
        // People may revoke tokens of their own, too; the bot works on.
        "tokens_revoked" if list(event, "/tokens/bot").next().is_some() => Ok(ended(payload, workspace, frame)),
        "user_change" => changed(true),
        "channel_rename"
        | "channel_archive"
        | "channel_unarchive"
        | "channel_deleted"
        | "channel_created"
        | "group_rename"
        | "group_archive"
        | "group_unarchive"
        | "group_deleted"
        | "member_joined_channel"
        | "member_left_channel" => changed(false),
        _ => Ok(Heard::Nothing),
    }
}

fn ended(payload: &Value, workspace: &str, frame: &Frame<'_>) -> Heard {
    let at = payload.get("event_time").and_then(Value::as_i64).and_then(|at| Timestamp::from_timestamp(at, 0)).unwrap_or(frame.now);
    let whole = truth(payload, "/authorizations/0/is_enterprise_install") || truth(payload, "/is_enterprise_install");
    let organisation = first(payload, &["/authorizations/0/enterprise_id", "/enterprise_id"]).filter(|id| whole && *id != workspace);
    let installations = [Some(workspace), organisation].into_iter().flatten().map(WorkspaceId::from).collect();
    Heard::Lifecycle(Lifecycle::Ended { installations, at })
}

fn message(around: &Around<'_>, mention: bool, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    let event = around.event;
    let channel = needed(event, "/channel").map_err(|_| Unreadable { member: "/event/channel" })?;
    let direct = text(event, "/channel_type").map_or(channel.starts_with('D'), |kind| matches!(kind, "im" | "app_home"));
    if !mention && !direct {
        return Ok(Heard::Nothing);
    }
    let known = matches!(text(event, "/subtype"), None | Some("file_share" | "thread_broadcast"));
    let user = text(event, "/user");
    let Some(user) = user.filter(|user| known && event.get("bot_id").is_none_or(Value::is_null) && Some(*user) != around.bot) else {
        return Ok(Heard::Nothing);
    };
    let ts = needed(event, "/ts").map_err(|_| Unreadable { member: "/event/ts" })?;
    let said = text(event, "/text").unwrap_or_default();
    let files = attachments(event, "/files", around.workspace);
    let line = if mention || around.bot.is_some() { spoken(said, around.bot) } else { super::text::typed(said) };
    let line = match (line.is_empty(), files.is_empty()) {
        (false, _) => line,
        (true, false) => "file put".to_owned(),
        // A message that says nothing but the bot's name asks what there is; one without any text (a canvas, a call) nothing.
        (true, true) if mention || !said.trim().is_empty() => "help".to_owned(),
        (true, true) => return Ok(Heard::Nothing),
    };
    let at = frame.at(around.workspace, channel, thread(event));
    let name = first(event, &["/user_profile/display_name", "/user_profile/real_name", "/username"]);
    let origin = frame.origin(format!("msg:{channel}:{ts}"), user, name, at, None);
    Ok(Heard::Accept(Box::new(origin.says(Said::Line(line), files))))
}

/// A file was shown somewhere. The event has its id only; the message that brought it may be on its way as an event, too.
fn file(around: &Around<'_>, frame: &Frame<'_>) -> Heard {
    let event = around.event;
    let (Some(file), Some(channel), Some(user)) =
        (first(event, &["/file_id", "/file/id"]), text(event, "/channel_id"), text(event, "/user_id"))
    else {
        // Without a channel it is a file that nobody else sees.
        return Heard::Nothing;
    };
    if Some(user) == around.bot {
        return Heard::Nothing;
    }
    let at = frame.at(around.workspace, channel, None);
    let origin = frame.origin(format!("file:{channel}:{file}"), user, None, at, None);
    Heard::interact(origin, Wants::Upload { file: file.to_owned() })
}

fn home(around: &Around<'_>, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    let user = needed(around.event, "/user").map_err(|_| Unreadable { member: "/event/user" })?;
    let at = frame.at(around.workspace, text(around.event, "/channel").unwrap_or(user), None);
    Ok(Heard::interact(frame.origin(format!("home:{user}"), user, None, at, None), Wants::Home))
}

fn links(around: &Around<'_>, frame: &Frame<'_>) -> Result<Heard, Unreadable> {
    let event = around.event;
    let channel = needed(event, "/channel").map_err(|_| Unreadable { member: "/event/channel" })?;
    // While a message is being written it isn't known where it goes. Once it is posted the event comes again.
    if text(event, "/source") == Some("composer") || channel == "COMPOSER" {
        return Ok(Heard::Nothing);
    }
    let (Some(ts), Some(user)) = (text(event, "/message_ts"), text(event, "/user")) else { return Ok(Heard::Nothing) };
    let urls: Vec<String> = list(event, "/links").filter_map(|link| text(link, "/url")).map(str::to_owned).collect();
    if urls.is_empty() {
        return Ok(Heard::Nothing);
    }
    let at = frame.at(around.workspace, channel, text(event, "/thread_ts"));
    let origin = frame.origin(format!("links:{channel}:{ts}"), user, None, at, None);
    Ok(Heard::interact(origin, Wants::Unfurl { message: ts.to_owned(), urls }))
}
