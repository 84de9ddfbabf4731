//! `file restore`: makes an older version the current one, or brings a deleted file back. Nothing is lost by it: what was
//! current stays as a version.

use super::{complete, facts, locate, stores_at};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::Stores;
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PortErrorKind, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `file restore`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct RestoreArgs {
    /// The file's name, or STORE:NAME
    pub name: String,
    /// The version to bring back, by its id from `file versions`; without it, the deletion is undone
    #[arg(long, value_name = "ID")]
    pub version: Option<VersionId>,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Restores a file.
pub struct Restore {
    stores: Arc<dyn Stores>,
}

impl Restore {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Restore {
    const NAME: &'static str = "file restore";
    const SUMMARY: &'static str = "Brings a deleted file or an older version back";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["file restore report.pdf", "file restore report.pdf --version 3"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = RestoreArgs;

    async fn run(&self, call: &Call, args: RestoreArgs) -> Result<Reply, CommandError> {
        let file = locate(&*stores_at(&self.stores, call).await, &args.name, args.store.as_ref())?;
        // Whether versions are kept a store may learn only by this very question; and what was deleted may be there without.
        let info = match file.store.restore(&file.name, args.version.as_ref()).await {
            Ok(info) => info,
            Err(error)
                if !file.store.versioned()
                    && matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Unsupported | PortErrorKind::Conflict) =>
            {
                return Err(CommandError::Refused(format!(
                    "the store {} keeps no versions, so there is nothing to bring back",
                    file.store_name()
                )));
            }
            Err(error) if error.kind == PortErrorKind::Conflict => {
                return Err(CommandError::Refused(format!(
                    "{} is that version already; `file versions` lists the older ones",
                    file.spelled
                )));
            }
            Err(error) if error.kind == PortErrorKind::NotFound => {
                // Either there never was such a file, or it has no such version.
                let known = file.store.versions(&file.name).await.is_ok();
                return Err(match &args.version {
                    Some(version) if known => CommandError::not_found("version", version.as_str()),
                    _ => file.failed(error).await,
                });
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Reply::new(Card::titled(format!("Restored {}", info.name)).tone(Tone::Good).and_fields(facts(call, &info))))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
