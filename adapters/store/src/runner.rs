//! Which process runs the bot on this database, and what happens to the work of one that died.

use crate::deliveries::refresh;
use crate::error::SERVICE;
use crate::session::{Batch, args};
use crate::{Pools, Store, spawn};
use bellhop_core::ports::{PortResult, Stop};
use bellhop_core::{PortError, PortErrorKind};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

/// How often a replica says that it lives, and for how long that is believed.
const BEAT: Duration = Duration::from_secs(3);
pub(crate) const BELIEVED: Duration = Duration::from_secs(10);

/// While it is held, this process runs the bot.
#[derive(Debug)]
pub struct RunnerGuard {
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// The lock ends with the file's closing, however the process ends.
    File {
        _file: File,
    },
    Row {
        stop: Stop,
        beats: Option<tokio::task::JoinHandle<()>>,
    },
}

impl RunnerGuard {
    /// Gives the place up and waits until others can see it.
    pub async fn release(mut self) {
        if let Held::Row { stop, beats } = &mut self.held {
            stop.cancel();
            if let Some(beats) = beats.take() {
                // A heart that failed is gone all the same; others notice when its last beat is old.
                let _ = beats.await;
            }
        }
    }
}

impl Drop for RunnerGuard {
    fn drop(&mut self) {
        if let Held::Row { stop, .. } = &self.held {
            stop.cancel();
        }
    }
}

/// How much work of the dead came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Messages that may have been posted, to be looked up after the quarantine.
    pub deliveries: u64,
    /// Rows of the inbox that are handled again.
    pub inbox: u64,
}

