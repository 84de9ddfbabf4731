//! Channels: listed, found by name, made and changed. Discord has no closed channels, so that one is moved into a category of its own
//! and locked; what it was before is kept, so that it can be opened again. A thread is closed as Discord closes threads.
//!
//! <https://docs.discord.com/developers/resources/channel>

mod closed;
mod people;
#[cfg(test)]
mod tests;

use crate::address::{DIRECT, is_id, target};
use crate::directory::{CATEGORY, Guild, Known};
use crate::wire::{Failure, Route, WireResult};
use crate::{Desk, Discord};
use async_trait::async_trait;
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use bellhop_core::ports::{Channel, Channels, PortResult};
use bellhop_core::text::{one_line, shorten};
use serde_json::{Value, json};

const CREATE: Route = Route::post("/guilds/{}/channels", "create");
pub(crate) const CHANGE: Route = Route::patch("/channels/{}", "change a channel");
const DELETE: Route = Route::delete("/channels/{}", "delete");
const JOIN: Route = Route::put("/channels/{}/thread-members/@me", "join");

/// The longest name of a channel, and the longest topics.
const NAME: usize = 100;
const TOPIC: usize = 1024;
const FORUM_TOPIC: usize = 4096;
/// Seeing a channel, and speaking in it.
pub(crate) const VIEW: u64 = 1 << 10;
pub(crate) const SEND: u64 = 1 << 11;

#[async_trait]
impl Channels for Discord {
    async fn list(&self) -> PortResult<Vec<Channel>> {
        let desk = &self.desk;
        let mut all = Vec::new();
        for guild in desk.directory.guilds().await?.iter() {
            let known = desk.directory.channels(&guild.id).await?;
            let archive = closed::category(desk, &known);
            all.extend(known.iter().filter(|one| one.is_text()).map(|one| desk.shown(guild, one, archive.as_deref())));
        }
        all.sort_by(|a: &Channel, b: &Channel| a.name.cmp(&b.name).then_with(|| a.address.channel.cmp(&b.address.channel)));
        Ok(all)
    }

    async fn create(&self, name: &str, private: bool) -> PortResult<Channel> {
        let desk = &self.desk;
        let name = desk.channel_name(name, "create")?;
        let guild = desk.one_guild("create").await?;
        desk.free(&guild, &name, None, "create").await?;
        let mut body = json!({ "name": name, "type": 0 });
        if private {
            let bot = desk.directory.me().await?;
            // Nobody sees it but those who are let in, and the bot itself.
            body["permission_overwrites"] = json!([
                { "id": guild.id, "type": 0, "allow": "0", "deny": VIEW.to_string() },
                { "id": bot.id, "type": 1, "allow": (VIEW | SEND).to_string(), "deny": "0" },
            ]);
        }
        let made: WireResult<Value> = desk.api.call(CREATE, &[&guild.id], body).await;
        let made = made.map_err(|failure| desk.not_changed(failure, "Manage Channels"))?;
        desk.directory.forget(&guild.id).await;
        let known = Known::of(&made, &guild.id).ok_or_else(|| {
            desk.error(PortErrorKind::Broken, "create", "Discord's answer doesn't say which channel it made").maybe_done()
        })?;
        Ok(desk.shown(&guild, &known, None))
    }

    async fn archive(&self, at: &Address) -> PortResult<()> {
        closed::close(&self.desk, at).await
    }

    async fn unarchive(&self, at: &Address) -> PortResult<()> {
        closed::open(&self.desk, at).await
    }

    async fn delete(&self, at: &Address) -> PortResult<()> {
        let desk = &self.desk;
        let known = match desk.known(at, "delete").await {
            Err(error) if error.kind == PortErrorKind::NotFound => return Ok(()),
            known => known?,
        };
        let deleted: WireResult<Value> = desk.api.get(DELETE, &[&known.id], &[]).await;
        desk.directory.forget_channel(&known.guild, &known.id).await;
        match deleted {
            Err(failure) if failure.is(&[10003]) => Ok(()),
            other => other
                .map(|_| ())
                .map_err(|failure| desk.not_changed(failure, if known.is_thread() { "Manage Threads" } else { "Manage Channels" })),
        }
    }

    fn has_threads(&self) -> bool {
        true
    }

