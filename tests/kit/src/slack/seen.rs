//! Messages and views as a person sees them.

use super::mentions::unescaped;
use super::reading::Reader;
use super::records::{Message, User, ViewRecord};
use super::state::State;
use serde_json::Value;

/// A message as a person sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Its timestamp, which is its id in the channel.
    pub ts: String,
    /// The channel's id.
    pub channel: String,
    /// The name of whoever wrote it.
    pub author: String,
    /// Written by the bot.
    pub bot: bool,
    /// Every word that is shown, in reading order, one line a part.
    pub text: String,
    /// Where its links lead, buttons that open an address included.
    pub links: Vec<String>,
    /// The labels of its buttons.
    pub buttons: Vec<String>,
    /// The labels of the options of its selects and overflow menus.
    pub options: Vec<String>,
    /// It has been changed since.
    pub edited: bool,
    /// Only this person sees it.
    pub ephemeral: bool,
    /// The thread in which it is an answer.
    pub thread: Option<String>,
    /// The ids of the people whom it pinged.
    pub notified: Vec<String>,
    /// The names and bytes of its files.
    pub files: Vec<(String, Vec<u8>)>,
    /// The addresses of its pictures.
    pub images: Vec<String>,
    /// What links turned into (`chat.unfurl`).
    pub unfurled: String,
    /// The blocks as Slack keeps them.
    pub blocks: Vec<Value>,
    /// The text that notifications show.
    pub fallback: String,
    /// Its metadata.
    pub metadata: Option<Value>,
}

/// A modal or an App Home as a person sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenView {
    /// Its id.
    pub id: String,
    /// The title.
    pub title: String,
    /// Every word that is shown.
    pub text: String,
    /// The labels of its inputs, with their block ids.
    pub inputs: Vec<(String, String)>,
    /// The labels of its buttons.
    pub buttons: Vec<String>,
    /// Where links lead.
    pub links: Vec<String>,
    /// What is wrong with an input, by block id, after a refused submission.
    pub errors: Vec<(String, String)>,
    /// The label of the submitting button.
    pub submit: Option<String>,
    /// The view as Slack keeps it, with what has been entered.
    pub view: Value,
}

impl State {
    pub(super) fn seen(&self, message: &Message, reader: &User) -> Seen {
        let mut read = Reader::new(self, Some(reader));
        // Where there are blocks, the text is for notifications only.
        if message.blocks.is_empty() {
            let line = read.mrkdwn(&message.text, false);
            read.lines.push(line);
        }
        read.blocks(&message.blocks);
        for attachment in &message.attachments {
            for name in ["pretext", "title", "text"] {
                if let Some(text) = attachment[name].as_str() {
                    let line = read.mrkdwn(text, false);
                    read.lines.push(line);
                }
            }
            read.links.extend(attachment["title_link"].as_str().map(str::to_owned));
            read.blocks(attachment["blocks"].as_array().map(Vec::as_slice).unwrap_or_default());
        }
        let files: Vec<_> = message.files.iter().filter_map(|id| self.files.get(id)).filter(|file| !file.deleted).collect();
        read.lines.extend(files.iter().map(|file| file.title.clone()));
        let mut unfurled = Reader::new(self, Some(reader));
        for shown in message.unfurls.values() {
            unfurled.blocks(shown["blocks"].as_array().map(Vec::as_slice).unwrap_or_default());
            for name in ["title", "text"] {
                if let Some(text) = shown[name].as_str() {
                    let line = unfurled.mrkdwn(text, false);
                    unfurled.lines.push(line);
                }
            }
        }
        let author = self.user(&message.user).map_or_else(|| "Slackbot".to_owned(), |user| user.spec.name.clone());
        Seen {
            ts: message.ts.clone(),
            channel: message.channel.clone(),
            author: message.username.clone().unwrap_or(author),
            bot: message.app,
            text: read.lines.join("\n"),
            links: read.links,
            buttons: read.buttons,
            options: read.options,
            edited: message.edited.is_some(),
            ephemeral: message.only.is_some(),
            thread: message.thread.clone().filter(|thread| *thread != message.ts),
            notified: message.notified.clone(),
            files: files.iter().map(|file| (file.name.clone(), file.bytes.clone())).collect(),
            images: read.images,
            unfurled: unfurled.lines.join("\n"),
            blocks: message.blocks.clone(),
            fallback: unescaped(&message.text),
            metadata: message.metadata.clone(),
        }
    }

    pub(super) fn seen_view(&self, view: &ViewRecord) -> SeenView {
        let mut read = Reader::new(self, self.user(&view.user));
        read.blocks(view.body["blocks"].as_array().map(Vec::as_slice).unwrap_or_default());
        let label = |name: &str| view.body[name]["text"].as_str().map(unescaped);
        SeenView {
            id: view.id.clone(),
            title: label("title").unwrap_or_default(),
            text: read.lines.join("\n"),
            inputs: read.inputs,
            buttons: read.buttons,
            links: read.links,
            errors: view.errors.iter().map(|(block, text)| (block.clone(), text.clone())).collect(),
            submit: label("submit"),
            view: super::methods::view_json(self, view),
        }
    }
}
