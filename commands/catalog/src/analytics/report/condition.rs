//! Conditions of a report, as they are typed.

use crate::wording::line;
use bellhop_core::analytics::{Comparison, Filter};
use serde::{Deserialize, Serialize};

/// How comparisons are typed.
const SIGNS: [(&str, Comparison); 10] = [
    ("=", Comparison::Is),
    ("!=", Comparison::IsNot),
    ("~", Comparison::Contains),
    ("!~", Comparison::NotContains),
    ("<", Comparison::Less),
    ("<=", Comparison::AtMost),
    (">", Comparison::More),
    (">=", Comparison::AtLeast),
    ("?", Comparison::Set),
    ("!?", Comparison::NotSet),
];

/// A condition as it is typed: `NAME=VALUE`, `NAME!=VALUE`, and so on as [`SIGNS`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition(Filter);

impl Condition {
    /// As a source is asked.
    pub(crate) fn filter(&self) -> Filter {
        self.0.clone()
    }
}

impl std::str::FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is no condition; write country=DE, country!=DE, path~docs, path!~docs, amount>10, amount<=10, plan? or plan!?",
                line(text)
            )
        };
        // The first sign decides; of those that begin at one place, the longest.
        let found = SIGNS.iter().filter_map(|(sign, op)| text.find(sign).map(|at| (at, *sign, *op)));
        let (at, sign, op) = found.min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len()))).ok_or_else(wrong)?;
        let (name, value) = (&text[..at], &text[at + sign.len()..]);
        let needs_none = matches!(op, Comparison::Set | Comparison::NotSet);
        if name.is_empty() || needs_none && !value.is_empty() {
            return Err(wrong());
        }
        Ok(Self(Filter { property: name.to_owned(), op, value: value.to_owned() }))
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
        let Filter { property, op, value } = &self.0;
        let sign = SIGNS.iter().find(|(_, known)| known == op).map_or("=", |(sign, _)| sign);
        write!(f, "{property}{sign}{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_and_written_alike() {
        for (text, property, op, value) in [
            ("country=DE", "country", Comparison::Is, "DE"),
            ("country!=DE", "country", Comparison::IsNot, "DE"),
            ("q=a<b", "q", Comparison::Is, "a<b"),
            ("amount>=10", "amount", Comparison::AtLeast, "10"),
            ("amount<10", "amount", Comparison::Less, "10"),
            ("path~/docs?x=1", "path", Comparison::Contains, "/docs?x=1"),
            ("path!~docs", "path", Comparison::NotContains, "docs"),
            ("plan?", "plan", Comparison::Set, ""),
            ("plan!?", "plan", Comparison::NotSet, ""),
            ("empty=", "empty", Comparison::Is, ""),
        ] {
            let read: Condition = text.parse().unwrap();
            assert_eq!(read.filter(), Filter { property: property.into(), op, value: value.into() }, "{text}");
            assert_eq!(read.to_string(), text);
        }
        for wrong in ["", "country", "=DE", "plan?x"] {
            assert!(wrong.parse::<Condition>().is_err(), "{wrong}");
        }
    }
}
