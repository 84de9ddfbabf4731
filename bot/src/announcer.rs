//! Says things in channels, through the outbox.

use crate::outbox::Payload;
use async_trait::async_trait;
use bellhop_core::Address;
use bellhop_core::call::{Audience, Call};
use bellhop_core::card::Card;
use bellhop_core::clock::Ids;
use bellhop_core::ids::{CardKey, DeliveryKey};
use bellhop_core::ports::{Announcer, PortResult};
use bellhop_store::{Effects, NewDelivery, Store};
use std::sync::Arc;

/// Announces through the outbox of this database.
pub struct OutboxAnnouncer {
    store: Store,
    ids: Arc<dyn Ids>,
}

impl OutboxAnnouncer {
    /// An announcer over this database.
    pub fn new(store: Store, ids: Arc<dyn Ids>) -> Self {
        Self { store, ids }
    }
}

#[async_trait]
impl Announcer for OutboxAnnouncer {
    async fn announce(&self, to: &Address, card: Card, audience: Audience, key: Option<CardKey>, because: &Call) -> PortResult<()> {
        let payload = Payload { card, audience, answers: Some(because.caller.user.clone()), reply: None, once: false };
        let delivery = NewDelivery {
            // A command that is tried again after a crash says the same thing under the same key only where it names the
            // card; otherwise each announcement is one of its own.
            key: DeliveryKey::new(key.as_ref().map_or_else(|| self.ids.next(), |key| format!("{}:{key}", because.id))),
            to: to.clone(),
            card_key: key,
            payload: serde_json::to_value(payload).unwrap_or_default(),
            not_before: None,
        };
        self.store.commit(Effects { outbox: vec![delivery], ..Effects::default() }).await
    }
}
