//! The whole bot, as a person meets it.

mod alerts;
mod analytics;
mod backup;
mod bad_input;
mod browser;
mod crash;
mod discord;
mod files;
mod http;
mod postgres;
mod say;
mod slack;
mod teams;
mod transfers;
mod watches;
