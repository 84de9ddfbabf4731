//! `file copy`: second files with the same bytes, one or everything under a prefix, also from one store to another. What
//! `file move` shares is here and below: which files are meant ([`listing`]), one of them ([`one`], [`parts`], [`check`]), all of
//! them ([`run`]), what is noted so that it goes on after a stop ([`notes`]), and what is said about it ([`answer`]).

mod answer;
mod check;
mod job;
mod listing;
mod meter;
mod notes;
mod one;
mod parts;
mod run;
#[cfg(test)]
mod tests;

pub use notes::tidy;

use super::{Located, complete, locate, locate_prefix, stores_at};
use bellhop_core::clock::Clock;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{Records, Stores};
use bellhop_core::{Access, Call, Command, CommandError, Effect, Reply};
use job::{Job, Ports};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many files are under way at once where nothing else is said.
const PARALLEL: u16 = 4;

/// Arguments of `file copy` and `file move`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct FromTo {
    /// A file, or everything under a prefix that ends in /; STORE:NAME for another store
    pub from: String,
    /// The new name, or a prefix that ends in /; STORE:NAME for another store
    pub to: String,
    /// Replaces what is there, where the store keeps no versions
    #[arg(long)]
    #[serde(default)]
    pub replace: bool,
    /// Says what would be done, and changes nothing
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
    /// How many files at once, 1 to 32
    #[arg(long, value_name = "N", default_value_t = PARALLEL, value_parser = clap::value_parser!(u16).range(1..=32))]
    #[serde(default = "parallel")]
    pub parallel: u16,
    /// Leaves the files' tags behind, which saves a request for each
    #[arg(long)]
    #[serde(default)]
    pub no_tags: bool,
    /// The store of names that don't say one
    #[arg(long)]
    pub store: Option<StoreName>,
}

fn parallel() -> u16 {
    PARALLEL
}

impl Default for FromTo {
    fn default() -> Self {
        let (from, to) = (String::new(), String::new());
        Self { from, to, replace: false, dry_run: false, parallel: PARALLEL, no_tags: false, store: None }
    }
}

/// Copies files.
pub struct Copy {
    stores: Arc<dyn Stores>,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
}

impl Copy {
    /// With the stores, and notes of what is under way.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone(), records: services.records.clone(), clock: services.clock.clone() }
    }
}

impl Command for Copy {
    const NAME: &'static str = "file copy";
    const SUMMARY: &'static str = "Copies files to another name or store";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] =
        &["file copy report.pdf archive/report.pdf", "file copy report.pdf archive/", "file copy logs/ archive/logs/ --dry-run"];
    const COMPLETES: &'static [&'static str] = &["from", "to", "store"];
    type Args = FromTo;

    fn weight(args: &FromTo) -> (Access, Effect) {
        weight(args)
    }

    async fn run(&self, call: &Call, args: FromTo) -> Result<Reply, CommandError> {
        let stores = stores_at(&self.stores, call).await;
        transfer(call, &*stores, (&self.records, &self.clock), &args, false).await
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}

/// What only looks changes nothing.
pub(super) fn weight(args: &FromTo) -> (Access, Effect) {
    (Access::Operator, if args.dry_run { Effect::Reads } else { Effect::Writes })
}

/// What is meant by the two names.
pub(super) struct Ends {
    from: Located,
    to: Located,
    /// Whether they are beginnings of names.
    many: bool,
}

/// Copies or moves what is meant, and answers.
pub(super) async fn transfer(
    call: &Call,
    stores: &dyn Stores,
    (records, clock): (&Arc<dyn Records>, &Arc<dyn Clock>),
    args: &FromTo,
    moving: bool,
) -> Result<Reply, CommandError> {
    let ends = ends(stores, args)?;
    let ports = Ports { from: ends.from.store.clone(), to: ends.to.store.clone(), records: records.clone(), clock: clock.clone() };
    let job = Arc::new(Job::new(call, ports, &ends, args, moving));
    let tally = run::run(&job, &ends).await?;
    answer::answer(&job, &ends, tally).await
}

/// The two names that are meant.
fn ends(stores: &dyn Stores, args: &FromTo) -> Result<Ends, CommandError> {
    let open = |typed: &str| typed.ends_with('/') || typed.ends_with(':');
    let told = [&args.from, &args.to].map(|typed| super::names_store(stores, typed));
    // It is for the names that don't say one; where both do, it has to agree with them.
    let [of_from, of_to] = told.map(|tells| args.store.as_ref().filter(|_| !tells || told == [true, true]));
    if !open(&args.from) {
        let from = locate(stores, &args.from, of_from)?;
        let last = from.name.rsplit('/').next().unwrap_or(&from.name);
        // `archive/` and `s3:` keep the file's own name.
        let to = if open(&args.to) { format!("{}{last}", args.to) } else { args.to.clone() };
        let to = locate(stores, &to, of_to)?;
        if from.name == to.name && from.store_name() == to.store_name() {
            return Err(CommandError::invalid("to", format!("{} is the file itself; give another name", to.spelled)));
        }
        return Ok(Ends { from, to, many: false });
    }
    if !open(&args.to) {
        let why = format!("`{}` is one name, and `{}` is a prefix with many; end it in /", args.to, args.from);
        return Err(CommandError::invalid("to", why));
    }
    let from = locate_prefix(stores, &args.from, of_from)?;
    let to = locate_prefix(stores, &args.to, of_to)?;
    if from.store_name() == to.store_name() && (from.name.starts_with(&to.name) || to.name.starts_with(&from.name)) {
        let why = format!("{} and {} lie within each other; give a prefix apart from it", from.spelled, to.spelled);
        return Err(CommandError::invalid("to", why));
    }
    Ok(Ends { from, to, many: true })
}
