//! `channel post`: says something in a channel in the bot's name, with who had it said. It notifies nobody: mentions in
//! the text stay text.

use super::complete_place;
use crate::wording::{code, sentence};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::CardKey;
use bellhop_core::ports::{Announcer, Places};
use bellhop_core::{Access, Audience, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel post`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct PostArgs {
    /// What to say
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

/// Posts a text.
pub struct Post {
    places: Arc<dyn Places>,
    announcer: Arc<dyn Announcer>,
}

impl Post {
    /// With the places and the way there.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), announcer: services.announcer.clone() }
    }
}

impl Command for Post {
    const NAME: &'static str = "channel post";
    const SUMMARY: &'static str = "Posts a message to a channel";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["channel post \"The release is out\" --in #general"];
    type Args = PostArgs;

    async fn run(&self, call: &Call, args: PostArgs) -> Result<Reply, CommandError> {
        let text = sentence("text", &args.text, &args.rest)?;
        let to = match &args.r#in {
            Some(place) => self.places.resolve(place, &call.at).await?,
            None => call.at.clone(),
        };
        let card = Card::default().and_text(text).and_spans(vec!["— ".into(), Span::Bold(call.caller.name.clone())]);
        // The key makes a repeated call change its first message instead of posting a second.
        let key = CardKey::new(format!("post/{}", call.id));
        self.announcer.announce(&to, card, Audience::Everyone, Some(key), call).await?;
        let spelled = self.places.spell(&to).await;
        Ok(Reply::private(Card::default().tone(Tone::Good).and_spans(vec!["Posted to ".into(), code(spelled), ".".into()])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
