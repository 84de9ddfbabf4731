//! `outbox retry`: sends a message once more that was given up.

use bellhop_core::command::Suggestion;
use bellhop_core::error::PortErrorKind;
use bellhop_core::ports::DeadLetters;
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `outbox retry`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct RetryArgs {
    /// The message's number, from `outbox list`
    pub number: i64,
}

/// Sends a dead letter again.
pub struct Retry {
    letters: Arc<dyn DeadLetters>,
}

impl Retry {
    /// With the dead letters.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { letters: services.dead_letters.clone() }
    }
}

impl Command for Retry {
    const NAME: &'static str = "outbox retry";
    const SUMMARY: &'static str = "Sends a message again that could not be delivered";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["outbox retry 17"];
    const COMPLETES: &'static [&'static str] = &["number"];
    type Args = RetryArgs;

    async fn run(&self, _call: &Call, args: RetryArgs) -> Result<Reply, CommandError> {
        match self.letters.retry(args.number).await {
            Ok(()) => Ok(Reply::private(Card::titled(format!("Message {} is queued again", args.number)).tone(Tone::Good))),
            Err(error) if error.kind == PortErrorKind::NotFound => {
                Err(CommandError::not_found("message given up", args.number.to_string()))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        let Ok(letters) = self.letters.list(20).await else { return Vec::new() };
        crate::wording::suggest(typed, letters.into_iter().map(|letter| (letter.number.to_string(), letter.about)))
    }
}