impl Store {
    /// Becomes the process that runs the bot. On SQLite that is one at a time: `None` when another is. On PostgreSQL
    /// there may be many; their heartbeat is kept up until the guard is released or dropped.
    ///
    /// # Errors
    /// `Denied` when the lock file beside the database can't be written, and as the database fails.
    pub async fn try_run(&self, instance: &str) -> PortResult<Option<RunnerGuard>> {
        match &*self.0.pools {
            Pools::Sqlite { file, .. } => {
                let path = lock_path(file);
                // Someone asking whether a bot runs holds the lock for a moment: try a little longer than that.
                for _ in 0..20 {
                    let lock = lock_file(&path)?;
                    match lock.try_lock() {
                        Ok(()) => return Ok(Some(RunnerGuard { held: Held::File { _file: lock } })),
                        Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(10)).await,
                        Err(TryLockError::Error(error)) => return Err(unlockable(&path, &error)),
                    }
                }
                Ok(None)
            }
            Pools::Postgres { .. } => {
                self.beat(instance).await?;
                let (stop, store, instance) = (Stop::new(), self.clone(), instance.to_owned());
                let heart = stop.clone();
                let beats = spawn(async move {
                    loop {
                        tokio::select! {
                            () = heart.cancelled() => break,
                            () = tokio::time::sleep(BEAT) => {}
                        }
                        if let Err(error) = store.beat(&instance).await {
                            tracing::warn!(%error, "this replica could not say that it lives");
                        }
                    }
                    let gone = store.write("leave", |session| {
                        Box::pin(async move { session.run("DELETE FROM instance WHERE id = $1", args![instance]).await })
                    });
                    if let Err(error) = gone.await {
                        tracing::debug!(%error, "this replica could not say that it leaves");
                    }
                });
                Ok(Some(RunnerGuard { held: Held::Row { stop, beats: Some(beats) } }))
            }
        }
    }

    async fn beat(&self, instance: &str) -> PortResult<()> {
        let (now, instance) = (self.now(), instance.to_owned());
        self.write("beat", move |session| {
            Box::pin(async move {
                session
                    .run(
                        "INSERT INTO instance (id, started_at, beat_at) VALUES ($1, $2, $2) ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at",
                        args![instance, now],
                    )
                    .await
                    .map(drop)
            })
        })
        .await
    }

    /// Whether some process runs the bot on this database now.
    ///
    /// # Errors
    /// As [`Store::try_run`].
    pub async fn runner_alive(&self) -> PortResult<bool> {
        match &*self.0.pools {
            Pools::Sqlite { file, .. } => {
                let path = lock_path(file);
                match lock_file(&path)?.try_lock_shared() {
                    Ok(()) => Ok(false),
                    Err(TryLockError::WouldBlock) => Ok(true),
                    Err(TryLockError::Error(error)) => Err(unlockable(&path, &error)),
                }
            }
            Pools::Postgres { .. } => {
                let since = self.now() - BELIEVED;
                let alive = self.read("runner").await?.number("SELECT count(*) FROM instance WHERE beat_at > $1", args![since]).await?;
                Ok(alive > 0)
            }
        }
    }

    /// Takes back what dead processes had claimed: messages become ambiguous, to be looked up after the quarantine, and
    /// rows of the inbox are handled again. On SQLite the caller is the only runner, so whatever it hasn't claimed
    /// itself belongs to the dead; otherwise, and on PostgreSQL, a lease has to end first. Call it at the start, and then
    /// every few seconds.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn recover(&self, quarantine: Duration) -> PortResult<Recovered> {
        let now = self.now();
        let due = now + quarantine;
        let ours: crate::session::Value = self.own_names().into();
        let recovered = self
            .write("recover", move |session| {
                Box::pin(async move {
                    let lost = session
                        .rows(
                            "SELECT lane FROM lane WHERE lane IN (SELECT o.lane FROM outbox AS o WHERE o.state = 'leased' \
                               AND (o.lease_until <= $1 /*lite OR o.owner NOT IN (SELECT value ->> 0 FROM EACH($2))*//*pg AND $2 <> ''*/)) \
                             ORDER BY lane /*pg FOR UPDATE SKIP LOCKED*/",
                            vec![now.into(), ours.clone()],
                        )
                        .await?;
                    let lost = lost.iter().map(|row| row.text(0)).collect::<PortResult<Vec<_>>>()?;
                    let lanes = || lost.iter().map(|lane| args![lane.as_str()]).collect::<Batch>();
                    let mut recovered = Recovered::default();
                    if !lost.is_empty() {
                        recovered.deliveries = session
                            .run(
                                "UPDATE outbox SET state = 'ambiguous', doubt = 1, not_before = $2, attempts = attempts + 1, owner = NULL, lease_until = NULL, \
                                   error = 'the process that was posting it ended' \
                                 WHERE state = 'leased' AND lane IN (SELECT value ->> 0 FROM EACH($3)) \
                                   AND (lease_until <= $1 /*lite OR owner NOT IN (SELECT value ->> 0 FROM EACH($4))*//*pg AND $4 <> ''*/)",
                                vec![now.into(), due.into(), lanes().into(), ours.clone()],
                            )
                            .await?;
                        refresh(session, lanes()).await?;
                    }
                    recovered.inbox = session
                        .run(
                            "UPDATE inbox SET state = 'ready', owner = NULL, lease_until = NULL WHERE state = 'claimed' \
                               AND (lease_until <= $1 /*lite OR owner NOT IN (SELECT value ->> 0 FROM EACH($2))*//*pg AND $2 <> ''*/)",
                            vec![now.into(), ours],
                        )
                        .await?;
                    Ok(recovered)
                })
            })
            .await?;
        if recovered.inbox > 0 {
            self.0.wakes.wake([true, true]);
        }
        Ok(recovered)
    }

    /// The names that this process claims under.
    pub(crate) fn own_names(&self) -> Batch {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|owner| args![owner.as_str()]).collect()
    }

    /// Remembers that this process claims under this name.
    pub(crate) fn known_owner(&self, owner: &str) -> String {
        let mut owners = self.0.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if !owners.contains(owner) {
            owners.insert(owner.to_owned());
        }
        owner.to_owned()
    }
}

/// The lock is a file beside the database: `bellhop.db.run`.
pub(crate) fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".run");
    name.into()
}

pub(crate) fn lock_file(path: &Path) -> PortResult<File> {
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| unlockable(path, &error))
}

fn unlockable(path: &Path, error: &std::io::Error) -> PortError {
    PortError::new(
        PortErrorKind::Denied,
        SERVICE,
        "run",
        format!("{} can't be locked: {error}; it shows which process runs the bot, so its folder must be writable", path.display()),
    )
}
