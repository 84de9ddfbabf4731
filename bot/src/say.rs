//! `bellhop say`: one command through the same dispatch, its answer printed. What it queues is delivered by the bot that
//! runs on the same database, or by this process where none does.

mod watch;

use crate::app::{App, Options};
use crate::cli::Say;
use crate::config::Config;
use crate::dispatch::{Ask, Ended, Outcome};
use crate::outbox;
use crate::start::StartError;
use async_trait::async_trait;
use bellhop_core::call::{Attachment, Call, Handle};
use bellhop_core::capabilities::{Capabilities, Charts};
use bellhop_core::card::{Block, Card, FileSource};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ids::{CallId, EventKey};
use bellhop_core::plain;
use bellhop_core::ports::{Attachments, ByteStream, Incoming, Places as _, PortResult, RunningCall, Said};
use bellhop_core::{Address, UserRef, tokenise};
use futures::{StreamExt as _, TryStreamExt as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;
use watch::Watch;

/// How it ended, as the program's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Done,
    /// 1: refused, failed, or waiting to be confirmed
    Failed,
    /// 2
    NotUnderstood,
}

impl Exit {
    /// The code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::NotUnderstood => 2,
        }
    }
}

/// Runs the command and prints its answer.
pub async fn say(config: Config, say: Say, out: &mut (impl std::io::Write + Send)) -> Result<Exit, StartError> {
    let options = Options { attachments: Some(Arc::new(LocalFiles)), ..Options::default() };
    let (clock, ids) = (options.clock.clone(), options.ids.clone());
    let app = App::build(config, options, false).await?;
    app.stand_by().await?;
    let home = app.home();
    let at = match &say.place {
        None => home.clone(),
        Some(place) => match app.chats.resolve(place, &home).await {
            Ok(at) => at,
            Err(error) => {
                complain(&format!("--in: {error}"));
                return Ok(Exit::NotUnderstood);
            }
        },
    };
    let attachments = match attachments(&say.file) {
        Ok(attachments) => attachments,
        Err(why) => {
            complain(&why);
            return Ok(Exit::NotUnderstood);
        }
    };
    let from = user(&say.user, &home);
    let incoming = Incoming {
        key: EventKey::new(ids.next()),
        name: from.user.to_string(),
        from,
        zone: None,
        at,
        // Each argument is one word, spaces included: quoting them makes the line that would be typed.
        said: Said::Line(tokenise::join(&say.words)),
        attachments,
        groups: None,
        reply: None,
        received: clock.now(),
    };
    let (report, progress) = tokio::sync::watch::channel(None);
    let watch = Watch {
        calls: app.calls.clone(),
        clock,
        running: RunningCall {
            id: CallId::new(ids.next()),
            from: incoming.from.clone(),
            name: incoming.name.clone(),
            line: bellhop_core::text::shorten(&tokenise::join(&say.words), 80),
            since: incoming.received,
        },
        stop: bellhop_core::ports::Stop::new(),
        shown: !say.json && watch::looked_at(),
    };
    let ask = Ask {
        id: watch.running.id.clone(),
        incoming,
        access: say.role,
        progress: Arc::new(move |now| {
            report.send_replace(Some(now));
        }),
        stop: watch.stop.clone(),
    };
    let Some(outcome) = Box::pin(watch.over(app.dispatch.execute(ask), progress)).await else {
        app.store().close().await;
        return Ok(Exit::Failed);
    };
    let Outcome { reply, ended, effects, .. } = outcome?;
    app.store().commit(effects).await?;
    app.deliver_alone().await?;
    print(&app, &say, &reply.card, out).await?;
    app.store().close().await;
    Ok(match ended {
        Ended::Done => Exit::Done,
        Ended::Failed | Ended::Refused | Ended::Proposed | Ended::Cancelled => Exit::Failed,
        Ended::NotUnderstood => Exit::NotUnderstood,
    })
}

async fn print(app: &App, say: &Say, card: &Card, out: &mut (impl std::io::Write + Send)) -> Result<(), StartError> {
    let written = match &say.out {
        None => Vec::new(),
        Some(folder) => write_files(app, card, folder).await?,
    };
    let text = if say.json {
        serde_json::to_string_pretty(card).map_err(|error| StartError::System(error.to_string()))?
    } else {
        plain::card(card, &|invoke| app.registry.line(invoke))
    };
    // A closed pipe is the reader's wish to see no more.
    let _ = writeln!(out, "{text}");
    for path in written {
        let _ = writeln!(std::io::stderr(), "wrote {}", path.display());
    }
    Ok(())
}

