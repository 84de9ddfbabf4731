//! The one task that writes to SQLite, and that gathers what is accepted on PostgreSQL: whatever waits when it turns to
//! the queue goes into one transaction, so that one flush to disk serves all who wait for it. Every job stands or falls
//! alone: one that fails takes none of its neighbours with it.

use crate::error::SERVICE;
use crate::inbox::{self, Prepared};
use crate::session::Session;
use crate::{Pools, Wakes, connect};
use bellhop_core::ports::{Accepted, PortResult};
use bellhop_core::{Clock, PortError, PortErrorKind};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// How many jobs may wait before those who bring more have to wait themselves.
pub(crate) const QUEUE: usize = 4096;
/// How many jobs one transaction takes.
const BATCH: usize = 512;
/// How long one transaction takes up further jobs: whoever waits for the next one should not wait long.
const TURN: Duration = Duration::from_millis(3);
/// How many times as long as a turn of other work only what comes in is written, while anything comes in.
const SHARE: u32 = 3;
/// For how long after something came in more is expected: senders that were just answered send the next.
const CROWD: Duration = Duration::from_millis(50);

/// Something to be written.
pub(crate) enum Job {
    /// Rows of the inbox; all that wait are written by one statement.
    Accept { rows: Vec<Prepared>, reply: oneshot::Sender<PortResult<Vec<Accepted>>> },
    /// Anything else.
    Work(Box<dyn Work>),
    /// Asks, outside any transaction, for the number that changes when another program writes.
    Version(oneshot::Sender<PortResult<i64>>),
}

/// A job with its answer.
pub(crate) trait Work: Send {
    /// Does it, within a transaction.
    fn run<'a>(&'a mut self, session: &'a mut Session) -> BoxFuture<'a, PortResult<()>>;
    /// Tells the one who waits, after the transaction has ended.
    fn answer(self: Box<Self>, ended: PortResult<()>);
}

/// The usual job: a function and the channel that its result goes to.
pub(crate) struct Task<T, F> {
    operation: &'static str,
    work: Option<F>,
    made: Option<T>,
    reply: oneshot::Sender<PortResult<T>>,
}

impl<T, F> Task<T, F> {
    pub(crate) fn new(operation: &'static str, work: F) -> (Self, oneshot::Receiver<PortResult<T>>) {
        let (reply, answer) = oneshot::channel();
        (Self { operation, work: Some(work), made: None, reply }, answer)
    }
}

impl<T, F> Work for Task<T, F>
where
    T: Send + 'static,
    F: for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, PortResult<T>> + Send + 'static,
{
    fn run<'a>(&'a mut self, session: &'a mut Session) -> BoxFuture<'a, PortResult<()>> {
        Box::pin(async move {
            session.operation = self.operation;
            if let Some(work) = self.work.take() {
                self.made = Some(work(session).await?);
            }
            Ok(())
        })
    }

    fn answer(self: Box<Self>, ended: PortResult<()>) {
        let Self { operation, made, reply, .. } = *self;
        // Nobody may be waiting any more; the work is done all the same.
        let _ = reply.send(ended.and_then(|()| made.ok_or_else(|| stopped(operation))));
    }
}

/// What is answered when the writer has stopped.
pub(crate) fn stopped(operation: &'static str) -> PortError {
    PortError::new(PortErrorKind::Unavailable, SERVICE, operation, "the database was closed: the bot is stopping")
}

/// The task's own things.
pub(crate) struct Writer {
    pub(crate) jobs: mpsc::Receiver<Job>,
    pub(crate) pools: Arc<Pools>,
    pub(crate) session: Option<Session>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wakes: Arc<Wakes>,
    pub(crate) turns: Turns,
}

/// Who has to wait for whom: what others wait to have accepted goes before everything else, which gets its turn in
/// between.
pub(crate) struct Turns {
    waiting: VecDeque<Box<dyn Work>>,
    /// Not before this, while anything comes in.
    next: Instant,
    /// When something last came in.
    came: Option<Instant>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), next: Instant::now(), came: None }
    }
}

