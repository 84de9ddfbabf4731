//! `file move`: another name, or another store, for files. Each is copied, checked, and deleted only then, so that a failure
//! in between leaves two files and never none.

use super::copy::{FromTo, transfer, weight};
use super::{complete, stores_at};
use bellhop_core::clock::Clock;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Records, Stores};
use bellhop_core::{Access, Call, Command, CommandError, Effect, Reply};
use std::sync::Arc;

/// Moves files.
pub struct Move {
    stores: Arc<dyn Stores>,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
}

impl Move {
    /// With the stores, and notes of what is under way.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone(), records: services.records.clone(), clock: services.clock.clone() }
    }
}

impl Command for Move {
    const NAME: &'static str = "file move";
    const SUMMARY: &'static str = "Moves files to another name or store";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] =
        &["file move report.pdf archive/2026/report.pdf", "file move logs/ archive/logs/ --dry-run"];
    const COMPLETES: &'static [&'static str] = &["from", "to", "store"];
    type Args = FromTo;

    fn weight(args: &FromTo) -> (Access, Effect) {
        weight(args)
    }

    async fn run(&self, call: &Call, args: FromTo) -> Result<Reply, CommandError> {
        let stores = stores_at(&self.stores, call).await;
        transfer(call, &*stores, (&self.records, &self.clock), &args, true).await
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
