//! Takes what chat platforms heard, keeps it, runs it, and puts the answer into the outbox together with the audit.

mod row;

use crate::calls::CallBook;
use crate::dispatch::Dispatch;
use crate::tasks::Tasks;
use async_trait::async_trait;
use bellhop_core::clock::Clock;
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ports::{Accepted, Inbox, Incoming, PortResult, Stop};
use bellhop_store::{Effects, InboxKind, InboxRow, InboxSettled, NewInbox, Store};
use row::{Handled, LEASE};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The inbox that adapters are given: durable once it answers.
pub struct DurableInbox {
    store: Store,
}

impl DurableInbox {
    /// An inbox over this database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Inbox for DurableInbox {
    async fn accept(&self, incoming: Incoming) -> PortResult<Accepted> {
        let source = format!("chat.{}", incoming.at.chat);
        let body = serde_json::to_string(&incoming)
            .map_err(|error| PortError::new(PortErrorKind::Broken, "inbox", "accept", error.to_string()))?;
        let row = NewInbox { source: source.clone(), key: incoming.key.to_string(), kind: InboxKind::Command, body };
        let accepted = self.store.accept(vec![row]).await?.pop().unwrap_or(Accepted::Seen);
        if accepted == Accepted::New {
            metrics::counter!("bellhop_events_accepted_total", "source" => source).increment(1);
        }
        Ok(accepted)
    }
}

/// How many commands run at once.
const AT_ONCE: usize = 64;

/// Runs what is in the inbox.
#[derive(Clone)]
pub struct InboxWorker {
    /// Where rows come from and go to.
    pub store: Store,
    /// What runs them.
    pub dispatch: Arc<Dispatch>,
    /// Who claims.
    pub owner: String,
    /// How often to look for what other processes have put in.
    pub poll: Duration,
    /// Where running calls are known by.
    pub calls: Arc<CallBook>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl InboxWorker {
    /// Runs commands until told to stop; those under way are finished, or put back where they take long.
    pub async fn run(self, tasks: Tasks) {
        let stop = tasks.stop();
        let free = Arc::new(Semaphore::new(AT_ONCE));
        let wake = self.store.inbox_wake(InboxKind::Command);
        while !stop.is_cancelled() {
            let room = free.available_permits();
            let rows = if room == 0 { Ok(Vec::new()) } else { self.store.claim_inbox(InboxKind::Command, &self.owner, room, LEASE).await };
            match rows {
                Ok(rows) if rows.is_empty() => {
                    tokio::select! {
                        () = wake.notified() => {}
                        () = tokio::time::sleep(self.poll) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Ok(rows) => {
                    for row in rows {
                        let Ok(permit) = free.clone().acquire_owned().await else { return };
                        let (worker, stopping) = (self.clone(), stop.clone());
                        tasks.start("command", async move {
                            worker.run_row(row, &stopping).await;
                            drop(permit);
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the inbox can't reach the database; trying again");
                    tokio::time::sleep(self.poll).await;
                }
            }
        }
    }

    async fn run_row(&self, row: InboxRow, stopping: &Stop) {
        let effects = match self.handle(&row, stopping).await {
            Ok(Handled::Written(effects)) => *effects,
            Ok(Handled::Lost) => return,
            Err(error) => {
                tracing::warn!(%error, seq = row.seq, "a command could not be run and is tried again");
                Effects { settle: vec![InboxSettled { seq: row.seq, done: false, error: Some(error.to_string()) }], ..Effects::default() }
            }
        };
        // What the command did is done: its answer must not get lost because the database was busy for a moment.
        let mut pause = Duration::from_millis(100);
        while let Err(error) = self.store.commit(effects.clone()).await {
            tracing::warn!(%error, seq = row.seq, "the answer of a command can't be kept yet");
            // Another worker has settled the row: what it did is written.
            if error.kind == PortErrorKind::Conflict || pause > Duration::from_secs(20) {
                return;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}
