//! `channel unarchive`: opens a closed channel again, where the platform lets a bot do that.

use super::{cannot, complete_archived, meant_with_thread, platform};
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Places, Platforms};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel unarchive`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct UnarchiveArgs {
    /// The channel, such as #old or work/#old; this one unless told
    #[arg(long = "in", value_name = "PLACE")]
    pub r#in: Option<PlaceRef>,
}

/// Opens a channel again.
pub struct Unarchive {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Unarchive {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Unarchive {
    const NAME: &'static str = "channel unarchive";
    const SUMMARY: &'static str = "Opens an archived channel again";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["channel unarchive --in #old"];
    const COMPLETES: &'static [&'static str] = &["in"];
    type Args = UnarchiveArgs;

    async fn run(&self, call: &Call, args: UnarchiveArgs) -> Result<Reply, CommandError> {
        let at = meant_with_thread(&*self.places, &*self.platforms, args.r#in.as_ref(), call).await?;
        let platform = platform(&*self.platforms, &at.chat)?;
        platform.channels().ok_or_else(|| cannot(&at.chat))?.unarchive(&at).await?;
        let spelled = self.places.spell(&at).await;
        Ok(Reply::new(Card::titled("Opened again").tone(Tone::Good).and_spans(vec![code(spelled), " takes messages again.".into()])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_archived(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
