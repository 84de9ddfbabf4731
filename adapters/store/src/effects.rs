//! Everything that one step of work does, in one transaction: its audit rows, its messages, its changes of alerts, the
//! settling of what came in. Either all of it is kept or nothing.

use crate::session::Session;
use crate::{AlertWrite, InboxKind, InboxSettled, NewAudit, NewDelivery, NewInbox, ScheduleAdvance, Store, UsageCount};
use crate::{alerts, audit, deliveries, events, feeds, inbox, schedule, usage};
use bellhop_core::Timestamp;
use bellhop_core::analytics::NewEvent;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::PortResult;

/// What a step does.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Rows of the inbox that this step has handled. One that another worker has settled meanwhile makes it a
    /// `Conflict`: nothing is done twice.
    pub settle: Vec<InboxSettled>,
    /// Changes of alerts.
    pub alerts: Vec<AlertWrite>,
    /// Messages.
    pub outbox: Vec<NewDelivery>,
    /// Schedules that have run. One that another replica has run is a `Conflict`.
    pub advance: Vec<ScheduleAdvance>,
    /// New rows of the inbox, each kept once by its source and key.
    pub inbox: Vec<NewInbox>,
    /// Events of the bot's own use, on their way to own events.
    pub events: Vec<NewEvent>,
    /// Figures.
    pub usage: Vec<UsageCount>,
    /// Rows of the audit log, in order.
    pub audit: Vec<NewAudit>,
}

impl Store {
    /// Does all of it, or nothing. When this returns, it survives a crash.
    ///
    /// # Errors
    /// `Conflict` when an alert has another version than expected, or exists though it should be new, when a row of the
    /// inbox was settled by another, or a schedule was run by another; `Invalid` for rows that can't be kept.
    pub async fn commit(&self, effects: Effects) -> PortResult<()> {
        let now = self.now();
        let rows = inbox::prepare_all(&effects.inbox)?;
        let returned = effects.settle.iter().any(|row| !row.done);
        let kinds = [InboxKind::Command, InboxKind::Alert].map(|kind| returned || rows.iter().any(|row| row.kind == kind));
        let (messages, events) = (!effects.outbox.is_empty(), !effects.events.is_empty());
        self.write("commit", move |session| Box::pin(async move { apply(session, &effects, &rows, now).await })).await?;
        self.0.wakes.wake(kinds);
        if messages {
            self.0.outbox_wake.notify_one();
        }
        if events {
            self.wake_feeds();
        }
        Ok(())
    }
}

/// The order is the same everywhere, and the audit log, of which there is one for all, comes last: so no two
/// transactions of PostgreSQL wait for each other in a circle, and none holds the log for long.
async fn apply(session: &mut Session, effects: &Effects, rows: &[inbox::Prepared], now: Timestamp) -> PortResult<()> {
    inbox::settle(session, &effects.settle, now).await?;
    alerts::write(session, &effects.alerts, now).await?;
    deliveries::insert(session, &effects.outbox, now).await?;
    schedule::advance(session, &effects.advance).await?;
    if !rows.is_empty() {
        inbox::insert(session, &[rows], now).await?;
    }
    feeds::queue(session, &[SourceName::new(events::NAME)], &effects.events, now).await?;
    usage::count(session, &effects.usage, now).await?;
    audit::append(session, &effects.audit, now).await
}
