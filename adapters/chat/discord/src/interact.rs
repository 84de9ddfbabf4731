//! What an interaction is answered with at once: a promise of an answer, a form, values to choose from. What was said is in the inbox
//! before [`answer`] returns; it runs no command.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object>

mod click;
mod menu;
mod submit;
mod suggest;
#[cfg(test)]
mod tests;

use crate::Desk;
use crate::commands::{Filled, filled};
use crate::parse::{self, Origin, field};
use crate::render;
use bellhop_core::call::Attachment;
use bellhop_core::card::{Card, Tone};
use bellhop_core::command::About;
use bellhop_core::form::{Answers, Form};
use bellhop_core::grammar::{self, Misunderstood};
use bellhop_core::ports::{PortResult, Said};
use serde_json::{Value, json};
use std::sync::Arc;

/// The flag of a message that one person sees.
pub(crate) const EPHEMERAL: u64 = 1 << 6;

const PING: u64 = 1;
const COMMAND: u64 = 2;
const COMPONENT: u64 = 3;
const COMPLETION: u64 = 4;
const SUBMITTED: u64 = 5;

/// What a person reads whose command or click could not be kept.
const NOT_KEPT: &str = "Bellhop could not keep this just now: its database doesn't answer. Nothing was done; please try again in a moment.";

/// The body that answers a ping.
pub(crate) fn pong() -> Value {
    json!({ "type": 1 })
}

/// An answer that follows.
fn promise(private: bool) -> Value {
    if private { json!({ "type": 5, "data": { "flags": EPHEMERAL } }) } else { json!({ "type": 5 }) }
}

/// Nothing to be seen: the answer to a click comes as a message.
fn silence() -> Value {
    json!({ "type": 6 })
}

fn modal(data: &Value) -> Value {
    json!({ "type": 9, "data": data })
}

/// A card for one person, at once.
async fn tell(desk: &Desk, origin: &Origin, card: &Card) -> PortResult<Value> {
    let message = render::message(card, &origin.at);
    crate::send::keep_clicks(desk, &message.kept).await?;
    let mut data = message.body();
    data["flags"] = json!(EPHEMERAL);
    Ok(json!({ "type": 4, "data": data }))
}

/// What an interaction is answered with, after it is kept; `None` where it can't be read, and will not be when it comes again.
/// What could not be kept is told to the person.
pub(crate) async fn answer(desk: &Arc<Desk>, payload: &Value) -> Option<Value> {
    let kind = payload.get("type").and_then(Value::as_u64).unwrap_or_default();
    if kind == PING {
        return Some(pong());
    }
    let origin = match parse::origin(payload, &desk.name, desk.ports.clock.now()) {
        Ok(origin) => origin,
        Err(unreadable) => {
            tracing::warn!(chat = %desk.name, %unreadable, "an interaction could not be read and is left");
            return None;
        }
    };
    let data = payload.get("data").unwrap_or(&Value::Null);
    let answered = match kind {
        COMMAND => match data.get("type").and_then(Value::as_u64).unwrap_or(1) {
            1 => slash(desk, origin, data).await,
            _ => menu::chosen(desk, origin, data).await,
        },
        COMPONENT => click::clicked(desk, origin, payload).await,
        COMPLETION => return Some(suggest::completed(desk, &origin, data).await),
        SUBMITTED => submit::submitted(desk, origin, payload).await,
        other => {
            tracing::warn!(chat = %desk.name, kind = other, "an interaction of an unknown type was left");
            return None;
        }
    };
    Some(answered.unwrap_or_else(|error| {
        tracing::error!(chat = %desk.name, %error, "a command or click could not be kept; the person is told");
        metrics::counter!("bellhop_chat_requests_total", "chat" => desk.name.to_string(), "outcome" => "not_kept").increment(1);
        json!({ "type": 4, "data": { "content": NOT_KEPT, "flags": EPHEMERAL, "allowed_mentions": { "parse": [] } } })
    }))
}

async fn slash(desk: &Arc<Desk>, origin: Origin, data: &Value) -> PortResult<Value> {
    match filled(data, &desk.announced(), &desk.name) {
        Filled::Line(line) | Filled::Typing(line) => {
            let private = !understood(desk, &line);
            promised(desk, origin, Said::Line(line), Vec::new(), private).await
        }
        Filled::Unknown(line) => promised(desk, origin, Said::Line(line), Vec::new(), true).await,
        Filled::Command { command, answers, files, .. } => {
            let files = resolved(data, &files);
            if let Some(form) = asks(desk, &command, &answers, &files) {
                return opened(desk, form, &answers, command == PUT && files.is_empty()).await;
            }
            promised(desk, origin, Said::Form { command, answers }, files, false).await
        }
    }
}

