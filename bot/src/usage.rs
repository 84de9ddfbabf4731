//! Figures about the bot itself: counters from the database, and how it is right now.

use async_trait::async_trait;
use bellhop_core::alert::AlertState;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ports::{AlertFilter, PortResult, Stores, UsageBook, UsageRow};
use bellhop_store::{Backend, Store};
use std::sync::Arc;

/// The figures of this bot.
pub struct Figures {
    store: Store,
    stores: Arc<dyn Stores>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    chats: Vec<String>,
}

impl Figures {
    /// Figures since now.
    pub fn new(store: Store, stores: Arc<dyn Stores>, clock: Arc<dyn Clock>, chats: Vec<String>) -> Self {
        let started = clock.now();
        Self { store, stores, clock, started, chats }
    }
}

#[async_trait]
impl UsageBook for Figures {
    async fn usage(&self, since: Timestamp) -> PortResult<Vec<UsageRow>> {
        self.store.usage(since).await
    }

    async fn health(&self) -> PortResult<Vec<(String, String)>> {
        let now = self.clock.now();
        let up = (now - self.started).to_std().unwrap_or_default().as_secs();
        let depth = self.store.outbox_depth().await?;
        let waiting = depth.ready + depth.leased + depth.ambiguous;
        let open = self.store.alerts(&AlertFilter { states: vec![AlertState::Firing, AlertState::Acknowledged], limit: 1000 }).await?;
        let firing = open.iter().filter(|kept| kept.value.state == AlertState::Firing).count();
        let oldest = match self.store.oldest_waiting().await? {
            Some(at) => format!("{waiting}, the oldest for {} s", (now - at).num_seconds().max(0)),
            None => waiting.to_string(),
        };
        let running = if self.store.runner_alive().await? { format!("yes, this process for {}", lasting(up)) } else { "no".to_owned() };
        Ok(vec![
            ("Version".into(), env!("CARGO_PKG_VERSION").into()),
            ("Running".into(), running),
            (
                "Database".into(),
                match self.store.backend() {
                    Backend::Sqlite => "SQLite".to_owned(),
                    Backend::Postgres => "PostgreSQL".to_owned(),
                },
            ),
            ("Chats".into(), self.chats.join(", ")),
            ("File stores".into(), self.stores.names().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            ("Alerts on".into(), format!("{firing} firing, {} acknowledged", open.len() - firing)),
            ("Waiting to be delivered".into(), oldest),
            ("Dead letters".into(), depth.dead.to_string()),
        ])
    }
}

fn lasting(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
