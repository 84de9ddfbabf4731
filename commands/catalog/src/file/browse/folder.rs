//! The page of a folder: its folders, then its files, as many as the platform has buttons for.

use super::{BrowseArgs, View, above, last};
use crate::file::Located;
use crate::file::store::{Store, StoreArgs};
use crate::wording::{ago, code, count, line, table};
use bellhop_core::card::Block;
use bellhop_core::ports::FolderPage;
use bellhop_core::text::{bytes, shorten};
use bellhop_core::{Action, Card, CommandError, Invoke};

/// The most entries on a page.
const MOST: usize = 20;
/// Entries where a platform has so few buttons that they don't fit into one message anyway.
const FEW: usize = 8;
/// Up, Previous, Next and the way to other stores.
const WAYS: usize = 4;
/// The longest label of an entry.
const LABEL: usize = 40;
/// How often the store is asked at most to find a page by its number.
const STEPS: usize = 50;

/// How many entries a page has.
fn rows(view: &View<'_>) -> usize {
    let buttons = match view.capabilities.actions.saturating_sub(WAYS) {
        few if few < 4 => FEW,
        some => some.min(MOST),
    };
    view.capabilities.table.map_or(buttons, |most| buttons.min(most.rows.max(1)))
}

/// A page of a folder.
pub(super) async fn page(view: &View<'_>, at: &Located) -> Result<Card, CommandError> {
    let rows = rows(view);
    let number = view.args.page.unwrap_or(1).max(1);
    let from = match &view.args.from {
        None if number > 1 => Some(found(at, number, rows).await?),
        from => from.clone(),
    };
    let page = at.store.folder(&at.name, from.as_deref(), rows).await?;
    let mut title = match at.name.as_str() {
        "" => format!("Files in {}", at.store_name()),
        name => format!("Files in {}: {}", at.store_name(), line(name)),
    };
    if number > 1 {
        title = format!("{title} (page {number})");
    }
    let empty = page.folders.is_empty() && page.files.is_empty();
    let mut card = Card::titled(title);
    card = match (empty, number, &page.next) {
        (true, 1, None) if at.name.is_empty() => {
            card.and_spans(vec!["There are no files yet. Attach one to a message that says ".into(), code("file put"), ".".into()])
        }
        (true, 1, None) => card.and_text("Nothing is in this folder."),
        (true, _, None) => card.and_text("There is nothing more."),
        (true, _, Some(_)) => card.and_text("It takes long to look through what is here. Next goes on looking."),
        (false, _, next) => {
            let columns = ["Name", "Size#", "Written"];
            card.block(Block::Table(table(caption(&page, next.is_some()), &columns, listed(view, at, &page))))
        }
    };
    Ok(card.and_actions(entries(view, at, &page, number, from.as_deref())).and_actions(ways(view, at, &page, number)))
}

/// Where the page of this number begins: pages are counted from the first. For a number that was typed, and for going back.
async fn found(at: &Located, number: u32, rows: usize) -> Result<String, CommandError> {
    let beyond = || CommandError::invalid("page", format!("there is no page {number}"));
    let mut left = usize::try_from(number - 1).ok().and_then(|pages| pages.checked_mul(rows)).ok_or_else(beyond)?;
    let mut from: Option<String> = None;
    for _ in 0..STEPS {
        let page = at.store.folder(&at.name, from.as_deref(), left).await?;
        left -= left.min(page.folders.len() + page.files.len());
        from = Some(page.next.ok_or_else(beyond)?);
        if let (0, Some(from)) = (left, from.as_ref()) {
            return Ok(from.clone());
        }
    }
    Err(CommandError::invalid("page", format!("page {number} is too far from the first to be looked for; open a folder")))
}

fn caption(page: &FolderPage, more: bool) -> String {
    let mut parts = Vec::new();
    if !page.folders.is_empty() {
        parts.push(count(page.folders.len(), "folder"));
    }
    if !page.files.is_empty() {
        parts.push(count(page.files.len(), "file"));
    }
    if more {
        parts.push("and more".to_owned());
    }
    parts.join(", ")
}

fn listed(view: &View<'_>, at: &Located, page: &FolderPage) -> Vec<Vec<Vec<bellhop_core::Span>>> {
    let within = |name: &str| code(name.strip_prefix(at.name.as_str()).unwrap_or(name));
    let folders = page.folders.iter().map(|folder| vec![vec![within(folder)], Vec::new(), vec!["folder".into()]]);
    let files = page.files.iter().map(|file| {
        vec![vec![within(&file.name)], vec![bytes(file.size).into()], vec![format!("{} ago", ago(file.modified, view.call.now)).into()]]
    });
    folders.chain(files).collect()
}

/// A button for everything that is listed.
fn entries(view: &View<'_>, at: &Located, page: &FolderPage, number: u32, from: Option<&str>) -> Vec<Action> {
    let label = |name: &str| shorten(&last(name), LABEL.min(view.capabilities.label.max(1)));
    let folders = page.folders.iter().map(|folder| view.turn(label(folder), view.about(at.store_name(), folder)));
    let files = page.files.iter().map(|file| {
        // What the file's page needs to come back to this one.
        let to =
            BrowseArgs { page: (number > 1).then_some(number), from: from.map(str::to_owned), ..view.about(at.store_name(), &file.name) };
        view.turn(label(&file.name), to)
    });
    folders.chain(files).collect()
}

/// The ways to other pages.
fn ways(view: &View<'_>, at: &Located, page: &FolderPage, number: u32) -> Vec<Action> {
    let mut ways = Vec::new();
    let here = || view.about(at.store_name(), &at.name);
    if !at.name.is_empty() {
        ways.push(view.turn("Up", view.about(at.store_name(), above(&at.name))));
    }
    if number > 1 {
        ways.push(view.turn("Previous", BrowseArgs { page: (number > 2).then_some(number - 1), ..here() }));
    }
    if let Some(next) = &page.next {
        ways.push(view.turn("Next", BrowseArgs { page: Some(number.saturating_add(1)), from: Some(next.clone()), ..here() }));
    }
    if at.name.is_empty() && view.stores.names().len() > 1 {
        ways.push(Action::invoke("Other stores", Invoke::of::<Store>(&StoreArgs::default())));
    }
    ways
}
