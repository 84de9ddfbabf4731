//! Reads a run: its manifest, its lists, its content, each checked as it passes.

use super::manifest::{self, Entry, Manifest, Piece};
use super::stream::{Tally, Watch, open};
use super::{Keys, MANIFEST, RunKey, SERVICE, damaged, is_run};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ports::{ByteStream, FileStore, PortResult};
use futures::TryStreamExt as _;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The largest manifest that is read into memory: that of some ten million files.
const LARGEST: u64 = 64 << 20;
/// How many damages are told one by one.
const TOLD: usize = 100;

/// A run in a store.
pub struct Run {
    store: Arc<dyn FileStore>,
    /// `PREFIX/NAME/RUN/`
    base: String,
    key: Option<RunKey>,
    /// What it says about itself.
    pub manifest: Manifest,
}

/// An object that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Its name within the run.
    pub object: String,
    /// What it should hold, where that is known.
    pub path: Option<String>,
    /// What is wrong with it.
    pub why: String,
}

impl Run {
    /// Opens the run `run` of the backup `name` under `PREFIX/NAME/RUN/`.
    ///
    /// # Errors
    /// `NotFound` where there is no complete run, `Broken` where its manifest was changed, `Unauthenticated` for another key.
    pub async fn open(store: Arc<dyn FileStore>, base: &str, name: &str, run: &str, keys: Option<&Keys>) -> PortResult<Self> {
        let bytes = head(&*store, base).await?;
        let (manifest, key) = manifest::decode(&bytes, name, run, keys)?;
        Ok(Self { store, base: base.to_owned(), key, manifest })
    }

    /// The same where only the folder is known: which run it is stands in the manifest itself.
    ///
    /// # Errors
    /// As [`Run::open`].
    pub async fn open_folder(store: Arc<dyn FileStore>, base: &str, keys: Option<&Keys>) -> PortResult<Self> {
        let bytes = head(&*store, base).await?;
        let (name, run) = manifest::names(&bytes)?;
        let (manifest, key) = manifest::decode(&bytes, &name, &run, keys)?;
        Ok(Self { store, base: base.to_owned(), key, manifest })
    }

    /// One list: what the objects that it names are.
    ///
    /// # Errors
    /// `Broken` where it was changed, and as the store fails.
    pub async fn entries(&self, index: &Piece) -> PortResult<Vec<Entry>> {
        let bytes: Vec<bytes::Bytes> = self.content(index).await?.try_collect().await?;
        let unreadable = |error: serde_json::Error| damaged(format!("{} can't be read: {error}", index.object));
        bytes
            .concat()
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).map_err(unreadable))
            .collect()
    }

    /// The content of an object. The stream fails at the latest at its end where anything is not as it was written.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn content(&self, piece: &Piece) -> PortResult<ByteStream> {
        let (content, lying) = (Tally::default(), Tally::default());
        let read = self.store.read(&format!("{}{}", self.base, piece.object), None, None).await.map_err(|error| gone(error, piece))?;
        let mut bytes = lying.tap(read.bytes);
        if let Some(key) = &self.key {
            bytes = open(&*key.object(&piece.object)?, bytes);
        }
        let bytes = content.tap(bytes);
        let expected = piece.clone();
        let object = piece.object.clone();
        // Of what is opened the beginning can be trusted, and of what is not nothing before the end.
        let checked = futures::stream::try_unfold((bytes, Some((content, lying))), move |(mut bytes, mut tallies)| {
            let expected = expected.clone();
            async move {
                if let Some(piece) = bytes.try_next().await? {
                    return Ok(Some((piece, (bytes, tallies))));
                }
                let Some((content, lying)) = tallies.take() else { return Ok(None) };
                let ((size, sha256), (stored, stored_sha256)) = (content.read(), lying.read());
                if (stored, &stored_sha256) != (expected.stored, &expected.stored_sha256) {
                    return Err(damaged(format!("it was changed: {stored} bytes lie there, and {} were written", expected.stored)));
                }
                if (size, &sha256) != (expected.size, &expected.sha256) {
                    return Err(damaged("it was changed: its content has another checksum"));
                }
                Ok(None)
            }
        });
        Ok(Box::pin(checked.map_err(move |mut error: PortError| {
            if error.service == SERVICE {
                error.message = format!("{object}: {}", error.message);
            }
            error
        })))
    }

    /// Reads everything, and says what is not as it was written; the first hundred. An error means that the store could not be
    /// asked, or the reading was stopped.
    ///
    /// # Errors
    /// As the store fails other than by not having an object.
    pub async fn verify(&self, watch: &Arc<Watch>) -> PortResult<Vec<Damage>> {
        let mut found = Vec::new();
        let (mut files, mut size) = (0, 0);
        for index in &self.manifest.index {
            let entries = match self.entries(index).await {
                Ok(entries) => entries,
                Err(error) => {
                    found.push(Damage { object: index.object.clone(), path: None, why: damage(error)? });
                    continue;
                }
            };
            for entry in entries {
                files += 1;
                size += entry.piece.size;
                let read = async {
                    let mut bytes = watch.tap(self.content(&entry.piece).await?);
                    while bytes.try_next().await?.is_some() {}
                    Ok(())
                };
                if let Err(error) = read.await {
                    found.push(Damage { object: entry.piece.object.clone(), why: damage(error)?, path: Some(entry.path) });
                    if found.len() >= TOLD {
                        return Ok(found);
                    }
                }
                watch.step().await?;
            }
        }
        if found.is_empty() && (files, size) != (self.manifest.files, self.manifest.size) {
            let why = format!("its lists name {files} objects, and it says that there are {}", self.manifest.files);
            found.push(Damage { object: MANIFEST.to_owned(), path: None, why });
        }
        Ok(found)
    }
}

