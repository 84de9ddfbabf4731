//! Arguments of a Web API call: a form with JSON in its fields, or JSON where the method takes it, or a query.

use super::state::Refusal;
pub(super) use crate::args::{form, pairs};
use serde_json::{Map, Value, json};

/// What a call was given, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Args {
    map: Map<String, Value>,
}

impl Args {
    /// Of a form or a query: every value is text.
    pub(super) fn form(text: &[u8]) -> Self {
        let map = pairs(text).into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        Self { map }
    }

    /// Of a JSON body.
    pub(super) fn json(body: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(body) {
            // Null means the argument's default (https://docs.slack.dev/apis/web-api/).
            Ok(Value::Object(map)) => Ok(Self { map: map.into_iter().filter(|(_, value)| !value.is_null()).collect() }),
            Ok(_) => Err("json_not_object".into()),
            Err(_) => Err("invalid_json".into()),
        }
    }

    pub(super) fn merge(&mut self, more: Self) {
        self.map.extend(more.map);
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(String::as_str)
    }

    /// Text, taken out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.map.remove(name).and_then(|value| value.as_str().map(str::to_owned))
    }

    /// Text, or a number as text. Empty text is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.map.get(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(super) fn need(&self, name: &str) -> Result<String, Refusal> {
        self.text(name).ok_or_else(|| Refusal::messages("invalid_arguments", &[format!("[ERROR] missing required field: {name}")]))
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        match self.map.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.as_str(), "1" | "true" | "True"),
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Refusal::messages("invalid_arguments", &[format!("[ERROR] must be an integer [json-pointer:/{name}]")])),
            },
        }
    }

    /// A complex argument: JSON as text in a form, JSON itself in a JSON body. `Err` is the text that is no JSON.
    pub(super) fn complex(&self, name: &str) -> Result<Option<Value>, String> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| text.clone()),
            Some(value) => Ok(Some(value.clone())),
        }
    }

    /// A list of ids: separated by commas, or a JSON array.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        match self.map.get(name) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) => text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

/// A page of a list, from a cursor: the items, and what the answer says about the next page.
pub(super) fn page<T>(list: Vec<T>, args: &Args, most: usize, empty: bool) -> Result<(Vec<T>, Value), Refusal> {
    let limit = match args.number("limit")? {
        None | Some(0) => 100,
        Some(limit) if (1..=1000).contains(&limit) => usize::try_from(limit).unwrap_or(100),
        Some(_) => return Err("invalid_limit".into()),
    };
    let (start, skipped) = match args.text("cursor") {
        None => (0, false),
        Some(cursor) => {
            let inner =
                cursor.strip_prefix("dGVhbTpD").and_then(|rest| rest.strip_suffix('=')).ok_or_else(|| Refusal::from("invalid_cursor"))?;
            let (at, skipped) = inner.split_once('z').ok_or_else(|| Refusal::from("invalid_cursor"))?;
            (at.parse::<usize>().map_err(|_| Refusal::from("invalid_cursor"))?, skipped == "1")
        }
    };
    let cursor = |at: usize, skipped: bool| json!({ "next_cursor": format!("dGVhbTpD{at}z{}=", u8::from(skipped)) });
    let total = list.len();
    if start > 0 && start < total && empty && !skipped {
        return Ok((Vec::new(), cursor(start, true)));
    }
    let size = limit.min(most.max(1));
    let items: Vec<T> = list.into_iter().skip(start).take(size).collect();
    let end = start + items.len();
    Ok((items, if end < total { cursor(end, false) } else { json!({ "next_cursor": "" }) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_smaller_than_asked_and_may_be_empty() {
        let all: Vec<u32> = (0..5).collect();
        let mut args = Args::form(b"limit=200");
        let mut seen = Vec::new();
        let mut sizes = Vec::new();
        loop {
            let (items, more) = page(all.clone(), &args, 2, true).unwrap();
            sizes.push(items.len());
            seen.extend(items);
            let cursor = more["next_cursor"].as_str().unwrap().to_owned();
            if cursor.is_empty() {
                break;
            }
            args = Args::form(form(&[("limit", "200"), ("cursor", &cursor)]).as_bytes());
        }
        assert_eq!((seen, sizes), (all, vec![2, 0, 2, 0, 1]));
        assert_eq!(page(vec![1], &Args::form(b"cursor=x"), 2, false), Err("invalid_cursor".into()));
        assert_eq!(page(vec![1], &Args::form(b"limit=1001"), 2, false), Err("invalid_limit".into()));
    }
}
