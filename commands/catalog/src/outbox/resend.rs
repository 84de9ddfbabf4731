//! `outbox resend`: has the events that a service refused sent to it once more.

use super::events::{complete, known};
use crate::wording::{count, line};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::Feeds;
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `outbox resend`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ResendArgs {
    /// The source that refused them, from `outbox events`
    pub source: SourceName,
}

/// Sends refused events again.
pub struct Resend {
    feeds: Arc<dyn Feeds>,
}

impl Resend {
    /// With the lanes.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { feeds: services.feeds.clone() }
    }
}

impl Command for Resend {
    const NAME: &'static str = "outbox resend";
    const SUMMARY: &'static str = "Sends the events again that a service refused";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["outbox resend product"];
    const COMPLETES: &'static [&'static str] = &["source"];
    type Args = ResendArgs;

    async fn run(&self, _call: &Call, args: ResendArgs) -> Result<Reply, CommandError> {
        known(&*self.feeds, Some(&args.source)).await?;
        let source = line(args.source.as_str());
        let card = match self.feeds.again(&args.source).await? {
            0 => Card::titled(format!("{source} has refused nothing that is still kept")),
            many => {
                let many = usize::try_from(many).unwrap_or(usize::MAX);
                Card::titled(format!("{} on the way to {source} again", count(many, "event"))).tone(Tone::Good)
            }
        };
        Ok(Reply::private(card))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*self.feeds, typed).await
    }
}
