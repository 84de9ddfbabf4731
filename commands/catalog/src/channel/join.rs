//! `channel join`: the bot itself takes part in a channel, so that it hears what is said to it there and may post files.

use super::{cannot, complete_place, meant, platform};
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Places, Platforms};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel join`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct JoinArgs {
    /// The channel, such as #ops or work/#ops; this one unless told
    #[arg(long = "in", value_name = "PLACE")]
    pub r#in: Option<PlaceRef>,
}

/// Joins a channel.
pub struct Join {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Join {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Join {
    const NAME: &'static str = "channel join";
    const SUMMARY: &'static str = "Lets me take part in a channel";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["channel join --in #general"];
    const COMPLETES: &'static [&'static str] = &["in"];
    type Args = JoinArgs;

    async fn run(&self, call: &Call, args: JoinArgs) -> Result<Reply, CommandError> {
        let at = meant(&*self.places, args.r#in.as_ref(), call).await?;
        let platform = platform(&*self.platforms, &at.chat)?;
        platform.channels().ok_or_else(|| cannot(&at.chat))?.join(&at).await?;
        let spelled = self.places.spell(&at).await;
        Ok(Reply::private(Card::default().tone(Tone::Good).and_spans(vec!["I take part in ".into(), code(spelled), " now.".into()])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
