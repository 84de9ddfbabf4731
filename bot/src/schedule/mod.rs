//! Runs commands by the clock. A schedule that is due becomes a row of the inbox, as if its owner had typed the line,
//! under a key made of its id and its time: whoever puts it there, and however often, it runs once.

use crate::tasks::Tasks;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::EventKey;
use bellhop_core::ports::{Inbox, Incoming, PortResult, Said, Schedule, ScheduleBook as _};
use bellhop_store::Store;
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;

/// How often due schedules are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// A run that was missed by more than this, because the bot was down, is left out rather than made up for.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// The worker.
pub struct Scheduler {
    store: Store,
    inbox: Arc<dyn Inbox>,
    clock: Arc<dyn Clock>,
}

impl Scheduler {
    /// A worker that puts what is due into this inbox.
    pub fn new(store: Store, inbox: Arc<dyn Inbox>, clock: Arc<dyn Clock>) -> Self {
        Self { store, inbox, clock }
    }

    /// Works until told to stop.
    pub async fn run(self, tasks: Tasks) {
        let stop = tasks.stop();
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "schedules can't be looked up; trying again");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn look(&self) -> PortResult<()> {
        let now = self.clock.now();
        for schedule in self.store.due_schedules(now).await? {
            if schedule.once() {
                // However late: it was promised, and comes no other time. The key keeps it from running twice if this process
                // dies before it is removed.
                self.inbox.accept(due(&schedule, now)).await?;
                self.store.remove(&schedule.id).await?;
                continue;
            }
            let Some(next) = next_run(&schedule, now) else {
                tracing::warn!(schedule = schedule.id, "a schedule has no further run");
                continue;
            };
            if now - schedule.next > GRACE {
                tracing::warn!(schedule = schedule.id, due = %schedule.next, "a run was missed while the bot was down, and is left out");
            } else {
                self.inbox.accept(due(&schedule, now)).await?;
            }
            self.store.advance_schedule(&schedule.id, schedule.next, next, now).await?;
        }
        Ok(())
    }
}

/// The next run after a moment, in the schedule's own zone.
#[must_use]
pub fn next_run(schedule: &Schedule, after: Timestamp) -> Option<Timestamp> {
    bellhop_catalog::next_runs(&schedule.cron, schedule.zone, after, 1).ok()?.pop()
}

fn due(schedule: &Schedule, now: Timestamp) -> Incoming {
    Incoming {
        key: EventKey::new(format!("schedule:{}:{}", schedule.id, schedule.next.timestamp())),
        from: schedule.owner.clone(),
        name: format!("{} (scheduled)", schedule.owner_name),
        zone: Some(schedule.zone),
        at: schedule.to.clone(),
        said: Said::Invoke(schedule.invoke.clone()),
        attachments: Vec::new(),
        groups: None,
        reply: None,
        received: now,
    }
}

#[cfg(test)]
mod tests;
