//! A file that someone showed the bot, or a channel, without any command. Slack reports it by its id only
//! (<https://docs.slack.dev/reference/events/file_shared>), so the message that brought it is looked up: where its text is
//! meant for the bot, the message's own event says what to do; otherwise it is stored (in the person's own conversation), or
//! the person is asked.

use super::{Origin, accept, aside, tell};
use crate::Desk;
use crate::click::Click;
use crate::config::Uploads;
use crate::parse::{attachment, attachments, field, list, mentions};
use crate::render;
use crate::send;
use crate::wire::{Failure, Method, WireResult};
use bellhop_core::call::Attachment;
use bellhop_core::ids::{EventKey, ThreadId};
use bellhop_core::ports::{PortResult, Said};
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Retry};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const FILES_INFO: Method = Method { name: "files.info", operation: "look up upload", per_minute: 100, safe: true };
const HISTORY: Method = Method { name: "conversations.history", operation: "look up upload", per_minute: 50, safe: true };
const REPLIES: Method = Method { name: "conversations.replies", operation: "look up upload", per_minute: 50, safe: true };
/// How long the look-up may take before Slack is left to deliver the event again.
const LOOKUP: Duration = Duration::from_secs(2);
/// Between two looks at a file whose message isn't known yet.
const PAUSE: Duration = Duration::from_millis(300);

/// A message that brought files.
struct Brought {
    ts: String,
    thread: Option<String>,
    said: String,
    by_bot: bool,
    /// A message that speaks to the bot says itself what to do with its files.
    to_bot: bool,
    files: Vec<Attachment>,
}

/// Takes an upload as the settings say.
///
/// # Errors
/// It could not be looked up or kept for now: Slack should deliver it again.
pub(super) async fn shared(desk: &Arc<Desk>, origin: Origin, file: String) -> PortResult<()> {
    let direct = origin.at.channel.as_str().starts_with('D');
    match (desk.config.uploads, direct) {
        (Uploads::Direct | Uploads::Ask, true) => store(desk, origin, &file).await,
        (Uploads::Ask, false) => {
            aside(ask(desk.clone(), origin, file));
            Ok(())
        }
        (Uploads::Ignore, _) | (Uploads::Direct, false) => Ok(()),
    }
}

async fn store(desk: &Desk, mut origin: Origin, file: &str) -> PortResult<()> {
    let Some(brought) = in_time(desk, &origin, file).await? else { return Ok(()) };
    if brought.by_bot || !brought.said.trim().is_empty() {
        return Ok(());
    }
    // The same key as the message's own event has: whichever comes first is run.
    origin.key = EventKey::new(format!("msg:{}:{}", origin.at.channel, brought.ts));
    origin.at.thread = brought.thread.map(ThreadId::from);
    accept(desk, origin.says(Said::Line("file put".to_owned()), brought.files)).await
}

/// Asks the uploader, seen by nobody else, whether the files of a message are to be stored.
pub(super) async fn ask(desk: Arc<Desk>, origin: Origin, file: String) {
    if let Err(error) = asked(&desk, origin, &file).await {
        tracing::warn!(chat = %desk.name, %error, "an uploader could not be asked");
    }
}

async fn asked(desk: &Arc<Desk>, mut origin: Origin, file: &str) -> PortResult<()> {
    let Some(brought) = in_time(desk, &origin, file).await? else { return Ok(()) };
    // One question for one message, however many files it has.
    let first = brought.files.first().is_some_and(|first| first.id == file);
    if brought.by_bot || brought.to_bot || !first {
        return Ok(());
    }
    origin.at.thread = brought.thread.map(ThreadId::from);
    let what = match brought.files.as_slice() {
        [one] => format!("`{}`", render::escape(&shorten(&one_line(&one.name), 100)).replace('`', "'")),
        several => format!("these {} files", several.len()),
    };
    let text = format!("Shall I keep {what} in the storage?");
    // A button's value has no room for what it takes to fetch a file.
    let (value, kept) = Click::Put { line: "file put".to_owned(), attachments: brought.files }.written(0);
    send::post_clicks(desk, kept.as_slice()).await?;
    let blocks = json!([
        { "type": "section", "text": { "type": "mrkdwn", "text": text } },
        { "type": "actions", "elements": [
            { "type": "button", "action_id": "b0", "style": "primary", "text": { "type": "plain_text", "text": "Save" }, "value": value },
        ] },
    ]);
    tell::by_token(desk, &origin, json!({ "text": text, "blocks": blocks })).await
}

