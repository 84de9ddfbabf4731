//! `file list --recent`: the newest files, with what people do with them. Stores list by name, so all names are looked
//! through for the newest, up to a limit that is said.

use super::{COUNTED_PAGES, List, ListArgs, PAGE};
use crate::file::get::{Get, GetArgs};
use crate::file::share::{Share, ShareArgs};
use crate::file::{Located, surely};
use crate::wording::{ago, code, count, line, table};
use bellhop_core::card::Block;
use bellhop_core::ports::{FileInfo, PortResult, Stores};
use bellhop_core::text::{bytes, grouped, shorten};
use bellhop_core::{Action, Call, Card, CommandError, Invoke, Reply};

/// How many files are shown when no limit is given.
const SHOWN: usize = 10;
/// How many files get buttons.
const BUTTONS: usize = 3;

/// The newest files whose names begin with what was typed.
pub(super) async fn reply(stores: &dyn Stores, call: &Call, at: &Located, args: &ListArgs) -> Result<Reply, CommandError> {
    let limit = args.limit.map_or(SHOWN, |limit| limit as usize);
    let (files, looked, all) = newest(at, limit).await?;
    let title = if at.name.is_empty() { "Recent files".to_owned() } else { format!("Recent files: {}", at.name) };
    if files.is_empty() {
        let put = vec!["There are none. Attach a file to a message that says ".into(), code("file put"), ".".into()];
        return Ok(Reply::new(Card::titled(title).and_spans(put)));
    }
    let mut card = Card::titled(title);
    if !all {
        let looked = grouped(i64::try_from(looked).unwrap_or(i64::MAX));
        card = card.and_text(format!("The newest of the first {looked} by name; there are more: give a folder to look through others."));
    }
    let rows = files
        .iter()
        .map(|file| {
            vec![vec![code(&file.name)], vec![bytes(file.size).into()], vec![format!("{} ago", ago(file.modified, call.now)).into()]]
        })
        .collect();
    let caption = format!("{} in {}, the newest first", count(files.len(), "file"), at.store_name());
    card = card.block(Block::Table(table(caption, &["Name", "Size#", "Written"], rows)));
    let mut actions: Vec<Action> = Vec::new();
    for file in files.iter().take(BUTTONS) {
        let (name, short) = (surely(stores, at.store_name(), &file.name), shorten(&line(&file.name), 30));
        let share = ShareArgs::of(&name);
        actions.push(Action::invoke(format!("Get {short}"), Invoke::of::<Get>(&GetArgs { name, version: None, store: None })));
        actions.push(Action::invoke(format!("Share {short}"), Invoke::of::<Share>(&share)));
    }
    let by_name = ListArgs { prefix: args.prefix.clone(), store: args.store.clone(), ..ListArgs::default() };
    actions.push(Action::invoke("All by name", Invoke::of::<List>(&by_name)));
    Ok(Reply::new(card.and_actions(actions)))
}

/// The newest `limit` files, how many were looked through, and whether those were all.
async fn newest(at: &Located, limit: usize) -> PortResult<(Vec<FileInfo>, usize, bool)> {
    let mut newest: Vec<FileInfo> = Vec::new();
    let (mut next, mut looked) = (None::<String>, 0);
    for _ in 0..COUNTED_PAGES {
        let page = at.store.list(&at.name, next.as_deref(), PAGE).await?;
        looked += page.files.len();
        newest.extend(page.files);
        newest.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.name.cmp(&b.name)));
        newest.truncate(limit);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    Ok((newest, looked, next.is_none()))
}
