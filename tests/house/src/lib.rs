//! The house as text: its files and manifests, read for the tests that hold it to its rules.
//!
//! The rules themselves stand in `tests/`, one file for each kind. This crate changes nothing and runs nothing.

use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours, or only what is generated.
const SKIPPED: &[&str] = &["target", ".git", "data", "node_modules", "corpus", "artifacts", "vendor"];

/// A file of the house.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path from the root, with slashes.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl File {
    /// Whether it lies in this folder.
    #[must_use]
    pub fn under(&self, folder: &str) -> bool {
        self.path.starts_with(folder) && self.path[folder.len()..].starts_with('/')
    }

    /// Whether its name ends so: `.rs`.
    #[must_use]
    pub fn ends(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    /// Its lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}

/// The root of the house.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every text file of the house, by path. What is not UTF-8 is no text.
#[must_use]
pub fn files() -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            // Of git there is a file in place of the folder where a branch is checked out beside another.
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let (Ok(text), Ok(relative)) = (std::fs::read_to_string(&path), path.strip_prefix(&root)) {
                found.push(File { path: relative.to_string_lossy().replace('\\', "/"), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Files with one of these endings.
#[must_use]
pub fn files_ending(endings: &[&str]) -> Vec<File> {
    files().into_iter().filter(|file| file.ends(endings)).collect()
}

/// A member of the workspace.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its folder, from the root.
    pub folder: String,
    /// Its package's name.
    pub name: String,
    /// Its manifest.
    pub manifest: toml::Table,
}

impl Member {
    /// Names of what it depends on in this section (`dependencies`, `dev-dependencies`, `build-dependencies`).
    #[must_use]
    pub fn depends(&self, section: &str) -> Vec<String> {
        self.manifest.get(section).and_then(toml::Value::as_table).map(|table| table.keys().cloned().collect()).unwrap_or_default()
    }
}

/// The workspace's manifest.
///
/// # Panics
/// When it can't be read.
#[must_use]
#[expect(clippy::expect_used, reason = "without the manifest no rule can be tested")]
pub fn workspace() -> toml::Table {
    std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml is there").parse().expect("Cargo.toml is TOML")
}

/// Every member that the workspace lists.
///
/// # Panics
/// When a manifest can't be read.
#[must_use]
#[expect(clippy::expect_used, reason = "without the manifests no rule can be tested")]
pub fn members() -> Vec<Member> {
    let workspace = workspace();
    let listed = workspace["workspace"]["members"].as_array().expect("members are listed").clone();
    let read = |folder: &str| {
        let text = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("each member has a manifest");
        let manifest: toml::Table = text.parse().expect("a manifest is TOML");
        Member { folder: folder.to_owned(), name: manifest["package"]["name"].as_str().unwrap_or_default().to_owned(), manifest }
    };
    listed.iter().filter_map(toml::Value::as_str).map(read).collect()
}

/// Fails the test with everything that was found, unless nothing was.
///
/// # Panics
/// When something was.
pub fn none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}\n  {}\n", found.join("\n  "));
}
