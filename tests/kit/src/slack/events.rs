//! What the app hears of: which events it gets, and how their bodies look.
//!
//! <https://docs.slack.dev/apis/events-api>

use super::methods::message_json;
use super::state::{Event, Message, State};
use serde_json::{Value, json};

impl State {
    /// An event, if the app is subscribed to it and may see where it happened.
    pub(crate) fn tell(&mut self, team: &str, mut body: Value, channel: Option<&str>) {
        let name = body["type"].as_str().unwrap_or_default().to_owned();
        let name = match (name.as_str(), channel) {
            ("message", Some(channel)) => match self.channel_type(channel) {
                "group" => "message.groups".to_owned(),
                "channel" => "message.channels".to_owned(),
                direct => format!("message.{direct}"),
            },
            _ => name,
        };
        if !self.settings.events.contains(&name) || !self.team(team).is_some_and(|team| team.installed) {
            return;
        }
        let bot = self.bot_of(team);
        if let Some(channel) = channel.and_then(|id| self.channel(id)) {
            let anyway =
                matches!(name.as_str(), "app_home_opened" | "channel_rename" | "channel_archive" | "channel_unarchive" | "link_shared");
            if !channel.members.contains(&bot) && (channel.private || !anyway) {
                return;
            }
        }
        let now = self.fresh_ts();
        if let Some(body) = body.as_object_mut() {
            body.entry("event_ts").or_insert_with(|| json!(now));
        }
        let event_id = self.ids.id("Ev");
        let wrapper = json!({
            "token": "deprecated",
            "team_id": team,
            "context_team_id": team,
            "context_enterprise_id": null,
            "api_app_id": self.app.id,
            "event": body,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": self.time.seconds(),
            "authorizations": [{ "enterprise_id": null, "team_id": team, "user_id": bot, "is_bot": true, "is_enterprise_install": false }],
            "is_ext_shared_channel": false,
            "event_context": format!("4-{event_id}"),
        });
        self.outgoing.push(Event { body: wrapper });
    }

    /// A message has come.
    pub(crate) fn tell_message(&mut self, team: &str, message: &Message) {
        let mut body = message_json(self, message, true);
        if let Some(members) = body.as_object_mut() {
            for name in ["reply_count", "latest_reply"] {
                members.remove(name);
            }
            members.insert("channel".into(), json!(message.channel));
            members.insert("channel_type".into(), json!(self.channel_type(&message.channel)));
            members.insert("event_ts".into(), json!(message.ts));
        }
        if !message.files.is_empty() {
            body["subtype"] = json!("file_share");
        }
        if message.app && body["bot_id"].is_string() && message.username.is_some() {
            body["subtype"] = json!("bot_message");
        }
        self.tell(team, body.clone(), Some(&message.channel));
        let mentioned =
            message.text.contains(&format!("<@{}>", self.bot_of(team))) || message.text.contains(&format!("<@{}|", self.bot_of(team)));
        if mentioned && !message.app && self.channel_type(&message.channel) != "im" {
            body["type"] = json!("app_mention");
            if let Some(members) = body.as_object_mut() {
                members.remove("channel_type");
                members.remove("subtype");
            }
            self.tell(team, body, Some(&message.channel));
        }
    }

    /// A message has been changed.
    pub(crate) fn tell_changed(&mut self, team: &str, message: &Message, old: &Message) {
        let (new, old) = (message_json(self, message, true), message_json(self, old, true));
        let ts = self.fresh_ts();
        let body = json!({
            "type": "message", "subtype": "message_changed", "message": new, "previous_message": old, "hidden": true, "ts": ts, "event_ts": ts,
            "channel": message.channel, "channel_type": self.channel_type(&message.channel),
        });
        self.tell(team, body, Some(&message.channel));
    }

    /// A person wrote links that the app wants to know of.
    pub(crate) fn tell_links(&mut self, team: &str, message: &Message) {
        let mut links = Vec::new();
        for piece in super::mentions::pieces(&message.text) {
            let super::mentions::Piece::Link { url, .. } = piece else { continue };
            let host = url.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#', ':']).next().unwrap_or_default().to_owned());
            let domains = &self.settings.unfurl_domains;
            let known = host.and_then(|host| domains.iter().find(|domain| host == **domain || host.ends_with(&format!(".{domain}"))));
            if let Some(domain) = known {
                links.push((domain.clone(), url));
            }
        }
        if links.is_empty() {
            return;
        }
        let bot = self.bot_of(team);
        let member = self.channel(&message.channel).is_some_and(|channel| channel.members.contains(&bot));
        let mut body = json!({
            "type": "link_shared",
            "channel": message.channel,
            "is_bot_user_member": member,
            "user": message.user,
            "message_ts": message.ts,
            "unfurl_id": format!("{}/{}", message.channel, message.ts),
            "source": "conversations_history",
            "links": links.iter().map(|(domain, url)| json!({ "domain": domain, "url": url })).collect::<Vec<_>>(),
        });
        if let Some(thread) = &message.thread {
            body["thread_ts"] = json!(thread);
        }
        let urls = links.into_iter().map(|(_, url)| url).collect();
        self.unfurlable.insert((message.channel.clone(), message.ts.clone()), urls);
        self.tell(team, body, Some(&message.channel));
    }
}
