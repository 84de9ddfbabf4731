//! Asking Discord for the gateway and connecting to it.

use super::session::Standing;
use super::{Gateway, Pace};
use crate::Desk;
use crate::config::is_loopback;
use crate::wire::Route;
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use serde::Deserialize;
use serde_json::Value;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

pub(crate) const GATEWAY: Route = Route::get("/gateway/bot", "listen");

/// The largest frame that is read, in bytes: a large server's description is one.
const FRAME: usize = 64 << 20;
/// After how many failures a session is tried at the usual address rather than its own.
const ELSEWHERE: u32 = 3;
/// So many new sessions are left untouched of those that Discord says are left: people start the bot by hand as well.
const SPARED: u64 = 10;

/// A connection that stands.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What Discord says of its gateway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Start {
    /// Its address.
    pub url: String,
    /// How many connections it proposes.
    pub shards: u32,
    /// How many new sessions are left today, and when there are all again.
    pub left: Option<(u64, Duration)>,
    /// How many may be begun at once.
    pub at_once: u32,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    url: String,
    #[serde(default)]
    shards: Option<u32>,
    #[serde(default)]
    session_start_limit: Option<Value>,
}

/// Asks Discord for its gateway.
pub(crate) async fn start(desk: &Desk) -> PortResult<Start> {
    let configured = desk.config.gateway_url.as_ref();
    let told: Told = match desk.api.get(GATEWAY, &[], &[]).await {
        Ok(told) => told,
        // What stands for the gateway may be all that there is.
        Err(failure) if configured.is_some() && failure.error.kind == PortErrorKind::NotFound => {
            Told { url: String::new(), shards: None, session_start_limit: None }
        }
        Err(failure) => return Err(failure.error),
    };
    let limit = told.session_start_limit.unwrap_or_default();
    let number = |name: &str| limit.get(name).and_then(Value::as_u64);
    Ok(Start {
        url: configured.map_or(told.url, |url| url.as_str().to_owned()),
        shards: told.shards.unwrap_or(1).clamp(1, 1_000),
        left: number("remaining").map(|left| (left, Duration::from_millis(number("reset_after").unwrap_or(60_000)))),
        at_once: number("max_concurrency").and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1),
    })
}

impl Gateway {
    /// Connects, to resume the session or to begin one: for the latter it first waits for its turn.
    pub(super) async fn open(&self, standing: &Standing, unreached: u32) -> PortResult<Socket> {
        let kept = standing.session.as_ref().filter(|_| unreached < ELSEWHERE).and_then(|session| self.trusted(&session.url).ok());
        let url = match (kept, &standing.session) {
            (Some(url), _) => url,
            (None, Some(_)) => self.trusted(&start(&self.desk).await?.url)?,
            (None, None) => {
                let start = start(&self.desk).await?;
                self.turn(standing.shard, &start).await?;
                self.trusted(&start.url)?
            }
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(16 << 10)
            .write_buffer_size(0)
            .max_message_size(Some(FRAME))
            .max_frame_size(Some(FRAME));
        let failed = |why: String| self.error(PortErrorKind::Unavailable, format!("the gateway can't be connected to: {why}"));
        match tokio::time::timeout(self.pace.connect, connect_async_with_config(url.as_str(), Some(config), true)).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(error)) => Err(failed(words(&error))),
            Err(_) => Err(failed("it doesn't answer in time".into())),
        }
    }

    /// Waits until a new session may be begun.
    async fn turn(&self, shard: u32, start: &Start) -> PortResult<()> {
        if let Some((left, again)) = start.left
            && left <= SPARED
        {
            let message = format!(
                "Discord lets this bot begin only {left} more sessions before {} minutes have passed, and resets the token of a bot that begins more; \
                 it is waited for. Something has begun very many of them: another copy of the bot, perhaps",
                again.as_secs().div_ceil(60)
            );
            return Err(self.error(PortErrorKind::RateLimited, message).after(again));
        }
        self.at_once.store(start.at_once, Ordering::Relaxed);
        let mut told = false;
        // Counted is a session when it is begun: what can't even be connected costs nothing.
        while let Some(wait) = self.budget.wait(shard, self.shards, start.at_once).await? {
            if !told && wait > Duration::from_secs(20) {
                tracing::warn!(chat = %self.desk.name, shard, ?wait, "many sessions were begun lately; the next one waits, so that Discord doesn't reset the token");
                told = true;
            }
            // In short steps, since it is the clock's time that counts.
            tokio::time::sleep(wait.min(Duration::from_secs(1))).await;
        }
        Ok(())
    }

    /// An address that Discord gave, where it may be connected to: encrypted, unless it is on this machine, as is the API.
    fn trusted(&self, text: &str) -> PortResult<Url> {
        let api = &self.desk.config.api_url;
        let here = |url: &Url| is_loopback(url) && (is_loopback(api) || self.desk.config.gateway_url.as_ref().is_some_and(is_loopback));
        let url = text.parse::<Url>().ok().filter(Url::has_host);
        let mut url = url.filter(|url| url.scheme() == "wss" || url.scheme() == "ws" && here(url)).ok_or_else(|| {
            let mut error = self.error(PortErrorKind::Broken, "Discord's answer holds no address of an encrypted gateway");
            error.retry = bellhop_core::Retry::Backoff;
            error
        })?;
        url.set_query(Some("v=10&encoding=json"));
        Ok(url)
    }
}

/// What went wrong with a connection.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::Url(_) => "the address can't be used or reached".into(),
        Error::Http(answer) => format!("the server answered {} instead of a web socket", answer.status().as_u16()),
        Error::Io(error) => format!("the connection failed ({})", error.kind()),
        Error::Tls(_) => "the encryption could not be agreed on; check the machine's certificates and clock".into(),
        Error::Capacity(_) => "a frame was larger than 64 MiB".into(),
        Error::ConnectionClosed | Error::AlreadyClosed => "it was closed".into(),
        _ => "the other side does not speak WebSocket as it should".into(),
    }
}

/// A pause that doubles with each failure, shortened by chance to as little as half.
pub(super) fn pause(pace: &Pace, failures: u32) -> Duration {
    let full = pace.pause.saturating_mul(1 << failures.min(16)).min(pace.longest_pause);
    full.mul_f64(0.5 + chance() / 2.0)
}

/// A number from 0 to 1.
pub(super) fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

/// An error of the gateway that may pass.
pub(super) fn passing(gateway: &Gateway, message: &str) -> PortError {
    gateway.error(PortErrorKind::Unavailable, message)
}
