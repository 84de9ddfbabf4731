//! What was said, from what Slack delivers: the least that listening needs, until the whole of it stands here.

use bellhop_core::address::{Address, UserRef};
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::{ChatName, EventKey, UserId, WorkspaceId};
use bellhop_core::ports::{Incoming, Said};
use serde_json::Value;

/// What was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A slash command, as an object of its fields.
    Command,
    /// A click, a shortcut, a form.
    Interaction,
    /// The wrapper of an event.
    Event,
}

/// What it means.
pub(crate) enum Heard {
    /// To be kept, then acknowledged.
    Accept(Box<Incoming>),
    /// To be answered at once.
    Interact(Box<crate::interact::Interaction>),
    /// About the connection itself.
    Lifecycle(Lifecycle),
    /// Nothing for us.
    Nothing,
}

/// What changed at Slack.
pub(crate) enum Lifecycle {
    /// The app was removed, or its bot token was revoked.
    Ended {
        /// The workspace, and the organisation where the app was installed there.
        installations: Vec<WorkspaceId>,
        /// When.
        at: Timestamp,
    },
    /// People or channels there changed.
    Changed,
}

/// It could not be read.
#[derive(Debug)]
pub(crate) struct Unreadable(&'static str);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// Reads a delivery.
pub(crate) fn delivery(kind: Kind, payload: &Value, chat: &ChatName, now: Timestamp) -> Result<Heard, Unreadable> {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    let incoming = |key: String, team: &str, channel: &str, user: &str, line: String| {
        Heard::Accept(Box::new(Incoming {
            key: EventKey::new(key),
            from: UserRef { chat: chat.clone(), workspace: WorkspaceId::new(team), user: UserId::new(user) },
            name: user.to_owned(),
            zone: None,
            at: Address::channel(chat.as_str(), team, channel),
            said: Said::Line(line),
            attachments: Vec::new(),
            reply: None,
            received: now,
        }))
    };
    match kind {
        Kind::Command => {
            let need = |pointer| text(pointer).ok_or(Unreadable("a field of the command is missing"));
            let line = format!("{} {}", need("/command")?, text("/text").unwrap_or_default());
            Ok(incoming(format!("cmd:{}", need("/trigger_id")?), need("/team_id")?, need("/channel_id")?, need("/user_id")?, line))
        }
        Kind::Interaction => match text("/type") {
            Some(_) => Ok(Heard::Interact(Box::new(crate::interact::Interaction(payload.clone())))),
            None => Err(Unreadable("an interaction without a type")),
        },
        Kind::Event => match text("/event/type") {
            Some("app_mention") => {
                let (channel, ts) = (text("/event/channel").unwrap_or_default(), text("/event/ts").unwrap_or_default());
                let (team, user) = (text("/team_id").unwrap_or_default(), text("/event/user").unwrap_or_default());
                Ok(incoming(format!("msg:{channel}:{ts}"), team, channel, user, text("/event/text").unwrap_or_default().to_owned()))
            }
            Some("app_uninstalled" | "tokens_revoked") => Ok(Heard::Lifecycle(Lifecycle::Ended {
                installations: vec![WorkspaceId::new(text("/team_id").unwrap_or_default())],
                at: payload["event_time"].as_i64().and_then(|at| Timestamp::from_timestamp(at, 0)).unwrap_or(now),
            })),
            Some("user_change" | "channel_rename") => Ok(Heard::Lifecycle(Lifecycle::Changed)),
            Some(_) => Ok(Heard::Nothing),
            None => Err(Unreadable("an event without a type")),
        },
    }
}
