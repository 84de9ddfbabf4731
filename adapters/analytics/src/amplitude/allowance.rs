//! Amplitude's allowance: questions cost days times conditions times what their kind costs, 1,000 in five minutes and 108,000
//! an hour, and 5 run at once.
//!
//! Each question has a row with its cost in the records, named by its moment, before it is asked: two processes that come at
//! once see each other's. How many run at once is counted by [`crate::turns`]. Questions about single people have an allowance of
//! their own there, 360 an hour, and cost nothing of this one.
//!
//! Source: <https://amplitude.com/docs/apis/analytics/dashboard-rest>

use super::Amplitude;
use crate::turns::Turn;
use bellhop_core::analytics::Quota;
use bellhop_core::ports::{PortResult, Record};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use chrono::TimeDelta;
use serde_json::json;
use std::time::Duration;

/// Questions at once.
pub(super) const AT_ONCE: usize = 5;
const WINDOWS: [(TimeDelta, f64, &str); 2] =
    [(TimeDelta::minutes(5), 1_000.0, "cost in five minutes"), (TimeDelta::hours(1), 108_000.0, "cost per hour")];
/// Questions about single people in an hour.
const OF_PEOPLE: usize = 360;
/// How long a question waits for its turn among those that run.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// Rows of an hour that are looked at: the cheapest question costs one.
const ROWS: usize = 10_000;

/// What a question costs: days, conditions, and what its kind costs.
pub(super) fn cost(days: i64, conditions: usize, kind: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let cost = days.max(1) as f64 * conditions.max(1) as f64 * kind.max(1) as f64;
    cost
}

impl Amplitude {
    fn spent(&self) -> String {
        format!("amplitude_spent/{}", self.name)
    }

    fn row(at: Timestamp, id: &str) -> String {
        format!("{:020}-{id}", at.timestamp_micros())
    }

    fn spent_at(row: &Record) -> Option<Timestamp> {
        Timestamp::from_timestamp_micros(row.key.split('-').next()?.parse().ok()?)
    }

