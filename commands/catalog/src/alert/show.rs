//! `alert show`: the card of one alert.

use super::{AlertRef, complete};
use bellhop_core::clock::Clock;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::AlertDesk;
use bellhop_core::{Call, Command, CommandError, Reply};
use std::sync::Arc;

/// Shows an alert.
pub struct Show {
    alerts: Arc<dyn AlertDesk>,
    clock: Arc<dyn Clock>,
}

impl Show {
    /// With the desk, and the time it is.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { alerts: services.alerts.clone(), clock: services.clock.clone() }
    }
}

impl Command for Show {
    const NAME: &'static str = "alert show";
    const SUMMARY: &'static str = "Shows one alert with its labels and history";
    const EXAMPLES: &'static [&'static str] = &["alert show 3f9a1c20", "alert show HighLatency"];
    const COMPLETES: &'static [&'static str] = &["id"];
    type Args = AlertRef;

    async fn run(&self, _call: &Call, args: AlertRef) -> Result<Reply, CommandError> {
        let alert = self.alerts.get(&args.id).await?;
        Ok(Reply::new(super::card::alert_card(&alert, self.clock.now())))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*self.alerts, &[], typed).await
    }
}
