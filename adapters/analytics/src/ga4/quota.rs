//! The property's allowances: read from every answer, kept for replicas and restarts, and respected.
//!
//! Once an allowance is used up, every request is refused until it renews; asking all the same would only count as errors. Two
//! processes that learn at once keep what the later one saw: the figures are Google's own, so nothing adds up wrongly.
//!
//! Source: <https://developers.google.com/analytics/devguides/reporting/data/v1/quotas>

use super::api::{Bucket, minutes};
use crate::Ports;
use bellhop_core::analytics::Quota;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::Records;
use bellhop_core::{Clock, PortError, PortErrorKind, Timestamp};
use chrono::{TimeDelta, TimeZone as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The collection of records.
const KEPT: &str = "ga4_quota";
/// The allowances that Google tells, and what they are to people.
const TOLD: [(&str, &str); 6] = [
    ("tokensPerDay", "tokens per day"),
    ("tokensPerHour", "tokens per hour"),
    ("tokensPerProjectPerHour", "tokens per project and hour"),
    ("concurrentRequests", "requests at once"),
    ("serverErrorsPerProjectPerHour", "server errors per hour"),
    ("potentiallyThresholdedRequestsPerHour", "requests about few people per hour"),
];

pub(super) struct Quotas {
    service: String,
    key: String,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
}

/// What is kept of one allowance.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// What was told last, by Google's names: consumed and remaining.
    #[serde(default)]
    told: BTreeMap<String, (f64, f64)>,
    /// When that was.
    at: Option<Timestamp>,
    /// It is used up until then.
    #[serde(default)]
    out_until: Option<Timestamp>,
}

impl Quotas {
    pub fn new(name: &SourceName, ports: &Ports) -> Self {
        Self { service: format!("analytics.{name}"), key: name.to_string(), records: ports.records.clone(), clock: ports.clock.clone() }
    }

    fn key(&self, bucket: Bucket) -> String {
        format!("{}/{}", self.key, bucket.word())
    }

    async fn kept(&self, bucket: Bucket) -> Kept {
        let kept = self.records.get(KEPT, &self.key(bucket)).await.ok().flatten();
        kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }

    async fn keep(&self, bucket: Bucket, kept: &Kept) {
        if let Ok(value) = serde_json::to_value(kept)
            && let Err(error) = self.records.put(KEPT, &self.key(bucket), &value).await
        {
            tracing::warn!(%error, "the allowance of Google Analytics can't be kept");
        }
    }

    /// Refuses what would be refused.
    pub async fn allow(&self, bucket: Bucket, operation: &'static str) -> Result<(), PortError> {
        let now = self.clock.now();
        let Some(until) = self.kept(bucket).await.out_until.filter(|until| now < *until) else { return Ok(()) };
        let wait = (until - now).to_std().unwrap_or_default();
        let message = format!("the property's allowance for {} requests is used up; there is more in {}", bucket.word(), minutes(wait));
        Err(PortError::new(PortErrorKind::RateLimited, self.service.clone(), operation, message).after(wait))
    }

    /// Notes what an answer tells of the allowance.
    pub async fn learn(&self, bucket: Bucket, answer: &Value) {
        // A batch tells it in each of its reports; the last is the latest.
        let told = answer
            .get("propertyQuota")
            .or_else(|| answer.get("reports").and_then(Value::as_array).and_then(|reports| reports.last()?.get("propertyQuota")));
        let Some(told) = told.and_then(Value::as_object) else { return };
        let figure = |status: &Value, name: &str| status.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let told = told.iter().map(|(name, status)| (name.clone(), (figure(status, "consumed"), figure(status, "remaining")))).collect();
        self.keep(bucket, &Kept { told, at: Some(self.clock.now()), out_until: None }).await;
    }

    /// Google said that it is used up: notes until when, and returns how long that is.
    pub async fn exhausted(&self, bucket: Bucket, said: &str) -> Duration {
        let now = self.clock.now();
        let until = if said.to_ascii_lowercase().contains("day") { next_day(now) } else { now + TimeDelta::hours(1) };
        // Too many at once is over in a moment.
        let until = if said.to_ascii_lowercase().contains("concurrent") { now + TimeDelta::seconds(10) } else { until };
        let kept = Kept { out_until: Some(until), ..self.kept(bucket).await };
        self.keep(bucket, &kept).await;
        (until - now).to_std().unwrap_or_default()
    }

    /// All of them as they were last told.
    pub async fn all(&self) -> Vec<Quota> {
        let mut all = Vec::new();
        for bucket in [Bucket::Core, Bucket::Realtime, Bucket::Funnel] {
            let kept = self.kept(bucket).await;
            let Some(at) = kept.at.or(kept.out_until) else { continue };
            let renews = |name: &str| match name {
                "tokensPerDay" => Some(next_day(at)),
                _ => kept.out_until,
            };
            all.extend(TOLD.iter().filter_map(|(name, words)| {
                let (used, left) = kept.told.get(*name)?;
                Some(Quota { what: format!("{}: {words}", bucket.word()), used: *used, limit: Some(used + left), renews: renews(name), at })
            }));
        }
        all
    }

    /// Tokens of this hour that are left, as last told.
    pub async fn left(&self, bucket: Bucket) -> Option<f64> {
        self.kept(bucket).await.told.get("tokensPerHour").map(|(_, left)| *left)
    }
}

/// The next midnight in California, at which Google's days begin.
fn next_day(now: Timestamp) -> Timestamp {
    let zone = chrono_tz::America::Los_Angeles;
    let day = now.with_timezone(&zone).date_naive().succ_opt();
    let midnight = day.and_then(|day| zone.from_local_datetime(&day.and_time(chrono::NaiveTime::MIN)).earliest());
    midnight.map_or(now + TimeDelta::days(1), |midnight| midnight.with_timezone(&chrono::Utc))
}
