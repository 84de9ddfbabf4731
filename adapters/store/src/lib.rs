//! The database: everything that Bellhop keeps, on SQLite (the default, one file) or PostgreSQL (for replicas).
//!
//! [`Store`] is cheap to clone. What it promises: what it accepted or committed survives a crash, what belongs together
//! is written in one transaction ([`Effects`]), and both databases behave alike, which one suite of tests checks on
//! both. It decides nothing: who may do what, what an alert becomes and how a message is posted is known elsewhere.
//!
//! On SQLite one task owns the only connection that writes and commits whatever waits together ([`writer`]); a pool of
//! connections reads. On PostgreSQL every write is a transaction of its own, and rows are claimed with
//! `FOR UPDATE SKIP LOCKED`; clocks of replicas should agree to within a second, since leases are told by the clock that
//! the store was opened with.

mod alerts;
mod approvals;
mod audit;
mod backup;
mod connect;
mod dead;
mod deliveries;
mod dialect;
mod effects;
mod error;
mod events;
mod feeds;
mod health;
mod inbox;
mod keys;
mod links;
mod migrate;
mod outbox;
mod records;
mod restore;
mod runner;
mod schedule;
mod session;
mod sweep;
mod usage;
mod writer;

pub use alerts::{AlertWrite, Versioned};
pub use approvals::Approval;
pub use audit::{AuditChain, NewAudit};
pub use connect::Tuning;
pub use dead::DeadLetter;
pub use deliveries::NewDelivery;
pub use effects::Effects;
pub use events::{Events, Profile};
pub use feeds::{FedEvent, FeedClaim, FeedLane, FeedSettlement, RefusedEvent};
pub use inbox::{InboxKind, InboxRow, InboxSettled, NewInbox};
pub use keys::{ApiKey, NewKey};
pub use links::{LinkRow, LinkWish};
pub use outbox::{Claimed, Depth, Outcome, Settlement};
pub use restore::{Restored, Restoring, Waiting, restore};
pub use runner::{Recovered, RunnerGuard};
pub use schedule::ScheduleAdvance;
pub use sweep::Swept;
pub use usage::UsageCount;

use bellhop_core::ports::PortResult;
use bellhop_core::{Clock, Timestamp};
use error::Place;
use futures::future::BoxFuture;
use session::Session;
use sqlx::sqlite::SqliteConnectOptions;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, mpsc};
use writer::{Job, Task, Writer, stopped};

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One file.
    Sqlite,
    /// A server.
    Postgres,
}

/// The connections.
pub(crate) enum Pools {
    Sqlite { options: Box<SqliteConnectOptions>, readers: sqlx::SqlitePool, file: PathBuf, place: Arc<Place> },
    Postgres { pool: sqlx::PgPool, place: Arc<Place> },
}

/// What wakes those who wait for rows of the inbox, by kind.
#[derive(Default)]
pub(crate) struct Wakes([Arc<Notify>; 2]);

impl Wakes {
    pub(crate) fn wake(&self, kinds: [bool; 2]) {
        self.0.iter().zip(kinds).filter(|(_, wake)| *wake).for_each(|(notify, _)| notify.notify_one());
    }
}

