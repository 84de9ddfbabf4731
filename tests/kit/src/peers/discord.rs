//! Libraries for Discord as oracles: what they take for Discord is Discord's wire. discord.js and discord-interactions for Node.js,
//! discord.py for Python. The scripts that use them are in `clients/` of this crate.

use super::{folder, missing, program};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The command that runs a script of `clients/` in Python.
///
/// # Errors
/// discord.py is missing; the message says how to get it.
pub fn python(script: &str) -> Result<Command, String> {
    let python = folder()?.join("discord-python/bin/python");
    if !python.is_file() {
        return Err(missing("discord.py", &format!("discord.py in {}", python.display())));
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
    for name in ["discord.js", "discord-interactions", "express"] {
        if !modules.join(name).join("package.json").is_file() {
            return Err(missing(name, &format!("libraries for Discord in {}", modules.display())));
        }
    }
    let mut command = Command::new(program("node", "Node.js")?);
    command.arg(path(script));
    Ok((command, modules))
}

fn path(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script)
}
