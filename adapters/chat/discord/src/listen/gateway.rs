//! The gateway: how many connections there are, and what becomes of each when it ends. A connection that breaks is resumed, after a
//! restart as well, so that nothing that was said meanwhile is missed; a new session is begun only where Discord wants one, and seldom:
//! a thousand in a day, and Discord takes the token away.
//!
//! <https://docs.discord.com/developers/events/gateway>

mod budget;
mod close;
mod connection;
mod events;
mod opening;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use opening::GATEWAY;

use crate::Desk;
use bellhop_core::ports::{PortResult, Stop};
use bellhop_core::{PortError, PortErrorKind};
use budget::Budget;
use close::Next;
use opening::pause;
use session::{Sessions, Standing};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How connections are kept. Tests shrink the times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long a connection may take to stand, and then to say hello.
    pub(crate) connect: Duration,
    /// How long anything may take to be written.
    pub(crate) write: Duration,
    /// How long what was heard may take to be kept when a connection ends.
    pub(crate) drain: Duration,
    /// How often it is noted how far a session is. What is not noted yet is told once more after a crash, and dropped by its key.
    pub(crate) save: Duration,
    /// After how long without a note another process is taken to be gone.
    pub(crate) silence: Duration,
    /// The first pause after a failure; each further one doubles it.
    pub(crate) pause: Duration,
    /// The longest such pause.
    pub(crate) longest_pause: Duration,
    /// After how long a session that stood is taken to have worked.
    pub(crate) well: Duration,
    /// After how many failures in a row it is said that this chat is not listened to.
    pub(crate) failures: u32,
    /// How many events may wait to be kept; beyond them no more are read.
    pub(crate) waiting: usize,
    /// Between two new sessions of one kind (Discord allows one in five seconds).
    pub(crate) identify: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            write: Duration::from_secs(10),
            drain: Duration::from_secs(10),
            save: Duration::from_secs(5),
            silence: Duration::from_secs(20),
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
            well: Duration::from_secs(10),
            failures: 6,
            waiting: 1_000,
            identify: Duration::from_millis(5_200),
        }
    }
}

/// What the connections of one bot share.
pub(super) struct Gateway {
    pub(super) desk: Arc<Desk>,
    pub(super) pace: Pace,
    budget: Budget,
    /// How many new sessions may be begun at once.
    at_once: AtomicU32,
    sessions: Sessions,
    /// How many connections there are.
    pub(super) shards: u32,
    /// Cancelled when listening ends, for whatever reason.
    pub(super) end: Stop,
}

/// Keeps the connections until told to stop.
///
/// # Errors
/// What no reconnecting mends (a refused token, an intent that is not allowed), or that Discord isn't reached for long.
pub(crate) async fn listen(desk: Arc<Desk>, pace: Pace, stop: Stop) -> PortResult<()> {
    let sessions = Sessions::new(&desk);
    let shards = match (desk.config.shards, sessions.planned().await?) {
        (Some(configured), _) => configured,
        // As many as the sessions that are to be resumed have.
        (None, Some(planned)) => planned,
        (None, None) => match stop.run_until_cancelled(opening::start(&desk)).await {
            Some(start) => start?.shards,
            None => return Ok(()),
        },
    };
    let end = stop.child_token();
    let budget = Budget::new(&desk, pace.identify);
    let gateway = Arc::new(Gateway { desk, pace, budget, at_once: AtomicU32::new(1), sessions, shards, end: end.clone() });
    let mut all = JoinSet::new();
    for shard in 0..shards {
        let gateway = gateway.clone();
        all.spawn(async move { (shard, gateway.keep(shard).await) });
    }
    let mut failed = None;
    while let Some(ended) = all.join_next().await {
        let error = match ended {
            Ok((_, Ok(()))) => continue,
            Ok((_, Err(error))) => error,
            Err(panicked) => {
                tracing::error!(chat = %gateway.desk.name, %panicked, "the keeper of a connection failed");
                PortError {
                    retry: bellhop_core::Retry::Backoff,
                    ..gateway.error(PortErrorKind::Broken, "the keeper of a connection failed")
                }
            }
        };
        failed.get_or_insert(error);
        end.cancel();
    }
    match failed {
        Some(error) if !stop.is_cancelled() => Err(error),
        _ => Ok(()),
    }
}

