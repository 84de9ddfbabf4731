//! `file copy`: a second file with the same bytes, also from one store to another. What `file move` shares is here too.

use super::{Located, complete, locate, size, stores_at};
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{FileInfo, NewFile, Stores};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `file copy` and `file move`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct FromTo {
    /// The file's name, or STORE:NAME
    pub from: String,
    /// The new name, STORE:NAME, or a folder ending in /
    pub to: String,
    /// Replaces what is there, where the store keeps no versions
    #[arg(long)]
    #[serde(default)]
    pub replace: bool,
    /// The store of names that don't say one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Copies a file.
pub struct Copy {
    stores: Arc<dyn Stores>,
}

impl Copy {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Copy {
    const NAME: &'static str = "file copy";
    const SUMMARY: &'static str = "Copies a file to another name or store";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["file copy report.pdf archive/report.pdf", "file copy report.pdf archive/"];
    const COMPLETES: &'static [&'static str] = &["from", "to", "store"];
    type Args = FromTo;

    async fn run(&self, call: &Call, args: FromTo) -> Result<Reply, CommandError> {
        let (from, to) = ends(&*stores_at(&self.stores, call).await, &args)?;
        let (info, replaced) = transfer(call, &from, &to, args.replace).await?;
        Ok(Reply::new(done("Copied", &from, &to, &info, replaced)))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}

/// The two files that are meant.
pub(super) fn ends(stores: &dyn Stores, args: &FromTo) -> Result<(Located, Located), CommandError> {
    let from = locate(stores, &args.from, args.store.as_ref())?;
    let last = from.name.rsplit('/').next().unwrap_or(&from.name);
    // `archive/` and `s3:` keep the file's own name.
    let to = if args.to.ends_with('/') || args.to.ends_with(':') { format!("{}{last}", args.to) } else { args.to.clone() };
    let to = locate(stores, &to, args.store.as_ref())?;
    if from.name == to.name && from.store_name() == to.store_name() {
        return Err(CommandError::invalid("to", format!("{} is the file itself; give another name", to.spelled)));
    }
    Ok((from, to))
}

/// Copies, and says whether something was replaced.
pub(super) async fn transfer(call: &Call, from: &Located, to: &Located, replace: bool) -> Result<(FileInfo, bool), CommandError> {
    let source = from.head(None).await?;
    let replaced = to.exists().await?;
    if replaced && !replace && !to.store.versioned() {
        return Err(CommandError::Refused(format!(
            "there is a file {} already, and its store keeps no versions; add --replace to lose it, or choose another name",
            to.spelled
        )));
    }
    let info = if from.store_name() == to.store_name() {
        from.store.copy(&from.name, &to.name).await?
    } else {
        let read = from.store.read(&from.name, None, None).await?;
        let file = NewFile::new(to.name.clone(), read.info.content_type.clone(), Some(read.info.size));
        let bytes = super::upload::counted(read.bytes, call.progress.clone(), format!("Copying {}", source.name), Some(source.size));
        to.store.write(file, bytes).await?
    };
    Ok((info, replaced))
}

/// What was done, as a card.
pub(super) fn done(what: &str, from: &Located, to: &Located, info: &FileInfo, replaced: bool) -> Card {
    let mut spans: Vec<Span> = vec![code(&from.spelled), " → ".into(), code(&to.spelled), format!(", {}.", size(info.size).text()).into()];
    if replaced {
        spans.push(if to.store.versioned() {
            " What was there is kept as a version.".into()
        } else {
            " What was there is replaced.".into()
        });
    }
    Card::titled(format!("{what} {}", from.name)).tone(Tone::Good).and_spans(spans)
}
