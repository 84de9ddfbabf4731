//! Real programs that tests talk to, started by the tests themselves. One that is missing fails the test, with a sentence
//! that says how to get it: nothing is skipped silently.

pub mod alertmanager;
pub mod analytics;
pub mod azurite;
pub mod browser;
pub mod discord;
pub mod postgres;
pub mod rados;
pub mod s3;
pub mod slack;
pub mod teams;

use std::path::PathBuf;

/// Where a program stands on the search path.
///
/// # Errors
/// It is not there; the message says how to get it.
pub fn program(name: &str, what: &str) -> Result<PathBuf, String> {
    let found =
        std::env::var_os("PATH").and_then(|path| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file()));
    found.ok_or_else(|| missing(name, what))
}

/// The sentence on what is missing.
pub(crate) fn missing(name: &str, what: &str) -> String {
    format!("this test needs {what}, and `{name}` is not on this machine: `./tests/run` installs it")
}

/// Where the peers are that don't come with the system: the folder that `BELLHOP_PEERS` names, by default in the user's cache.
///
/// # Errors
/// Neither is known.
pub fn folder() -> Result<PathBuf, String> {
    let named = std::env::var_os("BELLHOP_PEERS").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/bellhop-peers"));
    named.or(home).ok_or_else(|| "neither BELLHOP_PEERS nor HOME is set, so the peers can't be found".to_owned())
}
