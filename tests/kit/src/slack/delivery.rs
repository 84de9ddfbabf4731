//! What Slack brings to the app, over HTTP or sockets: slash commands, interactions, requests for options, events; signed, timed,
//! and brought again where the app didn't take an event.
//!
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use super::args::form;
use super::server::World;
use super::state::Event;
use crate::http::{Answer, Failure, Post};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use std::time::{Duration, Instant};

/// Where the app is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Target {
    /// Nowhere: nothing is delivered.
    #[default]
    Nowhere,
    /// At this address, for all kinds.
    Http(String),
    /// At the other end of its sockets.
    Sockets,
}

/// What is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A slash command: a form.
    Command,
    /// A click, a submitted view, a shortcut: `payload` in a form.
    Interaction,
    /// A request for options: the same.
    Options,
    /// An event: JSON.
    Event,
}

/// One attempt to bring something.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What.
    pub kind: Kind,
    /// The payload.
    pub payload: Value,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// Over which socket, or none for HTTP.
    pub socket: Option<u64>,
    /// How it ended.
    pub outcome: Result<Taken, String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// How the app took it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// The body of the acknowledgement as text; empty where there was none.
    pub body: String,
    /// Its content type, over HTTP.
    pub kind: String,
    /// The time from the sending to the acknowledgement.
    pub elapsed: Duration,
}

impl Taken {
    /// The body as JSON, where it is that.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok().filter(Value::is_object)
    }
}

/// What is wrong with a request on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forgery {
    /// Nothing.
    #[default]
    None,
    /// Signed with another secret.
    OtherSecret,
    /// No signature.
    Unsigned,
    /// No timestamp.
    Untimed,
    /// A timestamp so many seconds from now, rightly signed: negative for the past.
    Off(i64),
    /// A timestamp that is no number.
    BadTimestamp,
    /// A signature that is no hexadecimal number.
    BadSignature,
    /// Another body than the one that was signed.
    Changed,
    /// The body ends in the middle, and so does the connection.
    Truncated,
}

/// `v0=` and the HMAC of `v0:TIMESTAMP:BODY`.
#[must_use]
pub fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

/// The body and its content type, as each kind is written over HTTP.
pub(super) fn written(kind: Kind, payload: &Value) -> (String, &'static str) {
    const FORM: &str = "application/x-www-form-urlencoded";
    match kind {
        Kind::Event => (payload.to_string(), "application/json"),
        Kind::Interaction | Kind::Options => (form(&[("payload", &payload.to_string())]), FORM),
        Kind::Command => {
            let pairs: Vec<(&str, &str)> =
                payload.as_object().into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect();
            (form(&pairs), FORM)
        }
    }
}

/// Sends one signed request, whatever becomes of it.
pub(super) async fn signed(
    world: &World,
    url: &str,
    body: &[u8],
    content_type: &str,
    more: &[(&str, String)],
    forgery: Forgery,
    limit: Duration,
) -> Result<Answer, Failure> {
    let (secret, now) = {
        let state = world.state();
        (state.app.signing_secret.clone(), state.time.seconds())
    };
    let timestamp = match forgery {
        Forgery::Off(seconds) => (now + seconds).to_string(),
        Forgery::BadTimestamp => "yesterday".to_owned(),
        _ => now.to_string(),
    };
    let secret = if forgery == Forgery::OtherSecret { "another secret".to_owned() } else { secret };
    let mut mark = signature(&secret, &timestamp, body);
    if forgery == Forgery::BadSignature {
        "v0=no-number".clone_into(&mut mark);
    }
    let mut headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
    if forgery != Forgery::Untimed {
        headers.push(("X-Slack-Request-Timestamp".to_owned(), timestamp));
    }
    if forgery != Forgery::Unsigned {
        headers.push(("X-Slack-Signature".to_owned(), mark));
    }
    headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let mut sent = body.to_vec();
    let mut announced = None;
    match forgery {
        Forgery::Changed => {
            let at = sent.len() / 2;
            sent[at] = if sent[at] == b'a' { b'b' } else { b'a' };
        }
        Forgery::Truncated => {
            announced = Some(sent.len());
            sent.truncate(sent.len() / 2);
        }
        _ => {}
    }
    let post = Post { url, agent: "Slackbot 1.0 (+https://api.slack.com/robots)", headers, body: &sent, announced };
    // Kept apart, so that futures that wait for it stay small.
    Box::pin(post.send(limit)).await
}

/// Brings something once, and waits for the acknowledgement as long as Slack does.
pub(super) async fn bring(world: &World, kind: Kind, payload: &Value, attempt: u32, reason: &str) -> Result<Taken, String> {
    let target = world.target.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let started = Instant::now();
    let limit = world.state().settings.acknowledge_within;
    let (outcome, socket) = match target {
        Target::Nowhere => return Err("nowhere".into()),
        Target::Http(url) => {
            let (body, content_type) = written(kind, payload);
            let mut more = Vec::new();
            if attempt > 0 {
                more = vec![("X-Slack-Retry-Num", attempt.to_string()), ("X-Slack-Retry-Reason", reason.to_owned())];
            }
            let sent = signed(world, &url, body.as_bytes(), content_type, &more, Forgery::None, limit).await;
            let outcome = match sent {
                Ok(answer) if (200..300).contains(&answer.status) => Ok(Taken {
                    kind: answer.header("content-type").unwrap_or_default().to_owned(),
                    body: answer.text(),
                    elapsed: answer.elapsed,
                }),
                Ok(answer) if answer.header("x-slack-no-retry") == Some("1") => Err("no_retry".to_owned()),
                Ok(_) => Err("http_error".to_owned()),
                Err(Failure::TimedOut) => Err("http_timeout".to_owned()),
                Err(Failure::ConnectionFailed) => Err("connection_failed".to_owned()),
            };
            (outcome, None)
        }
        Target::Sockets => world.sockets.bring(world, kind, payload, attempt, reason, limit).await,
    };
    let delivery = Delivery { kind, payload: payload.clone(), attempt, socket, outcome: outcome.clone(), elapsed: started.elapsed() };
    world.deliveries.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(delivery);
    outcome
}

/// Brings an event, again and again where the app doesn't take it.
pub(super) async fn event(world: &World, event: Event) {
    let sockets = *world.target.lock().unwrap_or_else(std::sync::PoisonError::into_inner) == Target::Sockets;
    let (time, pauses) = {
        let state = world.state();
        // Over sockets the wait for the acknowledgement is the pause.
        (state.time.clone(), if sockets { vec![Duration::ZERO; 3] } else { state.settings.event_retries.clone() })
    };
    let Err(mut reason) = bring(world, Kind::Event, &event.body, 0, "").await else { return };
    for (n, pause) in (1u32..).zip(pauses) {
        if matches!(reason.as_str(), "no_retry" | "nowhere") {
            return;
        }
        time.pass(pause).await;
        match bring(world, Kind::Event, &event.body, n, &reason).await {
            Ok(_) => return,
            Err(why) => reason = why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_example_is_signed_as_the_vendor_signs_it() {
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&\
                    user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F\
                    commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.\
                    803a0bc887a14d10d2c447fce8b6703c";
        let made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body.as_bytes());
        assert_eq!(made, "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503");
    }
}
