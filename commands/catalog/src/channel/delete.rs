//! `channel delete`: deletes a channel with everything that was said in it. Nothing brings it back, so it asks first.

use super::{cannot, complete_place, meant_with_thread, platform, spelled};
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Places, Platforms};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel delete`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct DeleteArgs {
    /// The channel, such as #old or work/#old; this one unless told
    #[arg(long = "in", value_name = "PLACE")]
    pub r#in: Option<PlaceRef>,
}

/// Deletes a channel.
pub struct Delete {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Delete {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Delete {
    const NAME: &'static str = "channel delete";
    const SUMMARY: &'static str = "Deletes a channel and what was said in it, after asking";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &["channel delete --in #general"];
    const COMPLETES: &'static [&'static str] = &["in"];
    type Args = DeleteArgs;

    async fn run(&self, call: &Call, args: DeleteArgs) -> Result<Reply, CommandError> {
        let at = meant_with_thread(&*self.places, &*self.platforms, args.r#in.as_ref(), call).await?;
        let spelled = spelled(&*self.places, &at).await;
        let platform = platform(&*self.platforms, &at.chat)?;
        platform.channels().ok_or_else(|| cannot(&at.chat))?.delete(&at).await?;
        Ok(Reply::new(
            Card::titled("Deleted")
                .tone(Tone::Good)
                .and_spans(vec![code(spelled), " is gone, with everything that was said there.".into()]),
        ))
    }

    async fn plan(&self, call: &Call, args: &DeleteArgs) -> Result<Card, CommandError> {
        let at = meant_with_thread(&*self.places, &*self.platforms, args.r#in.as_ref(), call).await?;
        platform(&*self.platforms, &at.chat)?.channels().ok_or_else(|| cannot(&at.chat))?;
        let spelled = spelled(&*self.places, &at).await;
        Ok(Card::titled(format!("Delete {spelled}?")).and_spans(vec![
            "This would delete ".into(),
            code(spelled),
            " and everything that was said in it, for everyone and for good. `channel archive` closes it and keeps what was said.".into(),
        ]))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
