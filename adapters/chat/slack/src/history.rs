//! What was said in a conversation, told afterwards. Slack gives channels the newest first and threads the oldest first; what is
//! for one person alone is never in them.
//! <https://docs.slack.dev/reference/methods/conversations.history>,
//! <https://docs.slack.dev/reference/methods/conversations.replies>

use crate::Desk;
use crate::address::{MessageRef, is_direct};
use crate::directory::Next;
use crate::parse::{attachments, unescape};
use crate::send::{NOT_A_MEMBER, conversation};
use crate::wire::{Failure, Method, WireResult};
use bellhop_core::address::{Address, UserRef};
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::ThreadId;
use bellhop_core::ports::{HistoryPage, PastMessage, PortResult};
use bellhop_core::{PortErrorKind, Retry};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

const HISTORY: Method = Method { name: "conversations.history", operation: "history", per_minute: 50, safe: true };
const REPLIES: Method = Method { name: "conversations.replies", operation: "history", per_minute: 50, safe: true };

/// The most messages that Slack gives at once without growing slow.
const PAGE: usize = 200;
/// The longest pause that Slack may ask for and that is waited out here.
const PATIENCE: Duration = Duration::from_secs(55);
/// How deep text is looked for in blocks.
const DEEP: usize = 12;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    messages: Vec<Value>,
    #[serde(default)]
    response_metadata: Option<Next>,
}

/// A page of what was said.
pub(crate) async fn history(desk: &Desk, at: &Address, from: Option<&str>, limit: usize) -> PortResult<HistoryPage> {
    let channel = conversation(desk, &at.workspace, at.channel.as_str()).await?;
    let thread = at.thread.as_ref().map(ThreadId::as_str);
    let args = json!({ "channel": channel, "ts": thread, "limit": limit.clamp(1, PAGE), "cursor": from });
    let method = if thread.is_some() { REPLIES } else { HISTORY };
    let mut page = read(desk, at, method, &args).await;
    if let Err(failure) = &page
        && failure.is(&NOT_A_MEMBER)
        && !is_direct(&channel)
        && desk.try_enter(&at.workspace, &channel).await?
    {
        page = read(desk, at, method, &args).await;
    }
    let page = page.map_err(|failure| told_failure(desk, failure))?;
    let mut messages = Vec::with_capacity(page.messages.len());
    for message in &page.messages {
        // Every page of a thread begins with what the thread is about.
        if text(message, "ts").is_some_and(|ts| thread == Some(ts)) {
            continue;
        }
        messages.extend(told(desk, at, &channel, message).await);
    }
    Ok(HistoryPage { messages, next: Next::cursor(page.response_metadata) })
}

/// Asks, and where Slack wants us to wait a moment, waits.
async fn read(desk: &Desk, at: &Address, method: Method, args: &Value) -> WireResult<Page> {
    loop {
        match desk.api.call(&at.workspace, method, args).await {
            Err(failure) if failure.error.kind == PortErrorKind::RateLimited => match failure.error.retry {
                Retry::After(pause) if pause <= PATIENCE => tokio::time::sleep(pause).await,
                _ => return Err(failure),
            },
            other => return other,
        }
    }
}

fn told_failure(desk: &Desk, failure: Failure) -> bellhop_core::PortError {
    if failure.is(&["channel_not_found", "thread_not_found"]) {
        return desk.error(
            PortErrorKind::NotFound,
            "history",
            "Slack knows no such conversation, or the bot is not in it; /invite it there first",
        );
    }
    if failure.is(&NOT_A_MEMBER) {
        return desk.error(
            PortErrorKind::Denied,
            "history",
            "the bot is not in this channel, so that Slack doesn't let it read there; /invite it first",
        );
    }
    failure.error
}

async fn told(desk: &Desk, at: &Address, channel: &str, message: &Value) -> Option<PastMessage> {
    let ts = text(message, "ts")?;
    let user = text(message, "user");
    let own = text(message, "bot_id").is_some();
    let from = user.filter(|_| !own).map(|user| UserRef { chat: desk.name.clone(), workspace: at.workspace.clone(), user: user.into() });
    let name = match user.filter(|_| !own) {
        Some(user) => desk.directory.user(&at.workspace, user).await.map_or_else(|| user.to_owned(), |person| person.name.clone()),
        None => text(message, "username")
            .or_else(|| message.pointer("/bot_profile/name").and_then(Value::as_str))
            .unwrap_or("an app")
            .to_owned(),
    };
    let mut said = unescape(text(message, "text").unwrap_or_default());
    if said.trim().is_empty() {
        let mut found = Vec::new();
        for part in ["blocks", "attachments"] {
            words(message.get(part), DEEP, &mut found);
        }
        said = unescape(&found.join("\n"));
    }
    Some(PastMessage {
        id: MessageRef::posted(at.channel.as_str(), channel, ts).id(),
        from,
        name,
        at: time(ts)?,
        text: said,
        card: None,
        attachments: attachments(message, "/files", at.workspace.as_str()),
        thread: Some(text(message, "thread_ts").unwrap_or(ts).into()),
        replies: message.get("reply_count").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok()).unwrap_or(0),
        edited: message.pointer("/edited/ts").and_then(Value::as_str).and_then(time),
    })
}

