//! `file store`: which stores there are, and which of them is meant in this place where none is named.

use super::browse::{Browse, BrowseArgs};
use super::{complete_store, stores_at};
use crate::wording::{code, count, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{Records, Stores, USUAL_STORES, usual_store_key};
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many stores get buttons.
const BUTTONS: usize = 8;

/// Arguments of `file store`.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct StoreArgs {
    /// The store that is meant here from now on where none is named; shows them when left out
    pub name: Option<StoreName>,
    /// Goes back to the store that is configured first
    #[arg(long, conflicts_with = "name")]
    #[serde(default)]
    pub clear: bool,
}

/// Shows the stores, and sets the default of a place.
pub struct Store {
    stores: Arc<dyn Stores>,
    records: Arc<dyn Records>,
}

impl Store {
    /// With the stores and the notes about places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone(), records: services.records.clone() }
    }

    async fn listed(&self, call: &Call) -> Result<Card, CommandError> {
        let names = self.stores.names();
        let here = stores_at(&self.stores, call).await.names().first().cloned();
        let mut rows = Vec::new();
        let mut actions = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let store = self.stores.store(Some(name))?;
            let default = here.as_ref() == Some(name);
            let is = match (default, at) {
                (true, _) => "the default here",
                (false, 0) => "the default elsewhere",
                (false, _) => "",
            };
            let kept = if store.versioned() { "kept" } else { "not kept" };
            rows.push(vec![vec![code(name.as_str())], vec![kept.into()], vec![is.into()]]);
            if names.len() > 1 && !default && at < BUTTONS {
                let args = StoreArgs { name: Some(name.clone()), clear: false };
                actions.push(Action::invoke(format!("Use {name} here"), Invoke::of::<Self>(&args)));
            }
            if at < BUTTONS {
                let browse = BrowseArgs { store: Some(name.clone()), ..BrowseArgs::default() };
                actions.push(Action::invoke(format!("Browse {name}"), Invoke::of::<Browse>(&browse)));
            }
        }
        let caption = count(rows.len(), "store");
        Ok(Card::titled("Stores").block(Block::Table(table(caption, &["Name", "Versions", "Is"], rows))).and_actions(actions))
    }
}

impl Command for Store {
    const NAME: &'static str = "file store";
    const SUMMARY: &'static str = "Shows the stores, or sets which one is the default here";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["file store", "file store local", "file store --clear"];
    const COMPLETES: &'static [&'static str] = &["name"];
    type Args = StoreArgs;

    fn weight(args: &StoreArgs) -> (Access, Effect) {
        if args.name.is_none() && !args.clear { (Access::Member, Effect::Reads) } else { (Self::ACCESS, Self::EFFECT) }
    }

    async fn run(&self, call: &Call, args: StoreArgs) -> Result<Reply, CommandError> {
        let key = usual_store_key(&call.at);
        let card = if let Some(name) = &args.name {
            self.stores.store(Some(name))?;
            self.records.put(USUAL_STORES, &key, &serde_json::Value::from(name.as_str())).await?;
            let spans = vec!["Where a name says no store, ".into(), code(name.as_str()), " is meant here from now on.".into()];
            Card::titled(format!("{name} is the default here")).tone(Tone::Good).and_spans(spans)
        } else if args.clear {
            self.records.remove(USUAL_STORES, &key).await?;
            let first = self.stores.store(None)?;
            let spans = vec!["Where a name says no store, ".into(), code(first.name().as_str()), " is meant, as elsewhere.".into()];
            Card::titled("No default of its own here").tone(Tone::Good).and_spans(spans)
        } else {
            return Ok(Reply::new(self.listed(call).await?));
        };
        Ok(Reply::new(card.and_actions(vec![Action::invoke("Stores", Invoke::of::<Self>(&StoreArgs::default()))])))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        if argument == "name" { complete_store(&*self.stores, typed) } else { Vec::new() }
    }
}
