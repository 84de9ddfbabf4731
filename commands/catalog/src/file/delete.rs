//! `file delete`: removes a file. Where the store keeps versions it can be brought back, and the plan says which is so.

use super::restore::{Restore, RestoreArgs};
use super::{Located, complete, facts, locate, stores_at};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::Stores;
use bellhop_core::tokenise::quote;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `file delete`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct DeleteArgs {
    /// The file's name, or STORE:NAME
    pub name: String,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Deletes a file.
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
    const NAME: &'static str = "file delete";
    const SUMMARY: &'static str = "Deletes a file, after asking";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &["file delete old/report.pdf"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = DeleteArgs;

    async fn run(&self, call: &Call, args: DeleteArgs) -> Result<Reply, CommandError> {
        let file = locate(&*stores_at(&self.stores, call).await, &args.name, args.store.as_ref())?;
        if let Err(error) = file.store.delete(&file.name).await {
            return Err(file.failed(error).await);
        }
        let card = Card::titled(format!("Deleted {}", file.name)).tone(Tone::Good).and_spans(afterwards(&file, true));
        if !file.store.versioned() {
            return Ok(Reply::new(card));
        }
        let restore = Invoke::of::<Restore>(&RestoreArgs { name: file.sure.clone(), version: None, store: None });
        Ok(Reply::new(card.and_actions(vec![Action::invoke("Undo", restore)])))
    }

    async fn plan(&self, call: &Call, args: &DeleteArgs) -> Result<Card, CommandError> {
        let file = locate(&*stores_at(&self.stores, call).await, &args.name, args.store.as_ref())?;
        let info = file.head(None).await?;
        Ok(Card::titled(format!("Delete {}?", info.name))
            .and_spans(vec!["This would delete ".into(), Span::Code(info.name.clone()), format!(" from {}.", file.store_name()).into()])
            .and_fields(facts(call, &info))
            .and_spans(afterwards(&file, false)))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}

fn afterwards(file: &Located, done: bool) -> Vec<Span> {
    if file.store.versioned() {
        vec![Span::Code(format!("file restore {}", quote(&file.spelled))), " brings it back.".into()]
    } else if done {
        vec!["The store keeps no versions: it is gone for good.".into()]
    } else {
        vec![Span::Bold("The store keeps no versions: it would be gone for good.".into())]
    }
}
