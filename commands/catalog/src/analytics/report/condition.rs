//! Conditions of a report, as they are typed.

use crate::wording::line;
use bellhop_core::analytics::Filter;
use serde::{Deserialize, Serialize};

/// A condition as it is typed: `NAME=VALUE`, or `NAME!=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition(Filter);

impl Condition {
    /// As a source is asked.
    pub(super) fn filter(&self) -> Filter {
        self.0.clone()
    }
}

impl std::str::FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no condition; write country=DE, or country!=DE", line(text));
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let (name, not) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
        if name.is_empty() {
            return Err(wrong());
        }
        Ok(Self(Filter { property: name.to_owned(), not, value: value.to_owned() }))
    }
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Filter { property, not, value } = &self.0;
        write!(f, "{property}{}={value}", if *not { "!" } else { "" })
    }
}
