//! Opens modals. Slack lets a click open one within three seconds, once; what came too late is offered again as a message
//! with a button, whose click opens it. <https://docs.slack.dev/surfaces/modals>

use super::{Opens, Origin, tell};
use crate::Desk;
use crate::click::ViewMeta;
use crate::render;
use crate::wire::{Failure, Method};
use bellhop_core::card::{Action, Block, Card, Tone};
use bellhop_core::form::Answers;
use bellhop_core::grammar;
use bellhop_core::{PortError, PortErrorKind};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const VIEWS_OPEN: Method = Method { name: "views.open", operation: "open form", per_minute: 100, safe: false };
const PERMALINK: Method = Method { name: "chat.getPermalink", operation: "permalink", per_minute: 0, safe: true };
/// How long a trigger can be used.
const TRIGGER: Duration = Duration::from_secs(3);
/// How long an address of the message is waited for: the form matters more.
const LINK: Duration = Duration::from_millis(700);
/// The command that raises an alert.
const RAISE: &str = "alert raise";

/// Opens the form that raises an alert, with what is known of the message that it is made of.
pub(super) async fn raise(desk: Arc<Desk>, origin: Origin, title: String, text: String, message: Option<String>) {
    let mut answers = Answers::new();
    for (argument, said) in [("name", title), ("summary", text)] {
        if !said.is_empty() {
            answers.insert(argument.to_owned(), vec![said]);
        }
    }
    if let Some(ts) = message {
        let args = json!({ "channel": origin.at.channel.as_str(), "message_ts": ts });
        let asked = tokio::time::timeout(LINK, desk.api.call::<Value>(&origin.at.workspace, PERMALINK, &args)).await;
        let url = asked.ok().and_then(Result::ok).and_then(|answer| Some(answer.get("permalink")?.as_str()?.to_owned()));
        answers.extend(url.map(|url| ("url".to_owned(), vec![url])));
    }
    open(desk, origin, Opens::Form { command: RAISE.to_owned(), answers }).await;
}

/// Opens a modal, or tells the person why not.
pub(super) async fn open(desk: Arc<Desk>, origin: Origin, opens: Opens) {
    let meta = meta(&origin, &opens);
    let (view, again) = match &opens {
        Opens::Form { command, answers } => {
            let Some(about) = desk.about(command) else {
                let card = Card::text(format!("This bot has no command `{command}` just now. Type `help` to see what there is."));
                return tell::privately(desk, origin, card.tone(Tone::Warning)).await;
            };
            let form = grammar::form(&about, answers, None);
            (render::form_view(&form, &meta, command), Some(Block::Form(form)))
        }
        Opens::Line(line) => (render::line_view(&meta, line), Some(Block::Actions(vec![Action::prefill("Try again", line)]))),
        Opens::Save => (render::save_view(&meta, ""), None),
    };
    let Err(failure) = views_open(&desk, &origin, &view).await else { return };
    let late =
        failure.is(&["expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"]) || failure.error.kind == PortErrorKind::TimedOut;
    if !late {
        tracing::warn!(chat = %desk.name, error = %failure.error, "a form could not be opened");
    }
    let why = if late { "Slack gave too little time to open the form." } else { "Slack didn't open the form." };
    let card = Card::text(format!("{why} Please try again.")).tone(Tone::Warning);
    tell::privately(desk, origin, again.into_iter().fold(card, Card::block)).await;
}

async fn views_open(desk: &Desk, origin: &Origin, view: &Value) -> Result<(), Failure> {
    let reply = origin.reply();
    let late = |what: &str| Failure::from(PortError::new(PortErrorKind::TimedOut, desk.api.wire().service(), VIEWS_OPEN.operation, what));
    let Some(trigger) = reply.trigger_id else { return Err(late("Slack sent nothing that a form can be opened with")) };
    let since = (desk.ports.clock.now() - origin.received).to_std().unwrap_or_default();
    let left = TRIGGER.checked_sub(since).filter(|left| !left.is_zero()).ok_or_else(|| late("three seconds were over"))?;
    let args = json!({ "trigger_id": trigger, "view": view });
    let called = tokio::time::timeout(left, desk.api.call::<Value>(&origin.at.workspace, VIEWS_OPEN, &args)).await;
    called.unwrap_or_else(|_| Err(late("three seconds were over"))).map(|_| ())
}

/// What the modal has to know when it is submitted. In the person's own conversation it asks where the answer goes.
fn meta(origin: &Origin, opens: &Opens) -> ViewMeta {
    let own = origin.at.channel.as_str() == origin.from.user.as_str();
    let command = match opens {
        Opens::Form { command, .. } => command.clone(),
        Opens::Save => "file put".to_owned(),
        Opens::Line(_) => String::new(),
    };
    let reply = origin.reply();
    ViewMeta {
        command,
        channel: if own { String::new() } else { origin.at.channel.as_str().to_owned() },
        thread: origin.at.thread.as_ref().map(|thread| thread.as_str().to_owned()),
        response_url: reply.response_url.map(|url| (url, reply.received.unwrap_or(origin.received).timestamp())),
    }
}
