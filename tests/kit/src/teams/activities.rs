//! What activities look like. <https://github.com/microsoft/botframework-sdk/blob/main/specs/botframework-activity/botframework-activity.md>

use super::state::{Conversation, Kind, State, bare};
use serde_json::{Value, json};

impl State {
    /// What every activity has: who did something, and where.
    pub(super) fn activity(&mut self, kind: &str, who: &str, conversation: &str) -> Value {
        let (now, id) = (self.now(), self.ids.opaque(12));
        let found = self.conversation(conversation).cloned();
        let mut from = self.account(who);
        if from["id"].is_null() {
            from = json!({ "id": who });
        }
        let zone = self.user(who).map_or_else(|| "UTC".to_owned(), |user| user.spec.zone.clone());
        let mut activity = json!({
            "type": kind,
            "id": format!("f:{id}"),
            "timestamp": now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "localTimestamp": now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "localTimezone": zone,
            "serviceUrl": self.service_url(),
            "channelId": "msteams",
            "from": from,
            "conversation": self.named(conversation, found.as_ref()),
            "recipient": { "id": self.bot(), "name": "Bellhop" },
            "entities": [{ "type": "clientInfo", "locale": "en-US", "country": "US", "platform": "Web", "timezone": zone }],
            "channelData": { "tenant": { "id": self.tenant } },
            "locale": "en-US",
        });
        if let Some(found) = found.filter(|one| one.kind == Kind::Channel) {
            let team = found.team.as_deref().and_then(|team| self.team(team));
            activity["channelData"]["team"] = json!({ "id": found.team, "name": team.map(|team| &team.name) });
            activity["channelData"]["channel"] = json!({ "id": found.id, "name": found.name });
        }
        activity
    }

    fn named(&self, id: &str, conversation: Option<&Conversation>) -> Value {
        let mut named = json!({ "id": id, "tenantId": self.tenant });
        match conversation.map(|one| one.kind) {
            Some(Kind::Personal) => named["conversationType"] = json!("personal"),
            Some(Kind::Group) => {
                named["conversationType"] = json!("groupChat");
                named["isGroup"] = json!(true);
            }
            Some(Kind::Channel) => {
                named["conversationType"] = json!("channel");
                named["isGroup"] = json!(true);
                named["name"] = json!(conversation.map(|one| &one.name));
            }
            None => {}
        }
        named
    }

    /// The conversation's id as an activity about this message has it: in a channel with the thread.
    pub(super) fn threaded(&self, conversation: &str, root: Option<&str>, id: &str) -> String {
        match self.conversation(conversation).map(|one| one.kind) {
            Some(Kind::Channel) => format!("{};messageid={}", bare(conversation), root.unwrap_or(id)),
            _ => conversation.to_owned(),
        }
    }

    /// What a person types, with mentions: `@bellhop` and `@bob` become their words and their entities.
    pub(super) fn typed(&self, text: &str) -> (String, Vec<Value>) {
        let (mut words, mut entities) = (Vec::new(), Vec::new());
        for word in text.split(' ') {
            let (body, tail) = word.split_at(word.trim_end_matches([',', '.', ':', ';', '!', '?', ')']).len());
            let named = body.strip_prefix('@').and_then(|name| {
                if name.eq_ignore_ascii_case("bellhop") {
                    return Some((self.bot(), "Bellhop".to_owned()));
                }
                self.users.iter().find(|user| user.spec.name == name).map(|user| (user.id.clone(), user.spec.display_name.clone()))
            });
            if let Some((id, name)) = named {
                let said = format!("<at>{name}</at>");
                entities.push(json!({ "type": "mention", "mentioned": { "id": id, "name": name }, "text": said }));
                words.push(said + tail);
            } else {
                words.push(word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
            }
        }
        (words.join(" "), entities)
    }
}
