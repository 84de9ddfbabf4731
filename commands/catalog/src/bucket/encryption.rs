//! `bucket encryption`: how new files of a bucket are encrypted.

use super::{Keeper, complete, encrypted};
use crate::file::stores_at;
use crate::wording::{code, line};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{Encryption as Kept, Stores};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PortErrorKind, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Shows it
    Show,
    /// Sets it
    Set,
}

/// A kind of encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// With keys that the service keeps
    Aes256,
    /// With a key of the service's key management
    Kms,
}

/// Arguments of `bucket encryption`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct EncryptionArgs {
    /// The bucket's name
    pub name: String,
    /// Shows it unless told
    #[arg(value_enum)]
    pub action: Option<Verb>,
    /// What to set
    #[arg(value_enum)]
    pub kind: Option<Kind>,
    /// The key for kms, in full as the service spells it; the service's own unless told
    #[arg(long)]
    pub key: Option<String>,
    /// Asks the key service for every file, rather than once for many
    #[arg(long)]
    #[serde(default)]
    pub no_bucket_key: bool,
    /// The store whose credential is used, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Shows or sets how new files are encrypted.
pub struct Encryption {
    stores: Arc<dyn Stores>,
}

impl Encryption {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Encryption {
    const NAME: &'static str = "bucket encryption";
    const SUMMARY: &'static str = "Shows or sets how new files of a bucket are encrypted";
    const ACCESS: Access = Access::Admin;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] =
        &["bucket encryption team-files show", "bucket encryption team-files set kms --key arn:aws:kms:eu-central-1:1111:key/1234"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = EncryptionArgs;

    fn weight(args: &EncryptionArgs) -> (Access, Effect) {
        if args.action == Some(Verb::Set) { (Self::ACCESS, Self::EFFECT) } else { (Access::Member, Effect::Reads) }
    }

    async fn run(&self, call: &Call, args: EncryptionArgs) -> Result<Reply, CommandError> {
        let wanted = wanted(&args)?;
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        let buckets = keeper.buckets()?;
        let before = match buckets.encryption(&args.name).await {
            Ok(encryption) => encryption,
            Err(error) => return Err(keeper.failed(&args.name, error).await),
        };
        let Some(wanted) = wanted else {
            let spans = vec!["New files in ".into(), code(&args.name), format!(": {}.", encrypted(&before)).into()];
            return Ok(Reply::new(Card::titled(format!("Encryption of {}", args.name)).and_spans(spans)));
        };
        if let Err(error) = buckets.set_encryption(&args.name, &wanted).await {
            return Err(match error.kind {
                PortErrorKind::Invalid if args.key.is_some() => CommandError::invalid("key", error.message),
                _ => keeper.failed(&args.name, error).await,
            });
        }
        let mut card = Card::titled(format!("Encryption of {} is set", args.name))
            .tone(Tone::Good)
            .and_fields(vec![("Before", encrypted(&before)), ("Now", encrypted(&wanted))])
            .and_text("It holds for new files; those that are there stay as they are.");
        if let Kept::Kms { key: Some(key), .. } = &wanted {
            card = card.and_text(format!("Whether {} can be used shows at the next upload: the service doesn't check it.", line(key)));
        }
        Ok(Reply::new(card))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}

/// What is to be set; `None` to show.
fn wanted(args: &EncryptionArgs) -> Result<Option<Kept>, CommandError> {
    let set = args.action == Some(Verb::Set);
    match (set, args.kind) {
        (false, Some(_)) => Err(CommandError::invalid("action", "say set before what is to be set")),
        (false, None) if args.key.is_some() => Err(CommandError::invalid("key", "a key is for `set kms`")),
        (false, None) => Ok(None),
        (true, None) => Err(CommandError::Missing(vec!["kind"])),
        (true, Some(Kind::Aes256)) if args.key.is_some() => Err(CommandError::invalid("key", "a key is for kms; aes256 has none")),
        (true, Some(Kind::Aes256)) => Ok(Some(Kept::Aes256)),
        (true, Some(Kind::Kms)) => Ok(Some(Kept::Kms { key: args.key.clone(), bucket_key: !args.no_bucket_key })),
    }
}
