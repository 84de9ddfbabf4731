//! Values for an input while it is typed into.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/dynamic-search>

use crate::Desk;
use crate::parse::Origin;
use crate::render::DATASET;
use bellhop_core::command::Suggestion;
use bellhop_core::grammar;
use serde_json::{Value, json};
use std::time::Duration;

/// How long values may take: they are shown to someone who is typing.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The most values that are shown.
const MOST: usize = 15;

/// What may be meant, and what was typed itself, so that it can always be chosen.
pub(super) async fn results(desk: &Desk, origin: &Origin, dataset: &str, typed: &str) -> Value {
    let mut found = match dataset.split_once(DATASET) {
        Some((command, argument)) => {
            let asked = desk.ports.completer.choices(&origin.from, &origin.at, command, argument, typed);
            let proposed = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_default();
            if proposed.is_empty() { few(desk, command, argument, typed) } else { proposed }
        }
        None => Vec::new(),
    };
    if !typed.trim().is_empty() && !found.iter().any(|one| one.value == typed) {
        found.insert(0, Suggestion { value: typed.to_owned(), about: "as typed".to_owned() });
    }
    let title = |one: &Suggestion| if one.about.is_empty() { one.value.clone() } else { format!("{} \u{b7} {}", one.value, one.about) };
    let results: Vec<Value> = found.iter().take(MOST).map(|one| json!({ "value": one.value, "title": title(one) })).collect();
    json!({ "statusCode": 200, "type": "application/vnd.microsoft.search.searchResponse", "value": { "results": results } })
}

/// The values that an argument can have by the grammar.
fn few(desk: &Desk, command: &str, argument: &str, typed: &str) -> Vec<Suggestion> {
    let Some(about) = desk.about(command) else { return Vec::new() };
    let typed = typed.to_lowercase();
    let arg = about.model.get_arguments().find(|arg| arg.get_id().as_str() == argument);
    let fits = arg.map(grammar::possible).unwrap_or_default().into_iter().filter(|value| value.to_lowercase().contains(&typed));
    fits.map(|value| Suggestion { value, about: String::new() }).collect()
}
