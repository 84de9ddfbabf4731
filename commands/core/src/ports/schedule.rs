//! Commands that run by themselves.

use super::PortResult;
use crate::address::{Address, UserRef};
use crate::call::Invoke;
use crate::clock::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A command on a cron line, or at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its id, short enough to type.
    pub id: String,
    /// The cron line, or [`Schedule::ONCE`] for a command that runs once, at `next`, and is removed then.
    pub cron: String,
    /// The zone it is read in.
    pub zone: chrono_tz::Tz,
    /// What it runs.
    pub invoke: Invoke,
    /// The same as people type it.
    pub line: String,
    /// Whose permissions it runs with.
    pub owner: UserRef,
    /// The owner's name, for showing.
    pub owner_name: String,
    /// Where the answer goes.
    pub to: Address,
    /// When it runs next.
    pub next: Timestamp,
    /// When it ran last.
    pub last: Option<Timestamp>,
}

impl Schedule {
    /// What stands in the place of a cron line for a command that runs once.
    pub const ONCE: &'static str = "once";

    /// Whether it runs once only.
    #[must_use]
    pub fn once(&self) -> bool {
        self.cron == Self::ONCE
    }
}

/// The schedules.
#[async_trait]
pub trait ScheduleBook: Send + Sync {
    /// Keeps a schedule.
    async fn add(&self, schedule: &Schedule) -> PortResult<()>;

    /// All of them, the next to run first.
    async fn list(&self) -> PortResult<Vec<Schedule>>;

    /// Removes one and returns it; `None` when there is none of that id.
    async fn remove(&self, id: &str) -> PortResult<Option<Schedule>>;
}