    async fn rename(&self, at: &Address, name: &str) -> PortResult<Channel> {
        let desk = &self.desk;
        let name = desk.channel_name(name, "rename")?;
        let known = desk.known(at, "rename").await?;
        let guild = desk.guild_of(&known).await?;
        if !known.is_thread() {
            desk.free(&guild, &name, Some(&known.id), "rename").await?;
        }
        let changed = desk.change(&known, json!({ "name": name }), "rename").await?;
        let changed = Known::of(&changed, &known.guild).unwrap_or(Known { name, ..known });
        Ok(Channel { address: at.clone(), ..desk.shown(&guild, &changed, None) })
    }

    async fn set_topic(&self, at: &Address, topic: &str) -> PortResult<()> {
        let desk = &self.desk;
        let known = desk.known(at, "topic").await?;
        if known.is_thread() {
            return Err(bellhop_core::PortError::unsupported(
                desk.service(),
                "topic",
                "a thread of Discord's has no topic; give one to its channel",
            ));
        }
        let most = if known.is_forum() { FORUM_TOPIC } else { TOPIC };
        let length = topic.chars().count();
        if length > most {
            let message = format!("the topic has {length} characters, and Discord takes at most {most}; shorten it");
            return Err(desk.error(PortErrorKind::Invalid, "topic", message));
        }
        desk.change(&known, json!({ "topic": topic }), "topic").await.map(|_| ())
    }

    async fn join(&self, at: &Address) -> PortResult<()> {
        let desk = &self.desk;
        let known = desk.known(at, "join").await?;
        if !known.is_thread() {
            // The bot takes part in every channel that it sees.
            return Ok(());
        }
        let joined: WireResult<Value> = desk.api.get(JOIN, &[&known.id], &[]).await;
        Ok(joined.map(|_| ())?)
    }

    async fn invite(&self, at: &Address, people: &[String]) -> PortResult<()> {
        people::invite(&self.desk, at, people).await
    }
}

impl Desk {
    fn shown(&self, guild: &Guild, known: &Known, archive: Option<&str>) -> Channel {
        let hidden = |overwrite: &Value| {
            let denied = overwrite.get("deny").and_then(Value::as_str).and_then(|bits| bits.parse::<u64>().ok()).unwrap_or_default();
            overwrite.get("id").and_then(Value::as_str) == Some(guild.id.as_str()) && denied & VIEW != 0
        };
        Channel {
            address: Address::channel(self.name.clone(), guild.id.as_str(), known.id.as_str()),
            name: known.name.clone(),
            topic: known.topic.clone(),
            private: known.overwrites.iter().any(hidden),
            archived: known.closed || archive.is_some() && known.parent.as_deref() == archive,
        }
    }

    /// The channel or thread of an address.
    pub(crate) async fn known(&self, at: &Address, operation: &'static str) -> PortResult<Known> {
        let channel = target(at);
        self.directory.forget_channel(at.workspace.as_str(), channel).await;
        let found = self.directory.channel(channel).await?;
        let mut known = found
            .map(|known| (*known).clone())
            .ok_or_else(|| self.error(PortErrorKind::NotFound, operation, "there is no such channel, or the bot doesn't see it"))?;
        if known.guild == DIRECT {
            known.guild = at.workspace.to_string();
        }
        if known.guild == DIRECT {
            return Err(bellhop_core::PortError::unsupported(self.service(), operation, "this can't be done with a direct conversation"));
        }
        Ok(known)
    }

    async fn guild_of(&self, known: &Known) -> PortResult<Guild> {
        let found = self.directory.guilds().await?.iter().find(|guild| guild.id == known.guild).cloned();
        Ok(found.unwrap_or_else(|| Guild { id: known.guild.clone(), name: String::new(), permissions: None, owner: false }))
    }

    /// Changes a channel.
    pub(crate) async fn change(&self, known: &Known, body: Value, operation: &'static str) -> PortResult<Value> {
        let changed: WireResult<Value> = self.api.call(Route { operation, ..CHANGE }, &[&known.id], body).await;
        self.directory.forget_channel(&known.guild, &known.id).await;
        changed.map_err(|failure| self.not_changed(failure, if known.is_thread() { "Manage Threads" } else { "Manage Channels" }))
    }

    /// What Discord said against it, with the permission that is needed.
    pub(crate) fn not_changed(&self, failure: Failure, permission: &str) -> bellhop_core::PortError {
        if failure.is(&[50001, 50013]) {
            let message = format!(
                "the bot lacks the permission {permission} there, or its role stands below the one that it is to change; a server's administrator \
                 can give it under Server Settings > Roles"
            );
            return self.error(PortErrorKind::Denied, failure.error.operation, message);
        }
        failure.error
    }

