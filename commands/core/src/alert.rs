//! What an alert is, and the machine that changes its state. Pure: the time is given.

use crate::address::Address;
use crate::clock::Timestamp;
use crate::ids::Fingerprint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// It is on, and nobody has taken it.
    Firing,
    /// It is on, and someone takes care of it.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl AlertState {
    /// The word for people and for the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

impl std::str::FromStr for AlertState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "firing" => Ok(Self::Firing),
            "acknowledged" | "acked" => Ok(Self::Acknowledged),
            "resolved" => Ok(Self::Resolved),
            other => Err(format!("`{other}` is no state of an alert; the states are firing, acknowledged and resolved")),
        }
    }
}

/// What a sender reports, in our words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertSignal {
    /// What makes it the same alert.
    pub fingerprint: Fingerprint,
    /// Which kind of sender it came from (`alertmanager`, `generic`).
    pub source: String,
    /// Whether it is on.
    pub firing: bool,
    /// What it is called.
    pub name: String,
    /// How bad it is, as the sender says: `critical`, `warning`, `info`, or anything else.
    pub severity: String,
    /// A sentence about it.
    pub summary: String,
    /// More about it, or empty.
    pub description: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Where to read more, or empty.
    pub url: String,
    /// Since when, by the sender's clock; the moment of `received` where the sender doesn't say.
    pub starts_at: Timestamp,
    /// Until when, by the sender's clock, for one that is over.
    pub ends_at: Option<Timestamp>,
    /// When it arrived.
    pub received: Timestamp,
    /// Where it is shown, where that is settled with the alert itself, as for one that a watch raises. Empty for what senders
    /// report: that goes where routes lead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<Address>,
}

/// An alert as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// A short id to type: the beginning of the fingerprint's hash, unique among kept alerts.
    pub id: String,
    /// What its sender said last.
    pub signal: AlertSignal,
    /// Where it stands.
    pub state: AlertState,
    /// Since when it stands there.
    pub since: Timestamp,
    /// Who has taken it.
    pub taken_by: Option<String>,
    /// Who or what ended it, when it was not its sender.
    pub ended_by: Option<String>,
    /// How many times it has begun to fire.
    pub times: u32,
    /// What happened to it, oldest first, the last [`HISTORY`] things.
    pub history: Vec<AlertEvent>,
}

/// How many events an alert remembers.
pub const HISTORY: usize = 50;

/// Something that happened to an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// When.
    pub at: Timestamp,
    /// What, in a word: `fired`, `acknowledged`, `unacknowledged`, `resolved`.
    pub what: String,
    /// Who, where it was a person.
    pub who: Option<String>,
}

/// Something that may change an alert.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an input lives as long as one call, and nearly all of them are signals")]
pub enum AlertInput {
    /// Its sender reports.
    Signal(AlertSignal),
    /// A person takes it.
    Acknowledge {
        /// Who.
        who: String,
        /// When.
        at: Timestamp,
    },
    /// A person gives it back.
    Unacknowledge {
        /// Who.
        who: String,
        /// When.
        at: Timestamp,
    },
    /// A person ends it.
    Resolve {
        /// Who.
        who: String,
        /// When.
        at: Timestamp,
    },
}

/// What an input did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that a reader of the card would see.
    None,
    /// The card changes, but the alert stands where it stood (new text, another severity).
    Text,
    /// The alert stands somewhere else.
    State,
}

