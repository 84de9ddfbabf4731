//! Answers that are kept in the database, so that replicas and `say` share them: bounded in number, size and age. An answer
//! that can't be read or kept is as good as none; nobody is stopped by that.

use bellhop_core::clock::Timestamp;
use bellhop_core::ports::{PortResult, Records};
use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// The most that are kept of one source.
const MOST: usize = 300;
/// The most bytes that are kept of one source, and the most of one answer.
const BYTES: usize = 16 * 1024 * 1024;
const ONE: usize = 1024 * 1024;
/// How long an answer may still serve where there is no other.
const AGE: TimeDelta = TimeDelta::days(7);
/// How many are looked at beyond those that may stay.
const BEYOND: usize = 50;

/// An answer, and how long it is good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Held<T> {
    /// When it was given.
    pub at: Timestamp,
    /// Until then it stands for a new one.
    pub until: Timestamp,
    /// What was answered.
    pub value: T,
}

/// The answers of one source.
#[derive(Clone)]
pub(super) struct Answers {
    records: Arc<dyn Records>,
    collection: String,
}

impl Answers {
    /// Those in a collection of this name.
    pub fn new(records: Arc<dyn Records>, collection: String) -> Self {
        Self { records, collection }
    }

    fn ages(&self) -> String {
        format!("{}/ages", self.collection)
    }

    /// Rows sort by their moment.
    fn row(at: Timestamp, key: &str) -> String {
        format!("{:020}-{key}", at.timestamp_micros())
    }

    /// What is kept under a key.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<Held<T>> {
        match self.records.get(&self.collection, key).await {
            // One of another version of the program is none.
            Ok(found) => found.and_then(|value| serde_json::from_value(value).ok()),
            Err(error) => {
                tracing::debug!(%error, "a kept answer can't be read");
                None
            }
        }
    }

    /// Keeps one in place of the one given at `before`, and lets go of the oldest where there are too many.
    pub async fn put<T: Serialize + Sync>(&self, key: &str, held: &Held<T>, before: Option<Timestamp>) {
        if let Err(error) = self.try_put(key, held, before).await {
            tracing::debug!(%error, "an answer can't be kept");
        }
    }

    async fn try_put<T: Serialize + Sync>(&self, key: &str, held: &Held<T>, before: Option<Timestamp>) -> PortResult<()> {
        let Ok(value) = serde_json::to_value(held) else { return Ok(()) };
        let size = value.to_string().len();
        if size > ONE {
            return Ok(());
        }
        if let Some(before) = before {
            self.records.remove(&self.ages(), &Self::row(before, key)).await?;
        }
        // First the row that finds it: nothing is kept that isn't let go of in time.
        self.records.put(&self.ages(), &Self::row(held.at, key), &size.into()).await?;
        self.records.put(&self.collection, key, &value).await?;
        self.let_go(held.at).await
    }

    async fn let_go(&self, now: Timestamp) -> PortResult<()> {
        let rows = self.records.after(&self.ages(), None, MOST + BEYOND).await?;
        let size = |value: &Value| usize::try_from(value.as_u64().unwrap_or(0)).unwrap_or(ONE);
        let (mut many, mut bytes) = (rows.len(), rows.iter().map(|row| size(&row.value)).sum::<usize>());
        let aged = Self::row(now - AGE, "");
        for row in rows {
            if many <= MOST && bytes <= BYTES && row.key > aged {
                return Ok(());
            }
            many -= 1;
            bytes -= size(&row.value);
            if let Some((_, key)) = row.key.split_once('-') {
                // A later answer of the same name has a row of its own.
                let there = self.get::<Value>(key).await;
                if there.is_none_or(|held| Self::row(held.at, key) == row.key) {
                    self.records.remove(&self.collection, key).await?;
                }
            }
            self.records.remove(&self.ages(), &row.key).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::clock::Clock as _;
    use bellhop_kit::clock::{CountedIds, StoppedClock};
    use bellhop_store::Store;
    use std::time::Duration;

    async fn answers() -> (tempfile::TempDir, Arc<StoppedClock>, Store, Answers) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(StoppedClock::default());
        let url = format!("sqlite:{}/b.db", folder.path().display());
        let store = Store::open(&url, clock.clone(), Arc::new(CountedIds::default())).await.unwrap();
        (folder, clock, store.clone(), Answers::new(Arc::new(store), "kept_answers/web".into()))
    }

    fn held(at: Timestamp, value: &str) -> Held<String> {
        Held { at, until: at + TimeDelta::minutes(5), value: value.to_owned() }
    }

    async fn rows(store: &Store, collection: &str) -> usize {
        store.after(collection, None, 10_000).await.unwrap().len()
    }

    #[tokio::test]
    async fn there_are_never_more_than_a_few_hundred_and_the_oldest_go() {
        let (_folder, clock, store, answers) = answers().await;
        for number in 0..MOST + 10 {
            answers.put(&format!("k{number}"), &held(clock.now(), "x"), None).await;
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!((rows(&store, "kept_answers/web").await, rows(&store, "kept_answers/web/ages").await), (MOST, MOST));
        assert!(answers.get::<String>("k9").await.is_none());
        assert_eq!(answers.get::<String>("k10").await.unwrap().value, "x");
        // A week later they serve nobody any more.
        clock.advance(Duration::from_secs(8 * 86_400));
        for number in 0..10 {
            answers.put(&format!("late{number}"), &held(clock.now(), "x"), None).await;
        }
        assert_eq!(rows(&store, "kept_answers/web").await, 10);
    }

    #[tokio::test]
    async fn a_newer_answer_takes_the_place_of_an_older_and_large_ones_are_not_kept() {
        let (_folder, clock, store, answers) = answers().await;
        let first = held(clock.now(), "one");
        answers.put("k", &first, None).await;
        clock.advance(Duration::from_secs(60));
        answers.put("k", &held(clock.now(), "two"), Some(first.at)).await;
        assert_eq!(answers.get::<String>("k").await.unwrap().value, "two");
        assert_eq!(rows(&store, "kept_answers/web/ages").await, 1);
        answers.put("large", &held(clock.now(), &"x".repeat(ONE)), None).await;
        assert!(answers.get::<String>("large").await.is_none());
        for number in 0..20 {
            clock.advance(Duration::from_secs(1));
            answers.put(&format!("big{number}"), &held(clock.now(), &"x".repeat(ONE - 1000)), None).await;
        }
        let left = rows(&store, "kept_answers/web").await;
        assert!((10..=16).contains(&left), "{left} megabytes are kept");
    }
}
