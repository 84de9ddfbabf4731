//! One delivery: a card becomes the messages that show it. Messages that the card has already are changed; those that
//! may have been posted are looked up first.

use super::Payload;
use crate::platforms::ChatDirectory;
use bellhop_charts::Theme;
use bellhop_core::capabilities::{Capabilities, Charts, Lookup};
use bellhop_core::card::{Action, Block, Card, FileBlock, FileSource, Image};
use bellhop_core::clock::Clock;
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::fit::fit;
use bellhop_core::ids::{CallId, DeliveryKey, MessageId};
use bellhop_core::ports::{ByteStream, ChatPlatform, Links, Post, Stores, Upload};
use bellhop_store::Claimed;
use std::sync::Arc;

/// How long a link lives that stands in for a file too large to upload.
const LINK_SECONDS: u64 = 24 * 3600;

/// What came of one try: the messages that show the card now, and the failure that ended the try, if any.
pub struct Tried {
    /// The card's messages as far as they are known to be there.
    pub parts: Vec<MessageId>,
    /// What went wrong.
    pub failure: Option<PortError>,
}

/// Turns rows of the outbox into messages.
pub struct Delivery {
    chats: Arc<ChatDirectory>,
    stores: Arc<dyn Stores>,
    links: Arc<dyn Links>,
    clock: Arc<dyn Clock>,
}

impl Delivery {
    /// A delivery over these platforms and stores.
    pub fn new(chats: Arc<ChatDirectory>, stores: Arc<dyn Stores>, links: Arc<dyn Links>, clock: Arc<dyn Clock>) -> Self {
        Self { chats, stores, links, clock }
    }

    /// Tries once.
    pub async fn deliver(&self, row: &Claimed) -> Tried {
        let mut parts = row.parts.clone();
        let failure = self.try_deliver(row, &mut parts).await.err();
        Tried { parts, failure }
    }

    async fn try_deliver(&self, row: &Claimed, parts: &mut Vec<MessageId>) -> Result<(), PortError> {
        let service = || format!("chat.{}", row.to.chat);
        let payload: Payload = serde_json::from_value(row.payload.clone()).map_err(|error| {
            PortError::new(PortErrorKind::Broken, service(), "deliver", format!("the stored card can't be read: {error}"))
        })?;
        let Some(platform) = self.chats.get(&row.to.chat) else {
            return Err(PortError::not_found(service(), "deliver", "this chat is no longer configured"));
        };
        let caps = platform.capabilities();
        let mut card = draw(payload.card.clone(), &caps).await?;
        let files = self.take_files(row, &mut card, &caps).await?;
        let cards = fit(&card, &caps);
        // A card of a place that was shown before, by an earlier row: its messages are changed. Those of this very row are
        // known under the row's own key and were posted by an earlier try.
        let editable = if caps.edits { parts.len() } else { 0 };
        for (at, card) in cards.iter().enumerate() {
            let key = DeliveryKey::new(if at == 0 { row.key.to_string() } else { format!("{}.{at}", row.key) });
            let post = Post {
                key,
                to: row.to.clone(),
                card: card.clone(),
                audience: payload.audience,
                answers: payload.answers.clone(),
                reply: payload.reply.clone(),
            };
            if at < editable {
                match platform.revise(&parts[at], &post).await {
                    // Someone has removed the message: it is said anew.
                    Err(error) if error.kind == PortErrorKind::NotFound => parts[at] = self.post(platform, &caps, row, &post).await?,
                    other => other?,
                }
            } else {
                let id = self.post(platform, &caps, row, &post).await?;
                if at < parts.len() { parts[at] = id } else { parts.push(id) }
            }
        }
        while parts.len() > cards.len() {
            if let Some(surplus) = parts.last() {
                platform.retract(&row.to, surplus).await?;
            }
            parts.pop();
        }
        for (at, file) in files.into_iter().enumerate() {
            self.upload(platform, &caps, row, &format!("{}.file{at}", row.key), file).await?;
        }
        Ok(())
    }

    /// Posts a message, unless it was posted already by a try whose outcome was unknown.
    async fn post(
        &self,
        platform: &Arc<dyn ChatPlatform>,
        caps: &Capabilities,
        row: &Claimed,
        post: &Post,
    ) -> Result<MessageId, PortError> {
        if row.ambiguous
            && caps.lookup == Lookup::ByKey
            && let Some(posted) = platform.find(&post.to, &post.key).await?
        {
            return Ok(posted);
        }
        platform.deliver(post).await
    }

