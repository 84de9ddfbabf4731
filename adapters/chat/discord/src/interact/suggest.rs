//! Values to choose from while an option is typed. What was typed is always taken too, so that nothing has to be proposed.

use crate::Desk;
use crate::commands::{Argument, Filled, filled};
use crate::parse::Origin;
use bellhop_core::command::Suggestion;
use bellhop_core::grammar;
use bellhop_core::text::{one_line, shorten};
use serde_json::{Value, json};
use std::time::Duration;

/// How long live values may take: Discord waits three seconds, and someone is typing.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The most choices, and the most characters of one.
const CHOICES: usize = 25;
const LONGEST: usize = 100;

/// The answer to a request for completion.
pub(super) async fn completed(desk: &Desk, origin: &Origin, data: &Value) -> Value {
    let choices = match filled(data, &desk.announced(), &desk.name) {
        Filled::Typing(line) => lines(desk, origin, &line).await,
        Filled::Command { command, focused: Some((argument, typed)), .. } => values(desk, origin, &command, &argument, &typed).await,
        _ => Vec::new(),
    };
    json!({ "type": 8, "data": { "choices": choices } })
}

async fn values(desk: &Desk, origin: &Origin, command: &str, argument: &Argument, typed: &str) -> Vec<Value> {
    // Where several values can be given, the last word is being typed.
    let (before, last) = match typed.rsplit_once(' ') {
        Some((before, last)) if argument.words => (format!("{before} "), last),
        _ => (String::new(), typed),
    };
    let asked = desk.ports.completer.choices(&origin.from, &origin.at, command, &argument.id, last);
    let mut found = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_default();
    if found.is_empty() {
        found = few(desk, command, &argument.id, last);
    }
    choices(found.into_iter().map(|one| Suggestion { value: format!("{before}{}", one.value), ..one }))
}

/// The values that an argument can have by the grammar.
fn few(desk: &Desk, command: &str, argument: &str, typed: &str) -> Vec<Suggestion> {
    let Some(about) = desk.about(command) else { return Vec::new() };
    let typed = typed.to_lowercase();
    let arg = about.model.get_arguments().find(|arg| arg.get_id().as_str() == argument);
    let fits = arg.map(grammar::possible).unwrap_or_default().into_iter().filter(|value| value.to_lowercase().contains(&typed));
    fits.map(|value| Suggestion { value, about: String::new() }).collect()
}

/// A line under the root: each choice is the whole line.
async fn lines(desk: &Desk, origin: &Origin, line: &str) -> Vec<Value> {
    let asked = desk.ports.completer.complete(&origin.from, &origin.at, line);
    let completion = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_default();
    let kept = line.get(..line.len().saturating_sub(completion.replaces)).unwrap_or(line);
    choices(completion.suggestions.into_iter().map(|one| Suggestion { value: format!("{kept}{}", one.value), ..one }))
}

fn choices(found: impl Iterator<Item = Suggestion>) -> Vec<Value> {
    let mut seen: Vec<String> = Vec::new();
    let mut choices = Vec::new();
    for Suggestion { value, about } in found {
        // A shortened value would be another one.
        if value.trim().is_empty() || value.chars().count() > LONGEST || seen.contains(&value) || choices.len() == CHOICES {
            continue;
        }
        let about = one_line(&about);
        let shown = if about.trim().is_empty() { one_line(&value) } else { format!("{} \u{b7} {}", one_line(&value), about.trim()) };
        choices.push(json!({ "name": shorten(&shown, LONGEST), "value": value }));
        seen.push(value);
    }
    choices
}
