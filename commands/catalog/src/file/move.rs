//! `file move`: another name, or another store, for a file. It is copied first and deleted after, so that a failure in
//! between leaves two files and never none.

use super::copy::{FromTo, done, ends, transfer};
use super::{complete, stores_at};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::Stores;
use bellhop_core::{Access, Call, Command, CommandError, Effect, Reply};
use std::sync::Arc;

/// Moves a file.
pub struct Move {
    stores: Arc<dyn Stores>,
}

impl Move {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Move {
    const NAME: &'static str = "file move";
    const SUMMARY: &'static str = "Moves a file to another name or store";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["file move report.pdf archive/2026/report.pdf"];
    const COMPLETES: &'static [&'static str] = &["from", "to", "store"];
    type Args = FromTo;

    async fn run(&self, call: &Call, args: FromTo) -> Result<Reply, CommandError> {
        let (from, to) = ends(&*stores_at(&self.stores, call).await, &args)?;
        let (info, replaced) = transfer(call, &from, &to, args.replace).await?;
        from.store.delete(&from.name).await?;
        Ok(Reply::new(done("Moved", &from, &to, &info, replaced)))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