/// The message that brought a file; none where there is nothing to be done about it.
async fn in_time(desk: &Desk, origin: &Origin, file: &str) -> PortResult<Option<Brought>> {
    match tokio::time::timeout(LOOKUP, brought(desk, origin, file)).await {
        Ok(Ok(found)) => Ok(found),
        // Slack delivers the event again, and by then it may work.
        Ok(Err(failure)) if failure.error.retry != Retry::No => Err(failure.error),
        Ok(Err(failure)) => {
            tracing::warn!(chat = %desk.name, error = %failure.error, "an upload could not be looked up and is left");
            Ok(None)
        }
        Err(_) => Err(PortError::new(
            PortErrorKind::TimedOut,
            desk.api.wire().service(),
            FILES_INFO.operation,
            "Slack doesn't say yet by which message the file came",
        )),
    }
}

async fn brought(desk: &Desk, origin: &Origin, file: &str) -> WireResult<Option<Brought>> {
    let (workspace, channel) = (&origin.at.workspace, origin.at.channel.as_str());
    let bot = desk.workspaces.get(workspace).await?.map(|known| known.bot_user).unwrap_or_default();
    // What the bot itself uploads is no upload to it.
    if bot == origin.from.user.as_str() {
        return Ok(None);
    }
    loop {
        let info: Value = match desk.api.call(workspace, FILES_INFO, &json!({ "file": file })).await {
            Err(gone) if gone.is(&["file_not_found", "file_deleted", "not_visible"]) => return Ok(None),
            info => info?,
        };
        // Slack works on a file for a while after it has reported it; until then it is in no message.
        let found = match share(&info, channel) {
            Some((ts, thread)) => message(desk, origin, &ts, thread.as_deref()).await?.map(|message| (ts, thread, message)),
            None => None,
        };
        let Some((ts, thread, message)) = found else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let mut files = attachments(&message, "/files", workspace.as_str());
        if !files.iter().any(|known| known.id == file) {
            files.extend(info.get("file").and_then(|info| attachment(info, workspace.as_str())));
        }
        return Ok(Some(Brought {
            ts,
            thread,
            said: field(&message, "/text").unwrap_or_default().to_owned(),
            by_bot: field(&message, "/bot_id").is_some(),
            to_bot: !bot.is_empty() && mentions(field(&message, "/text").unwrap_or_default(), &bot),
            files,
        }));
    }
}

/// Where a file stands in a channel: the newest message there, and the thread that it is in.
fn share(info: &Value, channel: &str) -> Option<(String, Option<String>)> {
    let shares = |kind: &str| list(info, &format!("/file/shares/{kind}/{channel}")).collect::<Vec<_>>();
    let all = shares("private").into_iter().chain(shares("public"));
    let newest = all.filter_map(|share| Some((field(share, "/ts")?, share))).max_by(|(one, _), (other, _)| one.cmp(other))?;
    let (ts, share) = newest;
    let thread = field(share, "/thread_ts").filter(|thread| *thread != ts);
    Some((ts.to_owned(), thread.map(str::to_owned)))
}

async fn message(desk: &Desk, origin: &Origin, ts: &str, thread: Option<&str>) -> Result<Option<Value>, Failure> {
    let mut args = json!({ "channel": origin.at.channel.as_str(), "latest": ts, "oldest": ts, "inclusive": true, "limit": 1 });
    let method = match thread {
        Some(thread) => {
            args["ts"] = thread.into();
            // The message that the thread hangs on comes along.
            args["limit"] = 2.into();
            REPLIES
        }
        None => HISTORY,
    };
    let found: Value = desk.api.call(&origin.at.workspace, method, &args).await?;
    let message = list(&found, "/messages").find(|message| field(message, "/ts") == Some(ts)).cloned();
    Ok(message)
}
