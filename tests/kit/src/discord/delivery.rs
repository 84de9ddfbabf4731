//! Interactions on their way to the app, by its sessions or as signed requests, and what it says first.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding> and
//! <https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint>

use super::api::Fault;
use super::api::call::{Body, Part, read};
use super::ids::Id;
use super::records::Message;
use super::server::World;
use crate::http::{Answer, Failure, Post};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How Discord calls itself.
const AGENT: &str = "Discord-Interactions/1.0 (+https://discord.com)";
/// The order of the curve's group, the lowest byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x10,
];

/// By which way something was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// As a signed request.
    Http,
    /// By a session.
    Gateway,
}

/// One interaction that was brought.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The interaction.
    pub payload: Value,
    /// By which way.
    pub over: Over,
    /// How it ended.
    pub outcome: Result<Taken, String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What the app responded first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// The response's type: 4 for a message, 5 and 6 for later, 7 for a change, 8 for choices, 9 for a form.
    pub kind: u64,
    /// Its data.
    pub data: Value,
    /// The time from the sending to the response.
    pub elapsed: Duration,
}

/// What is wrong with a request on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forgery {
    /// Nothing.
    #[default]
    None,
    /// Signed with another key.
    OtherKey,
    /// No signature.
    Unsigned,
    /// No timestamp.
    Untimed,
    /// A timestamp so many seconds from now, rightly signed: negative for the past.
    Off(i64),
    /// A timestamp that isn't the one that was signed.
    OtherTimestamp,
    /// A signature that is no hexadecimal number.
    NoNumber,
    /// A signature that is too short.
    Short,
    /// A signature that lax verification takes and strict verification doesn't: its number is over the order of the group.
    Malleable,
    /// Another body than the one that was signed.
    Changed,
    /// The body ends in the middle, and so does the connection.
    Truncated,
}

fn pair(seed: &[u8; 32]) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(seed).ok()
}

/// The key that belongs to a seed, as the portal shows it.
pub(super) fn public_key(seed: &[u8; 32]) -> String {
    pair(seed).map(|pair| hex::encode(pair.public_key().as_ref())).unwrap_or_default()
}

/// The signature of the timestamp and the body after it, as 128 hexadecimal digits.
#[must_use]
pub fn signature(seed: &[u8; 32], timestamp: &str, body: &[u8]) -> String {
    let message = [timestamp.as_bytes(), body].concat();
    pair(seed).map(|pair| hex::encode(pair.sign(&message).as_ref())).unwrap_or_default()
}

/// The same signature with the order of the group added to its number.
fn malleable(mark: &str) -> String {
    let Ok(mut bytes) = hex::decode(mark) else { return String::new() };
    let mut carry = 0_u16;
    for (byte, more) in bytes.iter_mut().skip(32).zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap_or(0);
        carry = sum >> 8;
    }
    hex::encode(bytes)
}

/// Sends one signed request, whatever becomes of it.
pub(super) async fn signed(world: &World, app: Id, url: &str, body: &[u8], forgery: Forgery, limit: Duration) -> Result<Answer, Failure> {
    let (seed, now) = {
        let state = world.state();
        (state.app(app).map(|app| app.seed).unwrap_or_default(), state.time.seconds())
    };
    let timestamp = match forgery {
        Forgery::Off(seconds) => (now + seconds).to_string(),
        _ => now.to_string(),
    };
    let seed = if forgery == Forgery::OtherKey { seed.map(|byte| byte ^ 1) } else { seed };
    let mut mark = signature(&seed, &timestamp, body);
    match forgery {
        Forgery::NoNumber => mark = "z".repeat(128),
        Forgery::Short => mark.truncate(126),
        Forgery::Malleable => mark = malleable(&mark),
        _ => {}
    }
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    if forgery != Forgery::Untimed {
        let shown = if forgery == Forgery::OtherTimestamp { (now + 1).to_string() } else { timestamp };
        headers.push(("X-Signature-Timestamp".to_owned(), shown));
    }
    if forgery != Forgery::Unsigned {
        headers.push(("X-Signature-Ed25519".to_owned(), mark));
    }
    let mut sent = body.to_vec();
    let mut announced = None;
    match forgery {
        Forgery::Changed => {
            let at = sent.iter().rposition(u8::is_ascii_alphanumeric).unwrap_or(0);
            sent[at] = if sent[at] == b'1' { b'2' } else { b'1' };
        }
        Forgery::Truncated => {
            announced = Some(sent.len());
            sent.truncate(sent.len() / 2);
        }
        _ => {}
    }
    let post = Post { url, agent: AGENT, headers, body: &sent, announced };
    // Kept apart, so that futures that wait for it stay small.
    Box::pin(post.send(limit)).await
}

