//! Commands that a person uses: typed, on a message, on a person; and what is offered while they type.

use super::Person;
use super::options::{focus, without_empty};
use super::talk::ids;
use crate::discord::delivery::{Taken, bring};
use crate::discord::ids::Id;
use crate::discord::permissions::permission::USE_APPLICATION_COMMANDS;
use crate::discord::records::{Command, File, Interaction};
use crate::discord::seen::Seen;
use crate::discord::state::State;
use serde_json::{Value, json};

impl State {
    /// What every interaction has, and its record.
    pub(super) fn interaction(&mut self, app: Id, kind: u64, person: &Person, channel: Id, source: Option<Id>) -> (Id, Value) {
        let (id, token, made) = (self.fresh(), format!("aW50{}{}", self.ids.secret(), self.ids.secret()), self.millis());
        let home = self.channels.get(&channel).cloned();
        let guild = home.as_ref().and_then(|home| home.guild).and_then(|id| self.guilds.get(&id)).cloned();
        let mut payload = json!({
            "id": id.to_string(), "application_id": app.to_string(), "type": kind, "token": token, "version": 1,
            "channel_id": channel.to_string(), "locale": "en-US", "entitlements": [],
            "attachment_size_limit": self.settings.largest_file, "app_permissions": "2251799813685247",
            "authorizing_integration_owners": { "0": guild.as_ref().map_or_else(|| "0".to_owned(), |guild| guild.id.to_string()) },
            "context": u8::from(guild.is_none()),
        });
        if let Some(home) = &home {
            payload["channel"] = self.partial_channel(home, person.number);
        }
        match (&guild, &home) {
            (Some(guild), Some(home)) => {
                let mut member = self.member_json(guild, person.number);
                member["permissions"] = json!(self.permissions(home, person.number).to_string());
                payload["member"] = member;
                payload["guild_id"] = json!(guild.id.to_string());
                payload["guild"] = json!({ "id": guild.id.to_string(), "locale": "en-US", "features": [] });
                payload["guild_locale"] = json!("en-US");
                let bot = self.app(app).map_or(0, |app| app.bot);
                payload["app_permissions"] = json!(self.permissions(home, bot).to_string());
            }
            _ => payload["user"] = self.user_json(person.number),
        }
        let interaction = Interaction {
            id,
            token,
            app,
            kind,
            user: person.number,
            channel,
            made,
            responded: None,
            original: None,
            source,
            ephemeral: false,
            late: false,
            finished: true,
        };
        self.interactions.insert(id, interaction);
        (id, payload)
    }
}

