//! Forms. <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-modal>

use super::Problems;
use super::components::select;
use serde_json::Value;
use std::collections::BTreeSet;

/// Looks at a form; returns what is out of date in it.
pub(in crate::discord) fn modal(problems: &mut Problems, data: &Value) -> bool {
    problems.text(data, "custom_id", 1, 100, true);
    problems.text(data, "title", 1, 45, true);
    let list = problems.list(data, "components", 1, 5);
    let mut ids = BTreeSet::new();
    let mut old = false;
    for (n, component) in list.iter().enumerate() {
        problems.within(format!("components.{n}"), |problems| match problems.choice(component, "type", &[1, 10, 18], true) {
            Some(1) => {
                old = true;
                let inner = problems.list(component, "components", 1, 1);
                for (n, one) in inner.iter().enumerate() {
                    problems.within(format!("components.{n}"), |problems| {
                        if problems.choice(one, "type", &[4], true).is_some() {
                            problems.text(one, "label", 1, 45, true);
                            input(problems, one, &mut ids);
                        }
                    });
                }
            }
            Some(18) => {
                problems.text(component, "label", 1, 45, true);
                problems.text(component, "description", 0, 100, false);
                let inner = &component["component"];
                if inner.is_null() {
                    problems.required("component");
                } else {
                    problems.within("component", |problems| labelled(problems, inner, &mut ids));
                }
            }
            Some(_) => {
                problems.text(component, "content", 1, 4000, true);
            }
            None => {}
        });
    }
    old
}

fn labelled(problems: &mut Problems, inner: &Value, ids: &mut BTreeSet<String>) {
    match problems.choice(inner, "type", &[3, 4, 5, 6, 7, 8, 19, 21, 22, 23], true) {
        Some(4) => {
            if !inner["label"].is_null() {
                problems.add("label", "UNION_TYPE_CHOICES", "A text input in a label has no label of its own");
            }
            input(problems, inner, ids);
        }
        Some(19) => {
            problems.number(inner, "min_values", 0, 10);
            problems.number(inner, "max_values", 1, 10);
            problems.flag(inner, "required");
            own_id(problems, inner, ids);
        }
        Some(kind @ (21 | 22)) => {
            let least = if kind == 21 { 2 } else { 1 };
            let options = problems.list(inner, "options", least, 10);
            for (n, option) in options.iter().enumerate() {
                problems.within(format!("options.{n}"), |problems| {
                    problems.text(option, "label", 1, 100, true);
                    problems.text(option, "value", 1, 100, true);
                    problems.text(option, "description", 0, 100, false);
                });
            }
            own_id(problems, inner, ids);
        }
        Some(23) => own_id(problems, inner, ids),
        Some(kind) => {
            select(problems, inner, kind);
            if inner["disabled"].as_bool() == Some(true) {
                problems.add("disabled", "COMPONENT_DISABLED_IN_MODAL", "A select in a form cannot be disabled");
            }
            own_id(problems, inner, ids);
        }
        None => {}
    }
}

fn own_id(problems: &mut Problems, component: &Value, ids: &mut BTreeSet<String>) {
    if let Some(id) = problems.text(component, "custom_id", 1, 100, true)
        && !ids.insert(id.to_owned())
    {
        problems.add("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated");
    }
}

fn input(problems: &mut Problems, inner: &Value, ids: &mut BTreeSet<String>) {
    problems.choice(inner, "style", &[1, 2], true);
    let least = problems.number(inner, "min_length", 0, 4000);
    let most = problems.number(inner, "max_length", 1, 4000);
    if least.unwrap_or(0) > most.unwrap_or(4000) {
        problems.add("min_length", "TEXT_INPUT_MIN_LENGTH_GREATER_THAN_MAX_LENGTH", "The minimum is over the maximum");
    }
    problems.flag(inner, "required");
    problems.text(inner, "placeholder", 0, 100, false);
    let given = problems.text(inner, "value", 0, 4000, false);
    if let (Some(given), Some(most)) = (given, most)
        && usize::try_from(most).is_ok_and(|most| given.chars().count() > most)
    {
        problems.add("value", "BASE_TYPE_MAX_LENGTH", &format!("Must be {most} or fewer in length."));
    }
    own_id(problems, inner, ids);
}
