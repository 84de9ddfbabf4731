//! `bucket info`: a bucket's settings in words.

use super::{Keeper, complete, encrypted, rule, told, versions};
use crate::file::stores_at;
use crate::wording::{code, line, local};
use bellhop_core::card::{Block, Field};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{Fact, PublicAccess, PublicLevel, Stores};
use bellhop_core::{Call, Card, Command, CommandError, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A bucket.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct BucketArgs {
    /// The bucket's name
    pub name: String,
    /// The store whose credential is used, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Describes a bucket.
pub struct Info {
    stores: Arc<dyn Stores>,
}

impl Info {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

fn public(access: &PublicAccess) -> String {
    let level = match access.level {
        Some(PublicLevel::Closed) => "none",
        Some(PublicLevel::Read) => "anyone can read files whose names they know",
        Some(PublicLevel::List) => "anyone can list and read",
        Some(PublicLevel::Write) => "anyone can write",
        None => "not decided by what can be seen",
    };
    line(&format!("{level} ({})", access.because.join("; ")))
}

/// Sentences, one below the other.
fn sentences(of: &Fact<Vec<String>>, none: &str) -> Vec<Span> {
    match of {
        Fact::Known(all) if !all.is_empty() => vec![all.iter().map(|one| line(one)).collect::<Vec<_>>().join("\n").into()],
        fact => vec![told(fact, |_| none.to_owned()).into()],
    }
}

impl Command for Info {
    const NAME: &'static str = "bucket info";
    const SUMMARY: &'static str = "Shows a bucket's settings: versions, encryption, access, lifecycle";
    const EXAMPLES: &'static [&'static str] = &["bucket info team-files"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = BucketArgs;

    async fn run(&self, call: &Call, args: BucketArgs) -> Result<Reply, CommandError> {
        let keeper = Keeper::of(&*stores_at(&self.stores, call).await, args.store.as_ref())?;
        let buckets = keeper.buckets()?;
        let info = match buckets.info(&args.name).await {
            Ok(info) => info,
            Err(error) => return Err(keeper.failed(&args.name, error).await),
        };
        let rules = match &info.lifecycle {
            Fact::Known(rules) => Fact::Known(rules.iter().map(rule).collect()),
            Fact::Denied => Fact::Denied,
            Fact::Unsupported => Fact::Unsupported,
        };
        let field = |name: &str, value: Vec<Span>| Field { name: name.to_owned(), value };
        let mut fields = vec![
            field("Region", vec![told(&info.region, |region| line(region)).into()]),
            field("Made", vec![told(&info.created, |at| local(*at, call.caller.zone)).into()]),
            field("Versions", vec![told(&info.versioning, |state| versions(*state).to_owned()).into()]),
            field("Encryption", vec![told(&info.encryption, encrypted).into()]),
            field("Public access", vec![told(&info.public, public).into()]),
            field("Policy", sentences(&info.policy, "none")),
            field("Lifecycle", sentences(&rules, "none")),
        ];
        if info.name == buckets.own() {
            fields.insert(0, field("Used by", vec!["the store ".into(), code(keeper.name().as_str())]));
        }
        let open = info.public.known().is_some_and(|access| !matches!(access.level, Some(PublicLevel::Closed) | None));
        let tone = if open { Tone::Warning } else { Tone::Neutral };
        Ok(Reply::new(Card::titled(format!("Bucket {}", info.name)).tone(tone).block(Block::Fields(fields))))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
