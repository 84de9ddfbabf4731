//! `alert unack`: someone gives an alert back. The alert's own cards change in place, wherever they stand; the answer here only says
//! that it happened.

use super::{AlertRef, complete};
use bellhop_core::alert::AlertState;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::AlertDesk;
use bellhop_core::{Call, Card, Command, CommandError, Effect, Reply, Span, Tone};
use std::sync::Arc;

/// Gives an alert back.
pub struct Unack {
    alerts: Arc<dyn AlertDesk>,
}

impl Unack {
    /// With the desk.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { alerts: services.alerts.clone() }
    }
}

impl Command for Unack {
    const NAME: &'static str = "alert unack";
    const SUMMARY: &'static str = "Gives an alert back: it counts as firing again";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["alert unack 3f9a1c20", "alert unack HighLatency"];
    const COMPLETES: &'static [&'static str] = &["id"];
    type Args = AlertRef;

    async fn run(&self, call: &Call, args: AlertRef) -> Result<Reply, CommandError> {
        let before = self.alerts.get(&args.id).await?;
        let alert = self.alerts.unacknowledge(call, &before.id).await?;
        let name = Span::Bold(crate::wording::line(&alert.signal.name));
        let card = match (before.state, alert.state) {
            (_, AlertState::Resolved) => Card::default().and_spans(vec![name, " is over: there is nothing to give back.".into()]),
            (AlertState::Firing, _) => Card::default().and_spans(vec![name, " was not taken by anyone.".into()]),
            _ => Card::default().tone(Tone::Warning).and_spans(vec![name, " is firing again: nobody takes care of it.".into()]),
        };
        Ok(Reply::new(card))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*self.alerts, &[AlertState::Acknowledged], typed).await
    }
}