/// Brings an interaction, and waits for the first response as long as Discord does.
pub(super) async fn bring(world: &World, app: Id, number: Id, payload: &Value) -> Result<Taken, String> {
    let started = Instant::now();
    let (endpoint, limit, guild) = {
        let state = world.state();
        let guild = payload["guild_id"].as_str().and_then(|id| id.parse::<Id>().ok());
        (state.app(app).and_then(|app| app.endpoint.clone()), state.settings.respond_within, guild)
    };
    let over = if endpoint.is_some() { Over::Http } else { Over::Gateway };
    let brought = match endpoint {
        Some(url) => over_http(world, app, number, &url, payload, limit).await,
        None => over_gateway(world, app, guild, payload),
    };
    let outcome = match brought {
        Ok(()) => responded(world, number, started, limit).await,
        Err(why) => Err(why),
    };
    if outcome.is_err() {
        world.change(|state| {
            if let Some(interaction) = state.interactions.get_mut(&number) {
                interaction.late = true;
            }
            state.no_response(number);
        });
    }
    let delivery = Delivery { payload: payload.clone(), over, outcome: outcome.clone(), elapsed: started.elapsed() };
    world.deliveries.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(delivery);
    outcome
}

fn over_gateway(world: &World, app: Id, guild: Option<Id>, payload: &Value) -> Result<(), String> {
    world.change(|state| {
        state.forget_sessions();
        if !state.reachable(app) {
            return Err("the app has no session".to_owned());
        }
        state.tell(app, guild, None, "INTERACTION_CREATE", payload);
        Ok(())
    })
}

async fn over_http(world: &World, app: Id, number: Id, url: &str, payload: &Value, limit: Duration) -> Result<(), String> {
    let sent = signed(world, app, url, payload.to_string().as_bytes(), Forgery::None, limit).await;
    let answer = match sent {
        Ok(answer) => answer,
        Err(Failure::TimedOut) => return Err("the application did not respond in time".into()),
        Err(Failure::ConnectionFailed) => return Err("the application is not there".into()),
    };
    match answer.status {
        200 => {
            let (body, parts) = answered(&answer).await.ok_or_else(|| format!("no response: {}", answer.text()))?;
            world.change(|state| state.respond(number, &body, parts)).map_err(|refusal| match refusal {
                Fault::Refused { body, .. } => format!("a response that is refused: {body}"),
                Fault::Limited(_) => "limited".to_owned(),
            })
        }
        // It is answered by a call.
        202 if answer.body.is_empty() => Ok(()),
        status => Err(format!("the application answered with {status}: {}", answer.text())),
    }
}

async fn answered(answer: &Answer) -> Option<(Value, Vec<Part>)> {
    let kind = answer.header("content-type")?;
    let request = axum::extract::Request::builder().header("content-type", kind).body(answer.body.clone().into()).ok()?;
    match read(request, usize::MAX).await {
        Body::Json(value) => Some((value, Vec::new())),
        Body::Parts(value, parts) => Some((value, parts)),
        _ => None,
    }
}

async fn responded(world: &World, number: Id, started: Instant, limit: Duration) -> Result<Taken, String> {
    loop {
        let found = world.state().interactions.get(&number).and_then(|one| one.responded.clone());
        if let Some(responded) = found {
            return Ok(Taken { kind: responded.kind, data: responded.data, elapsed: started.elapsed() });
        }
        if started.elapsed() >= limit {
            return Err("the application did not respond in time".into());
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

impl super::state::State {
    /// What a person sees where nothing came: their own program says so.
    fn no_response(&mut self, number: Id) {
        let Some(interaction) = self.interactions.get(&number).cloned() else { return };
        if interaction.kind == 4 {
            return;
        }
        let text = if interaction.kind == 2 { "The application did not respond" } else { "This interaction failed" };
        let message = Message {
            id: self.fresh(),
            channel: interaction.channel,
            content: text.to_owned(),
            only: Some(interaction.user),
            at: self.millis(),
            ..Message::default()
        };
        self.messages.entry(interaction.channel).or_default().push(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    #[test]
    fn a_request_is_signed_as_every_library_signs_it() {
        let mut seed = [0; 32];
        hex::decode_to_slice("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", &mut seed).unwrap();
        let key = public_key(&seed);
        assert_eq!(key, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let mark = signature(&seed, "1700000000", b"{\"type\":1}");
        assert_eq!(
            mark,
            "1695961a47c91a1ec033b819b7e87e3dbc583dd0cee6d1fd0216f58ac87b6228ae531ddbf91fb7bc28d7edf7f08604da16f54624f38a6bc0614e4dc13cd47f0f"
        );
        let strict = |mark: &str| {
            let key = UnparsedPublicKey::new(&ED25519, hex::decode(&key).unwrap());
            key.verify(b"1700000000{\"type\":1}", &hex::decode(mark).unwrap()).is_ok()
        };
        assert!(strict(&mark) && !strict(&malleable(&mark)));
    }
}
