//! The methods that Slack has asked to be left alone, by workspace, and until when. Kept in the records, so that no process
//! that shares them calls too early, a new one after a restart included.

use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::{ChatName, WorkspaceId};
use bellhop_core::ports::Records;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Methods that are not to be called for a while.
pub(super) struct Blocked {
    collection: String,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    /// What this process has heard itself: it holds even when the records can't be reached.
    heard: Mutex<HashMap<String, Timestamp>>,
}

impl Blocked {
    /// The notes of one connection.
    pub(super) fn new(chat: &ChatName, records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self { collection: format!("slack/{chat}/blocked"), records, clock, heard: Mutex::default() }
    }

    /// How long a method still has to be left alone; `None` when it may be called.
    pub(super) async fn remaining(&self, workspace: &WorkspaceId, method: &str) -> Option<Duration> {
        let key = key(workspace, method);
        let now = self.clock.now();
        let here = self.heard().get(&key).copied();
        let there = match self.records.get(&self.collection, &key).await {
            Ok(kept) => kept.as_ref().and_then(until),
            Err(error) => {
                tracing::debug!(%error, method, "whether another process was told to wait is not known");
                None
            }
        };
        let until = here.into_iter().chain(there).max()?;
        if until <= now {
            self.heard().remove(&key);
            if there.is_some()
                && let Err(error) = self.records.remove(&self.collection, &key).await
            {
                tracing::debug!(%error, method, "a wait that is over stays in the records");
            }
            return None;
        }
        (until - now).to_std().ok()
    }

    /// Nobody calls this method in this workspace for so long.
    pub(super) async fn block(&self, workspace: &WorkspaceId, method: &'static str, pause: Duration) {
        let key = key(workspace, method);
        let now = self.clock.now();
        let mut until = now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(1));
        {
            let mut heard = self.heard();
            heard.retain(|_, until| *until > now);
            until = heard.get(&key).map_or(until, |there| until.max(*there));
            heard.insert(key.clone(), until);
        }
        tracing::info!(%workspace, method, ?pause, "Slack asked to wait");
        metrics::counter!("bellhop_slack_waits_total", "method" => method).increment(1);
        if let Err(error) = self.records.put(&self.collection, &key, &json!({ "until": until.timestamp_millis() })).await {
            tracing::warn!(%error, method, "that Slack asked to wait could not be kept; only this process knows");
        }
    }

    fn heard(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(workspace: &WorkspaceId, method: &str) -> String {
    format!("{workspace}/{method}")
}

fn until(kept: &Value) -> Option<Timestamp> {
    Timestamp::from_timestamp_millis(kept.get("until")?.as_i64()?)
}
