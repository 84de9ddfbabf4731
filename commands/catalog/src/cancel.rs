//! `cancel`: ends a command that runs for long, wherever it runs. Whether the caller may is checked where the running calls
//! are known.

use crate::wording::{ago, code, line, suggest};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::CallId;
use bellhop_core::ports::Calls;
use bellhop_core::{Call, Card, Command, CommandError, Effect, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `cancel`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct CancelArgs {
    /// The running command's id, as the message about its progress says
    pub id: String,
}

/// Ends a running command.
pub struct Cancel {
    calls: Arc<dyn Calls>,
}

impl Cancel {
    /// With the calls that are running.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { calls: services.calls.clone() }
    }
}

impl Command for Cancel {
    const NAME: &'static str = "cancel";
    const SUMMARY: &'static str = "Ends a command that is still running";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["cancel c1204"];
    const COMPLETES: &'static [&'static str] = &["id"];
    type Args = CancelArgs;

    async fn run(&self, call: &Call, args: CancelArgs) -> Result<Reply, CommandError> {
        let asked = self.calls.cancel(call, &CallId::new(args.id.trim())).await?;
        let card = Card::titled("Cancelling").and_spans(vec![
            code(&asked.line),
            format!(", begun {} ago by {}. Its own message says how far it came.", ago(asked.since, call.now), line(&asked.name)).into(),
        ]);
        Ok(Reply::private(card))
    }

    async fn complete(&self, call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        let running = self.calls.running(call).await.unwrap_or_default();
        suggest(typed, running.into_iter().map(|running| (running.id.to_string(), line(&running.line))))
    }
}
