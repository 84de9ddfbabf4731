//! The gateway: sessions, what they are sent, what they missed. The sockets stand in `socket`.
//!
//! <https://docs.discord.com/developers/events/gateway>

pub(super) mod identify;
pub(super) mod socket;

use super::ids::Id;
use super::state::State;
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// How many events are kept for a session that may come back.
const KEPT: usize = 20_000;

/// What the world tells a connection to do.
#[derive(Debug)]
pub(super) enum Order {
    Send(String),
    Close(u16),
    Reset,
    /// Nothing is read or written any more, and the connection stays.
    Silence,
}

/// One session of one shard of an app.
#[derive(Debug)]
pub(super) struct Session {
    pub id: String,
    pub app: Id,
    pub shard: (u64, u64),
    pub intents: u64,
    pub seq: u64,
    pub sent: VecDeque<(u64, String)>,
    pub orders: Option<mpsc::UnboundedSender<Order>>,
    /// The number of its connection.
    pub connection: u64,
    /// When it lost its connection, in milliseconds.
    pub lost: Option<i64>,
}

/// A session as a test sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Its id.
    pub id: String,
    /// The application.
    pub app: String,
    /// The shard and how many there are.
    pub shard: (u64, u64),
    /// The intents.
    pub intents: u64,
    /// The number of the last event.
    pub seq: u64,
    /// Whether somebody is there.
    pub connected: bool,
}

/// Something that happened at the gateway, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayEvent {
    /// Somebody has connected, at the address of resumed sessions where that is true.
    Connected(u64, bool),
    /// A new session, by its connection.
    Identified(u64, String),
    /// A session went on, with so many events that it had missed.
    Resumed(u64, String, usize),
    /// A session couldn't go on.
    RefusedResume(u64),
    /// The world ended a connection with this code.
    ClosedByWorld(u64, u16),
    /// The app ended it with this code, or without a word.
    ClosedByApp(u64, Option<u16>),
    /// The connection broke.
    Broken(u64),
}

impl Session {
    /// Sends an event, and keeps it for those who come back.
    pub(super) fn dispatch(&mut self, name: &str, body: &Value) {
        self.seq += 1;
        let text = json!({ "op": 0, "t": name, "s": self.seq, "d": body }).to_string();
        if let Some(orders) = &self.orders
            && orders.send(Order::Send(text.clone())).is_err()
        {
            self.orders = None;
        }
        self.sent.push_back((self.seq, text));
        if self.sent.len() > KEPT {
            self.sent.pop_front();
        }
    }

    fn view(&self) -> SessionView {
        SessionView {
            id: self.id.clone(),
            app: self.app.to_string(),
            shard: self.shard,
            intents: self.intents,
            seq: self.seq,
            connected: self.orders.is_some(),
        }
    }
}

impl State {
    /// Sends an event to the shards of an app that want it.
    pub(super) fn tell(&mut self, app: Id, guild: Option<Id>, intent: Option<u32>, name: &str, body: &Value) {
        for session in self.sessions.iter_mut().filter(|session| session.app == app) {
            let shard = guild.map_or(0, |guild| (guild >> 22) % session.shard.1.max(1));
            if session.shard.0 == shard && intent.is_none_or(|bit| session.intents & (1 << bit) != 0) {
                session.dispatch(name, body);
            }
        }
    }

    /// Whether an app has a session that is there or may come back.
    pub(super) fn reachable(&self, app: Id) -> bool {
        self.sessions.iter().any(|session| session.app == app)
    }

    pub(super) fn session_views(&self) -> Vec<SessionView> {
        self.sessions.iter().map(Session::view).collect()
    }

    /// Tells a session's connection what to do.
    pub(super) fn order(&self, session: &str, order: Order) {
        if let Some(orders) = self.sessions.iter().find(|one| one.id == session).and_then(|one| one.orders.as_ref()) {
            let _ = orders.send(order);
        }
    }

    /// Forgets sessions that nobody came back for.
    pub(super) fn forget_sessions(&mut self) {
        let (now, within) = (self.millis(), i64::try_from(self.settings.gateway.resume_within.as_millis()).unwrap_or(i64::MAX));
        self.sessions.retain(|session| session.lost.is_none_or(|lost| now - lost <= within));
    }

    /// A connection has ended: the session may be taken up again unless it is said to be over.
    pub(super) fn parted(&mut self, connection: u64, over: bool) {
        let now = self.millis();
        if over {
            self.sessions.retain(|session| session.connection != connection);
        } else if let Some(session) = self.sessions.iter_mut().find(|session| session.connection == connection) {
            session.orders = None;
            session.lost.get_or_insert(now);
        }
    }
}
