//! `bucket delete`: removes an empty bucket, after asking.

use super::info::BucketArgs;
use super::{Keeper, complete};
use crate::file::stores_at;
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::Stores;
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PortError, PortErrorKind, Reply, Span, Tone};
use std::sync::Arc;

/// Deletes a bucket.
pub struct Delete {
    stores: Arc<dyn Stores>,
}

impl Delete {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Delete {
    const NAME: &'static str = "bucket delete";
    const SUMMARY: &'static str = "Deletes an empty bucket, after asking";
    const ACCESS: Access = Access::Admin;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &["bucket delete old-archive"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = BucketArgs;

    async fn run(&self, call: &Call, args: BucketArgs) -> Result<Reply, CommandError> {
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        if let Err(error) = keeper.buckets()?.delete(&args.name).await {
            return Err(refused(&keeper, &args.name, error).await);
        }
        let spans = vec![code(&args.name), " is gone, and so is its name: others may take it now.".into()];
        Ok(Reply::new(Card::titled(format!("Deleted the bucket {}", args.name)).tone(Tone::Good).and_spans(spans)))
    }

    async fn plan(&self, call: &Call, args: &BucketArgs) -> Result<Card, CommandError> {
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        let buckets = keeper.buckets()?;
        let info = match buckets.info(&args.name).await {
            Ok(info) => info,
            Err(error) => return Err(refused(&keeper, &args.name, error).await),
        };
        let mut card = Card::titled(format!("Delete the bucket {}?", info.name)).and_spans(vec![
            "This would delete the bucket ".into(),
            code(&info.name),
            " with its settings. It is only done when nothing is in it.".into(),
        ]);
        if info.name == buckets.own() {
            card = card.and_spans(vec![Span::Bold(format!("The store {} is in it, and would have no place any more.", keeper.name()))]);
        }
        Ok(card)
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}

async fn refused(keeper: &Keeper, name: &str, error: PortError) -> CommandError {
    match error.kind {
        PortErrorKind::Conflict => CommandError::Refused(error.message),
        PortErrorKind::Invalid => CommandError::invalid("name", error.message),
        _ => keeper.failed(name, error).await,
    }
}
