//! Mixpanel's allowance of questions: 60 an hour and 5 at once for the whole project, kept across replicas and restarts.
//!
//! Each question has a row of its own in the records, named by its moment, before it is asked. Whoever finds 60 others within the
//! hour gives its row back and is refused. Two that come at once see each other, so no more than 60 are ever asked; of two that
//! come at once for the last one, both may be refused. How many run at once is counted by [`crate::turns`].
//!
//! Source: <https://docs.mixpanel.com/reference/rate-limits>

use super::Mixpanel;
use crate::turns::Turn;
use bellhop_core::analytics::Quota;
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use chrono::TimeDelta;
use serde_json::Value;
use std::time::Duration;

/// Questions in an hour.
pub(super) const AN_HOUR: usize = 60;
/// Questions at once.
pub(super) const AT_ONCE: usize = 5;
/// How long a question waits for its turn among those that run.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

impl Mixpanel {
    fn asked(&self) -> String {
        format!("mixpanel_asked/{}", self.name)
    }

    fn out_until(&self) -> String {
        format!("mixpanel_out/{}", self.name)
    }

    /// Keys sort by their moment.
    fn row(at: Timestamp, id: &str) -> String {
        format!("{:020}-{id}", at.timestamp_micros())
    }

    /// A turn for one question, which is paid for.
    pub(super) async fn turn(&self, operation: &'static str) -> PortResult<Turn<'_>> {
        let turn = self.running.turn(operation).await?;
        match self.pay(operation).await {
            Ok(()) => Ok(turn),
            Err(error) => {
                turn.end().await;
                Err(error)
            }
        }
    }

    async fn pay(&self, operation: &'static str) -> PortResult<()> {
        let now = self.ports.clock.now();
        if let Some(until) = self.refused_until().await?.filter(|until| now < *until) {
            return Err(self.used_up(operation, until - now));
        }
        let records = &self.ports.records;
        let own = Self::row(now, &self.ports.ids.next());
        records.put(&self.asked(), &own, &Value::Null).await?;
        let begin = Self::row(now - TimeDelta::hours(1), "");
        // Rows of the last hour but our own, oldest first.
        let mut rows = records.after(&self.asked(), Some(&begin), AN_HOUR + AT_ONCE * 20).await?;
        rows.retain(|row| row.key != own);
        if rows.len() >= AN_HOUR {
            records.remove(&self.asked(), &own).await?;
            let first = rows.get(rows.len() - AN_HOUR).and_then(|row| row.key.split('-').next()?.parse::<i64>().ok());
            let free =
                first.and_then(Timestamp::from_timestamp_micros).map_or(TimeDelta::hours(1), |first| first + TimeDelta::hours(1) - now);
            return Err(self.used_up(operation, free));
        }
        for old in records.before(&self.asked(), Some(&begin), 20).await? {
            records.remove(&self.asked(), &old.key).await?;
        }
        Ok(())
    }

    fn used_up(&self, operation: &'static str, wait: TimeDelta) -> PortError {
        let wait = wait.to_std().unwrap_or(Duration::from_secs(60));
        let minutes = wait.as_secs().div_ceil(60).max(1);
        let message = format!("the {AN_HOUR} questions an hour that Mixpanel answers are used up; there is one more in {minutes} min");
        PortError::new(PortErrorKind::RateLimited, self.client.service(), operation, message).after(wait)
    }

    async fn refused_until(&self) -> PortResult<Option<Timestamp>> {
        let kept = self.ports.records.get(&self.out_until(), "until").await?;
        Ok(kept.and_then(|value| serde_json::from_value(value).ok()))
    }

    /// Mixpanel itself said that it is enough: others of the project ask too.
    pub(super) async fn told_enough(&self, wait: Option<Duration>) -> Duration {
        let wait = wait.unwrap_or(Duration::from_secs(300)).min(Duration::from_secs(3600));
        let until = self.ports.clock.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::minutes(5));
        if let Ok(value) = serde_json::to_value(until)
            && let Err(error) = self.ports.records.put(&self.out_until(), "until", &value).await
        {
            tracing::warn!(%error, "how long Mixpanel wants to be left alone can't be kept");
        }
        wait
    }

    /// The allowance as it is.
    pub(super) async fn allowance(&self) -> PortResult<Vec<Quota>> {
        let now = self.ports.clock.now();
        let begin = Self::row(now - TimeDelta::hours(1), "");
        let rows = self.ports.records.after(&self.asked(), Some(&begin), AN_HOUR * 2).await?;
        let oldest = rows.first().and_then(|row| row.key.split('-').next()?.parse::<i64>().ok()).and_then(Timestamp::from_timestamp_micros);
        #[expect(clippy::cast_precision_loss, reason = "at most some hundred")]
        let used = rows.len() as f64;
        #[expect(clippy::cast_precision_loss, reason = "a small constant")]
        let limit = AN_HOUR as f64;
        Ok(vec![Quota {
            what: "questions per hour".to_owned(),
            used,
            limit: Some(limit),
            renews: oldest.map(|oldest| oldest + TimeDelta::hours(1)),
            at: now,
        }])
    }
}
