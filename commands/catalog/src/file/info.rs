//! `file info`: what is known about a file.

use super::delete::{Delete, DeleteArgs};
use super::get::{Get, GetArgs};
use super::share::{Share, ShareArgs};
use super::versions::{Versions, VersionsArgs};
use super::{complete, facts, locate, stores_at, tag_fact};
use bellhop_core::card::ActionStyle;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::Stores;
use bellhop_core::{Action, Call, Card, Command, CommandError, Invoke, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `file info`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct InfoArgs {
    /// The file's name, or STORE:NAME
    pub name: String,
    /// An older version, by its id from `file versions`
    #[arg(long, value_name = "ID")]
    pub version: Option<VersionId>,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Describes a file.
pub struct Info {
    stores: Arc<dyn Stores>,
}

impl Info {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Info {
    const NAME: &'static str = "file info";
    const SUMMARY: &'static str = "Shows a file's size, type, version, tags, encryption and checksum";
    const EXAMPLES: &'static [&'static str] = &["file info report.pdf"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = InfoArgs;

    async fn run(&self, call: &Call, args: InfoArgs) -> Result<Reply, CommandError> {
        let file = locate(&*stores_at(&self.stores, call).await, &args.name, args.store.as_ref())?;
        let info = file.head(args.version.as_ref()).await?;
        let mut fields = facts(call, &info);
        fields.push(("Store", crate::wording::code(file.store_name().as_str())));
        if args.version.is_none() {
            // The tags are those of what the name gives now.
            fields.extend(tag_fact(&file).await);
        }
        let mut actions = vec![
            Action::invoke("Get", Invoke::of::<Get>(&GetArgs { name: file.sure.clone(), version: args.version.clone(), store: None })),
            Action::invoke("Share", Invoke::of::<Share>(&ShareArgs { version: args.version, ..ShareArgs::of(&file.sure) })),
        ];
        if file.store.versioned() {
            actions.push(Action::invoke("Versions", Invoke::of::<Versions>(&VersionsArgs { name: file.sure.clone(), store: None })));
        }
        let delete = Invoke::of::<Delete>(&DeleteArgs { name: file.sure.clone(), store: None });
        actions.push(Action::invoke("Delete", delete).style(ActionStyle::Danger));
        Ok(Reply::new(Card::titled(info.name.clone()).and_fields(fields).and_actions(actions)))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
