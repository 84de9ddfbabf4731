//! A person in the world: what they see and what they do.

mod acts;
mod answers;
mod dialogs;
mod files;
mod talk;

pub use acts::Pressed;
pub use dialogs::Submitted;

use super::seen::{Seen, SeenView};
use super::server::World;
use super::state::{Kind, State};

/// One person of the tenant.
#[derive(Clone)]
pub struct Person {
    pub(super) world: World,
    /// Their id for the bot, `29:…`.
    pub id: String,
    /// Their id in the directory.
    pub object: String,
    /// Their short name.
    pub name: String,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({} {})", self.name, self.id)
    }
}

impl State {
    /// A conversation as a person names it: `#ops`, `ops`, `Team/ops`, `war room`, its id, or `@bellhop` for the personal chat.
    fn place(&self, me: &str, named: &str) -> Option<String> {
        if named == "@bellhop" {
            return self.user(me).map(|user| user.chat.clone());
        }
        let bare = named.trim_start_matches('#');
        if let Some(found) = self.conversation(bare) {
            return Some(found.id.clone());
        }
        let (team, name) = bare.split_once('/').map_or((None, bare), |(team, name)| (Some(team), name));
        let fits = |one: &&super::state::Conversation| {
            let of = one.team.as_deref().and_then(|team| self.team(team));
            !one.gone && one.name.eq_ignore_ascii_case(name) && team.is_none_or(|team| of.is_some_and(|of| of.name == team))
        };
        self.conversations.iter().find(fits).map(|one| one.id.clone())
    }
}

impl Person {
    /// The id of a conversation as this person names it: `#ops`, `@bellhop`, `war room`, an id.
    ///
    /// # Errors
    /// There is none, or they don't see it.
    pub fn place(&self, named: &str) -> Result<String, String> {
        let state = self.world.state();
        let id = state.place(&self.id, named).ok_or_else(|| format!("{} knows no conversation {named:?}", self.name))?;
        let found = state.conversation(&id).filter(|one| state.members(one).contains(&self.id));
        found.map(|one| one.id.clone()).ok_or_else(|| format!("{} doesn't see {named:?}", self.name))
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
    pub(super) fn reads(&self, id: &str) -> Vec<Seen> {
        let state = self.world.state();
        let Some(me) = state.user(&self.id) else { return Vec::new() };
        let all = state.messages.get(id).into_iter().flatten();
        let mine = all.filter(|message| !message.gone && message.only.as_ref().is_none_or(|only| *only == self.id));
        mine.map(|message| state.seen(message, me)).collect()
    }

    /// What the bot says there to them, oldest first.
    #[must_use]
    pub fn hears(&self, place: &str) -> Vec<Seen> {
        self.sees(place).into_iter().filter(|seen| seen.bot).collect()
    }

    /// The messages that pinged them.
    #[must_use]
    pub fn notifications(&self) -> Vec<Seen> {
        let state = self.world.state();
        let Some(me) = state.user(&self.id) else { return Vec::new() };
        let all = state.messages.values().flatten().filter(|message| !message.gone && message.notified.contains(&self.id));
        all.map(|message| state.seen(message, me)).collect()
    }

    /// The dialog that is open for them.
    #[must_use]
    pub fn dialog(&self) -> Option<SeenView> {
        let state = self.world.state();
        state.dialogs.get(&self.id)?.last().map(State::seen_view)
    }

    /// Whether a conversation is one of two, of several, or a channel.
    fn kind(&self, id: &str) -> Option<Kind> {
        self.world.state().conversation(id).map(|one| one.kind)
    }
}
