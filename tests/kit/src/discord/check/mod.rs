//! What Discord refuses: bodies are looked at as a whole, and everything that is wrong is said with its path.
//!
//! <https://docs.discord.com/developers/reference#error-messages>

pub(super) mod command;
pub(super) mod components;
pub(super) mod embed;
pub(super) mod message;
pub(super) mod modal;

use super::api::Fault;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

/// What is wrong with a body.
#[derive(Clone, Debug, Default)]
pub(super) struct Problems {
    errors: Map<String, Value>,
    path: Vec<String>,
}

impl Problems {
    /// Something is wrong at this place below the current one; an empty name for the current one itself.
    pub(super) fn add(&mut self, name: &str, code: &str, message: &str) {
        let mut at = &mut self.errors;
        let inner = name.split('.').filter(|part| !part.is_empty()).map(str::to_owned);
        for part in self.path.iter().cloned().chain(inner) {
            let next = at.entry(part).or_insert_with(|| json!({}));
            let Value::Object(next) = next else { return };
            at = next;
        }
        if let Value::Array(list) = at.entry("_errors").or_insert_with(|| json!([])) {
            list.push(json!({ "code": code, "message": message }));
        }
    }

    /// Looks at what is in there.
    pub(super) fn within(&mut self, name: impl std::fmt::Display, look: impl FnOnce(&mut Self)) {
        let parts: Vec<String> = name.to_string().split('.').map(str::to_owned).collect();
        let depth = self.path.len();
        self.path.extend(parts);
        look(self);
        self.path.truncate(depth);
    }

    pub(super) fn done(&self) -> Result<(), Fault> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let body = json!({ "message": "Invalid Form Body", "code": 50035, "errors": self.errors });
        Err(Fault::Refused { status: StatusCode::BAD_REQUEST, body })
    }

    pub(super) fn required(&mut self, name: &str) {
        self.add(name, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// A text of this length; `None` where it is absent or null.
    pub(super) fn text<'a>(&mut self, value: &'a Value, name: &str, least: usize, most: usize, needed: bool) -> Option<&'a str> {
        match &value[name] {
            Value::Null => {
                if needed {
                    self.required(name);
                }
                None
            }
            Value::String(text) => {
                let length = text.chars().count();
                if length == 0 && least > 0 && needed {
                    self.required(name);
                } else if length < least || length > most {
                    let message = if least == 0 {
                        format!("Must be {most} or fewer in length.")
                    } else {
                        format!("Must be between {least} and {most} in length.")
                    };
                    let code = if least == 0 { "BASE_TYPE_MAX_LENGTH" } else { "BASE_TYPE_BAD_LENGTH" };
                    self.add(name, code, &message);
                }
                Some(text)
            }
            other => {
                self.add(name, "STRING_TYPE_CONVERT", &format!("Could not interpret \"{other}\" as string."));
                None
            }
        }
    }

    pub(super) fn number(&mut self, value: &Value, name: &str, least: i64, most: i64) -> Option<i64> {
        let given = &value[name];
        if given.is_null() {
            return None;
        }
        let number = given.as_i64().or_else(|| given.as_str().and_then(|text| text.parse().ok()));
        match number {
            None => self.add(name, "NUMBER_TYPE_COERCE", &format!("Value \"{given}\" is not int.")),
            Some(number) if number < least => {
                self.add(name, "NUMBER_TYPE_MIN", &format!("int value should be greater than or equal to {least}."));
            }
            Some(number) if number > most => {
                self.add(name, "NUMBER_TYPE_MAX", &format!("int value should be less than or equal to {most}."));
            }
            Some(_) => {}
        }
        number
    }

    pub(super) fn flag(&mut self, value: &Value, name: &str) {
        if !value[name].is_null() && !value[name].is_boolean() {
            self.add(name, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
        }
    }

    /// A list of at most so many things.
    pub(super) fn list<'a>(&mut self, value: &'a Value, name: &str, least: usize, most: usize) -> &'a [Value] {
        match &value[name] {
            Value::Null => {
                if least > 0 {
                    self.required(name);
                }
                &[]
            }
            Value::Array(list) => {
                if list.len() < least || list.len() > most {
                    let message = if least == 0 {
                        format!("Must be {most} or fewer in length.")
                    } else {
                        format!("Must be between {least} and {most} in length.")
                    };
                    let code = if least == 0 { "BASE_TYPE_MAX_LENGTH" } else { "BASE_TYPE_BAD_LENGTH" };
                    self.add(name, code, &message);
                }
                list
            }
            _ => {
                self.add(name, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
                &[]
            }
        }
    }

    /// One of these.
    pub(super) fn choice(&mut self, value: &Value, name: &str, known: &[u64], needed: bool) -> Option<u64> {
        let given = &value[name];
        if given.is_null() {
            if needed {
                self.required(name);
            }
            return None;
        }
        let number = given.as_u64().filter(|number| known.contains(number));
        if number.is_none() {
            let list: Vec<String> = known.iter().map(u64::to_string).collect();
            self.add(name, "BASE_TYPE_CHOICES", &format!("Value must be one of {{{}}}.", list.join(", ")));
        }
        number
    }

    /// An address with one of these schemes.
    pub(super) fn address(&mut self, value: &Value, name: &str, schemes: &[&str], most: usize) {
        let Some(text) = self.text(value, name, 0, most, false) else { return };
        let good = text.split_once("://").is_some_and(|(scheme, rest)| {
            schemes.contains(&scheme) && !rest.is_empty() && !rest.contains(char::is_whitespace) && !rest.starts_with(['/', '?', '#'])
        });
        if !good && !text.is_empty() {
            let list: Vec<String> = schemes.iter().map(|scheme| format!("'{scheme}'")).collect();
            self.add(name, "URL_TYPE_INVALID_URL", &format!("Not a well formed URL. Scheme must be one of ({}).", list.join(", ")));
        }
    }
}

/// Fields that a body has and its route doesn't know, by their names.
pub(super) fn unknown<'a>(value: &'a Value, known: &'a [&str]) -> impl Iterator<Item = &'a str> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).filter(|name| !known.contains(name))
}