    /// Discord lets several channels have one name; here that would leave people to guess.
    async fn free(&self, guild: &Guild, name: &str, but: Option<&str>, operation: &'static str) -> PortResult<()> {
        self.directory.forget(&guild.id).await;
        let known = self.directory.channels(&guild.id).await?;
        let taken = known.iter().any(|one| one.is_text() && one.name.eq_ignore_ascii_case(name) && Some(one.id.as_str()) != but);
        if taken {
            return Err(self.error(
                PortErrorKind::Conflict,
                operation,
                format!("there is a channel #{name} already, perhaps a closed one"),
            ));
        }
        Ok(())
    }

    /// A name as Discord takes it for text channels: in small letters, a hyphen for a space.
    fn channel_name(&self, name: &str, operation: &'static str) -> PortResult<String> {
        let name = name.trim().trim_start_matches('#').to_lowercase().split_whitespace().collect::<Vec<_>>().join("-");
        let wrong = if name.is_empty() {
            "it is empty"
        } else if name.chars().count() > NAME {
            "it is over 100 characters"
        } else if !name.chars().any(char::is_alphanumeric) {
            "it needs a letter or a digit"
        } else if name.chars().any(|c| c.is_control() || matches!(c, '/' | '#' | '@' | ':')) {
            "it may not have / # @ or :"
        } else {
            return Ok(name);
        };
        let shown = shorten(&one_line(&name), 110);
        Err(self.error(PortErrorKind::Invalid, operation, format!("`{shown}` can't be a channel's name: {wrong}")))
    }

    /// Finds a channel by its name or id, or the conversation with a person.
    pub(crate) async fn locate(&self, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>> {
        let name = name.trim().trim_start_matches(if direct { '@' } else { '#' });
        let name = name.trim_start_matches("<#").trim_end_matches('>');
        if name.is_empty() {
            return Ok(None);
        }
        let guilds = self.directory.guilds().await?;
        let called = |guild: &&Guild| {
            workspace.is_none_or(|text| {
                text == DIRECT || guild.id == text || guild.name.eq_ignore_ascii_case(text) || dashed(&guild.name) == text
            })
        };
        let meant: Vec<Guild> = guilds.iter().filter(called).cloned().collect();
        if direct {
            return self.person_at(&meant, name).await;
        }
        let mut found: Vec<(String, Address)> = Vec::new();
        for guild in &meant {
            if let Some(address) = self.channel_at(guild, name).await? {
                found.push((dashed(&guild.name), address));
            }
        }
        if found.len() > 1 {
            let all: Vec<String> = found.iter().map(|(guild, _)| format!("{}:{guild}/#{name}", self.name)).collect();
            let message = format!("`{}` is in more than one server; write {}", one_line(name), all.join(" or "));
            return Err(self.error(PortErrorKind::Invalid, "find a channel", message));
        }
        Ok(found.pop().map(|(_, address)| address))
    }

    async fn channel_at(&self, guild: &Guild, name: &str) -> PortResult<Option<Address>> {
        let known = self.directory.channels(&guild.id).await?;
        let at = |one: &Known| Address::channel(self.name.clone(), guild.id.as_str(), one.id.as_str());
        if let Some(one) = known.iter().find(|one| one.id == name && one.kind != CATEGORY) {
            return Ok(Some(at(one)));
        }
        if is_id(name)
            && let Some(thread) = self.directory.channel(name).await?.filter(|one| one.is_thread() && one.guild == guild.id)
        {
            let parent = thread.parent.clone().unwrap_or_else(|| thread.id.clone());
            let channel = Address::channel(self.name.clone(), guild.id.as_str(), parent.as_str());
            return Ok(Some(Address { thread: Some(thread.id.as_str().into()), ..channel }));
        }
        let archive = closed::category(self, &known);
        let mut named: Vec<&Known> = known.iter().filter(|one| one.is_text() && one.name.eq_ignore_ascii_case(name)).collect();
        // One that is open is meant rather than one that is closed.
        named.sort_by_key(|one| archive.is_some() && one.parent == archive);
        Ok(named.first().map(|one| at(one)))
    }

    async fn person_at(&self, guilds: &[Guild], name: &str) -> PortResult<Option<Address>> {
        for guild in guilds {
            let Some(person) = self.directory.person(&guild.id, name).await? else { continue };
            return match self.directory.direct(&person.id).await {
                Ok(channel) => Ok(Some(Address::channel(self.name.clone(), DIRECT, channel))),
                Err(failure) if failure.is(&[50007, 50033, 10013]) => Ok(None),
                Err(failure) => Err(failure.error),
            };
        }
        Ok(None)
    }
}

/// A server's name as it can be written in a place.
fn dashed(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-")
}
