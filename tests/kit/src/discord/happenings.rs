//! What happens in a guild beside what people say: the bot is removed, its token is reset, roles and channels change; and what
//! happens to gateway sessions.

use super::gateway::{GatewayEvent, Order, SessionView};
use super::ids::Id;
use super::permissions::permission::{SEND_MESSAGES, VIEW_CHANNEL};
use super::person::Person;
use super::records::Overwrite;
use super::settings::PersonSpec;
use super::world::DiscordWorld;
use crate::conformance::chat::{Attach, Observe, Seen};
use bellhop_core::call::Attachment;
use serde_json::json;
use std::sync::{Arc, PoisonError};

impl DiscordWorld {
    /// The bot's token is reset: the old one is good for nothing, its sessions end with 4004. Returns the new one.
    #[must_use]
    pub fn reset_token(&self) -> String {
        self.world.change(|state| {
            let app = state.apps[0].id;
            state.reset_token(app)
        })
    }

    /// Somebody removes the bot from its first guild. It hears `GUILD_DELETE`.
    pub fn remove_bot(&self) {
        let guild = self.guild();
        self.world.change(|state| {
            let app = state.apps[0].id;
            state.tell_guild(app, guild, "GUILD_DELETE");
            if let Some(guild) = state.guilds.get_mut(&guild) {
                guild.members.remove(&app);
                guild.roles.retain(|role| role.managed != Some(app));
            }
        });
    }

    /// Somebody brings the bot into its first guild again. It hears `GUILD_CREATE`.
    pub fn invite_bot(&self) {
        let guild = self.guild();
        self.world.change(|state| {
            let (app, permissions) = (state.apps[0].id, state.settings.permissions);
            state.install(guild, app, permissions, 3);
            state.tell_guild(app, guild, "GUILD_CREATE");
        });
    }

    /// The guild can't be had for a while, or can be had again.
    pub fn outage(&self, on: bool) {
        let guild = self.guild();
        self.world.change(|state| {
            let app = state.apps[0].id;
            if let Some(guild) = state.guilds.get_mut(&guild) {
                guild.unavailable = on;
            }
            state.tell_guild(app, guild, if on { "GUILD_DELETE" } else { "GUILD_CREATE" });
        });
    }

    /// Gives the bot's own role these permissions, as bits, and no others.
    pub fn grant(&self, permissions: u64) {
        let guild = self.guild();
        self.world.change(|state| {
            let app = state.apps[0].id;
            state.settings.permissions = permissions;
            let own = state.guilds.get_mut(&guild).and_then(|guild| guild.roles.iter_mut().find(|role| role.managed == Some(app)));
            if let Some(role) = own {
                role.permissions = permissions;
            }
            if let Some(role) = state.own_role(guild, app) {
                state.tell_role(guild, "GUILD_ROLE_UPDATE", &role);
            }
        });
    }

    /// From now on everyone may do this in the guild, as bits.
    pub fn grant_everyone(&self, permissions: u64) {
        let guild = self.guild();
        self.world.change(|state| {
            if let Some(role) = state.guilds.get_mut(&guild).and_then(|guild| guild.roles.first_mut()) {
                role.permissions = permissions;
            }
        });
    }

    /// From now on the bot may not write in a channel; or it may not even see it.
    pub fn shut_out(&self, channel: &str, sees: bool) {
        let id = self.channel_number(channel);
        self.world.change(|state| {
            let bot = state.apps[0].bot;
            let deny = if sees { SEND_MESSAGES } else { VIEW_CHANNEL };
            if let Some(channel) = state.channels.get_mut(&id) {
                channel.overwrites.retain(|one| one.id != bot);
                channel.overwrites.push(Overwrite { id: bot, member: true, allow: 0, deny });
            }
            state.tell_channel("CHANNEL_UPDATE", id);
        });
    }

    /// What was denied to the bot in a channel is so no longer.
    pub fn let_in(&self, channel: &str) {
        let id = self.channel_number(channel);
        self.world.change(|state| {
            let bot = state.apps[0].bot;
            if let Some(channel) = state.channels.get_mut(&id) {
                channel.overwrites.retain(|one| one.id != bot);
            }
            state.tell_channel("CHANNEL_UPDATE", id);
        });
    }

