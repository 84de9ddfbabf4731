//! Messages and forms as a person sees them.

use super::ids::Id;
use super::reading::Reader;
use super::records::{Form, Message};
use super::state::State;
use serde_json::Value;

/// A message as a person sees it.
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact about a message")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// The channel's id; a thread's where it stands in one.
    pub channel: String,
    /// The name of whoever wrote it.
    pub author: String,
    /// Written by a bot.
    pub bot: bool,
    /// Every word that is shown, in reading order, one line a part.
    pub text: String,
    /// Where its links lead, buttons that open an address included.
    pub links: Vec<String>,
    /// The labels of its buttons.
    pub buttons: Vec<String>,
    /// The labels of the options of its selects.
    pub options: Vec<String>,
    /// It has been changed since.
    pub edited: bool,
    /// Only this person sees it.
    pub ephemeral: bool,
    /// "Bellhop is thinking…": nothing is said yet.
    pub thinking: bool,
    /// It stands in a thread.
    pub thread: bool,
    /// The message that it answers.
    pub answers: Option<String>,
    /// The ids of the people whom it pinged.
    pub notified: Vec<String>,
    /// The names and bytes of its files.
    pub files: Vec<(String, Vec<u8>)>,
    /// What is said for those who don't see its pictures.
    pub alts: Vec<String>,
    /// The emoji that people reacted with.
    pub reactions: Vec<String>,
    /// What it says, its embeds and components, as Discord keeps them.
    pub content: String,
    /// The embeds.
    pub embeds: Vec<Value>,
    /// The components.
    pub components: Vec<Value>,
    /// Its flags.
    pub flags: u64,
    /// Its nonce.
    pub nonce: Option<String>,
    /// Pinned.
    pub pinned: bool,
}

/// A form as a person sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenForm {
    /// The title.
    pub title: String,
    /// Every word that is shown.
    pub text: String,
    /// The labels of its inputs, with their custom ids.
    pub inputs: Vec<(String, String)>,
    /// The labels of the options of its selects.
    pub options: Vec<String>,
    /// What has been entered so far, by custom id; first what the app filled in.
    pub values: Vec<(String, Value)>,
    /// The form as Discord keeps it.
    pub form: Value,
}

impl State {
    pub(super) fn seen(&self, message: &Message, reader: Id) -> Seen {
        let mut read = Reader::new(self, reader);
        read.text(&message.content, message.app.is_some());
        if message.flags & 4 == 0 {
            for embed in &message.embeds {
                read.embed(embed);
            }
        }
        read.components(&message.components);
        let files: Vec<_> = message.files.iter().filter_map(|id| self.files.get(id)).collect();
        read.lines.extend(files.iter().map(|file| file.name.clone()));
        read.alts.extend(files.iter().filter_map(|file| file.description.clone()));
        let author = self.users.get(&message.author).map_or_else(|| "webhook".to_owned(), |user| user.spec.name.clone());
        Seen {
            id: message.id.to_string(),
            channel: message.channel.to_string(),
            author: message.username.clone().unwrap_or(author),
            bot: message.app.is_some(),
            text: if message.loading { "Bellhop is thinking\u{2026}".to_owned() } else { read.lines.join("\n") },
            links: read.links(),
            buttons: read.buttons,
            options: read.options,
            edited: message.edited.is_some(),
            ephemeral: message.only.is_some(),
            thinking: message.loading,
            thread: self.channels.get(&message.channel).is_some_and(|channel| channel.kind.is_thread()),
            answers: message.reference.map(|(_, id)| id.to_string()),
            notified: message.notified.iter().map(Id::to_string).collect(),
            files: files.iter().map(|file| (file.name.clone(), file.bytes.clone())).collect(),
            alts: read.alts,
            reactions: message.reactions.iter().filter(|(_, who)| !who.is_empty()).map(|(emoji, _)| emoji.clone()).collect(),
            content: message.content.clone(),
            embeds: message.embeds.clone(),
            components: message.components.clone(),
            flags: message.flags,
            nonce: message.nonce.as_ref().map(|nonce| nonce.as_str().map_or_else(|| nonce.to_string(), str::to_owned)),
            pinned: message.pinned,
        }
    }

    pub(super) fn seen_form(&self, form: &Form, reader: Id) -> SeenForm {
        let mut read = Reader::new(self, reader);
        let list = form.body["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        read.components(list);
        let mut values: Vec<(String, Value)> = Vec::new();
        for (_, id) in &read.inputs {
            let before = input(list, id).map(|input| input["value"].clone()).filter(|value| !value.is_null());
            if let Some(value) = form.values.get(id).cloned().or(before) {
                values.push((id.clone(), value));
            }
        }
        SeenForm {
            title: form.body["title"].as_str().unwrap_or_default().to_owned(),
            text: read.lines.join("\n"),
            inputs: read.inputs,
            options: read.options,
            values,
            form: form.body.clone(),
        }
    }
}

impl SeenForm {
    /// What stands in an input, by its label or custom id.
    #[must_use]
    pub fn value(&self, input: &str) -> Option<String> {
        let id = self.inputs.iter().find(|(label, id)| label == input || id == input).map(|(_, id)| id)?;
        let value = &self.values.iter().find(|(known, _)| known == id)?.1;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

/// An input of a form by its custom id.
pub(super) fn input<'a>(list: &'a [Value], id: &str) -> Option<&'a Value> {
    for component in list {
        let inner = component["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        if component["component"]["custom_id"] == id {
            return Some(&component["component"]);
        }
        if let Some(found) = inner.iter().find(|one| one["custom_id"] == id) {
            return Some(found);
        }
    }
    None
}
