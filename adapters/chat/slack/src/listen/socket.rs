//! Socket Mode: how many sockets are kept, when one is opened and when one is let go. A new one has said hello before the one
//! it replaces is closed. What comes over a socket is handled in `connection`, how one is asked for in `opening`.
//!
//! <https://docs.slack.dev/apis/events-api/using-socket-mode>

mod connection;
mod opening;
#[cfg(test)]
mod world;

pub(crate) use opening::{OPEN, refused};

use crate::Desk;
use bellhop_core::PortError;
use bellhop_core::ports::{PortResult, Stop};
use connection::{Connection, News};
use opening::{Opening, Unopened};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How sockets are kept. Tests shrink the times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How many are kept. Slack allows ten, and delivers to any one of them.
    pub(crate) sockets: usize,
    /// How long a socket may take to stand, and then to say hello.
    pub(crate) connect: Duration,
    /// How often we ask whether anybody is there.
    pub(crate) ping: Duration,
    /// After how long without a sign of life a socket is given up. Noticed at the next ping.
    pub(crate) silence: Duration,
    /// How long an acknowledgement may take to be written before the socket is given up.
    pub(crate) write: Duration,
    /// How long what is in work may take when a socket is let go.
    pub(crate) drain: Duration,
    /// How long a closed socket waits for the other side to close, too.
    pub(crate) farewell: Duration,
    /// How many deliveries of one socket are in work at once; beyond them no more are read.
    pub(crate) at_once: usize,
    /// The first pause after a failure; each further one doubles it.
    pub(crate) pause: Duration,
    /// The longest such pause.
    pub(crate) longest_pause: Duration,
    /// How many sockets may be asked for in a row.
    pub(crate) opens: u32,
    /// How long it takes until one more may be asked for.
    pub(crate) open_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            sockets: 2,
            connect: Duration::from_secs(20),
            ping: Duration::from_secs(10),
            silence: Duration::from_secs(35),
            write: Duration::from_secs(10),
            drain: Duration::from_secs(10),
            farewell: Duration::from_secs(2),
            at_once: 128,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
            // Slack's pages disagree on what `apps.connections.open` allows; the least that they say is one a minute.
            opens: 6,
            open_every: Duration::from_mins(1),
        }
    }
}

/// What the sockets of one connection to Slack share.
struct Sockets {
    desk: Arc<Desk>,
    pace: Pace,
    opening: Opening,
    /// Cancelled when listening ends, for whatever reason.
    end: Stop,
    /// Why it ended, where nobody told it to.
    fatal: OnceLock<PortError>,
}

/// Keeps the sockets until told to stop.
///
/// # Errors
/// What no reconnecting mends: a refused token, or Socket Mode switched off.
pub(crate) async fn listen(desk: Arc<Desk>, pace: Pace, stop: Stop) -> PortResult<()> {
    let sockets = Arc::new(Sockets { desk, pace, opening: Opening::new(pace), end: stop.child_token(), fatal: OnceLock::new() });
    let mut places = JoinSet::new();
    for _ in 0..pace.sockets {
        places.spawn(sockets.clone().keep());
    }
    while let Some(ended) = places.join_next().await {
        if ended.is_err_and(|error| error.is_panic()) && !sockets.end.is_cancelled() {
            tracing::error!(chat = %sockets.desk.name, "the keeper of a socket failed; another takes its place");
            places.spawn(sockets.clone().keep());
        }
    }
    match sockets.fatal.get() {
        Some(error) if !stop.is_cancelled() => Err(error.clone()),
        _ => Ok(()),
    }
}

impl Sockets {
    /// Keeps one socket: opens it, replaces it when Slack asks for that or when it breaks, and lets it end in order.
    async fn keep(self: Arc<Self>) {
        // Sockets that were replaced live on in here until what they have in work is acknowledged.
        let mut tasks = JoinSet::new();
        let mut failures = 0_u32;
        let mut replaced: Option<Connection> = None;
        while !self.end.is_cancelled() {
            let opened = tokio::select! {
                opened = self.open(&mut tasks) => opened,
                () = self.end.cancelled() => break,
            };
            match opened {
                Ok((connection, news)) => {
                    failures = 0;
                    // Only now that the new one has said hello.
                    if let Some(old) = replaced.take() {
                        old.retire();
                    }
                    let goes_on = tokio::select! {
                        news = news => news == Ok(News::Refresh),
                        () = self.end.cancelled() => break,
                    };
                    replaced = goes_on.then_some(connection);
                }
                Err(Unopened::Final(error)) => self.end_for(error),
                Err(Unopened::ForNow(why, wait)) => {
                    let pause = opening::pause(&self.pace, failures).max(wait);
                    failures = failures.saturating_add(1);
                    tracing::warn!(chat = %self.desk.name, %why, again_in = ?pause, "a socket could not be opened");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.end.cancelled() => {}
                    }
                }
            }
            while tasks.try_join_next().is_some() {}
        }
        // Every socket sees for itself that it ends.
        while tasks.join_next().await.is_some() {}
    }

    /// Asks for a socket, and returns it when it has said hello.
    async fn open(self: &Arc<Self>, tasks: &mut JoinSet<()>) -> Result<(Connection, oneshot::Receiver<News>), Unopened> {
        let socket = self.opening.socket(&self.desk, &self.pace).await?;
        let (say_hello, hello) = oneshot::channel();
        let (tell, news) = oneshot::channel();
        let connection = Connection::default();
        tasks.spawn(connection::run(self.clone(), connection.clone(), socket, say_hello, tell));
        match tokio::time::timeout(self.pace.connect, hello).await {
            Ok(Ok(())) => Ok((connection, news)),
            Ok(Err(_)) => Err(Unopened::ForNow("it was closed before it said hello".into(), Duration::ZERO)),
            Err(_) => {
                connection.retire();
                Err(Unopened::ForNow("it never said hello".into(), Duration::ZERO))
            }
        }
    }

    /// Ends listening. The first reason is the one that counts.
    fn end_for(&self, error: PortError) {
        let _ = self.fatal.set(error);
        self.end.cancel();
    }
}

/// Socket Mode is off.
fn disabled(desk: &Desk) -> PortError {
    PortError::new(
        bellhop_core::PortErrorKind::Denied,
        desk.api.wire().service(),
        "listen",
        "Slack says link_disabled: Socket Mode is switched off for this app. Switch it on under Socket Mode in the app's settings, or set \
         transport = \"http\" with a `signing_secret`; then start the bot again",
    )
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
