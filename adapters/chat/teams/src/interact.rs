//! What an invoke needs besides the inbox: dialogs, values for an input, files that someone has agreed to, extensions. What has
//! to survive is in the inbox or in the records before [`answer`] returns.
//!
//! It runs no command: what a form or a click says goes through the inbox like everything else.

mod dialog;
mod extension;
mod search;

pub(crate) use dialog::{ARGUMENT, LINE};
pub(crate) use extension::{ALERT, SAVE};

use crate::Desk;
use crate::click::{self, Click};
use crate::files;
use crate::notes::{self, Kind};
use crate::parse::{Asked, Origin, Trigger};
use crate::{address, send};
use bellhop_core::address::Address;
use bellhop_core::ports::{PortResult, Said};
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// What a person reads whose command or click could not be kept.
pub(crate) const NOT_KEPT: &str =
    "Bellhop could not keep this just now: its database doesn't answer. Nothing was done; please try again in a moment.";
const TOO_OLD: &str = "This button is too old: what it did is no longer known. Please type the command again.";
/// After how long it is shown that something is being done.
const QUIET: Duration = Duration::from_millis(1500);

/// What became of a click.
pub(crate) enum Clicked {
    /// It will be run.
    Taken(String),
    /// It wants a dialog, which only the answer to a request for one can open.
    Dialog,
    /// Nothing, and why.
    Nothing(&'static str),
}

/// Answers an invoke; without a body where it wants none.
///
/// # Errors
/// What was said could not be kept.
pub(crate) async fn answer(desk: &Arc<Desk>, origin: Origin, asked: Asked) -> PortResult<Option<Value>> {
    match asked {
        Asked::Action { trigger: Trigger::Automatic, message, .. } => refreshed(desk, &origin, &message).await.map(Some),
        Asked::Action { data, trigger: Trigger::Manual, .. } => Ok(Some(match clicked(desk, origin, &data).await? {
            Clicked::Taken(what) => message(&what),
            Clicked::Dialog => message("Type the command in the message box, please."),
            Clicked::Nothing(why) => refusal(400, "BadRequest", why),
        })),
        Asked::Fetch { data } => dialog::fetch(desk, &data).await.map(Some),
        Asked::Submit { data, extension } => dialog::submitted(desk, origin, &data, extension).await,
        Asked::Search { dataset, typed } => Ok(Some(search::results(desk, &origin, &dataset, &typed).await)),
        Asked::Consent(consent) => files::answered(desk, &origin, consent).await.map(|()| None),
        Asked::Extension(extension) => extension::open(desk, &extension).await.map(Some),
        Asked::Query => Ok(Some(json!({ "composeExtension": { "type": "result", "attachmentLayout": "list", "attachments": [] } }))),
        Asked::Acknowledge => Ok(Some(json!({}))),
    }
}

/// Takes a click: what it means is in the inbox when this returns.
///
/// # Errors
/// It could not be kept.
pub(crate) async fn clicked(desk: &Arc<Desk>, origin: Origin, data: &Value) -> PortResult<Clicked> {
    let Some(click) = meant(desk, data).await? else { return Ok(Clicked::Nothing(TOO_OLD)) };
    match click {
        Click::Invoke(invoke) => {
            let taken = format!("Taken: {}", bellhop_core::text::shorten(&bellhop_core::text::one_line(&invoke.command), 60));
            accept(desk, origin, Said::Invoke(invoke), Vec::new()).await?;
            Ok(Clicked::Taken(taken))
        }
        Click::Submit { command, attachments } => {
            let answers = dialog::answers(data);
            accept(desk, origin, Said::Form { command: command.clone(), answers }, attachments).await?;
            Ok(Clicked::Taken(format!("Taken: {command}")))
        }
        Click::Line => {
            let line = dialog::line(data);
            accept(desk, origin, Said::Line(line), Vec::new()).await?;
            Ok(Clicked::Taken("Taken".to_owned()))
        }
        Click::Form { .. } | Click::Prefill(_) => Ok(Clicked::Dialog),
        Click::Refresh | Click::Kept(_) => Ok(Clicked::Nothing(TOO_OLD)),
    }
}

/// What a card's data means. What comes from the card itself brings no files: whoever clicks could have written it.
pub(crate) async fn meant(desk: &Desk, data: &Value) -> PortResult<Option<Click>> {
    match Click::read(data) {
        Some(Click::Kept(key)) => {
            let found = desk.ports.records.get(&click::collection(desk.name.as_str()), &key).await?;
            Ok(found.and_then(|value| serde_json::from_value::<Click>(value).ok()))
        }
        Some(Click::Submit { command, .. }) => Ok(Some(Click::Submit { command, attachments: Vec::new() })),
        other => Ok(other),
    }
}

/// Puts something said into the inbox, and shows that it is being done where that takes a while.
pub(crate) async fn accept(desk: &Arc<Desk>, origin: Origin, said: Said, attachments: Vec<bellhop_core::Attachment>) -> PortResult<()> {
    let at = origin.at.clone();
    desk.ports.inbox.accept(origin.says(said, attachments)).await?;
    typing(desk, at);
    Ok(())
}

/// Shows that an answer is being worked on, unless it is there before anyone wonders. Nothing hangs on it.
pub(crate) fn typing(desk: &Arc<Desk>, at: Address) {
    if address::is_channel(at.channel.as_str()) {
        return;
    }
    let desk = desk.clone();
    let since = desk.answered.count(at.channel.as_str());
    aside(async move {
        tokio::time::sleep(QUIET).await;
        if desk.answered.count(at.channel.as_str()) == since {
            send::typing(&desk, &at).await;
        }
    });
}

/// The newest state of a card that asks for it.
async fn refreshed(desk: &Desk, origin: &Origin, message: &str) -> PortResult<Value> {
    let face: Option<Value> = notes::get(desk, Kind::Face, &face_key(origin.at.channel.as_str(), message)).await?;
    Ok(match face {
        Some(card) => json!({ "statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": card }),
        None => refusal(400, "NotKnown", "how this card looks now is no longer known"),
    })
}

/// The key under which a message's look is noted.
pub(crate) fn face_key(conversation: &str, message: &str) -> String {
    format!("{conversation} {message}")
}

fn message(text: &str) -> Value {
    json!({ "statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": text })
}

/// An error in the answer to a card's action.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Value {
    json!({ "statusCode": status, "type": "application/vnd.microsoft.error", "value": { "code": code, "message": message } })
}

/// Runs something whose loss a crash may cause, or that is gone on with at the next start.
pub(crate) fn aside(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "it is bounded by its own calls' time-outs, and what must survive is in the records")]
    drop(tokio::spawn(task));
}
