//! What a person says: messages, answers, files, reactions.

use super::Person;
use crate::discord::api::call::Part;
use crate::discord::api::{Author, Draft};
use crate::discord::ids::Id;
use crate::discord::permissions::permission::{MANAGE_MESSAGES, SEND_MESSAGES, SEND_MESSAGES_IN_THREADS};
use crate::discord::seen::Seen;
use crate::discord::state::State;
use serde_json::{Value, json};

impl State {
    /// What a person types, as Discord keeps it: mentions and channels in their marks.
    pub(crate) fn typed(&self, guild: Id, text: &str) -> String {
        let mut words = Vec::new();
        for word in text.split(' ') {
            let (body, tail) = word.split_at(word.trim_end_matches([',', '.', ':', ';', '!', '?', ')']).len());
            let role = |name: &str| self.guilds.get(&guild).and_then(|guild| guild.roles.iter().find(|role| role.name == name));
            let marked = match (body.strip_prefix('@'), body.strip_prefix('#')) {
                (Some(name), _) => match (self.user_named(name), role(name)) {
                    (Some(user), _) => format!("<@{}>", user.id),
                    (None, Some(role)) => format!("<@&{}>", role.id),
                    _ => body.to_owned(),
                },
                (None, Some(name)) if !name.is_empty() => {
                    self.channel_named(guild, name).map_or_else(|| body.to_owned(), |channel| format!("<#{}>", channel.id))
                }
                _ => body.to_owned(),
            };
            words.push(marked + tail);
        }
        words.join(" ")
    }
}

impl Person {
    /// Says something; the message's id.
    ///
    /// # Errors
    /// They may not write there.
    pub fn say(&self, place: &str, text: &str) -> Result<String, String> {
        self.write(place, text, &Value::Null, Vec::new())
    }

    /// Answers a message by its id.
    ///
    /// # Errors
    /// They may not write there.
    pub fn reply(&self, place: &str, message: &str, text: &str) -> Result<String, String> {
        self.write(place, text, &json!({ "message_id": message }), Vec::new())
    }

    /// Says something to the bot, `@bellhop ...`.
    ///
    /// # Errors
    /// They may not write there.
    pub fn mention(&self, place: &str, text: &str) -> Result<String, String> {
        self.say(place, &format!("@bellhop {text}"))
    }

    /// Says something to the bot directly.
    ///
    /// # Errors
    /// Never, as it is.
    pub fn dm(&self, text: &str) -> Result<String, String> {
        self.say("@bellhop", text)
    }

    /// Sends a file with some words; the message's id.
    ///
    /// # Errors
    /// They may not write there.
    pub fn upload(&self, place: &str, name: &str, bytes: &[u8], text: &str) -> Result<String, String> {
        self.upload_all(place, &[(name, bytes)], text)
    }

    /// Sends several files with some words.
    ///
    /// # Errors
    /// They may not write there.
    pub fn upload_all(&self, place: &str, files: &[(&str, &[u8])], text: &str) -> Result<String, String> {
        let part = |(n, (name, bytes)): (u64, &(&str, &[u8]))| Part {
            number: Some(n),
            name: (*name).to_owned(),
            mime: None,
            bytes: bytes.to_vec(),
        };
        self.write(place, text, &Value::Null, (0..).zip(files).map(part).collect())
    }

    fn write(&self, place: &str, text: &str, reference: &Value, parts: Vec<Part>) -> Result<String, String> {
        let spot = self.spot(place)?;
        self.world.change(|state| {
            let channel = state.channels.get(&spot).cloned().ok_or("the channel is gone")?;
            let bit = if channel.kind.is_thread() { SEND_MESSAGES_IN_THREADS } else { SEND_MESSAGES };
            if state.permissions(&channel, self.number) & bit == 0 {
                return Err(format!("{} may not write in {place}", self.name));
            }
            if channel.archived
                && let Some(known) = state.channels.get_mut(&spot)
            {
                known.archived = false;
            }
            let content = state.typed(self.guild, text);
            let body = json!({ "content": content, "message_reference": reference });
            let author = Author { user: self.number, ..Author::default() };
            Ok(state.post(spot, author, &Draft { body, parts }).to_string())
        })
    }

    /// Changes what they said.
    ///
    /// # Errors
    /// The message isn't theirs.
    pub fn edit(&self, place: &str, message: &str, text: &str) -> Result<(), String> {
        let spot = self.spot(place)?;
        let id = message.parse().map_err(|_| "no id")?;
        self.world.change(|state| {
            let own = state.message(spot, id).is_some_and(|found| found.author == self.number);
            if !own {
                return Err(format!("{} can't change what others say", self.name));
            }
            let body = json!({ "content": state.typed(self.guild, text) });
            state.rewrite(spot, id, &Draft { body, parts: Vec::new() });
            Ok(())
        })
    }

    /// Takes a message away, their own or, where they may, another's.
    ///
    /// # Errors
    /// They may not.
    pub fn delete(&self, place: &str, message: &str) -> Result<(), String> {
        let spot = self.spot(place)?;
        let id = message.parse().map_err(|_| "no id")?;
        self.world.change(|state| {
            let channel = state.channels.get(&spot).cloned().ok_or("the channel is gone")?;
            let found = state.message(spot, id).ok_or("the message is gone")?;
            if found.author != self.number && state.permissions(&channel, self.number) & MANAGE_MESSAGES == 0 {
                return Err(format!("{} may not take that away", self.name));
            }
            state.remove(spot, id);
            Ok(())
        })
    }

    /// Reacts to a message, `✅`.
    ///
    /// # Errors
    /// There is no such message.
    pub fn react(&self, message: &Seen, emoji: &str) -> Result<(), String> {
        let (channel, id) = ids(message)?;
        self.world.change(|state| state.react(channel, id, emoji, self.number, true));
        Ok(())
    }

    /// Opens a thread on a message; its id.
    ///
    /// # Errors
    /// There is no such message.
    pub fn open_thread(&self, message: &Seen, name: &str) -> Result<String, String> {
        let (channel, id) = ids(message)?;
        self.world.change(|state| {
            let home = state.channels.get(&channel).cloned().ok_or("the channel is gone")?;
            let found = state.message_mut(channel, id).ok_or("the message is gone")?;
            found.thread = Some(id);
            state.open_thread(&home, id, crate::discord::settings::Kind::PublicThread, name, 4320, self.number);
            Ok(id.to_string())
        })
    }
}

/// The channel and the message, as numbers.
pub(super) fn ids(message: &Seen) -> Result<(Id, Id), String> {
    let number = |text: &str| text.parse::<Id>().map_err(|_| format!("{text:?} is no id"));
    Ok((number(&message.channel)?, number(&message.id)?))
}
