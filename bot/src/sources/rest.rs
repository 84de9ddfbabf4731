//! When a service has said that it is of no use to ask before a certain time, it isn't asked before: kept in the database, so
//! that replicas and `say` leave it alone too. It is told apart by the kind of question, since services have allowances of
//! their own for each, and by how much is asked for: what asks for less may still fit into what is left, and is not held back.

use bellhop_core::clock::Timestamp;
use bellhop_core::error::{PortError, PortErrorKind, Retry};
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{PortResult, Records};
use bellhop_core::text::{one_line, shorten};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest that a service is believed.
const MOST: TimeDelta = TimeDelta::days(31);

/// Why a service isn't asked, and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// Until then.
    pub until: Timestamp,
    /// In the service's or its adapter's words.
    pub why: String,
    /// What weighs less is asked all the same.
    weight: i64,
}

impl Rest {
    /// The refusal that stands for asking.
    pub fn refusal(&self, service: &str, operation: &'static str, now: Timestamp) -> PortError {
        let wait = (self.until - now).to_std().unwrap_or_default();
        let message = format!("{}; it is not asked before {} UTC", self.why, self.until.format("%Y-%m-%d %H:%M"));
        PortError::new(PortErrorKind::RateLimited, service, operation, message).after(wait)
    }
}

/// What is noted about one source.
#[derive(Clone)]
pub(super) struct Rests {
    records: Arc<dyn Records>,
    collection: String,
}

fn collection(source: &SourceName) -> String {
    format!("source_rests/{source}")
}

impl Rests {
    /// Those of a source.
    pub fn new(records: Arc<dyn Records>, source: &SourceName) -> Self {
        Self { records, collection: collection(source) }
    }

    /// Whether a question of this kind and weight has to wait.
    pub async fn now(&self, lane: &str, weight: i64, now: Timestamp) -> Option<Rest> {
        let kept = self.records.get(&self.collection, lane).await.ok().flatten()?;
        let rest: Rest = serde_json::from_value(kept).ok()?;
        (now < rest.until && weight >= rest.weight).then_some(rest)
    }

    /// Learns from how asking ended: a time to come back is kept, and a success ends what was noted before.
    pub async fn learn(&self, lane: &str, weight: i64, failed: Option<&PortError>, now: Timestamp) {
        let noted = match failed {
            Some(PortError { retry: Retry::After(pause), message, .. }) => {
                let pause = TimeDelta::from_std(*pause).unwrap_or(MOST).min(MOST);
                let rest = Rest { until: now + pause, why: shorten(&one_line(message), 300), weight };
                match serde_json::to_value(rest) {
                    Ok(value) => self.records.put(&self.collection, lane, &value).await,
                    Err(_) => Ok(()),
                }
            }
            Some(_) => Ok(()),
            // A lighter question that went well says nothing about heavier ones.
            None => match self.records.get(&self.collection, lane).await {
                Ok(Some(kept)) if serde_json::from_value(kept.clone()).is_ok_and(|rest: Rest| weight < rest.weight && now < rest.until) => {
                    Ok(())
                }
                Ok(Some(_)) => self.records.remove(&self.collection, lane).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            },
        };
        if let Err(error) = noted {
            tracing::debug!(%error, "how long a source wants to be left alone can't be noted");
        }
    }
}

/// Why a source isn't asked just now, where that is so: the rest that lasts longest.
///
/// # Errors
/// As the database fails.
pub async fn resting(records: &dyn Records, source: &SourceName, now: Timestamp) -> PortResult<Option<(String, Timestamp)>> {
    let rows = records.after(&collection(source), None, 50).await?;
    let rests = rows.into_iter().filter_map(|row| serde_json::from_value::<Rest>(row.value).ok());
    Ok(rests.filter(|rest| now < rest.until).max_by_key(|rest| rest.until).map(|rest| (rest.why, rest.until)))
}
