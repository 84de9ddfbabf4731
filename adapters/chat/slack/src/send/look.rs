//! Whether a message was posted although its answer got lost: the channel's own history is read for the key that every message
//! carries in its metadata. What is found is certain; what isn't found was not posted, as far back as the look reaches.

use super::EVENT;
use super::change::conversation;
use super::ways::NOT_A_MEMBER;
use crate::Desk;
use crate::address::{MessageRef, is_direct};
use crate::directory::Next;
use crate::files;
use crate::wire::{Method, WireResult};
use bellhop_core::address::Address;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::{DeliveryKey, MessageId};
use bellhop_core::ports::PortResult;
use chrono::TimeDelta;
use moka::future::Cache;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const HISTORY: Method = Method { name: "conversations.history", operation: "find", per_minute: 50, safe: true };
const REPLIES: Method = Method { name: "conversations.replies", operation: "find", per_minute: 50, safe: true };

/// How far back a message of an unknown hour is looked for.
const BACK: TimeDelta = TimeDelta::hours(24);
/// How much earlier than we believe Slack may have dated a message: clocks differ.
const EARLIER: TimeDelta = TimeDelta::minutes(2);
/// How many pages of 200 are read at most.
const PAGES: usize = 50;
/// How long what was seen in a channel settles further questions.
const SEEN: Duration = Duration::from_secs(10);
/// How many notes of doubt are looked at for their age when one is added, and how old they get.
const TIDIED: usize = 20;
const KEPT: TimeDelta = TimeDelta::days(2);

/// What was seen in channels a moment ago: their messages by key. Only what is in it counts: what isn't may have come since.
pub(crate) struct Pages {
    seen: Cache<Address, Arc<HashMap<String, String>>>,
}

impl Default for Pages {
    fn default() -> Self {
        Self { seen: Cache::builder().max_capacity(1_000).time_to_live(SEEN).build() }
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    messages: Vec<Told>,
    #[serde(default)]
    response_metadata: Option<Next>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    ts: String,
    #[serde(default)]
    metadata: Option<Value>,
}

impl Told {
    fn key(&self) -> Option<&str> {
        let metadata = self.metadata.as_ref()?;
        (metadata.get("event_type")? == EVENT).then(|| metadata.pointer("/event_payload/delivery_id")?.as_str()).flatten()
    }
}

fn collection(desk: &Desk) -> String {
    format!("slack/{}/tries", desk.name)
}

/// The outcome of a try is unknown: when it began is noted, so that the look needs to reach no further. Without the note it
/// reaches a day.
pub(super) async fn doubt(desk: &Desk, key: &DeliveryKey, began: Timestamp) {
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

/// What was seen of a channel no longer counts.
pub(super) async fn forget(desk: &Desk, at: &Address) {
    desk.pages.seen.invalidate(at).await;
}

/// The message that was posted under a key.
pub(crate) async fn find(desk: &Desk, at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>> {
    if let Some(file) = files::find(desk, at, key).await? {
        return Ok(Some(MessageRef::File(file).id()));
    }
    let channel = conversation(desk, &at.workspace, at.channel.as_str()).await?;
    let spelled = |ts: &str| MessageRef::posted(at.channel.as_str(), &channel, ts).id();
    if let Some(ts) = desk.pages.seen.get(at).await.and_then(|seen| seen.get(key.as_str()).cloned()) {
        return Ok(Some(spelled(&ts)));
    }
    let noted = desk.ports.records.get(&collection(desk), key.as_str()).await?;
    let since = noted.as_ref().and_then(tried).unwrap_or_else(|| desk.ports.clock.now() - BACK) - EARLIER;
    let mut found = read(desk, at, &channel, key, since).await;
    if let Err(failure) = &found
        && failure.is(&NOT_A_MEMBER)
        && !is_direct(&channel)
        && desk.try_enter(&at.workspace, &channel).await?
    {
        found = read(desk, at, &channel, key, since).await;
    }
    match found {
        Ok(found) => Ok(found.map(|ts| spelled(&ts))),
        // By a response address messages reach where the bot sees nothing. It may be said twice then, but it is said.
        Err(failure) if failure.is(&NOT_A_MEMBER) => {
            tracing::info!(error = %failure.error, %key, "whether a message was posted can't be seen; it is posted again");
            Ok(None)
        }
        Err(failure) => Err(failure.error),
    }
}

/// Reads the history, the newest first, until the key is found.
async fn read(desk: &Desk, at: &Address, channel: &str, key: &DeliveryKey, since: Timestamp) -> WireResult<Option<String>> {
    let oldest = format!("{}.{:06}", since.timestamp(), since.timestamp_subsec_micros());
    let mut seen: HashMap<String, String> = HashMap::new();
    let (mut cursor, mut thread): (Option<String>, Option<&str>) = (None, at.thread.as_ref().map(bellhop_core::ids::ThreadId::as_str));
    for _ in 0..PAGES {
        let args = json!({
            "channel": channel, "ts": thread, "oldest": oldest, "limit": 200, "include_all_metadata": true, "cursor": cursor,
        });
        let page: WireResult<Page> = desk.api.call(&at.workspace, if thread.is_some() { REPLIES } else { HISTORY }, &args).await;
        let page = match page {
            // The thread went, and what was to be said in it was said in the channel.
            Err(failure) if thread.is_some() && failure.is(&["thread_not_found"]) => {
                thread = None;
                continue;
            }
            page => page?,
        };
        seen.extend(page.messages.iter().filter_map(|told| Some((told.key()?.to_owned(), told.ts.clone()))));
        if let Some(ts) = seen.get(key.as_str()).cloned() {
            desk.pages.seen.insert(at.clone(), Arc::new(seen)).await;
            return Ok(Some(ts));
        }
        cursor = Next::cursor(page.response_metadata);
        if cursor.is_none() {
            desk.pages.seen.insert(at.clone(), Arc::new(seen)).await;
            return Ok(None);
        }
    }
    tracing::warn!(%key, channel, "a message was looked for among {} and not found", PAGES * 200);
    Ok(None)
}
