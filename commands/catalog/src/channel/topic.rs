//! `channel topic`: says what a channel is for.

use super::{LONGEST_TOPIC, cannot, complete_place, meant, platform};
use crate::wording::{code, sentence};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Places, Platforms};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel topic`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct TopicArgs {
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

/// Sets a topic.
pub struct Topic {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Topic {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Topic {
    const NAME: &'static str = "channel topic";
    const SUMMARY: &'static str = "Says what a channel is for";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["channel topic \"Releases and rollbacks\"", "channel topic \"On call: Ann\" --in #general"];
    const COMPLETES: &'static [&'static str] = &["in"];
    type Args = TopicArgs;

    async fn run(&self, call: &Call, args: TopicArgs) -> Result<Reply, CommandError> {
        let text = bellhop_core::text::one_line(&sentence("text", &args.text, &args.rest)?);
        let length = text.chars().count();
        if length > LONGEST_TOPIC {
            return Err(CommandError::invalid("text", format!("a topic has {LONGEST_TOPIC} characters at most, and this has {length}")));
        }
        let at = meant(&*self.places, args.r#in.as_ref(), call).await?;
        let platform = platform(&*self.platforms, &at.chat)?;
        platform.channels().ok_or_else(|| cannot(&at.chat))?.set_topic(&at, &text).await?;
        let spelled = self.places.spell(&at).await;
        Ok(Reply::new(Card::titled("Topic set").tone(Tone::Good).and_spans(vec![code(spelled), ": ".into(), text.into()])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
