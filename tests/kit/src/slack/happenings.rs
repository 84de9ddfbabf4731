//! What happens in a workspace beside what people say: the app is removed, tokens end, people and channels change, somebody lets
//! the app in; and what happens to sockets.

use super::delivery::Delivery;
use super::methods;
use super::person::Person;
use super::settings::PersonSpec;
use super::socket::{Acknowledged, SocketEvent};
use super::world::SlackWorld;
use crate::conformance::chat::{Observe, Seen};
use serde_json::json;
use std::sync::Arc;

impl SlackWorld {
    /// Ends the bot's tokens in a workspace: calls answer with this code (`token_revoked`, `account_inactive`) from now on. The app
    /// hears nothing of it.
    pub fn end_tokens(&self, team: &str, code: &str) {
        let mut state = self.world.state();
        for token in state.tokens.values_mut().filter(|token| token.team == team && !token.app_level) {
            token.revoked = Some(code.to_owned());
        }
    }

    /// Ends one token.
    pub fn end_token(&self, token: &str, code: &str) {
        if let Some(token) = self.world.state().tokens.get_mut(token) {
            token.revoked = Some(code.to_owned());
        }
    }

    /// Gives the bot a new token in a workspace, as installing the app again does; the old ones stay as they are.
    #[must_use]
    pub fn new_token(&self, team: &str) -> String {
        let mut state = self.world.state();
        let scopes = state.settings.scopes.clone();
        state.install(team, scopes, None)
    }

    /// Removes the app from a workspace: it hears `tokens_revoked` and `app_uninstalled`, in no order, and its tokens end.
    pub fn uninstall(&self, team: &str) {
        self.world.change(|state| {
            let bot = state.bot_of(team);
            state.tell(team, json!({ "type": "tokens_revoked", "tokens": { "oauth": [], "bot": [bot] } }), None);
            state.tell(team, json!({ "type": "app_uninstalled" }), None);
            for token in state.tokens.values_mut().filter(|token| token.team == team && !token.app_level) {
                token.revoked = Some("account_inactive".into());
            }
            if let Some(team) = state.teams.iter_mut().find(|known| known.id == team) {
                team.installed = false;
            }
        });
    }

    /// A person changes: another name, another zone, gone. The app hears `user_change`.
    pub fn change_person(&self, person: &Person, change: impl FnOnce(&mut PersonSpec)) {
        self.world.change(|state| {
            let now = state.time.now();
            let Some(user) = state.users.iter_mut().find(|user| user.id == person.id) else { return };
            change(&mut user.spec);
            user.updated = now.timestamp();
            let shown = methods::user_json(user, false, now);
            state.tell(&person.team, json!({ "type": "user_change", "user": shown, "cache_ts": now.timestamp() }), None);
        });
    }

    /// A person closes a channel. The app hears of it and is in it no more.
    pub fn archive(&self, channel: &str) {
        let id = self.channel(channel);
        self.world.change(|state| {
            let Some((team, who)) = state.channel(&id).map(|channel| (channel.team.clone(), channel.creator.clone())) else { return };
            state.tell(&team, json!({ "type": "channel_archive", "channel": id, "user": who }), Some(&id));
            let bot = state.bot_of(&team);
            if let Some(channel) = state.channel_mut(&id) {
                channel.archived = true;
                channel.members.retain(|member| *member != bot);
            }
        });
    }

    /// A person opens a channel again, and invites the bot.
    pub fn unarchive(&self, channel: &str) {
        let id = self.channel(channel);
        self.world.change(|state| {
            let Some((team, who)) = state.channel(&id).map(|channel| (channel.team.clone(), channel.creator.clone())) else { return };
            if let Some(channel) = state.channel_mut(&id) {
                channel.archived = false;
            }
            let bot = state.bot_of(&team);
            state.join(&team, &id, &bot, Some(&who));
            state.tell(&team, json!({ "type": "channel_unarchive", "channel": id, "user": who }), Some(&id));
        });
    }

    /// A person deletes a channel: it is gone, and the app hears `channel_deleted` where it is subscribed to that.
    pub fn delete_channel(&self, channel: &str) {
        let id = self.channel(channel);
        self.world.change(|state| {
            let team = state.channel(&id).map(|channel| channel.team.clone()).unwrap_or_default();
            state.tell(&team, json!({ "type": "channel_deleted", "channel": id }), Some(&id));
            state.channels.retain(|channel| channel.id != id);
        });
    }

    /// A person gives a channel another name.
    pub fn rename_channel(&self, channel: &str, name: &str) {
        let id = self.channel(channel);
        self.world.change(|state| {
            let created = state.time.seconds();
            let Some(channel) = state.channel_mut(&id) else { return };
            name.clone_into(&mut channel.name);
            let team = channel.team.clone();
            let about = json!({ "id": id, "name": name, "created": created });
            state.tell(&team, json!({ "type": "channel_rename", "channel": about }), Some(&id));
        });
    }

