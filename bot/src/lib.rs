//! The bot: everything between the adapters and the commands, and the program around it.

pub mod alerts;
pub mod announcer;
pub mod app;
pub mod backup;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod completion;
pub mod config;
pub mod dispatch;
pub mod explain;
pub mod front;
pub mod headway;
pub mod hooks;
pub mod housekeeping;
pub mod inbox;
pub mod links;
pub mod listening;
pub mod outbox;
pub mod platforms;
pub mod program;
pub mod reference;
pub mod roles;
pub mod say;
pub mod schedule;
pub mod secrets;
pub mod server;
pub mod sources;
pub mod start;
pub mod tasks;
pub mod telemetry;
pub mod unplugged;
pub mod usage;
pub mod welcome;
#[cfg(test)]
mod whole;
pub mod wiring;
