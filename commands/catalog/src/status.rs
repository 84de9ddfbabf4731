//! `status`: how the bot is now. The facts are those that the bot itself tells; which sources there are is added.

use bellhop_core::alert::AlertState;
use bellhop_core::command::NoArgs;
use bellhop_core::ports::{AlertDesk, AlertFilter, Sources, UsageBook};
use bellhop_core::{Call, Card, Command, CommandError, Reply, Tone};
use std::sync::Arc;

/// How the bot is.
pub struct Status {
    usage: Arc<dyn UsageBook>,
    sources: Arc<dyn Sources>,
    alerts: Arc<dyn AlertDesk>,
}

impl Status {
    /// With what there is to say something about.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { usage: services.usage.clone(), sources: services.sources.clone(), alerts: services.alerts.clone() }
    }
}

impl Command for Status {
    const NAME: &'static str = "status";
    const SUMMARY: &'static str = "Shows how the bot is and what it is connected to";
    const EXAMPLES: &'static [&'static str] = &["status"];
    type Args = NoArgs;

    async fn run(&self, _call: &Call, _args: NoArgs) -> Result<Reply, CommandError> {
        let mut facts = self.usage.health().await?;
        let sources: Vec<String> = self.sources.names().iter().map(ToString::to_string).collect();
        facts.push(("Analytics".to_owned(), sources.join(", ")));
        let firing = self.alerts.list(&AlertFilter { states: vec![AlertState::Firing], limit: 1 }).await?;
        let tone = if firing.is_empty() { Tone::Good } else { Tone::Warning };
        Ok(Reply::new(Card::titled("Bellhop is at your service").tone(tone).and_fields(facts)))
    }
}
