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
/// The allowances that Google tells, what they are to people, and how much there is of each for a standard property and for
/// one of Analytics 360. Answers tell what they consumed themselves and what remains, not how much there is.
const TOLD: [(&str, &str, f64, f64); 6] = [
    ("tokensPerDay", "tokens per day", 200_000.0, 2_000_000.0),
    ("tokensPerHour", "tokens per hour", 40_000.0, 400_000.0),
    ("tokensPerProjectPerHour", "tokens per project and hour", 14_000.0, 140_000.0),
    ("concurrentRequests", "requests at once", 10.0, 50.0),
    ("serverErrorsPerProjectPerHour", "server errors per hour", 10.0, 50.0),
    ("potentiallyThresholdedRequestsPerHour", "requests about few people per hour", 120.0, 120.0),
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
            // Which kind of property it is shows where more remains than a standard one has.
            let large = TOLD.iter().any(|(name, _, standard, _)| kept.told.get(*name).is_some_and(|(_, left)| left > standard));
            all.extend(TOLD.iter().filter_map(|(name, words, standard, of_360)| {
                let (_, left) = kept.told.get(*name)?;
                let limit = if large { *of_360 } else { *standard }.max(*left);
                let what = format!("{}: {words}", bucket.word());
                Some(Quota { what, used: limit - left, limit: Some(limit), renews: renews(name), at })
            }));
        }
        all
    }

    /// Tokens that the latest answer cost, and those of this hour that are left, as last told.
    pub async fn tokens(&self, bucket: Bucket) -> Option<(f64, f64)> {
        self.kept(bucket).await.told.get("tokensPerHour").copied()
    }
}

/// The next midnight in California, at which Google's days begin.
fn next_day(now: Timestamp) -> Timestamp {
    let zone = chrono_tz::America::Los_Angeles;
    let day = now.with_timezone(&zone).date_naive().succ_opt();
    let midnight = day.and_then(|day| zone.from_local_datetime(&day.and_time(chrono::NaiveTime::MIN)).earliest());
    midnight.map_or(now + TimeDelta::days(1), |midnight| midnight.with_timezone(&chrono::Utc))
}