/// Writes the files and pictures of an answer into a folder, each under the last part of its name.
async fn write_files(app: &App, card: &Card, folder: &Path) -> Result<Vec<PathBuf>, StartError> {
    let failed = |why: std::io::Error| StartError::System(format!("--out {}: {why}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let drawn = outbox::draw(card.clone(), &Capabilities { charts: Charts::Png, ..Capabilities::default() }).await?;
    let mut written: Vec<PathBuf> = Vec::new();
    for block in &drawn.blocks {
        let (name, bytes): (&str, ByteStream) = match block {
            Block::Image(image) => (&image.name, Box::pin(futures::stream::iter([Ok(bytes::Bytes::copy_from_slice(&image.bytes))]))),
            Block::File(file) => match &file.source {
                FileSource::Inline(inline) => (&file.name, Box::pin(futures::stream::iter([Ok(bytes::Bytes::copy_from_slice(inline))]))),
                FileSource::Stored { store, name, version } => {
                    let store = app.stores().store(Some(store)).map_err(|error| StartError::System(error.to_string()))?;
                    (&file.name, store.read(name, version.as_ref(), None).await?.bytes)
                }
            },
            _ => continue,
        };
        let path = free_path(folder, name, &written);
        let mut file = tokio::fs::File::create(&path).await.map_err(failed)?;
        let mut bytes = bytes;
        while let Some(chunk) = bytes.try_next().await? {
            file.write_all(&chunk).await.map_err(failed)?;
        }
        file.sync_all().await.map_err(failed)?;
        written.push(path);
    }
    Ok(written)
}

/// A path right inside the folder, whatever the name: its last part, without what could lead elsewhere.
fn free_path(folder: &Path, name: &str, taken: &[PathBuf]) -> PathBuf {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe: String = last.chars().filter(|c| !c.is_control() && !bellhop_core::text::is_hidden(*c)).collect();
    let safe = match safe.as_str() {
        "" | "." | ".." => "file".to_owned(),
        _ => bellhop_core::text::shorten(&safe, 60),
    };
    let mut path = folder.join(&safe);
    let mut count = 2;
    while taken.contains(&path) {
        path = folder.join(format!("{count}-{safe}"));
        count += 1;
    }
    path
}

/// `CHATNAME:USERID`, or just the id of a person of the embedded chat.
fn user(text: &str, home: &Address) -> UserRef {
    let (chat, user) = text.split_once(':').unwrap_or((home.chat.as_str(), text));
    UserRef { chat: chat.into(), workspace: home.workspace.clone(), user: user.into() }
}

fn attachments(paths: &[PathBuf]) -> Result<Vec<Attachment>, String> {
    paths
        .iter()
        .map(|path| {
            let shown = path.display();
            let known = std::fs::metadata(path).map_err(|why| format!("--file {shown}: {why}"))?;
            if !known.is_file() {
                return Err(format!("--file {shown}: this is not a file"));
            }
            let full = std::path::absolute(path).map_err(|why| format!("--file {shown}: {why}"))?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let modified = known.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
            Ok(Attachment {
                // The same file put again is another upload unless nothing at all has changed within the same call.
                id: format!("{}:{}:{}", full.display(), known.len(), modified.as_nanos()),
                content_type: mime_guess::from_path(path).first_or_octet_stream().to_string(),
                name,
                size: Some(known.len()),
                handle: Handle(serde_json::json!({ "path": full })),
            })
        })
        .collect()
}

/// Attachments that are files of this machine.
struct LocalFiles;

#[async_trait]
impl Attachments for LocalFiles {
    async fn open(&self, _call: &Call, attachment: &Attachment) -> PortResult<ByteStream> {
        let failed = |why: String| PortError::new(PortErrorKind::NotFound, "files", "open", why);
        let path = attachment
            .handle
            .0
            .get("path")
            .and_then(serde_json::Value::as_str)
            .ok_or_else(|| failed("this attachment has no path".into()))?
            .to_owned();
        let file = tokio::fs::File::open(&path).await.map_err(|why| failed(format!("{path}: {why}")))?;
        let stream = ReaderStream::with_capacity(file, 256 * 1024);
        Ok(stream
            .map(move |chunk| chunk.map_err(|why| PortError::new(PortErrorKind::Unavailable, "files", "read", why.to_string())))
            .boxed())
    }
}

fn complain(why: &str) {
    let _ = writeln!(std::io::stderr(), "bellhop: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_inside_the_folder_only() {
        let folder = Path::new("/out");
        assert_eq!(free_path(folder, "../../etc/passwd", &[]), Path::new("/out/passwd"));
        assert_eq!(free_path(folder, "..", &[]), Path::new("/out/file"));
        assert_eq!(free_path(folder, "a\\..\\b\u{202e}.txt", &[]), Path::new("/out/b.txt"));
        assert_eq!(free_path(folder, "x/a.txt", &["/out/a.txt".into()]), Path::new("/out/2-a.txt"));
    }
}
