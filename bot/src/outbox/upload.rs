//! Files and pictures on their way beside a message, streamed. What takes long shows in the message how far it is, and the
//! message ends as it was.

use super::beside::{self, Beside};
use super::delivery::{Delivery, Round};
use bellhop_core::capabilities::Capabilities;
use bellhop_core::card::{Block, Card, FileSource, Progress};
use bellhop_core::error::{PortError, PortErrorKind, Retry};
use bellhop_core::fit::fit;
use bellhop_core::ids::{DeliveryKey, MessageId};
use bellhop_core::ports::{ByteStream, PortResult, Post, Stop, Upload};
use futures::TryStreamExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// From how many bytes on an upload shows how far it is.
const LARGE: u64 = 8 << 20;

impl Delivery {
    /// Uploads one thing, unless an earlier try did, and notes it in `done`. `shown` is the message that may say how far it
    /// is. A file that the platform doesn't take comes back as what is to be said in its place, and isn't noted.
    pub(super) async fn upload(
        &self,
        round: &Round<'_>,
        file: Beside,
        shown: Option<(&MessageId, &Post)>,
        done: &mut Vec<DeliveryKey>,
    ) -> PortResult<Option<Instead>> {
        if done.contains(&file.key) {
            return Ok(None);
        }
        if round.posted(&file.to, &file.key).await?.is_some() {
            done.push(file.key);
            return Ok(None);
        }
        let (size, bytes): (u64, ByteStream) = match &file.source {
            FileSource::Inline(inline) => (inline.len() as u64, beside::inline(inline)),
            FileSource::Stored { store, name, version } => {
                let store = self
                    .stores
                    .store(Some(store))
                    .map_err(|error| PortError::not_found(format!("files.{store}"), "read", error.to_string()))?;
                let stored = store.read(name, version.as_ref(), None).await?;
                (stored.info.size, stored.bytes)
            }
        };
        let lane = file.to.lane();
        let upload = |bytes| {
            let Beside { key, to, name, content_type, alt, source } = file.clone();
            let source = Some(source);
            round.tempo.spoken(&lane, round.platform.upload(Upload { key, to, name, content_type, size, alt, bytes, source }))
        };
        let Some((message, post)) = shown.filter(|_| size > LARGE && round.caps.edits) else {
            return match upload(bytes).await {
                Ok(_) => {
                    done.push(file.key);
                    Ok(None)
                }
                Err(error) => self.instead(round, file, error).await.map(Some),
            };
        };
        let sent = Arc::new(AtomicU64::new(0));
        let counted = sent.clone();
        let bytes = bytes.inspect_ok(move |chunk| {
            counted.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        });
        let over = Stop::new();
        let uploading = async {
            let uploaded = upload(Box::pin(bytes)).await;
            over.cancel();
            uploaded
        };
        let saying = async {
            let mut said = Said { anything: false, failed: None };
            while over.run_until_cancelled(tokio::time::sleep(self.progress.max(round.caps.pause))).await.is_some() {
                let done = sent.load(Ordering::Relaxed).min(size);
                let progress = Progress::bytes(format!("Uploading {}", file.name), done, Some(size));
                let step = Post { card: with(&post.card, progress, &round.caps), ..post.clone() };
                // A change that was begun is waited for: it must not arrive after the last one.
                if let Err(error) = round.revise(message, &step).await {
                    tracing::debug!(%error, "how far an upload is could not be shown");
                    said.anything |= error.maybe_done;
                    said.failed = Some(error);
                    break;
                }
                said.anything = true;
            }
            said
        };
        let (uploaded, said) = futures::future::join(uploading, saying).await;
        if uploaded.is_ok() {
            done.push(file.key.clone());
        }
        // Also where it failed: what is said then must not be that it goes on.
        let ended = said.end(round, message, post).await;
        if let Err(error) = uploaded {
            let instead = self.instead(round, file, error).await?;
            return ended.map(|()| Some(instead));
        }
        ended.map(|()| None)
    }

    /// What is said in place of a stored file that the platform refuses to take; any other failure stays one.
    async fn instead(&self, round: &Round<'_>, file: Beside, error: PortError) -> PortResult<Instead> {
        if !matches!(error.kind, PortErrorKind::TooLarge | PortErrorKind::Denied) {
            return Err(error);
        }
        let links = self.link(round, &file.name, &file.source).await?;
        if links.is_empty() {
            return Err(error);
        }
        tracing::warn!(%error, "a file could not be uploaded; a link takes its place");
        let why = bellhop_core::text::shorten(&bellhop_core::text::one_line(&error.message), 200);
        let text = format!("{} could not be uploaded here: {}. The link works for a day.", file.name, why.trim_end_matches('.'));
        Ok(Instead { blocks: vec![Block::Text(vec![text.into()]), Block::Actions(links)], file })
    }

    /// Says links in place of files that were refused: in the message that they belong to where that can be changed and has room,
    /// after it otherwise.
    pub(super) async fn say_instead(
        &self,
        round: &Round<'_>,
        refused: Vec<Instead>,
        shown: Option<(&MessageId, &Post)>,
        done: &mut Vec<DeliveryKey>,
    ) -> PortResult<()> {
        let Some(first) = refused.first() else { return Ok(()) };
        let blocks: Vec<Block> = refused.iter().flat_map(|one| one.blocks.clone()).collect();
        let mut said = false;
        if let Some((message, post)) = shown.filter(|_| round.caps.edits) {
            let mut card = post.card.clone();
            card.blocks.extend(blocks.clone());
            if let [one] = fit(&card, &round.caps).as_slice() {
                match round.revise(message, &Post { card: one.clone(), ..post.clone() }).await {
                    // Someone has removed the message meanwhile.
                    Err(error) if error.kind == PortErrorKind::NotFound => {}
                    other => {
                        other?;
                        said = true;
                    }
                }
            }
        }
        if !said {
            let card = Card { blocks, ..Card::default() };
            for (at, card) in fit(&card, &round.caps).into_iter().enumerate() {
                let key = DeliveryKey::new(format!("{}.link{at}", first.file.key));
                round.deliver(&Post { to: first.file.to.clone(), ..round.post(key, card) }).await?;
            }
        }
        done.extend(refused.into_iter().map(|one| one.file.key));
        Ok(())
    }
}

/// What is said in place of a file that the platform refused.
pub(super) struct Instead {
    blocks: Vec<Block>,
    file: Beside,
}

/// What was said about an upload under way.
struct Said {
    anything: bool,
    failed: Option<PortError>,
}

impl Said {
    /// Has the message be as it was.
    async fn end(self, round: &Round<'_>, message: &MessageId, post: &Post) -> PortResult<()> {
        match self.failed {
            _ if !self.anything => Ok(()),
            // Not before the platform's time: the row is tried again then, and begins with the message as it should be.
            Some(error) if matches!(error.retry, Retry::After(_)) => Err(error),
            _ => match round.revise(message, post).await {
                // Someone has removed the message meanwhile.
                Err(error) if error.kind == PortErrorKind::NotFound => Ok(()),
                ended => ended,
            },
        }
    }
}

/// The card with the progress under it, or the progress alone where both don't fit into one message.
fn with(card: &Card, progress: Progress, caps: &Capabilities) -> Card {
    let full = card.clone().block(Block::Progress(progress.clone()));
    match fit(&full, caps).as_slice() {
        [one] => one.clone(),
        _ => Card { title: card.title.clone(), tone: card.tone, blocks: vec![Block::Progress(progress)] },
    }
}