    /// A turn for a question of this cost, which is paid for.
    pub(super) async fn turn(&self, operation: &'static str, cost: f64) -> PortResult<Turn<'_>> {
        if let Some((_, limit, _)) = WINDOWS.iter().find(|(_, limit, _)| cost > *limit) {
            let message = format!(
                "that would cost {cost} of Amplitude's allowance, and {limit} in five minutes is the most; ask for fewer days or groups"
            );
            return Err(PortError::new(PortErrorKind::Invalid, self.client.service(), operation, message));
        }
        let turn = self.running.turn(operation).await?;
        match self.pay(operation, cost).await {
            Ok(()) => Ok(turn),
            Err(error) => {
                turn.end().await;
                Err(error)
            }
        }
    }

    async fn pay(&self, operation: &'static str, cost: f64) -> PortResult<()> {
        let now = self.ports.clock.now();
        let records = &self.ports.records;
        if let Some(until) = self.refused_until().await?.filter(|until| now < *until) {
            return Err(self.used_up(operation, until - now));
        }
        let own = Self::row(now, &self.ports.ids.next());
        records.put(&self.spent(), &own, &json!(cost)).await?;
        let begin = Self::row(now - TimeDelta::hours(1), "");
        let rows = records.after(&self.spent(), Some(&begin), ROWS).await?;
        for (window, limit, _) in WINDOWS {
            let since = Self::row(now - window, "");
            let within: Vec<&Record> = rows.iter().filter(|row| row.key > since && row.key != own).collect();
            let mut left = within.iter().filter_map(|row| row.value.as_f64()).sum::<f64>() + cost - limit;
            if left <= 0.0 {
                continue;
            }
            records.remove(&self.spent(), &own).await?;
            // Enough is free again when so many of the oldest are past.
            let mut free = now + window;
            for row in within {
                left -= row.value.as_f64().unwrap_or(0.0);
                if left <= 0.0 {
                    free = Self::spent_at(row).map_or(free, |at| at + window);
                    break;
                }
            }
            return Err(self.used_up(operation, free - now));
        }
        for old in records.before(&self.spent(), Some(&begin), 50).await? {
            records.remove(&self.spent(), &old.key).await?;
        }
        Ok(())
    }

    /// A turn for a question about a single person.
    pub(super) async fn turn_of_people(&self, operation: &'static str) -> PortResult<Turn<'_>> {
        let turn = self.running.turn(operation).await?;
        match self.pay_of_people(operation).await {
            Ok(()) => Ok(turn),
            Err(error) => {
                turn.end().await;
                Err(error)
            }
        }
    }

    async fn pay_of_people(&self, operation: &'static str) -> PortResult<()> {
        let (now, records, list) = (self.ports.clock.now(), &self.ports.records, self.of_people());
        if let Some(until) = self.refused_until().await?.filter(|until| now < *until) {
            return Err(self.used_up(operation, until - now));
        }
        let own = Self::row(now, &self.ports.ids.next());
        records.put(&list, &own, &json!(1)).await?;
        let begin = Self::row(now - TimeDelta::hours(1), "");
        let mut rows = records.after(&list, Some(&begin), OF_PEOPLE * 2).await?;
        rows.retain(|row| row.key != own);
        if rows.len() >= OF_PEOPLE {
            records.remove(&list, &own).await?;
            let free = rows.get(rows.len() - OF_PEOPLE).and_then(Self::spent_at).unwrap_or(now) + TimeDelta::hours(1);
            return Err(self.used_up(operation, free - now));
        }
        for old in records.before(&list, Some(&begin), 50).await? {
            records.remove(&list, &old.key).await?;
        }
        Ok(())
    }

    fn of_people(&self) -> String {
        format!("amplitude_people/{}", self.name)
    }

    fn used_up(&self, operation: &'static str, wait: TimeDelta) -> PortError {
        let wait = wait.to_std().unwrap_or(Duration::from_secs(60)).max(Duration::from_secs(1));
        let message = format!("Amplitude's allowance is used up; there is more in {} min", wait.as_secs().div_ceil(60));
        PortError::new(PortErrorKind::RateLimited, self.client.service(), operation, message).after(wait)
    }

    fn out(&self) -> String {
        format!("amplitude_out/{}", self.name)
    }

    async fn refused_until(&self) -> PortResult<Option<Timestamp>> {
        let kept = self.ports.records.get(&self.out(), "until").await?;
        Ok(kept.and_then(|value| serde_json::from_value(value).ok()))
    }

    /// Amplitude itself said that it is enough: others of the project ask too.
    pub(super) async fn told_enough(&self, wait: Option<Duration>) -> Duration {
        let wait = wait.unwrap_or(Duration::from_secs(300)).min(Duration::from_secs(3600));
        let until = self.ports.clock.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::minutes(5));
        if let Ok(value) = serde_json::to_value(until)
            && let Err(error) = self.ports.records.put(&self.out(), "until", &value).await
        {
            tracing::warn!(%error, "how long Amplitude wants to be left alone can't be kept");
        }
        wait
    }

    /// The allowance as it is.
    pub(super) async fn allowance(&self) -> PortResult<Vec<Quota>> {
        let now = self.ports.clock.now();
        let begin = Self::row(now - TimeDelta::hours(1), "");
        let rows = self.ports.records.after(&self.spent(), Some(&begin), ROWS).await?;
        let people = self.ports.records.after(&self.of_people(), Some(&begin), OF_PEOPLE * 2).await?;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let of_people = Quota {
            what: "questions about people per hour".to_owned(),
            used: people.len() as f64,
            limit: Some(OF_PEOPLE as f64),
            renews: people.first().and_then(Self::spent_at).map(|at| at + TimeDelta::hours(1)),
            at: now,
        };
        Ok(WINDOWS
            .iter()
            .map(|(window, limit, what)| {
                let since = Self::row(now - *window, "");
                let within: Vec<&Record> = rows.iter().filter(|row| row.key > since).collect();
                Quota {
                    what: (*what).to_owned(),
                    used: within.iter().filter_map(|row| row.value.as_f64()).sum(),
                    limit: Some(*limit),
                    renews: within.first().and_then(|row| Self::spent_at(row)).map(|at| at + *window),
                    at: now,
                }
            })
            .chain([of_people])
            .collect())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn cost_is_days_times_conditions_times_kind() {
        for (days, conditions, kind, expected) in [(30, 1, 1, 30.0), (7, 4, 5, 140.0), (0, 0, 0, 1.0)] {
            assert!((super::cost(days, conditions, kind) - expected).abs() < f64::EPSILON);
        }
    }
}
