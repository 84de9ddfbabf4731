//! Files in personal chats: offered, agreed to, put into the person's own storage, shown. What was agreed to is written down before
//! Teams is answered, so that a crash in between only delays it.

use super::fetch::holds_files;
use super::session;
use crate::Desk;
use crate::address::{MessageRef, conversation};
use crate::interact::aside;
use crate::notes::{self, Kind};
use crate::parse::{Consent, Origin};
use crate::send;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_core::address::Address;
use bellhop_core::call::Audience;
use bellhop_core::card::FileSource;
use bellhop_core::ids::{DeliveryKey, MessageId, StoreName, VersionId};
use bellhop_core::ports::{ByteStream, PortResult, Post, Upload};
use bellhop_core::{Card, PortErrorKind, Retry, Tone};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The largest file that is kept whole until someone has agreed, where nothing else has it.
const KEPT_WHOLE: u64 = 4 << 20;
/// How often a file that was agreed to is tried.
const TRIES: u32 = 5;

/// Where the bytes are until then.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Stored { store: StoreName, name: String, version: Option<VersionId> },
    Whole(String),
}

/// A file that was offered.
#[derive(Clone, Serialize, Deserialize)]
struct Offer {
    to: Address,
    delivery: String,
    name: String,
    size: u64,
    source: Source,
    /// The message that offers it.
    #[serde(default)]
    message: String,
    /// Whom it was offered to, by the chat; and where to put it, once they have agreed.
    #[serde(default)]
    upload: Option<Place>,
    #[serde(default)]
    tries: u32,
}

/// Where Teams says that a file is to be put.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    upload_url: String,
    #[serde(default)]
    content_url: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    unique_id: String,
    #[serde(default)]
    file_type: String,
}

/// Offers a file.
pub(super) async fn offer(desk: &Desk, upload: Upload, name: &str) -> PortResult<MessageId> {
    let Upload { key, to, size, bytes, source, .. } = upload;
    let source = match source {
        Some(FileSource::Stored { store, name, version }) => Source::Stored { store, name, version },
        _ => Source::Whole(STANDARD.encode(whole(desk, bytes, size).await?)),
    };
    let id = hex::encode(&Sha256::digest(format!("{to} {key}").as_bytes())[..16]);
    let mut offer = Offer {
        to: to.clone(),
        delivery: key.to_string(),
        name: name.to_owned(),
        size,
        source,
        message: String::new(),
        upload: None,
        tries: 0,
    };
    notes::put(desk, Kind::Offer, &id, &offer).await?;
    let context = json!({ "bellhop": id });
    let activity = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.teams.card.file.consent",
            "name": name,
            "content": {
                "description": format!("{name}, {}", bellhop_core::text::bytes(size)),
                "sizeInBytes": size,
                "acceptContext": context,
                "declineContext": context,
            },
        }],
    });
    let service = send::service(desk, &to).await?;
    let sent = desk.connector.send(&service, &conversation(&to), None, false, &activity).await?;
    // Whoever answers at once does so before this is written down; what became of the offer then stays.
    if let Some(now) = notes::get::<Offer>(desk, Kind::Offer, &id).await?
        && now.upload.is_none()
    {
        offer.message.clone_from(&sent);
        notes::put(desk, Kind::Offer, &id, &offer).await?;
    }
    let message = MessageRef::Activity(sent).id();
    notes::put(desk, Kind::Sent, key.as_str(), &message.as_str()).await?;
    Ok(message)
}

/// A file that only its stream has.
async fn whole(desk: &Desk, mut bytes: ByteStream, size: u64) -> PortResult<Bytes> {
    if size > KEPT_WHOLE {
        let message = "a file that isn't in a store can be offered up to 4 MiB only";
        return Err(desk.error(PortErrorKind::TooLarge, "upload", message));
    }
    let mut all = BytesMut::new();
    while let Some(chunk) = bytes.next().await {
        all.extend_from_slice(&chunk?);
        if all.len() as u64 > size {
            break;
        }
    }
    if all.len() as u64 != size {
        return Err(desk.error(PortErrorKind::Broken, "upload", format!("the file has not the {size} bytes that were said")));
    }
    Ok(all.freeze())
}

