//! `hook create`: an address of our own that other programs can post messages to. The address and the secret are said once,
//! to the one who asked, and only where that can be done unseen by others.

use super::delete::Delete;
use super::test::Test;
use super::{HookRef, hook_name};
use crate::channel::complete_place;
use crate::wording::{code, line};
use bellhop_core::card::{Block, Field};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Hooks, Places, Platforms};
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, PlaceRef, PortErrorKind, Reply, Span, Tone};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `hook create`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct CreateArgs {
    /// A name for it, such as deploys
    pub name: String,
    /// Where its messages are shown, such as #ops or work/#ops
    #[arg(long, value_name = "PLACE", required = true)]
    pub to: PlaceRef,
    /// Takes signed requests only
    #[arg(long)]
    #[serde(default)]
    pub signed: bool,
}

/// Makes a webhook.
pub struct Create {
    hooks: Arc<dyn Hooks>,
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Create {
    /// With the webhooks, the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { hooks: services.hooks.clone(), places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Create {
    const NAME: &'static str = "hook create";
    const SUMMARY: &'static str = "Makes an address that programs can post messages to";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["hook create deploys --to #general", "hook create deploys --to #general --signed"];
    const COMPLETES: &'static [&'static str] = &["to"];
    type Args = CreateArgs;

    async fn run(&self, call: &Call, args: CreateArgs) -> Result<Reply, CommandError> {
        let name = hook_name(&args.name)?;
        // Whoever knows the address may post: it is not to be said where others read along.
        if self.platforms.platform(&call.at.chat).is_some_and(|platform| !platform.capabilities().private) {
            return Err(CommandError::Refused(
                "the address would be seen by everyone here, as this chat can't show an answer to one person; ask in another chat, or with \
                 `bellhop say` on the bot's machine"
                    .to_owned(),
            ));
        }
        let to = self.places.resolve(&args.to, &call.at).await?;
        let made = self.hooks.create(call, name, &to, args.signed).await.map_err(|error| match error.kind {
            PortErrorKind::Conflict => {
                CommandError::Refused(format!("there is a webhook `{}` already; choose another name, or delete that one first", line(name)))
            }
            _ => error.into(),
        })?;
        let spelled = self.places.spell(&to).await;
        let field = |name: &str, value: &str| Field { name: name.to_owned(), value: vec![Span::Code(value.to_owned())] };
        let how = if args.signed {
            "Every request must be signed with the secret, as Standard Webhooks says."
        } else {
            "Whoever knows the address may post. Requests may be signed with the secret, as Standard Webhooks says; then a wrong signature is refused."
        };
        let this = HookRef { name: name.to_owned() };
        let card = Card::titled(format!("Webhook {name}"))
            .tone(Tone::Good)
            .and_spans(vec!["What is posted to this address is shown in ".into(), code(spelled), ".".into()])
            .block(Block::Fields(vec![field("Address", made.url.expose_secret()), field("Secret", made.secret.expose_secret())]))
            .and_text(format!("{how} Keep both now: they are not shown again."))
            .and_actions(vec![Action::invoke("Test", Invoke::of::<Test>(&this)), Action::invoke("Delete", Invoke::of::<Delete>(&this))]);
        Ok(Reply::private(card))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "to" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
