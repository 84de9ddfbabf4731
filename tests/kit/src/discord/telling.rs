//! What apps hear of through the gateway.
//!
//! <https://docs.discord.com/developers/events/gateway-events>

use super::ids::Id;
use super::objects::role_json;
use super::records::Channel;
use super::state::State;
use serde_json::{Value, json};

/// The intents, by their bits.
pub(super) mod intent {
    pub const GUILDS: u32 = 0;
    pub const MEMBERS: u32 = 1;
    pub const GUILD_MESSAGES: u32 = 9;
    pub const GUILD_REACTIONS: u32 = 10;
    pub const DIRECT_MESSAGES: u32 = 12;
    pub const DIRECT_REACTIONS: u32 = 13;
}

impl State {
    /// The apps whose bots see a channel.
    fn readers(&self, channel: &Channel) -> Vec<Id> {
        self.apps.iter().filter(|app| self.sees(channel, app.bot)).map(|app| app.id).collect()
    }

    /// A message has come, or has been changed.
    pub(super) fn tell_message(&mut self, name: &str, channel: Id, id: Id) {
        let Some(home) = self.channels.get(&channel).cloned() else { return };
        let Some(message) = self.message(channel, id).filter(|message| message.only.is_none()).cloned() else { return };
        let intent = if home.guild.is_some() { intent::GUILD_MESSAGES } else { intent::DIRECT_MESSAGES };
        for app in self.readers(&home) {
            let mut body = self.message_json(&message, app);
            body["channel_type"] = json!(home.kind.number());
            if let Some(guild) = home.guild.and_then(|id| self.guilds.get(&id)) {
                body["guild_id"] = json!(guild.id.to_string());
                if guild.members.contains_key(&message.author) && message.webhook.is_none() {
                    let mut member = self.member_json(guild, message.author);
                    if let Some(member) = member.as_object_mut() {
                        member.remove("user");
                    }
                    body["member"] = member;
                }
            }
            self.tell(app, home.guild, Some(intent), name, &body);
        }
    }

    /// A message has been taken away.
    pub(super) fn tell_removed(&mut self, channel: Id, id: Id) {
        let Some(home) = self.channels.get(&channel).cloned() else { return };
        let intent = if home.guild.is_some() { intent::GUILD_MESSAGES } else { intent::DIRECT_MESSAGES };
        let mut body = json!({ "id": id.to_string(), "channel_id": channel.to_string() });
        if let Some(guild) = home.guild {
            body["guild_id"] = json!(guild.to_string());
        }
        for app in self.readers(&home) {
            self.tell(app, home.guild, Some(intent), "MESSAGE_DELETE", &body);
        }
    }

    pub(super) fn tell_reaction(&mut self, channel: Id, id: Id, emoji: &str, user: Id, on: bool) {
        let Some(home) = self.channels.get(&channel).cloned() else { return };
        let author = self.message(channel, id).map_or(0, |message| message.author);
        let intent = if home.guild.is_some() { intent::GUILD_REACTIONS } else { intent::DIRECT_REACTIONS };
        let mut body = json!({
            "user_id": user.to_string(), "channel_id": channel.to_string(), "message_id": id.to_string(), "type": 0, "burst": false,
            "emoji": { "id": null, "name": emoji },
        });
        if on {
            body["message_author_id"] = json!(author.to_string());
        }
        if let Some(guild) = home.guild.and_then(|id| self.guilds.get(&id)) {
            body["guild_id"] = json!(guild.id.to_string());
            if on {
                body["member"] = self.member_json(guild, user);
            }
        }
        let name = if on { "MESSAGE_REACTION_ADD" } else { "MESSAGE_REACTION_REMOVE" };
        for app in self.readers(&home) {
            self.tell(app, home.guild, Some(intent), name, &body);
        }
    }

    /// A channel or thread is new, changed, or about to go.
    pub(super) fn tell_channel(&mut self, name: &str, id: Id) {
        let Some(channel) = self.channels.get(&id).cloned() else { return };
        let mut body = self.channel_json(&channel);
        if name == "THREAD_CREATE" {
            body["newly_created"] = json!(true);
        }
        if name == "THREAD_DELETE" {
            body = json!({ "id": id.to_string(), "guild_id": body["guild_id"], "parent_id": body["parent_id"], "type": body["type"] });
        }
        for app in self.readers(&channel) {
            self.tell(app, channel.guild, Some(intent::GUILDS), name, &body);
        }
    }

    pub(super) fn tell_member(&mut self, guild: Id, user: Id) {
        let Some(found) = self.guilds.get(&guild) else { return };
        let mut body = self.member_json(found, user);
        body["guild_id"] = json!(guild.to_string());
        for app in self.members_of(guild) {
            // What changes about the bot itself needs no intent.
            let intent = if app == user { intent::GUILDS } else { intent::MEMBERS };
            self.tell(app, Some(guild), Some(intent), "GUILD_MEMBER_UPDATE", &body);
        }
    }

    pub(super) fn tell_role(&mut self, guild: Id, name: &str, role: &Value) {
        let body = json!({ "guild_id": guild.to_string(), "role": role });
        for app in self.members_of(guild) {
            self.tell(app, Some(guild), Some(intent::GUILDS), name, &body);
        }
    }

    /// The apps whose bots are in a guild.
    pub(super) fn members_of(&self, guild: Id) -> Vec<Id> {
        let Some(guild) = self.guilds.get(&guild) else { return Vec::new() };
        self.apps.iter().filter(|app| guild.members.contains_key(&app.bot)).map(|app| app.id).collect()
    }

    /// Op 8: the members of a guild.
    pub(super) fn members_asked(&mut self, connection: u64, d: &Value) {
        let guild = d["guild_id"].as_str().and_then(|id| id.parse::<Id>().ok());
        let Some(guild) = guild.and_then(|id| self.guilds.get(&id)) else { return };
        let members: Vec<Value> = guild.members.keys().map(|id| self.member_json(guild, *id)).collect();
        let body = json!({
            "guild_id": guild.id.to_string(), "members": members, "chunk_index": 0, "chunk_count": 1, "not_found": [], "presences": [],
            "nonce": d["nonce"],
        });
        if let Some(session) = self.sessions.iter_mut().find(|session| session.connection == connection) {
            session.dispatch("GUILD_MEMBERS_CHUNK", &body);
        }
    }

    /// A guild comes, or goes.
    pub(super) fn tell_guild(&mut self, app: Id, guild: Id, name: &str) {
        let Some(found) = self.guilds.get(&guild) else { return };
        let body = match name {
            "GUILD_CREATE" => self.guild_json(found, app),
            "GUILD_DELETE" if found.unavailable => json!({ "id": guild.to_string(), "unavailable": true }),
            _ => json!({ "id": guild.to_string() }),
        };
        self.tell(app, Some(guild), Some(intent::GUILDS), name, &body);
    }

    /// The bot's own role, for events about it.
    pub(super) fn own_role(&self, guild: Id, app: Id) -> Option<Value> {
        self.guilds.get(&guild)?.roles.iter().find(|role| role.managed == Some(app)).map(role_json)
    }
}
