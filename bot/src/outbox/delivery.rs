//! One delivery: a card becomes the messages that show it. Messages that the card has already are changed; those that
//! may have been posted are looked up first.

use super::Payload;
use super::beside::{self, Beside};
use super::tempo::Tempo;
use crate::platforms::ChatDirectory;
use bellhop_charts::Theme;
use bellhop_core::capabilities::{Capabilities, Charts, Lookup};
use bellhop_core::card::{Action, Block, Card, FileSource, Image};
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::fit::fit;
use bellhop_core::ids::{CallId, DeliveryKey, MessageId};
use bellhop_core::ports::{ChatPlatform, Links, PortResult, Post, Stores};
use bellhop_core::{Address, Audience, Invoke};
use bellhop_store::Claimed;
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;

/// How long a link lives that stands in for a file too large to upload.
const LINK_SECONDS: u64 = 24 * 3600;
/// What marks an upload of this row among its parts. Messages' own ids never begin with a control character.
const UPLOADED: &str = "\u{1}uploaded ";

/// What came of one try: the messages that show the card now, and the failure that ended the try, if any.
#[derive(Debug)]
pub struct Tried {
    /// The card's messages as far as they are known to be there, and marks of what was uploaded beside them where the try
    /// is to be repeated.
    pub parts: Vec<MessageId>,
    /// What went wrong.
    pub failure: Option<PortError>,
    /// Nothing more is to be said in this lane before then.
    pub rest_until: Option<Timestamp>,
}

/// Turns rows of the outbox into messages.
pub struct Delivery {
    chats: Arc<ChatDirectory>,
    pub(super) stores: Arc<dyn Stores>,
    links: Arc<dyn Links>,
    clock: Arc<dyn Clock>,
    /// How often a long upload shows how far it is.
    pub(super) progress: Duration,
}

/// What is known to be there of a row.
struct Known {
    messages: Vec<MessageId>,
    uploaded: Vec<DeliveryKey>,
}

impl Known {
    fn of(row: &Claimed) -> Self {
        let mark = |part: &MessageId| part.as_str().strip_prefix(UPLOADED).map(DeliveryKey::from);
        let own = format!("{}.", row.key);
        Self {
            messages: row.parts.iter().filter(|part| mark(part).is_none()).cloned().collect(),
            // Marks of an earlier row of the same card say nothing about this one's files.
            uploaded: row.parts.iter().filter_map(mark).filter(|key| key.as_str().starts_with(&own)).collect(),
        }
    }

    fn parts(self, done: bool) -> Vec<MessageId> {
        let marks = self.uploaded.iter().filter(|_| !done).map(|key| MessageId::new(format!("{UPLOADED}{key}"))).collect::<Vec<_>>();
        self.messages.into_iter().chain(marks).collect()
    }
}

/// One row on its way to its platform.
pub(super) struct Round<'a> {
    pub(super) row: &'a Claimed,
    pub(super) platform: &'a Arc<dyn ChatPlatform>,
    pub(super) caps: Capabilities,
    pub(super) tempo: Tempo,
    payload: Payload,
}

