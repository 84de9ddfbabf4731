//! Alerts: what their commands share.

pub(crate) mod ack;
pub(crate) mod card;
pub(crate) mod list;
pub(crate) mod raise;
pub(crate) mod resolve;
pub(crate) mod show;
pub(crate) mod unack;

use crate::wording::suggest;
use bellhop_core::alert::AlertState;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{AlertDesk, AlertFilter};
use serde::{Deserialize, Serialize};

/// One alert.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct AlertRef {
    /// The alert's id, or its name where only one has it
    pub id: String,
}

/// How many alerts are looked through for proposals.
const PROPOSED_FROM: usize = 200;

/// Alerts in these states, to propose while an id is typed: by id, and found by name too.
async fn complete(desk: &dyn AlertDesk, states: &[AlertState], typed: &str) -> Vec<Suggestion> {
    let Ok(alerts) = desk.list(&AlertFilter { states: states.to_vec(), limit: PROPOSED_FROM }).await else { return Vec::new() };
    let lower = typed.to_lowercase();
    let by_name = alerts.iter().filter(|alert| !typed.is_empty() && alert.signal.name.to_lowercase().contains(&lower));
    let by_name: Vec<Suggestion> = by_name.map(|alert| Suggestion { value: alert.id.clone(), about: alert.signal.name.clone() }).collect();
    let mut found = suggest(typed, alerts.iter().map(|alert| (alert.id.clone(), alert.signal.name.clone())));
    found.extend(by_name.into_iter().filter(|one| !alerts.iter().any(|alert| alert.id == one.value && alert.id.contains(typed))));
    found
}
