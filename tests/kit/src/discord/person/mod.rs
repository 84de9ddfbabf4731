//! A person in the world: what they see and what they do, the same whichever way the app is reached.

mod acts;
mod commands;
mod forms;
mod options;
mod talk;

use super::ids::Id;
use super::seen::{Seen, SeenForm};
use super::server::World;
use super::state::State;

/// One person of a guild.
#[derive(Clone)]
pub struct Person {
    pub(super) world: World,
    pub(super) number: Id,
    pub(super) guild: Id,
    /// Their id.
    pub id: String,
    /// Their short name.
    pub name: String,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({} {})", self.name, self.id)
    }
}

impl State {
    /// A channel as a person names it: `#ops`, `ops`, its id, a thread's name, or `@bellhop` for a direct conversation.
    pub(super) fn place(&mut self, guild: Id, who: Id, named: &str) -> Option<Id> {
        if let Some(name) = named.strip_prefix('@') {
            let other = self.user_named(name)?.id;
            return Some(self.direct(who, other));
        }
        let bare = named.trim_start_matches('#');
        if let Some(id) = bare.parse::<Id>().ok().filter(|id| self.channels.contains_key(id)) {
            return Some(id);
        }
        self.channel_named(guild, bare).map(|channel| channel.id)
    }
}

impl Person {
    pub(super) fn spot(&self, named: &str) -> Result<Id, String> {
        let mut state = self.world.state();
        let id = state.place(self.guild, self.number, named).ok_or_else(|| format!("{} knows no channel {named:?}", self.name))?;
        let seen = state.channels.get(&id).is_some_and(|channel| state.sees(channel, self.number));
        if seen { Ok(id) } else { Err(format!("{} doesn't see {named:?}", self.name)) }
    }

    /// The id of a channel as this person names it: `#ops`, `@bellhop`, a thread's name, an id.
    ///
    /// # Errors
    /// There is none, or they don't see it.
    pub fn place(&self, named: &str) -> Result<String, String> {
        self.spot(named).map(|id| id.to_string())
    }

    /// What they see in a channel, oldest first.
    ///
    /// # Panics
    /// When they don't see such a channel.
    #[must_use]
    pub fn sees(&self, place: &str) -> Vec<Seen> {
        #[expect(clippy::expect_used, reason = "a test that looks where the person can't look is wrong")]
        let id = self.spot(place).expect("the person looks where they can");
        self.reads(id)
    }

    /// The same; nothing where they don't see the channel.
    pub(in crate::discord) fn reads(&self, id: Id) -> Vec<Seen> {
        let state = self.world.state();
        if !state.channels.get(&id).is_some_and(|channel| state.sees(channel, self.number)) {
            return Vec::new();
        }
        let all = state.messages.get(&id).into_iter().flatten();
        let mine = all.filter(|message| !message.gone && message.only.is_none_or(|only| only == self.number));
        mine.map(|message| state.seen(message, self.number)).collect()
    }

    /// What bots say there to them, oldest first.
    #[must_use]
    pub fn hears(&self, place: &str) -> Vec<Seen> {
        self.sees(place).into_iter().filter(|seen| seen.bot).collect()
    }

    /// The threads that they see below a channel, by name, with their ids.
    #[must_use]
    pub fn threads(&self, place: &str) -> Vec<(String, String)> {
        let Ok(home) = self.spot(place) else { return Vec::new() };
        let state = self.world.state();
        let own = state.channels.values().filter(|one| one.kind.is_thread() && one.parent == Some(home) && state.sees(one, self.number));
        own.map(|one| (one.name.clone(), one.id.to_string())).collect()
    }

    /// The messages that pinged them, oldest first.
    #[must_use]
    pub fn notifications(&self) -> Vec<Seen> {
        let state = self.world.state();
        let all = state.messages.values().flatten().filter(|message| !message.gone && message.notified.contains(&self.number));
        let mut seen: Vec<Seen> = all.map(|message| state.seen(message, self.number)).collect();
        seen.sort_by(|one, other| one.id.cmp(&other.id));
        seen
    }

    /// The form that is open for them.
    #[must_use]
    pub fn modal(&self) -> Option<SeenForm> {
        let state = self.world.state();
        state.forms.get(&self.number).map(|form| state.seen_form(form, self.number))
    }

    /// The names of the channels that they see, as they stand in the list.
    #[must_use]
    pub fn channels(&self) -> Vec<String> {
        let state = self.world.state();
        let own = state.channels.values().filter(|one| one.guild == Some(self.guild) && !one.kind.is_thread());
        own.filter(|one| state.sees(one, self.number)).map(|one| one.name.clone()).collect()
    }

    /// What the world refused so far, for a test that fails and says why.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        let ledger = &self.world.state().ledger;
        ledger.failures.iter().chain(&ledger.careless).cloned().collect()
    }

    /// What is said of a channel beside its name.
    ///
    /// # Errors
    /// They don't see it.
    pub fn topic(&self, place: &str) -> Result<String, String> {
        let id = self.spot(place)?;
        Ok(self.world.state().channels.get(&id).map(|channel| channel.topic.clone()).unwrap_or_default())
    }
}
