//! Asking Slack for a socket and connecting it: seldom enough, with growing pauses, and with an end where no repetition helps.
//!
//! <https://docs.slack.dev/reference/methods/apps.connections.open>

use super::Pace;
use crate::Desk;
use crate::wire::{Failure, Method};
use bellhop_core::{PortError, PortErrorKind, Retry};
use serde::Deserialize;
use serde_json::json;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

/// Slack's answer to it is a socket's address with a ticket: as good as a password, for a moment.
pub(crate) const OPEN: Method = Method { name: "apps.connections.open", operation: "listen", per_minute: 1, safe: true };

/// What no repetition mends: the app's token is refused, or may not open sockets.
const FINAL: [&str; 9] = [
    "not_authed",
    "invalid_auth",
    "account_inactive",
    "user_removed_from_team",
    "team_disabled",
    "token_revoked",
    "missing_scope",
    "not_allowed_token_type",
    "forbidden_team",
];

/// The largest frame that is read, in bytes.
const FRAME: usize = 4 << 20;

/// A socket that stands.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why there is no socket.
pub(super) enum Unopened {
    /// It stays so until a person does something.
    Final(PortError),
    /// Try again, not before this much time has passed.
    ForNow(String, Duration),
}

/// The allowance of sockets that may be asked for, shared by all that are kept.
pub(super) struct Opening {
    pace: Pace,
    state: Mutex<Allowance>,
}

struct Allowance {
    left: u32,
    /// When one more may be asked for next.
    next: Instant,
    not_before: Instant,
}

#[derive(Deserialize)]
struct Opened {
    url: String,
}

impl Opening {
    pub(super) fn new(pace: Pace) -> Self {
        let now = Instant::now();
        Self { pace, state: Mutex::new(Allowance { left: pace.opens, next: now + pace.open_every, not_before: now }) }
    }

    /// A socket that stands and hasn't said anything yet.
    pub(super) async fn socket(&self, desk: &Desk, pace: &Pace) -> Result<Socket, Unopened> {
        self.turn().await;
        let token = desk.config.app_token.as_ref();
        let called = desk.api.wire().call::<Opened>(token, OPEN, &json!({})).await;
        let (opened, _) = called.map_err(|failure| self.unopened(failure))?;
        let address = address(&opened.url, &desk.config.api_url)?;
        // The default asks for 128 KiB of memory per socket and direction; what is sent here is small.
        let config = WebSocketConfig::default()
            .read_buffer_size(16 << 10)
            .write_buffer_size(0)
            .max_message_size(Some(FRAME))
            .max_frame_size(Some(FRAME));
        match tokio::time::timeout(pace.connect, connect_async_with_config(address.as_str(), Some(config), true)).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(error)) => Err(Unopened::ForNow(words(&error), Duration::ZERO)),
            Err(_) => Err(Unopened::ForNow("the socket could not be connected in time".into(), Duration::ZERO)),
        }
    }

    /// Waits until one more may be asked for.
    async fn turn(&self) {
        while let Some(wait) = self.take(Instant::now()) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes one, or says how long to wait for it.
    fn take(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.next <= now && state.left < self.pace.opens {
            state.left += 1;
            state.next += self.pace.open_every;
        }
        if state.left == self.pace.opens {
            state.next = now + self.pace.open_every;
        }
        if state.not_before > now {
            return Some(state.not_before - now);
        }
        if state.left == 0 {
            return Some((state.next - now).max(Duration::from_millis(1)));
        }
        state.left -= 1;
        None
    }

    fn unopened(&self, failure: Failure) -> Unopened {
        if failure.is(&FINAL) {
            return Unopened::Final(refused(failure));
        }
        let wait = match failure.error.retry {
            Retry::After(wait) => wait,
            _ => Duration::ZERO,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.not_before = state.not_before.max(Instant::now() + wait);
        Unopened::ForNow(failure.error.message, wait)
    }
}

/// The app's token is of no use, in words that say what to do.
pub(crate) fn refused(failure: Failure) -> PortError {
    let code = failure.code.as_deref().unwrap_or_default();
    let mut error = failure.error;
    error.kind = PortErrorKind::Unauthenticated;
    error.retry = Retry::No;
    error.message = format!(
        "Slack refuses the `app_token`: {code}. It is the token that begins with xapp-, with the scope connections:write, and stands under Basic \
         Information > App-Level Tokens in the app's settings; make one there, put it into the configuration and start the bot again"
    );
    error
}

/// The address that Slack gave, where it may be connected to: encrypted, unless the API itself is not (a test server).
fn address(text: &str, api: &Url) -> Result<Url, Unopened> {
    let url = text.parse::<Url>().ok().filter(Url::has_host);
    url.filter(|url| url.scheme() == "wss" || (url.scheme() == "ws" && api.scheme() == "http"))
        .ok_or_else(|| Unopened::ForNow("Slack's answer holds no address of an encrypted socket".into(), Duration::ZERO))
}

/// What went wrong with a socket, without its address: that holds a ticket.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::Url(_) => "the socket's address can't be used or reached".into(),
        Error::Http(answer) => format!("the server answered {} instead of a socket", answer.status().as_u16()),
        Error::Io(error) => format!("the connection failed ({})", error.kind()),
        Error::Tls(_) => "the encryption could not be agreed on; check the machine's certificates and clock".into(),
        Error::Capacity(_) => "a frame was larger than 4 MiB".into(),
        Error::ConnectionClosed | Error::AlreadyClosed => "it was closed".into(),
        _ => "the other side does not speak WebSocket as it should".into(),
    }
}

