//! `file get`: brings a stored file to where it was asked. The outbox uploads it where it fits and links it where not.

use super::{block, complete, locate, stores_at};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::Stores;
use bellhop_core::{Call, Card, Command, CommandError, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `file get`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct GetArgs {
    /// The file's name, or STORE:NAME
    pub name: String,
    /// An older version, by its id from `file versions`
    #[arg(long, value_name = "ID")]
    pub version: Option<VersionId>,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Brings a file.
pub struct Get {
    stores: Arc<dyn Stores>,
}

impl Get {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Get {
    const NAME: &'static str = "file get";
    const SUMMARY: &'static str = "Brings a stored file here";
    const EXAMPLES: &'static [&'static str] = &["file get report.pdf", "file get designs/logo.svg --version 3"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = GetArgs;

    async fn run(&self, call: &Call, args: GetArgs) -> Result<Reply, CommandError> {
        let file = locate(&*stores_at(&self.stores, call).await, &args.name, args.store.as_ref())?;
        let mut info = file.head(args.version.as_ref()).await?;
        // Without a version the newest is meant, also when it is fetched a little later.
        info.version = args.version;
        Ok(Reply::new(Card::titled(info.name.clone()).block(block(file.store_name(), &info))))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
