//! Files, both ways, as streams. To Slack in three steps, of which the last one shows the file: what was sent is written down
//! before it, so that a crash between two steps shows no file twice. From Slack with the bot's token, which is shown to Slack's
//! own hosts only; a log-in page in place of bytes is told from a file.
//!
//! <https://docs.slack.dev/messaging/working-with-files>

mod fetch;
#[cfg(test)]
mod tests;

pub(crate) use fetch::fetch;

use crate::Desk;
use crate::address::{MessageRef, is_person};
use crate::config::foreign;
use crate::send::{self, NOT_A_MEMBER};
use crate::wire::{Method, WireResult};
use bellhop_core::Card;
use bellhop_core::address::Address;
use bellhop_core::call::Audience;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::{DeliveryKey, MessageId, WorkspaceId};
use bellhop_core::ports::{PortResult, Post, Upload};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_http::counted;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const URL: Method = Method { name: "files.getUploadURLExternal", operation: "upload", per_minute: 100, safe: true };
const COMPLETE: Method = Method { name: "files.completeUploadExternal", operation: "upload", per_minute: 100, safe: false };
const INFO: Method = Method { name: "files.info", operation: "find", per_minute: 100, safe: true };
const DELETE: Method = Method { name: "files.delete", operation: "retract", per_minute: 50, safe: true };

/// The largest file that Slack takes.
pub(crate) const LARGEST: u64 = 1 << 30;
/// The longest description of a file.
const ALT: usize = 1000;
/// How long an upload may stand still: after the last byte Slack still looks at the whole.
const STILL: Duration = Duration::from_mins(1);
/// How often an upload is completed at most: it is asked before each further time whether it is there.
const COMPLETIONS: u32 = 2;
/// How long an upload is remembered, and how many are looked at for their age with each new one.
const KEPT: TimeDelta = TimeDelta::days(7);
const TIDIED: usize = 20;

/// How far an upload is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    /// Slack has every byte and shows nothing yet.
    Sent,
    /// It was asked to show it.
    Completing,
    /// It is shown.
    Done,
}

/// What is written down of an upload, under its delivery's key.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    file: String,
    stage: Stage,
    completions: u32,
    at: i64,
}

/// A file as `files.info` tells of it.
#[derive(Default, Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    pub(super) url_private: Option<String>,
    #[serde(default)]
    pub(super) url_private_download: Option<String>,
    #[serde(default)]
    permalink: Option<String>,
    #[serde(default)]
    shares: Option<Value>,
    #[serde(default)]
    channels: Option<Vec<String>>,
    #[serde(default)]
    groups: Option<Vec<String>>,
    #[serde(default)]
    ims: Option<Vec<String>>,
}

impl Told {
    /// Whether it is shown in a channel.
    fn is_in(&self, channel: &str) -> bool {
        let listed = [&self.channels, &self.groups, &self.ims].into_iter().flatten().flatten().any(|one| one == channel);
        let kinds = self.shares.as_ref().and_then(Value::as_object).into_iter().flatten();
        listed || kinds.into_iter().any(|(_, shares)| shares.get(channel).is_some())
    }
}

#[derive(Deserialize)]
struct Answer {
    file: Told,
}

/// Where the look through the old notes goes on.
#[derive(Default)]
pub(crate) struct Tidying(Mutex<Option<String>>);

fn collection(desk: &Desk) -> String {
    format!("slack/{}/uploads", desk.name)
}