    /// A person deletes a channel.
    pub fn delete_channel(&self, channel: &str) {
        let id = self.channel_number(channel);
        self.world.change(|state| state.close_channel(id));
    }

    /// A person gives a channel another name.
    pub fn rename_channel(&self, channel: &str, name: &str) {
        let id = self.channel_number(channel);
        self.world.change(|state| {
            if let Some(channel) = state.channels.get_mut(&id) {
                name.clone_into(&mut channel.name);
            }
            state.tell_channel("CHANNEL_UPDATE", id);
        });
    }

    /// A thread goes to the archive, locked where that is true.
    pub fn archive_thread(&self, thread: &str, locked: bool) {
        let id = self.channel_number(thread);
        self.world.change(|state| {
            if let Some(channel) = state.channels.get_mut(&id) {
                (channel.archived, channel.locked) = (true, locked);
            }
            state.tell_channel("THREAD_UPDATE", id);
        });
    }

    /// A person changes: another name, another zone.
    pub fn change_person(&self, person: &Person, change: impl FnOnce(&mut PersonSpec)) {
        let guild = self.guild();
        self.world.change(|state| {
            if let Some(user) = state.users.get_mut(&person.number) {
                change(&mut user.spec);
            }
            state.tell_member(guild, person.number);
        });
    }

    /// A person gets a role by its name, or loses it.
    pub fn give_role(&self, person: &Person, role: &str, on: bool) {
        let guild = self.guild();
        self.world.change(|state| {
            if let Some(guild) = state.guilds.get_mut(&guild)
                && let Some(role) = guild.roles.iter().find(|one| one.name == role).map(|one| one.id)
                && let Some(member) = guild.members.get_mut(&person.number)
            {
                if on {
                    member.roles.insert(role)
                } else {
                    member.roles.remove(&role)
                };
            }
            state.tell_member(guild, person.number);
        });
    }

    /// The names of a person's roles.
    #[must_use]
    pub fn roles_of(&self, person: &Person) -> Vec<String> {
        let guild = self.guild();
        let state = self.world.state();
        let Some(guild) = state.guilds.get(&guild) else { return Vec::new() };
        let own = guild.members.get(&person.number).map(|member| member.roles.clone()).unwrap_or_default();
        guild.roles.iter().filter(|role| own.contains(&role.id)).map(|role| role.name.clone()).collect()
    }

    /// Somebody deletes a message, the bot's too.
    pub fn delete_message(&self, channel: &str, message: &str) {
        let id = self.channel_number(channel);
        if let Ok(message) = message.parse() {
            self.world.change(|state| state.remove(id, message));
        }
    }

    /// The files of a message are gone from the CDN.
    pub fn lose_files(&self, channel: &str, message: &str) {
        let id = self.channel_number(channel);
        self.world.change(|state| {
            let own = message.parse().ok().and_then(|message| state.message(id, message)).map(|message| message.files.clone());
            for id in own.unwrap_or_default() {
                if let Some(file) = state.files.get_mut(&id) {
                    file.gone = true;
                }
            }
        });
    }

    /// Reasons that came for the audit log: route and reason.
    #[must_use]
    pub fn reasons(&self) -> Vec<(String, String)> {
        self.world.state().reasons.clone()
    }

    /// The codes of the invitations that there are, with the channels that they lead to.
    #[must_use]
    pub fn invites(&self) -> Vec<(String, String)> {
        self.world.state().invites.iter().map(|(code, (channel, _))| (code.clone(), channel.to_string())).collect()
    }

    /// The commands that the app has, global or of its first guild, as Discord keeps them.
    #[must_use]
    pub fn commands(&self) -> Vec<serde_json::Value> {
        let state = self.world.state();
        let app = &state.apps[0];
        app.commands.iter().map(|command| super::objects::command_json(app.id, command)).collect()
    }

    /// Somebody else's command in the same application, which isn't the bot's to take away.
    pub fn add_command(&self, body: &serde_json::Value) {
        self.world.change(|state| {
            let id = state.fresh();
            state.apps[0].commands.push(super::records::Command { id, guild: None, version: id, body: body.clone() });
        });
    }

