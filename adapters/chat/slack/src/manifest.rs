//! The app manifest: everything that has to be set in Slack for this bot, made from its commands and its configuration, to be
//! pasted when the app is created. What Slack can't take from a manifest (the app-level token, the app's picture) is in the
//! README.
//!
//! <https://docs.slack.dev/reference/app-manifest>

use crate::config::{SlackConfig, Transport};
use bellhop_core::command::About;
use bellhop_core::grammar::usage;
use bellhop_core::ids::ChatName;
use bellhop_core::text::{one_line, shorten};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use url::{Host, Url};

/// The limits of the manifest's schema.
const COMMANDS: usize = 50;
const COMMAND: usize = 32;
const HINT: usize = 1000;
const DESCRIPTION: usize = 2000;

/// Commands of Slack's own. Slack refuses the whole manifest if one of them is in it, so their groups are reached as
/// `/bellhop GROUP`.
const SLACKS_OWN: [&str; 41] = [
    "active",
    "apps",
    "archive",
    "away",
    "call",
    "collapse",
    "dm",
    "dnd",
    "expand",
    "feed",
    "feedback",
    "huddle",
    "invite",
    "invite_people",
    "join",
    "keys",
    "kick",
    "leave",
    "list",
    "me",
    "msg",
    "mute",
    "note",
    "open",
    "prefs",
    "pro",
    "remind",
    "remove",
    "rename",
    "search",
    "shortcuts",
    "shrug",
    "star",
    "status",
    "topic",
    "unarchive",
    "unmute",
    "who",
    "workflow",
    "canvas",
    "todo",
];

/// What the bot needs in any case, and what for.
const SCOPES: [(&str, &str); 20] = [
    ("app_mentions:read", "hear its name in channels"),
    ("channels:history", "look up whether a message was posted when Slack's answer got lost, and back channels up"),
    ("channels:join", "`channel` commands: let the bot itself take part in a public channel"),
    ("channels:manage", "`channel` commands: create, rename, archive, topic and invite in public channels"),
    ("channels:read", "find public channels by name"),
    ("chat:write", "post messages"),
    ("chat:write.public", "post in public channels that it is not in"),
    ("commands", "slash commands and shortcuts"),
    ("files:read", "fetch files that people share with it"),
    ("files:write", "upload files"),
    ("groups:history", "as channels:history, in private channels that it is in"),
    ("groups:read", "find private channels that it is in"),
    ("groups:write", "`channel` commands in private channels"),
    ("im:history", "read what is written to it directly"),
    ("im:read", "know its direct conversations"),
    ("im:write", "open a direct conversation"),
    ("mpim:history", "as channels:history, in group conversations"),
    ("mpim:read", "know the group conversations that it is in"),
    ("mpim:write", "open a group conversation"),
    ("users:read", "people's names and time zones"),
];

/// What it needs to show what is behind its own links, where it has a public address.
const UNFURLING: [(&str, &str); 2] = [("links:read", "notice its own links"), ("links:write", "show what is behind them")];

/// Events that are subscribed to in any case.
const EVENTS: [&str; 15] = [
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "channel_archive",
    "channel_created",
    "channel_deleted",
    "channel_rename",
    "channel_unarchive",
    "file_shared",
    "group_archive",
    "group_rename",
    "group_unarchive",
    "message.im",
    "tokens_revoked",
    "user_change",
];

/// The manifest of the app for these commands. Without a configuration it is that of a connection over sockets, to begin with.
#[must_use]
pub fn manifest(config: Option<&SlackConfig>, chat: &ChatName, public_url: &str, commands: &[About]) -> Value {
    let http = config.is_some_and(|config| config.transport == Transport::Http);
    let oauth = config.is_some_and(|config| config.oauth.is_some());
    // It can't be switched off again, so it is on only where nothing else could work: with a token in the configuration
    // nobody could keep the renewed one.
    let rotates = config.is_some_and(|config| config.oauth.is_some() && config.bot_token.is_none());
    let address = address(public_url, chat);
    let at = |name: &str, object: &mut Map<String, Value>| {
        if http {
            object.insert(name.to_owned(), json!(address));
        }
    };

    let mut features = Map::new();
    features.insert(
        "app_home".into(),
        json!({ "home_tab_enabled": true, "messages_tab_enabled": true, "messages_tab_read_only_enabled": false }),
    );
    features.insert("bot_user".into(), json!({ "display_name": "bellhop", "always_online": true }));
    features.insert("shortcuts".into(), shortcuts());
    let slash: Vec<Value> = slash_commands(commands)
        .into_iter()
        .map(|mut command| {
            at("url", &mut command);
            Value::Object(command)
        })
        .collect();
    features.insert("slash_commands".into(), Value::Array(slash));
    let unfurls = unfurl_domain(public_url);
    if let Some(domain) = &unfurls {
        features.insert("unfurl_domains".into(), json!([domain]));
    }

    let mut oauth_config = Map::new();
    if oauth {
        oauth_config.insert("redirect_urls".into(), json!([address]));
    }
    oauth_config.insert("scopes".into(), json!({ "bot": scopes(config, public_url) }));

    let mut events: Vec<&str> = EVENTS.to_vec();
    if unfurls.is_some() {
        events.push("link_shared");
    }
    events.sort_unstable();
    let mut subscriptions = Map::new();
    at("request_url", &mut subscriptions);
    subscriptions.insert("bot_events".into(), json!(events));
    let mut interactivity = Map::new();
    interactivity.insert("is_enabled".into(), json!(true));
    at("request_url", &mut interactivity);
    at("message_menu_options_url", &mut interactivity);

    json!({
        "_metadata": { "major_version": 2 },
        "display_information": {
            "name": "Bellhop",
            "description": "Runs commands, shows alerts and moves files, in chat",
            "long_description": "Bellhop is a self-hosted bot for teams whose work happens in chat. It runs slash commands against your own storage, \
                                 analytics and automation, shows alerts as cards that can be acknowledged where they are read, and moves files between \
                                 chat and your stores. It runs on your own machine; this app connects it to the workspace.",
            "background_color": "#1f2937",
        },
        "features": features,
        "oauth_config": oauth_config,
        "settings": {
            "event_subscriptions": subscriptions,
            "interactivity": interactivity,
            "org_deploy_enabled": false,
            "socket_mode_enabled": !http,
            "token_rotation_enabled": rotates,
        },
    })
}

