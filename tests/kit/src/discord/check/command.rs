//! Application commands. <https://docs.discord.com/developers/interactions/application-commands>

use super::Problems;
use serde_json::Value;
use std::collections::BTreeSet;

/// Names, descriptions and values of a command together.
const MOST: usize = 8000;
const OPTIONS: &[u64] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
/// The largest whole number that all clients can say.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// Letters, digits, and what the vendor's pattern allows beside them.
fn good_name(name: &str) -> bool {
    let letter = |c: char| {
        let marks = matches!(u32::from(c), 0x0900..=0x097f | 0x0e00..=0x0e7f);
        matches!(c, '-' | '_' | '\'') || c.is_alphanumeric() || marks
    };
    let length = name.chars().count();
    (1..=32).contains(&length) && name.chars().all(letter) && !name.chars().any(char::is_uppercase)
}

/// Looks at a command; where it is changed, what it doesn't say stays.
pub(in crate::discord) fn command(problems: &mut Problems, value: &Value) {
    let kind = problems.choice(value, "type", &[1, 2, 3, 4], false).unwrap_or(1);
    if kind == 1 {
        name(problems, value);
        problems.text(value, "description", 1, 100, true);
        options(problems, value, 0);
    } else {
        problems.text(value, "name", 1, 32, true);
        if value["description"].as_str().is_some_and(|text| !text.is_empty()) {
            problems.add("description", "APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED", "Context menu commands cannot have description");
        }
        if value["options"].as_array().is_some_and(|list| !list.is_empty()) {
            problems.add("options", "APPLICATION_COMMAND_OPTIONS_NOT_ALLOWED", "Context menu commands cannot have options");
        }
    }
    for (list, known) in [("contexts", &[0_u64, 1, 2][..]), ("integration_types", &[0, 1][..])] {
        for (n, one) in value[list].as_array().into_iter().flatten().enumerate() {
            if one.as_u64().is_none_or(|number| !known.contains(&number)) {
                problems.add(&format!("{list}.{n}"), "BASE_TYPE_CHOICES", "Value is not one of those known.");
            }
        }
    }
    match &value["default_member_permissions"] {
        Value::Null => {}
        Value::String(text) if text.parse::<u64>().is_ok() => {}
        other => problems.add("default_member_permissions", "PERMISSION_TYPE_COERCE", &format!("{other} is no permission bit set")),
    }
    problems.flag(value, "nsfw");
    if size(value) > MOST {
        problems.add("", "APPLICATION_COMMAND_TOO_LARGE", &format!("Command exceeds maximum size ({MOST})"));
    }
}

fn size(value: &Value) -> usize {
    let own = |name: &str| value[name].as_str().map_or(0, |text| text.chars().count());
    let inner = ["options", "choices"].into_iter().filter_map(|name| value[name].as_array()).flatten().map(size).sum::<usize>();
    own("name") + own("description") + own("value") + inner
}