/// Uploads a file into its channel.
pub(crate) async fn upload(desk: &Desk, upload: Upload) -> PortResult<MessageId> {
    let name = file_name(&upload.name);
    if upload.size == 0 {
        return say_empty(desk, upload, &name).await;
    }
    if upload.size > LARGEST {
        let (size, most) = (bellhop_core::text::bytes(upload.size), bellhop_core::text::bytes(LARGEST));
        return Err(desk.error(PortErrorKind::TooLarge, "upload", format!("`{name}` is {size}, and Slack takes at most {most}")));
    }
    let place = Place::of(desk, &upload.to).await?;
    let known = kept(desk, &upload.key).await?;
    let mut kept = match known {
        Some(kept) if kept.stage == Stage::Done => return Ok(MessageRef::File(kept.file).id()),
        Some(kept) => match info(desk, &upload.to.workspace, &kept.file).await {
            Ok(told) if told.is_in(&place.channel) => return done(desk, &upload.key, kept).await,
            Ok(_) => kept,
            // What is never shown is thrown away by Slack after a while.
            Err(failure) if failure.is(&["file_not_found", "file_deleted"]) && kept.stage == Stage::Sent => {
                bring(desk, upload.to.workspace.clone(), &upload.key, &name, upload.size, &upload.alt, upload.bytes).await?
            }
            Err(failure) if failure.is(&["file_not_found", "not_visible"]) => kept,
            Err(failure) => return Err(failure.error),
        },
        None => bring(desk, upload.to.workspace.clone(), &upload.key, &name, upload.size, &upload.alt, upload.bytes).await?,
    };
    if kept.completions >= COMPLETIONS {
        let message = format!("`{name}` was sent, but Slack doesn't show it, and it is not sent again because it may still come");
        return Err(desk.error(PortErrorKind::Broken, "upload", message));
    }
    kept.stage = Stage::Completing;
    kept.completions += 1;
    keep(desk, &upload.key, &kept).await?;
    match place.complete(desk, &kept.file, &name).await {
        Ok(()) => done(desk, &upload.key, kept).await,
        Err(failure) => {
            if !failure.error.maybe_done {
                // It was refused for certain, and may be asked for again.
                kept.stage = Stage::Sent;
                kept.completions -= 1;
                keep(desk, &upload.key, &kept).await?;
            }
            Err(failure.error)
        }
    }
}

/// Slack takes no empty files: that this one is, is said in its place, so that nobody waits for it.
async fn say_empty(desk: &Desk, upload: Upload, name: &str) -> PortResult<MessageId> {
    let text = format!("The file {name} is empty (0 bytes). Slack takes no empty files, so this message stands for it.");
    let post = Post { key: upload.key, to: upload.to, card: Card::text(text), audience: Audience::Everyone, answers: None, reply: None };
    send::deliver(desk, &post).await
}

/// Brings the bytes to Slack, which shows nothing yet, and writes down under which name.
async fn bring(
    desk: &Desk,
    workspace: WorkspaceId,
    key: &DeliveryKey,
    name: &str,
    size: u64,
    alt: &str,
    bytes: bellhop_core::ports::ByteStream,
) -> PortResult<Kept> {
    #[derive(Deserialize)]
    struct Where {
        upload_url: String,
        file_id: String,
    }
    let alt = bellhop_core::text::shorten(&bellhop_core::text::visible(alt), ALT);
    let args = json!({ "filename": name, "length": size, "alt_txt": Some(alt).filter(|alt| !alt.is_empty()) });
    let to: Where = desk.api.call(&workspace, URL, &args).await?;
    let wire = desk.api.wire();
    if !wire.config().is_slacks(&to.upload_url) {
        return Err(foreign(wire.service(), "upload"));
    }
    let bytes = counted(bytes, size, desk.service().to_owned());
    // No token: the address is the permission. Bytes that nobody is shown may be sent again.
    let request = wire.client().post("upload", "upload_url", &to.upload_url).idempotent().within(STILL);
    request.stream("application/octet-stream", Some(size), bytes).send().await?;
    let kept = Kept { file: to.file_id, stage: Stage::Sent, completions: 0, at: desk.ports.clock.now().timestamp() };
    keep(desk, key, &kept).await?;
    tidy(desk).await;
    Ok(kept)
}

/// Where a file is to be shown.
struct Place {
    workspace: WorkspaceId,
    channel: String,
    thread: Option<String>,
}

impl Place {
    async fn of(desk: &Desk, to: &Address) -> PortResult<Self> {
        let channel = to.channel.as_str();
        // Other than messages, files can't be sent to a person's id.
        let channel = if is_person(channel) { desk.directory.direct(&to.workspace, channel).await? } else { channel.to_owned() };
        Ok(Self { workspace: to.workspace.clone(), channel, thread: to.thread.as_ref().map(ToString::to_string) })
    }

    async fn complete(&self, desk: &Desk, file: &str, title: &str) -> WireResult<()> {
        let args = json!({
            "files": [{ "id": file, "title": title }],
            "channel_id": self.channel,
            "thread_ts": self.thread,
        });
        let mut completed: WireResult<Value> = desk.api.call(&self.workspace, COMPLETE, &args).await;
        if let Err(failure) = &completed
            && failure.is(&NOT_A_MEMBER)
            && desk.try_enter(&self.workspace, &self.channel).await?
        {
            completed = desk.api.call(&self.workspace, COMPLETE, &args).await;
        }
        completed.map(|_| ()).map_err(|mut failure| {
            if failure.is(&NOT_A_MEMBER) {
                failure.error.message = format!("`{title}` can't be shown: the bot is not a member of the channel; /invite it there");
            }
            failure
        })
    }
}

