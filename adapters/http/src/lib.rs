//! The one HTTP client of the house: every adapter that speaks HTTP speaks it through here.
//!
//! It keeps the promises that no adapter should have to think of again: a time limit on everything, no redirects, no
//! proxies from the environment, a limit on what an answer may weigh, failures as [`PortError`]s that say whether to try
//! again and whether the effect may have happened, usage counted, and no secret or query string in any message.
//!
//! It deliberately does not retry what has an effect (the outbox does, which can look whether it happened), knows no
//! vendor's error format (adapters read refused answers through [`Request::exchange`]), and installs no TLS provider:
//! the program does that once, before the first client is built.

mod client;
mod counted;
mod failure;
mod request;
mod response;
mod retry_after;

#[cfg(test)]
mod tests;

pub use client::{Client, Limits};
pub use counted::counted;
pub use request::Request;
pub use reqwest::header;
pub use reqwest::{Method, StatusCode};
pub use response::Response;

use bellhop_core::PortError;
