//! A small chat platform for tests of delivery, and the adapter that speaks to it.
//!
//! [`WireWorld`] is a strict server: it refuses what a real platform would refuse, keeps messages in order, enforces a
//! rate limit, and can be told to misbehave. Each request is handled in a task of its own that goes on when the client is
//! gone, as real servers do; a test in which the handler dies with its client would hide the very duplicates it looks
//! for. It stands for no particular vendor: their worlds live beside it.

mod behaviour;
mod chat;
mod link;
mod reading;
mod remote;
mod routes;
mod server;
mod state;

#[cfg(test)]
mod tests;

pub use behaviour::{Behaviour, Ledger, Rate, Settings};
pub use chat::WireChat;
pub use remote::{Remote, WireWorld};
pub use server::serve;
pub use state::WireMessage;
