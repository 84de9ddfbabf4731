//! What a person says: messages, mentions, slash commands; what they change and how they react.

use super::Person;
use crate::teams::delivery::{Taken, bring};
use crate::teams::state::{Kind, State};
use serde_json::{Value, json};

/// A message that is being written.
pub(super) struct Draft {
    pub text: String,
    pub entities: Vec<Value>,
    pub attachments: Vec<Value>,
    pub thread: Option<String>,
    pub files: Vec<String>,
}

impl Draft {
    pub(super) fn new(state: &State, text: &str) -> Self {
        let (text, entities) = state.typed(text);
        Self { text, entities, attachments: Vec::new(), thread: None, files: Vec::new() }
    }
}

impl Person {
    /// Says something in a conversation; the message's id. The bot hears it in its own chat, where it is mentioned, and everywhere
    /// where it has the permission to read.
    ///
    /// # Errors
    /// There is no such conversation, or the bot didn't take it in time; then the message stands there all the same.
    pub async fn say(&self, place: &str, text: &str) -> Result<String, String> {
        let place = self.place(place)?;
        let draft = Draft::new(&self.world.state(), text);
        self.send(&place, draft).await
    }

    /// Says something that begins with the bot's name.
    ///
    /// # Errors
    /// As [`Person::say`].
    pub async fn mention(&self, place: &str, text: &str) -> Result<String, String> {
        let place = self.place(place)?;
        let mut draft = Draft::new(&self.world.state(), text);
        // As Teams writes it: a space that doesn't break, and a line's end.
        draft.text = format!("<at>Bellhop</at>&nbsp;{}\n", draft.text);
        let bot = self.world.state().bot();
        draft.entities.insert(0, json!({ "type": "mention", "mentioned": { "id": bot, "name": "Bellhop" }, "text": "<at>Bellhop</at>" }));
        self.send(&place, draft).await
    }

    /// Says something to the bot alone.
    ///
    /// # Errors
    /// As [`Person::say`].
    pub async fn dm(&self, text: &str) -> Result<String, String> {
        self.say("@bellhop", text).await
    }

    /// Answers in the thread of a message.
    ///
    /// # Errors
    /// As [`Person::say`].
    pub async fn reply(&self, place: &str, thread: &str, text: &str) -> Result<String, String> {
        let place = self.place(place)?;
        let mut draft = Draft::new(&self.world.state(), text);
        draft.thread = Some(thread.to_owned());
        self.send(&place, draft).await
    }

    /// Types a slash command, `/file list`, where the tenant has them: only the bot gets it, and nobody sees it.
    ///
    /// # Errors
    /// The tenant has none, there is no such conversation, or the bot didn't take it in time.
    pub async fn slash(&self, line: &str, place: &str) -> Result<Taken, String> {
        let place = self.place(place)?;
        let activity = {
            let mut state = self.world.state();
            if !state.settings.preview {
                return Err("the tenant has no slash commands".into());
            }
            let text = if state.settings.slash_in_text { line } else { line.trim_start_matches('/') };
            let (text, entities) = state.typed(text);
            let now = state.now();
            let id = state.ids.message(now);
            let conversation = state.threaded(&place, None, &id);
            let mut activity = state.activity("message", &self.id, &conversation);
            activity["id"] = json!(id);
            activity["text"] = json!(text);
            activity["textFormat"] = json!("plain");
            activity["recipient"]["isTargeted"] = json!(true);
            if let Some(all) = activity["entities"].as_array_mut() {
                all.extend(entities);
            }
            activity
        };
        bring(&self.world, &activity).await
    }

