//! Changing and removing what was sent, and finding it again by its key.

use super::Sending;
use super::ways::service;
use crate::Desk;
use crate::address::{MessageRef, apart, conversation, is_channel};
use crate::connector::{Called, Service};
use crate::interact::face_key;
use crate::notes::{self, Kind};
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use bellhop_core::ids::{DeliveryKey, MessageId};
use bellhop_core::ports::{PortResult, Post};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Changes a message into this one.
pub(crate) async fn revise(desk: &Desk, message: &MessageId, post: &Post) -> PortResult<()> {
    let Some((place, id, targeted)) = place(desk, &post.to, message).await? else {
        return Err(desk.error(PortErrorKind::NotFound, "revise", "a message that went by a webhook can't be changed"));
    };
    let sending = Sending::new(desk, post).await?;
    let mut changed = sending.update(&place, &id, targeted, false).await;
    if let Err(failure) = &changed
        && failure.error.kind == PortErrorKind::TooLarge
    {
        changed = sending.update(&place, &id, targeted, true).await;
    }
    Ok(changed?)
}

impl Sending<'_> {
    async fn update(&self, place: &Place, id: &str, targeted: bool, smaller: bool) -> Called<()> {
        let message = self.drawn(smaller).await?;
        let mut activity = message.activity();
        activity["id"] = id.into();
        self.desk.connector.update(&place.service, &place.conversation, id, targeted, &activity).await?;
        let channel = apart(&place.conversation).0;
        let known = notes::get::<serde_json::Value>(self.desk, Kind::Face, &face_key(channel, id)).await?;
        if self.changes() || known.is_some() {
            self.keep_face(channel, id, &message.card).await;
        }
        Ok(())
    }
}

/// Removes a message.
pub(crate) async fn retract(desk: &Desk, at: &Address, message: &MessageId) -> PortResult<()> {
    let Some((place, id, targeted)) = place(desk, at, message).await? else { return Ok(()) };
    match desk.connector.delete(&place.service, &place.conversation, &id, targeted).await {
        Err(failure) if failure.error.kind == PortErrorKind::NotFound => Ok(()),
        other => Ok(other?),
    }
}

/// The message that was posted under a key, as far as its answer was heard.
pub(crate) async fn find(desk: &Desk, _at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>> {
    Ok(notes::get::<String>(desk, Kind::Sent, key.as_str()).await?.map(MessageId::new))
}

/// The address under which people see a message of a channel.
pub(crate) fn permalink(at: &Address, message: &MessageId) -> Option<String> {
    let MessageRef::Activity(id) = MessageRef::parse(message) else { return None };
    let number = id.bytes().all(|b| b.is_ascii_digit());
    let channel = utf8_percent_encode(at.channel.as_str(), NON_ALPHANUMERIC);
    (is_channel(at.channel.as_str()) && number)
        .then(|| format!("https://teams.microsoft.com/l/message/{channel}/{id}?tenantId={}", at.workspace))
}

/// Where a message is.
struct Place {
    service: Service,
    conversation: String,
}

/// Where a message is, under which id, and whether one person sees it; `None` for one that nothing can change.
async fn place(desk: &Desk, at: &Address, message: &MessageId) -> PortResult<Option<(Place, String, bool)>> {
    Ok(match MessageRef::parse(message) {
        MessageRef::Activity(id) => Some((Place { service: service(desk, at).await?, conversation: conversation(at) }, id, false)),
        MessageRef::Targeted(id) => Some((Place { service: service(desk, at).await?, conversation: conversation(at) }, id, true)),
        MessageRef::Direct { conversation, activity } => {
            let direct = Address::channel(at.chat.clone(), at.workspace.clone(), conversation.as_str());
            Some((Place { service: service(desk, &direct).await?, conversation }, activity, false))
        }
        MessageRef::Webhook(_) => None,
    })
}