/// Takes what someone has said to a file that was offered.
///
/// # Errors
/// It could not be kept.
pub(crate) async fn answered(desk: &Arc<Desk>, origin: &Origin, consent: Consent) -> PortResult<()> {
    let Some(mut offer) = notes::get::<Offer>(desk, Kind::Offer, &consent.key).await? else {
        let card = Card::text("This file is no longer kept for you. Please ask for it again.").tone(Tone::Warning);
        let (desk, to) = (desk.clone(), origin.at.clone());
        let key = origin.key.to_string();
        aside(async move { tell(&desk, &to, &key, card).await });
        return Ok(());
    };
    // The context came back from a client: it counts only where the file was offered.
    if offer.to.channel != origin.at.channel || offer.to.workspace != origin.at.workspace {
        tracing::warn!(chat = %desk.name, "an answer to a file that was offered elsewhere is left");
        return Ok(());
    }
    if offer.message.is_empty() {
        offer.message.clone_from(&consent.message);
    }
    if !consent.accepted {
        notes::remove(desk, Kind::Offer, &consent.key).await?;
        let desk = desk.clone();
        aside(async move { withdraw(&desk, &offer).await });
        return Ok(());
    }
    // Agreed to twice, it is put there once.
    if offer.upload.is_some() {
        return Ok(());
    }
    match serde_json::from_value::<Place>(consent.upload) {
        Ok(place) if holds_files(desk, &place.upload_url) => offer.upload = Some(place),
        _ => {
            tracing::warn!(chat = %desk.name, "Teams names no address that a file could be put to");
            return Ok(());
        }
    }
    notes::put(desk, Kind::Offer, &consent.key, &offer).await?;
    let desk = desk.clone();
    aside(async move { put(&desk, &consent.key, offer).await });
    Ok(())
}

/// Goes on with what was agreed to before a restart.
pub(crate) async fn resume(desk: &Arc<Desk>) {
    match notes::all::<Offer>(desk, Kind::Offer).await {
        Ok(all) => {
            for (key, offer) in all {
                if offer.upload.is_some() {
                    put(desk, &key, offer).await;
                }
            }
        }
        Err(error) => tracing::warn!(%error, "files that were agreed to can't be gone on with"),
    }
}

/// Puts a file where it was agreed to, and shows it.
async fn put(desk: &Arc<Desk>, key: &str, mut offer: Offer) {
    loop {
        offer.tries += 1;
        let Err(error) = put_once(desk, key, &offer).await else { return };
        tracing::warn!(chat = %desk.name, %error, tries = offer.tries, "a file could not be put where it was agreed to");
        if offer.tries < TRIES && error.retry != Retry::No {
            if let Err(error) = notes::put(desk, Kind::Offer, key, &offer).await {
                tracing::warn!(%error, "how often a file was tried could not be kept");
            }
            let pause = if let Retry::After(pause) = error.retry { pause } else { std::time::Duration::from_secs(1 << offer.tries) };
            tokio::time::sleep(pause).await;
            continue;
        }
        let why = bellhop_core::text::shorten(&bellhop_core::text::one_line(&error.message), 300);
        let card = Card::titled(format!("{} could not be brought to you", offer.name)).tone(Tone::Bad).and_text(why);
        tell(desk, &offer.to, &format!("{key}.failed"), card).await;
        if let Err(error) = notes::remove(desk, Kind::Offer, key).await {
            tracing::warn!(%error, "a file that can't be brought is tried again at the next start");
        }
        return;
    }
}

async fn put_once(desk: &Desk, key: &str, offer: &Offer) -> PortResult<()> {
    let Some(place) = &offer.upload else { return Ok(()) };
    let bytes: ByteStream = match &offer.source {
        Source::Stored { store, name, version } => {
            let found = desk.ports.stores.store(Some(store));
            let found = found.map_err(|error| desk.error(PortErrorKind::NotFound, "upload", error.to_string()))?;
            let read = found.read(name, version.as_ref(), None).await?;
            if read.info.size != offer.size {
                let message = format!("{name} has changed since it was offered; ask for it again");
                return Err(desk.error(PortErrorKind::Conflict, "upload", message));
            }
            read.bytes
        }
        Source::Whole(text) => {
            let bytes = STANDARD.decode(text).map_err(|_| desk.error(PortErrorKind::Broken, "upload", "what was kept can't be read"))?;
            Box::pin(futures::stream::iter([Ok(Bytes::from(bytes))]))
        }
    };
    session::send(desk, &place.upload_url, offer.size, bytes).await?;
    let shown = if place.name.is_empty() { &offer.name } else { &place.name };
    let activity = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.teams.card.file.info",
            "contentUrl": place.content_url,
            "name": shown,
            "content": { "uniqueId": place.unique_id, "fileType": place.file_type },
        }],
    });
    let service = send::service(desk, &offer.to).await?;
    let id = desk.connector.send(&service, &conversation(&offer.to), None, false, &activity).await?;
    // The offer has become the file.
    notes::put(desk, Kind::Sent, &offer.delivery, &id).await?;
    notes::remove(desk, Kind::Offer, key).await?;
    withdraw(desk, offer).await;
    Ok(())
}

/// Takes the offer away. That it stays is no failure.
async fn withdraw(desk: &Desk, offer: &Offer) {
    if offer.message.is_empty() {
        return;
    }
    let id = MessageRef::Activity(offer.message.clone()).id();
    if let Err(error) = send::retract(desk, &offer.to, &id).await {
        tracing::debug!(%error, "an offer that is over stays where it is");
    }
}

async fn tell(desk: &Desk, to: &Address, key: &str, card: Card) {
    let key = DeliveryKey::new(format!("consent.{key}"));
    let post = Post { key, to: to.clone(), card, audience: Audience::Everyone, answers: None, reply: None };
    if let Err(error) = send::deliver(desk, &post).await {
        tracing::warn!(%error, "someone could not be told about a file");
    }
}
