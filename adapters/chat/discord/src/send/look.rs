//! Whether a message was posted although its answer got lost: Discord keeps a nonce for a few minutes, and beyond that the channel's own
//! messages are read for it. What is found is certain; what isn't found was not posted, as far back as the look reaches.

use super::nonce;
use crate::Desk;
use crate::address::{MessageRef, id_at, made, target};
use crate::parse::{field, id};
use crate::wire::{Route, WireResult};
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::{DeliveryKey, MessageId};
use bellhop_core::ports::PortResult;
use chrono::TimeDelta;
use serde_json::{Value, json};

const MESSAGES: Route = Route::get("/channels/{}/messages", "find");

/// How far back a message of an unknown hour is looked for.
const BACK: TimeDelta = TimeDelta::hours(6);
/// How much earlier than we believe Discord may have dated a message: clocks differ.
const EARLIER: TimeDelta = TimeDelta::minutes(2);
/// How many pages of a hundred are read at most.
const PAGES: usize = 30;
const PAGE: usize = 100;
/// How many notes of doubt are looked at for their age when one is added, and how old they get.
const TIDIED: usize = 20;
const KEPT: TimeDelta = TimeDelta::days(2);

fn collection(desk: &Desk) -> String {
    format!("discord/{}/tries", desk.name)
}

/// The outcome of a try is unknown: when it began is noted, so that the look needs to reach no further.
pub(crate) async fn doubt(desk: &Desk, key: &DeliveryKey, began: Timestamp) {
    let (records, collection) = (&desk.ports.records, collection(desk));
    let noted = async {
        records.put_new(&collection, key.as_str(), &json!({ "began": began.timestamp_millis() })).await?;
        for old in records.after(&collection, None, TIDIED).await? {
            if tried(&old.value).is_none_or(|at| began - at > KEPT) {
                records.remove(&collection, &old.key).await?;
            }
        }
        PortResult::Ok(())
    };
    if let Err(error) = noted.await {
        tracing::debug!(%error, "when a doubtful try began could not be noted");
    }
}

fn tried(kept: &Value) -> Option<Timestamp> {
    Timestamp::from_timestamp_millis(kept.get("began")?.as_i64()?)
}

/// The message that was posted under a key.
pub(crate) async fn find(desk: &Desk, at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>> {
    let noted = desk.ports.records.get(&collection(desk), key.as_str()).await?;
    let since = noted.as_ref().and_then(tried).unwrap_or_else(|| desk.ports.clock.now() - BACK) - EARLIER;
    match read(desk, target(at), &nonce(key), since).await {
        Ok(found) => Ok(found.map(|id| MessageRef::posted(target(at), target(at), &id).id())),
        // Where the bot may not read, a nonce that Discord still knows keeps a second message away.
        Err(failure) if failure.error.kind == PortErrorKind::Denied => {
            tracing::info!(error = %failure.error, %key, "whether a message was posted can't be seen; it is posted again under its nonce");
            Ok(None)
        }
        // A thread that was never begun, or a channel that is gone.
        Err(failure) if failure.error.kind == PortErrorKind::NotFound => Ok(None),
        Err(failure) => Err(failure.error),
    }
}

/// Reads the channel, the newest first, until the nonce is found.
async fn read(desk: &Desk, channel: &str, nonce: &str, since: Timestamp) -> WireResult<Option<String>> {
    let oldest = id_at(since).parse::<u64>().unwrap_or_default();
    let mut before: Option<String> = None;
    for _ in 0..PAGES {
        let mut query = vec![("limit", PAGE.to_string())];
        query.extend(before.clone().map(|id| ("before", id)));
        let page: Vec<Value> = desk.api.get(MESSAGES, &[channel], &query).await?;
        let own = page.iter().find(|message| {
            let said = match message.get("nonce") {
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => field(message, "/nonce").map(str::to_owned),
            };
            said.as_deref() == Some(nonce)
        });
        if let Some(found) = own.and_then(|message| id(message, "/id")) {
            return Ok(Some(found));
        }
        let last = page.last().and_then(|message| id(message, "/id"));
        let over = last.as_ref().and_then(|id| id.parse::<u64>().ok()).is_none_or(|id| id < oldest);
        if page.len() < PAGE || over {
            return Ok(None);
        }
        before = last;
    }
    let until = before.as_deref().and_then(made);
    tracing::warn!(channel, ?until, "a message was looked for among {} and not found", PAGES * PAGE);
    Ok(None)
}
