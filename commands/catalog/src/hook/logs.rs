//! `hook logs`: the last requests to a webhook and what they were answered. What they said is not kept.

use super::{HookRef, complete, failed};
use crate::wording::{count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::Hooks;
use bellhop_core::{Access, Call, Card, Command, CommandError, Reply};
use std::sync::Arc;

/// How many are shown.
const SHOWN: usize = 20;

/// Shows requests.
pub struct Logs {
    hooks: Arc<dyn Hooks>,
}

impl Logs {
    /// With the webhooks.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { hooks: services.hooks.clone() }
    }
}

impl Command for Logs {
    const NAME: &'static str = "hook logs";
    const SUMMARY: &'static str = "Shows the last requests to a webhook";
    const ACCESS: Access = Access::Operator;
    const EXAMPLES: &'static [&'static str] = &["hook logs deploys"];
    const COMPLETES: &'static [&'static str] = &["name"];
    type Args = HookRef;

    async fn run(&self, call: &Call, args: HookRef) -> Result<Reply, CommandError> {
        let requests = match self.hooks.requests(&args.name, SHOWN).await {
            Ok(requests) => requests,
            Err(error) => return Err(failed(&*self.hooks, &args.name, error).await),
        };
        let title = format!("Requests to {}", line(&args.name));
        if requests.is_empty() {
            return Ok(Reply::private(Card::titled(title).and_text("Nothing has been posted to it yet.")));
        }
        let rows = requests
            .iter()
            .map(|request| {
                vec![
                    vec![local(request.at, call.caller.zone).into()],
                    vec![line(&request.from).into()],
                    vec![line(&request.outcome).into()],
                ]
            })
            .collect();
        let shown = count(requests.len(), "request");
        Ok(Reply::private(Card::titled(title).and_text(format!("The last {shown}, the newest first.")).block(Block::Table(table(
            shown,
            &["When", "From", "Answered"],
            rows,
        )))))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*self.hooks, argument, typed).await
    }
}
