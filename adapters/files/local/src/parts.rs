//! Uploads in parts, which outlive a restart.
//!
//! ```text
//! .bellhop/uploads/ID/upload.json   what is uploaded
//!                     data          the parts, each at its place; where the file is encrypted, each sealed by itself
//!                     N.part        what is known about part N once it is safely on disk; empty before
//!                     lock          shared by whoever writes a part, exclusive for finishing, giving up and sweeping
//! ```
//!
//! Finishing (`finishing`) reads everything once, for the checksum of the whole and those of the parts, and `data` takes its name by an
//! atomic rename. An encrypted upload is sealed anew as one file then: a part may be sent twice with different bytes, and
//! no two contents may ever be sealed with one nonce.

use crate::folder::{Folder, patiently, settle};
use crate::incoming::{Out, Piece};
use crate::sealed::disk_size;
use bellhop_core::ids::UploadId;
use bellhop_core::ports::{FileEncryption, NewFile, PartDone, PartUpload, PortResult, Unfinished};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions};
use crc_fast::{CrcAlgorithm, Digest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt as _;
use tokio::sync::mpsc;

/// The length of a part, unless there would be too many of them.
const PART: u64 = 16 << 20;
const MOST: u64 = 10_000;
pub(crate) const BUFFER: usize = 256 * 1024;

/// An upload that was begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub name: String,
    pub content_type: String,
    pub size: u64,
    pub part_size: u64,
    pub parts: u32,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub encryption: Option<FileEncryption>,
    pub begun: Timestamp,
}

/// A part that is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    pub number: u32,
    pub size: u64,
    /// CRC-64/NVME of its content, in hexadecimal.
    pub crc: String,
    written: Timestamp,
}

impl Part {
    pub fn done(&self) -> PartDone {
        let Self { number, size, crc, .. } = self;
        PartDone { number: *number, size: *size, checksum: Some(format!("crc64nvme:{crc}")), receipt: format!("{size}-{crc}") }
    }
}

impl Upload {
    /// The length of a part; `None` where there is no part of that number.
    fn length(&self, number: u32) -> Option<u64> {
        let before = u64::from(number.checked_sub(1)?) * self.part_size;
        (number <= self.parts).then(|| self.part_size.min(self.size - before))
    }

    /// Where its bytes begin in `data`.
    pub fn place(&self, number: u32) -> u64 {
        let each = if self.encryption.is_some() { disk_size(self.part_size) } else { self.part_size };
        u64::from(number.saturating_sub(1)) * each
    }
}

/// An upload's folder, open and locked.
pub(crate) struct Held<'a> {
    pub folder: &'a Folder,
    pub id: &'a str,
    pub dir: Dir,
    pub upload: Upload,
    // Dropped, it lets others in.
    _lock: std::fs::File,
}

/// Who may be in an upload's folder at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Everyone who writes or looks.
    Shared,
    /// Nobody else.
    Alone,
    /// Nobody else, and only if that is so already.
    AloneNow,
}