/// The database.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    pools: Arc<Pools>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn bellhop_core::Ids>,
    wakes: Arc<Wakes>,
    outbox_wake: Arc<Notify>,
    feed_wake: tokio::sync::watch::Sender<()>,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    writer: tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
    data_version: Mutex<Option<i64>>,
    keys: keys::Cache,
    owners: Mutex<std::collections::HashSet<String>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("place", &self.place().0).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at `sqlite:PATH` (file and folder are made, for the bot's user alone) or `postgres://...`, and
    /// brings its tables up to date.
    ///
    /// # Errors
    /// `Invalid` for an address of another kind, `Denied`, `Unavailable` or `Broken` with what to do, `Unsupported` for
    /// a database of a newer Bellhop. No message repeats a password.
    pub async fn open(url: &str, clock: Arc<dyn Clock>, ids: Arc<dyn bellhop_core::Ids>) -> PortResult<Self> {
        Self::open_with(url, clock, ids, &Tuning::default()).await
    }

    /// As [`Store::open`], with limits other than the usual.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(url: &str, clock: Arc<dyn Clock>, ids: Arc<dyn bellhop_core::Ids>, tuning: &Tuning) -> PortResult<Self> {
        let pools = Arc::new(connect::open(url, tuning)?);
        let mut session = match &*pools {
            Pools::Sqlite { options, place, .. } => connect::writer(options, Arc::clone(place)).await?,
            Pools::Postgres { pool, place } => connect::pooled(pool, "open", place).await?,
        };
        migrate::migrate(&mut session, clock.now()).await?;
        let session = (!session.is_postgres()).then_some(session);
        let (sender, jobs) = mpsc::channel(writer::QUEUE);
        let wakes = Arc::new(Wakes::default());
        let writer = Writer {
            jobs,
            pools: Arc::clone(&pools),
            session,
            clock: Arc::clone(&clock),
            wakes: Arc::clone(&wakes),
            turns: writer::Turns::default(),
        };
        let writer = spawn(writer.work());
        Ok(Self(Arc::new(Inner {
            pools,
            clock,
            ids,
            wakes,
            outbox_wake: Arc::default(),
            feed_wake: tokio::sync::watch::Sender::default(),
            jobs: Mutex::new(Some(sender)),
            writer: tokio::sync::Mutex::new(Some(writer)),
            data_version: Mutex::default(),
            keys: keys::Cache::default(),
            owners: Mutex::default(),
        })))
    }

    /// Which database it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match &*self.0.pools {
            Pools::Sqlite { .. } => Backend::Sqlite,
            Pools::Postgres { .. } => Backend::Postgres,
        }
    }

    /// Waits until everything that was handed in is written, and closes the connections. What comes later is refused.
    pub async fn close(&self) {
        drop(self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.0.writer.lock().await.take();
        if let Pools::Sqlite { readers, .. } = &*self.0.pools {
            // The writer closes last: only it can fold the write-ahead log into the file.
            readers.close().await;
        }
        if let Some(writer) = writer
            && writer.await.is_err()
        {
            tracing::error!("the task that writes to the database had failed");
        }
        if let Pools::Postgres { pool, .. } = &*self.0.pools {
            pool.close().await;
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Why it doesn't.
    pub async fn ping(&self) -> PortResult<()> {
        self.read("ping").await?.number("SELECT count(*) FROM migration", vec![]).await.map(drop)
    }

    /// What is notified when this process has put rows of this kind into the inbox. Rows that another process put there
    /// are found by looking, every 250 ms or when [`Store::changed`] says so.
    #[must_use]
    pub fn inbox_wake(&self, kind: InboxKind) -> Arc<Notify> {
        Arc::clone(&self.0.wakes.0[kind as usize])
    }

    /// What is notified when this process has put rows into the outbox.
    #[must_use]
    pub fn outbox_wake(&self) -> Arc<Notify> {
        Arc::clone(&self.0.outbox_wake)
    }

    /// Whether another program may have written since the last time this was asked. Cheap on SQLite; on PostgreSQL it
    /// is always true.
    ///
    /// # Errors
    /// As [`Store::ping`].
    pub async fn changed(&self) -> PortResult<bool> {
        if self.backend() == Backend::Postgres {
            return Ok(true);
        }
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.queue("changed")?.send(Job::Version(reply)).await.map_err(|_| stopped("changed"))?;
        let now = answer.await.map_err(|_| stopped("changed"))??;
        let before = self.0.data_version.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        Ok(before != Some(now))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn place(&self) -> &Arc<Place> {
        match &*self.0.pools {
            Pools::Sqlite { place, .. } | Pools::Postgres { place, .. } => place,
        }
    }

    fn queue(&self, operation: &'static str) -> PortResult<mpsc::Sender<Job>> {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(|| stopped(operation))
    }

    /// A connection that reads.
    pub(crate) async fn read(&self, operation: &'static str) -> PortResult<Session> {
        match &*self.0.pools {
            Pools::Sqlite { readers, place, .. } => {
                let connection = readers.acquire().await.map_err(|error| error::failure(&error, operation, place))?;
                Ok(Session::reader(connection, operation, Arc::clone(place)))
            }
            Pools::Postgres { pool, place } => connect::pooled(pool, operation, place).await,
        }
    }

    /// Does something in one transaction. It goes on when the caller stops waiting.
    pub(crate) async fn write<T, F>(&self, operation: &'static str, work: F) -> PortResult<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, PortResult<T>> + Send + 'static,
    {
        if let Pools::Postgres { pool, place } = &*self.0.pools {
            self.queue(operation)?;
            let mut session = connect::pooled(pool, operation, place).await?;
            // In a task of its own: a transaction whose caller went away must not stay open on a pooled connection.
            return spawn(async move {
                let made = transact(&mut session, work).await;
                if made.is_err() && !session.rollback().await {
                    session.discard();
                }
                made
            })
            .await
            .unwrap_or_else(|_| Err(stopped(operation)));
        }
        let (task, answer) = Task::new(operation, work);
        self.queue(operation)?.send(Job::Work(Box::new(task))).await.map_err(|_| stopped(operation))?;
        answer.await.map_err(|_| stopped(operation))?
    }
}

async fn transact<T, F>(session: &mut Session, work: F) -> PortResult<T>
where
    F: for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, PortResult<T>>,
{
    session.begin().await?;
    let made = work(session).await?;
    session.commit().await?;
    Ok(made)
}

#[expect(clippy::disallowed_methods, reason = "the store owns its writer and its transactions, and waits for them in close()")]
pub(crate) fn spawn<F>(task: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    tokio::spawn(task)
}