/// Applies an input. `alert` is what is kept, or `None` for a fingerprint never seen. A person's input on nothing does
/// nothing, and so does an end reported for an alert that was never seen to fire: there is no card to change.
///
/// Old news never undoes new: a report that the alert fires, with a start not after one that has been ended, is ignored
/// (senders repeat, and reports arrive out of order); a report of an end from before the present start is ignored too.
#[must_use]
pub fn apply(alert: Option<Alert>, input: AlertInput) -> (Option<Alert>, Change) {
    match (alert, input) {
        (None, AlertInput::Signal(signal)) if signal.firing => (Some(begin(signal)), Change::State),
        (None, _) => (None, Change::None),
        (Some(alert), AlertInput::Signal(signal)) => {
            let (alert, change) = if signal.firing { fires(alert, signal) } else { ends(alert, &signal) };
            (Some(alert), change)
        }
        (Some(mut alert), AlertInput::Acknowledge { who, at }) => match alert.state {
            AlertState::Firing => {
                alert.taken_by = Some(who.clone());
                enter(&mut alert, AlertState::Acknowledged, at, "acknowledged", Some(who));
                (Some(alert), Change::State)
            }
            AlertState::Acknowledged | AlertState::Resolved => (Some(alert), Change::None),
        },
        (Some(mut alert), AlertInput::Unacknowledge { who, at }) => match alert.state {
            AlertState::Acknowledged => {
                alert.taken_by = None;
                enter(&mut alert, AlertState::Firing, at, "unacknowledged", Some(who));
                (Some(alert), Change::State)
            }
            AlertState::Firing | AlertState::Resolved => (Some(alert), Change::None),
        },
        (Some(mut alert), AlertInput::Resolve { who, at }) => match alert.state {
            AlertState::Firing | AlertState::Acknowledged => {
                alert.ended_by = Some(who.clone());
                enter(&mut alert, AlertState::Resolved, at, "resolved", Some(who));
                (Some(alert), Change::State)
            }
            AlertState::Resolved => (Some(alert), Change::None),
        },
    }
}

/// The short id of a fingerprint's alert, from a hash of it given as hexadecimal.
#[must_use]
pub fn short_id(hash: &str) -> String {
    hash.chars().take(8).collect()
}

fn begin(signal: AlertSignal) -> Alert {
    let at = signal.received;
    Alert {
        id: String::new(),
        since: at,
        state: AlertState::Firing,
        taken_by: None,
        ended_by: None,
        times: 1,
        history: vec![AlertEvent { at, what: "fired".into(), who: None }],
        signal,
    }
}

fn fires(mut alert: Alert, mut signal: AlertSignal) -> (Alert, Change) {
    match alert.state {
        AlertState::Firing | AlertState::Acknowledged => {
            // A sender that gives no start means "now" by every repetition: it is still the same firing.
            if signal.starts_at == signal.received {
                signal.starts_at = alert.signal.starts_at;
            }
            if signal.starts_at < alert.signal.starts_at {
                return (alert, Change::None);
            }
            let change = if visible_difference(&alert.signal, &signal) { Change::Text } else { Change::None };
            alert.signal = signal;
            (alert, change)
        }
        AlertState::Resolved => {
            // The same firing, repeated or late: it has been ended.
            if signal.starts_at <= alert.signal.starts_at {
                return (alert, Change::None);
            }
            let at = signal.received;
            alert.signal = signal;
            alert.taken_by = None;
            alert.ended_by = None;
            alert.times += 1;
            enter(&mut alert, AlertState::Firing, at, "fired", None);
            (alert, Change::State)
        }
    }
}

fn ends(mut alert: Alert, signal: &AlertSignal) -> (Alert, Change) {
    let stale = signal.starts_at < alert.signal.starts_at && signal.ends_at.is_none_or(|end| end <= alert.signal.starts_at);
    if stale {
        return (alert, Change::None);
    }
    // An end may overtake the firing that it ends. That firing is old news when it comes, so its start is remembered.
    alert.signal.starts_at = alert.signal.starts_at.max(signal.starts_at);
    if alert.state == AlertState::Resolved {
        return (alert, Change::None);
    }
    let at = signal.received;
    alert.signal.firing = false;
    alert.signal.ends_at = signal.ends_at;
    enter(&mut alert, AlertState::Resolved, at, "resolved", None);
    (alert, Change::State)
}

fn enter(alert: &mut Alert, state: AlertState, at: Timestamp, what: &str, who: Option<String>) {
    alert.state = state;
    alert.since = at;
    alert.history.push(AlertEvent { at, what: what.into(), who });
    let surplus = alert.history.len().saturating_sub(HISTORY);
    alert.history.drain(..surplus);
}

fn visible_difference(old: &AlertSignal, new: &AlertSignal) -> bool {
    old.name != new.name
        || old.severity != new.severity
        || old.summary != new.summary
        || old.description != new.description
        || old.url != new.url
        || old.labels != new.labels
        || old.starts_at != new.starts_at
}

#[cfg(test)]
#[path = "alert_tests.rs"]
mod tests;
