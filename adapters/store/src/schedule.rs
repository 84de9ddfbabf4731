//! Schedules as they are kept. Each run moves the schedule on from the time it was due, so that replicas run it once.

use crate::Store;
use crate::error::conflict;
use crate::session::{Row, Session, args};
use async_trait::async_trait;
use bellhop_core::Timestamp;
use bellhop_core::ports::{PortResult, Schedule, ScheduleBook};

/// A schedule that has run, or whose run was passed over.
#[derive(Clone, Debug)]
pub struct ScheduleAdvance {
    /// Its id.
    pub id: String,
    /// When it was due: another replica that was faster has changed that.
    pub expected_next: Timestamp,
    /// When it is due next.
    pub new_next: Timestamp,
    /// When it ran.
    pub ran_at: Timestamp,
}

async fn move_on(session: &mut Session, step: &ScheduleAdvance) -> PortResult<bool> {
    let moved = session
        .run(
            "UPDATE schedule SET next_at = $3, last_at = $4 WHERE id = $1 AND next_at = $2",
            args![step.id.as_str(), step.expected_next, step.new_next, step.ran_at],
        )
        .await?;
    Ok(moved == 1)
}

pub(crate) async fn advance(session: &mut Session, steps: &[ScheduleAdvance]) -> PortResult<()> {
    for step in steps {
        if !move_on(session, step).await? {
            return Err(conflict("commit", format!("the schedule `{}` was removed or run by another process meanwhile", step.id)));
        }
    }
    Ok(())
}

fn schedule(row: &Row) -> PortResult<Schedule> {
    let kept: Schedule = row.json(0)?;
    Ok(Schedule { next: row.time(1)?, last: row.maybe_time(2)?, ..kept })
}

impl Store {
    /// Schedules that are due, the one that waits longest first.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn due_schedules(&self, now: Timestamp) -> PortResult<Vec<Schedule>> {
        let mut session = self.read("schedules").await?;
        let rows = session
            .rows("SELECT body, next_at, last_at FROM schedule WHERE next_at <= $1 ORDER BY next_at, id LIMIT 1000", args![now])
            .await?;
        rows.iter().map(schedule).collect()
    }

    /// Moves a schedule on. False when it was removed, or another process has moved it on already: then it is not to
    /// be run. To run it in the same transaction, use [`crate::Effects::advance`].
    ///
    /// # Errors
    /// As the database fails.
    pub async fn advance_schedule(&self, id: &str, expected_next: Timestamp, new_next: Timestamp, ran_at: Timestamp) -> PortResult<bool> {
        let step = ScheduleAdvance { id: id.to_owned(), expected_next, new_next, ran_at };
        self.write("advance", move |session| Box::pin(async move { move_on(session, &step).await })).await
    }
}

#[async_trait]
impl ScheduleBook for Store {
    async fn add(&self, schedule: &Schedule) -> PortResult<()> {
        // Schedules are plain data: their serialisation has no way to fail.
        let values = args![schedule.id.as_str(), schedule.next, schedule.last, serde_json::to_string(schedule).unwrap_or_default()];
        let id = schedule.id.clone();
        self.write("add", move |session| {
            Box::pin(async move {
                let made = session
                    .run("INSERT INTO schedule (id, next_at, last_at, body) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING", values)
                    .await?;
                if made == 1 { Ok(()) } else { Err(conflict("add", format!("there is a schedule `{id}` already"))) }
            })
        })
        .await
    }

    async fn list(&self) -> PortResult<Vec<Schedule>> {
        let rows = self.read("schedules").await?.rows("SELECT body, next_at, last_at FROM schedule ORDER BY next_at, id", vec![]).await?;
        rows.iter().map(schedule).collect()
    }

    async fn remove(&self, id: &str) -> PortResult<Option<Schedule>> {
        let id = id.to_owned();
        self.write("remove", move |session| {
            Box::pin(async move {
                let row = session.row("DELETE FROM schedule WHERE id = $1 RETURNING body, next_at, last_at", args![id]).await?;
                row.map(|row| schedule(&row)).transpose()
            })
        })
        .await
    }
}
