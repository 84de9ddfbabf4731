//! From what is backed up into a run: the files of a store, and the bot's own database. Channels are in [`super::channel`].

use super::archive::RunWriter;
use super::book::Plan;
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ports::{FileInfo, FileStore, OwnDatabase, PortResult};

/// What the database's copy is called.
pub(super) const DATABASE: &str = "database.ndjson.gz";

/// Whether a failure is about this one thing: then the rest is backed up, and it is said.
pub(super) fn only_this(error: &PortError) -> bool {
    matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Denied | PortErrorKind::Invalid | PortErrorKind::Unsupported)
}

/// Every file whose name begins with the prefix, under the rest of its name. The backups' own folder is no part of them.
pub(super) async fn files(writer: &mut RunWriter<'_>, plan: &Plan, store: &dyn FileStore, prefix: &str) -> PortResult<()> {
    let own = (plan.store == *store.name()).then(|| if plan.prefix.is_empty() { plan.folder() } else { plan.prefix.clone() });
    // A file alone, or a folder whose name was left without its slash, keeps its last part.
    let start = prefix.rfind('/').map_or(0, |at| at + 1);
    let mut next = None;
    loop {
        let page = store.list(prefix, next.as_deref(), 1000).await?;
        for file in page.files.iter().filter(|file| own.as_ref().is_none_or(|own| !file.name.starts_with(own.as_str()))) {
            one(writer, store, file, &file.name[start..]).await?;
        }
        writer.watch().step().await?;
        next = page.next;
        if next.is_none() {
            return Ok(());
        }
    }
}

async fn one(writer: &mut RunWriter<'_>, store: &dyn FileStore, file: &FileInfo, path: &str) -> PortResult<()> {
    match store.read(&file.name, file.version.as_ref(), None).await {
        Ok(read) => {
            let (size, content_type) = (read.info.size, read.info.content_type.clone());
            writer.put(path, &content_type, Some(size), read.bytes).await.map(drop).map_err(|mut error| {
                if error.service != super::archive::SERVICE {
                    error.message = format!("{}: {}", file.name, error.message);
                }
                error
            })
        }
        Err(error) if only_this(&error) => {
            let gone = error.kind == PortErrorKind::NotFound;
            writer.leave_out(&file.name, if gone { "it was deleted meanwhile".to_owned() } else { error.message }, gone);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// The bot's own database, as it is at one moment.
pub(super) async fn database(writer: &mut RunWriter<'_>, database: &dyn OwnDatabase) -> PortResult<()> {
    let copy = database.copy().await?;
    writer.tables(copy.tables);
    writer.put(DATABASE, "application/gzip", None, copy.bytes).await.map(drop)
}
