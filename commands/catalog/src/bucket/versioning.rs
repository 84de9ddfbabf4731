//! `bucket versioning`: whether what is overwritten or deleted in a bucket is kept.

use super::{Keeper, complete, versions};
use crate::file::stores_at;
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{Stores, Versioning as State};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// Kept from now on
    On,
    /// No longer kept
    Off,
}

/// Arguments of `bucket versioning`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct VersioningArgs {
    /// The bucket's name
    pub name: String,
    /// Whether versions are kept from now on; shows it when left out
    #[arg(value_enum)]
    pub state: Option<Switch>,
    /// The store whose credential is used, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Shows or sets whether versions are kept.
pub struct Versioning {
    stores: Arc<dyn Stores>,
}

impl Versioning {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Versioning {
    const NAME: &'static str = "bucket versioning";
    const SUMMARY: &'static str = "Keeps what is overwritten or deleted in a bucket, or no longer";
    const ACCESS: Access = Access::Admin;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["bucket versioning team-files on", "bucket versioning team-files"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = VersioningArgs;

    fn weight(args: &VersioningArgs) -> (Access, Effect) {
        if args.state.is_none() { (Access::Member, Effect::Reads) } else { (Self::ACCESS, Self::EFFECT) }
    }

    async fn run(&self, call: &Call, args: VersioningArgs) -> Result<Reply, CommandError> {
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        let buckets = keeper.buckets()?;
        let before = match buckets.versioning(&args.name).await {
            Ok(state) => state,
            Err(error) => return Err(keeper.failed(&args.name, error).await),
        };
        let Some(wanted) = args.state else {
            let spans = vec!["Versioning of ".into(), code(&args.name), format!(" is {}.", versions(before)).into()];
            return Ok(Reply::new(Card::titled(format!("Versioning of {}", args.name)).and_spans(spans)));
        };
        let on = wanted == Switch::On;
        if on == (before == State::On) {
            let spans = vec!["Versioning of ".into(), code(&args.name), format!(" is {}.", versions(before)).into()];
            return Ok(Reply::new(Card::titled("Nothing to change").and_spans(spans)));
        }
        if let Err(error) = buckets.set_versioning(&args.name, on).await {
            return Err(keeper.failed(&args.name, error).await);
        }
        let text = if on {
            "What is overwritten or deleted is kept from now on, and takes room: a lifecycle rule can end older versions. It may take some \
             minutes until every write keeps one."
        } else {
            "What is overwritten from now on is gone. Versions that are there stay, and take room until they are deleted."
        };
        let title = format!("Versioning of {} is {}", args.name, if on { "on" } else { "suspended" });
        let after = buckets.versioning(&args.name).await.map_or_else(|_| if on { "on" } else { "suspended" }, versions);
        let fields = vec![("Before", versions(before)), ("Now", after)];
        let card = Card::titled(title).tone(Tone::Good).and_fields(fields).and_text(text);
        Ok(Reply::new(match buckets.reach() {
            Some(reach) => card.and_text(format!("{reach}.")),
            None => card,
        }))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
