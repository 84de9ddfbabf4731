//! What happens in the tenant beside what a person says: the app is installed and removed, people come and go, channels change, keys
//! are changed, permissions are given and taken.

use super::delivery::{Taken, bring};
use super::state::{Kind, State};
use super::world::TeamsWorld;
use crate::conformance::chat::{Observe, Seen};
use serde_json::{Value, json};
use std::sync::Arc;

impl State {
    /// The app hears of a change of a channel (`channelCreated` and so on).
    pub(super) fn hear(&mut self, kind: &str, channel: &str) {
        let Some(team) = self.conversation(channel).and_then(|one| one.team.clone()) else { return };
        if !self.team(&team).is_some_and(|team| team.installed) {
            return;
        }
        // What happens to channels is told in the team's first one.
        let who = self.users.first().map(|user| user.id.clone()).unwrap_or_default();
        let mut activity = self.activity("conversationUpdate", &who, &team);
        let name = self.conversation(channel).map(|one| one.name.clone());
        let group = self.team(&team).map(|team| team.group.clone());
        activity["channelData"]["eventType"] = json!(kind);
        activity["channelData"]["channel"] = json!({ "id": channel, "name": name });
        activity["channelData"]["team"]["aadGroupId"] = json!(group);
        self.outgoing.push(activity);
    }
}

impl TeamsWorld {
    /// Installs the app in a team, a chat or for a person (`@ann`); the bot is told, and how it answered.
    ///
    /// # Errors
    /// There is nothing of that name, or the bot didn't take it.
    pub async fn install(&self, what: &str) -> Result<Taken, String> {
        self.installation(what, "add").await
    }

    /// Removes it.
    ///
    /// # Errors
    /// As [`TeamsWorld::install`].
    pub async fn uninstall(&self, what: &str) -> Result<Taken, String> {
        self.installation(what, "remove").await
    }

    async fn installation(&self, what: &str, action: &str) -> Result<Taken, String> {
        let (update, installation) = {
            let state = &mut *self.world.state();
            let (conversation, who) = if let Some(name) = what.strip_prefix('@') {
                let user = state.users.iter().find(|user| user.spec.name == name).ok_or("there is nobody of that name")?;
                (user.chat.clone(), user.id.clone())
            } else {
                let team = state.teams.iter().find(|team| team.name == what).map(|team| team.id.clone());
                let chat = state.conversations.iter().find(|one| one.kind == Kind::Group && one.name == what).map(|one| one.id.clone());
                let id = team.or(chat).ok_or_else(|| format!("there is no team or chat {what:?}"))?;
                (id, state.users.first().map(|user| user.id.clone()).unwrap_or_default())
            };
            let on = action == "add";
            if let Some(team) = state.teams.iter_mut().find(|team| team.id == conversation) {
                team.installed = on;
            } else if let Some(one) = state.conversation_mut(&conversation) {
                one.bot = on;
            }
            let bot = state.bot();
            let group = state.team(&conversation).map(|team| team.group.clone());
            let mut update = state.activity("conversationUpdate", &who, &conversation);
            update[if on { "membersAdded" } else { "membersRemoved" }] = json!([{ "id": bot }]);
            update["channelData"]["eventType"] = json!(if on { "teamMemberAdded" } else { "teamMemberRemoved" });
            let mut installation = state.activity("installationUpdate", &who, &conversation);
            installation["action"] = json!(action);
            for activity in [&mut update, &mut installation] {
                if let Some(group) = &group {
                    activity["channelData"]["team"]["aadGroupId"] = json!(group);
                }
            }
            (update, installation)
        };
        bring(&self.world, &update).await?;
        bring(&self.world, &installation).await
    }

    /// A person comes into a team.
    ///
    /// # Errors
    /// There is no such team or person, or the bot didn't take it.
    pub async fn join(&self, team: &str, person: &str) -> Result<Taken, String> {
        let activity = {
            let state = &mut *self.world.state();
            let user =
                state.users.iter().find(|user| user.spec.name == person).map(|user| user.id.clone()).ok_or("there is no such person")?;
            let found = state.teams.iter_mut().find(|one| one.name == team).ok_or("there is no such team")?;
            found.members.push(user.clone());
            let id = found.id.clone();
            let mut activity = state.activity("conversationUpdate", &user, &id);
            activity["membersAdded"] = json!([state.account(&user)]);
            activity["channelData"]["eventType"] = json!("teamMemberAdded");
            activity
        };
        bring(&self.world, &activity).await
    }

    /// Somebody gives a channel another name.
    pub fn rename_channel(&self, channel: &str, name: &str) {
        let id = self.channel(channel);
        {
            let mut state = self.world.state();
            if let Some(one) = state.conversation_mut(&id) {
                name.clone_into(&mut one.name);
            }
            state.hear("channelRenamed", &id);
        }
        self.world.report();
    }

    /// Somebody removes a channel.
    pub fn delete_channel(&self, channel: &str) {
        let id = self.channel(channel);
        {
            let mut state = self.world.state();
            state.hear("channelDeleted", &id);
            if let Some(one) = state.conversation_mut(&id) {
                one.gone = true;
            }
        }
        self.world.report();
    }

    /// Somebody removes a team, with all that is in it; nobody is told.
    pub fn delete_team(&self, name: &str) {
        let mut state = self.world.state();
        let id = state.teams.iter_mut().find(|team| team.name == name).map(|team| {
            team.gone = true;
            team.id.clone()
        });
        for one in state.conversations.iter_mut().filter(|one| one.team == id && id.is_some()) {
            one.gone = true;
        }
    }

    /// Puts the app into a private or shared channel, or takes it out.
    pub fn bot_in_channel(&self, channel: &str, there: bool) {
        let id = self.channel(channel);
        if let Some(one) = self.world.state().conversation_mut(&id) {
            one.bot = there;
        }
    }

