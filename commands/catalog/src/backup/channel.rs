//! A channel in a backup: pages of messages as lines of JSON, the newest page first, threads after the message that began them,
//! and the files beside. Given back, they are one file of messages and one to read, the oldest first. Messages are never posted
//! again in people's names.

use super::archive::{Entry, Run, RunWriter};
use super::gather::only_this;
use bellhop_core::address::Address;
use bellhop_core::call::Attachment;
use bellhop_core::clock::Timestamp;
use bellhop_core::error::PortErrorKind;
use bellhop_core::ports::{ByteStream, ChatPlatform, PastMessage, PortResult};
use bellhop_core::text;
use bytes::Bytes;
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::sync::Arc;

/// How many messages are asked for at once.
const PAGE: usize = 200;
const MESSAGES: &str = "messages/";
const FILES: &str = "files/";

/// A message as it is kept: a line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    pub name: String,
    pub at: Timestamp,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<bellhop_core::Card>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// Whether it answers in that thread rather than having begun it.
    #[serde(default)]
    pub reply: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Timestamp>,
}

/// A file in a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct File {
    pub name: String,
    pub content_type: String,
    pub size: Option<u64>,
    /// Its name in the backup, where it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why it isn't, otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// Everything in a channel, from the newest message back to the first.
pub(super) async fn messages(writer: &mut RunWriter<'_>, platform: &dyn ChatPlatform, at: &Address) -> PortResult<()> {
    let mut files = 0;
    let (mut page, mut next) = (0, None::<String>);
    loop {
        writer.watch().step().await?;
        let told = platform.history(at, next.as_deref(), PAGE).await?;
        // Within a page the oldest first: read from the last page to the first, it is one story.
        let mut lines = Vec::new();
        for message in told.messages.iter().rev() {
            lines.push(line(writer, platform, message, false, &mut files).await?);
            if message.replies > 0 {
                replies(writer, platform, at, message, &mut files, &mut lines).await?;
            }
        }
        if !lines.is_empty() {
            page += 1;
            let text = written(&lines)?;
            let path = format!("{MESSAGES}{page:08}.ndjson");
            writer.put(&path, "application/x-ndjson", Some(text.len() as u64), Box::pin(futures::stream::iter([Ok(text.into())]))).await?;
        }
        next = told.next;
        if next.is_none() {
            return Ok(());
        }
    }
}

async fn replies(
    writer: &mut RunWriter<'_>,
    platform: &dyn ChatPlatform,
    at: &Address,
    root: &PastMessage,
    files: &mut u64,
    lines: &mut Vec<Line>,
) -> PortResult<()> {
    let Some(thread) = &root.thread else { return Ok(()) };
    let at = Address { thread: Some(thread.clone()), ..at.clone() };
    let mut next = None::<String>;
    loop {
        let told = match platform.history(&at, next.as_deref(), PAGE).await {
            // It was deleted since it was listed.
            Err(error) if error.kind == PortErrorKind::NotFound => return Ok(()),
            told => told?,
        };
        for message in &told.messages {
            lines.push(line(writer, platform, message, true, files).await?);
        }
        writer.watch().step().await?;
        next = told.next;
        if next.is_none() {
            return Ok(());
        }
    }
}

async fn line(
    writer: &mut RunWriter<'_>,
    platform: &dyn ChatPlatform,
    message: &PastMessage,
    reply: bool,
    files: &mut u64,
) -> PortResult<Line> {
    let mut kept = Vec::new();
    for attachment in &message.attachments {
        *files += 1;
        kept.push(file(writer, platform, attachment, *files).await?);
    }
    Ok(Line {
        id: message.id.to_string(),
        from: message.from.as_ref().map(ToString::to_string),
        name: message.name.clone(),
        at: message.at,
        text: message.text.clone(),
        card: message.card.clone(),
        files: kept,
        thread: message.thread.as_ref().filter(|_| reply || message.replies > 0).map(ToString::to_string),
        reply,
        edited: message.edited,
    })
}

async fn file(writer: &mut RunWriter<'_>, platform: &dyn ChatPlatform, attachment: &Attachment, number: u64) -> PortResult<File> {
    let path = format!("{FILES}{number:06}-{}", safe(&attachment.name));
    let mut kept = File {
        name: attachment.name.clone(),
        content_type: attachment.content_type.clone(),
        size: attachment.size,
        path: Some(path.clone()),
        missing: None,
    };
    match platform.fetch(attachment).await {
        // What platforms say of a length is not always so.
        Ok(bytes) => kept.size = Some(writer.put(&path, &attachment.content_type, None, bytes).await?),
        Err(error) if only_this(&error) => {
            writer.leave_out(&path, error.message.clone(), error.kind == PortErrorKind::NotFound);
            (kept.path, kept.missing) = (None, Some(error.message));
        }
        Err(error) => return Err(error),
    }
    Ok(kept)
}

/// A name of a file that any store takes.
fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control() && !text::is_hidden(*c)).take(100).collect();
    match clean.trim() {
        "" | "." | ".." => "file".to_owned(),
        clean => clean.to_owned(),
    }
}

fn written(lines: &[Line]) -> PortResult<Vec<u8>> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line).map_err(|error| super::archive::damaged(error.to_string()))?;
        text.push(b'\n');
    }
    Ok(text)
}

/// Whether an object of a channel's backup holds messages.
pub(super) fn is_messages(entry: &Entry) -> bool {
    entry.path.starts_with(MESSAGES)
}

/// All messages, the oldest first, as lines of JSON or to be read. `pages` are the objects with messages, in their order.
pub(super) fn told(run: Arc<Run>, pages: Vec<Entry>, readable: bool) -> ByteStream {
    Box::pin(futures::stream::try_unfold((run, pages), move |(run, mut pages)| async move {
        let Some(page) = pages.pop() else { return Ok(None) };
        let bytes: Vec<Bytes> = run.content(&page.piece).await?.try_collect().await?;
        let bytes = bytes.concat();
        if !readable {
            return Ok(Some((Bytes::from(bytes), (run, pages))));
        }
        let mut text = String::new();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Line =
                serde_json::from_slice(line).map_err(|error| super::archive::damaged(format!("a message can't be read: {error}")))?;
            push(&mut text, &line);
        }
        Ok(Some((Bytes::from(text), (run, pages))))
    }))
}

/// A message to be read: who, when, what, and the files.
fn push(out: &mut String, line: &Line) {
    let indent = if line.reply { "    " } else { "" };
    let edited = line.edited.map_or(String::new(), |at| format!(" (changed {})", at.format("%Y-%m-%d %H:%M")));
    let _ = writeln!(out, "{indent}[{}] {}{edited}", line.at.format("%Y-%m-%d %H:%M:%S UTC"), text::one_line(&line.name));
    for said in text::visible(&line.text).lines() {
        let _ = writeln!(out, "{indent}  {said}");
    }
    for file in &line.files {
        let size = file.size.map_or(String::new(), |size| format!(", {}", text::bytes(size)));
        let _ = match (&file.path, &file.missing) {
            (Some(path), _) => writeln!(out, "{indent}  [file {}{size}: {path}]", text::one_line(&file.name)),
            (None, why) => {
                writeln!(out, "{indent}  [file {}{size}: not in the backup: {}]", text::one_line(&file.name), why.as_deref().unwrap_or(""))
            }
        };
    }
    out.push('\n');
}