impl Folder {
    pub fn upload_error(&self, kind: PortErrorKind, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.service.clone(), "upload", message)
    }

    fn fail_upload(&self, id: &str, error: &io::Error) -> PortError {
        self.fail("upload", &self.own_path("uploads").join(id), error)
    }

    /// Begins an upload.
    pub fn begin_upload(&self, file: &NewFile, content_type: String) -> PortResult<PartUpload> {
        let Some(size) = file.size else {
            return Err(self.upload_error(PortErrorKind::Invalid, "an upload in parts needs the file's length beforehand"));
        };
        let encryption = self.wanted("upload", file.encryption.as_ref())?;
        if let Some(with) = &encryption {
            // What can't be encrypted is refused before anything is sent.
            self.keys.for_writing("upload", with)?;
            self.will_seal("upload")?;
        }
        let part_size = PART.max(size.div_ceil(MOST).next_multiple_of(1 << 20));
        let parts = u32::try_from(size.div_ceil(part_size).max(1)).unwrap_or(u32::MAX);
        let upload = Upload {
            name: file.name.clone(),
            content_type,
            size,
            part_size,
            parts,
            tags: file.tags.clone(),
            encryption,
            begun: self.clock.now(),
        };
        // Held until the upload is whole: a folder that lacks something is a leftover for whoever sweeps.
        let _lock = self.publishing("upload")?;
        for _ in 0..100 {
            let id = self.ids.next().to_lowercase();
            match self.uploads.create_dir(&id) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(self.fail_upload(&id, &error)),
                Ok(()) => {}
            }
            let made = || -> io::Result<()> {
                let dir = self.uploads.open_dir(&id)?;
                dir.create("lock")?;
                dir.create("data")?;
                let mut out = dir.create("upload.json")?;
                out.write_all(&serde_json::to_vec_pretty(&upload)?)?;
                out.sync_all()?;
                settle(&dir)?;
                settle(&self.uploads)
            };
            made().map_err(|error| self.fail_upload(&id, &error))?;
            return Ok(PartUpload { id: UploadId::new(id), part_size, parts });
        }
        Err(self.upload_error(PortErrorKind::Broken, "no name for an upload is free"))
    }

    /// Opens an upload's folder; `None` where there is no such upload, or it is finished.
    pub fn upload<'a>(&'a self, id: &'a str, hold: Hold) -> PortResult<Option<Held<'a>>> {
        let fail = |error: &io::Error| self.fail_upload(id, error);
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Ok(None);
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let opened = self.uploads.open_dir(id).and_then(|dir| dir.open_with("lock", &options).map(|lock| (dir, lock.into_std())));
        let (dir, lock) = match opened {
            Ok(opened) => opened,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename) => {
                return Ok(None);
            }
            Err(error) => return Err(fail(&error)),
        };
        let free = match hold {
            Hold::Shared => patiently(|| lock.try_lock_shared()),
            Hold::Alone => patiently(|| lock.try_lock()),
            Hold::AloneNow => match lock.try_lock() {
                Ok(()) => Ok(true),
                Err(std::fs::TryLockError::WouldBlock) => Ok(false),
                Err(std::fs::TryLockError::Error(error)) => Err(error),
            },
        };
        if !free.map_err(|e| fail(&e))? {
            return Err(self.upload_error(PortErrorKind::Conflict, "parts of this upload are being written; try again when they are done"));
        }
        // It may have been finished or given up while this waited.
        let text = match dir.symlink_metadata("data").and_then(|_| dir.read_to_string("upload.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(&error)),
        };
        let upload = serde_json::from_str(&text).map_err(|error| {
            let path = self.own_path("uploads").join(id).join("upload.json");
            self.upload_error(
                PortErrorKind::Broken,
                format!("{} can't be read ({error}); give the upload up and begin anew", path.display()),
            )
        })?;
        Ok(Some(Held { folder: self, id, dir, upload, _lock: lock }))
    }

    /// Opens it, or says that there is none.
    pub fn held<'a>(&'a self, id: &'a str, hold: Hold) -> PortResult<Held<'a>> {
        let id_shown = || bellhop_core::text::shorten(&bellhop_core::text::one_line(id), 60);
        self.upload(id, hold)?.ok_or_else(|| {
            let message =
                format!("there is no upload `{}`: it is finished, was given up, or lay there unfinished for too long", id_shown());
            self.upload_error(PortErrorKind::NotFound, message)
        })
    }

    /// The uploads under a name. What can't be read is no one's that could be asked for by its name.
    pub fn unfinished(&self, name: &str) -> PortResult<Vec<Unfinished>> {
        let mut found = Vec::new();
        for id in self.upload_ids()? {
            let text =
                self.uploads.open_dir(&id).and_then(|dir| dir.symlink_metadata("data").and_then(|_| dir.read_to_string("upload.json")));
            let upload = text.ok().and_then(|text| serde_json::from_str::<Upload>(&text).ok());
            if let Some(upload) = upload.filter(|upload| upload.name == name) {
                found.push(Unfinished { id: UploadId::new(id), name: upload.name, since: upload.begun });
            }
        }
        Ok(found)
    }

    /// Removes an upload's folder, and returns how much room that gives back.
    pub fn drop_upload(&self, id: &str) -> PortResult<u64> {
        let removed = || -> io::Result<u64> {
            let dir = self.uploads.open_dir(id)?;
            // First what makes it an upload: what a crash leaves then is a leftover.
            match dir.remove_file("upload.json") {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let freed = dir.symlink_metadata("data").map_or(0, |known| known.blocks().saturating_mul(512));
            self.uploads.remove_dir_all(id)?;
            Ok(freed)
        };
        removed().map_err(|error| self.fail_upload(id, &error))
    }
}

