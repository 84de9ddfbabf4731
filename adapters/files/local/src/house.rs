//! The buckets of a folder: its own files, and those of the folders in `buckets`, each laid out as the folder itself.

use crate::folder::{Defaults, Folder, Surroundings, settle};
use bellhop_core::ports::{Bucket, Encryption, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Where buckets are.
pub(crate) const BUCKETS: &str = "buckets";

/// The folder that holds buckets. All its methods block.
pub(crate) struct House {
    root: PathBuf,
    dir: Dir,
    /// What the folder's own files are called as a bucket.
    name: String,
    around: Surroundings,
}

impl House {
    /// Opens the folder, and makes it where it isn't there.
    pub fn open(around: Surroundings, root: &Path) -> PortResult<Self> {
        let fail = |error: &io::Error| crate::folder::failure(&around.service, "open", root, error);
        std::fs::create_dir_all(root).map_err(|e| fail(&e))?;
        let dir = Dir::open_ambient_dir(root, ambient_authority()).map_err(|e| fail(&e))?;
        let whole = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        let name = bucket_name_of(&whole);
        Ok(Self { root: root.to_path_buf(), dir, name, around })
    }

    /// What the folder's own files are called as a bucket.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn fail(&self, kind: PortErrorKind, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.around.service.clone(), "buckets", message)
    }

    fn fail_io(&self, path: &Path, error: &io::Error) -> PortError {
        crate::folder::failure(&self.around.service, "buckets", path, error)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(BUCKETS).join(name)
    }

    /// The folder's own files.
    pub fn own(&self) -> PortResult<Folder> {
        Folder::open(&self.around, &self.root, None)
    }

    /// The folder of a bucket that is there; links are not followed.
    fn dir_of(&self, name: &str) -> PortResult<Option<Dir>> {
        let fail = |error: &io::Error| self.fail_io(&self.path(name), error);
        // Names that can't be ones lead nowhere.
        if valid(name).is_err() {
            return Ok(None);
        }
        let path = Path::new(BUCKETS).join(name);
        for folder in [Path::new(BUCKETS), &path] {
            match self.dir.symlink_metadata(folder) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(fail(&error)),
            }
        }
        let dir = self.dir.open_dir(&path).map_err(|e| fail(&e))?;
        Ok(dir.symlink_metadata(".bellhop/format").is_ok_and(|found| found.is_file()).then_some(dir))
    }

    /// A bucket that is there, other than the folder's own files.
    pub fn bucket(&self, name: &str) -> PortResult<Option<Folder>> {
        match self.dir_of(name)? {
            // What the configuration says is about the store's own bucket.
            Some(dir) if name != self.name => {
                let defaults = Defaults { versions: true, encrypt: false };
                Folder::open(&Surroundings { defaults, ..self.around.clone() }, &self.path(name), Some(&dir)).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The bucket that a store is configured to be in, made where it isn't there.
    pub fn configured(&self, name: &str) -> PortResult<Folder> {
        valid(name).map_err(|why| self.fail(PortErrorKind::Invalid, why))?;
        if self.dir_of(name)?.is_none() {
            self.create(name)?;
        }
        let dir = self.dir_of(name)?.ok_or_else(|| self.fail(PortErrorKind::NotFound, format!("there is no bucket `{name}`")))?;
        Folder::open(&self.around, &self.path(name), Some(&dir))
    }

    /// The names of all buckets but the folder's own files.
    pub fn names(&self) -> PortResult<Vec<String>> {
        let fail = |error: &io::Error| self.fail_io(&self.root.join(BUCKETS), error);
        let entries = match self.dir.read_dir(BUCKETS) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fail(&error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry.map_err(|e| fail(&e))?.file_name().into_string()
                && name != self.name
                && self.dir_of(&name)?.is_some()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Makes a bucket. It keeps versions, and encrypts where the store that makes it is configured to.
    pub fn create(&self, name: &str) -> PortResult<Bucket> {
        valid(name).map_err(|why| self.fail(PortErrorKind::Invalid, why))?;
        let fail = |error: &io::Error| self.fail_io(&self.path(name), error);
        if name == self.name {
            let message = format!("there is a bucket `{name}` already: {} itself is it", self.root.display());
            return Err(self.fail(PortErrorKind::Conflict, message));
        }
        self.dir.create_dir_all(BUCKETS).and_then(|()| settle(&self.dir)).map_err(|e| fail(&e))?;
        let path = Path::new(BUCKETS).join(name);
        match self.dir.create_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let message = if self.dir_of(name)?.is_some() {
                    format!("there is a bucket `{name}` already; give the new one another name")
                } else {
                    format!(
                        "{} is there already and is no bucket; remove it, or give the new bucket another name",
                        self.path(name).display()
                    )
                };
                return Err(self.fail(PortErrorKind::Conflict, message));
            }
            Err(error) => return Err(fail(&error)),
        }
        let dir = self.dir.open_dir(&path).map_err(|e| fail(&e))?;
        let folder = Folder::open(&self.around, &self.path(name), Some(&dir))?;
        let created = self.around.clock.now();
        folder.set("buckets", |settings| {
            settings.created = Some(created);
            settings.versions = Some(true);
            settings.encryption = self.around.defaults.encrypt.then_some(Encryption::Aes256);
            Ok(())
        })?;
        settle(&dir).and_then(|()| settle(&self.dir.open_dir(BUCKETS)?)).map_err(|e| fail(&e))?;
        Ok(Bucket { name: name.to_owned(), created: Some(created), region: None })
    }

    /// Deletes an empty bucket.
    pub fn delete(&self, name: &str, folder: &Folder) -> PortResult<()> {
        let lock = folder.publishing("buckets")?;
        if let Some(what) = folder.holds()? {
            let message = format!("the bucket `{name}` holds {what}, and only an empty one is deleted; delete those first");
            return Err(self.fail(PortErrorKind::Conflict, message));
        }
        if name == self.name {
            let message = format!(
                "the bucket `{name}` is the folder of the store itself; take the store out of the configuration and remove {}",
                self.root.display()
            );
            return Err(self.fail(PortErrorKind::Conflict, message));
        }
        // No bucket's name begins with a dot. Whoever waits to publish finds the bucket gone, and what is left after a crash
        // is swept.
        let gone = Path::new(BUCKETS).join(format!(".deleted-{}", self.around.ids.next().to_lowercase()));
        let fail = |error: &io::Error| self.fail_io(&self.path(name), error);
        self.dir.rename(Path::new(BUCKETS).join(name), &self.dir, &gone).map_err(|e| fail(&e))?;
        folder.own.remove_file("format").map_err(|e| fail(&e))?;
        settle(&self.dir.open_dir(BUCKETS).map_err(|e| fail(&e))?).map_err(|e| fail(&e))?;
        drop(lock);
        self.dir.remove_dir_all(&gone).map_err(|e| fail(&e))
    }

    /// Removes what was left of buckets whose deletion was interrupted.
    pub fn sweep(&self) {
        let Ok(entries) = self.dir.read_dir(BUCKETS) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(".deleted-"))
                && let Err(error) = self.dir.remove_dir_all(Path::new(BUCKETS).join(&name))
                && error.kind() != ErrorKind::NotFound
            {
                tracing::warn!(%error, ?name, "what a deleted bucket left could not be removed");
            }
        }
    }
}

