//! Figures about the bot itself: counters from the database, and how it is right now.

use crate::sources::{CALLS, COST, KEPT, SENT, resting};
use async_trait::async_trait;
use bellhop_core::alert::AlertState;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ports::{AlertFilter, AnalyticsSource, PortResult, SourceUsage, Stores, UsageBook, UsageRow};
use bellhop_store::{Backend, Store};
use std::sync::Arc;

/// The figures of this bot.
pub struct Figures {
    store: Store,
    stores: Arc<dyn Stores>,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    chats: Vec<String>,
    /// Services that count.
    services: Vec<Arc<dyn AnalyticsSource>>,
}

impl Figures {
    /// Figures since now.
    pub fn new(store: Store, stores: Arc<dyn Stores>, clock: Arc<dyn Clock>, chats: Vec<String>) -> Self {
        let started = clock.now();
        Self { store, stores, clock, started, chats, services: Vec::new() }
    }

    /// The same, with figures of these services.
    #[must_use]
    pub fn asking(self, services: Vec<Arc<dyn AnalyticsSource>>) -> Self {
        Self { services, ..self }
    }

    async fn source(&self, service: &dyn AnalyticsSource, rows: &[UsageRow]) -> PortResult<SourceUsage> {
        let name = service.name();
        let of = |what: &str| {
            let row = rows.iter().find(|row| row.what == what && row.which == name.as_str());
            row.map_or((0, 0), |row| (row.done, row.failed))
        };
        let prefix = format!("{name}/");
        let cost = rows.iter().filter(|row| row.what == COST).filter_map(|row| Some((row.which.strip_prefix(&prefix)?, row.done)));
        #[expect(clippy::cast_precision_loss, reason = "sums of costs are far below what a float holds exactly")]
        let cost = cost.map(|(unit, thousandths)| (unit.to_owned(), thousandths as f64 / 1000.0)).collect();
        let quotas = service.quotas().await.unwrap_or_else(|error| {
            tracing::debug!(%error, source = %name, "its allowances can't be looked up");
            Vec::new()
        });
        let ((done, errors), (kept, _), (sent, refused)) = (of(CALLS), of(KEPT), of(SENT));
        let rests = resting(&self.store, name, self.clock.now()).await?;
        Ok(SourceUsage { source: name.clone(), calls: done + errors, errors, kept, cost, quotas, rests, sent, refused })
    }
}

#[async_trait]
impl UsageBook for Figures {
    async fn usage(&self, since: Timestamp) -> PortResult<Vec<UsageRow>> {
        // What concerns sources is told by source.
        Ok(self.store.usage(since).await?.into_iter().filter(|row| ![CALLS, KEPT, COST, SENT].contains(&row.what.as_str())).collect())
    }

    async fn sources(&self, since: Timestamp) -> PortResult<Vec<SourceUsage>> {
        let rows = self.store.usage(since).await?;
        let mut all = Vec::new();
        for service in &self.services {
            all.push(self.source(&**service, &rows).await?);
        }
        Ok(all)
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
