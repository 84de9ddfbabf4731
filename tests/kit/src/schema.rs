//! A validator of JSON schemas, as far as vendors' schemas of manifests use them. A keyword or pattern that it doesn't know ends the
//! test, so that nothing is taken for valid that wasn't looked at.

use serde_json::{Value, json};

/// What is wrong with a value by a schema, each with where it stands.
///
/// # Panics
/// Where the schema uses what this validator doesn't know.
#[must_use]
pub fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    judge(schema, schema, value, "", &mut problems);
    problems
}

#[expect(clippy::panic, reason = "a schema that can't be read makes a test wrong")]
fn judge(root: &Value, rule: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    let mut wrong = |what: String| problems.push(format!("{at}: {what}"));
    let Some(rules) = rule.as_object() else { panic!("{at}: no schema") };
    let number = |name: &str| rules.get(name).and_then(Value::as_u64);
    if let Some(target) = rules.get("$ref").and_then(Value::as_str) {
        let rule = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return judge(root, rule.unwrap_or_else(|| panic!("{at}: no rule at {target}")), value, at, problems);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if rules.get("type").is_some_and(|wanted| wanted != kind) {
        return wrong(format!("a {kind}, where {} is wanted", rules["type"]));
    }
    if let Some(only) = rules.get("const")
        && only != value
    {
        wrong(format!("{value}, where {only} is wanted"));
    }
    if let Some(allowed) = rules.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        wrong(format!("{value} is none of {allowed:?}"));
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        if number("maxLength").is_some_and(|most| length > most) || number("minLength").is_some_and(|least| length < least) {
            wrong(format!("{length} characters"));
        }
        if let Some(pattern) = rules.get("pattern").and_then(Value::as_str)
            && !fits(pattern, text)
        {
            wrong(format!("`{text}` does not fit {pattern}"));
        }
    }
    if let Some(items) = value.as_array() {
        let length = items.len() as u64;
        if number("maxItems").is_some_and(|most| length > most) || number("minItems").is_some_and(|least| length < least) {
            wrong(format!("{length} items"));
        }
        if rules.get("uniqueItems") == Some(&json!(true)) && items.iter().enumerate().any(|(number, item)| items[..number].contains(item)) {
            wrong("an item twice".into());
        }
        if let Some(rule) = rules.get("items") {
            items.iter().enumerate().for_each(|(number, item)| judge(root, rule, item, &format!("{at}/{number}"), problems));
        }
    }
    if let Some(members) = value.as_object() {
        for required in rules.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(required) {
                problems.push(format!("{at}: {required} is missing"));
            }
        }
        for (name, member) in members {
            match rules.get("properties").and_then(|properties| properties.get(name)) {
                Some(rule) => judge(root, rule, member, &format!("{at}/{name}"), problems),
                None if rules.get("additionalProperties") == Some(&json!(false)) => problems.push(format!("{at}: {name} is unknown")),
                None => {}
            }
        }
    }
    for unread in ["anyOf", "oneOf", "allOf", "not", "if", "patternProperties", "minimum", "maximum"] {
        assert!(!rules.contains_key(unread), "{at}: this validator doesn't know {unread}");
    }
}

/// The patterns that occur where our manifests have text.
#[expect(clippy::panic, reason = "a pattern that isn't known makes a test wrong")]
fn fits(pattern: &str, text: &str) -> bool {
    match pattern {
        "^\\/" => text.starts_with('/'),
        "^https?:\\/\\/" => text.starts_with("http://") || text.starts_with("https://"),
        "^(?![\\.\\-])([-a-z0-9\\.])+([a-z0-9])$" => {
            let fine = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '.');
            text.len() >= 2 && text.chars().all(fine) && !text.starts_with(['.', '-']) && !text.ends_with(['.', '-'])
        }
        "^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$" => {
            let parts: Vec<&str> = text.split('-').collect();
            parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
        }
        "^[Hh][Tt][Tt][Pp][Ss]?://" => {
            let lower = text.to_lowercase();
            lower.starts_with("http://") || lower.starts_with("https://")
        }
        "^#[0-9a-fA-F]{6}$" => text.strip_prefix('#').is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_hexdigit())),
        other => panic!("this validator doesn't know the pattern {other}"),
    }
}
