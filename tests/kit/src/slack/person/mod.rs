//! A person in the world: what they see and what they do, the same whichever way the app is reached.

mod acts;
mod modals;
mod talk;

pub use acts::Pressed;
pub use modals::Submitted;

use super::seen::{Seen, SeenView};
use super::server::World;
use super::state::{Kind as Room, State};

/// One person of a workspace.
#[derive(Clone)]
pub struct Person {
    pub(super) world: World,
    /// Their id, `U…`.
    pub id: String,
    /// Their workspace, `T…`.
    pub team: String,
    /// Their short name.
    pub name: String,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({} {})", self.name, self.id)
    }
}

impl State {
    /// A conversation of a workspace as a person names it: `#ops`, `ops`, its id, or `@bellhop` and `@bob` for a direct one.
    pub(super) fn place(&mut self, team: &str, who: &str, named: &str) -> Option<String> {
        let bare = named.trim_start_matches('#');
        if let Some(channel) = self.channels.iter().find(|channel| channel.team == team && (channel.id == bare || channel.name == bare)) {
            return Some(channel.id.clone());
        }
        let name = named.strip_prefix('@')?;
        let other = self.users.iter().find(|user| user.team == team && user.spec.name == name)?.id.clone();
        Some(self.direct(team, &[who.to_owned(), other]))
    }
}

impl Person {
    /// The id of a conversation as this person names it: `#ops`, `@bellhop`, an id.
    ///
    /// # Errors
    /// There is none, or they don't see it.
    pub fn place(&self, named: &str) -> Result<String, String> {
        let mut state = self.world.state();
        let id = state.place(&self.team, &self.id, named).ok_or_else(|| format!("{} knows no conversation {named:?}", self.name))?;
        let channel = state.channel(&id).filter(|channel| !channel.private || channel.members.contains(&self.id));
        channel.map(|channel| channel.id.clone()).ok_or_else(|| format!("{} doesn't see {named:?}", self.name))
    }

    /// What they see in a conversation, oldest first, threads included.
    ///
    /// # Panics
    /// When they don't see such a conversation.
    #[must_use]
    pub fn sees(&self, place: &str) -> Vec<Seen> {
        #[expect(clippy::expect_used, reason = "a test that looks where the person can't look is wrong")]
        let id = self.place(place).expect("the person looks where they can");
        self.reads(&id)
    }

    /// What they see in a conversation by its id; nothing where they don't see it at all.
    pub(in crate::slack) fn reads(&self, id: &str) -> Vec<Seen> {
        let state = self.world.state();
        let Some(me) = state.user(&self.id) else { return Vec::new() };
        let mut seen: Vec<Seen> = state
            .messages
            .get(id)
            .into_iter()
            .flatten()
            .filter(|message| !message.gone && message.only.as_ref().is_none_or(|only| *only == self.id))
            .map(|message| state.seen(message, me))
            .collect();
        seen.sort_by(|one, other| one.ts.cmp(&other.ts));
        seen
    }

    /// What the bot says there to them, oldest first.
    #[must_use]
    pub fn hears(&self, place: &str) -> Vec<Seen> {
        self.sees(place).into_iter().filter(|seen| seen.bot).collect()
    }

    /// The messages that pinged them: conversation, timestamp and text.
    #[must_use]
    pub fn notifications(&self) -> Vec<Seen> {
        let state = self.world.state();
        let Some(me) = state.user(&self.id) else { return Vec::new() };
        let all = state.messages.values().flatten().filter(|message| !message.gone && message.notified.contains(&self.id));
        all.map(|message| state.seen(message, me)).collect()
    }

    /// The modal that is open for them, the uppermost one.
    #[must_use]
    pub fn modal(&self) -> Option<SeenView> {
        let state = self.world.state();
        let id = state.stacks.get(&self.id)?.last()?;
        state.views.get(id).map(|view| state.seen_view(view))
    }

    /// The app's home as it is now.
    #[must_use]
    pub fn home(&self) -> Option<SeenView> {
        let state = self.world.state();
        state.homes.get(&self.id).and_then(|id| state.views.get(id)).map(|view| state.seen_view(view))
    }

    /// The id of the conversation with the bot.
    #[must_use]
    pub fn direct(&self) -> String {
        let mut state = self.world.state();
        let bot = state.bot_of(&self.team);
        state.direct(&self.team, &[self.id.clone(), bot])
    }

    /// What payloads call the conversation.
    pub(super) fn channel_name(state: &State, id: &str) -> String {
        match state.channel(id) {
            Some(channel) if channel.kind == Room::Direct => "directmessage".into(),
            Some(channel) if channel.kind == Room::Group => channel.name.clone(),
            Some(channel) if channel.private => "privategroup".into(),
            Some(channel) => channel.name.clone(),
            None => String::new(),
        }
    }
}
