//! `bucket create`: an empty bucket, closed to strangers.

use super::info::{BucketArgs, Info};
use super::{Keeper, complete};
use crate::file::stores_at;
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::Stores;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, PortErrorKind, Reply, Tone};
use std::sync::Arc;

/// Makes a bucket.
pub struct Create {
    stores: Arc<dyn Stores>,
}

impl Create {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Create {
    const NAME: &'static str = "bucket create";
    const SUMMARY: &'static str = "Makes an empty bucket, closed to strangers";
    const ACCESS: Access = Access::Admin;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["bucket create team-archive"];
    const COMPLETES: &'static [&'static str] = &["store"];
    type Args = BucketArgs;

    async fn run(&self, call: &Call, args: BucketArgs) -> Result<Reply, CommandError> {
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        let made = keeper.buckets()?.create(&args.name).await.map_err(|error| match error.kind {
            PortErrorKind::Invalid => CommandError::invalid("name", error.message),
            PortErrorKind::Conflict => CommandError::Refused(error.message),
            _ => error.into(),
        })?;
        let mut spans = vec![code(&made.name), " is made".into()];
        if let Some(region) = &made.region {
            spans.push(format!(", in {}", crate::wording::line(region)).into());
        }
        spans.push(". Strangers can't get at it.".into());
        let info = Action::invoke("Info", Invoke::of::<Info>(&BucketArgs { name: made.name.clone(), store: args.store }));
        Ok(Reply::new(Card::titled(format!("Made the bucket {}", made.name)).tone(Tone::Good).and_spans(spans).and_actions(vec![info])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        // A new name is nobody's to propose.
        if argument == "name" { Vec::new() } else { complete(&*stores_at(&self.stores, call).await, argument, typed).await }
    }
}
