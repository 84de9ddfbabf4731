//! A watch and its checks as they are kept, and when it is checked. Where they are kept is nobody's business here.

use super::{Condition, Standing, Verdict};
use crate::address::{Address, UserRef};
use crate::clock::Timestamp;
use crate::ids::{CallId, Fingerprint};
use crate::period::Span;
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A watch as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// What makes it the same watch; its alert's fingerprint follows from it.
    pub id: String,
    /// Its name, as people type it.
    pub name: String,
    /// When it fires.
    pub condition: Condition,
    /// How often it is checked.
    pub every: Span,
    /// The zone that its days are cut in.
    pub zone: Tz,
    /// How bad it is when it fires: `critical`, `warning`, `info`.
    pub severity: String,
    /// Where its alert is shown.
    pub to: Address,
    /// Who made it.
    pub owner: UserRef,
    /// Their name, for showing.
    pub owner_name: String,
    /// When it was made.
    pub made: Timestamp,
    /// From when on it is checked: when it was made, or resumed last. What was found before counts no more.
    pub since: Timestamp,
    /// Since when it is paused.
    pub paused: Option<Timestamp>,
    /// The call that made it: the same call, run again, makes no second one.
    pub by: CallId,
}

/// The longest that a watch is held back, so that not all of one rhythm are checked in the same moment.
const JITTER: TimeDelta = TimeDelta::seconds(60);

impl Watch {
    /// When it is checked next after a moment: on a grid from when it was made, a little late by an amount that is its own.
    #[must_use]
    pub fn due_after(&self, after: Timestamp) -> Timestamp {
        let every = TimeDelta::from_std(self.every.0).unwrap_or(TimeDelta::days(1)).max(TimeDelta::seconds(1));
        let first = self.since + self.jitter(every);
        if after < first {
            return first;
        }
        let (past, step) = ((after - first).num_milliseconds(), every.num_milliseconds());
        first + TimeDelta::milliseconds((past / step + 1) * step)
    }

    /// When it is checked for the first time.
    #[must_use]
    pub fn first_due(&self) -> Timestamp {
        self.due_after(self.since - TimeDelta::milliseconds(1))
    }

    /// What makes its alert the same alert.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new(format!("watch/{}", self.id))
    }

    /// The same for the alert that says that it can't tell for long.
    #[must_use]
    pub fn blind_fingerprint(&self) -> Fingerprint {
        Fingerprint::new(format!("watch/{}/blind", self.id))
    }

    /// When it is checked next, after its last check.
    #[must_use]
    pub fn due(&self, last: Option<&Check>) -> Timestamp {
        last.map_or_else(|| self.first_due(), |last| self.due_after(last.at.max(last.due)))
    }

    fn jitter(&self, every: TimeDelta) -> TimeDelta {
        let most = (every / 10).min(JITTER).num_milliseconds().unsigned_abs();
        // FNV-1a: ids that differ in one letter are spread all the same.
        let hash = self.id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        TimeDelta::milliseconds(i64::try_from((hash >> 16) % most.max(1)).unwrap_or(0))
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// When it was due.
    pub due: Timestamp,
    /// When it was made.
    pub at: Timestamp,
    /// What was found.
    pub verdict: Verdict,
    /// How the watch stands after it.
    pub standing: Standing,
}