impl Held<'_> {
    pub fn fail(&self, error: &io::Error) -> PortError {
        self.folder.fail_upload(self.id, error)
    }

    /// Checks that there is such a part of this length.
    pub fn expects(&self, number: u32, size: u64) -> PortResult<()> {
        let invalid = |why: String| Err(self.folder.upload_error(PortErrorKind::Invalid, why));
        match self.upload.length(number) {
            None => invalid(format!("this upload has parts 1 to {}, and no part {number}", self.upload.parts)),
            Some(length) if length != size => invalid(format!("part {number} has {length} bytes, not {size}")),
            Some(_) => Ok(()),
        }
    }

    /// What a part's bytes are sealed under.
    pub fn label(&self, number: u32) -> String {
        format!("upload {} part {number}", self.id)
    }

    /// Writes a part until the end of what comes; `None` where it breaks off.
    pub fn put(&self, number: u32, mut pieces: mpsc::Receiver<Piece>) -> PortResult<Option<PartDone>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        let about = self.dir.open_with(format!("{number}.part"), &options).map_err(|e| self.fail(&e))?.into_std();
        // One that was given up a moment ago may not have ended yet.
        if !patiently(|| about.try_lock()).map_err(|e| self.fail(&e))? {
            return Err(self.folder.upload_error(PortErrorKind::Conflict, format!("part {number} is being written already")));
        }
        // What is known about the bytes goes before the bytes do.
        about.set_len(0).and_then(|()| about.sync_all()).map_err(|e| self.fail(&e))?;
        let data = self.dir.open_with("data", OpenOptions::new().write(true)).map_err(|e| self.fail(&e))?.into_std();
        let sealing = self.upload.encryption.as_ref().map(|with| self.folder.sealing("upload", &self.label(number), with)).transpose()?;
        let place = Place { file: &data, at: self.upload.place(number) };
        let mut out = Out::new(io::BufWriter::with_capacity(BUFFER, place), sealing).map_err(|e| self.fail(&e))?;
        let (mut crc, mut size) = (Digest::new(CrcAlgorithm::Crc64Nvme), 0);
        loop {
            match pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => {
                    crc.update(&bytes);
                    size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    out.write(&bytes).map_err(|e| self.fail(&e))?;
                }
                Some(Piece::End) => break,
                None => return Ok(None),
            }
        }
        let part = Part { number, size, crc: format!("{:016x}", crc.finalize()), written: self.folder.clock.now() };
        let kept = || -> io::Result<()> {
            out.finish()?;
            data.sync_data()?;
            (&about).write_all(&serde_json::to_vec(&part)?)?;
            about.sync_all()?;
            settle(&self.dir)
        };
        kept().map_err(|e| self.fail(&e))?;
        Ok(Some(part.done()))
    }

    /// The parts that are there, by number.
    pub fn parts(&self) -> PortResult<Vec<Part>> {
        let mut parts = Vec::new();
        for entry in self.dir.entries().map_err(|e| self.fail(&e))? {
            let name = entry.map_err(|e| self.fail(&e))?.file_name();
            let Some(name) = name.to_str().filter(|name| name.strip_suffix(".part").is_some()) else { continue };
            // One that is being written, or was when the power went, says nothing yet.
            let text = self.dir.read_to_string(name).map_err(|e| self.fail(&e))?;
            parts.extend(serde_json::from_str::<Part>(&text).ok().filter(|part| self.upload.length(part.number) == Some(part.size)));
        }
        parts.sort_unstable_by_key(|part| part.number);
        Ok(parts)
    }

    /// The same as they are told.
    pub fn done(&self) -> PortResult<Vec<PartDone>> {
        Ok(self.parts()?.iter().map(Part::done).collect())
    }

    /// When something was last done for it.
    pub fn touched(&self) -> PortResult<Timestamp> {
        Ok(self.parts()?.iter().map(|part| part.written).fold(self.upload.begun, Timestamp::max))
    }
}

/// A place in a file, from which on is written.
struct Place<'a> {
    file: &'a std::fs::File,
    at: u64,
}

impl Write for Place<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write_at(bytes, self.at)?;
        self.at += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