    /// The gateway's sessions.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionView> {
        self.world.state().session_views()
    }

    /// What happened at the gateway, in order.
    #[must_use]
    pub fn gateway_events(&self) -> Vec<GatewayEvent> {
        self.world.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn frame(&self, session: &str, frame: &serde_json::Value) {
        self.world.state().order(session, Order::Send(frame.to_string()));
    }

    /// Op 7: tells a session to come back and go on.
    pub fn reconnect(&self, session: &str) {
        self.frame(session, &json!({ "op": 7, "t": null, "s": null, "d": null }));
    }

    /// Op 9: a session is good no more; where it can be resumed, it may try.
    pub fn invalidate(&self, session: &str, resumable: bool) {
        self.frame(session, &json!({ "op": 9, "t": null, "s": null, "d": resumable }));
        if !resumable {
            self.world.change(|state| {
                for one in state.sessions.iter_mut().filter(|one| one.id == session) {
                    // The connection stays, and nothing can be resumed.
                    one.id.push_str(" (over)");
                }
            });
        }
    }

    /// Op 1: asks for a heartbeat at once.
    pub fn ask_for_beat(&self, session: &str) {
        self.frame(session, &json!({ "op": 1, "t": null, "s": null, "d": null }));
    }

    /// Sends any text over a session, garbage too.
    pub fn send_over_gateway(&self, session: &str, text: &str) {
        self.world.state().order(session, Order::Send(text.to_owned()));
    }

    /// Ends a session's connection with this code.
    pub fn close(&self, session: &str, code: u16) {
        self.world.state().order(session, Order::Close(code));
    }

    /// Breaks a session's connection: the app sees a reset.
    pub fn reset(&self, session: &str) {
        self.world.state().order(session, Order::Reset);
    }

    /// From now on nothing is read from a session's connection or written to it, and it stays: a zombie.
    pub fn silence(&self, session: &str) {
        self.world.state().order(session, Order::Silence);
    }

    /// Forgets all sessions, as after a long while: none can be resumed.
    pub fn forget_sessions(&self) {
        self.world.change(|state| {
            for session in &state.sessions {
                if let Some(orders) = &session.orders {
                    let _ = orders.send(Order::Reset);
                }
            }
            state.sessions.clear();
        });
    }

    /// From now on the gateway takes no connections, or takes them again.
    pub fn gateway_closed(&self, closed: bool) {
        self.world.change(|state| {
            state.gateway_closed = closed;
            if closed {
                for session in &state.sessions {
                    if let Some(orders) = &session.orders {
                        let _ = orders.send(Order::Reset);
                    }
                }
            }
        });
    }

    /// What a person sees of the bot's messages, for the conformance suite of the chat port.
    #[must_use]
    pub fn observe(&self) -> Observe {
        let (world, guild) = (self.world.clone(), self.guild());
        Arc::new(move |at, reader| {
            let number = reader.user.as_str().parse::<Id>().unwrap_or(0);
            let person = Person { world: world.clone(), id: number.to_string(), number, guild, name: number.to_string() };
            let channel = at.channel.as_str().parse::<Id>().unwrap_or(0);
            let seen = person.reads(channel).into_iter().filter(|seen| seen.bot && !seen.thinking).map(|seen| Seen {
                id: seen.id,
                text: seen.text,
                links: seen.links,
                actions: seen.buttons,
                notified: seen.notified,
                files: seen.files,
            });
            let seen: Vec<Seen> = seen.collect();
            Box::pin(async move { seen })
        })
    }

    /// A person sends a file, for the conformance suite: `reported` makes of Discord's attachment what the adapter reports.
    #[must_use]
    pub fn attach(&self, person: &Person, reported: fn(&serde_json::Value) -> Attachment) -> Attach {
        let person = person.clone();
        Arc::new(move |at, name, bytes| {
            let person = person.clone();
            Box::pin(async move {
                let message = person.upload(at.channel.as_str(), &name, &bytes, "").unwrap_or_default();
                let (channel, message) = (at.channel.as_str().parse().unwrap_or(0), message.parse().unwrap_or(0));
                let state = person.world.state();
                let shown = state.message(channel, message).map(|found| state.message_whole(found)).unwrap_or_default();
                reported(&shown["attachments"][0])
            })
        })
    }
}
