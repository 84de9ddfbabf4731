//! `alert resolve`: someone declares an alert over. The alert's own cards change in place, wherever they stand; the answer here only says
//! that it happened.

use super::{AlertRef, complete};
use bellhop_core::alert::AlertState;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::AlertDesk;
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply, Span, Tone};
use std::sync::Arc;

/// Ends an alert.
pub struct Resolve {
    alerts: Arc<dyn AlertDesk>,
}

impl Resolve {
    /// With the desk.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { alerts: services.alerts.clone() }
    }
}

impl Command for Resolve {
    const NAME: &'static str = "alert resolve";
    const SUMMARY: &'static str = "Declares an alert over, whatever its sender says";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["alert resolve 3f9a1c20", "alert resolve HighLatency"];
    const COMPLETES: &'static [&'static str] = &["id"];
    type Args = AlertRef;

    async fn run(&self, call: &Call, args: AlertRef) -> Result<Reply, CommandError> {
        let before = self.alerts.get(&args.id).await?;
        let alert = self.alerts.resolve(call, &before.id).await?;
        let name = Span::Bold(crate::wording::line(&alert.signal.name));
        let card = match before.state {
            AlertState::Resolved => Card::default().and_spans(vec![name, " was over already.".into()]),
            _ => Card::default()
                .tone(Tone::Good)
                .and_spans(vec![name, " is resolved. If its sender reports it anew, it fires again.".into()]),
        };
        Ok(Reply::new(card))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*self.alerts, &[AlertState::Firing, AlertState::Acknowledged], typed).await
    }
}