    /// Takes out of the card those files that the platform wants as uploads. Those that are too large become links.
    async fn take_files(&self, row: &Claimed, card: &mut Card, caps: &Capabilities) -> Result<Vec<FileBlock>, PortError> {
        let mut uploads = Vec::new();
        if caps.stored_files {
            return Ok(uploads);
        }
        let mut links = Vec::new();
        for block in &card.blocks {
            let Block::File(file) = block else { continue };
            match &file.source {
                FileSource::Stored { store, name, version } if file.size > caps.upload => {
                    let call = bot_call(row, self.clock.now());
                    let link = self.links.make(&call, store, name, version.as_ref(), LINK_SECONDS).await?;
                    links.push(Action::open(format!("Download {}", file.name), link.url));
                }
                _ => uploads.push(file.clone()),
            }
        }
        if !links.is_empty() {
            card.blocks.push(Block::Text(vec!["Too large to upload here; these links work for a day.".into()]));
            card.blocks.push(Block::Actions(links));
        }
        Ok(uploads)
    }

    async fn upload(
        &self,
        platform: &Arc<dyn ChatPlatform>,
        caps: &Capabilities,
        row: &Claimed,
        key: &str,
        file: FileBlock,
    ) -> Result<(), PortError> {
        let key = DeliveryKey::new(key);
        if row.ambiguous && caps.lookup == Lookup::ByKey && platform.find(&row.to, &key).await?.is_some() {
            return Ok(());
        }
        let (size, bytes): (u64, ByteStream) = match &file.source {
            FileSource::Inline(bytes) => {
                let bytes = bytes::Bytes::copy_from_slice(bytes);
                (bytes.len() as u64, Box::pin(futures::stream::iter([Ok(bytes)])))
            }
            FileSource::Stored { store, name, version } => {
                let store = self
                    .stores
                    .store(Some(store))
                    .map_err(|error| PortError::not_found(format!("files.{store}"), "read", error.to_string()))?;
                let stored = store.read(name, version.as_ref(), None).await?;
                (stored.info.size, stored.bytes)
            }
        };
        let alt = String::new();
        platform.upload(Upload { key, to: row.to.clone(), name: file.name, content_type: file.content_type, size, alt, bytes }).await?;
        Ok(())
    }
}

/// Draws the charts of a card as the platform can show them.
pub async fn draw(mut card: Card, caps: &Capabilities) -> Result<Card, PortError> {
    for block in &mut card.blocks {
        let Block::Chart(chart) = block else { continue };
        let (chart, alt) = (chart.clone(), chart.alt.clone());
        let broken = |why: String| PortError::new(PortErrorKind::Broken, "charts", "draw", why);
        let image = match caps.charts {
            Charts::Native => continue,
            Charts::Within(most) if most.hold(&chart) => continue,
            Charts::Svg => Image {
                alt,
                name: "chart.svg".into(),
                content_type: "image/svg+xml".into(),
                bytes: bellhop_charts::svg(&chart, Theme::Auto).into_bytes().into(),
            },
            Charts::Png | Charts::Within(_) => {
                let drawn = tokio::task::spawn_blocking(move || bellhop_charts::png(&chart, Theme::Light, PNG_WIDTH)).await;
                let bytes = drawn.map_err(|error| broken(error.to_string()))?.map_err(|error| broken(error.to_string()))?;
                Image { alt, name: "chart.png".into(), content_type: "image/png".into(), bytes: bytes.into() }
            }
        };
        *block = Block::Image(image);
    }
    Ok(card)
}

/// Pixels across a chart that is uploaded: twice its size on screen, for sharp displays.
pub const PNG_WIDTH: u32 = 1440;

/// The bot itself, asking for a link on a row's behalf.
fn bot_call(row: &Claimed, now: bellhop_core::Timestamp) -> bellhop_core::Call {
    bellhop_core::Call {
        id: CallId::new(row.key.as_str()),
        caller: bellhop_core::Caller {
            user: bellhop_core::UserRef { chat: row.to.chat.clone(), workspace: row.to.workspace.clone(), user: "bellhop".into() },
            name: "Bellhop".into(),
            access: bellhop_core::Access::Member,
            zone: chrono_tz::Tz::UTC,
        },
        at: row.to.clone(),
        now,
        attachments: Vec::new(),
        progress: Arc::new(|_| ()),
    }
}
