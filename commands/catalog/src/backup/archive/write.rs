//! Writes a run, its manifest last.

use super::manifest::{self, Entry, Kind, LeftOut, Manifest, Piece, RunSeal};
use super::stream::{CHUNK, Tally, Watch, seal, sealed_length};
use super::{Keys, MANIFEST, damaged, failed, parts};
use crate::backup::book::Book;
use bellhop_core::clock::Timestamp;
use bellhop_core::error::PortErrorKind;
use bellhop_core::ports::{ByteStream, FileStore, NewFile, PortResult};
use std::sync::Arc;

/// How many objects one list names.
const LISTED: usize = 5000;
/// How many of the things that were left out are named.
const NAMED: usize = 50;

const _: () = assert!(CHUNK == 64 * 1024, "the name of the encryption says so");

/// A run that is being written.
pub(crate) struct RunWriter<'a> {
    store: &'a dyn FileStore,
    book: &'a Book,
    /// `PREFIX/NAME/RUN/`
    base: String,
    name: &'a str,
    run: &'a str,
    seal: Option<RunSeal>,
    watch: Arc<Watch>,
    listed: Vec<Entry>,
    manifest: Manifest,
}

impl<'a> RunWriter<'a> {
    #[expect(clippy::too_many_arguments, reason = "each is one independent fact about the run")]
    pub fn new(
        store: &'a dyn FileStore,
        book: &'a Book,
        base: String,
        (name, run): (&'a str, &'a str),
        keys: Option<&Keys>,
        (source, kind): (String, Kind),
        watch: Arc<Watch>,
        now: Timestamp,
    ) -> PortResult<Self> {
        let manifest = Manifest {
            program: format!("bellhop {}", env!("CARGO_PKG_VERSION")),
            source,
            kind,
            began: now,
            ended: now,
            files: 0,
            size: 0,
            stored: 0,
            tables: None,
            index: Vec::new(),
            left_out: 0,
            first_left_out: Vec::new(),
        };
        let seal = keys.map(|keys| RunSeal::fresh(keys, name, run)).transpose()?;
        Ok(Self { store, book, base, name, run, seal, watch, listed: Vec::new(), manifest })
    }

    /// The watch over everything that is read.
    pub fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Which tables a database had.
    pub fn tables(&mut self, version: i64) {
        self.manifest.tables = Some(version);
    }

    /// Something that could not be read.
    pub fn leave_out(&mut self, path: &str, why: impl Into<String>, gone: bool) {
        self.manifest.left_out += 1;
        // What still exists and is missing is named first.
        let left_out = LeftOut { path: path.to_owned(), why: why.into(), gone };
        if self.manifest.first_left_out.len() < NAMED {
            self.manifest.first_left_out.push(left_out);
        } else if !gone && let Some(place) = self.manifest.first_left_out.iter_mut().find(|named| named.gone) {
            *place = left_out;
        }
    }

    /// Writes content, and returns its length.
    pub async fn put(&mut self, path: &str, content_type: &str, size: Option<u64>, bytes: ByteStream) -> PortResult<u64> {
        let number = self.manifest.files + 1;
        let bytes = self.watch.tap(bytes);
        let piece = self.object(&format!("data/{number:08}"), size, bytes).await?;
        let length = piece.size;
        self.manifest.files = number;
        self.manifest.size += piece.size;
        self.manifest.stored += piece.stored;
        self.listed.push(Entry { path: path.to_owned(), content_type: content_type.to_owned(), piece });
        if self.listed.len() >= LISTED {
            self.list().await?;
        }
        self.watch.step().await?;
        Ok(length)
    }

    /// Writes the list of what isn't listed yet.
    async fn list(&mut self) -> PortResult<()> {
        if self.listed.is_empty() {
            return Ok(());
        }
        let mut lines = Vec::new();
        for entry in self.listed.drain(..) {
            serde_json::to_writer(&mut lines, &entry).map_err(|error| damaged(error.to_string()))?;
            lines.push(b'\n');
        }
        let object = format!("index/{:04}", self.manifest.index.len() + 1);
        let size = lines.len() as u64;
        let piece = self.object(&object, Some(size), Box::pin(futures::stream::iter([Ok(lines.into())]))).await?;
        self.manifest.index.push(piece);
        Ok(())
    }

    async fn object(&self, object: &str, size: Option<u64>, bytes: ByteStream) -> PortResult<Piece> {
        let (content, lying) = (Tally::default(), Tally::default());
        let mut bytes = content.tap(bytes);
        let mut length = size;
        if let Some(sealing) = &self.seal {
            bytes = seal(&*sealing.key.object(object)?, bytes)?;
            length = size.map(sealed_length);
        }
        let bytes = lying.tap(bytes);
        let file = NewFile::new(format!("{}{object}", self.base), "application/octet-stream", length);
        let info = match self.store.parts().filter(|_| length.is_some_and(|length| length >= parts::LARGE)) {
            Some(parts) => parts::write(parts, self.store.name(), self.book, file, bytes).await?,
            None => self.store.write(file, bytes).await?,
        };
        let ((size, sha256), (stored, stored_sha256)) = (content.read(), lying.read());
        if info.size != stored || info.sha256.as_ref().is_some_and(|known| *known != stored_sha256) {
            return Err(damaged(format!("the store has kept something else than was written as {object}")));
        }
        Ok(Piece { object: object.to_owned(), size, sha256, stored, stored_sha256 })
    }

    /// Writes the manifest: now it is a run.
    pub async fn finish(mut self, now: Timestamp, still_ours: impl Future<Output = PortResult<bool>>) -> PortResult<Manifest> {
        self.list().await?;
        if self.manifest.files == 0 && self.manifest.first_left_out.iter().any(|left_out| !left_out.gone) {
            let why =
                self.manifest.first_left_out.first().map(|left_out| format!("{}: {}", left_out.path, left_out.why)).unwrap_or_default();
            return Err(failed(PortErrorKind::Denied, "run", format!("nothing could be read; {why}")));
        }
        // Whoever took this run for dead has begun to clear it away.
        if !still_ours.await? {
            return Err(failed(
                PortErrorKind::Conflict,
                "run",
                "it stood still for so long that it was given up, and cleared away; run it again",
            ));
        }
        self.manifest.ended = now;
        let bytes = manifest::encode(self.name, self.run, self.seal.as_ref(), self.manifest.clone())?;
        let file = NewFile::new(format!("{}{MANIFEST}", self.base), "application/json", Some(bytes.len() as u64));
        self.store.write(file, Box::pin(futures::stream::iter([Ok(bytes.into())]))).await?;
        Ok(self.manifest)
    }
}

/// Removes everything under a run's folder, its manifest first, so that what is half gone is no run.
pub(crate) async fn discard(store: &dyn FileStore, base: &str, watch: &Watch) -> PortResult<u64> {
    let mut gone = 0;
    let mut delete = async |name: &str| match store.delete(name).await {
        Ok(()) => {
            gone += 1;
            Ok(())
        }
        Err(error) if error.kind == PortErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    delete(&format!("{base}{MANIFEST}")).await?;
    loop {
        let page = store.list(base, None, 1000).await?;
        for file in &page.files {
            delete(&file.name).await?;
            watch.step().await?;
        }
        if page.files.is_empty() {
            return Ok(gone);
        }
    }
}
