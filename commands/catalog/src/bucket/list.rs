//! `bucket list`: the buckets that a store's credential reaches.

use super::{Keeper, complete};
use crate::file::stores_at;
use crate::wording::{code, count, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::Stores;
use bellhop_core::{Call, Card, Command, CommandError, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `bucket list`.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct ListArgs {
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Lists buckets.
pub struct List {
    stores: Arc<dyn Stores>,
}

impl List {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "bucket list";
    const SUMMARY: &'static str = "Lists the buckets beside that of a store";
    const EXAMPLES: &'static [&'static str] = &["bucket list", "bucket list --store local"];
    const COMPLETES: &'static [&'static str] = &["store"];
    type Args = ListArgs;

    async fn run(&self, call: &Call, args: ListArgs) -> Result<Reply, CommandError> {
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        let buckets = keeper.buckets()?;
        let all = buckets.list().await?;
        let rows = all
            .iter()
            .map(|bucket| {
                let made = bucket.created.map(|at| local(at, call.caller.zone)).unwrap_or_default();
                let own = if bucket.name == buckets.own() { format!("the store {}", keeper.name()) } else { String::new() };
                vec![
                    vec![code(&bucket.name)],
                    vec![crate::wording::line(bucket.region.as_deref().unwrap_or_default()).into()],
                    vec![made.into()],
                    vec![own.into()],
                ]
            })
            .collect();
        let table = table(format!("buckets of {}", keeper.name()), &["Bucket", "Region", "Made", "Used by"], rows);
        let card = Card::titled(format!("Buckets of {}", keeper.name())).and_text(count(all.len(), "bucket"));
        Ok(Reply::new(if all.is_empty() { card } else { card.block(Block::Table(table)) }))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
