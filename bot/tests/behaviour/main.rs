//! The bot between its adapters and its commands, whole and in one process: what is delivered when, what is told when
//! something is wrong, what starts without whom.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod bot;
mod buckets;
mod double;
mod feeds;
mod front;
mod links;
mod long;
mod pace;
mod routes;
mod source_double;
mod sources;
mod trouble;
mod uploads;
mod watches;
