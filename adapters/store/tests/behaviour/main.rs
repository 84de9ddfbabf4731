//! What the database promises, tried on both: every behaviour is written once and run on SQLite and on PostgreSQL.
//! What only one of them can do wrong (a full disk, a locked file, a newer version) is in modules of their own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is how a test fails; clippy's leave for tests ends at #[test]"
)]

mod world;

mod agreement;
mod agreement_cases;
mod alerts;
mod audit;
mod backup;
mod books;
mod conformance;
mod crowd;
mod events;
mod feeds;
mod inbox;
mod killed;
mod opening;
mod outbox;
mod postgres;
mod recovery;
mod reference;
mod sqlite;
