//! `channel rename`: gives a channel another name.

use super::{cannot, channel_name, complete_place, meant_with_thread, name_taken, platform};
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Places, Platforms};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel rename`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct RenameArgs {
    /// The new name
    pub new: String,
    /// The channel, such as #old or work/#old; this one unless told
    #[arg(long = "in", value_name = "PLACE")]
    pub r#in: Option<PlaceRef>,
}

/// Renames a channel.
pub struct Rename {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Rename {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Rename {
    const NAME: &'static str = "channel rename";
    const SUMMARY: &'static str = "Gives a channel another name";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["channel rename operations", "channel rename operations --in #general"];
    const COMPLETES: &'static [&'static str] = &["in"];
    type Args = RenameArgs;

    async fn run(&self, call: &Call, args: RenameArgs) -> Result<Reply, CommandError> {
        let name = channel_name(&args.new)?;
        let at = meant_with_thread(&*self.places, &*self.platforms, args.r#in.as_ref(), call).await?;
        let before = self.places.spell(&at).await;
        let platform = platform(&*self.platforms, &at.chat)?;
        let channels = platform.channels().ok_or_else(|| cannot(&at.chat))?;
        let now = channels.rename(&at, name).await.map_err(|error| name_taken(error, name))?;
        let card = Card::titled("Renamed").tone(Tone::Good).and_spans(vec![
            code(before),
            " is now ".into(),
            code(format!("#{}", now.name)),
            ".".into(),
        ]);
        Ok(Reply::new(card))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
