//! `channel archive`: closes a channel for everyone in it. Not every platform lets a bot open it again, so it asks first.

use super::{cannot, complete_place, meant_with_thread, platform, spelled};
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Places, Platforms};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel archive`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ArchiveArgs {
    /// The channel, such as #old or work/#old; this one unless told
    #[arg(long = "in", value_name = "PLACE")]
    pub r#in: Option<PlaceRef>,
}

/// Closes a channel.
pub struct Archive {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Archive {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Archive {
    const NAME: &'static str = "channel archive";
    const SUMMARY: &'static str = "Closes a channel, after asking";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &["channel archive --in #general"];
    const COMPLETES: &'static [&'static str] = &["in"];
    type Args = ArchiveArgs;

    async fn run(&self, call: &Call, args: ArchiveArgs) -> Result<Reply, CommandError> {
        let at = meant_with_thread(&*self.places, &*self.platforms, args.r#in.as_ref(), call).await?;
        let spelled = spelled(&*self.places, &at).await;
        let platform = platform(&*self.platforms, &at.chat)?;
        platform.channels().ok_or_else(|| cannot(&at.chat))?.archive(&at).await?;
        Ok(Reply::new(
            Card::titled("Archived")
                .tone(Tone::Good)
                .and_spans(vec![code(spelled), " is closed. What was said there stays readable.".into()]),
        ))
    }

    async fn plan(&self, call: &Call, args: &ArchiveArgs) -> Result<Card, CommandError> {
        let at = meant_with_thread(&*self.places, &*self.platforms, args.r#in.as_ref(), call).await?;
        platform(&*self.platforms, &at.chat)?.channels().ok_or_else(|| cannot(&at.chat))?;
        let spelled = spelled(&*self.places, &at).await;
        Ok(Card::titled(format!("Archive {spelled}?")).and_spans(vec![
            "This would close ".into(),
            code(spelled),
            " for everyone in it. Where the chat lets a bot, `channel unarchive` opens it again; otherwise only its own settings do."
                .into(),
        ]))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
