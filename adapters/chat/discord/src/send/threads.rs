//! Posting into channels, threads, forums and closed threads. A thread under a message has the message's id, and is made when the first
//! answer goes into it.
//! <https://docs.discord.com/developers/resources/channel#start-thread-from-message>

use super::POST;
use crate::Desk;
use crate::address::{MessageRef, target};
use crate::parse::id;
use crate::wire::{Body, Failure, Route, WireResult};
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use serde_json::{Value, json};

const BEGIN: Route = Route::post("/channels/{}/messages/{}/threads", "deliver").again();
const BEGIN_POST: Route = Route::post("/channels/{}/threads", "deliver");
const OPEN: Route = Route::patch("/channels/{}", "deliver");

/// The longest name of a thread.
const NAME: usize = 100;
/// After how many quiet minutes a thread closes.
const QUIET: u64 = 10_080;

/// What Discord says of a channel that isn't there.
const NO_CHANNEL: [i64; 1] = [10003];
/// The thread is closed.
const CLOSED: [i64; 1] = [50083];
/// Nothing can be posted in a channel of this kind: a forum, perhaps.
const NOT_HERE: [i64; 2] = [50008, 50024];

/// Posts into an address: the body is made anew for each try. Returns the message.
pub(crate) async fn post_in(desk: &Desk, to: &Address, title: &str, body: impl Fn() -> Body + Send + Sync) -> WireResult<MessageRef> {
    let asked = target(to);
    let mut posted = desk.api.exchange(POST, &[asked], &[], body()).await;
    if let Err(failure) = &posted {
        if failure.is(&NO_CHANNEL) && to.thread.is_some() && begin(desk, to, title).await? {
            posted = desk.api.exchange(POST, &[asked], &[], body()).await;
        } else if failure.is(&CLOSED) {
            desk.api.call::<Value>(OPEN, &[asked], json!({ "archived": false })).await?;
            posted = desk.api.exchange(POST, &[asked], &[], body()).await;
        } else if failure.is(&NOT_HERE) && to.thread.is_none() && is_forum(desk, asked).await {
            return in_forum(desk, asked, title, body()).await;
        }
    }
    told(desk, asked, &posted?)
}

/// The message that an answer tells of.
fn told(desk: &Desk, asked: &str, message: &Value) -> WireResult<MessageRef> {
    let Some(posted) = id(message, "/id") else {
        let error = desk.error(PortErrorKind::Broken, POST.operation, "Discord's answer doesn't say which message it was");
        return Err(error.maybe_done().into());
    };
    Ok(MessageRef::posted(asked, &id(message, "/channel_id").unwrap_or_else(|| asked.to_owned()), &posted))
}

/// Makes the thread under a message; `false` where there is no such message.
async fn begin(desk: &Desk, to: &Address, title: &str) -> WireResult<bool> {
    let Some(thread) = &to.thread else { return Ok(false) };
    let name = thread_name(title);
    let begun: WireResult<Value> =
        desk.api.call(BEGIN, &[to.channel.as_str(), thread.as_str()], json!({ "name": name, "auto_archive_duration": QUIET })).await;
    match begun {
        // There is one by now.
        Err(failure) if failure.is(&[160_004]) => Ok(true),
        Err(failure) if failure.error.kind == PortErrorKind::NotFound => Ok(false),
        other => other.map(|_| true),
    }
}

async fn is_forum(desk: &Desk, channel: &str) -> bool {
    matches!(desk.directory.channel(channel).await, Ok(Some(known)) if known.is_forum())
}

/// A message to a forum is a thread of its own.
async fn in_forum(desk: &Desk, forum: &str, title: &str, body: Body) -> WireResult<MessageRef> {
    let wrap = |mut message: Value| {
        if let Some(members) = message.as_object_mut() {
            members.remove("nonce");
            members.remove("enforce_nonce");
        }
        json!({ "name": thread_name(title), "auto_archive_duration": QUIET, "message": message })
    };
    let body = match body {
        Body::Json(json) => Body::Json(wrap(json)),
        Body::Files(json, files) => Body::Files(wrap(json), files),
        Body::Stream { json, name, size, bytes } => Body::Stream { json: wrap(json), name, size, bytes },
        Body::None => Body::None,
    };
    let begun = desk.api.exchange(BEGIN_POST, &[forum], &[], body).await?;
    let thread = id(&begun, "/id").ok_or_else(|| {
        Failure::from(
            desk.error(PortErrorKind::Broken, BEGIN_POST.operation, "Discord's answer doesn't say which thread it was").maybe_done(),
        )
    })?;
    // The first message of a thread in a forum has the thread's id.
    let message = id(&begun, "/message/id").unwrap_or_else(|| thread.clone());
    Ok(MessageRef::posted(forum, &thread, &message))
}

fn thread_name(title: &str) -> String {
    let name = bellhop_core::text::shorten(bellhop_core::text::one_line(title).trim(), NAME);
    if name.is_empty() { "Answers".to_owned() } else { name }
}
