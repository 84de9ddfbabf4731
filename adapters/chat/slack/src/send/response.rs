//! Response addresses: five messages within half an hour of the event that brought them
//! (<https://docs.slack.dev/interactivity/handling-user-interaction/>). The uses are counted in the records before each one,
//! so that the count holds over restarts; what has expired is dropped along the way.

use crate::handle::ReplyTo;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::{ChatName, DeliveryKey};
use bellhop_core::ports::{PortResult, Records};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Messages by one address.
const USES: u32 = 5;
/// How long an address is good, less what a request may take.
const GOOD: TimeDelta = TimeDelta::seconds(30 * 60 - 15);
/// How many expired addresses are dropped when a new one is kept.
const DROPPED: usize = 20;

/// The response addresses of one connection.
pub(crate) struct Responses {
    collection: String,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    /// Counting reads and writes: one at a time.
    turn: Mutex<()>,
}

/// What is kept of an address.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    url: String,
    uses: u32,
    /// The delivery that took the place of the clicked message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced_by: Option<DeliveryKey>,
}

/// One use of an address.
pub(crate) struct Use {
    /// The address's key, as message ids carry it.
    pub key: String,
    /// The address. It lets anyone post, so it is shown nowhere.
    pub url: String,
    /// Whether the message goes in the place of the clicked one.
    pub replaces: bool,
}

/// What a message is to the one that was clicked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is a further message.
    Beside,
    /// It takes its place, unless another message has.
    Instead,
}

impl Responses {
    pub(crate) fn new(chat: &ChatName, records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Self {
        Self { collection: format!("slack/{chat}/responses"), records, clock, turn: Mutex::default() }
    }

    /// Takes one use of an event's response address, leaving `spare` of them; `None` where there is no address, or it has
    /// expired or is used up.
    pub(crate) async fn take(&self, reply: &ReplyTo, delivery: &DeliveryKey, place: Place, spare: u32) -> PortResult<Option<Use>> {
        let (Some(url), Some(received)) = (&reply.response_url, reply.received) else { return Ok(None) };
        if self.clock.now() - received > GOOD {
            return Ok(None);
        }
        let key = key(url, received);
        let _turn = self.turn.lock().await;
        let mut kept = if let Some(kept) = self.kept(&key).await? {
            kept
        } else {
            self.drop_expired().await?;
            Kept { url: url.clone(), uses: 0, replaced_by: None }
        };
        if kept.uses + spare >= USES {
            return Ok(None);
        }
        kept.uses += 1;
        let replaces = place == Place::Instead && kept.replaced_by.as_ref().is_none_or(|by| by == delivery);
        if replaces {
            kept.replaced_by = Some(delivery.clone());
        }
        self.keep(&key, &kept).await?;
        Ok(Some(Use { key, url: kept.url, replaces }))
    }

    /// Takes one use of an address that took part in a message before, leaving `spare`; `None` as for [`Responses::take`].
    pub(crate) async fn again(&self, key: &str, spare: u32) -> PortResult<Option<Use>> {
        if began(key).is_none_or(|received| self.clock.now() - received > GOOD) {
            return Ok(None);
        }
        let _turn = self.turn.lock().await;
        let Some(mut kept) = self.kept(key).await? else { return Ok(None) };
        if kept.uses + spare >= USES {
            return Ok(None);
        }
        kept.uses += 1;
        self.keep(key, &kept).await?;
        Ok(Some(Use { key: key.to_owned(), url: kept.url, replaces: true }))
    }

    /// A use that surely never arrived is free again.
    pub(crate) async fn give_back(&self, used: &Use) -> PortResult<()> {
        let _turn = self.turn.lock().await;
        let Some(mut kept) = self.kept(&used.key).await? else { return Ok(()) };
        kept.uses = kept.uses.saturating_sub(1);
        self.keep(&used.key, &kept).await
    }

    /// Slack takes nothing more by this address.
    pub(crate) async fn spent(&self, used: &Use) -> PortResult<()> {
        let _turn = self.turn.lock().await;
        let Some(mut kept) = self.kept(&used.key).await? else { return Ok(()) };
        kept.uses = USES;
        self.keep(&used.key, &kept).await
    }

    async fn kept(&self, key: &str) -> PortResult<Option<Kept>> {
        Ok(self.records.get(&self.collection, key).await?.and_then(|kept| serde_json::from_value(kept).ok()))
    }

    async fn keep(&self, key: &str, kept: &Kept) -> PortResult<()> {
        // Plain data always serialises.
        self.records.put(&self.collection, key, &serde_json::to_value(kept).unwrap_or_default()).await
    }

    /// Keys begin with the time, so the oldest come first.
    async fn drop_expired(&self) -> PortResult<()> {
        let now = self.clock.now();
        for record in self.records.after(&self.collection, None, DROPPED).await? {
            if began(&record.key).is_some_and(|received| now - received <= GOOD) {
                break;
            }
            self.records.remove(&self.collection, &record.key).await?;
        }
        Ok(())
    }
}

/// The time first, then enough of a hash to tell addresses apart: ids of messages carry it, so the address itself isn't in it.
fn key(url: &str, received: Timestamp) -> String {
    format!("{:012}-{}", received.timestamp().max(0), hex::encode(&Sha256::digest(url.as_bytes())[..12]))
}

fn began(key: &str) -> Option<Timestamp> {
    Timestamp::from_timestamp(key.split_once('-')?.0.parse().ok()?, 0)
}
