//! Turns among the questions that run at once, for services that answer a few at a time to a whole project.
//!
//! Each question that runs has a row in the records, named by its moment, so that other processes of the bot and its replicas
//! see it. A row whose process died counts for two minutes, longer than any question takes.

use crate::Ports;
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use chrono::TimeDelta;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a row counts at the most.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// How often it is looked whether it is one's turn, where other processes ask too.
const LOOK: Duration = Duration::from_millis(150);
/// How many rows are looked at: the waiting ones of all processes.
const ROWS: usize = 200;

/// The turns at one service.
pub(crate) struct Turns {
    ports: Ports,
    list: String,
    service: String,
    most: usize,
    patience: Duration,
    // Whoever waits in this process waits here, without asking the records.
    here: Semaphore,
}

/// A turn that was had. [`Turn::end`] gives it back to everyone; one that is just dropped is given back here at once, and to
/// other processes when its row is too old.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    key: String,
    _here: SemaphorePermit<'a>,
}

impl Turns {
    /// `most` at once for the service, kept under `list` in the records.
    pub fn new(ports: &Ports, list: String, service: String, most: usize, patience: Duration) -> Self {
        Self { ports: ports.clone(), list, service, most, patience, here: Semaphore::new(most) }
    }

    fn row(at: Timestamp, id: &str) -> String {
        format!("{:020}-{id}", at.timestamp_micros())
    }

    /// Waits for a turn, as long as is sensible.
    pub async fn turn(&self, operation: &'static str) -> PortResult<Turn<'_>> {
        let late = || {
            let message = format!("{} questions are being answered there already; try again in a moment", self.most);
            PortError::new(PortErrorKind::RateLimited, self.service.clone(), operation, message).after(Duration::from_secs(5))
        };
        let begun = tokio::time::Instant::now();
        let here = tokio::time::timeout(self.patience, self.here.acquire()).await.map_err(|_| late())?.map_err(|_| late())?;
        let records = &self.ports.records;
        let key = Self::row(self.ports.clock.now(), &self.ports.ids.next());
        records.put(&self.list, &key, &Value::Null).await?;
        loop {
            let oldest = Self::row(self.ports.clock.now() - LEASE, "");
            let rows = records.after(&self.list, Some(&oldest), ROWS).await?;
            if rows.iter().take_while(|row| row.key < key).count() < self.most {
                break;
            }
            if begun.elapsed() >= self.patience {
                records.remove(&self.list, &key).await?;
                return Err(late());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(Turn { turns: self, key, _here: here })
    }
}

impl Turn<'_> {
    /// The question is answered.
    pub async fn end(self) {
        let records = &self.turns.ports.records;
        let oldest = Turns::row(self.turns.ports.clock.now() - LEASE, "");
        let stale = records.before(&self.turns.list, Some(&oldest), 20).await.unwrap_or_default();
        for key in stale.iter().map(|row| row.key.as_str()).chain([self.key.as_str()]) {
            if let Err(error) = records.remove(&self.turns.list, key).await {
                tracing::warn!(%error, "a turn can't be given back; it ends by itself");
            }
        }
    }
}
