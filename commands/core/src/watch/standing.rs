//! How a watch stands: what single findings come to. The state machine knows neither clocks nor alerts.

use super::Verdict;
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// After so many checks in a row that can't tell, that itself is worth an alert.
pub const UNKNOWN_CHECKS: u32 = 4;

/// How a watch stands after a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How many checks in a row found the condition to hold; those that couldn't tell are left out.
    pub streak: u32,
    /// Since when the watch fires.
    pub firing_since: Option<Timestamp>,
    /// How many checks in a row couldn't tell.
    pub unknown: u32,
    /// Since when it can't tell for long.
    pub blind_since: Option<Timestamp>,
    /// The beginning of what this very check ended: it fires no more.
    pub quieted: Option<Timestamp>,
    /// The beginning of what this very check ended: it can tell again.
    pub seeing: Option<Timestamp>,
}

impl Standing {
    /// How it stands after one more check, made at `at`, when `checks` in a row are needed to fire.
    #[must_use]
    pub fn after(self, verdict: &Verdict, checks: u32, at: Timestamp) -> Self {
        let before = Self { quieted: None, seeing: None, ..self };
        match verdict {
            // Not knowing says nothing about the metric: what fires goes on firing, and what is quiet stays quiet.
            Verdict::Unknown(_) => {
                let unknown = before.unknown.saturating_add(1);
                let blind_since = before.blind_since.or_else(|| (unknown >= UNKNOWN_CHECKS).then_some(at));
                Self { unknown, blind_since, ..before }
            }
            Verdict::Firing(_) => {
                let streak = before.streak.saturating_add(1);
                let firing_since = before.firing_since.or_else(|| (streak >= checks).then_some(at));
                Self { streak, firing_since, unknown: 0, blind_since: None, quieted: None, seeing: before.blind_since }
            }
            Verdict::Quiet(_) => Self { quieted: before.firing_since, seeing: before.blind_since, ..Self::default() },
        }
    }
}
