//! What the bot shows: messages into the records, whence the pages have them. Every sending under one key writes into
//! one place, so sending again is harmless.

use crate::Desk;
use crate::address::MessageRef;
use crate::media::lighten;
use crate::message::{Author, Body, Kept, Message};
use bellhop_core::address::Address;
use bellhop_core::call::Audience;
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ids::{DeliveryKey, MessageId, UserId};
use bellhop_core::ports::{PortResult, Post, Upload};

/// Keys of the bot's deliveries, apart from those of people's messages.
fn delivery(key: &DeliveryKey) -> String {
    format!("bot/{key}")
}

impl Desk {
    /// Posts a card.
    pub(crate) async fn post_card(&self, post: &Post) -> PortResult<MessageId> {
        let at = self.place(&post.to, &post.key, "deliver", post.answers.is_some()).await?;
        let (card, heavy) = lighten(&post.card);
        self.book.keep_media(&at.id, &heavy).await?;
        let message = Message { body: Body::Card(card), only_for: only_for(post), answers: answered(post), ..self.blank(&at) };
        self.book.post(&at, &message).await?;
        Ok(at.message_id())
    }

    /// The place of a delivery. In a closed channel only what was asked before it closed is still answered: the one who
    /// closed it hears that it is.
    async fn place(&self, to: &Address, key: &DeliveryKey, operation: &'static str, answer: bool) -> PortResult<MessageRef> {
        let room = self.room_at(to, operation).await?;
        if room.archived && !answer {
            return Err(self.book.error(PortErrorKind::Denied, operation, format!("#{} is closed; post to another channel", room.name)));
        }
        if let Some(thread) = to.thread.as_ref().filter(|thread| !crate::config::is_id(thread.as_str())) {
            return Err(self.book.error(PortErrorKind::NotFound, operation, format!("there is no thread `{thread}` in `{}`", to.channel)));
        }
        Ok(self.book.claim(&to.channel, to.thread.as_ref(), &delivery(key)).await?.at)
    }

    fn blank(&self, at: &MessageRef) -> Message {
        Message {
            id: at.id.clone(),
            from: Author::Bot,
            at: self.book.clock.now(),
            only_for: None,
            body: Body::Card(bellhop_core::Card::default()),
            revision: 0,
            gone: false,
            answers: None,
        }
    }

    /// Changes a card in place.
    pub(crate) async fn revise_card(&self, id: &MessageId, post: &Post) -> PortResult<()> {
        let missing = || self.missing(id, "revise");
        let at = MessageRef::parse(id.as_str()).ok_or_else(missing)?;
        let (card, heavy) = lighten(&post.card);
        self.book.keep_media(&at.id, &heavy).await?;
        let (mut gone, mut before) = (false, None);
        let found = self.book.change(&at, |message| {
            let body = Body::Card(card.clone());
            gone = message.gone;
            if gone || message.body == body {
                return false;
            }
            before = Some(std::mem::replace(&mut message.body, body));
            true
        });
        found.await?.filter(|()| !gone).ok_or_else(missing)?;
        if let Some(Body::Card(old)) = before {
            self.book.forget_media(&at.id, &old, &card).await?;
        }
        Ok(())
    }

    /// Takes a message away.
    pub(crate) async fn retract_message(&self, id: &MessageId) -> PortResult<()> {
        let Some(at) = MessageRef::parse(id.as_str()) else { return Ok(()) };
        let (mut file, mut card) = (None, None);
        let change = self.book.change(&at, |message| {
            if message.gone {
                return false;
            }
            message.gone = true;
            // What it said goes too; the empty message stays, so that a late retry does not bring it back.
            match std::mem::replace(&mut message.body, Body::Card(bellhop_core::Card::default())) {
                Body::File(kept) => file = Some(kept),
                Body::Card(old) => card = Some(old),
                Body::Said { .. } => {}
            }
            true
        });
        change.await?;
        if let Some(old) = card {
            self.book.forget_media(&at.id, &old, &bellhop_core::Card::default()).await?;
        }
        if let Some(kept) = file {
            // A file that can't be removed now costs room and nothing else.
            if let Err(error) = tokio::fs::remove_file(self.shelf.path_of(&kept)).await {
                tracing::warn!(%error, file = kept.id, "the file of a removed message stays");
            }
        }
        Ok(())
    }

    /// The message posted under a key.
    pub(crate) async fn find_message(&self, at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>> {
        let Some(found) = self.book.claimed(&at.channel, &delivery(key)).await? else { return Ok(None) };
        let message = self.book.message(&found).await?;
        Ok(message.filter(|message| !message.gone).map(|_| found.message_id()))
    }

    /// Posts a file.
    pub(crate) async fn post_file(&self, upload: Upload) -> PortResult<MessageId> {
        let at = self.place(&upload.to, &upload.key, "upload", false).await?;
        if self.book.message(&at).await?.is_none() {
            if upload.size > self.config.upload_limit {
                let why = format!(
                    "`{}` is {}, and at most {} can be uploaded here",
                    upload.name,
                    bellhop_core::text::bytes(upload.size),
                    bellhop_core::text::bytes(self.config.upload_limit)
                );
                return Err(self.book.error(PortErrorKind::TooLarge, "upload", why));
            }
            // The place's own id: a retry writes the same file.
            let length = self.shelve("sent", &at.id, self.config.upload_limit, upload.bytes).await?;
            let name = crate::parse::file_name(&upload.name);
            let kept = Kept { id: at.id.clone(), name, content_type: upload.content_type, size: length, stays: true };
            if length != upload.size {
                tokio::fs::remove_file(self.shelf.path_of(&kept)).await.ok();
                let why = format!("{} came of the {} bytes announced for `{}`", length, upload.size, kept.name);
                return Err(self.book.error(PortErrorKind::Invalid, "upload", why));
            }
            let message = Message { body: Body::File(kept), ..self.blank(&at) };
            self.book.post(&at, &message).await?;
        }
        Ok(at.message_id())
    }

    fn missing(&self, id: &MessageId, operation: &'static str) -> PortError {
        self.book.error(PortErrorKind::NotFound, operation, format!("there is no message `{id}` any more"))
    }
}

/// The one who sees a private answer; a private notice without anyone asked is for all.
fn only_for(post: &Post) -> Option<UserId> {
    match post.audience {
        Audience::Caller => post.answers.as_ref().map(|user| user.user.clone()),
        Audience::Everyone => None,
    }
}

/// The message that is answered, as `listen` put it into the event.
fn answered(post: &Post) -> Option<String> {
    post.reply.as_ref()?.0.get("message")?.as_str().map(str::to_owned)
}
