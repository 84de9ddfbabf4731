//! Servers that speak S3's protocol, and Amazon's own client for Python to look at them from another side.
//!
//! s3s-fs is strict about signatures, presigned links and checksums, and has no versions, lifecycle or tags. moto has
//! those, and accepts whatever signature it is given: what is asserted on it rests on the protocol's shapes alone.

use crate::process::{Program, Ran, run};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// How long a server may take to start, and a script to run.
const LIMIT: Duration = Duration::from_mins(1);
/// The public part of the credential that both servers are started with.
pub const ACCESS_KEY: &str = "AKIDBELLHOPTEST";
/// The secret part.
pub const SECRET_KEY: &str = "bellhop/test+secret";
/// The region that scripts name.
pub const REGION: &str = "us-east-1";

/// Starts moto, with what it does otherwise than AWS put right.
const MOTO: &str = include_str!("moto.py");

/// Where a peer's own files are: below the folder that `BELLHOP_PEERS` names, by default in the user's cache.
pub(super) fn installed(path: &str, what: &str) -> Result<PathBuf, String> {
    let named = std::env::var_os("BELLHOP_PEERS").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/bellhop-peers"));
    let folder = named.or(home).ok_or("neither BELLHOP_PEERS nor HOME is set, so the peers can't be found")?;
    let found = folder.join(path);
    if found.is_file() { Ok(found) } else { Err(super::missing(path, what)) }
}

/// A running S3 server, ended when it is dropped.
#[derive(Debug)]
pub struct S3Server {
    program: Program,
    /// Programs that it stands on, which end after it.
    _below: Vec<Program>,
    url: String,
    folder: TempDir,
}

impl S3Server {
    /// Starts s3s-fs on an empty folder.
    ///
    /// # Errors
    /// It is not installed, or doesn't start.
    pub async fn s3s() -> Result<Self, String> {
        crate::install_tls();
        let path = installed("s3s-fs/bin/s3s-fs", "s3s-fs, an S3 server")?;
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for s3s-fs: {error}"))?;
        let mut command = Command::new(path);
        command.args(["--host", "127.0.0.1", "--port", "0", "--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]);
        command.arg(folder.path()).env("RUST_LOG", "info").env("NO_COLOR", "1");
        Self::listening(Program::start(&mut command)?, "http://", folder).await
    }

    /// Starts moto without any buckets.
    ///
    /// # Errors
    /// It is not installed, or doesn't start.
    pub async fn moto() -> Result<Self, String> {
        crate::install_tls();
        installed("s3-python/bin/moto_server", "moto, which stands in for AWS")?;
        let path = installed("s3-python/bin/python", "moto, which stands in for AWS")?;
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for moto: {error}"))?;
        let mut command = Command::new(path);
        command.args(["-c", MOTO]).current_dir(folder.path()).env("PYTHONUNBUFFERED", "1");
        Self::listening(Program::start(&mut command)?, "Running on", folder).await
    }

    /// Both choose their port themselves, and say which.
    async fn listening(mut program: Program, mark: &str, folder: TempDir) -> Result<Self, String> {
        let line = program.line(mark, LIMIT).await?;
        let begin = line.find("http://").ok_or_else(|| format!("the server doesn't say where it listens: {line}"))?;
        let url: String = line[begin..].chars().take_while(|c| c.is_ascii_alphanumeric() || ":/.".contains(*c)).collect();
        Ok(Self::of(program, Vec::new(), url.trim_end_matches('/').to_owned(), folder))
    }

    /// One that listens already.
    pub(super) fn of(program: Program, below: Vec<Program>, url: String, folder: TempDir) -> Self {
        Self { program, _below: below, url, folder }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.program.output()
    }

    /// The folder that it may write into.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Runs a script with boto3's client `s3` at hand and what is given as `args`; gives what it puts into `result`.
    ///
    /// # Errors
    /// boto3 is not installed, or the script fails: with what Python says.
    pub async fn boto(&self, script: &str, args: &Value) -> Result<Value, String> {
        let python = installed("s3-python/bin/python", "boto3, Amazon's client for Python")?;
        let whole = format!(
            "import sys, json, boto3\nfrom botocore.config import Config\nfrom botocore.exceptions import ClientError\n\
             args = json.load(sys.stdin)\nresult = None\n\
             s3 = boto3.client('s3', endpoint_url='{}', region_name='{REGION}', aws_access_key_id='{ACCESS_KEY}', \
             aws_secret_access_key='{SECRET_KEY}', config=Config(s3={{'addressing_style': 'path'}}, retries={{'max_attempts': 1}}))\n\
             {script}\nprint(json.dumps(result, default=str))\n",
            self.url
        );
        let mut command = Command::new(python);
        command.arg("-c").arg(whole).env("AWS_EC2_METADATA_DISABLED", "true");
        let Ran { code, out, err } = run(&mut command, args.to_string().as_bytes(), LIMIT).await?;
        if code != 0 {
            return Err(format!("the script failed\n{err}"));
        }
        serde_json::from_str(out.trim()).map_err(|error| format!("the script printed {out:?}: {error}"))
    }
}
