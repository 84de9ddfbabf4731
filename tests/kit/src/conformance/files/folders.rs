//! What is directly in a folder.

use super::super::{Outcome, Verdict, done, ensure, same};
use super::{Subject, write};

/// Names with folders beside files of nearly the same name, and one folder that is far larger than a page.
async fn fill(store: &Subject) -> Result<(), String> {
    for name in ["a", "a/b", "a/b.txt", "a/b/c", "a-b", "a/ü ß/x", "z.txt", "z/1"] {
        write(store, name, "x").await?;
    }
    for number in 0..30 {
        write(store, &format!("many/{number:02}/x"), "x").await?;
        write(store, &format!("many/{number:02}/y"), "x").await?;
    }
    Ok(())
}

pub(super) async fn directly(store: &Subject) -> Verdict {
    fill(store).await?;
    for (folder, folders, files) in [
        ("", vec!["a/", "many/", "z/"], vec!["a", "a-b", "z.txt"]),
        ("a/", vec!["a/b/", "a/ü ß/"], vec!["a/b", "a/b.txt"]),
        ("a/b/", vec![], vec!["a/b/c"]),
        ("nothing/", vec![], vec![]),
    ] {
        let page = done!(store.folder(folder, None, 100).await, "the folder {folder:?}");
        same!(page.folders, folders, "folders of {folder:?}");
        same!(page.files.into_iter().map(|file| file.name).collect::<Vec<_>>(), files, "files of {folder:?}");
        ensure!(page.next.is_none(), "{folder:?} has no more");
    }
    Ok(Outcome::Held)
}

pub(super) async fn everything(store: &Subject) -> Verdict {
    fill(store).await?;
    for (folder, all) in [("", 6), ("many/", 30)] {
        for limit in [1, 3, 7, 30] {
            let (mut got, mut from) = (Vec::new(), None);
            for _ in 0..200 {
                let page = done!(store.folder(folder, from.as_deref(), limit).await, "{limit} of {folder:?} at a time");
                let entries = page.folders.len() + page.files.len();
                ensure!(entries <= limit, "{entries} entries on a page of {limit}");
                got.extend(page.folders);
                got.extend(page.files.into_iter().map(|file| file.name));
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
            ensure!(from.is_none(), "the pages of {limit} never end");
            same!(got.len(), all, "everything in {folder:?}, {limit} at a time");
            got.sort();
            got.dedup();
            same!(got.len(), all, "nothing of {folder:?} twice, {limit} at a time");
        }
    }
    Ok(Outcome::Held)
}
