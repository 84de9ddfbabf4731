//! What is directly in a folder, made from a flat listing: names are gathered into folders as they come. A store that can be
//! asked for folders itself does so and doesn't come here.

use super::{FilePage, FileStore, FolderPage, PortResult};
use crate::error::{PortError, PortErrorKind};
use serde::{Deserialize, Serialize};

/// Names asked for at a time: a folder with many files is passed over in few steps.
const PAGE: usize = 1000;
/// How many pages of names are looked through for one page of a folder.
const LOOKED_THROUGH: usize = 20;

/// Where a page begins: in which page of the listing, and after which of its entries.
#[derive(Default, Serialize, Deserialize)]
struct Place {
    /// The listing's own place.
    from: Option<String>,
    /// What was given last: a file's name, or a folder's with its slash.
    after: Option<String>,
}

/// A page of a folder by [`FileStore::list`], for stores that can't be asked for folders.
///
/// # Errors
/// As the listing fails; `Invalid` where `from` is none of the places that this gave.
pub async fn listed_folder<S: FileStore + ?Sized>(store: &S, prefix: &str, from: Option<&str>, limit: usize) -> PortResult<FolderPage> {
    let unreadable = || PortError::new(PortErrorKind::Invalid, format!("files.{}", store.name()), "list", "there is no such page");
    let mut place: Place = match from {
        Some(text) => serde_json::from_str(text).map_err(|_| unreadable())?,
        None => Place::default(),
    };
    let (limit, mut found) = (limit.max(1), FolderPage::default());
    for _ in 0..LOOKED_THROUGH {
        let listed: FilePage = store.list(prefix, place.from.as_deref(), PAGE).await?;
        for file in listed.files {
            let Some(rest) = file.name.strip_prefix(prefix) else { continue };
            let folder = rest.find('/').map(|at| file.name[..=prefix.len() + at].to_owned());
            let passed = |after: &String| file.name <= *after || after.ends_with('/') && file.name.starts_with(after.as_str());
            if place.after.as_ref().is_some_and(passed) {
                continue;
            }
            if found.folders.len() + found.files.len() == limit {
                // There is at least this one more. Where it begins is found again by the page that it is in.
                found.next = serde_json::to_string(&place).ok();
                return Ok(found);
            }
            place.after = Some(folder.clone().unwrap_or_else(|| file.name.clone()));
            match folder {
                Some(folder) => found.folders.push(folder),
                None => found.files.push(file),
            }
        }
        let Some(next) = listed.next else { return Ok(found) };
        place.from = Some(next);
    }
    found.next = serde_json::to_string(&place).ok();
    Ok(found)
}
