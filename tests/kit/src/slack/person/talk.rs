//! What a person says: commands, messages, files.

use super::Person;
use crate::slack::args::Args;
use crate::slack::delivery::{Kind, Taken, bring};
use crate::slack::methods::content;
use crate::slack::response_url::respond;
use crate::slack::state::{FileRecord, Message, ResponseUrl, State, Trigger};
use serde_json::{Value, json};

impl State {
    /// A fresh trigger, for three seconds.
    pub(crate) fn trigger(&mut self, team: &str, user: &str, view: Option<&str>) -> String {
        let id = format!("{}.{}.{}", self.ids.number(), self.ids.number(), self.ids.secret());
        let made = self.millis();
        let trigger = Trigger { team: team.to_owned(), user: user.to_owned(), made, used: false, view: view.map(str::to_owned) };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// What a person types, as Slack hands it on: entities, and mentions, channels and addresses in their marks.
    pub(crate) fn typed(&self, team: &str, text: &str, named: bool) -> String {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut words = Vec::new();
        for word in text.split(' ') {
            let (body, tail) = word.split_at(word.trim_end_matches([',', '.', ':', ';', '!', '?', ')']).len());
            let user = body.strip_prefix('@').and_then(|name| self.users.iter().find(|user| user.team == team && user.spec.name == name));
            let channel = body
                .strip_prefix('#')
                .and_then(|name| self.channels.iter().find(|channel| channel.team == team && channel.name == name && !name.is_empty()));
            let marked = match (user, channel) {
                (Some(user), _) if named => format!("<@{}|{}>", user.id, user.spec.name),
                (Some(user), _) => format!("<@{}>", user.id),
                // A private channel's name is kept from the app.
                (None, Some(channel)) if channel.private => format!("<#{}|>", channel.id),
                (None, Some(channel)) => format!("<#{}|{}>", channel.id, channel.name),
                _ if ["http://", "https://"].iter().any(|scheme| body.starts_with(scheme)) => format!("<{body}>"),
                _ => body.to_owned(),
            };
            words.push(marked + tail);
        }
        words.join(" ")
    }
}

impl Person {
    /// Types a slash command, `/bellhop file list`. Returns how the app acknowledged it; where it didn't in time, the person is
    /// told so, and here it is an error.
    ///
    /// # Errors
    /// What the person is told: `operation_timeout`, `dispatch_failed`.
    pub async fn slash(&self, line: &str, place: &str) -> Result<Taken, String> {
        let channel = self.place(place)?;
        let (payload, kept) = self.world.change(|state| self.command(state, line, &channel));
        self.send_command(line, &channel, payload, kept).await
    }

    fn command(&self, state: &mut State, line: &str, channel: &str) -> (Value, ResponseUrl) {
        let (command, text) = line.split_once(' ').unwrap_or((line, ""));
        let trigger = state.trigger(&self.team, &self.id, None);
        let response_url = state.response_url(&self.team, channel, &self.id, None);
        let payload = json!({
            "token": "deprecated",
            "team_id": self.team,
            "team_domain": state.team(&self.team).map(|team| team.name.clone()),
            "channel_id": channel,
            "channel_name": Self::channel_name(state, channel),
            "user_id": self.id,
            "user_name": self.name,
            "command": command,
            "text": state.typed(&self.team, text.trim(), true),
            "api_app_id": state.app.id,
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": trigger,
        });
        let made = state.time.seconds();
        (payload, ResponseUrl { team: self.team.clone(), channel: channel.to_owned(), user: self.id.clone(), made, uses: 0, message: None })
    }

    async fn send_command(&self, line: &str, channel: &str, payload: Value, kept: ResponseUrl) -> Result<Taken, String> {
        let outcome = bring(&self.world, Kind::Command, &payload, 0, "").await;
        let taken = match outcome {
            Ok(taken) => taken,
            Err(why) => {
                let error = if why == "http_timeout" { "operation_timeout" } else { "dispatch_failed" };
                let command = line.split(' ').next().unwrap_or_default();
                let text = format!("{command} failed with the error \"{error}\"");
                self.world.change(|state| {
                    let ts = state.fresh_ts();
                    let message = Message {
                        ts,
                        channel: channel.to_owned(),
                        user: "USLACKBOT".into(),
                        text,
                        only: Some(self.id.clone()),
                        ..Message::default()
                    };
                    state.messages.entry(channel.to_owned()).or_default().push(message);
                });
                return Err(error.to_owned());
            }
        };
        if !taken.body.trim().is_empty() {
            self.world.change(|state| self.immediate(state, line, &taken, &kept))?;
        }
        Ok(taken)
    }

