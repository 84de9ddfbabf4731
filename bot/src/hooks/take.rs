//! One request to a webhook: known? -> within its allowance? -> signed? -> is its place there? -> read -> kept.

use super::signature::{Signature, verified};
use super::{Kept, SERVICE, Webhooks, key_of, seal_name};
use crate::outbox::notice;
use bellhop_core::card::Card;
use bellhop_core::error::PortError;
use bellhop_core::ids::DeliveryKey;
use bellhop_core::ports::PortResult;
use bellhop_store::{Effects, NewDelivery, UsageCount};
use sha2::{Digest as _, Sha256};

/// A request as it came.
pub struct Posted<'a> {
    /// What it calls its body.
    pub content_type: &'a str,
    /// Its body.
    pub body: &'a [u8],
    /// What signs it, as far as it came with that.
    pub signature: Signature<'a>,
    /// The program's own key of the message: the same key is the same message.
    pub key: Option<&'a str>,
    /// Where it came from, for the log.
    pub from: String,
}

/// Why a request was not taken: the status and the word that it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The word.
    pub code: &'static str,
}

impl Refusal {
    const UNKNOWN: Self = Self { status: 404, code: "no_service" };
    const TOO_MANY: Self = Self { status: 429, code: "rate_limited" };
    const FORGED: Self = Self { status: 403, code: "action_prohibited" };
    const NO_CHAT: Self = Self { status: 404, code: "channel_not_found" };
    const CLOSED: Self = Self { status: 410, code: "channel_is_archived" };
    const LATER: Self = Self { status: 503, code: "service_unavailable" };
}

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Self {
        tracing::warn!(%error, "what was posted to a webhook could not be kept");
        Self::LATER
    }
}

impl Webhooks {
    /// Takes a request. When this returns `Ok`, what it says survives a crash and will be shown.
    ///
    /// # Errors
    /// What the program is to be answered.
    pub async fn take(&self, id: &str, posted: Posted<'_>) -> Result<(), Refusal> {
        let key = key_of(id);
        let Some(kept) = self.kept(&key).await? else { return Err(Refusal::UNKNOWN) };
        if !self.allowance.take(&key) {
            // Not in the log: a flood would wash out what is worth reading there.
            metrics::counter!("bellhop_hooks_refused_total", "code" => Refusal::TOO_MANY.code).increment(1);
            return Err(Refusal::TOO_MANY);
        }
        let taken = self.accept(&key, &kept, &posted).await;
        let outcome = match &taken {
            Ok(()) => "ok",
            Err(refusal) => {
                metrics::counter!("bellhop_hooks_refused_total", "code" => refusal.code).increment(1);
                refusal.code
            }
        };
        self.note(&key, posted.from, outcome).await;
        taken
    }

    async fn accept(&self, key: &str, kept: &Kept, posted: &Posted<'_>) -> Result<(), Refusal> {
        if kept.signed || posted.signature.is_there() {
            let secret = self.seal.open(&seal_name(key), &kept.secret)?;
            if !verified(&secret, &posted.signature, posted.body, self.clock.now()) {
                return Err(Refusal::FORGED);
            }
        }
        match self.places.is_open(&kept.to).await {
            None => return Err(Refusal::NO_CHAT),
            Some(false) => return Err(Refusal::CLOSED),
            Some(true) => {}
        }
        let card = self.read(posted)?;
        self.deliver(key, kept, card, posted.key).await?;
        metrics::counter!("bellhop_events_accepted_total", "source" => SERVICE).increment(1);
        Ok(())
    }

    /// The first shape that the body has; where it has none, what the first one says of it.
    fn read(&self, posted: &Posted<'_>) -> Result<Card, Refusal> {
        let mut first = None;
        for shape in self.shapes {
            match (shape.read)(posted.content_type, posted.body) {
                Ok(card) => return Ok(card),
                Err(refusal) => {
                    first.get_or_insert(refusal);
                }
            }
        }
        Err(first.unwrap_or(Refusal { status: 400, code: "invalid_payload" }))
    }

    /// Puts a message into the outbox; a key that was there before brings nothing new.
    pub(super) async fn deliver(&self, key: &str, kept: &Kept, card: Card, once: Option<&str>) -> PortResult<()> {
        let once = once.map_or_else(|| self.ids.next(), |given| hex::encode(&Sha256::digest(given.as_bytes())[..16]));
        let delivery = NewDelivery {
            key: DeliveryKey::new(format!("hook:{}:{once}", key.get(..16).unwrap_or(key))),
            to: kept.to.clone(),
            card_key: None,
            payload: super::written(&notice(card)),
            not_before: None,
        };
        let usage = UsageCount { what: "hooks".into(), which: kept.name.clone(), done: 1, failed: 0 };
        self.store.commit(Effects { outbox: vec![delivery], usage: vec![usage], ..Effects::default() }).await
    }
}
