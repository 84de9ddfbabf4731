//! A database for one test, with a clock that stands still.

use bellhop_core::ids::{CardKey, DeliveryKey};
use bellhop_core::{Address, Timestamp};
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::peers::postgres::Postgres;
use bellhop_store::{Claimed, Effects, NewDelivery, Outcome, Settlement, Store, Tuning};
use sqlx::Connection as _;
use std::sync::Arc;
use std::time::Duration;

/// A lease that no test outlives unless it moves the clock.
pub const LEASE: Duration = Duration::from_mins(1);
/// How long to wait for what should come at once.
pub const SOON: Duration = Duration::from_secs(20);

pub struct World {
    pub store: Store,
    pub clock: Arc<StoppedClock>,
    pub url: String,
    pub folder: tempfile::TempDir,
}

impl World {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("data/bellhop.db").display());
        Self::at(url, folder, &Tuning::default()).await
    }

    pub async fn postgres() -> Self {
        let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap();
        Self::at(server.fresh_database(), tempfile::tempdir().unwrap(), &Tuning::default()).await
    }

    pub async fn at(url: String, folder: tempfile::TempDir, tuning: &Tuning) -> Self {
        let clock = Arc::new(StoppedClock::default());
        let store = Store::open_with(&url, clock.clone(), Arc::new(CountedIds::default()), tuning).await.unwrap();
        Self { store, clock, url, folder }
    }

    /// Another process on the same database.
    pub async fn another(&self) -> Store {
        Store::open(&self.url, self.clock.clone(), Arc::new(CountedIds::default())).await.unwrap()
    }

    /// Runs a statement behind the store's back.
    pub async fn execute(&self, sql: &str) -> u64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        if self.url.starts_with("sqlite") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            let done = sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected();
            connection.close().await.unwrap();
            done
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            let done = sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected();
            connection.close().await.unwrap();
            done
        }
    }

    pub fn now(&self) -> Timestamp {
        bellhop_core::Clock::now(self.clock.as_ref())
    }

    /// Queues messages.
    pub async fn queue(&self, messages: Vec<NewDelivery>) {
        self.store.commit(Effects { outbox: messages, ..Effects::default() }).await.unwrap();
    }

    /// Claims as the owner `a`.
    pub async fn claim(&self, free: usize) -> Vec<Claimed> {
        self.store.settle_and_claim("a", vec![], free, LEASE).await.unwrap()
    }

    /// Settles as the owner `a`, without claiming.
    pub async fn settle(&self, settlement: Settlement) {
        self.store.settle_and_claim("a", vec![settlement], 0, LEASE).await.unwrap();
    }
}

/// Runs each behaviour on both databases.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {
        $(
            $(#[$doc])*
            async fn $name($world: crate::world::World) $body
        )*
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $name() { super::$name(crate::world::World::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $name() { super::$name(crate::world::World::postgres().await).await; })*
        }
    };
}
pub(crate) use on_both;

pub fn place(channel: &str) -> Address {
    Address::channel("work", "T1", channel)
}

pub fn message(channel: &str, key: &str) -> NewDelivery {
    NewDelivery {
        key: DeliveryKey::new(key),
        to: place(channel),
        card_key: None,
        payload: serde_json::json!({ "says": key }),
        not_before: None,
    }
}

pub fn card(channel: &str, key: &str, card: &str) -> NewDelivery {
    NewDelivery { card_key: Some(CardKey::new(card)), ..message(channel, key) }
}

pub fn settled(claimed: &Claimed, outcome: Outcome) -> Settlement {
    Settlement { seq: claimed.seq, epoch: claimed.epoch, outcome, block_lane_until: None }
}

pub fn done(claimed: &Claimed, parts: &[&str]) -> Settlement {
    settled(claimed, Outcome::Done { parts: parts.iter().map(|id| (*id).into()).collect() })
}

pub fn keys(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.key.as_str()).collect()
}