fn text<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    message.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// `1700000000.000100`: seconds and microseconds.
fn time(ts: &str) -> Option<Timestamp> {
    let (seconds, rest) = ts.split_once('.').unwrap_or((ts, "0"));
    let micros: u32 = format!("{rest:0<6}").get(..6)?.parse().ok()?;
    Timestamp::from_timestamp(seconds.parse().ok()?, micros * 1000)
}

/// The words in blocks and attachments, for messages that have no text beside them.
fn words(value: Option<&Value>, deep: usize, found: &mut Vec<String>) {
    match value {
        Some(Value::Array(all)) if deep > 0 => all.iter().for_each(|one| words(Some(one), deep - 1, found)),
        Some(Value::Object(all)) if deep > 0 => {
            for name in ["pretext", "title", "text", "fields", "elements", "value", "fallback"] {
                match all.get(name) {
                    Some(Value::String(text)) if name != "fallback" || found.is_empty() => found.push(text.clone()),
                    other => words(other, deep - 1, found),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testbed::{Answer, Bed, at, said};
    use bellhop_core::ports::ChatPlatform as _;
    use bellhop_kit::wait;

    #[tokio::test]
    async fn messages_of_every_kind_are_told() {
        let bed = Bed::new().await;
        bed.slack.deliver(&said("k", "from the bot")).await.unwrap();
        let messages = json!([
            { "type": "message", "user": "U1", "text": "see &lt;this&gt; <https://x.example|x>", "ts": "1700000003.000200",
              "edited": { "user": "U1", "ts": "1700000009.000000" }, "thread_ts": "1700000003.000200", "reply_count": 2,
              "files": [{ "id": "F1", "name": "a.txt", "mimetype": "text/plain", "size": 3, "url_private": format!("{}/files/F1", bed.world.url) },
                        { "id": "F2", "mode": "tombstone" }] },
            { "type": "message", "subtype": "bot_message", "bot_id": "B9", "username": "Jenkins", "ts": "1700000002.000000", "text": "",
              "attachments": [{ "title": "Build 7", "text": "failed" }] },
            { "no": "time" },
        ]);
        bed.world.answer(
            "conversations.history",
            Answer::Json(json!({ "ok": true, "messages": messages, "response_metadata": { "next_cursor": "abc=" } })),
        );
        let page = bed.slack.history(&at("C1"), None, 500).await.unwrap();
        assert_eq!(bed.world.calls("conversations.history")[0]["limit"], "200");
        assert_eq!(page.next.as_deref(), Some("abc="));
        let [one, two] = &page.messages[..] else { panic!("{page:?}") };
        assert_eq!((one.text.as_str(), one.replies, one.attachments.len()), ("see <this> https://x.example", 2, 1));
        assert_eq!(one.at.timestamp_micros(), 1_700_000_003_000_200);
        assert!(one.edited.is_some() && one.from.as_ref().unwrap().user.as_str() == "U1");
        assert_eq!((two.name.as_str(), two.from.as_ref(), two.text.as_str()), ("Jenkins", None, "Build 7\nfailed"));
    }

    #[tokio::test]
    async fn the_pause_that_is_asked_for_is_waited_out() {
        let bed = Bed::new().await;
        bed.slack.deliver(&said("k", "from the bot")).await.unwrap();
        bed.world.answer("conversations.history", Answer::Raw(429, &[("retry-after", "1")], ""));
        let time_passes = async {
            wait::until(Duration::from_secs(20), "the refused call", async || {
                (!bed.world.calls("conversations.history").is_empty()).then_some(())
            })
            .await;
            bed.clock.advance(Duration::from_secs(2));
        };
        let place = at("C1");
        let (page, ()) = tokio::join!(bed.slack.history(&place, None, 10), time_passes);
        assert_eq!(page.unwrap().messages.len(), 1);
        assert_eq!(bed.world.calls("conversations.history").len(), 2);
    }

    #[test]
    fn times_are_read() {
        assert_eq!(time("1700000003.0002").unwrap().timestamp_micros(), 1_700_000_003_000_200);
        assert!(time("x").is_none() && time("1.x").is_none());
    }
}
