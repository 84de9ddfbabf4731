//! Which way a message goes. To a conversation, in its thread; for one person by a message that only that person sees, or else in
//! that person's chat with the bot, and at last where it was asked.

use super::{Sending, is_personal};
use crate::Desk;
use crate::address::{MessageRef, conversation};
use crate::connector::{Called, Failure, Service};
use crate::handle::ReplyTo;
use crate::interact::face_key;
use crate::notes::{self, Kind};
use crate::{people, webhook};
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use bellhop_core::call::Audience;
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{PortResult, Post};
use serde_json::json;

/// Posts a card.
pub(crate) async fn deliver(desk: &Desk, post: &Post) -> PortResult<MessageId> {
    if desk.config.bot.is_none() {
        return webhook::deliver(desk, post).await;
    }
    // An earlier try was answered, and only nobody heard it.
    if let Some(sent) = notes::get::<String>(desk, Kind::Sent, post.key.as_str()).await? {
        return Ok(MessageId::new(sent));
    }
    let sending = Sending::new(desk, post).await?;
    let sent = match (post.audience, &post.answers) {
        (Audience::Caller, Some(person)) if !is_personal(desk, post.to.channel.as_str()).await? => {
            sending.to_one(person.user.as_str()).await
        }
        _ => sending.to_everyone().await,
    };
    let id = sent.map_err(|failure| failure.error)?.id();
    desk.answered.more(post.to.channel.as_str());
    if let Err(error) = notes::put(desk, Kind::Sent, post.key.as_str(), &id.as_str()).await {
        // It was shown; that nobody could write that down must not have it shown again.
        tracing::warn!(%error, key = %post.key, "where a message went could not be kept");
    }
    Ok(id)
}

/// The connector of a place.
///
/// # Errors
/// `Denied` where the bot was taken out.
pub(crate) async fn service(desk: &Desk, at: &Address) -> PortResult<Service> {
    let tenant = at.workspace.to_string();
    match desk.references.conversation(at.channel.as_str()).await? {
        Some(known) if known.gone => {
            Err(desk.error(PortErrorKind::Denied, "deliver", "the bot was taken out of this conversation: add the app there again"))
        }
        Some(known) if known.tenant == tenant => Ok(Service { url: known.service_url, tenant }),
        _ => Ok(Service { url: people::service_url(desk, &tenant).await?, tenant }),
    }
}

impl Sending<'_> {
    /// Everyone in the conversation sees it.
    async fn to_everyone(&self) -> Called<MessageRef> {
        let reply = ReplyTo::of(self.post.reply.as_ref());
        let service = service(self.desk, &self.post.to).await?;
        let conversation = conversation(&self.post.to);
        // In answer to a message only where that message is.
        let to = reply.activity.as_deref().filter(|_| reply.conversation == conversation);
        let mut sent = self.send(&service, &conversation, to, false).await;
        if let Err(failure) = &sent
            && to.is_some()
            && failure.is(&["ActivityNotFoundInConversation"])
        {
            // What is answered was removed meanwhile.
            sent = self.send(&service, &conversation, None, false).await;
        }
        Ok(MessageRef::Activity(sent?))
    }

    /// Only one person sees it.
    async fn to_one(&self, person: &str) -> Called<MessageRef> {
        let service = service(self.desk, &self.post.to).await?;
        if self.desk.config.targeted_messages {
            match self.targeted(&service, person).await {
                Ok(sent) => return Ok(sent),
                // The organisation has no such messages, or the person is not in the conversation.
                Err(failure)
                    if matches!(failure.error.kind, PortErrorKind::Invalid | PortErrorKind::Denied | PortErrorKind::Unsupported) =>
                {
                    tracing::debug!(error = %failure.error, "a message for one person goes into the chat with that person");
                }
                Err(failure) => return Err(failure),
            }
        }
        match people::direct(self.desk, self.post.to.workspace.as_str(), person).await {
            Ok(Some(direct)) => {
                let service = super::service(self.desk, &direct).await?;
                let conversation = direct.channel.to_string();
                let activity = self.send(&service, &conversation, None, false).await?;
                Ok(MessageRef::Direct { conversation, activity })
            }
            Ok(None) => self.to_everyone().await,
            Err(error) if matches!(error.kind, PortErrorKind::Denied | PortErrorKind::NotFound | PortErrorKind::Invalid) => {
                tracing::debug!(%error, "there is no chat with a person, so that everyone sees an answer");
                self.to_everyone().await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// By a message that is shown to one person
    /// (<https://learn.microsoft.com/microsoftteams/platform/agents-in-teams/targeted-messages>).
    async fn targeted(&self, service: &Service, person: &str) -> Called<MessageRef> {
        let reply = ReplyTo::of(self.post.reply.as_ref());
        let known = self.desk.references.person(person).await?.map(|person| person.id).filter(|id| !id.is_empty());
        let id = known.unwrap_or_else(|| if reply.person.is_empty() { person.to_owned() } else { reply.person.clone() });
        let mut activity = self.drawn(false).await?.activity();
        activity["recipient"] = json!({ "id": id, "isTargeted": true });
        let sent = self.desk.connector.send(service, &conversation(&self.post.to), None, true, &activity).await?;
        Ok(MessageRef::Targeted(sent))
    }

    /// Sends the card; what Teams finds too large goes with less in it.
    async fn send(&self, service: &Service, conversation: &str, to: Option<&str>, smaller: bool) -> Called<String> {
        let message = self.drawn(smaller).await?;
        let mut activity = message.activity();
        if let Some(to) = to {
            activity["replyToId"] = json!(to);
        }
        match self.desk.connector.send(service, conversation, to, false, &activity).await {
            Ok(id) if id.is_empty() => {
                let message = "the answer doesn't say which message it was";
                Err(Failure::from(self.desk.error(PortErrorKind::Broken, "deliver", message).maybe_done()))
            }
            Ok(id) => {
                if self.changes() {
                    self.keep_face(crate::address::apart(conversation).0, &id, &message.card).await;
                }
                Ok(id)
            }
            Err(failure) if failure.error.kind == PortErrorKind::TooLarge && !smaller => {
                Box::pin(self.send(service, conversation, to, true)).await
            }
            Err(failure) => Err(failure),
        }
    }

    /// Notes how the card looks now, for those whose clients ask.
    pub(super) async fn keep_face(&self, channel: &str, id: &str, card: &serde_json::Value) {
        if let Err(error) = notes::put(self.desk, Kind::Face, &face_key(channel, id), card).await {
            tracing::warn!(%error, "how a card looks could not be kept");
        }
    }
}