/// A failure as damage, unless it is one of the store's.
fn damage(error: PortError) -> PortResult<String> {
    match error.kind {
        PortErrorKind::Broken | PortErrorKind::NotFound => Ok(error.message),
        _ => Err(error),
    }
}

fn gone(error: PortError, piece: &Piece) -> PortError {
    if error.kind == PortErrorKind::NotFound {
        PortError { service: SERVICE.to_owned(), message: format!("{} is gone", piece.object), ..error }
    } else {
        error
    }
}

async fn head(store: &dyn FileStore, base: &str) -> PortResult<Vec<u8>> {
    let read = store.read(&format!("{base}{MANIFEST}"), None, None).await.map_err(|error| {
        if error.kind != PortErrorKind::NotFound {
            return error;
        }
        let folder = if base.is_empty() { "the folder" } else { base.trim_end_matches('/') };
        PortError {
            service: SERVICE.to_owned(),
            message: format!("there is no complete run in {folder} of {}: it has no {MANIFEST}", store.name()),
            ..error
        }
    })?;
    if read.info.size > LARGEST {
        return Err(damaged(format!("{MANIFEST} is too large to be one")));
    }
    let (mut bytes, mut stream) = (Vec::new(), read.bytes);
    while let Some(piece) = stream.try_next().await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > LARGEST {
            return Err(damaged(format!("{MANIFEST} is too large to be one")));
        }
    }
    Ok(bytes)
}

/// The complete runs under `PREFIX/NAME/`, the oldest first. Everything there is listed, which takes a while where there is much.
///
/// # Errors
/// As the store fails.
pub async fn find_runs(store: &dyn FileStore, folder: &str, watch: &Watch) -> PortResult<Vec<String>> {
    let (mut found, mut next) = (BTreeSet::new(), None);
    loop {
        let page = store.list(folder, next.as_deref(), 1000).await?;
        for file in &page.files {
            let run = file.name.strip_prefix(folder).and_then(|rest| rest.strip_suffix(MANIFEST)?.strip_suffix('/'));
            found.extend(run.filter(|run| is_run(run)).map(str::to_owned));
        }
        watch.step().await?;
        next = page.next;
        if next.is_none() {
            return Ok(found.into_iter().collect());
        }
    }
}
