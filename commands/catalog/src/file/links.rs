//! `file links`: the links to files that work now. Each is named by its handle: what would let others follow it isn't shown.

use super::unshare::{Unshare, UnshareArgs};
use super::{complete, locate, spell, stores_at};
use crate::wording::{code, count, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{GivenLink, LinkFilter, Links, Places, Stores};
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many links are shown.
const SHOWN: usize = 100;
/// How many of them get a button.
const BUTTONS: usize = 5;

/// Arguments of `file links`.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct LinksArgs {
    /// Only links to this file, NAME or STORE:NAME
    pub name: Option<String>,
    /// Everyone's links, and not only one's own
    #[arg(long)]
    #[serde(default)]
    pub all: bool,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Lists links.
pub struct GivenLinks {
    stores: Arc<dyn Stores>,
    links: Arc<dyn Links>,
    places: Arc<dyn Places>,
}

impl GivenLinks {
    /// With the stores, the links, and the names of places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone(), links: services.links.clone(), places: services.places.clone() }
    }
}

impl Command for GivenLinks {
    const NAME: &'static str = "file links";
    const SUMMARY: &'static str = "Lists the links to files that work now";
    const ACCESS: Access = Access::Operator;
    const EXAMPLES: &'static [&'static str] = &["file links", "file links report.pdf", "file links --all"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = LinksArgs;

    fn weight(args: &LinksArgs) -> (Access, Effect) {
        (if args.all { Self::ACCESS } else { Access::Member }, Effect::Reads)
    }

    async fn run(&self, call: &Call, args: LinksArgs) -> Result<Reply, CommandError> {
        let stores = stores_at(&self.stores, call).await;
        let file = args.name.as_deref().map(|name| locate(&*stores, name, args.store.as_ref())).transpose()?;
        let filter = LinkFilter {
            made_by: (!args.all).then(|| call.caller.user.to_string()),
            file: file.as_ref().map(|file| (file.store_name().clone(), file.name.clone())),
            which: None,
            limit: SHOWN,
        };
        let links = self.links.list(&filter).await?;
        let whose = if args.all { "Links to files" } else { "Your links to files" };
        let title =
            file.map_or_else(|| whose.to_owned(), |file| format!("{} to {}", if args.all { "Links" } else { "Your links" }, file.name));
        if links.is_empty() {
            let spans = vec!["None works now. ".into(), code("file share NAME"), " makes one.".into()];
            return Ok(Reply::new(Card::titled(title).and_spans(spans)));
        }
        let mut rows = Vec::new();
        for link in &links {
            let place = match &link.made_in {
                Some(at) => self.places.spell(at).await,
                None => String::new(),
            };
            let mut row = vec![
                vec![code(&link.handle)],
                vec![code(spell(&*stores, &link.of.store, &link.of.name))],
                vec![place.into()],
                vec![local(link.expires, call.caller.zone).into()],
                vec![used(link).into()],
            ];
            if args.all {
                row.insert(2, vec![code(&link.made_by)]);
            }
            rows.push(row);
        }
        let mut columns = vec!["Id", "File", "Where", "Until", "Used"];
        if args.all {
            columns.insert(2, "By");
        }
        let mut card = Card::titled(title).block(Block::Table(table(count(links.len(), "link"), &columns, rows)));
        if links.len() == SHOWN {
            card = card.and_text(format!("The newest {SHOWN}; give a file's name to see its own."));
        }
        let actions = links.iter().take(BUTTONS).map(|link| {
            let args = UnshareArgs { what: link.handle.clone(), store: None };
            Action::invoke(format!("Revoke {}", link.handle), Invoke::of::<Unshare>(&args))
        });
        Ok(Reply::new(card.and_actions(actions.collect())))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}

/// How often a link was used, and what it is bound to.
fn used(link: &GivenLink) -> String {
    let most = if link.of.once { " of 1" } else { "" };
    let policy = link.of.policy.as_ref().map(|policy| format!(", policy {}", crate::wording::line(policy))).unwrap_or_default();
    format!("{}{most}{policy}", link.uses)
}
