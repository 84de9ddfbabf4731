//! Files, both ways, as streams. To Discord as one message, whose nonce tells a repetition; from Discord by an address that expires and
//! is asked for anew where the file is in a message.
//!
//! <https://docs.discord.com/developers/reference#uploading-files>

use crate::Desk;
use crate::handle::FileHandle;
use crate::parse::{field, id, list};
use crate::send::{self, doubt, nonce, post_in};
use crate::wire::{Body, Route};
use bellhop_core::address::Address;
use bellhop_core::call::{Attachment, Audience};
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{ByteStream, PortResult, Post, Upload};
use bellhop_core::text::{bytes as told, one_line, shorten, visible};
use bellhop_core::{Card, PortError, PortErrorKind};
use bellhop_http::counted;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MESSAGE: Route = Route::get("/channels/{}/messages/{}", "fetch");
const GUILD: Route = Route::get("/guilds/{}", "upload");

/// The most that one request may weigh, less what stands around the file.
pub(crate) const LARGEST: u64 = (25 << 20) - (64 << 10);
/// What every server takes.
const USUAL: u64 = 10 << 20;
/// What servers take that are boosted enough.
const BOOSTED: [(u64, u64); 2] = [(3, 100 << 20), (2, 50 << 20)];
/// The longest description of a file, and the longest name.
const ALT: usize = 1024;
const NAME: usize = 200;
/// How long a download may stand still.
const STILL: Duration = Duration::from_mins(1);
/// What Discord says of files that are too large.
const TOO_LARGE: [i64; 2] = [40005, 50045];

/// How large a file may be in each server, as it was told.
#[derive(Default)]
pub(crate) struct Sizes(Mutex<HashMap<String, u64>>);

impl Sizes {
    /// An interaction has told it.
    pub(crate) fn learn(&self, payload: &Value) {
        let told = payload.get("attachment_size_limit").and_then(Value::as_u64);
        if let (Some(guild), Some(most)) = (id(payload, "/guild_id"), told) {
            // It is the larger of what the server and the person who asked have; the bot has what the server has.
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let least = known.entry(guild).or_insert(most);
            *least = (*least).min(most);
        }
    }

    fn known(&self, guild: &str) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(guild).copied()
    }

    fn keep(&self, guild: &str, most: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(guild.to_owned(), most);
    }
}

/// How large a file may be where it is to go.
async fn most(desk: &Desk, to: &Address) -> u64 {
    let guild = to.workspace.as_str();
    if guild == crate::address::DIRECT {
        return USUAL;
    }
    if let Some(known) = desk.sizes.known(guild) {
        return known.min(LARGEST);
    }
    let told: Result<Value, _> = desk.api.get(GUILD, &[guild], &[]).await;
    let Ok(told) = told else { return USUAL };
    let tier = told.get("premium_tier").and_then(Value::as_u64).unwrap_or_default();
    let most = BOOSTED.iter().find(|(least, _)| tier >= *least).map_or(USUAL, |(_, most)| *most);
    desk.sizes.keep(guild, most);
    most.min(LARGEST)
}

/// Uploads a file into its channel.
pub(crate) async fn upload(desk: &Desk, upload: Upload) -> PortResult<MessageId> {
    let name = file_name(&upload.name);
    if upload.size == 0 {
        return say_empty(desk, upload, &name).await;
    }
    // Asked only where it matters.
    let most = if upload.size <= USUAL { USUAL } else { most(desk, &upload.to).await };
    if upload.size > most {
        let message = format!("`{name}` is {}, and Discord takes at most {} here", told(upload.size), told(most));
        return Err(desk.error(PortErrorKind::TooLarge, "upload", message));
    }
    let began = desk.ports.clock.now();
    let mut attachment = json!({ "id": 0, "filename": name });
    let alt = shorten(&visible(&upload.alt), ALT);
    if !alt.trim().is_empty() {
        attachment["description"] = json!(alt);
    }
    let body = json!({
        "attachments": [attachment],
        "allowed_mentions": { "parse": [] },
        "nonce": nonce(&upload.key),
        "enforce_nonce": true,
    });
    let bytes = Mutex::new(Some(counted(upload.bytes, upload.size, desk.service().to_owned())));
    let size = upload.size;
    // The stream can be read once: a second try would have to begin anew, and is the outbox's.
    let made = || match bytes.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(bytes) => Body::Stream { json: body.clone(), name: name.clone(), size, bytes },
        None => Body::None,
    };
    let posted = post_in(desk, &upload.to, &name, made).await;
    match posted {
        Ok(message) => Ok(message.id()),
        Err(mut failure) => {
            if failure.is(&TOO_LARGE) || failure.status == Some(413) {
                failure.error.kind = PortErrorKind::TooLarge;
                failure.error.message = format!("`{name}` ({}) is more than Discord takes here", told(size));
            }
            // A part of a file may have been taken, or the whole of it: a nonce tells, for a while.
            if failure.error.kind == PortErrorKind::TimedOut || failure.error.maybe_done {
                doubt(desk, &upload.key, began).await;
            }
            Err(failure.error)
        }
    }
}

