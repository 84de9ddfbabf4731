//! What the world remembers, and the rules by which it changes. No network here.

use super::behaviour::{Behaviour, Ledger, Settings};
use bellhop_core::Card;
use bellhop_core::capabilities::Lookup;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A message in a channel of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WireMessage {
    /// Its id.
    pub id: String,
    /// The key it was posted under.
    pub key: String,
    /// What it says now.
    pub card: Card,
    /// The only one who sees it, or everyone.
    pub only: Option<String>,
    /// The file that it brings: id and name.
    pub file: Option<(String, String)>,
    /// How often it was changed.
    pub edits: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Room {
    pub id: String,
    pub name: String,
    pub topic: String,
    pub private: bool,
    pub archived: bool,
    pub members: Vec<String>,
}

/// Why something was refused: a status and a word.
pub(super) type Refusal = (u16, &'static str);

pub(super) struct State {
    pub settings: Settings,
    pub behaviour: Behaviour,
    pub ledger: Ledger,
    pub rooms: Vec<Room>,
    pub messages: BTreeMap<String, Vec<WireMessage>>,
    pub files: BTreeMap<String, Vec<u8>>,
    keys: BTreeMap<(String, String), String>,
    windows: BTreeMap<String, Window>,
    last: u64,
    treated: u64,
}

#[derive(Default)]
struct Window {
    times: Vec<Instant>,
    blocked: Option<Instant>,
}

/// What is to be done with a request.
pub(super) enum Treatment {
    Well,
    Reset,
    Refuse(u16),
    Badly { think: Duration, linger: Duration, lose: bool, status: Option<u16>, garbage: bool },
}

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        let rooms = settings.channels.iter().enumerate().map(|(n, name)| Room {
            id: format!("C{}", n + 1),
            name: name.clone(),
            topic: String::new(),
            private: false,
            archived: false,
            members: settings.people.clone(),
        });
        let rooms: Vec<Room> = rooms.collect();
        let last = rooms.len() as u64;
        Self {
            settings,
            behaviour: Behaviour::default(),
            ledger: Ledger::default(),
            rooms,
            messages: BTreeMap::new(),
            files: BTreeMap::new(),
            keys: BTreeMap::new(),
            windows: BTreeMap::new(),
            last,
            treated: 0,
        }
    }

    pub(super) fn fresh(&mut self, mark: char) -> String {
        self.last += 1;
        format!("{mark}{}", self.last)
    }

    /// How this request is treated. Chances are drawn from the request's number, so that a run can be repeated.
    pub(super) fn treat(&mut self) -> Treatment {
        self.ledger.calls += 1;
        let behaviour = self.behaviour.clone();
        let plain = Behaviour { rate: behaviour.rate, times: behaviour.times, ..Behaviour::default() };
        if behaviour == plain || behaviour.times.is_some_and(|times| self.treated >= times) {
            return Treatment::Well;
        }
        self.treated += 1;
        let draw = |salt: u64| u8::try_from(mix(self.treated.wrapping_mul(2).wrapping_add(salt)) % 100).unwrap_or_default();
        if draw(0) < behaviour.reset_percent {
            self.ledger.resets += 1;
            return Treatment::Reset;
        }
        if let Some(status) = behaviour.refuse {
            return Treatment::Refuse(status);
        }
        let lose = draw(1) < behaviour.lose_percent;
        Treatment::Badly {
            think: Duration::from_millis(behaviour.think_ms),
            linger: Duration::from_millis(behaviour.linger_ms),
            lose,
            status: behaviour.fail_after,
            garbage: behaviour.garbage,
        }
    }

    pub(super) fn behave(&mut self, behaviour: Behaviour) {
        self.behaviour = behaviour;
        self.treated = 0;
    }

    /// Counts a write to a channel against the limit; the pause that is asked for where it is over it.
    pub(super) fn limit(&mut self, room: &str, now: Instant) -> Option<Duration> {
        let rate = self.behaviour.rate?;
        let per = Duration::from_millis(rate.per_ms);
        let window = self.windows.entry(room.to_owned()).or_default();
        if let Some(until) = window.blocked
            && now < until
        {
            self.ledger.early += 1;
            self.ledger.limited += 1;
            return Some(until - now);
        }
        window.blocked = None;
        window.times.retain(|at| now.duration_since(*at) < per);
        if window.times.len() < rate.count as usize {
            window.times.push(now);
            return None;
        }
        let until = window.times.first().map_or(now, |first| *first + per).max(now + Duration::from_millis(1));
        window.blocked = Some(until);
        self.ledger.limited += 1;
        Some(until - now)
    }

    pub(super) fn room(&self, id: &str) -> Result<&Room, Refusal> {
        self.rooms.iter().find(|room| room.id == id).ok_or((404, "channel_not_found"))
    }

    pub(super) fn room_mut(&mut self, id: &str) -> Result<&mut Room, Refusal> {
        self.rooms.iter_mut().find(|room| room.id == id).ok_or((404, "channel_not_found"))
    }

    /// The direct conversation with a person, made when it is first asked for.
    pub(super) fn direct(&mut self, person: &str) -> Option<String> {
        let id = format!("D-{person}");
        self.settings.people.iter().find(|name| *name == person)?;
        if self.room(&id).is_err() {
            let room = Room {
                id: id.clone(),
                name: id.clone(),
                topic: String::new(),
                private: true,
                archived: false,
                members: vec![person.to_owned()],
            };
            self.rooms.push(room);
        }
        Some(id)
    }

    pub(super) fn post(
        &mut self,
        room: &str,
        key: String,
        card: Card,
        only: Option<String>,
        file: Option<(String, String)>,
    ) -> Result<String, Refusal> {
        if self.room(room)?.archived {
            return Err((403, "is_archived"));
        }
        if key.is_empty() || key.len() > 255 {
            return Err((400, "invalid_key"));
        }
        let named = (room.to_owned(), key.clone());
        if self.settings.lookup == Lookup::Idempotent
            && let Some(id) = self.keys.get(&named)
        {
            self.ledger.repeats += 1;
            return Ok(id.clone());
        }
        let id = self.fresh('M');
        *self.ledger.copies.entry(key.clone()).or_default() += 1;
        self.keys.entry(named).or_insert_with(|| id.clone());
        self.messages.entry(room.to_owned()).or_default().push(WireMessage { id: id.clone(), key, card, only, file, edits: 0 });
        Ok(id)
    }

    pub(super) fn find(&mut self, room: &str, key: &str) -> Result<Option<String>, Refusal> {
        self.ledger.finds += 1;
        if self.settings.lookup == Lookup::None {
            return Err((501, "no_lookup"));
        }
        self.room(room)?;
        Ok(self.messages.get(room).into_iter().flatten().find(|message| message.key == key).map(|message| message.id.clone()))
    }

    pub(super) fn revise(&mut self, room: &str, id: &str, card: Card) -> Result<(), Refusal> {
        self.room(room)?;
        let message =
            self.messages.get_mut(room).into_iter().flatten().find(|message| message.id == id).ok_or((404, "message_not_found"))?;
        message.card = card;
        message.edits += 1;
        *self.ledger.edits.entry(message.key.clone()).or_default() += 1;
        Ok(())
    }

    pub(super) fn retract(&mut self, room: &str, id: &str) -> Result<(), Refusal> {
        self.room(room)?;
        if let Some(messages) = self.messages.get_mut(room) {
            messages.retain(|message| message.id != id);
        }
        Ok(())
    }

    pub(super) fn create(&mut self, name: &str, private: bool) -> Result<Room, Refusal> {
        self.free(name)?;
        let id = self.fresh('C');
        let members = if private { Vec::new() } else { self.settings.people.clone() };
        let room = Room { id, name: name.to_owned(), topic: String::new(), private, archived: false, members };
        self.rooms.push(room.clone());
        Ok(room)
    }

    pub(super) fn rename(&mut self, id: &str, name: &str) -> Result<(), Refusal> {
        if self.room(id)?.name != name {
            self.free(name)?;
        }
        name.clone_into(&mut self.room_mut(id)?.name);
        Ok(())
    }

    fn free(&self, name: &str) -> Result<(), Refusal> {
        if name.is_empty() || name.len() > 80 || name.contains(char::is_whitespace) {
            return Err((400, "invalid_name"));
        }
        if self.rooms.iter().any(|room| room.name == name) { Err((409, "name_taken")) } else { Ok(()) }
    }

    pub(super) fn invite(&mut self, id: &str, people: &[String]) -> Result<(), Refusal> {
        if people.iter().any(|person| !self.settings.people.contains(person)) {
            return Err((404, "user_not_found"));
        }
        let room = self.room_mut(id)?;
        for person in people {
            if !room.members.contains(person) {
                room.members.push(person.clone());
            }
        }
        Ok(())
    }
}

/// A number that looks drawn by chance, always the same for the same input (splitmix64).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
