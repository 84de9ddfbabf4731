//! What Discord has to be told about the bot: the JSON of its commands, and the link that invites it with the least permissions. The bot
//! registers its commands itself when it starts; the JSON is for those who look, or who register by other means.
//!
//! <https://docs.discord.com/developers/topics/oauth2#bot-authorization-flow>

use crate::commands::schema;
use crate::config::DiscordConfig;
use bellhop_core::command::About;
use serde_json::Value;

/// The permissions that the bot needs: their bit, their name in Discord's settings, and what for.
pub(crate) const PERMISSIONS: [(u32, &str, &str); 12] = [
    (10, "View Channels", "see the channels that it is to post in"),
    (11, "Send Messages", "post messages"),
    (14, "Embed Links", "show cards"),
    (15, "Attach Files", "upload files and charts"),
    (
        16,
        "Read Message History",
        "look up whether a message was posted when Discord's answer got lost, answer to messages, and back channels up",
    ),
    (6, "Add Reactions", "show that a message to it is kept"),
    (38, "Send Messages in Threads", "answer in threads"),
    (35, "Create Public Threads", "begin a thread under a message"),
    (34, "Manage Threads", "open closed threads, and close them"),
    (4, "Manage Channels", "`channel` commands: create, rename, topic and archive"),
    (28, "Manage Roles", "`channel` commands: let people into private channels, and lock closed ones"),
    (31, "Use Application Commands", "slash commands"),
];

/// The permissions as one number.
pub(crate) fn bits() -> u64 {
    PERMISSIONS.iter().map(|(bit, ..)| 1_u64 << bit).sum()
}

/// Every command as Discord's API takes it.
#[must_use]
pub fn manifest(commands: &[About]) -> Value {
    Value::Array(schema(commands))
}

/// The link that invites the bot to a server, with the least permissions that it needs. Without a configuration it has a gap for the
/// application's id.
#[must_use]
pub fn install_link(config: Option<&DiscordConfig>) -> String {
    let application =
        config.map(|config| config.application_id.as_str()).filter(|id| crate::address::is_id(id)).unwrap_or("APPLICATION_ID");
    format!("https://discord.com/oauth2/authorize?client_id={application}&scope=bot%20applications.commands&permissions={}", bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_asks_for_no_more_than_is_needed() {
        let link = install_link(None);
        assert!(link.contains("client_id=APPLICATION_ID&scope=bot%20applications.commands&permissions="), "{link}");
        let asked: u64 = link.rsplit('=').next().unwrap().parse().unwrap();
        // Neither everything, nor kicking, banning, the server itself, messages of others, mentioning all, webhooks.
        for bit in [1, 2, 3, 5, 13, 17, 29, 30, 33, 40] {
            assert_eq!(asked & (1 << bit), 0, "{bit}");
        }
        for bit in [10, 11, 14, 15, 16, 38] {
            assert_ne!(asked & (1 << bit), 0, "{bit}");
        }
        let config: DiscordConfig = toml::from_str("bot_token = \"t\"\napplication_id = \"118\"").unwrap();
        assert!(install_link(Some(&config)).contains("client_id=118&"));
    }
}