impl Round<'_> {
    /// Only the one who asked sees the message.
    fn private(&self) -> bool {
        self.payload.audience == Audience::Caller && self.caps.private && self.payload.answers.is_some()
    }

    pub(super) fn post(&self, key: DeliveryKey, card: Card) -> Post {
        Post {
            key,
            to: self.row.to.clone(),
            card,
            audience: self.payload.audience,
            answers: self.payload.answers.clone(),
            reply: self.payload.reply.clone(),
        }
    }

    pub(super) async fn revise(&self, message: &MessageId, post: &Post) -> PortResult<()> {
        self.tempo.spoken(&post.to.lane(), self.platform.revise(message, post)).await
    }

    /// What was posted under this key by a try whose outcome was unknown.
    pub(super) async fn posted(&self, at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>> {
        let known = self.caps.lookup == Lookup::ByKey || self.once();
        if self.row.ambiguous && known { self.platform.find(at, key).await } else { Ok(None) }
    }

    /// Whether a message of which nobody knows whether it was shown is not sent again.
    fn once(&self) -> bool {
        self.payload.once && self.caps.lookup == Lookup::None
    }

    /// The failure of such a message: it goes to the undelivered ones, where people decide.
    fn perhaps_shown(&self, why: &str) -> PortError {
        let message = format!("{why} It may have been shown, and its route says at most once: look, and send it again with `outbox retry`");
        PortError::new(PortErrorKind::Broken, format!("chat.{}", self.row.to.chat), "deliver", message)
    }

    /// Posts a message, unless it was posted already.
    pub(super) async fn deliver(&self, post: &Post) -> PortResult<MessageId> {
        if let Some(posted) = self.posted(&post.to, &post.key).await? {
            return Ok(posted);
        }
        // Without any try yet someone has had it sent again, knowing that.
        if self.row.ambiguous && self.row.attempts > 0 && self.once() {
            return Err(self.perhaps_shown("An earlier try had no answer."));
        }
        match self.tempo.spoken(&post.to.lane(), self.platform.deliver(post)).await {
            // Mostly the message is there and only the answer got lost: then nothing has to wait. That it isn't found proves
            // nothing yet: it may still be on its way.
            Err(error) if error.maybe_done && self.caps.lookup == Lookup::ByKey => match self.platform.find(&post.to, &post.key).await {
                Ok(Some(posted)) => Ok(posted),
                _ => Err(error),
            },
            Err(error) if error.maybe_done && self.once() => Err(self.perhaps_shown(&format!("{error}."))),
            other => other,
        }
    }
}

impl Delivery {
    /// A delivery over these platforms and stores, which shows long uploads' progress this often at most.
    pub fn new(
        chats: Arc<ChatDirectory>,
        stores: Arc<dyn Stores>,
        links: Arc<dyn Links>,
        clock: Arc<dyn Clock>,
        progress: Duration,
    ) -> Self {
        Self { chats, stores, links, clock, progress }
    }

    /// Tries once.
    pub async fn deliver(&self, row: &Claimed) -> Tried {
        let mut known = Known::of(row);
        let round = match self.round(row) {
            Ok(round) => round,
            Err(error) => return Tried { parts: known.parts(false), failure: Some(error), rest_until: None },
        };
        let failure = self.try_deliver(&round, &mut known).await.err();
        let rest = round.tempo.rest(&row.to.lane());
        let until = |rest: Duration| self.clock.now() + TimeDelta::from_std(rest).unwrap_or_default();
        let rest_until = (!rest.is_zero()).then(|| until(rest));
        Tried { parts: known.parts(failure.is_none()), failure, rest_until }
    }

    fn round<'a>(&'a self, row: &'a Claimed) -> PortResult<Round<'a>> {
        let service = || format!("chat.{}", row.to.chat);
        let payload: Payload = serde_json::from_value(row.payload.clone()).map_err(|error| {
            PortError::new(PortErrorKind::Broken, service(), "deliver", format!("the stored card can't be read: {error}"))
        })?;
        let Some(platform) = self.chats.get(&row.to.chat) else {
            return Err(PortError::not_found(service(), "deliver", "this chat is no longer configured"));
        };
        let caps = platform.capabilities();
        let tempo = Tempo::new(caps.pause);
        Ok(Round { row, platform, caps, tempo, payload })
    }

    async fn try_deliver(&self, round: &Round<'_>, known: &mut Known) -> PortResult<()> {
        let row = round.row;
        let (cards, beside) = self.said(round).await?;
        let posts: Vec<Post> = cards
            .into_iter()
            .enumerate()
            .map(|(at, card)| round.post(DeliveryKey::new(if at == 0 { row.key.to_string() } else { format!("{}.{at}", row.key) }), card))
            .collect();
        // A card of a place that was shown before, by an earlier row: its messages are changed. Those of this very row are
        // known under the row's own key and were posted by an earlier try.
        let parts = &mut known.messages;
        let editable = if round.caps.edits { parts.len() } else { 0 };
        for (at, post) in posts.iter().enumerate() {
            if at < editable {
                match round.revise(&parts[at], post).await {
                    // Someone has removed the message: it is said anew.
                    Err(error) if error.kind == PortErrorKind::NotFound => parts[at] = round.deliver(post).await?,
                    other => other?,
                }
            } else {
                let id = round.deliver(post).await?;
                if at < parts.len() { parts[at] = id } else { parts.push(id) }
            }
        }
        while parts.len() > posts.len() {
            if let Some(surplus) = parts.last() {
                round.platform.retract(&row.to, surplus).await?;
            }
            parts.pop();
        }
        let shown = known.messages.first().zip(posts.first()).filter(|_| !round.private());
        let mut refused = Vec::new();
        for file in beside {
            refused.extend(self.upload(round, file, shown, &mut known.uploaded).await?);
        }
        self.say_instead(round, refused, shown, &mut known.uploaded).await
    }

