//! Records and an inbox in memory, for tests of adapters that don't need a database. They keep the ports' contracts (the
//! conformance suites run on them) except for the one sentence that is about crashes.

use async_trait::async_trait;
use bellhop_core::ports::{Accepted, Inbox, Incoming, PortResult, Record, Records};
use bellhop_core::{PortError, PortErrorKind};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An adapter's notes, in memory.
#[derive(Debug, Default)]
pub struct MemoryRecords {
    kept: Mutex<BTreeMap<(String, String), Value>>,
}

impl MemoryRecords {
    /// How many records a collection has.
    pub fn count(&self, collection: &str) -> usize {
        held(&self.kept).keys().filter(|(name, _)| name == collection).count()
    }

    fn page(&self, collection: &str, from: Bound<&str>, to: Bound<&str>, limit: usize, backwards: bool) -> Vec<Record> {
        let owned = |bound: Bound<&str>| bound.map(|key| (collection.to_owned(), key.to_owned()));
        let end = match to {
            // Every key of the collection comes before the first of the next one.
            Bound::Unbounded => Bound::Excluded((format!("{collection}\0"), String::new())),
            bound => owned(bound),
        };
        let kept = held(&self.kept);
        let range = kept.range((owned(from), end)).map(|((_, key), value)| Record { key: key.clone(), value: value.clone() });
        if backwards { range.rev().take(limit).collect() } else { range.take(limit).collect() }
    }
}

#[async_trait]
impl Records for MemoryRecords {
    async fn put(&self, collection: &str, key: &str, value: &Value) -> PortResult<()> {
        held(&self.kept).insert((collection.to_owned(), key.to_owned()), value.clone());
        Ok(())
    }

    async fn put_new(&self, collection: &str, key: &str, value: &Value) -> PortResult<(Value, bool)> {
        let mut kept = held(&self.kept);
        let mut new = false;
        let there = kept.entry((collection.to_owned(), key.to_owned())).or_insert_with(|| {
            new = true;
            value.clone()
        });
        Ok((there.clone(), new))
    }

    async fn get(&self, collection: &str, key: &str) -> PortResult<Option<Value>> {
        Ok(held(&self.kept).get(&(collection.to_owned(), key.to_owned())).cloned())
    }

    async fn remove(&self, collection: &str, key: &str) -> PortResult<()> {
        held(&self.kept).remove(&(collection.to_owned(), key.to_owned()));
        Ok(())
    }

    async fn after(&self, collection: &str, after: Option<&str>, limit: usize) -> PortResult<Vec<Record>> {
        Ok(self.page(collection, after.map_or(Bound::Included(""), Bound::Excluded), Bound::Unbounded, limit, false))
    }

    async fn before(&self, collection: &str, before: Option<&str>, limit: usize) -> PortResult<Vec<Record>> {
        Ok(self.page(collection, Bound::Included(""), before.map_or(Bound::Unbounded, Bound::Excluded), limit, true))
    }
}

/// An inbox in memory that a test reads, and that can be told to fail.
#[derive(Debug, Default)]
pub struct MemoryInbox {
    state: Mutex<InboxState>,
}

#[derive(Debug, Default)]
struct InboxState {
    seen: HashSet<(String, String)>,
    kept: Vec<Incoming>,
    full: bool,
}

impl MemoryInbox {
    /// Takes out what was accepted so far, in order.
    pub fn take(&self) -> Vec<Incoming> {
        std::mem::take(&mut held(&self.state).kept)
    }

    /// From now on it refuses everything as a full disk would, or takes it again.
    pub fn fail(&self, full: bool) {
        held(&self.state).full = full;
    }
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn accept(&self, incoming: Incoming) -> PortResult<Accepted> {
        let mut state = held(&self.state);
        if state.full {
            return Err(PortError::new(PortErrorKind::Full, "database", "accept", "the test said that the disk is full"));
        }
        if !state.seen.insert((incoming.from.chat.to_string(), incoming.key.to_string())) {
            return Ok(Accepted::Seen);
        }
        state.kept.push(incoming);
        Ok(Accepted::New)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;
    use std::sync::Arc;

    #[tokio::test]
    async fn records_keep_the_contract() {
        conformance::records::suite(|| async { Arc::new(MemoryRecords::default()) as Arc<dyn Records> }).await;
    }

    #[tokio::test]
    async fn the_inbox_keeps_the_contract() {
        conformance::inbox::suite(|| async { Arc::new(MemoryInbox::default()) as Arc<dyn Inbox> }).await;
    }

    #[tokio::test]
    async fn the_inbox_fails_when_told() {
        let inbox = MemoryInbox::default();
        inbox.fail(true);
        let error = inbox.accept(conformance::inbox::sample("a", "k")).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Full);
        inbox.fail(false);
        assert_eq!(inbox.accept(conformance::inbox::sample("a", "k")).await.unwrap(), Accepted::New);
        assert_eq!(inbox.take().len(), 1);
    }
}