impl Gateway {
    pub(super) fn error(&self, kind: PortErrorKind, message: impl Into<String>) -> PortError {
        self.desk.error(kind, "listen", message)
    }

    /// Keeps one connection: resumes its session when it breaks, and begins a new one where it must.
    async fn keep(self: Arc<Self>, shard: u32) -> PortResult<()> {
        let mut standing = self.sessions.claim(shard, self.shards).await?;
        let (mut failures, mut unreached) = (0_u32, 0_u32);
        while !self.end.is_cancelled() {
            if !self.sessions.holds(&standing).await? {
                // Another process has taken the session over.
                let Some(taken) = self.end.run_until_cancelled(self.stand_by(shard, standing.clone())).await else { break };
                standing = taken?;
                continue;
            }
            let next = match self.end.run_until_cancelled(self.open(&standing, unreached)).await {
                None => break,
                Some(Err(error)) => {
                    unreached = unreached.saturating_add(1);
                    Next::Failed(error)
                }
                Some(Ok(socket)) => {
                    unreached = 0;
                    let began = Instant::now();
                    let served = connection::serve(&self, &mut standing, socket).await;
                    if served.worked && began.elapsed() >= self.pace.well {
                        failures = 0;
                    }
                    served.next
                }
            };
            match next {
                Next::Resume(least) => {
                    let wait = if failures == 0 { least } else { least.max(pause(&self.pace, failures)) };
                    failures = failures.saturating_add(1);
                    self.wait(wait).await;
                }
                Next::Anew(least) => {
                    standing.session = None;
                    self.sessions.save(&mut standing).await?;
                    self.wait(least).await;
                }
                Next::Failed(error) if error.retry == bellhop_core::Retry::No => {
                    // What no repetition mends ends the session as well: it is begun anew when it is mended.
                    standing.session = None;
                    self.sessions.save(&mut standing).await?;
                    return Err(error);
                }
                // Discord lets no more sessions begin for hours: that is for people to know.
                Next::Failed(error) if error.kind == PortErrorKind::RateLimited => return Err(error),
                Next::Failed(error) => {
                    failures = failures.saturating_add(1);
                    if failures >= self.pace.failures {
                        return Err(error);
                    }
                    let wait = match error.retry {
                        bellhop_core::Retry::After(wait) => wait,
                        _ => pause(&self.pace, failures),
                    };
                    tracing::warn!(chat = %self.desk.name, shard, %error, again_in = ?wait, "the gateway could not be connected to");
                    self.wait(wait).await;
                }
                Next::Stopped => break,
            }
        }
        self.sessions.save(&mut standing).await
    }

    async fn wait(&self, pause: Duration) {
        let _ = self.end.run_until_cancelled(tokio::time::sleep(pause)).await;
    }

    /// Another process has this connection: it is taken back when that one is silent.
    async fn stand_by(&self, shard: u32, mut seen: Standing) -> PortResult<Standing> {
        tracing::info!(chat = %self.desk.name, shard, "another process listens; this one stands by");
        let look = self.pace.silence / 5;
        let mut quiet = Duration::ZERO;
        loop {
            tokio::time::sleep(look).await;
            let now = self.sessions.read(shard).await?;
            if now.as_ref().is_some_and(|now| now.mark() != seen.mark()) {
                quiet = Duration::ZERO;
            } else {
                quiet += look;
            }
            if let Some(now) = now {
                seen = now;
            }
            if quiet >= self.pace.silence {
                return self.sessions.claim(shard, self.shards).await;
            }
        }
    }
}
