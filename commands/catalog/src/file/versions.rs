//! `file versions`: what a file was before.

use super::restore::{Restore, RestoreArgs};
use super::{complete, locate, stores_at};
use crate::wording::{code, count, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{Stores, Version};
use bellhop_core::{Action, Call, Card, Command, CommandError, Invoke, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many older versions get a button.
const BUTTONS: usize = 5;

/// Arguments of `file versions`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct VersionsArgs {
    /// The file's name, or STORE:NAME
    pub name: String,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Lists versions.
pub struct Versions {
    stores: Arc<dyn Stores>,
}

impl Versions {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Versions {
    const NAME: &'static str = "file versions";
    const SUMMARY: &'static str = "Lists a file's versions, deletions included";
    const EXAMPLES: &'static [&'static str] = &["file versions report.pdf"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = VersionsArgs;

    async fn run(&self, call: &Call, args: VersionsArgs) -> Result<Reply, CommandError> {
        let file = locate(&*stores_at(&self.stores, call).await, &args.name, args.store.as_ref())?;
        let versions = match file.store.versions(&file.name).await {
            Ok(versions) => versions,
            Err(error) => return Err(file.failed(error).await),
        };
        let state = |version: &Version| match (version.deletion, version.current) {
            (true, true) => "deleted, now",
            (true, false) => "deleted",
            (false, true) => "current",
            (false, false) => "",
        };
        let rows = versions
            .iter()
            .map(|version| {
                let size = if version.deletion { String::new() } else { bellhop_core::text::bytes(version.size) };
                vec![
                    vec![code(version.id.as_str())],
                    vec![local(version.modified, call.caller.zone).into()],
                    vec![size.into()],
                    vec![state(version).into()],
                ]
            })
            .collect();
        let actions = versions
            .iter()
            .filter(|version| !version.current && !version.deletion)
            .take(BUTTONS)
            .map(|version| {
                let args = RestoreArgs { name: file.sure.clone(), version: Some(version.id.clone()), store: None };
                Action::invoke(format!("Restore {}", bellhop_core::text::shorten(version.id.as_str(), 12)), Invoke::of::<Restore>(&args))
            })
            .collect();
        let mut card = Card::titled(format!("Versions of {}", file.name)).and_text(count(versions.len(), "version"));
        if !file.store.versioned() {
            card = card.and_text(format!("The store {} keeps no versions: only what is there now is listed.", file.store_name()));
        }
        let table = table(format!("versions of {}", file.name), &["Version", "Written", "Size#", "State"], rows);
        Ok(Reply::new(card.block(Block::Table(table)).and_actions(actions)))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
