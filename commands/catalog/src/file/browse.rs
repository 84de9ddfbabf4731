//! `file browse`: walks through a store in one message that changes in place. A folder's page has what is in it, and a file's
//! page its facts, how it begins, and what can be done with it.
//!
//! All that a page needs is in its buttons: one of an earlier page works as well as one of the newest, and what a button says
//! about the way back is only a short cut. It never changes a file: what does is a command of its own.

mod file;
mod folder;
mod preview;

use super::{Located, complete_store, locate_prefix, spell, stores_at};
use crate::wording::line;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{CallId, StoreName};
use bellhop_core::ports::{Platforms, Stores};
use bellhop_core::registry::Registry;
use bellhop_core::{Action, Call, Capabilities, Card, Command, CommandError, Invoke, PortErrorKind, Reply};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Weak};

/// Arguments of `file browse`.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, Serialize, Deserialize)]
pub struct BrowseArgs {
    /// A folder such as reports/, or a file; everything without one
    pub folder: Option<String>,
    /// Which page of a long folder
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    #[serde(default)]
    pub page: Option<u32>,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
    /// Where the page begins, as the store says; looked for when left out
    #[arg(long, hide = true)]
    #[serde(default)]
    pub from: Option<String>,
    /// The call whose answer is changed
    #[arg(long, hide = true)]
    #[serde(default)]
    pub turns: Option<String>,
    /// Asks for the new name of a file
    #[arg(long = "move")]
    #[serde(default)]
    pub moving: bool,
}

/// Browses.
pub struct Browse {
    stores: Arc<dyn Stores>,
    platforms: Arc<dyn Platforms>,
    registry: Weak<Registry>,
}

impl Browse {
    /// With the stores, the platforms (to know what they can show) and the commands (for their forms).
    pub(crate) fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self { stores: services.stores.clone(), platforms: services.platforms.clone(), registry: registry.clone() }
    }

    async fn page(&self, view: &View<'_>, at: &Located) -> Result<Card, CommandError> {
        let folder = at.name.is_empty() || at.name.ends_with('/');
        if folder {
            return folder::page(view, at).await;
        }
        let missing = match file::page(view, at).await {
            Ok(card) => return Ok(card),
            Err(CommandError::Port(error)) if error.kind == PortErrorKind::NotFound => error,
            Err(error) => return Err(error),
        };
        // A folder's name without its slash.
        let name = format!("{}/", at.name);
        if at.store.list(&name, None, 1).await?.files.is_empty() {
            return Err(at.failed(missing).await);
        }
        let folder = locate_prefix(view.stores, &format!("{}/", at.spelled), view.args.store.as_ref())?;
        folder::page(view, &folder).await
    }
}

impl Command for Browse {
    const NAME: &'static str = "file browse";
    const SUMMARY: &'static str = "Walks through folders and files, with buttons";
    const EXAMPLES: &'static [&'static str] = &["file browse", "file browse reports/"];
    const COMPLETES: &'static [&'static str] = &["folder", "store"];
    type Args = BrowseArgs;

    async fn run(&self, call: &Call, args: BrowseArgs) -> Result<Reply, CommandError> {
        let stores = stores_at(&self.stores, call).await;
        let at = locate_prefix(&*stores, args.folder.as_deref().unwrap_or_default(), args.store.as_ref())?;
        let capabilities = self.platforms.platform(&call.at.chat).map(|platform| platform.capabilities()).unwrap_or_default();
        let view = View { call, args: &args, stores: &*stores, capabilities, registry: &self.registry };
        let card = self.page(&view, &at).await?;
        Ok(Reply { turns: args.turns.map(CallId::new), ..Reply::new(card) })
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let stores = stores_at(&self.stores, call).await;
        match argument {
            "folder" => {}
            "store" => return complete_store(&*stores, typed),
            _ => return Vec::new(),
        }
        let Ok(at) = locate_prefix(&*stores, typed, None) else { return Vec::new() };
        let above = at.name.rfind('/').map_or(0, |end| end + 1);
        let Ok(page) = at.store.folder(&at.name[..above], None, crate::wording::SUGGESTIONS * 4).await else { return Vec::new() };
        let fits = page.folders.into_iter().filter(|folder| folder.starts_with(&at.name));
        let folders = fits.map(|folder| Suggestion { value: spell(&*stores, at.store_name(), &folder), about: "a folder".to_owned() });
        folders.take(crate::wording::SUGGESTIONS).collect()
    }
}

/// What all pages are made from.
pub(super) struct View<'a> {
    call: &'a Call,
    args: &'a BrowseArgs,
    stores: &'a dyn Stores,
    capabilities: Capabilities,
    registry: &'a Weak<Registry>,
}

impl View<'_> {
    /// A button that turns to another page of this message.
    fn turn(&self, label: impl Into<String>, to: BrowseArgs) -> Action {
        let first = self.args.turns.clone().unwrap_or_else(|| self.call.id.to_string());
        Action::invoke(label, Invoke::of::<Browse>(&BrowseArgs { turns: Some(first), ..to }))
    }

    /// The arguments of the page about `name` in a store.
    fn about(&self, store: &StoreName, name: &str) -> BrowseArgs {
        let (folder, named) = if name.is_empty() {
            // The root of a store has no name that could say which store's it is.
            (None, Some(store.clone()))
        } else {
            (Some(super::surely(self.stores, store, name)), None)
        };
        BrowseArgs { folder, store: named.filter(|_| self.stores.names().len() > 1), ..BrowseArgs::default() }
    }
}

/// The folder that something is in: `a/b/` for `a/b/c`, and for `a/b/c/`.
fn above(name: &str) -> &str {
    let whole = name.strip_suffix('/').unwrap_or(name);
    whole.rfind('/').map_or("", |at| &name[..=at])
}

/// The last part of a name, with the slash of a folder.
fn last(name: &str) -> String {
    line(&name[above(name).len()..])
}
