//! S3, and servers that speak its protocol, as a file store.
//!
//! - A file is an object: its name with the configured prefix before it is the key. Nothing else is kept anywhere, so that
//!   other programs can use the same bucket.
//! - What is small is sent in one request, everything else in parts that become visible at once; memory stays the same
//!   whatever the size. What fails is cleared away, also when whoever wrote went away in the middle.
//! - Reading goes on after a break of the connection, and is checked against the checksum that the service keeps.
//! - Deletions are marks where versions are kept: undeleting takes them away.
//! - Files can have an encryption of their own. What is under a key of the store's owner (SSE-C) is read without saying
//!   which; what is asked to be encrypted is never written otherwise.
//! - A bucket in another region than was configured is found there, and said so.
//! - Requests that are safe to repeat are tried three times; others once, and a lost answer is said to be one.
//!
//! The SDK signs, retries and speaks XML. It deliberately does not: manage users or keys, watch the bucket, cache files, or
//! know commands.

mod account;
mod body;
mod buckets;
mod check;
mod checksum;
mod config;
mod copying;
mod customer;
mod deleting;
mod fault;
mod listing;
mod meaning;
mod names;
mod nature;
mod parts;
mod plan;
mod reading;
mod region;
mod seal;
mod share;
mod source;
mod store;
mod tags;
mod unlocking;
mod upload;
mod versions;
mod wide;
mod wire;
mod writing;

pub use config::{Checksums, Keys, S3Config, Sse};
pub use customer::CustomerKey;
pub use store::S3Store;
