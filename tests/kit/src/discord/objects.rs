//! Discord's objects as JSON: users, members, roles, channels, messages, guilds.
//!
//! <https://docs.discord.com/developers/resources/message#message-object> and its neighbours

use super::ids::{Id, made};
use super::records::{Channel, Command, File, Guild, Message, Overwrite, Role, Webhook};
use super::settings::Kind;
use super::state::State;
use bellhop_core::Timestamp;
use serde_json::{Map, Value, json};

/// The intent for what messages say.
pub(super) const MESSAGE_CONTENT: u64 = 1 << 15;

/// A moment as Discord writes it.
pub(super) fn iso(millis: i64) -> String {
    let moment = Timestamp::from_timestamp_millis(millis).unwrap_or(Timestamp::MIN_UTC);
    moment.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

pub(super) fn role_json(role: &Role) -> Value {
    let mut value = json!({
        "id": role.id.to_string(), "name": role.name, "color": role.color, "colors": { "primary_color": role.color, "secondary_color": null, "tertiary_color": null },
        "hoist": role.hoist, "icon": null, "unicode_emoji": null, "position": role.position,
        "permissions": role.permissions.to_string(), "managed": role.managed.is_some(), "mentionable": role.mentionable, "flags": 0,
    });
    if let Some(app) = role.managed {
        value["tags"] = json!({ "bot_id": app.to_string() });
    }
    value
}

fn overwrite_json(one: &Overwrite) -> Value {
    json!({ "id": one.id.to_string(), "type": u8::from(one.member), "allow": one.allow.to_string(), "deny": one.deny.to_string() })
}

pub(super) fn webhook_json(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id.to_string(), "type": 1, "guild_id": webhook.guild.to_string(), "channel_id": webhook.channel.to_string(),
        "name": webhook.name, "avatar": null, "token": webhook.token, "application_id": webhook.app.to_string(),
    })
}

pub(super) fn command_json(app: Id, command: &Command) -> Value {
    let mut value = command.body.clone();
    value["id"] = json!(command.id.to_string());
    value["application_id"] = json!(app.to_string());
    value["version"] = json!(command.version.to_string());
    if let Some(guild) = command.guild {
        value["guild_id"] = json!(guild.to_string());
    }
    value
}

impl State {
    pub(super) fn user_json(&self, id: Id) -> Value {
        let Some(user) = self.users.get(&id) else {
            // A webhook, which is nobody's account.
            return json!({ "id": id.to_string(), "username": "webhook", "discriminator": "0000", "avatar": null, "bot": true });
        };
        let mut value = json!({
            "id": id.to_string(), "username": user.spec.name, "global_name": user.spec.display_name, "avatar": null, "discriminator": "0",
            "public_flags": 0, "avatar_decoration_data": null,
        });
        if user.bot {
            value["bot"] = json!(true);
            value["global_name"] = Value::Null;
        }
        value
    }

    pub(super) fn member_json(&self, guild: &Guild, id: Id) -> Value {
        let member = guild.members.get(&id);
        let roles: Vec<String> = member.into_iter().flat_map(|member| &member.roles).map(Id::to_string).collect();
        json!({
            "user": self.user_json(id), "nick": null, "avatar": null, "roles": roles, "joined_at": iso(member.map_or(0, |member| member.joined)),
            "premium_since": null, "deaf": false, "mute": false, "flags": 0, "pending": false, "communication_disabled_until": null,
        })
    }

    pub(super) fn channel_json(&self, channel: &Channel) -> Value {
        let id = channel.id.to_string();
        let last = self.messages.get(&channel.id).and_then(|all| all.iter().rfind(|message| !message.gone && message.only.is_none()));
        let last = last.map(|message| message.id.to_string());
        let Some(guild) = channel.guild else {
            let recipients: Vec<Value> =
                channel.recipients.iter().filter(|id| self.apps[0].bot != **id).map(|id| self.user_json(*id)).collect();
            return json!({ "id": id, "type": 1, "last_message_id": last, "recipients": recipients, "flags": 0 });
        };
        let mut value = json!({
            "id": id, "type": channel.kind.number(), "guild_id": guild.to_string(), "name": channel.name,
            "parent_id": channel.parent.map(|id| id.to_string()), "last_message_id": last, "rate_limit_per_user": channel.slowmode, "flags": 0,
        });
        if channel.kind.is_thread() {
            let count = self.messages.get(&channel.id).map_or(0, Vec::len);
            value["owner_id"] = json!(channel.owner.unwrap_or(0).to_string());
            value["message_count"] = json!(count);
            value["total_message_sent"] = json!(count);
            value["member_count"] = json!(channel.thread_members.len());
            value["thread_metadata"] = json!({
                "archived": channel.archived, "auto_archive_duration": channel.auto_archive, "archive_timestamp": iso(made(channel.id)),
                "locked": channel.locked, "create_timestamp": iso(made(channel.id)),
            });
            if channel.kind == Kind::PrivateThread {
                value["thread_metadata"]["invitable"] = json!(true);
            }
            value["applied_tags"] = json!(channel.applied_tags);
            return value;
        }
        value["position"] = json!(channel.position);
        value["permission_overwrites"] = channel.overwrites.iter().map(overwrite_json).collect();
        value["nsfw"] = json!(channel.nsfw);
        value["topic"] = if channel.topic.is_empty() { Value::Null } else { json!(channel.topic) };
        if channel.kind == Kind::Forum {
            value["available_tags"] = json!(channel.tags);
            value["default_reaction_emoji"] = Value::Null;
            value["default_sort_order"] = Value::Null;
            value["default_forum_layout"] = json!(0);
        }
        if channel.kind == Kind::Voice {
            value["bitrate"] = json!(64_000);
            value["user_limit"] = json!(0);
            value["rtc_region"] = Value::Null;
        }
        value
    }