/// The command that keeps files.
const PUT: &str = "file put";

/// The form that a command wants first: something is missing, or can't be used.
fn asks(desk: &Desk, command: &str, answers: &Answers, files: &[Attachment]) -> Option<Form> {
    let about = desk.about(command)?;
    if command == PUT && files.is_empty() {
        return Some(grammar::form(&about, answers, None));
    }
    fault(&about, answers).and_then(|(form, _)| form)
}

/// What a command doesn't take of these answers: the form that asks anew, where a form can mend it, and why.
fn fault(about: &About, answers: &Answers) -> Option<(Option<Form>, String)> {
    let words = grammar::words(about, answers);
    let error = about.model.clone().try_get_matches_from(&words).err()?;
    let given = |form: Form| {
        // What was given stays given, also what the words don't tell apart.
        let inputs = form.inputs.into_iter().map(|mut input| {
            if let Some(values) = answers.get(&input.id) {
                input.value = values.join("\n");
            }
            input
        });
        Form { inputs: inputs.collect(), ..form }
    };
    Some(match grammar::refusal(about, &words, &error) {
        Misunderstood::Missing { form, missing, .. } => (Some(given(form)), format!("{} is needed.", missing.join(", "))),
        Misunderstood::Value { form, why, .. } => (Some(given(form)), why),
        Misunderstood::Surplus { typed, usage, .. } => (None, format!("`{typed}` is more than the command takes: {usage}")),
        Misunderstood::Nothing | Misunderstood::Words(_) | Misunderstood::Name { .. } | Misunderstood::Verb { .. } => {
            (None, error.to_string())
        }
    })
}

/// Opens a form.
async fn opened(desk: &Desk, form: Form, answers: &Answers, files: bool) -> PortResult<Value> {
    let (view, kept) = render::form_modal(&form, answers, files);
    crate::send::keep_clicks(desk, kept.as_slice()).await?;
    Ok(modal(&view))
}

/// Whether a line will most likely be answered to all: one that isn't understood is answered to one person.
fn understood(desk: &Desk, line: &str) -> bool {
    let Ok(words) = bellhop_core::tokenise::tokenise(line) else { return false };
    let lower = |at: usize| words.get(at).map(|word| word.trim_start_matches('/').to_lowercase()).unwrap_or_default();
    let (two, one) = (format!("{} {}", lower(0), lower(1)), lower(0));
    let commands = desk.announced();
    let known = |name: &str| commands.iter().find(|about| about.name == name).cloned();
    let Some((about, used)) = known(&two).map(|about| (about, 2)).or_else(|| known(&one).map(|about| (about, 1))) else { return false };
    let rest: Vec<&String> = words[used..].iter().filter(|word| *word != "--yes").collect();
    about.model.clone().try_get_matches_from(rest).is_ok()
}

/// Accepts what was said, and promises its answer.
async fn promised(desk: &Desk, origin: Origin, said: Said, files: Vec<Attachment>, private: bool) -> PortResult<Value> {
    desk.ports.inbox.accept(origin.promised(private).says(said, files)).await?;
    Ok(promise(private))
}

/// Files of options and forms, by id.
fn resolved(data: &Value, files: &[String]) -> Vec<Attachment> {
    files.iter().filter_map(|id| parse::attachment(data.pointer(&format!("/resolved/attachments/{id}"))?, None)).collect()
}

/// The first text of a message, and the rest where there is more.
fn first_line(said: &str, most: usize) -> String {
    let line = said.lines().map(bellhop_core::text::one_line).find(|line| !line.trim().is_empty()).unwrap_or_default();
    bellhop_core::text::shorten(line.trim(), most)
}

fn warning(text: impl Into<String>) -> Card {
    Card::text(text).tone(Tone::Warning)
}

/// The message that an interaction is about, by the ids that it is resolved by.
fn target<'a>(data: &'a Value, what: &str) -> Option<&'a Value> {
    let id = field(data, "/target_id")?;
    data.pointer(&format!("/resolved/{what}/{id}"))
}
