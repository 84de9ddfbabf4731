//! What tests share: a clock that stands still, stores in memory, one conformance suite per port, a small chat platform
//! that can be told to misbehave, a network that breaks on demand, programs and real peers started by the tests.
//!
//! It deliberately tests nothing itself beyond its own parts: suites are run by the crates whose adapters they judge, and
//! the whole bot is tested in `tests/e2e`. Nothing but tests may depend on it.

pub mod analytics;
mod args;
pub mod azure_management;
pub mod clock;
pub mod conformance;
mod cut;
pub mod discord;
pub mod faults;
mod http;
pub mod machine;
pub mod memory;
pub mod peers;
pub mod process;
pub mod schema;
pub mod seal;
pub mod slack;
pub mod teams;
mod time;
pub mod wait;
pub mod wire;

/// Installs the process's one TLS provider, as `main` does in the bot. Calling it again does nothing.
pub fn install_tls() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
