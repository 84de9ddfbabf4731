//! The last requests to each webhook: when, from where, what was answered. Never what they said.

use super::{PAGE, Webhooks, read, written};
use bellhop_core::clock::Timestamp;
use bellhop_core::ports::{HookRequest, PortResult, Record, Records as _};
use bellhop_core::text::{one_line, shorten};
use serde::{Deserialize, Serialize};

const LOG: &str = "hooks/log";
/// How many are kept of each webhook, near enough: older ones go when some more have come.
const KEPT: usize = 20;
/// How many older ones go at once.
const SURPLUS: usize = 10;
/// The longest text about where a request came from.
const FROM: usize = 120;

#[derive(Serialize, Deserialize)]
struct Entry {
    at: Timestamp,
    from: String,
    outcome: String,
}

impl Webhooks {
    /// Writes a request down. A log that can't be written is no reason to refuse a message.
    pub(super) async fn note(&self, key: &str, from: String, outcome: &str) {
        let entry = Entry { at: self.clock.now(), from: shorten(&one_line(&from), FROM), outcome: outcome.to_owned() };
        let id = self.ids.next();
        let at = format!("{key}:{:020}:{id}", entry.at.timestamp_micros().max(0));
        let kept = async {
            self.store.put(LOG, &at, &written(&entry)).await?;
            self.thin_out(key, KEPT).await
        };
        if let Err(error) = kept.await {
            tracing::debug!(%error, "a request to a webhook could not be logged");
        }
    }

    /// The last requests, the newest first.
    pub(super) async fn noted(&self, key: &str, limit: usize) -> PortResult<Vec<HookRequest>> {
        let records = self.entries(key, limit).await?;
        let request = |record: Record| {
            read::<Entry>(record.value, "log").map(|entry| HookRequest { at: entry.at, from: entry.from, outcome: entry.outcome })
        };
        records.into_iter().map(request).collect()
    }

    /// Forgets all requests of a webhook.
    pub(super) async fn forget(&self, key: &str) -> PortResult<()> {
        loop {
            let entries = self.entries(key, PAGE).await?;
            for entry in &entries {
                self.store.remove(LOG, &entry.key).await?;
            }
            if entries.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Removes what is older than the newest so many.
    async fn thin_out(&self, key: &str, most: usize) -> PortResult<()> {
        // Some more than one: requests that come at the same moment may each have left one behind.
        for surplus in self.entries(key, most + SURPLUS).await?.iter().skip(most) {
            self.store.remove(LOG, &surplus.key).await?;
        }
        Ok(())
    }

    /// The last entries of a webhook, newest first.
    async fn entries(&self, key: &str, limit: usize) -> PortResult<Vec<Record>> {
        // `;` is the character after `:`.
        let mut records = self.store.before(LOG, Some(&format!("{key};")), limit).await?;
        let own = format!("{key}:");
        records.retain(|record| record.key.starts_with(&own));
        Ok(records)
    }
}