/// The bot scopes that are needed, in order.
#[must_use]
pub fn scopes(config: Option<&SlackConfig>, public_url: &str) -> Vec<&'static str> {
    // Every configuration needs the same so far; which it is may come to matter.
    let _ = config;
    let mut scopes: Vec<&str> = SCOPES.iter().map(|(scope, _)| *scope).collect();
    if unfurl_domain(public_url).is_some() {
        scopes.extend(UNFURLING.iter().map(|(scope, _)| *scope));
    }
    scopes.sort_unstable();
    scopes
}

/// What a scope is needed for.
pub(crate) fn reason(scope: &str) -> &'static str {
    SCOPES.iter().chain(&UNFURLING).find(|(known, _)| *known == scope).map_or("", |(_, reason)| reason)
}

/// The one address of every HTTP delivery.
pub(crate) fn address(public_url: &str, chat: &ChatName) -> String {
    format!("{}/chat/{chat}", public_url.trim_end_matches('/'))
}

fn shortcuts() -> Value {
    let shortcut =
        |name: &str, kind: &str, id: &str, about: &str| json!({ "name": name, "type": kind, "callback_id": id, "description": about });
    json!([
        shortcut("Run a command", "global", "run_command", "Type any command of Bellhop, from anywhere"),
        shortcut("Raise an alert", "global", "raise_alert", "Tell the team that something is wrong"),
        shortcut("Save a file", "global", "save_file", "Put a file into storage"),
        shortcut("Save to storage", "message", "save_to_storage", "Put this message's files, or its text, into storage"),
        shortcut("Turn into alert", "message", "turn_into_alert", "Make an alert of this message"),
    ])
}

/// `/bellhop`, and one command per group, as far as Slack takes them.
fn slash_commands(commands: &[About]) -> Vec<Map<String, Value>> {
    let mut groups: BTreeMap<&str, Vec<&About>> = BTreeMap::new();
    for about in commands {
        groups.entry(about.group()).or_default().push(about);
    }
    let slash = |name: &str, description: &str, hint: &str| {
        let mut command = Map::new();
        command.insert("command".into(), json!(format!("/{name}")));
        command.insert("description".into(), json!(shorten(&one_line(description), DESCRIPTION)));
        if !hint.is_empty() {
            command.insert("usage_hint".into(), json!(shorten(&one_line(hint), HINT)));
        }
        command.insert("should_escape".into(), json!(true));
        command
    };
    let all: Vec<&str> = groups.keys().copied().collect();
    let root = slash("bellhop", "Run any command of Bellhop", &if all.is_empty() { "help".to_owned() } else { all.join(" | ") });
    let taken = |name: &str| name == "bellhop" || SLACKS_OWN.contains(&name);
    let fits = |name: &str| {
        name.len() < COMMAND
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let direct = groups.iter().filter(|(name, _)| !taken(name) && fits(name)).take(COMMANDS - 1);
    std::iter::once(root)
        .chain(direct.map(|(name, members)| match members.as_slice() {
            [only] => {
                let usage = usage(only);
                slash(name, only.summary, usage.strip_prefix(name).unwrap_or(&usage).trim())
            }
            members => {
                let verbs: Vec<&str> = members.iter().filter_map(|about| about.verb()).collect();
                slash(name, &described(members), &verbs.join(" | "))
            }
        }))
        .collect()
}

/// What a group does: what its commands do.
fn described(members: &[&About]) -> String {
    let list: Vec<String> = members
        .iter()
        .map(|about| match about.verb() {
            Some(verb) => format!("{verb}: {}", about.summary),
            None => about.summary.to_owned(),
        })
        .collect();
    list.join("; ")
}

/// The host under which our own links are known, where it is a name that Slack takes.
fn unfurl_domain(public_url: &str) -> Option<String> {
    let url = public_url.parse::<Url>().ok()?;
    let Some(Host::Domain(host)) = url.host() else { return None };
    let plain = host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    let private = [".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test", ".invalid"].iter().any(|end| host.ends_with(end));
    (plain && !private && host.contains('.') && !host.starts_with(['.', '-']) && !host.ends_with(['.', '-']) && host.len() <= 255)
        .then(|| host.to_owned())
}

/// Whether Slack could deliver to this address: it is encrypted and lies on no private network, as far as its name says.
pub(crate) fn reachable(public_url: &str) -> bool {
    let Ok(url) = public_url.parse::<Url>() else { return false };
    let public = match url.host() {
        Some(Host::Ipv4(ip)) => !private(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => !private(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => unfurl_domain(public_url).is_some(),
        None => false,
    };
    url.scheme() == "https" && public
}

fn private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
