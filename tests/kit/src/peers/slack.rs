//! Slack's own clients, as oracles: what they accept is Slack's wire. Python's `slack_sdk`, and for Node.js `@slack/web-api`,
//! `@slack/socket-mode` and `@slack/bolt`. The scripts that use them are in `clients/` of this crate.

pub mod emulator;

use super::{folder, missing, program};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The command that runs a script of `clients/` in Python.
///
/// # Errors
/// `slack_sdk` is missing; the message says how to get it.
pub fn python(script: &str) -> Result<Command, String> {
    let python = folder()?.join("slack-python/bin/python");
    if !python.is_file() {
        return Err(missing("slack_sdk", &format!("Slack's Python client in {}", python.display())));
    }
    let mut command = Command::new(python);
    command.arg(path(script));
    Ok(command)
}

/// The command that runs a script of `clients/` in Node.js, and the folder of its modules, which the script has to be told.
///
/// # Errors
/// Node.js or one of the modules is missing; the message says how to get it.
pub fn node(script: &str) -> Result<(Command, PathBuf), String> {
    let modules = folder()?.join("node_modules");
    for name in ["@slack/web-api", "@slack/socket-mode", "@slack/bolt"] {
        if !modules.join(name).join("package.json").is_file() {
            return Err(missing(name, &format!("Slack's clients for Node.js in {}", modules.display())));
        }
    }
    let mut command = Command::new(program("node", "Node.js")?);
    command.arg(path(script));
    Ok((command, modules))
}

fn path(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script)
}