    /// Puts a message into a conversation, and brings it to the bot where it hears of it.
    pub(super) async fn send(&self, place: &str, draft: Draft) -> Result<String, String> {
        let (id, activity) = {
            let mut state = self.world.state();
            let found = state.conversation(place).cloned().ok_or("there is no such conversation")?;
            if found.archived || found.gone {
                return Err("nothing can be written there".into());
            }
            let thread = draft.thread.clone().filter(|_| found.kind == Kind::Channel);
            let bot = state.bot();
            let mentioned = draft.entities.iter().any(|entity| entity.pointer("/mentioned/id").is_some_and(|id| *id == bot.as_str()));
            let permission = if found.kind == Kind::Channel { "ChannelMessage.Read.Group" } else { "ChatMessage.Read.Chat" };
            let reads = state.settings.resource_permissions.iter().any(|known| known == permission);
            let hears = state.bot_in(&found) && (found.kind == Kind::Personal || mentioned || reads);
            let content = json!({ "type": "message", "text": draft.text, "entities": draft.entities, "attachments": draft.attachments });
            let id = state.post(place, &self.id, thread.clone(), content);
            let notified: Vec<String> = draft
                .entities
                .iter()
                .filter_map(|entity| state.user(entity.pointer("/mentioned/id")?.as_str()?).map(|user| user.id.clone()))
                .collect();
            if let Some(message) = state.message_mut(place, &id) {
                message.files = draft.files;
                message.notified = notified;
            }
            if !hears {
                return Ok(id);
            }
            let conversation = state.threaded(place, thread.as_deref(), &id);
            let mut activity = state.activity("message", &self.id, &conversation);
            activity["id"] = json!(id);
            activity["text"] = json!(draft.text);
            activity["textFormat"] = json!("plain");
            if let Some(all) = activity["entities"].as_array_mut() {
                all.extend(draft.entities);
            }
            let mut attachments = draft.attachments;
            if found.kind != Kind::Personal || attachments.is_empty() {
                // What was written, once more as a page.
                let page = format!("<p>{}</p>", draft.text.trim());
                attachments.push(json!({ "contentType": "text/html", "content": page }));
            }
            activity["attachments"] = json!(attachments);
            if let Some(thread) = thread {
                activity["replyToId"] = json!(thread);
            }
            (id, activity)
        };
        bring(&self.world, &activity).await?;
        Ok(id)
    }

    /// Changes a message of theirs.
    ///
    /// # Errors
    /// It isn't theirs, or the bot didn't take it.
    pub async fn edit(&self, place: &str, id: &str, text: &str) -> Result<(), String> {
        let place = self.place(place)?;
        let activity = {
            let mut state = self.world.state();
            let (text, entities) = state.typed(text);
            let message = state.message_mut(&place, id).filter(|message| message.from == self.id).ok_or("it isn't theirs")?;
            message.activity["text"] = json!(text);
            message.activity["entities"] = json!(entities);
            message.edited = true;
            let root = message.root.clone();
            let conversation = state.threaded(&place, root.as_deref(), id);
            let mut activity = state.activity("messageUpdate", &self.id, &conversation);
            activity["id"] = json!(id);
            activity["text"] = json!(text);
            activity["channelData"]["eventType"] = json!("editMessage");
            if let Some(all) = activity["entities"].as_array_mut() {
                all.extend(entities);
            }
            activity
        };
        bring(&self.world, &activity).await.map(|_| ())
    }

    /// Removes a message of theirs.
    ///
    /// # Errors
    /// It isn't theirs, or the bot didn't take it.
    pub async fn remove(&self, place: &str, id: &str) -> Result<(), String> {
        let place = self.place(place)?;
        let activity = {
            let mut state = self.world.state();
            let message = state.message_mut(&place, id).filter(|message| message.from == self.id).ok_or("it isn't theirs")?;
            message.gone = true;
            let root = message.root.clone();
            let conversation = state.threaded(&place, root.as_deref(), id);
            let mut activity = state.activity("messageDelete", &self.id, &conversation);
            activity["id"] = json!(id);
            activity["channelData"]["eventType"] = json!("softDeleteMessage");
            activity
        };
        bring(&self.world, &activity).await.map(|_| ())
    }

    /// Reacts to a message of the bot.
    ///
    /// # Errors
    /// It is gone, or the bot didn't take it.
    pub async fn react(&self, message: &crate::teams::Seen, kind: &str) -> Result<Taken, String> {
        let activity = {
            let mut state = self.world.state();
            let found = state.message_mut(&message.conversation, &message.id).ok_or("the message is gone")?;
            found.reactions.push(kind.to_owned());
            let root = found.root.clone();
            let conversation = state.threaded(&message.conversation, root.as_deref(), &message.id);
            let mut activity = state.activity("messageReaction", &self.id, &conversation);
            activity["reactionsAdded"] = json!([{ "type": kind }]);
            activity["replyToId"] = json!(message.id);
            activity
        };
        bring(&self.world, &activity).await
    }
}