impl Writer {
    /// Works until every sender is gone and the queue is empty, then closes its connection.
    pub(crate) async fn work(mut self) {
        let mut jobs = Vec::with_capacity(BATCH);
        loop {
            let came = self.jobs.recv_many(&mut jobs, BATCH);
            if self.turns.waiting.is_empty() {
                if came.await == 0 {
                    break;
                }
            } else {
                // Others are about to come: the ones that wait have had their turn a moment ago. At the end none come.
                let _ = tokio::time::timeout_at(self.turns.next, came).await;
            }
            self.batch(std::mem::take(&mut jobs)).await;
            jobs.reserve(BATCH);
        }
        if let Some(session) = self.session.take()
            && let Err(error) = session.close().await
        {
            tracing::warn!(%error, "the database was not closed in order; it recovers by itself when it is opened again");
        }
    }

    async fn session(&mut self) -> PortResult<Session> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        match &*self.pools {
            Pools::Sqlite { options, place, .. } => connect::writer(options, Arc::clone(place)).await,
            Pools::Postgres { pool, place } => connect::pooled(pool, "accept", place).await,
        }
    }

    async fn batch(&mut self, jobs: Vec<Job>) {
        let mut accepts = Vec::new();
        let mut versions = Vec::new();
        for job in jobs {
            match job {
                Job::Accept { rows, reply } => accepts.push((rows, reply)),
                Job::Work(work) => self.turns.waiting.push_back(work),
                Job::Version(reply) => versions.push(reply),
            }
        }
        if !accepts.is_empty() {
            self.turns.came = Some(Instant::now());
        }
        let turn = accepts.is_empty() || Instant::now() >= self.turns.next;
        let mut works: Vec<_> = if turn { self.turns.waiting.drain(..).map(|work| (work, Ok(()))).collect() } else { Vec::new() };
        let mut session = match self.session().await {
            Ok(session) => session,
            Err(error) => return refuse(accepts, works, versions, &error),
        };
        if !versions.is_empty() {
            session.operation = "changed";
            let version = session.number("PRAGMA data_version", vec![]).await;
            for reply in versions {
                // Who asked may be gone; so below.
                let _ = reply.send(version.clone());
            }
        }
        if accepts.is_empty() && works.is_empty() {
            self.keep(session);
            return;
        }
        let rows = accepts.iter().map(|(rows, _)| rows.as_slice()).collect::<Vec<_>>();
        let begun = Instant::now();
        let mut done = 0;
        let (accepted, sound) = transact(&mut session, &rows, &mut works, &mut done, self.clock.as_ref()).await;
        for (work, _) in works.drain(done..).rev() {
            self.turns.waiting.push_front(work);
        }
        if done > 0 && self.turns.came.is_some_and(|came| came.elapsed() < CROWD) {
            self.turns.next = Instant::now() + begun.elapsed() * SHARE;
        }
        if sound {
            self.keep(session);
        } else {
            session.discard();
        }
        let mut kinds = [false; 2];
        for ((rows, reply), accepted) in accepts.into_iter().zip(accepted) {
            if accepted.is_ok() {
                for row in &rows {
                    kinds[row.kind as usize] = true;
                }
            }
            let _ = reply.send(accepted);
        }
        self.wakes.wake(kinds);
        for (work, ended) in works {
            work.answer(ended);
        }
    }

    fn keep(&mut self, session: Session) {
        if !session.is_postgres() {
            self.session = Some(session);
        }
    }
}

fn refuse(
    accepts: Vec<(Vec<Prepared>, Reply<Vec<Accepted>>)>,
    works: Vec<(Box<dyn Work>, PortResult<()>)>,
    versions: Vec<Reply<i64>>,
    error: &PortError,
) {
    for (_, reply) in accepts {
        let _ = reply.send(Err(error.clone()));
    }
    for (work, _) in works {
        work.answer(Err(error.clone()));
    }
    for reply in versions {
        let _ = reply.send(Err(error.clone()));
    }
}

