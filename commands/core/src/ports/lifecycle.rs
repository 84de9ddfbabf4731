//! Lifecycle rules of a bucket: what becomes of files as they grow old, in no vendor's words.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// When a lifecycle rule acts on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// This many days after it was written.
    Days(u32),
    /// From this moment on, whatever its age.
    On(Timestamp),
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(1) => f.write_str("after 1 day"),
            Self::Days(days) => write!(f, "after {days} days"),
            Self::On(at) => write!(f, "on {}", at.format("%Y-%m-%d")),
        }
    }
}

/// Which files a lifecycle rule is about: those that fit everything that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleFilter {
    /// Their names begin with it.
    pub prefix: String,
    /// They have these tags.
    pub tags: BTreeMap<String, String>,
    /// They have more bytes than this.
    pub larger_than: Option<u64>,
    /// They have fewer bytes than this.
    pub smaller_than: Option<u64>,
}

/// A move to a cheaper class of storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// When.
    pub when: When,
    /// The class, in the service's spelling.
    pub class: String,
}

/// The end of versions that are no longer current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoncurrentExpiry {
    /// How many days after something newer took their place; at least 1.
    pub days: u32,
    /// How many of the newest of them stay all the same.
    pub keep: Option<u32>,
}

/// What becomes of files as they grow old.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleRule {
    /// Its id, unique in its bucket. A rule without one, which others may have made, has an empty one.
    pub id: String,
    /// Whether it acts.
    pub enabled: bool,
    /// On which files.
    pub filter: LifecycleFilter,
    /// When they are deleted; where versions are kept, that leaves an older version.
    pub expire: Option<When>,
    /// Whether marks of deletions are removed once nothing is behind them.
    pub expire_markers: bool,
    /// Moves of what is current to cheaper classes.
    pub transitions: Vec<Transition>,
    /// When older versions are deleted for good.
    pub expire_noncurrent: Option<NoncurrentExpiry>,
    /// After how many days uploads that were begun and not finished are removed.
    pub abort_incomplete: Option<u32>,
    /// What else the rule does, in words. Such rules are shown and kept, not made.
    pub other: Vec<String>,
}

impl LifecycleRule {
    /// Which files it is about, in words.
    #[must_use]
    pub fn about(&self) -> String {
        let filter = &self.filter;
        let mut words = match filter.prefix.as_str() {
            "" => "every file".to_owned(),
            prefix => format!("files that begin with {prefix}"),
        };
        let mut conditions: Vec<String> = filter.tags.iter().map(|(name, value)| format!("tagged {name}={value}")).collect();
        conditions.extend(filter.larger_than.map(|bytes| format!("over {}", crate::text::bytes(bytes))));
        conditions.extend(filter.smaller_than.map(|bytes| format!("under {}", crate::text::bytes(bytes))));
        for condition in conditions {
            words.push_str(", ");
            words.push_str(&condition);
        }
        words
    }

    /// What it does, a short clause for each thing.
    #[must_use]
    pub fn does(&self) -> Vec<String> {
        let days = |days: u32| if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        let mut does: Vec<String> = Vec::new();
        does.extend(self.expire.map(|when| format!("expire {when}")));
        does.extend(self.expire_noncurrent.map(|expiry| match expiry.keep {
            Some(keep) => format!("delete older versions {} after they were replaced, but for the newest {keep}", days(expiry.days)),
            None => format!("delete older versions {} after they were replaced", days(expiry.days)),
        }));
        does.extend(self.transitions.iter().map(|transition| format!("move to {} {}", transition.class, transition.when)));
        does.extend(self.abort_incomplete.map(|count| format!("remove unfinished uploads after {}", days(count))));
        if self.expire_markers {
            does.push("remove marks of deletions that nothing is behind".to_owned());
        }
        does.extend(self.other.iter().cloned());
        does
    }
}

/// The rules after one is set, and the one that it replaces: one with its id. All others stay as they are, in their order.
#[must_use]
pub fn merged(rules: &[LifecycleRule], rule: LifecycleRule) -> (Vec<LifecycleRule>, Option<LifecycleRule>) {
    let mut after = rules.to_vec();
    if let Some(there) = after.iter_mut().find(|there| !there.id.is_empty() && there.id == rule.id) {
        let before = std::mem::replace(there, rule);
        return (after, Some(before));
    }
    after.push(rule);
    (after, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, days: u32) -> LifecycleRule {
        LifecycleRule { id: id.to_owned(), enabled: true, expire: Some(When::Days(days)), ..LifecycleRule::default() }
    }

    #[test]
    fn setting_a_rule_loses_no_other() {
        let rules = [rule("a", 1), rule("", 2), rule("b", 3)];
        let (after, replaced) = merged(&rules, rule("b", 9));
        assert_eq!(after, [rule("a", 1), rule("", 2), rule("b", 9)]);
        assert_eq!(replaced, Some(rule("b", 3)));
        let (after, replaced) = merged(&rules, rule("c", 9));
        assert_eq!((after.len(), replaced), (4, None));
        // Rules without an id are nobody's to replace.
        assert_eq!(merged(&rules, rule("", 9)).0.len(), 4);
    }

    #[test]
    fn a_rule_says_what_it_does() {
        let mut all = rule("x", 30);
        all.filter = LifecycleFilter {
            prefix: "logs/".to_owned(),
            tags: BTreeMap::from([("keep".to_owned(), "no".to_owned())]),
            larger_than: Some(2048),
            smaller_than: None,
        };
        all.expire_noncurrent = Some(NoncurrentExpiry { days: 1, keep: Some(3) });
        all.transitions = vec![Transition { when: When::Days(1), class: "COLD".to_owned() }];
        all.abort_incomplete = Some(7);
        all.expire_markers = true;
        assert_eq!(all.about(), "files that begin with logs/, tagged keep=no, over 2 KiB");
        assert_eq!(
            all.does(),
            [
                "expire after 30 days",
                "delete older versions 1 day after they were replaced, but for the newest 3",
                "move to COLD after 1 day",
                "remove unfinished uploads after 7 days",
                "remove marks of deletions that nothing is behind",
            ]
        );
        assert_eq!(rule("x", 1).about(), "every file");
    }
}
