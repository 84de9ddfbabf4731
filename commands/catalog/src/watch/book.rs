//! Where watches and their checks are kept. A check is written once under the moment when it was due: whoever makes it, and
//! however often, one result counts, and everything that follows from it follows from that one.

use bellhop_core::clock::Timestamp;
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ports::{PortResult, Record, Records};
use bellhop_core::watch::{Check, Watch};
use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const WATCHES: &str = "watch";
const PAGE: usize = 500;
/// How many checks of a watch are kept.
const CHECKS: usize = 20;
/// For how long a check belongs to the process that began it.
const CLAIM: TimeDelta = TimeDelta::minutes(2);

/// All watches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Those that can be read, by name.
    pub watches: Vec<Watch>,
    /// The names of those that can't, as after going back to an older version.
    pub unreadable: Vec<String>,
}

/// Watches and their checks.
#[derive(Clone)]
pub struct WatchBook {
    records: Arc<dyn Records>,
}

/// Who makes a check, and until when nobody else does.
#[derive(Serialize, Deserialize)]
struct Claim {
    by: String,
    until: Timestamp,
}

impl WatchBook {
    /// Kept in these records.
    #[must_use]
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self { records }
    }

    /// All watches.
    pub async fn all(&self) -> PortResult<Kept> {
        let (mut kept, mut after) = (Kept::default(), None::<String>);
        loop {
            let page = self.records.after(WATCHES, after.as_deref(), PAGE).await?;
            after = page.last().map(|record| record.key.clone());
            let whole = page.len() < PAGE;
            for Record { key, value } in page {
                match serde_json::from_value(value) {
                    Ok(watch) => kept.watches.push(watch),
                    Err(_) => kept.unreadable.push(key),
                }
            }
            if whole {
                return Ok(kept);
            }
        }
    }

    /// The watch of this name.
    pub async fn get(&self, name: &str) -> PortResult<Option<Watch>> {
        self.records.get(WATCHES, name).await?.map(read).transpose()
    }

    /// Keeps a watch unless its name is taken; what is kept under the name now, and whether it is this one.
    pub async fn add(&self, watch: &Watch) -> PortResult<(Watch, bool)> {
        let (kept, new) = self.records.put_new(WATCHES, &watch.name, &written(watch)?).await?;
        Ok((read(kept)?, new))
    }

    /// Keeps a watch in place of the one of its name.
    pub async fn put(&self, watch: &Watch) -> PortResult<()> {
        self.records.put(WATCHES, &watch.name, &written(watch)?).await
    }

    /// Forgets a watch, also one that can't be read; false when there is none.
    pub async fn remove(&self, name: &str) -> PortResult<bool> {
        let Some(kept) = self.records.get(WATCHES, name).await? else { return Ok(false) };
        self.records.remove(WATCHES, name).await?;
        if let Ok(watch) = serde_json::from_value::<Watch>(kept) {
            self.forget(&watch.id, 0).await?;
        }
        Ok(true)
    }

    /// The last check of a watch since it was made or resumed.
    pub async fn last(&self, watch: &Watch) -> PortResult<Option<Check>> {
        let last = self.records.before(&checks(&watch.id), None, 1).await?.pop();
        let last: Option<Check> = last.map(|record| read(record.value)).transpose()?;
        Ok(last.filter(|check| check.due >= watch.since))
    }

    /// Keeps a check unless one of the same due time is kept; what is kept.
    pub async fn keep(&self, watch: &Watch, check: &Check) -> PortResult<Check> {
        let (kept, _) = self.records.put_new(&checks(&watch.id), &key(check.due), &written(check)?).await?;
        read(kept)
    }

    /// Takes a check on; false while another process has it.
    pub async fn claim(&self, watch: &Watch, due: Timestamp, by: &str, now: Timestamp) -> PortResult<bool> {
        let mine = written(&Claim { by: by.to_owned(), until: now + CLAIM })?;
        let (kept, new) = self.records.put_new(&claims(&watch.id), &key(due), &mine).await?;
        if new {
            return Ok(true);
        }
        let claim: Claim = read(kept)?;
        if claim.by != by && claim.until > now {
            return Ok(false);
        }
        // Whoever had it is gone. Two may take it over at once: both ask, and one result is kept.
        self.records.put(&claims(&watch.id), &key(due), &mine).await?;
        Ok(true)
    }

    /// A check is over, or given up: it belongs to nobody. Old checks are forgotten.
    pub async fn release(&self, watch: &Watch, due: Timestamp) -> PortResult<()> {
        self.records.remove(&claims(&watch.id), &key(due)).await?;
        self.forget(&watch.id, CHECKS).await
    }

    async fn forget(&self, id: &str, keep: usize) -> PortResult<()> {
        let old = self.records.before(&checks(id), None, keep + PAGE).await?;
        for record in old.iter().skip(keep) {
            self.records.remove(&checks(id), &record.key).await?;
        }
        if keep == 0 {
            for record in self.records.before(&claims(id), None, PAGE).await? {
                self.records.remove(&claims(id), &record.key).await?;
            }
        }
        Ok(())
    }
}

fn checks(id: &str) -> String {
    format!("watch_check/{id}")
}

fn claims(id: &str) -> String {
    format!("watch_claim/{id}")
}

/// Moments in an order that is that of the text.
fn key(due: Timestamp) -> String {
    format!("{:015}", due.timestamp_millis())
}

fn read<T: DeserializeOwned>(value: serde_json::Value) -> PortResult<T> {
    serde_json::from_value(value).map_err(|error| {
        broken(format!("a watch can't be read; was it written by a newer version? `watch remove` removes it all the same. {error}"))
    })
}

fn written<T: Serialize>(value: &T) -> PortResult<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| broken(error.to_string()))
}

fn broken(why: String) -> PortError {
    PortError::new(PortErrorKind::Broken, "watches", "keep", why)
}
