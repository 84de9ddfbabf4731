//! `status`: how the bot is now, and what it is connected to.

use bellhop_core::alert::AlertState;
use bellhop_core::command::NoArgs;
use bellhop_core::ports::{AlertDesk, AlertFilter, Platforms, Sources, Stores, UsageBook};
use bellhop_core::{Call, Card, Command, CommandError, Reply, Tone};
use std::sync::Arc;

/// How many open alerts are counted.
const COUNTED: usize = 1000;

/// How the bot is.
pub struct Status {
    usage: Arc<dyn UsageBook>,
    stores: Arc<dyn Stores>,
    sources: Arc<dyn Sources>,
    platforms: Arc<dyn Platforms>,
    alerts: Arc<dyn AlertDesk>,
}

impl Status {
    /// With what there is to say something about.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self {
            usage: services.usage.clone(),
            stores: services.stores.clone(),
            sources: services.sources.clone(),
            platforms: services.platforms.clone(),
            alerts: services.alerts.clone(),
        }
    }
}

impl Command for Status {
    const NAME: &'static str = "status";
    const SUMMARY: &'static str = "Shows how the bot is and what it is connected to";
    const EXAMPLES: &'static [&'static str] = &["status"];
    type Args = NoArgs;

    async fn run(&self, _call: &Call, _args: NoArgs) -> Result<Reply, CommandError> {
        let health = self.usage.health().await?;
        let open = self.alerts.list(&AlertFilter { states: vec![AlertState::Firing, AlertState::Acknowledged], limit: COUNTED }).await?;
        let firing = open.iter().filter(|alert| alert.state == AlertState::Firing).count();
        let alerts = match (open.len(), firing) {
            (0, _) => "none is on".to_owned(),
            (all, firing) => format!("{firing} firing, {} acknowledged", all - firing),
        };
        let mut fields = vec![
            ("Chats".to_owned(), joined(&self.platforms.names())),
            ("Files".to_owned(), joined(&self.stores.names())),
            ("Analytics".to_owned(), joined(&self.sources.names())),
            ("Alerts".to_owned(), alerts),
        ];
        fields.extend(health);
        let tone = if firing > 0 { Tone::Warning } else { Tone::Good };
        Ok(Reply::new(Card::titled("Bellhop is at your service").tone(tone).and_fields(fields)))
    }
}

fn joined<T: ToString>(names: &[T]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ") }
}