type Reply<T> = oneshot::Sender<PortResult<T>>;
type Answers = Vec<PortResult<Vec<Accepted>>>;

/// One transaction for all of it. The second result says whether the connection is still fit for use.
async fn transact(
    session: &mut Session,
    accepts: &[&[Prepared]],
    works: &mut [(Box<dyn Work>, PortResult<()>)],
    done: &mut usize,
    clock: &dyn Clock,
) -> (Answers, bool) {
    let mut answers: Answers = Vec::new();
    let outcome = attempt(session, accepts, works, done, clock, &mut answers).await;
    let Err(error) = outcome else { return (answers, true) };
    let sound = session.rollback().await;
    // Nothing of this transaction was kept, so everyone in it is told; who had failed alone keeps the own reason.
    let answers = (0..accepts.len()).map(|_| Err(error.clone())).collect();
    for (_, ended) in works[..*done].iter_mut().filter(|(_, ended)| ended.is_ok()) {
        *ended = Err(error.clone());
    }
    (answers, sound)
}

async fn attempt(
    session: &mut Session,
    accepts: &[&[Prepared]],
    works: &mut [(Box<dyn Work>, PortResult<()>)],
    done: &mut usize,
    clock: &dyn Clock,
    answers: &mut Answers,
) -> PortResult<()> {
    session.operation = "write";
    *done = works.len();
    session.begin().await?;
    *done = 0;
    let begun = Instant::now();
    if !accepts.is_empty() {
        session.operation = "accept";
        match inbox::insert(session, accepts, clock.now()).await {
            Ok(accepted) => answers.extend(accepted.into_iter().map(Ok)),
            // Nothing else has happened in this transaction yet: begin anew, and find out who it was.
            Err(_) if accepts.len() > 1 => {
                session.rollback().await;
                session.begin().await?;
                for rows in accepts {
                    session.run("SAVEPOINT job", vec![]).await?;
                    let inserted = inbox::insert(session, std::slice::from_ref(rows), clock.now()).await;
                    release(session, inserted.as_ref().err()).await?;
                    answers.push(inserted.map(|mut all| all.pop().unwrap_or_default()));
                }
            }
            Err(error) => return Err(error),
        }
    }
    let alone = works.len() == 1 && accepts.is_empty();
    for (work, ended) in works.iter_mut() {
        if *done > 0 && begun.elapsed() > TURN {
            break;
        }
        *done += 1;
        *ended = if alone { guarded(work.as_mut(), session).await } else { isolated(work.as_mut(), session).await? };
        if alone && ended.is_err() {
            return ended.clone();
        }
    }
    session.operation = "write";
    session.commit().await
}

/// Does a job so that its failure undoes what it did and nothing else. The outer error means that the whole transaction
/// is gone.
async fn isolated(work: &mut dyn Work, session: &mut Session) -> PortResult<PortResult<()>> {
    session.run("SAVEPOINT job", vec![]).await?;
    let ended = guarded(work, session).await;
    release(session, ended.as_ref().err()).await?;
    Ok(ended)
}

/// Ends a savepoint, undoing what came after it if there was an error. A database that has given up the transaction by
/// itself (a full disk) has no such savepoint any more: then the error is everyone's.
async fn release(session: &mut Session, failed: Option<&PortError>) -> PortResult<()> {
    if let Some(error) = failed
        && session.run("ROLLBACK TO SAVEPOINT job", vec![]).await.is_err()
    {
        return Err(error.clone());
    }
    session.run("RELEASE SAVEPOINT job", vec![]).await.map(drop)
}

/// Does a job; one that panics has failed, and the writer lives on.
async fn guarded(work: &mut dyn Work, session: &mut Session) -> PortResult<()> {
    AssertUnwindSafe(work.run(session)).catch_unwind().await.unwrap_or_else(|_| {
        Err(PortError::new(
            PortErrorKind::Broken,
            SERVICE,
            "write",
            "writing failed by a fault of the program; please report it with the log",
        ))
    })
}
