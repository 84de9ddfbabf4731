//! Adaptive Cards as Teams takes them: version 1.5, what elements and actions there are and what each may have.
//!
//! <https://adaptivecards.io/explorer/>, <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format>

mod shape;
#[cfg(test)]
mod tests;

use serde_json::Value;

/// What is wrong with a card; nothing for a good one.
pub(super) fn check(card: &Value) -> Vec<String> {
    shape::card(card)
}

/// The elements and actions of a card, with those that stand in others, in reading order. Cards behind `Action.ShowCard` come after
/// their action.
pub(super) fn walk<'a>(card: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
    visit(card);
    for name in ["selectAction", "body", "items", "columns", "rows", "cells", "images", "inlines", "inlineAction", "actions", "card"] {
        match &card[name] {
            Value::Array(all) => all.iter().for_each(|one| walk(one, visit)),
            one @ Value::Object(_) => walk(one, visit),
            _ => {}
        }
    }
}

/// The actions that a person can press: shown ones, in reading order.
pub(super) fn actions(card: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    walk(card, &mut |one| {
        if one["type"].as_str().is_some_and(|kind| kind.starts_with("Action.")) {
            found.push(one.clone());
        }
    });
    found
}

/// The inputs of a card.
pub(super) fn inputs(card: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    walk(card, &mut |one| {
        if one["type"].as_str().is_some_and(|kind| kind.starts_with("Input.")) {
            found.push(one.clone());
        }
    });
    found
}
