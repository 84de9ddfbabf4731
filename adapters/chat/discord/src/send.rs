//! Sending: a card becomes a message, by the way that reaches whom it is for. `ways` chooses it, `change` changes and removes what was
//! sent, `look` finds out whether something was sent, `answers` knows which answer fills in what an interaction was promised. What a
//! card looks like is decided in `render`.

mod answers;
mod change;
mod look;
#[cfg(test)]
mod tests;
mod threads;
mod ways;

pub(crate) use change::{permalink, retract, revise};
pub(crate) use look::{doubt, find};
pub(crate) use threads::post_in;
pub(crate) use ways::deliver;

use crate::Desk;
use crate::click::{Kept, collection};
use crate::wire::{Body, Route};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellhop_core::ids::DeliveryKey;
use bellhop_core::ports::PortResult;
use sha2::{Digest as _, Sha256};

/// Posting. Discord keeps one message of those that have one nonce, but for a few minutes only: what may have been posted is looked up.
pub(crate) const POST: Route = Route::post("/channels/{}/messages", "deliver");

/// The nonce of a delivery: 22 characters, of the 25 that Discord takes. The same delivery has the same one.
pub(crate) fn nonce(key: &DeliveryKey) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(key.as_str().as_bytes())[..16])
}

/// Keeps what buttons refer to, before the message with them is sent.
pub(crate) async fn keep_clicks(desk: &Desk, kept: &[Kept]) -> PortResult<()> {
    let collection = collection(desk.name.as_str());
    for one in kept {
        // Plain data always serialises.
        let click = serde_json::to_value(&one.click).unwrap_or_default();
        desk.ports.records.put(&collection, &one.key, &click).await?;
    }
    Ok(())
}

/// A message with its files.
pub(crate) fn with_files(json: serde_json::Value, message: &crate::render::Message) -> Body {
    Body::Files(json, message.parts())
}