/// Discord shows no empty files: that this one is, is said in its place, so that nobody waits for it.
async fn say_empty(desk: &Desk, upload: Upload, name: &str) -> PortResult<MessageId> {
    let text = format!("The file {name} is empty (0 bytes). Discord takes no empty files, so this message stands for it.");
    let post = Post { key: upload.key, to: upload.to, card: Card::text(text), audience: Audience::Everyone, answers: None, reply: None };
    send::deliver(desk, &post).await
}

/// The bytes of a file that came with a message, an option or a form.
pub(crate) async fn fetch(desk: &Desk, attachment: &Attachment) -> PortResult<ByteStream> {
    let handle = FileHandle::of(&attachment.handle)
        .ok_or_else(|| desk.error(PortErrorKind::Invalid, "fetch", "Discord didn't say where this file is; send it anew"))?;
    if let Some(text) = handle.text {
        return Ok(Box::pin(futures::stream::iter([Ok(text.into_bytes().into())])));
    }
    let first = if handle.url.is_empty() { Err(expired(desk, attachment)) } else { download(desk, &handle.url).await };
    match (first, handle.message) {
        // Addresses expire: where the file is in a message, that tells a fresh one.
        (Err(error), Some((channel, message))) if is_over(&error) => {
            let fresh = again(desk, attachment, &channel, &message, &handle.id).await?;
            download(desk, &fresh).await.map_err(|error| if is_over(&error) { expired(desk, attachment) } else { error })
        }
        (Err(error), None) if is_over(&error) => Err(expired(desk, attachment)),
        (other, _) => other,
    }
}

fn is_over(error: &PortError) -> bool {
    matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Denied | PortErrorKind::Unauthenticated)
}

fn expired(desk: &Desk, attachment: &Attachment) -> PortError {
    let message =
        format!("Discord no longer has `{}`: its address has expired or the file was removed; send it anew", file_name(&attachment.name));
    desk.error(PortErrorKind::NotFound, "fetch", message)
}

/// The address of a file as its message tells it now.
async fn again(desk: &Desk, attachment: &Attachment, channel: &str, message: &str, file: &str) -> PortResult<String> {
    let told: Value = match desk.api.get(MESSAGE, &[channel, message], &[]).await {
        Ok(told) => told,
        Err(failure) if failure.error.kind == PortErrorKind::NotFound => return Err(expired(desk, attachment)),
        Err(failure) => return Err(failure.error),
    };
    let found = list(&told, "/attachments").find(|one| id(one, "/id").as_deref() == Some(file));
    found.and_then(|one| field(one, "/url")).map(str::to_owned).ok_or_else(|| expired(desk, attachment))
}

async fn download(desk: &Desk, url: &str) -> PortResult<ByteStream> {
    if !desk.config.is_discords(url) {
        let message = "the file's address is none of Discord's own, so nothing is fetched from there; if it is a test server, put it on the host of `api_url`";
        return Err(desk.error(PortErrorKind::Invalid, "fetch", message));
    }
    // No token: the address itself is the permission.
    let answer = desk.api.wire().client().get("fetch", "attachment", url).within(STILL).exchange().await?;
    Ok(answer.success()?.stream())
}

/// A name as Discord shows it: one line, no folders.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("file");
    let line = shorten(one_line(last).trim(), NAME);
    if line.is_empty() { "file".to_owned() } else { line }
}