    pub(super) fn file_json(&self, file: &File) -> Value {
        let url = self.link(file);
        let mut value = json!({
            "id": file.id.to_string(), "filename": file.name, "size": file.bytes.len(), "url": url, "proxy_url": url, "content_type": file.mime,
        });
        if let Some(text) = &file.description {
            value["description"] = json!(text);
        }
        if file.mime.starts_with("image/") {
            value["width"] = json!(64);
            value["height"] = json!(64);
        }
        if file.ephemeral {
            value["ephemeral"] = json!(true);
        }
        value
    }

    /// Whether an app reads what this message says.
    fn reads(&self, message: &Message, app: Id) -> bool {
        let Some(app) = self.app(app) else { return true };
        let direct = self.channels.get(&message.channel).is_some_and(|channel| channel.kind == Kind::Direct);
        app.privileged & MESSAGE_CONTENT != 0 || direct || message.author == app.bot || message.mentions.contains(&app.bot)
    }

    /// A message as an app gets it.
    pub(super) fn message_json(&self, message: &Message, app: Id) -> Value {
        self.message_as(message, self.reads(message, app), true)
    }

    /// The same with everything that it says, as the target of a command or in the app's own answers.
    pub(super) fn message_whole(&self, message: &Message) -> Value {
        self.message_as(message, true, true)
    }

    fn message_as(&self, message: &Message, whole: bool, deep: bool) -> Value {
        let mut author = self.user_json(message.webhook.filter(|_| message.app.is_none()).unwrap_or(message.author));
        if let Some(name) = &message.username {
            author["username"] = json!(name);
        }
        let mut value = json!({
            "id": message.id.to_string(), "type": message.kind, "channel_id": message.channel.to_string(), "author": author,
            "content": "", "timestamp": iso(message.at), "edited_timestamp": message.edited.map(iso), "tts": false,
            "mention_everyone": message.mention_everyone, "mentions": message.mentions.iter().map(|id| self.user_json(*id)).collect::<Vec<_>>(),
            "mention_roles": message.mention_roles.iter().map(Id::to_string).collect::<Vec<_>>(),
            "attachments": [], "embeds": [], "components": [], "pinned": message.pinned, "flags": message.flags,
        });
        if whole {
            let files = message.files.iter().filter_map(|id| self.files.get(id));
            value["content"] = json!(message.content);
            value["embeds"] = json!(message.embeds);
            value["components"] = json!(message.components);
            value["attachments"] = files.map(|file| self.file_json(file)).collect();
        }
        if let Some(app) = message.app {
            value["application_id"] = json!(app.to_string());
        }
        if let Some(id) = message.webhook {
            value["webhook_id"] = json!(id.to_string());
        }
        if let Some(nonce) = &message.nonce {
            value["nonce"] = nonce.clone();
        }
        if !message.reactions.is_empty() {
            let one = |(emoji, who): &(String, std::collections::BTreeSet<Id>)| json!({ "count": who.len(), "count_details": { "burst": 0, "normal": who.len() }, "me": who.contains(&self.apps[0].bot), "me_burst": false, "emoji": { "id": null, "name": emoji }, "burst_colors": [] });
            value["reactions"] = message.reactions.iter().filter(|(_, who)| !who.is_empty()).map(one).collect();
        }
        if let Some((id, kind, user)) = message.answers {
            value["interaction_metadata"] =
                json!({ "id": id.to_string(), "type": kind, "user": self.user_json(user), "authorizing_integration_owners": {} });
        }
        if let Some((channel, id)) = message.reference {
            let guild = self.channels.get(&channel).and_then(|channel| channel.guild).map(|id| id.to_string());
            value["message_reference"] =
                json!({ "type": 0, "channel_id": channel.to_string(), "message_id": id.to_string(), "guild_id": guild });
            if deep {
                value["referenced_message"] = self.message(channel, id).map_or(Value::Null, |other| self.message_as(other, whole, false));
            }
        }
        if let Some(thread) = message.thread.and_then(|id| self.channels.get(&id)) {
            value["thread"] = self.channel_json(thread);
        }
        value
    }

