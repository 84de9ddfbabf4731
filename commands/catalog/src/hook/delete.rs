//! `hook delete`: takes an address away. What posts to it is refused from then on, so it asks first.

use super::{HookRef, complete, unknown};
use crate::wording::{code, line, local};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Hooks, Places};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply, Tone};
use std::sync::Arc;

/// Deletes a webhook.
pub struct Delete {
    hooks: Arc<dyn Hooks>,
    places: Arc<dyn Places>,
}

impl Delete {
    /// With the webhooks and the places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { hooks: services.hooks.clone(), places: services.places.clone() }
    }
}

impl Command for Delete {
    const NAME: &'static str = "hook delete";
    const SUMMARY: &'static str = "Takes a webhook's address away, after asking";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &["hook delete deploys"];
    const COMPLETES: &'static [&'static str] = &["name"];
    type Args = HookRef;

    async fn run(&self, _call: &Call, args: HookRef) -> Result<Reply, CommandError> {
        let Some(gone) = self.hooks.remove(&args.name).await? else { return Err(unknown(&*self.hooks, &args.name).await) };
        Ok(Reply::private(
            Card::titled(format!("Deleted the webhook {}", line(&gone.name)))
                .tone(Tone::Good)
                .and_text("Its address takes nothing any more."),
        ))
    }

    async fn plan(&self, call: &Call, args: &HookRef) -> Result<Card, CommandError> {
        let Some(hook) = self.hooks.list().await?.into_iter().find(|hook| hook.name == args.name) else {
            return Err(unknown(&*self.hooks, &args.name).await);
        };
        let last = self.hooks.requests(&hook.name, 1).await?.first().map(|request| local(request.at, call.caller.zone));
        let spelled = self.places.spell(&hook.to).await;
        Ok(Card::titled(format!("Delete the webhook {}?", line(&hook.name)))
            .and_spans(vec![
                "Programs that post to its address would be refused, and nothing of theirs would be shown in ".into(),
                code(spelled),
                " any more. The address can't be had again.".into(),
            ])
            .and_fields(vec![("Last request", last.unwrap_or_else(|| "never".to_owned()))]))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*self.hooks, argument, typed).await
    }
}
