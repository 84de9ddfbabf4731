//! What is known about one version, and its bytes as a file.

use crate::folder::{Stamp, settle};
use crate::keys::Keys;
use crate::sealed::{CHUNK, Cipher, HEADER, Header, Sealed, TAG, chunks};
use bellhop_core::Timestamp;
use bellhop_core::ports::FileInfo;
use cap_std::fs::{Dir, File};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// What is known about one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The name it belongs to.
    pub name: String,
    /// Its number, from 1; later versions have higher ones.
    pub number: u64,
    /// The length of its content.
    pub size: u64,
    pub content_type: String,
    pub modified: Timestamp,
    /// That of its content; empty for a deletion, and for an encrypted file that was put there by hand.
    pub sha256: String,
    #[serde(default)]
    pub deletion: bool,
    /// What its file looks like on disk.
    pub stamp: Stamp,
    /// Set when its bytes were found to be gone: a person wrote over them in place.
    #[serde(default)]
    pub lost: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// How it is encrypted, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
}

impl Record {
    /// A deletion, which has no number yet.
    pub fn deletion(name: &str, at: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            number: 0,
            size: 0,
            content_type: String::new(),
            modified: at,
            sha256: String::new(),
            deletion: true,
            stamp: Stamp { size: 0, changed: 0 },
            lost: false,
            tags: BTreeMap::new(),
            sealed: None,
        }
    }

    pub fn info(&self, keys: &Keys, versioned: bool) -> FileInfo {
        // A key may have got another name since.
        let encryption = self.sealed.as_ref().map(|sealed| {
            let header = hex::decode(&sealed.header).ok().and_then(|bytes| Header::read(&bytes, self.stamp.size));
            header.and_then(|header| keys.known(header.key())).unwrap_or_else(|| sealed.with.clone())
        });
        FileInfo {
            name: self.name.clone(),
            size: self.size,
            content_type: self.content_type.clone(),
            modified: self.modified,
            version: versioned.then(|| self.number.to_string().into()),
            sha256: Some(self.sha256.clone()).filter(|hash| !hash.is_empty()),
            encryption,
        }
    }

    pub fn has_bytes(&self) -> bool {
        !self.deletion && !self.lost
    }

    /// Whether a file holds what this version is about, whatever its time of change says; `None` where that can't be told,
    /// because it is encrypted and its key isn't there.
    pub fn is_in(&self, file: &File, keys: &Keys) -> io::Result<Option<bool>> {
        if file.metadata()?.len() != self.stamp.size {
            return Ok(Some(false));
        }
        let Some(sealed) = &self.sealed else { return digest(file).map(|hash| Some(hash == self.sha256)) };
        let Some(header) = header(file)?.filter(|header| header.text() == sealed.header) else { return Ok(Some(false)) };
        let Ok(key) = keys.for_reading("look", header.key(), None) else { return Ok(None) };
        let cipher = key.expose(|key| Cipher::new(key, &header, &self.name));
        whole(file, &cipher, self.size).map(Some)
    }
}

/// Whether every chunk of an encrypted file is as it was written.
fn whole(file: &File, cipher: &Cipher, content: u64) -> io::Result<bool> {
    let file = file.try_clone()?.into_std();
    let count = chunks(content);
    let mut chunk = Vec::new();
    for number in 0..count {
        let last = number + 1 == count;
        let length = if last { content - number * CHUNK } else { CHUNK };
        chunk.resize(usize::try_from(length + TAG).unwrap_or(0), 0);
        file.read_exact_at(&mut chunk, HEADER + number * (CHUNK + TAG))?;
        if u32::try_from(number).map_or(true, |short| cipher.open(short, last, &mut chunk).is_err()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The header of an encrypted file; `None` where it is an ordinary one.
pub(crate) fn header(file: &File) -> io::Result<Option<Header>> {
    let mut file = file.try_clone()?;
    io::Seek::rewind(&mut file)?;
    let mut beginning = Vec::new();
    (&mut file).take(HEADER).read_to_end(&mut beginning)?;
    io::Seek::rewind(&mut file)?;
    Ok(Header::read(&beginning, file.metadata()?.len()))
}

/// The SHA-256 of an open file from its beginning, whatever was read of it before.
pub(crate) fn digest(file: &File) -> io::Result<String> {
    let mut file = file.try_clone()?;
    io::Seek::rewind(&mut file)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    io::Seek::rewind(&mut file)?;
    Ok(hex::encode(hash.finalize()))
}

/// A copy with the original's time of change, so that it has its stamp.
pub(crate) fn copied(from: &Dir, path: &Path, dir: &Dir, file: &str) -> io::Result<()> {
    let new = format!("{file}.new");
    let mut source = from.open(path)?;
    let changed = source.metadata()?.modified()?;
    {
        let mut out = dir.create(&new)?;
        io::copy(&mut source, &mut out)?;
        let out = out.into_std();
        out.set_modified(changed.into_std())?;
        out.sync_all()?;
    }
    dir.rename(&new, dir, file)?;
    settle(dir)
}
