//! The S3 store on its peers, through bad networks, and against answers of every kind.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod answers;
mod others;
mod refusals;
mod regions;
mod scripted;
mod sealed;
mod transfers;
mod world;