    /// A person blocks the bot, or lets it speak again.
    pub fn block(&self, person: &str, blocks: bool) {
        let mut state = self.world.state();
        if let Some(user) = state.users.iter_mut().find(|user| user.spec.name == person) {
            user.blocks = blocks;
        }
    }

    /// The tenant's administrator turns the bot off, or on again.
    pub fn disable(&self, disabled: bool) {
        self.world.state().disabled = disabled;
    }

    /// Removes a message, whoever wrote it; nobody is told.
    pub fn delete_message(&self, conversation: &str, id: &str) {
        if let Some(message) = self.world.state().message_mut(conversation, id) {
            message.gone = true;
        }
    }

    /// From now on activities are signed with another key; the page of keys has the new one only.
    pub fn rotate_keys(&self) {
        let mut state = self.world.state();
        let second = !state.keys.current.1;
        state.keys.current = (if second { "second-key" } else { "first-key" }.to_owned(), second);
    }

    /// What the signing key may sign for.
    pub fn endorse(&self, channels: &[&str]) {
        self.world.state().keys.endorsements = channels.iter().map(|channel| (*channel).to_owned()).collect();
    }

    /// Every token that was given out is worth nothing any more.
    pub fn revoke_tokens(&self) {
        for token in self.world.state().tokens.values_mut() {
            token.revoked = true;
        }
    }

    /// The administrator consents to a permission, or takes it back; tokens of before have what they have.
    pub fn consent(&self, permission: &str, given: bool) {
        let mut state = self.world.state();
        state.settings.permissions.retain(|known| known != permission);
        if given {
            state.settings.permissions.push(permission.to_owned());
        }
    }

    /// Gives the app an access policy for online meetings, or takes it.
    pub fn access_policy(&self, given: bool) {
        self.world.state().settings.access_policy = given;
    }

    /// The meetings of the calendars: whose, the body as it was sent, the link, and whether it was cancelled.
    #[must_use]
    pub fn calendar(&self) -> Vec<(String, Value, Option<String>, bool)> {
        let state = self.world.state();
        let name = |object: &str| state.user(object).map_or_else(String::new, |user| user.spec.name.clone());
        state.events.iter().map(|event| (name(&event.owner), event.body.clone(), event.join.clone(), event.cancelled)).collect()
    }

    /// The online meetings that stand on no calendar: whose, the body, the link, and whether it is gone.
    #[must_use]
    pub fn meetings(&self) -> Vec<(String, Value, String, bool)> {
        let state = self.world.state();
        let name = |object: &str| state.user(object).map_or_else(String::new, |user| user.spec.name.clone());
        state.meetings.iter().map(|one| (name(&one.owner), one.body.clone(), one.join.clone(), one.gone)).collect()
    }

    /// The channels of a team as its members see them: name, membership, whether it is closed, what it is for.
    #[must_use]
    pub fn channels(&self, team: &str) -> Vec<(String, String, bool, String)> {
        let state = self.world.state();
        let id = state.teams.iter().find(|one| one.name == team).map(|one| one.id.clone());
        let all = state.conversations.iter().filter(|one| one.team == id && id.is_some() && !one.gone);
        all.map(|one| (one.name.clone(), one.membership.clone(), one.archived, one.description.clone())).collect()
    }

    /// The files of a person's drive (`@ann`), or of a channel's folder.
    #[must_use]
    pub fn files(&self, whose: &str) -> Vec<(String, Vec<u8>)> {
        let state = self.world.state();
        let (drive, parent) = if let Some(name) = whose.strip_prefix('@') {
            let object = state.users.iter().find(|user| user.spec.name == name).map(|user| user.object.clone()).unwrap_or_default();
            (format!("b!{object}"), "root".to_owned())
        } else {
            let found = state.conversations.iter().find(|one| one.name == whose.trim_start_matches('#') && !one.gone);
            let folder = found.and_then(|one| one.folder.clone()).unwrap_or_default();
            let drive = found.and_then(|one| state.team(one.team.as_deref()?)).map(|team| team.drive.clone()).unwrap_or_default();
            (drive, folder)
        };
        let all = state.items.values().filter(|item| item.drive == drive && item.parent == parent && !item.folder);
        all.map(|item| (item.name.clone(), item.bytes.clone())).collect()
    }

    /// What a person sees of the bot's messages, for the conformance suite of the chat port.
    #[must_use]
    pub fn observe(&self) -> Observe {
        let world = self.world.clone();
        Arc::new(move |at, reader| {
            let person = {
                let state = world.state();
                let user = state.user(reader.user.as_str());
                user.map(|user| super::Person {
                    world: world.clone(),
                    id: user.id.clone(),
                    object: user.object.clone(),
                    name: user.spec.name.clone(),
                })
            };
            let place = super::state::bare(at.channel.as_str()).to_owned();
            let by_object = person.as_ref().is_some_and(|person| person.object == reader.user.as_str());
            let seen: Vec<Seen> = person
                .into_iter()
                .flat_map(|person| person.reads(&place))
                .filter(|seen| seen.bot)
                .map(|seen| Seen {
                    id: seen.id,
                    text: seen.text,
                    links: seen.links,
                    actions: seen.buttons,
                    // In the words in which the adapter names people.
                    notified: seen.notified.into_iter().map(|id| if by_object { world.object_of(&id) } else { id }).collect(),
                    files: seen.files,
                })
                .collect();
            Box::pin(async move { seen })
        })
    }
}

impl super::server::World {
    fn object_of(&self, id: &str) -> String {
        self.state().user(id).map_or_else(|| id.to_owned(), |user| user.object.clone())
    }
}