    /// A person takes the bot out of a channel.
    pub fn remove_bot(&self, channel: &str) {
        let id = self.channel(channel);
        self.world.change(|state| {
            let team = state.channel(&id).map(|channel| channel.team.clone()).unwrap_or_default();
            let bot = state.bot_of(&team);
            state.part(&team, &id, &bot);
        });
    }

    /// A person brings the bot into a channel.
    pub fn invite_bot(&self, channel: &str) {
        let id = self.channel(channel);
        self.world.change(|state| {
            let Some((team, who)) = state.channel(&id).map(|channel| (channel.team.clone(), channel.creator.clone())) else { return };
            let bot = state.bot_of(&team);
            state.join(&team, &id, &bot, Some(&who));
        });
    }

    /// A group of people that can be called together; its id, `S…`.
    #[must_use]
    pub fn add_subteam(&self, handle: &str, people: &[&Person]) -> String {
        let mut state = self.world.state();
        let id = state.ids.id("S");
        state.subteams.insert(id.clone(), (handle.to_owned(), people.iter().map(|person| person.id.clone()).collect()));
        id
    }

    /// Somebody deletes a message, the bot's too.
    pub fn delete_message(&self, channel: &str, ts: &str) {
        let id = self.channel(channel);
        if let Some(message) = self.world.state().message_mut(&id, ts) {
            message.gone = true;
        }
    }

    /// From now on a file is one of another organisation: events and messages show its id only.
    pub fn make_external(&self, file: &str) {
        if let Some(file) = self.world.state().files.get_mut(file) {
            file.external = true;
        }
    }

    /// From now on downloads answer with a redirect first.
    pub fn redirect_downloads(&self, on: bool) {
        self.world.state().redirect_downloads = on;
    }

    /// A person opens the address of the app's OAuth page and lets the app in; where their browser goes next.
    ///
    /// # Errors
    /// What the page says in its place: `invalid_client_id`, `bad_redirect_uri`, `no_scopes`.
    pub fn authorize(&self, address: &str, person: &Person) -> Result<String, String> {
        let (page, query) = address.split_once('?').unwrap_or((address, ""));
        if !page.ends_with("/oauth/v2/authorize") {
            return Err(format!("{page} is not the page where apps are let in"));
        }
        let pairs = super::args::pairs(query.as_bytes());
        let mut state = self.world.state();
        methods::authorize(&mut state, &pairs, &person.team, &person.id).map_err(|refusal| refusal.code)
    }

    /// Removes deliveries from the list of those made.
    pub fn forget_deliveries(&self) -> Vec<Delivery> {
        std::mem::take(&mut *self.world.deliveries.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// The sockets that are open, by number.
    #[must_use]
    pub fn sockets(&self) -> Vec<u64> {
        self.world.sockets.open()
    }

    /// What happened to sockets, in order.
    #[must_use]
    pub fn socket_events(&self) -> Vec<SocketEvent> {
        self.world.sockets.events()
    }

    /// The acknowledgements that came over sockets, in order.
    #[must_use]
    pub fn acknowledgements(&self) -> Vec<Acknowledged> {
        self.world.sockets.acks()
    }

    /// Tells a socket to go: `warning`, `refresh_requested`, `link_disabled`. It is closed by [`SlackWorld::close_socket`].
    pub fn disconnect(&self, socket: u64, reason: &str) {
        self.world.sockets.disconnect(socket, reason);
    }

    /// Closes a socket in the proper way.
    pub fn close_socket(&self, socket: u64) {
        self.world.sockets.close(socket);
    }

    /// Breaks a socket: the app sees a reset.
    pub fn reset_socket(&self, socket: u64) {
        self.world.sockets.reset(socket);
    }

    /// From now on nothing is read from a socket or written to it, and its connection stays: half open.
    pub fn silence_socket(&self, socket: u64) {
        self.world.sockets.silence(socket);
    }

    /// Sends any text over a socket, garbage too.
    pub fn send_over_socket(&self, socket: u64, text: &str) {
        self.world.sockets.send(socket, text);
    }

    /// What a person sees of the bot's messages, for the conformance suite of the chat port.
    #[must_use]
    pub fn observe(&self) -> Observe {
        let world = self.world.clone();
        Arc::new(move |at, reader| {
            let person = Person {
                world: world.clone(),
                id: reader.user.as_str().to_owned(),
                team: at.workspace.as_str().to_owned(),
                name: reader.user.as_str().to_owned(),
            };
            let place = person.place(at.channel.as_str()).unwrap_or_default();
            let seen = person.reads(&place).into_iter().filter(|seen| seen.bot).map(|seen| Seen {
                id: seen.ts,
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
}
