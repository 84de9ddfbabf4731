//! `alert ack`: someone takes care of an alert. The alert's own cards change in place, wherever they stand; the answer here only says
//! that it happened.

use super::{AlertRef, complete};
use bellhop_core::alert::AlertState;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::AlertDesk;
use bellhop_core::{Call, Card, Command, CommandError, Effect, Reply, Span, Tone};
use std::sync::Arc;

/// Takes an alert.
pub struct Ack {
    alerts: Arc<dyn AlertDesk>,
}

impl Ack {
    /// With the desk.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { alerts: services.alerts.clone() }
    }
}

impl Command for Ack {
    const NAME: &'static str = "alert ack";
    const SUMMARY: &'static str = "Takes an alert: others see that you take care of it";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["alert ack 3f9a1c20", "alert ack HighLatency"];
    const COMPLETES: &'static [&'static str] = &["id"];
    type Args = AlertRef;

    async fn run(&self, call: &Call, args: AlertRef) -> Result<Reply, CommandError> {
        let before = self.alerts.get(&args.id).await?;
        let alert = self.alerts.acknowledge(call, &before.id).await?;
        let name = Span::Bold(crate::wording::line(&alert.signal.name));
        let who = crate::wording::line(alert.taken_by.as_deref().unwrap_or("someone"));
        let card = match (before.state, alert.state) {
            (_, AlertState::Resolved) => Card::default().and_spans(vec![name, " is over already: there is nothing to take.".into()]),
            (AlertState::Acknowledged, _) => Card::default().and_spans(vec![name, format!(" was taken already, by {who}.").into()]),
            _ => Card::default().tone(Tone::Good).and_spans(vec![name, format!(" is taken by {who}.").into()]),
        };
        Ok(Reply::new(card))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*self.alerts, &[AlertState::Firing], typed).await
    }
}
