//! `hook test`: shows a sample where a webhook's messages are shown.

use super::{HookRef, complete, failed};
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Hooks, Places};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply, Tone};
use std::sync::Arc;

/// Tries a webhook.
pub struct Test {
    hooks: Arc<dyn Hooks>,
    places: Arc<dyn Places>,
}

impl Test {
    /// With the webhooks and the places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { hooks: services.hooks.clone(), places: services.places.clone() }
    }
}

impl Command for Test {
    const NAME: &'static str = "hook test";
    const SUMMARY: &'static str = "Posts a sample as a program would";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["hook test deploys"];
    const COMPLETES: &'static [&'static str] = &["name"];
    type Args = HookRef;

    async fn run(&self, call: &Call, args: HookRef) -> Result<Reply, CommandError> {
        let hook = match self.hooks.test(call, &args.name).await {
            Ok(hook) => hook,
            Err(error) => return Err(failed(&*self.hooks, &args.name, error).await),
        };
        let spelled = self.places.spell(&hook.to).await;
        Ok(Reply::private(Card::default().tone(Tone::Good).and_spans(vec![
            "A sample of ".into(),
            code(&hook.name),
            " is on its way to ".into(),
            code(spelled),
            ".".into(),
        ])))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*self.hooks, argument, typed).await
    }
}