    /// The acknowledgement's own body, shown as a message.
    fn immediate(&self, state: &mut State, line: &str, taken: &Taken, kept: &ResponseUrl) -> Result<(), String> {
        let value = match taken.json() {
            Some(value) if taken.kind.is_empty() || taken.kind.starts_with("application/json") => value,
            _ => json!({ "text": taken.body }),
        };
        if value["response_type"] == "in_channel" {
            // What was typed is shown too.
            let ts = state.fresh_ts();
            let typed = Message { ts, channel: kept.channel.clone(), user: self.id.clone(), text: line.to_owned(), ..Message::default() };
            state.messages.entry(kept.channel.clone()).or_default().push(typed);
            if value.as_object().is_some_and(|members| members.len() == 1) {
                return Ok(());
            }
        }
        let args = Args::json(value.to_string().as_bytes()).map_err(|refusal| refusal.code)?;
        match content(&args) {
            Ok(content) => {
                respond(state, kept, content, &value);
                Ok(())
            }
            Err(refusal) => Err(format!("the acknowledgement says nothing that Slack can show: {}", refusal.code)),
        }
    }

    /// Writes a message. Mentions are typed as `@bob` and `@bellhop`. Returns its timestamp.
    ///
    /// # Errors
    /// They can't write there.
    pub fn say(&self, place: &str, text: &str) -> Result<String, String> {
        self.write(place, text, None, &[])
    }

    /// The same as an answer in a thread.
    ///
    /// # Errors
    /// They can't write there.
    pub fn reply(&self, place: &str, thread: &str, text: &str) -> Result<String, String> {
        self.write(place, text, Some(thread), &[])
    }

    /// Mentions the bot, `@bellhop TEXT`.
    ///
    /// # Errors
    /// They can't write there.
    pub fn mention(&self, place: &str, text: &str) -> Result<String, String> {
        self.write(place, &format!("@bellhop {text}"), None, &[])
    }

    /// Writes to the bot alone. Returns the message's timestamp.
    ///
    /// # Errors
    /// Never, so far.
    pub fn dm(&self, text: &str) -> Result<String, String> {
        self.write("@bellhop", text, None, &[])
    }

    /// Uploads a file with a message. Returns the file's id and the message's timestamp.
    ///
    /// # Errors
    /// They can't write there.
    pub fn upload(&self, place: &str, name: &str, bytes: &[u8], text: &str) -> Result<(String, String), String> {
        let id = self.file(name, bytes);
        let ts = self.write(place, text, None, std::slice::from_ref(&id))?;
        Ok((id, ts))
    }

    /// Shows a file that is there already, with a message. Returns the message's timestamp.
    ///
    /// # Errors
    /// They can't write there.
    pub fn share(&self, place: &str, file: &str, text: &str) -> Result<String, String> {
        self.write(place, text, None, &[file.to_owned()])
    }

    /// A file of theirs that is shared nowhere yet, as one put into a modal is.
    #[must_use]
    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        self.world.change(|state| {
            let record = FileRecord {
                id: state.ids.id("F"),
                team: self.team.clone(),
                name: name.to_owned(),
                title: name.to_owned(),
                owner: self.id.clone(),
                bytes: bytes.to_vec(),
                mime: crate::slack::hosting::mime(name, bytes).to_owned(),
                created: state.time.seconds(),
                complete: true,
                expected: bytes.len() as u64,
                ..FileRecord::default()
            };
            let id = record.id.clone();
            state.files.insert(id.clone(), record);
            id
        })
    }

    fn write(&self, place: &str, text: &str, thread: Option<&str>, files: &[String]) -> Result<String, String> {
        let channel = self.place(place)?;
        self.world.change(|state| {
            let room = state.channel(&channel).ok_or("there is no such conversation")?;
            if room.archived {
                return Err(format!("{place} is archived"));
            }
            if !room.members.contains(&self.id) {
                return Err(format!("{} is not in {place}", self.name));
            }
            let members = room.members.clone();
            let mut message = Message {
                ts: state.fresh_ts(),
                channel: channel.clone(),
                user: self.id.clone(),
                text: state.typed(&self.team, text, false),
                thread: thread.map(str::to_owned),
                files: files.to_vec(),
                ..Message::default()
            };
            message.notified = crate::slack::mentions::notified(state, &message, &self.team, &members);
            state.messages.entry(channel.clone()).or_default().push(message.clone());
            for file in files {
                state.shared(&self.team, file, &channel, &message.ts);
            }
            state.tell_message(&self.team, &message);
            state.tell_links(&self.team, &message);
            Ok(message.ts)
        })
    }

    /// Changes a message of theirs.
    ///
    /// # Errors
    /// It isn't theirs.
    pub fn edit(&self, place: &str, ts: &str, text: &str) -> Result<(), String> {
        let channel = self.place(place)?;
        self.world.change(|state| {
            let text = state.typed(&self.team, text, false);
            let edited = state.fresh_ts();
            let message = state.message_mut(&channel, ts).filter(|message| message.user == self.id).ok_or("it isn't theirs")?;
            let old = message.clone();
            (message.text, message.edited) = (text, Some(edited));
            let message = message.clone();
            state.tell_changed(&self.team, &message, &old);
            Ok(())
        })
    }
}