/// A store's place: the folder of its house, and which bucket of it where it isn't the folder's own files. A path that leads
/// to a bucket means that bucket.
pub(crate) fn placed(path: &Path, bucket: Option<&str>) -> (PathBuf, Option<String>) {
    if let Some(bucket) = bucket {
        return (path.to_path_buf(), Some(bucket.to_owned()));
    }
    let above = path.parent().filter(|above| above.file_name().is_some_and(|name| name == BUCKETS)).and_then(Path::parent);
    let name = path.file_name().and_then(|name| name.to_str()).filter(|name| valid(name).is_ok());
    match (above, name) {
        (Some(house), Some(name)) if house.join(".bellhop/format").is_file() => (house.to_path_buf(), Some(name.to_owned())),
        _ => (path.to_path_buf(), None),
    }
}

/// Checks a bucket's name by S3's rules, so that what is written for one store holds for the others.
pub(crate) fn valid(name: &str) -> Result<(), String> {
    let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(name), 70);
    let wrong = |why: &str| Err(format!("`{shown}` can't be a bucket's name: {why}"));
    if !(3..=63).contains(&name.len()) {
        return wrong("it has 3 to 63 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.') {
        return wrong("it has small letters, digits, hyphens and dots");
    }
    let end = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !end(name.bytes().next()) || !end(name.bytes().last()) {
        return wrong("it begins and ends with a letter or a digit");
    }
    if name.contains("..") {
        return wrong("two dots stand side by side in it");
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return wrong("it looks like an IP address");
    }
    let reserved = ["xn--", "sthree-", "amzn-s3-demo-"].iter().find(|start| name.starts_with(**start));
    let reserved = reserved.or_else(|| ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().find(|end| name.ends_with(**end)));
    match reserved {
        Some(part) => wrong(&format!("names with `{part}` there are reserved")),
        None => Ok(()),
    }
}

/// What a folder's own files are called as a bucket: as the folder is, as far as the rules let it be.
fn bucket_name_of(root: &Path) -> String {
    let folder = root.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name: String = folder.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(63).collect();
    let name = name.trim_matches('-').to_owned();
    if valid(&name).is_ok() { name } else { "files".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_s3() {
        for good in ["abc", "team-files", "a.b.c", "2026", "x-1"] {
            assert_eq!(valid(good), Ok(()), "{good}");
        }
        let long = "x".repeat(64);
        for bad in ["", "ab", &long, "Team", "a_b", "-ab", "ab-", ".ab", "a..b", "10.0.0.1", "xn--abc", "abc-s3alias", "a/b", "ü12", "..."]
        {
            assert!(valid(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_is_a_bucket_of_its_own_name() {
        for (folder, name) in
            [("/data/files", "files"), ("/srv/My Data_2", "my-data-2"), ("/x/.tmpAb1", "tmpab1"), ("/1", "files"), ("/", "files")]
        {
            assert_eq!(bucket_name_of(Path::new(folder)), name);
        }
    }
}
