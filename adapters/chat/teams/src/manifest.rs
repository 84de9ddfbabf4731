//! The app's manifest and its package: what people see of the app, where it can be used, and what it asks for. It asks for the
//! permissions that come with the app in a team or chat; what only an administrator can consent to is in the README.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/resources/schema/manifest-schema>

mod package;
#[cfg(test)]
mod tests;

pub use package::package;

use crate::config::TeamsConfig;
use crate::interact::{ALERT, SAVE};
use bellhop_core::command::About;
use bellhop_core::ids::ChatName;
use bellhop_core::text::shorten;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use url::Url;

/// The version that every tenant takes, and the one with slash commands.
const USUAL: &str = "1.25";
const PREVIEW: &str = "1.29";
/// The most commands of a list.
const COMMANDS: usize = 12;
/// The longest title and description of a command, short enough for every version.
const TITLE: usize = 32;
const DESCRIPTION: usize = 128;

/// What the app asks for in a team: the least for each thing that it does there.
const IN_TEAMS: [&str; 6] = [
    "Channel.Create.Group",
    "Channel.Delete.Group",
    "ChannelSettings.ReadWrite.Group",
    "ChannelMember.ReadWrite.Group",
    "TeamMember.Read.Group",
    "TeamSettings.Read.Group",
];

/// An app id where none is known yet.
const UNKNOWN: &str = "00000000-0000-0000-0000-000000000000";

/// The manifest of an app for this connection, reached at `public_url`.
#[must_use]
pub fn manifest(config: Option<&TeamsConfig>, name: &ChatName, public_url: &str, commands: &[About]) -> Value {
    let app_id =
        config.and_then(|config| config.bot.as_ref()).map(|bot| bot.app_id.as_str()).filter(|id| !id.is_empty()).unwrap_or(UNKNOWN);
    let preview = config.is_some_and(|config| config.preview);
    let version = if preview { PREVIEW } else { USUAL };
    let scopes = json!(["personal", "team", "groupChat"]);
    let listed: Vec<Value> =
        groups(commands).into_iter().map(|(title, description)| json!({ "title": title, "description": description })).collect();
    let mut list = json!({ "scopes": scopes, "commands": listed });
    let mut bot = json!({ "botId": app_id, "scopes": scopes, "supportsFiles": true, "isNotificationOnly": false });
    if preview {
        list["triggers"] = json!(["mention", "slash"]);
        bot["supportsTargetedMessages"] = json!(true);
    }
    bot["commandLists"] = json!([list]);
    let home = if public_url.starts_with("https://") { public_url.to_owned() } else { "https://bellhop.invalid".to_owned() };
    let host = Url::parse(public_url).ok().filter(|url| url.scheme() == "https").and_then(|url| url.host_str().map(str::to_owned));
    let action = |id: &str, title: &str, description: &str| json!({ "id": id, "type": "action", "context": ["message"], "fetchTask": true, "title": title, "description": description });
    let resource = json!(IN_TEAMS.map(|name| json!({ "name": name, "type": "Application" })));
    json!({
        "$schema": format!("https://developer.microsoft.com/json-schemas/teams/v{version}/MicrosoftTeams.schema.json"),
        "manifestVersion": version,
        "version": concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"), ".", env!("CARGO_PKG_VERSION_PATCH")),
        "id": app_id,
        "developer": { "name": "Bellhop", "websiteUrl": home, "privacyUrl": home, "termsOfUseUrl": home },
        "name": { "short": "Bellhop", "full": shorten(&format!("Bellhop ({name})"), 100) },
        "description": {
            "short": "Operations from chat",
            "full": "Runs commands, keeps and shares files, answers questions about figures, shows alerts and makes meetings. The bot is your own.",
        },
        "icons": { "color": "color.png", "outline": "outline.png" },
        "accentColor": "#1F4E79",
        "bots": [bot],
        "composeExtensions": [{
            "botId": app_id,
            "commands": [
                action(SAVE, "Save to storage", "Keeps the files of a message, or its words"),
                action(ALERT, "Turn into alert", "Raises an alert with what the message says"),
            ],
        }],
        // In private and shared channels, too, once someone adds it there.
        "supportsChannelFeatures": "tier1",
        "validDomains": host.into_iter().collect::<Vec<_>>(),
        "webApplicationInfo": { "id": app_id, "resource": "https://RscBasedStoreApp" },
        "authorization": { "permissions": { "resourceSpecific": resource } },
    })
}

/// The commands that the menu has: `help` first, then the groups by how many commands they have.
fn groups(commands: &[About]) -> Vec<(String, String)> {
    let mut groups: BTreeMap<&str, Vec<&About>> = BTreeMap::new();
    for about in commands {
        groups.entry(about.group()).or_default().push(about);
    }
    let mut sorted: Vec<(&str, Vec<&About>)> = groups.into_iter().collect();
    sorted.sort_by_key(|(name, of)| (*name != "help", std::cmp::Reverse(of.len()), *name));
    let shown = sorted.into_iter().take(COMMANDS).map(|(name, of)| {
        let verbs: Vec<&str> = of.iter().filter_map(|about| about.verb()).collect();
        let description = if verbs.is_empty() { of.first().map_or("", |about| about.summary).to_owned() } else { verbs.join(", ") };
        (shorten(name, TITLE), shorten(&description, DESCRIPTION))
    });
    shown.collect()
}
