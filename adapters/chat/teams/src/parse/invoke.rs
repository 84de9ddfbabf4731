//! Invokes: what is answered in the response itself, within seconds.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/universal-actions-for-adaptive-cards/work-with-universal-actions-for-adaptive-cards>

use super::{Activity, Heard, Unreadable, text};
use bellhop_core::call::Attachment;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::ChatName;
use serde_json::Value;

/// Why a card asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Someone has clicked.
    Manual,
    /// The card wants to be up to date.
    Automatic,
}

/// What is asked.
#[derive(Debug)]
pub(crate) enum Asked {
    /// A card's button.
    Action {
        /// What the card sent, inputs included.
        data: Value,
        /// Why.
        trigger: Trigger,
        /// The message that is clicked.
        message: String,
    },
    /// A dialog is wanted.
    Fetch {
        /// What the button sent.
        data: Value,
    },
    /// A dialog was filled in.
    Submit {
        /// Its inputs.
        data: Value,
        /// Whether it was opened by an extension: that is answered otherwise.
        extension: bool,
    },
    /// Values for an input that is typed into.
    Search {
        /// What the input asks by.
        dataset: String,
        /// What is typed.
        typed: String,
    },
    /// What someone has said to a file that was offered.
    Consent(Consent),
    /// An extension was chosen for a message.
    Extension(Box<Extension>),
    /// Answered with nothing, whatever it says.
    Acknowledge,
    /// A list that an extension shows: there is none.
    Query,
}

/// What someone has said to a file that was offered.
#[derive(Debug)]
pub(crate) struct Consent {
    /// Whether they want it.
    pub accepted: bool,
    /// What we said with the offer.
    pub key: String,
    /// Where it is to be put.
    pub upload: Value,
    /// The message that offered it, as Teams knows it.
    pub message: String,
}

/// An extension that was chosen.
#[derive(Debug)]
pub(crate) struct Extension {
    /// Which.
    pub command: String,
    /// The message's text.
    pub text: String,
    /// The message's files.
    pub attachments: Vec<Attachment>,
    /// Where people see the message.
    pub link: Option<String>,
    /// Who said it, and when: a name for its text as a file.
    pub message: String,
}

pub(super) fn heard(activity: &Activity<'_>, chat: &ChatName, now: Timestamp) -> Result<Heard, Unreadable> {
    let name = activity.text("/name").ok_or(Unreadable { member: "/name" })?;
    let null = Value::Null;
    let value = activity.value.get("value").unwrap_or(&null);
    let data = |path: &str| value.pointer(path).cloned().unwrap_or_default();
    let asked = match name {
        "adaptiveCard/action" => Asked::Action {
            data: data("/action/data"),
            trigger: if text(value, "/trigger") == Some("automatic") { Trigger::Automatic } else { Trigger::Manual },
            message: activity.text("/replyToId").unwrap_or_default().to_owned(),
        },
        "task/fetch" => Asked::Fetch { data: data("/data") },
        "task/submit" => Asked::Submit { data: data("/data"), extension: false },
        "composeExtension/submitAction" => Asked::Submit { data: data("/data"), extension: true },
        "composeExtension/fetchTask" => Asked::Extension(Box::new(extension(activity, value))),
        "composeExtension/query" => Asked::Query,
        "application/search" => Asked::Search {
            dataset: text(value, "/dataset").unwrap_or_default().to_owned(),
            typed: text(value, "/queryText").unwrap_or_default().to_owned(),
        },
        "fileConsent/invoke" => Asked::Consent(Consent {
            accepted: text(value, "/action") == Some("accept"),
            key: text(value, "/context/bellhop").unwrap_or_default().to_owned(),
            upload: data("/uploadInfo"),
            message: activity.text("/replyToId").unwrap_or_default().to_owned(),
        }),
        "signin/verifyState" | "signin/tokenExchange" | "signin/failure" | "message/submitAction" => Asked::Acknowledge,
        other => return Ok(Heard::Unserved(other.to_owned())),
    };
    let conversation = activity.conversation().ok_or(Unreadable { member: "/conversation/id" })?;
    let id = activity.text("/id").ok_or(Unreadable { member: "/id" })?;
    let origin = activity.origin(format!("inv:{conversation}:{id}"), chat, now)?;
    Ok(Heard::Invoke { origin: Box::new(origin), asked })
}

fn extension(activity: &Activity<'_>, value: &Value) -> Extension {
    let message = value.get("messagePayload").cloned().unwrap_or_default();
    let html = text(&message, "/body/contentType") == Some("html");
    let body = text(&message, "/body/content").unwrap_or_default();
    Extension {
        command: text(value, "/commandId").unwrap_or_default().to_owned(),
        text: if html { plain(body) } else { body.to_owned() },
        attachments: super::files::of_message(&message, activity.tenant()),
        link: text(&message, "/linkToMessage").map(str::to_owned),
        message: text(&message, "/id").unwrap_or_default().to_owned(),
    }
}

/// The words of a message's HTML: elements go, and what begins a line begins one.
fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let Some((tag, after)) = rest[at + 1..].split_once('>') else {
            rest = &rest[at..];
            break;
        };
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if matches!(name, "br" | "p" | "div" | "li" | "tr") && !out.ends_with('\n') && !out.is_empty() {
            out.push('\n');
        }
        rest = after;
    }
    out.push_str(rest);
    super::text::typed(&out, &[], "")
}
