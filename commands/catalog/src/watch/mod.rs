//! Watches: metrics that become alerts. Here they are made, shown, tested on the past and removed; the bot checks them when they
//! are due.

pub(crate) mod add;
mod book;
pub(crate) mod list;
mod look;
pub(crate) mod pause;
mod picture;
pub(crate) mod remove;
pub(crate) mod resume;
pub(crate) mod test;
mod typing;

pub use book::{Kept, WatchBook};

use crate::wording::{line, suggest};
use bellhop_core::alert::AlertState;
use bellhop_core::card::ActionStyle;
use bellhop_core::command::Suggestion;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::AlertDesk;
use bellhop_core::watch::{Condition, Misread, Watch};
use bellhop_core::{Action, Call, Card, CommandError, Invoke, Reply, Span, Tone};
use serde::{Deserialize, Serialize};

/// One watch.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct WatchRef {
    /// The watch's name, from `watch list`
    pub name: String,
}

/// The watch of a name.
async fn find(book: &WatchBook, name: &str) -> Result<Watch, CommandError> {
    match book.get(name.trim()).await? {
        Some(watch) => Ok(watch),
        None => Err(unknown(book, name).await),
    }
}

/// There is no watch of that name.
async fn unknown(book: &WatchBook, name: &str) -> CommandError {
    let known: Vec<String> = book.all().await.map(|kept| kept.watches).unwrap_or_default().into_iter().map(|watch| watch.name).collect();
    CommandError::NotFound { what: "watch", name: line(name), nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned) }
}

/// Names to propose.
async fn names(book: &WatchBook, typed: &str, fits: fn(&Watch) -> bool) -> Vec<Suggestion> {
    let Ok(kept) = book.all().await else { return Vec::new() };
    suggest(typed, kept.watches.into_iter().filter(fits).map(|watch| (watch.name, watch.condition.to_string())))
}

/// A condition as it was typed, or what to answer instead: the likely one as a button where a word was mistyped.
fn read(text: &str, again: impl Fn(String) -> Invoke) -> Result<Condition, Box<Answer>> {
    text.parse().map_err(|error: Misread| {
        let why = error.to_string();
        Box::new(match error.corrected {
            None => Answer::Error(CommandError::invalid("condition", format!("{why}; the whole is `{}`", line(text)))),
            Some(corrected) => {
                let card = Card::titled("That condition is not understood")
                    .tone(Tone::Warning)
                    .and_spans(marked(&why))
                    .and_spans(vec!["The whole would be ".into(), crate::wording::code(&corrected), ".".into()])
                    .and_actions(vec![Action::invoke("Yes, that", again(corrected)).style(ActionStyle::Primary)]);
                Answer::Reply(Reply { undone: true, ..Reply::private(card) })
            }
        })
    })
}

/// A text in which what stands between backticks is to be typed.
fn marked(text: &str) -> Vec<Span> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(at, part)| if at % 2 == 1 { crate::wording::code(part) } else { part.into() }).collect()
}

/// What is answered to what can't be read.
enum Answer {
    Reply(Reply),
    Error(CommandError),
}

impl From<Box<Answer>> for Result<Reply, CommandError> {
    fn from(answer: Box<Answer>) -> Self {
        match *answer {
            Answer::Reply(reply) => Ok(reply),
            Answer::Error(error) => Err(error),
        }
    }
}

/// Ends the alerts of a watch that is checked no more; true where one was on.
async fn end_alerts(alerts: &dyn AlertDesk, call: &Call, watch: &Watch) -> Result<bool, CommandError> {
    let mut was_on = false;
    for fingerprint in [watch.fingerprint(), watch.blind_fingerprint()] {
        match alerts.get(fingerprint.as_str()).await {
            Ok(alert) if alert.state != AlertState::Resolved && alert.signal.fingerprint == fingerprint => {
                alerts.resolve(call, &alert.id).await?;
                was_on = true;
            }
            Ok(_) | Err(CommandError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(was_on)
}