/// A pause that doubles with each failure, shortened by chance to as little as half.
pub(super) fn pause(pace: &Pace, failures: u32) -> Duration {
    let full = pace.pause.saturating_mul(1 << failures.min(16)).min(pace.longest_pause);
    let chance = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
    full.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_asked_for_in_bursts_and_seldom() {
        let pace = Pace::default();
        let opening = Opening::new(pace);
        let start = Instant::now();
        for _ in 0..pace.opens {
            assert_eq!(opening.take(start), None);
        }
        let wait = opening.take(start).unwrap();
        assert!(wait > Duration::from_secs(50) && wait <= pace.open_every + Duration::from_secs(1), "{wait:?}");
        assert_eq!(opening.take(start + wait), None);
        assert!(opening.take(start + wait).is_some());
        // After a long rest no more than a burst is saved up.
        let later = start + pace.open_every * 100;
        assert_eq!((0..20).filter(|_| opening.take(later).is_none()).count(), pace.opens as usize);
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let pace = Pace::default();
        for failures in 0..40 {
            let pause = pause(&pace, failures);
            let full = pace.pause.saturating_mul(1 << failures.min(16)).min(pace.longest_pause);
            assert!(pause >= full / 2 && pause <= full, "{failures}: {pause:?}");
        }
    }

    #[test]
    fn a_wait_that_slack_asks_for_holds_for_all() {
        let opening = Opening::new(Pace::default());
        let failure = Failure::from(PortError::new(PortErrorKind::RateLimited, "chat.work", "listen", "m").after(Duration::from_secs(30)));
        assert!(matches!(opening.unopened(failure), Unopened::ForNow(_, wait) if wait == Duration::from_secs(30)));
        assert!(opening.take(Instant::now()).unwrap() > Duration::from_secs(29));
        assert_eq!(opening.take(Instant::now() + Duration::from_secs(31)), None);
    }

    #[test]
    fn sockets_are_encrypted_unless_the_api_is_not() {
        let (real, test) = ("https://slack.com/api".parse().unwrap(), "http://127.0.0.1:9/api".parse().unwrap());
        assert!(address("wss://wss-primary.slack.com/link/?ticket=1", &real).is_ok());
        assert!(address("ws://wss-primary.slack.com/link/?ticket=1", &real).is_err());
        assert!(address("ws://127.0.0.1:8/link/?ticket=1", &test).is_ok());
        for bad in ["", "https://slack.com", "wss:", "file:///x"] {
            assert!(address(bad, &test).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_hold_no_ticket() {
        let secret = "wss://wss.example/link/?ticket=s3cret";
        let error = Error::Url(tokio_tungstenite::tungstenite::error::UrlError::UnableToConnect(secret.into()));
        assert!(error.to_string().contains("s3cret"), "the library prints addresses");
        assert!(!words(&error).contains("s3cret"));
    }
}