fn name(problems: &mut Problems, value: &Value) {
    if let Some(name) = problems.text(value, "name", 1, 32, true)
        && !good_name(name)
    {
        problems.add("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
}

fn options(problems: &mut Problems, value: &Value, depth: u8) {
    let list = problems.list(value, "options", 0, 25);
    let mut names = BTreeSet::new();
    let mut optional = false;
    let nested = list.iter().filter(|one| matches!(one["type"].as_u64(), Some(1 | 2))).count();
    if nested > 0 && nested < list.len() {
        problems.add(
            "options",
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command and sub-command group option types are mutually exclusive to all other types",
        );
    }
    for (n, option) in list.iter().enumerate() {
        problems.within(format!("options.{n}"), |problems| {
            let Some(kind) = problems.choice(option, "type", OPTIONS, true) else { return };
            name(problems, option);
            problems.text(option, "description", 1, 100, true);
            if let Some(name) = option["name"].as_str()
                && !names.insert(name)
            {
                problems.add("name", "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists");
            }
            let allowed = match kind {
                1 => depth <= 1,
                2 => depth == 0,
                _ => true,
            };
            if !allowed {
                problems.add("type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command option types are nested too deep");
                return;
            }
            if kind <= 2 {
                let inner = if kind == 2 { 1 } else { 2 };
                options(problems, option, inner);
                return;
            }
            let required = option["required"].as_bool().unwrap_or(false);
            problems.flag(option, "required");
            if required && optional {
                problems.add(
                    "",
                    "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                    "Required options must be placed before non-required options",
                );
            }
            optional |= !required;
            one(problems, option, kind);
        });
    }
}

fn one(problems: &mut Problems, option: &Value, kind: u64) {
    let choices = problems.list(option, "choices", 0, 25);
    let completes = option["autocomplete"].as_bool() == Some(true);
    if !matches!(kind, 3 | 4 | 10) {
        for name in ["choices", "autocomplete"] {
            if option[name].as_array().is_some_and(|list| !list.is_empty()) || option[name].as_bool() == Some(true) {
                problems.add(name, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Only text and numbers have that");
            }
        }
    }
    if completes && !choices.is_empty() {
        problems.add("autocomplete", "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES", "Autocomplete cannot be set if choices are present");
    }
    let mut names = BTreeSet::new();
    for (n, choice) in choices.iter().enumerate() {
        problems.within(format!("choices.{n}"), |problems| {
            if let Some(name) = problems.text(choice, "name", 1, 100, true)
                && !names.insert(name)
            {
                problems.add("name", "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS", "Option choice name already exists");
            }
            value(problems, &choice["value"], kind, "value");
        });
    }
    if kind == 3 {
        problems.number(option, "min_length", 0, 6000);
        problems.number(option, "max_length", 1, 6000);
    }
    if matches!(kind, 4 | 10) {
        for name in ["min_value", "max_value"] {
            if !option[name].is_null() {
                value(problems, &option[name], kind, name);
            }
        }
    }
}

/// A value of a choice, in a command or in an answer to somebody who types.
pub(in crate::discord) fn value(problems: &mut Problems, value: &Value, kind: u64, name: &str) {
    let good = match kind {
        3 => value.as_str().is_some_and(|text| (1..=100).contains(&text.chars().count())),
        4 => value.as_i64().is_some() && value.as_f64().is_some_and(|number| number.abs() <= SAFE),
        10 => value.as_f64().is_some_and(|number| number.abs() <= SAFE),
        _ => true,
    };
    if !good {
        problems.add(name, "APPLICATION_COMMAND_OPTIONS_CHOICE_VALUE_INVALID", &format!("{value} is no value of this option's type"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wrong(command_body: &Value) -> bool {
        let mut problems = Problems::default();
        command(&mut problems, command_body);
        problems.done().is_err()
    }

    #[test]
    fn commands_are_as_the_vendor_wants_them() {
        let option = |name: &str, kind: u64| json!({ "name": name, "description": "d", "type": kind });
        assert!(!wrong(
            &json!({ "name": "file", "description": "Files", "options": [{ "name": "get", "description": "d", "type": 1, "options": [option("name", 3)] }] })
        ));
        assert!(!wrong(&json!({ "name": "Save to storage", "type": 3 })));
        for bad in [
            json!({ "name": "File", "description": "d" }),
            json!({ "name": "a b", "description": "d" }),
            json!({ "name": "a" }),
            json!({ "name": "a", "description": "" }),
            json!({ "name": "a", "description": "x".repeat(101) }),
            json!({ "name": "a", "description": "d", "options": [option("x", 3), option("x", 3)] }),
            json!({ "name": "a", "description": "d", "options": [option("x", 3), option("y", 1)] }),
            json!({ "name": "a", "description": "d", "options": [option("x", 3), { "name": "y", "description": "d", "type": 3, "required": true }] }),
            json!({ "name": "a", "description": "d", "options": [{ "name": "y", "description": "d", "type": 3, "autocomplete": true, "choices": [{ "name": "c", "value": "c" }] }] }),
            json!({ "name": "Save", "type": 3, "description": "no" }),
        ] {
            assert!(wrong(&bad), "{bad}");
        }
    }
}