/// The file that was shown under a key, if any.
pub(crate) async fn find(desk: &Desk, at: &Address, key: &DeliveryKey) -> PortResult<Option<String>> {
    let Some(kept) = kept(desk, key).await? else { return Ok(None) };
    match kept.stage {
        Stage::Done => Ok(Some(kept.file)),
        Stage::Sent => Ok(None),
        Stage::Completing => {
            let place = Place::of(desk, at).await?;
            match info(desk, &at.workspace, &kept.file).await {
                Ok(told) => Ok(told.is_in(&place.channel).then_some(kept.file)),
                Err(failure) if failure.error.kind == PortErrorKind::NotFound => Ok(None),
                Err(failure) => Err(failure.error),
            }
        }
    }
}

/// Removes a file, and with it its message.
pub(crate) async fn delete(desk: &Desk, workspace: &WorkspaceId, file: &str) -> WireResult<()> {
    desk.api.call::<Value>(workspace, DELETE, &json!({ "file": file })).await.map(|_| ())
}

/// The address under which people see a file.
pub(crate) async fn permalink(desk: &Desk, workspace: &WorkspaceId, file: &str) -> PortResult<Option<String>> {
    match info(desk, workspace, file).await {
        Ok(told) => Ok(told.permalink),
        Err(failure) if failure.error.kind == PortErrorKind::NotFound => Ok(None),
        Err(failure) => Err(failure.error),
    }
}

pub(super) async fn info(desk: &Desk, workspace: &WorkspaceId, file: &str) -> WireResult<Told> {
    Ok(desk.api.call::<Answer>(workspace, INFO, &json!({ "file": file })).await?.file)
}

async fn done(desk: &Desk, key: &DeliveryKey, mut kept: Kept) -> PortResult<MessageId> {
    kept.stage = Stage::Done;
    keep(desk, key, &kept).await?;
    Ok(MessageRef::File(kept.file).id())
}

async fn kept(desk: &Desk, key: &DeliveryKey) -> PortResult<Option<Kept>> {
    let kept = desk.ports.records.get(&collection(desk), key.as_str()).await?;
    Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()))
}

async fn keep(desk: &Desk, key: &DeliveryKey, kept: &Kept) -> PortResult<()> {
    // Plain data always serialises.
    desk.ports.records.put(&collection(desk), key.as_str(), &serde_json::to_value(kept).unwrap_or_default()).await
}

/// Drops notes of old uploads, some at a time, going round.
async fn tidy(desk: &Desk) {
    let (records, collection) = (&desk.ports.records, collection(desk));
    let from = desk.tidying.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let now = desk.ports.clock.now();
    let looked = async {
        let some = records.after(&collection, from.as_deref(), TIDIED).await?;
        for old in &some {
            let at = old.value.get("at").and_then(Value::as_i64).and_then(|at| Timestamp::from_timestamp(at, 0));
            if at.is_none_or(|at| now - at > KEPT) {
                records.remove(&collection, &old.key).await?;
            }
        }
        Ok::<_, PortError>(some.last().filter(|_| some.len() == TIDIED).map(|last| last.key.clone()))
    };
    match looked.await {
        Ok(next) => *desk.tidying.0.lock().unwrap_or_else(PoisonError::into_inner) = next,
        Err(error) => tracing::debug!(%error, "notes of old uploads stay"),
    }
}

/// A name as Slack shows it: one line, no folders.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("file");
    let line = bellhop_core::text::shorten(bellhop_core::text::one_line(last).trim(), 255);
    if line.is_empty() { "file".to_owned() } else { line }
}

/// What the service refuses for want of a right, with what to do.
fn denied(desk: &Desk, name: &str, found: &str) -> PortError {
    let message = format!(
        "`{}`: {found}; the app needs the scope files:read (OAuth & Permissions > Bot Token Scopes, then install it again), and the bot has \
         to be in a channel where the file is shared",
        file_name(name)
    );
    PortError { retry: Retry::No, ..desk.error(PortErrorKind::Denied, "fetch", message) }
}
