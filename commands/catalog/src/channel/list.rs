//! `channel list`: the channels that the bot can see. Private ones are shown only when asked for, and only to the one
//! who asks: their names may say more than the people here should know.

use super::open_to_all;
use crate::wording::{code, count, line, suggest, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::ChatName;
use bellhop_core::ports::{Channel, Places, Platforms};
use bellhop_core::{Access, Call, Card, Command, CommandError, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `channel list`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ListArgs {
    /// Only those of this chat connection
    #[arg(long, value_name = "NAME")]
    pub chat: Option<ChatName>,
    /// Private channels too; for operators, and answered to you alone
    #[arg(long)]
    #[serde(default)]
    pub private: bool,
    /// Archived channels too
    #[arg(long)]
    #[serde(default)]
    pub archived: bool,
}

/// Lists channels.
pub struct List {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl List {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "channel list";
    const SUMMARY: &'static str = "Lists the channels of all connected chats";
    const EXAMPLES: &'static [&'static str] = &["channel list", "channel list --archived"];
    const COMPLETES: &'static [&'static str] = &["chat"];
    type Args = ListArgs;

    async fn run(&self, call: &Call, args: ListArgs) -> Result<Reply, CommandError> {
        if args.private && call.caller.access < Access::Operator {
            return Err(CommandError::Refused(format!(
                "private channels are listed for operators only, and you are {}",
                call.caller.access
            )));
        }
        if let Some(chat) = &args.chat {
            super::platform(&*self.platforms, chat)?;
        }
        let mut channels: Vec<Channel> = self.places.channels().await?;
        channels.retain(|channel| {
            (args.archived || !channel.archived)
                && (args.private || open_to_all(channel, call))
                && args.chat.as_ref().is_none_or(|chat| channel.address.chat == *chat)
        });
        if channels.is_empty() {
            return Ok(Reply::new(Card::titled("Channels").and_text("There is none that I can see.")));
        }
        let mut rows = Vec::new();
        for channel in &channels {
            let mut state = Vec::new();
            if channel.private {
                state.push("private");
            }
            if channel.archived {
                state.push("archived");
            }
            rows.push(vec![
                vec![code(self.places.spell(&channel.address).await)],
                vec![line(&channel.topic).into()],
                vec![state.join(", ").into()],
            ]);
        }
        let shown = count(channels.len(), "channel");
        let card =
            Card::titled("Channels").and_text(format!("{shown}.")).block(Block::Table(table(shown, &["Channel", "Topic", "State"], rows)));
        Ok(if args.private { Reply::private(card) } else { Reply::new(card) })
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "chat" => suggest(typed, self.platforms.names().into_iter().map(|name| (name.to_string(), String::new()))),
            _ => Vec::new(),
        }
    }
}
