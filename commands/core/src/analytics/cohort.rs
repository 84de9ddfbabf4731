//! Cohorts that are told by what people did, as against lists of people.

use super::query::{EventMatch, Window};
use serde::{Deserialize, Serialize};

/// Who is in a cohort: whoever fits all rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortDefinition {
    /// The rules, at least one of them with `did`.
    pub rules: Vec<CohortRule>,
}

/// What people did, or didn't do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CohortRule {
    /// Whether they did it; false for those who didn't do it as often.
    pub did: bool,
    /// What.
    pub event: EventMatch,
    /// How often at least, from 1.
    pub times: u32,
    /// When.
    pub during: During,
}

/// A period, fixed or moving with the time of asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum During {
    /// A fixed one.
    Window(Window),
    /// The last so many days of the zone, the present one included.
    LastDays {
        /// How many, from 1.
        days: u32,
        /// The zone.
        zone: chrono_tz::Tz,
    },
    /// At any time until now.
    Ever,
}