    /// A guild as `GUILD_CREATE` brings it.
    pub(super) fn guild_json(&self, guild: &Guild, app: Id) -> Value {
        let bot = self.app(app).map_or(0, |app| app.bot);
        let here = || self.channels.values().filter(|channel| channel.guild == Some(guild.id) && self.sees(channel, bot));
        let members: Vec<Value> = guild.members.keys().map(|id| self.member_json(guild, *id)).collect();
        let mut value = guild.brief();
        let more = json!({
            "joined_at": iso(guild.members.get(&bot).map_or(0, |member| member.joined)), "large": false, "unavailable": false,
            "member_count": members.len(), "voice_states": [], "members": members,
            "channels": here().filter(|channel| !channel.kind.is_thread()).map(|channel| self.channel_json(channel)).collect::<Vec<_>>(),
            "threads": here().filter(|channel| channel.kind.is_thread() && !channel.archived).map(|channel| self.channel_json(channel)).collect::<Vec<_>>(),
            "presences": [], "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
        });
        if let (Value::Object(into), Value::Object(more)) = (&mut value, more) {
            into.extend(more);
        }
        value
    }

    /// An application, as `/applications/@me` shows it.
    pub(super) fn app_json(&self, id: Id) -> Value {
        let Some(app) = self.app(id) else { return Value::Null };
        let mut flags = 0_u64;
        // Limited or not is a matter of how many people there are; here there are few.
        for (intent, limited) in [(1, 1 << 15), (8, 1 << 13), (15, 1 << 19)] {
            flags |= if app.privileged & (1 << intent) == 0 { 0 } else { limited };
        }
        let key = super::delivery::public_key(&app.seed);
        let mut value = json!({
            "id": app.id.to_string(), "name": app.name, "icon": null, "description": "", "bot_public": true, "bot_require_code_grant": false,
            "verify_key": key, "team": null, "flags": flags, "flags_new": flags.to_string(), "summary": "", "type": null, "hook": true,
            "interactions_endpoint_url": app.endpoint, "role_connections_verification_url": null, "approximate_guild_count": self.guilds.len(),
            "owner": self.user_json(self.guilds.values().next().map_or(0, |guild| guild.owner)),
        });
        value["bot"] = self.user_json(app.bot);
        value["install_params"] =
            json!({ "scopes": ["bot", "applications.commands"], "permissions": self.settings.permissions.to_string() });
        value
    }

    /// What a command's `resolved` says of a channel.
    pub(super) fn partial_channel(&self, channel: &Channel, user: Id) -> Value {
        let mut value = self.channel_json(channel);
        let known =
            ["id", "type", "guild_id", "name", "parent_id", "topic", "position", "nsfw", "last_message_id", "thread_metadata", "flags"];
        if let Value::Object(all) = &mut value {
            let kept: Map<String, Value> = std::mem::take(all).into_iter().filter(|(name, _)| known.contains(&name.as_str())).collect();
            *all = kept;
        }
        value["permissions"] = json!(self.permissions(channel, user).to_string());
        value
    }
}

impl Guild {
    pub(super) fn brief(&self) -> Value {
        let features: Vec<&str> = if self.community { vec!["COMMUNITY"] } else { Vec::new() };
        json!({
            "id": self.id.to_string(), "name": self.name, "icon": null, "splash": null, "discovery_splash": null, "owner_id": self.owner.to_string(),
            "afk_channel_id": null, "afk_timeout": 300, "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0,
            "roles": self.roles.iter().map(role_json).collect::<Vec<_>>(), "emojis": [], "features": features, "mfa_level": 0,
            "application_id": null, "system_channel_id": null, "system_channel_flags": 0, "rules_channel_id": self.rules.map(|id| id.to_string()),
            "vanity_url_code": null, "description": null, "banner": null, "premium_tier": 0, "premium_subscription_count": 0,
            "preferred_locale": "en-US", "public_updates_channel_id": self.rules.map(|id| id.to_string()), "nsfw_level": 0, "stickers": [],
            "premium_progress_bar_enabled": false, "safety_alerts_channel_id": null, "incidents_data": null, "max_members": 500_000,
            "max_video_channel_users": 25, "max_stage_video_channel_users": 50, "region": "deprecated", "nsfw": false,
            "approximate_member_count": self.members.len(), "approximate_presence_count": 1,
        })
    }
}
