//! `file list`: the files whose names begin with something, past the store's own page size. It shows every file by its
//! full name and sums the folders up, so that a long list still says where things are.

mod recent;

use super::{complete, locate_prefix, stores_at};
use crate::wording::{ago, code, count, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{FileInfo, FileStore, PortResult, Stores};
use bellhop_core::text::{bytes, grouped};
use bellhop_core::{Action, Call, Card, Command, CommandError, Invoke, Reply};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How many files are shown when no limit is given.
const SHOWN: usize = 50;
/// The most that are shown at all.
const MOST: u32 = 10_000;
/// Files asked for at a time.
const PAGE: usize = 1000;
/// How many pages past the limit are counted.
const COUNTED_PAGES: usize = 10;
/// How long the answer waits for that. How many more there are is worth less than seeing the first of them at once.
const COUNTED_FOR: Duration = Duration::from_millis(300);
/// How many folders get a button.
const FOLDER_BUTTONS: usize = 5;

/// Arguments of `file list`.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct ListArgs {
    /// Only files whose names begin with this, such as a folder; or STORE:PREFIX
    pub prefix: Option<String>,
    /// How many to show at most; 50 unless told
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    pub limit: Option<u32>,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
    /// The newest first, each to be fetched or shared; 10 unless told
    #[arg(long)]
    #[serde(default)]
    pub recent: bool,
}

/// Lists files.
pub struct List {
    stores: Arc<dyn Stores>,
}

impl List {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "file list";
    const SUMMARY: &'static str = "Lists stored files";
    const EXAMPLES: &'static [&'static str] = &["file list", "file list reports/ --limit 200", "file list --recent"];
    const COMPLETES: &'static [&'static str] = &["prefix", "store"];
    type Args = ListArgs;

    async fn run(&self, call: &Call, args: ListArgs) -> Result<Reply, CommandError> {
        let typed = args.prefix.clone().unwrap_or_default();
        let at = locate_prefix(&*stores_at(&self.stores, call).await, &typed, args.store.as_ref())?;
        if args.recent {
            return recent::reply(&*stores_at(&self.stores, call).await, call, &at, &args).await;
        }
        let limit = args.limit.map_or(SHOWN, |limit| limit as usize);
        let (files, more, counted) = read(&*at.store, &at.name, limit).await?;
        let title =
            if at.name.is_empty() { format!("Files in {}", at.store_name()) } else { format!("Files in {}: {}", at.store_name(), at.name) };
        if files.is_empty() {
            let what = if at.name.is_empty() {
                vec!["There are no files yet. Attach one to a message that says ".into(), code("file put"), ".".into()]
            } else {
                vec!["No file's name begins with ".into(), code(&at.name), ".".into()]
            };
            let mut card = Card::titled(title).and_spans(what);
            if !at.name.is_empty() {
                card = card.and_actions(vec![Action::invoke(
                    "All files",
                    Invoke::of::<Self>(&ListArgs { store: Some(at.store_name().clone()), ..ListArgs::default() }),
                )]);
            }
            return Ok(Reply::new(card));
        }
        let total = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size));
        let mut card = Card::titled(title);
        let shown = count(files.len(), "file");
        card = card.and_text(match (more, counted) {
            (0, true) => format!("{shown}, {}", bytes(total)),
            (0, false) => format!("The first {shown}; there are more."),
            (more, true) => format!("The first {shown}; {} more.", grouped(i64::try_from(more).unwrap_or(i64::MAX))),
            (more, false) => format!("The first {shown}; over {} more.", grouped(i64::try_from(more).unwrap_or(i64::MAX))),
        });
        let folders = folders(&at.name, &files);
        if !folders.is_empty() {
            card = card.and_text(format!("Folders: {}", told(&folders)));
        }
        let rows = files
            .iter()
            .map(|file| {
                vec![vec![code(&file.name)], vec![bytes(file.size).into()], vec![format!("{} ago", ago(file.modified, call.now)).into()]]
            })
            .collect();
        card = card.block(Block::Table(table(format!("{shown} in {}", at.store_name()), &["Name", "Size#", "Written"], rows)));
        let again = |prefix: String, limit: Option<u32>| {
            Invoke::of::<Self>(&ListArgs {
                prefix: Some(prefix).filter(|p| !p.is_empty()),
                limit,
                store: args.store.clone(),
                recent: false,
            })
        };
        let mut actions: Vec<Action> = Vec::new();
        if more > 0 || !counted {
            let wanted = u32::try_from(limit.saturating_mul(4)).unwrap_or(MOST).min(MOST);
            actions.push(Action::invoke(format!("Show {wanted}"), again(typed.clone(), Some(wanted))));
        }
        let store = typed.strip_suffix(&at.name).unwrap_or_default();
        actions.extend(
            folders.keys().take(FOLDER_BUTTONS).map(|folder| Action::invoke((*folder).to_owned(), again(format!("{store}{folder}"), None))),
        );
        Ok(Reply::new(card.and_actions(actions)))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}

/// The first `limit` files, how many more there are, and whether those were all counted.
async fn read(store: &dyn FileStore, prefix: &str, limit: usize) -> PortResult<(Vec<FileInfo>, usize, bool)> {
    let mut files = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = store.list(prefix, next.as_deref(), (limit - files.len()).min(PAGE)).await?;
        // A store may give more than was asked for; what is too much is counted, not shown.
        files.extend(page.files);
        next = page.next;
        if next.is_none() || files.len() >= limit {
            break;
        }
    }
    let mut more = files.len().saturating_sub(limit);
    files.truncate(limit);
    let counting = async {
        for _ in 0..COUNTED_PAGES {
            let Some(from) = &next else { break };
            let page = store.list(prefix, Some(from), PAGE).await?;
            more += page.files.len();
            next = page.next;
        }
        Ok(())
    };
    // What was counted until then is told.
    if let Ok(counted) = tokio::time::timeout(COUNTED_FOR, counting).await {
        counted?;
    }
    Ok((files, more, next.is_none()))
}

/// The folders directly under the prefix's own, each with how many of the files are in it and how large they are.
fn folders<'a>(prefix: &str, files: &'a [FileInfo]) -> BTreeMap<&'a str, (usize, u64)> {
    let base = prefix.rfind('/').map_or(0, |at| at + 1);
    let mut folders: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
    for file in files {
        if let Some(at) = file.name.get(base..).and_then(|rest| rest.find('/')) {
            let folder = folders.entry(&file.name[..=base + at]).or_default();
            folder.0 += 1;
            folder.1 = folder.1.saturating_add(file.size);
        }
    }
    folders
}

fn told(folders: &BTreeMap<&str, (usize, u64)>) -> String {
    const TOLD: usize = 12;
    let mut told: Vec<String> = folders
        .iter()
        .take(TOLD)
        .map(|(folder, (files, size))| format!("{} ({}, {})", crate::wording::line(folder), count(*files, "file"), bytes(*size)))
        .collect();
    if folders.len() > TOLD {
        told.push(format!("and {} more", folders.len() - TOLD));
    }
    told.join(", ")
}
