//! `channel create`: a new channel where it was asked, or on another connected chat.

use super::{cannot, channel_name, name_taken, platform};
use crate::wording::{code, suggest};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::ChatName;
use bellhop_core::ports::{ChannelAccess, Places, Platforms};
use bellhop_core::{Access, Address, Call, Card, Command, CommandError, Effect, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel create`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct CreateArgs {
    /// The channel's name
    pub name: String,
    /// Only members see it
    #[arg(long)]
    #[serde(default)]
    pub private: bool,
    /// Its members see it, people from elsewhere among them, where the chat has such channels
    #[arg(long, conflicts_with = "private")]
    #[serde(default)]
    pub shared: bool,
    /// The chat connection, where it isn't this one
    #[arg(long, value_name = "NAME")]
    pub chat: Option<ChatName>,
}

/// Makes a channel.
pub struct Create {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Create {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Create {
    const NAME: &'static str = "channel create";
    const SUMMARY: &'static str = "Makes a channel";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["channel create incident-42", "channel create incident-42 --private"];
    const COMPLETES: &'static [&'static str] = &["chat"];
    type Args = CreateArgs;

    async fn run(&self, call: &Call, args: CreateArgs) -> Result<Reply, CommandError> {
        let name = channel_name(&args.name)?;
        let chat = args.chat.as_ref().unwrap_or(&call.at.chat);
        let platform = platform(&*self.platforms, chat)?;
        let channels = platform.channels().ok_or_else(|| cannot(chat))?;
        let access = match (args.private, args.shared) {
            (true, _) => ChannelAccess::Private,
            (_, true) => ChannelAccess::Shared,
            _ => ChannelAccess::Open,
        };
        let elsewhere = Address::channel(chat.clone(), "", "");
        let near = if *chat == call.at.chat { &call.at } else { &elsewhere };
        let made = channels.create_near(near, name, access, Some(&call.caller.user)).await.map_err(|error| name_taken(error, name))?;
        let spelled = self.places.spell(&made.address).await;
        let what = if made.private { "The private channel " } else { "The channel " };
        Ok(Reply::new(Card::titled(format!("Created #{}", made.name)).tone(Tone::Good).and_spans(vec![
            what.into(),
            code(spelled),
            " is there.".into(),
        ])))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "chat" => suggest(typed, self.platforms.names().into_iter().map(|name| (name.to_string(), String::new()))),
            _ => Vec::new(),
        }
    }
}
