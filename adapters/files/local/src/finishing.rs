//! A file made of the parts of an upload: they are checked against what was reported of them, and the file appears at once.

use crate::folder::Folder;
use crate::incoming::{Filling, Sealing, Written};
use crate::parts::{BUFFER, Held, Part};
use crate::sealed::{CHUNK, Cipher, HEADER, Header, TAG, chunks, disk_size};
use bellhop_core::ports::{FileEncryption, FileInfo, PartDone, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use cap_std::fs::OpenOptions;
use crc_fast::{CrcAlgorithm, Digest};
use sha2::{Digest as _, Sha256};
use std::io::{ErrorKind, Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

impl Held<'_> {
    /// Makes the file.
    pub fn finish(&self, folder: &Arc<Folder>, wanted: &[PartDone]) -> PortResult<FileInfo> {
        let there = self.parts()?;
        let conflict = |number: u32, why: &str| {
            let message = format!("part {number} {why}; send it again. Nothing was changed under `{}`", self.upload.name);
            self.folder.upload_error(PortErrorKind::Conflict, message)
        };
        let mut numbers: Vec<u32> = wanted.iter().map(|part| part.number).collect();
        numbers.sort_unstable();
        if !numbers.iter().copied().eq(1..=self.upload.parts) {
            let message = format!("the file is made of parts 1 to {}, each once, and these are {}", self.upload.parts, numbers.len());
            return Err(self.folder.upload_error(PortErrorKind::Invalid, message));
        }
        for part in wanted {
            let known = there.iter().find(|known| known.number == part.number).map(Part::done);
            match known {
                None => return Err(conflict(part.number, "is not there")),
                Some(known) if known.receipt != part.receipt || known.size != part.size => {
                    return Err(conflict(part.number, "was written with other bytes"));
                }
                Some(_) => {}
            }
        }
        let info = match &self.upload.encryption {
            None => self.finish_plain(&there, &conflict)?,
            Some(with) => self.finish_sealed(folder, with, &there, &conflict)?,
        };
        if let Err(error) = self.folder.drop_upload(self.id) {
            tracing::warn!(%error, "what a finished upload had beside its bytes could not be removed; it is swept later");
        }
        Ok(info)
    }

    fn finish_plain(&self, parts: &[Part], conflict: &impl Fn(u32, &str) -> PortError) -> PortResult<FileInfo> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let mut data = self.dir.open_with("data", &options).map_err(|e| self.fail(&e))?.into_std();
        let mut hash = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        data.rewind().map_err(|e| self.fail(&e))?;
        for part in parts {
            let mut crc = Digest::new(CrcAlgorithm::Crc64Nvme);
            let mut reading = (&data).take(part.size);
            loop {
                match reading.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        crc.update(&buffer[..count]);
                        hash.update(&buffer[..count]);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(self.fail(&error)),
                }
            }
            if format!("{:016x}", crc.finalize()) != part.crc {
                return Err(conflict(part.number, "is not on disk as it was written"));
            }
        }
        data.set_len(self.upload.size).and_then(|()| data.sync_all()).map_err(|e| self.fail(&e))?;
        let written = Written {
            folder: self.folder,
            dir: &self.dir,
            path: Path::new("data"),
            file: &data,
            size: self.upload.size,
            sha256: &hex::encode(hash.finalize()),
            sealed: None,
        };
        written.publish(&self.upload.name, &self.upload.content_type, self.upload.tags.clone())
    }

    fn finish_sealed(
        &self,
        folder: &Arc<Folder>,
        with: &FileEncryption,
        parts: &[Part],
        conflict: &impl Fn(u32, &str) -> PortError,
    ) -> PortResult<FileInfo> {
        let sealing: Sealing = self.folder.sealing("upload", &self.upload.name, with)?;
        let mut filling = Filling::begin(Arc::clone(folder), Some(sealing))?;
        let data = self.dir.open("data").map_err(|e| self.fail(&e))?.into_std();
        for part in parts {
            let changed = || conflict(part.number, "is not on disk as it was written");
            let place = self.upload.place(part.number);
            let mut beginning = [0; 64];
            data.read_exact_at(&mut beginning, place).map_err(|e| self.fail(&e))?;
            let header = Header::read(&beginning, disk_size(part.size)).ok_or_else(changed)?;
            let key = self.folder.keys.for_reading("upload", header.key(), Some(with))?;
            let cipher = key.expose(|key| Cipher::new(key, &header, &self.label(part.number)));
            let mut crc = Digest::new(CrcAlgorithm::Crc64Nvme);
            let count = chunks(part.size);
            for number in 0..count {
                let last = number + 1 == count;
                let length = if last { part.size - number * CHUNK } else { CHUNK };
                let mut chunk = vec![0; usize::try_from(length + TAG).unwrap_or(0)];
                data.read_exact_at(&mut chunk, place + HEADER + number * (CHUNK + TAG)).map_err(|e| self.fail(&e))?;
                let short = u32::try_from(number).map_err(|_| changed())?;
                cipher.open(short, last, &mut chunk).map_err(|_| changed())?;
                crc.update(&chunk);
                filling.write(&chunk)?;
            }
            if format!("{:016x}", crc.finalize()) != part.crc {
                return Err(changed());
            }
        }
        filling.finish()?.publish(&self.upload.name, &self.upload.content_type, self.upload.tags.clone())
    }
}
