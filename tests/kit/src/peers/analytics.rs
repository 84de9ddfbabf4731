//! The analytics services' own clients for Python, as oracles: what they send, a world has to take. The scripts that use them are
//! in `clients/` of this crate.

use super::{folder, missing};
use std::path::Path;
use tokio::process::Command;

/// The command that runs a script of `clients/`.
///
/// # Errors
/// The clients are missing; the message says how to get them.
pub fn python(script: &str) -> Result<Command, String> {
    let python = folder()?.join("analytics-python/bin/python");
    if !python.is_file() {
        return Err(missing("google-analytics-data", &format!("the analytics services' clients in {}", python.display())));
    }
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script));
    Ok(command)
}