    /// What the messages say, and what is uploaded after them.
    async fn said(&self, round: &Round<'_>) -> PortResult<(Vec<Card>, Vec<Beside>)> {
        let (row, caps) = (round.row, &round.caps);
        let mut card = draw(round.payload.card.clone(), caps).await?;
        let mut beside = beside::take_pictures(&mut card, caps, &row.key, &row.to);
        self.link_large(round, &mut card).await?;
        let cards = fit(&card, caps);
        beside.extend(beside::files(&card, &cards, caps, &row.key, &row.to));
        let person = round.payload.answers.as_ref().filter(|_| round.private() && !beside.is_empty());
        let Some(person) = person else { return Ok((cards, beside)) };
        // An upload in the channel would be seen by everyone there.
        match round.platform.locate(Some(row.to.workspace.as_str()), person.user.as_str(), true).await? {
            Some(direct) if direct.channel == row.to.channel => {}
            Some(direct) => {
                beside::sent_directly(&mut card, &beside);
                for one in &mut beside {
                    one.to = direct.clone();
                }
            }
            None => {
                let mut links = Vec::new();
                for one in &beside {
                    links.extend(self.link(round, &one.name, &one.source).await?);
                }
                beside::not_sent(&mut card, &beside, links);
                beside.clear();
            }
        }
        Ok((fit(&card, caps), beside))
    }

    /// Makes links of those files that are too large to be uploaded.
    async fn link_large(&self, round: &Round<'_>, card: &mut Card) -> PortResult<()> {
        if round.caps.stored_files {
            return Ok(());
        }
        let mut links = Vec::new();
        for block in &card.blocks {
            if let Block::File(file) = block
                && file.size > round.caps.upload
            {
                links.extend(self.link(round, &file.name, &file.source).await?);
            }
        }
        if !links.is_empty() {
            card.blocks.push(Block::Text(vec!["Too large to upload here; these links work for a day.".into()]));
            card.blocks.push(Block::Actions(links));
        }
        Ok(())
    }

    /// A link to a stored file, and what ends it; what is only in the card has none.
    pub(super) async fn link(&self, round: &Round<'_>, called: &str, source: &FileSource) -> PortResult<Vec<Action>> {
        let FileSource::Stored { store, name, version } = source else { return Ok(Vec::new()) };
        let call = call_of(round, self.clock.now());
        let link = self.links.make(&call, store, name, version.as_ref(), LINK_SECONDS).await?;
        let revoke = Invoke { command: "file unshare".to_owned(), args: serde_json::json!({ "what": link.handle }) };
        Ok(vec![Action::open(format!("Download {called}"), link.url), Action::invoke(format!("Revoke link {}", link.handle), revoke)])
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
            Charts::Png | Charts::PngWithin(_) | Charts::Within(_) => {
                let width = if let Charts::PngWithin(most) = caps.charts { most.min(PNG_WIDTH) } else { PNG_WIDTH };
                let drawn = tokio::task::spawn_blocking(move || bellhop_charts::png(&chart, Theme::Light, width)).await;
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

/// Whoever is answered, asking for a link; the bot itself where nobody is.
fn call_of(round: &Round<'_>, now: Timestamp) -> bellhop_core::Call {
    let row = round.row;
    let bot = || bellhop_core::UserRef { chat: row.to.chat.clone(), workspace: row.to.workspace.clone(), user: "bellhop".into() };
    bellhop_core::Call {
        id: CallId::new(row.key.as_str()),
        caller: bellhop_core::Caller {
            user: round.payload.answers.clone().unwrap_or_else(bot),
            name: "Bellhop".into(),
            access: bellhop_core::Access::Member,
            zone: chrono_tz::Tz::UTC,
        },
        at: row.to.clone(),
        now,
        attachments: Vec::new(),
        progress: Arc::new(|_| ()),
        stop: bellhop_core::ports::Stop::new(),
    }
}
