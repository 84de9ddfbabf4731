//! `channel purpose`: says at length what a channel is for, where its platform keeps that beside the topic.

use super::{LONGEST_PURPOSE, cannot, complete_place, meant, platform};
use crate::wording::{code, sentence};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Places, Platforms};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel purpose`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct PurposeArgs {
    /// What the channel is for
    #[arg(allow_hyphen_values = true)]
    pub text: String,
    /// The rest of a text that was typed without quotes
    #[arg(hide = true)]
    #[serde(default)]
    pub rest: Vec<String>,
    /// The channel, such as #ops or work/#ops; this one unless told
    #[arg(long = "in", value_name = "PLACE")]
    pub r#in: Option<PlaceRef>,
}

/// Sets a purpose.
pub struct Purpose {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Purpose {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Purpose {
    const NAME: &'static str = "channel purpose";
    const SUMMARY: &'static str = "Says at length what a channel is for";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "channel purpose \"Where releases and rollbacks are announced\"",
        "channel purpose \"Everything about being on call\" --in #general",
    ];
    const COMPLETES: &'static [&'static str] = &["in"];
    type Args = PurposeArgs;

    async fn run(&self, call: &Call, args: PurposeArgs) -> Result<Reply, CommandError> {
        let text = sentence("text", &args.text, &args.rest)?;
        let length = text.chars().count();
        if length > LONGEST_PURPOSE {
            return Err(CommandError::invalid(
                "text",
                format!("a purpose has {LONGEST_PURPOSE} characters at most, and this has {length}"),
            ));
        }
        let at = meant(&*self.places, args.r#in.as_ref(), call).await?;
        let platform = platform(&*self.platforms, &at.chat)?;
        platform.channels().ok_or_else(|| cannot(&at.chat))?.set_purpose(&at, &text).await?;
        let spelled = self.places.spell(&at).await;
        Ok(Reply::new(Card::titled("Purpose set").tone(Tone::Good).and_spans(vec![code(spelled), ": ".into(), text.into()])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
