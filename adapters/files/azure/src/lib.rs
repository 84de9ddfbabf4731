//! Azure Blob Storage as a file store.
//!
//! - A file is a block blob: its name with the configured prefix before it is the blob's. Nothing else is kept anywhere, so
//!   that other programs can use the same container.
//! - What is small is sent in one request, everything else in blocks that become the file at once; memory stays the same
//!   whatever the size. What fails is shrunk to nothing, and dropped by Azure within a week.
//! - Reading goes on after a break of the connection, and is checked against the SHA-256 that was kept when it was written.
//! - Versions are the account's, or snapshots; what soft delete keeps can be undeleted.
//! - Requests that are safe to repeat are tried three times; others once, and a lost answer is said to be one.
//!
//! The official SDK makes requests and reads answers; keys are applied, bytes are sent and failures are told here. It
//! deliberately does not: make accounts, keys or identities, cache files, or know commands.

mod account;
mod blocks;
mod body;
mod buckets;
mod check;
mod config;
mod copying;
mod customer;
mod fault;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod fixture_tests;
mod listing;
mod management;
#[cfg(test)]
mod management_tests;
mod meaning;
mod names;
#[cfg(test)]
mod network_tests;
mod parts;
mod plan;
mod reading;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod sealed_tests;
mod sealing;
mod share;
mod sign;
#[cfg(test)]
mod signature_tests;
mod source;
mod store;
mod tags;
mod versions;
mod wire;
mod writing;

pub use config::{AzureConfig, Credential, Entra, Management, Proof};
pub use management::EncryptionScope;
pub use store::AzureStore;
