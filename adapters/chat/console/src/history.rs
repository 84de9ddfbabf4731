//! What was said in a room, told afterwards, and the files of it. What only one person sees is not told.

use crate::Desk;
use crate::address::{MessageRef, WORKSPACE};
use crate::message::{Author, Body, Kept, Message};
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::{Attachment, Handle};
use bellhop_core::card::{Block, FileSource};
use bellhop_core::error::PortErrorKind;
use bellhop_core::ids::ThreadId;
use bellhop_core::plain;
use bellhop_core::ports::{ByteStream, HistoryPage, PastMessage, PortResult};
use bytes::Bytes;

/// The name under which the bot speaks.
const BOT: &str = "Bellhop";

impl Desk {
    pub(crate) async fn history(&self, at: &Address, from: Option<&str>, limit: usize) -> PortResult<HistoryPage> {
        self.room_at(at, "history").await?;
        let limit = limit.max(1);
        if at.thread.is_some() {
            return self.replies_told(at, from, limit).await;
        }
        let (page, more) = self.book.page(&at.channel, None, from, limit, |message| message.only_for.is_none()).await?;
        let next = page.last().filter(|_| more).map(|message| message.id.clone());
        let mut messages = Vec::with_capacity(page.len());
        for message in &page {
            let replies = self.book.replies(&at.channel, &message.id).await?.count;
            messages.push(PastMessage { replies, ..self.told(at, message) });
        }
        Ok(HistoryPage { messages, next })
    }

    /// The replies of a thread, the oldest first.
    async fn replies_told(&self, at: &Address, from: Option<&str>, limit: usize) -> PortResult<HistoryPage> {
        let records = self.book.thread_after(&at.channel, at.thread.as_ref(), from, limit).await?;
        let next = records.last().filter(|_| records.len() == limit).map(|message| message.id.clone());
        let shown = records.iter().filter(|message| !message.gone && message.only_for.is_none());
        Ok(HistoryPage { messages: shown.map(|message| self.told(at, message)).collect(), next })
    }

    fn told(&self, at: &Address, message: &Message) -> PastMessage {
        let place = MessageRef { channel: at.channel.clone(), thread: at.thread.clone(), id: message.id.clone() };
        let (from, name) = match &message.from {
            Author::Bot => (None, BOT.to_owned()),
            Author::Person(person) => {
                let known = self.config.people.iter().find(|known| known.id == *person);
                let user = UserRef { chat: at.chat.clone(), workspace: WORKSPACE.into(), user: person.clone() };
                (Some(user), known.map_or_else(|| person.to_string(), |known| known.name.clone()))
            }
        };
        let (text, card) = match &message.body {
            Body::Said { text, .. } => (text.clone(), None),
            Body::Card(card) => (plain::card(card, &|invoke| invoke.command.clone()), Some(card.clone())),
            Body::File(_) => (String::new(), None),
        };
        PastMessage {
            id: place.message_id(),
            from,
            name,
            at: message.at,
            text,
            card,
            attachments: attachments(&place, &message.body),
            thread: Some(at.thread.clone().unwrap_or_else(|| ThreadId::new(message.id.clone()))),
            replies: 0,
            edited: None,
        }
    }

    /// The bytes of a file of a message that was said before.
    pub(crate) async fn fetch_said(&self, message: &str, number: usize) -> PortResult<ByteStream> {
        let gone = || self.book.error(PortErrorKind::NotFound, "fetch", "the message has no such file any more");
        let place = MessageRef::parse(message).ok_or_else(gone)?;
        let message = self.book.message(&place).await?.filter(|message| !message.gone).ok_or_else(gone)?;
        let whole = |kept: Kept| async move { self.open_kept(&kept, 0, kept.size).await };
        match message.body {
            Body::Said { files, .. } => whole(files.into_iter().nth(number).filter(|kept| kept.stays).ok_or_else(gone)?).await,
            Body::File(kept) => whole(kept).await,
            Body::Card(card) => match card.blocks.into_iter().nth(number) {
                Some(Block::File(block)) => match block.source {
                    FileSource::Inline(inline) => {
                        let bytes = self.book.media(&message.id, &inline).await?.ok_or_else(gone)?;
                        Ok(Box::pin(futures::stream::iter([Ok(Bytes::from(bytes))])))
                    }
                    FileSource::Stored { store, name, version } => {
                        let store = self
                            .files
                            .store(Some(&store))
                            .map_err(|error| self.book.error(PortErrorKind::NotFound, "fetch", error.to_string()))?;
                        Ok(store.read(&name, version.as_ref(), None).await?.bytes)
                    }
                },
                _ => Err(gone()),
            },
        }
    }
}

/// The files of a message, each under its place in it.
fn attachments(place: &MessageRef, body: &Body) -> Vec<Attachment> {
    let attachment = |number: usize, name: &str, content_type: &str, size: u64| Attachment {
        id: format!("{place}/{number}"),
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        size: Some(size),
        handle: Handle(serde_json::json!({ "said": place.to_string(), "number": number })),
    };
    match body {
        // What went to a command didn't stay.
        Body::Said { files, .. } => {
            let stays = files.iter().enumerate().filter(|(_, kept)| kept.stays);
            stays.map(|(number, kept)| attachment(number, &kept.name, &kept.content_type, kept.size)).collect()
        }
        Body::File(kept) => vec![attachment(0, &kept.name, &kept.content_type, kept.size)],
        Body::Card(card) => card
            .blocks
            .iter()
            .enumerate()
            .filter_map(|(number, block)| match block {
                Block::File(file) => Some(attachment(number, &file.name, &file.content_type, file.size)),
                _ => None,
            })
            .collect(),
    }
}
