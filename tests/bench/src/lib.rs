//! The figures that Bellhop is held to, each measured from outside and shown beside what it is compared with.
//!
//! Everything runs on loopback and in folders that go away afterwards; whatever is started is ended, by its process id.
//! Nothing here decides whether a figure is good enough for a merge: the run prints, and the one property that must
//! never break (nothing lost, nothing twice, however often the bot is killed) is a test of its own in `tests/ledger.rs`.

pub mod chart;
pub mod child;
pub mod discord;
pub mod discord_delivery;
pub mod discord_restarts;
pub mod events;
pub mod figures;
pub mod files;
pub mod intake;
pub mod kills;
pub mod site;
pub mod slack;
pub mod slack_delivery;
pub mod start;
pub mod stores;
pub mod teams;
pub mod teams_delivery;
pub mod watch;
pub mod wire;

/// Why a figure could not be taken.
pub type Failure = String;