impl Person {
    /// Puts a file at hand, for an option or a form that takes one; returns by what it is called there.
    #[must_use]
    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        self.world.change(|state| {
            let id = state.fresh();
            let mime = crate::discord::cdn::mime(name, bytes).to_owned();
            let file = File {
                id,
                name: name.to_owned(),
                mime,
                bytes: bytes.to_vec(),
                description: None,
                channel: id,
                ephemeral: true,
                gone: false,
            };
            state.files.insert(id, file);
            id.to_string()
        })
    }

    /// A command by its name, of those that they may use there.
    fn command(&self, state: &State, channel: Id, kind: u64, name: &str) -> Result<(Id, Command), String> {
        let guild = state.channels.get(&channel).and_then(|channel| channel.guild);
        let all = state.commands(guild);
        let context = u64::from(guild.is_none());
        let shown = |command: &Command| {
            let contexts = command.body["contexts"].as_array();
            let here = contexts.is_none_or(|list| list.iter().any(|one| one.as_u64() == Some(context)));
            let needed = command.body["default_member_permissions"].as_str().and_then(|bits| bits.parse::<u64>().ok());
            let home = state.channels.get(&channel);
            let own = home.map_or(0, |home| state.permissions(home, self.number));
            let admin = own & super::super::permissions::permission::ADMINISTRATOR != 0;
            let allowed = match needed {
                Some(0) => admin,
                Some(bits) => own & bits == bits,
                None => true,
            };
            here && (guild.is_none() || (allowed && own & USE_APPLICATION_COMMANDS != 0))
        };
        let found = all.iter().find(|(_, command)| command.kind() == kind && command.name() == name && shown(command));
        found.cloned().ok_or_else(|| {
            let known: Vec<&str> = all.iter().filter(|(_, one)| one.kind() == kind && shown(one)).map(|(_, one)| one.name()).collect();
            format!("{} finds no command {name:?} there; there are {known:?}", self.name)
        })
    }

    fn typed_command(&self, line: &str, place: &str, lax: bool) -> Result<(Id, Id, Value), String> {
        let channel = self.spot(place)?;
        let line = line.trim_start_matches('/');
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        self.world.change(|state| {
            let (app, command) = self.command(state, channel, 1, name)?;
            let mut typed = self.typed_options(state, &command.body, rest, lax)?;
            if lax && let Some((last, _)) = &typed.last {
                focus(&mut typed.options, last);
            }
            let (id, mut payload) = state.interaction(app, if lax { 4 } else { 2 }, self, channel, None);
            let mut data = json!({ "id": command.id.to_string(), "name": command.name(), "type": 1 });
            if !typed.options.is_empty() {
                data["options"] = json!(typed.options);
            }
            if let Some(resolved) = without_empty(typed.resolved) {
                data["resolved"] = Value::Object(resolved);
            }
            if let Some(guild) = command.guild {
                data["guild_id"] = json!(guild.to_string());
            }
            payload["data"] = data;
            Ok((app, id, payload))
        })
    }

    /// Types a command, `/file get name:notes.txt`. Returns what the app responded first; where it didn't in time, the person is
    /// told so, and here it is an error.
    ///
    /// # Errors
    /// There is no such command there, an option is wrong, or no response came.
    pub async fn slash(&self, line: &str, place: &str) -> Result<Taken, String> {
        let (app, id, payload) = self.typed_command(line, place, false)?;
        bring(&self.world, app, id, &payload).await
    }

    /// Types a command and looks at what is offered for the option that stands last, `/file get name:no`.
    ///
    /// # Errors
    /// There is no such command there, or no response came.
    pub async fn suggest(&self, line: &str, place: &str) -> Result<Vec<String>, String> {
        let option = line.rsplit(' ').find_map(|word| word.split_once(':').map(|(name, _)| name.to_owned())).ok_or("no option")?;
        let (app, id, payload) = self.typed_command(line, place, true)?;
        let taken = bring(&self.world, app, id, &payload).await?;
        let offered: Vec<(String, Value)> = taken.data["choices"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|choice| (choice["name"].as_str().unwrap_or_default().to_owned(), choice["value"].clone()))
            .collect();
        let names = offered.iter().map(|(name, _)| name.clone()).collect();
        self.world.change(|state| state.suggestions.insert((self.number, option), offered));
        Ok(names)
    }

    /// Uses a command of a message's menu, `Save to storage`.
    ///
    /// # Errors
    /// There is none, or no response came.
    pub async fn message_command(&self, message: &Seen, name: &str) -> Result<Taken, String> {
        let (channel, target) = ids(message)?;
        let (app, id, payload) = self.world.change(|state| {
            let (app, command) = self.command(state, channel, 3, name)?;
            let found = state.message(channel, target).cloned().ok_or("the message is gone")?;
            let (id, mut payload) = state.interaction(app, 2, self, channel, None);
            payload["data"] = json!({
                "id": command.id.to_string(), "name": name, "type": 3, "target_id": target.to_string(),
                "resolved": { "messages": { target.to_string(): state.message_whole(&found) } },
            });
            Ok::<_, String>((app, id, payload))
        })?;
        bring(&self.world, app, id, &payload).await
    }

    /// Uses a command of a person's menu.
    ///
    /// # Errors
    /// There is none, or no response came.
    pub async fn user_command(&self, person: &str, name: &str, place: &str) -> Result<Taken, String> {
        let channel = self.spot(place)?;
        let (app, id, payload) = self.world.change(|state| {
            let (app, command) = self.command(state, channel, 2, name)?;
            let mut resolved = json!({});
            let target = self.entity(state, 6, person, &mut resolved).ok_or("nobody of that name")?;
            let (id, mut payload) = state.interaction(app, 2, self, channel, None);
            payload["data"] =
                json!({ "id": command.id.to_string(), "name": name, "type": 2, "target_id": target.to_string(), "resolved": resolved });
            Ok::<_, String>((app, id, payload))
        })?;
        bring(&self.world, app, id, &payload).await
    }
}
