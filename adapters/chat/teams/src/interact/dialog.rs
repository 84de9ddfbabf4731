//! Dialogs: forms that a button opens, and what was filled in. What its command doesn't take is said at the question, while the
//! dialog is still open.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/task-modules-bots>

use super::{accept, meant};
use crate::Desk;
use crate::click::Click;
use crate::parse::Origin;
use crate::render;
use crate::send::keep_clicks;
use bellhop_core::call::Attachment;
use bellhop_core::command::About;
use bellhop_core::form::{Answers, Form};
use bellhop_core::grammar::{self, Misunderstood};
use bellhop_core::ports::{PortResult, Said};
use serde_json::{Value, json};
use std::sync::Arc;

/// What stands before an argument's id in the id of its input.
pub(crate) const ARGUMENT: &str = "arg:";
/// The input in which a line is typed.
pub(crate) const LINE: &str = "line";
const NONE: &str = "This dialog can't be opened: what it asks for is not known. Please type the command in the message box.";

/// Opens the dialog that a button asks for.
///
/// # Errors
/// What it carries could not be read or kept.
pub(super) async fn fetch(desk: &Desk, data: &Value) -> PortResult<Value> {
    match meant(desk, data).await? {
        Some(Click::Form { command, answers }) => match desk.about(&command) {
            Some(about) => form(desk, &grammar::form(&about, &answers, None), &about, &[]).await,
            None => Ok(said(NONE)),
        },
        Some(Click::Prefill(line)) => Ok(continues("Run a command", &render::line_card(&line))),
        _ => Ok(said(NONE)),
    }
}

/// The dialog of a form.
pub(super) async fn form(desk: &Desk, form: &Form, about: &About, attachments: &[Attachment]) -> PortResult<Value> {
    let click = Click::Submit { command: form.command.clone(), attachments: attachments.to_vec() };
    let (carried, kept) = click.carried();
    keep_clicks(desk, kept.as_slice()).await?;
    let title = bellhop_core::text::shorten(about.summary, 60);
    Ok(continues(&title, &render::form_card(form, &carried)))
}

/// Takes a dialog that was filled in: it closes when what it says is in the inbox, and stays open where something is wrong.
///
/// # Errors
/// It could not be kept.
pub(super) async fn submitted(desk: &Arc<Desk>, origin: Origin, data: &Value, extension: bool) -> PortResult<Option<Value>> {
    let close = |()| if extension { Some(json!({})) } else { None };
    match meant(desk, data).await? {
        Some(Click::Submit { command, attachments }) => {
            let mut answers = answers(data);
            // While the bot still starts it has no commands: the answers are judged when the command is run.
            if let Some(about) = desk.about(&command) {
                split(&about, &mut answers);
                if let Some(problem) = problem(&about, &answers) {
                    return form(desk, &problem, &about, &attachments).await.map(Some);
                }
            }
            accept(desk, origin, Said::Form { command, answers }, attachments).await.map(close)
        }
        Some(Click::Line) => accept(desk, origin, Said::Line(line(data)), Vec::new()).await.map(close),
        _ => Ok(Some(said(NONE))),
    }
}

/// The answers among a dialog's inputs.
pub(super) fn answers(data: &Value) -> Answers {
    let members = data.as_object().into_iter().flatten();
    let given = members.filter_map(|(id, value)| {
        let id = id.strip_prefix(ARGUMENT)?;
        let value = match value {
            Value::String(text) => bellhop_core::text::visible(text),
            Value::Bool(true) => "true".to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!value.trim().is_empty()).then(|| (id.to_owned(), vec![value]))
    });
    given.collect()
}

/// The line that was typed; `help` for none.
pub(super) fn line(data: &Value) -> String {
    let line = data.get(LINE).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if line.is_empty() { "help".to_owned() } else { bellhop_core::text::visible(line) }
}

/// Several lines are several values where the argument takes several.
fn split(about: &About, answers: &mut Answers) {
    for arg in about.model.get_arguments().filter(|arg| grammar::many(arg)) {
        if let Some(values) = answers.get_mut(arg.get_id().as_str()) {
            let lines = values.iter().flat_map(|value| value.lines()).map(str::trim).filter(|line| !line.is_empty());
            *values = lines.map(str::to_owned).collect();
        }
    }
}

/// The form with what the command doesn't take, where there is something.
fn problem(about: &About, answers: &Answers) -> Option<Form> {
    let words = grammar::words(about, answers);
    let error = about.model.clone().try_get_matches_from(&words).err()?;
    match grammar::refusal(about, &words, &error) {
        Misunderstood::Missing { form, .. } => {
            let missing = form.inputs.iter().find(|input| input.required && input.value.trim().is_empty())?.id.clone();
            Some(grammar::form(about, answers, Some((&missing, "This is needed."))))
        }
        Misunderstood::Value { form, why, .. } => {
            let at = form.inputs.iter().find(|input| input.problem.is_some()).map(|input| input.id.clone())?;
            Some(grammar::form(about, answers, Some((&at, &why))))
        }
        // Nothing in the dialog could be at fault: the command's own answer says what is wrong.
        _ => None,
    }
}

/// A dialog that shows a card.
pub(super) fn continues(title: &str, card: &Value) -> Value {
    let card = json!({ "contentType": render::CONTENT_TYPE, "content": card });
    json!({ "task": { "type": "continue", "value": { "title": title, "height": "medium", "width": "medium", "card": card } } })
}

/// A dialog that only says something.
pub(super) fn said(text: &str) -> Value {
    json!({ "task": { "type": "message", "value": text } })
}
