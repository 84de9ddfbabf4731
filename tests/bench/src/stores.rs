//! The stores beside rclone, on the same servers in the same run, taking turns: a large file there and back, many small
//! ones from store to store, and the first page of a long list.
//!
//! rclone is taken as it comes, with its own defaults. The servers are the tests' own peers on loopback; everything is in
//! the system's folder for temporary files, so that `TMPDIR` decides what disk, if any, is measured as well.

mod ground;
mod large;
mod listing;
mod many;

use crate::Failure;
use crate::figures::Figure;
use bellhop::app::{App, Options};
use bellhop::config::Config;
use bellhop::secrets::Redaction;
use bellhop_core::PortError;
use bellhop_core::ports::{FileStore, NewFile};
use futures::{StreamExt as _, TryStreamExt as _};
use ground::Ground;
use std::path::Path;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

/// What a child reads and writes at a time, as the bot does.
const CHUNK: usize = 256 * 1024;

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// Into the store.
    Put,
    /// From the store.
    Get,
}

/// What of the stores is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A large file there and back.
    Large,
    /// Many small files from store to store.
    Many,
    /// The first page of a long list.
    Lists,
}

/// Measures it. `this` is the benchmark's own program, which runs as the store alone.
///
/// # Errors
/// rclone or a server is not there, or a command fails.
pub async fn run(this: &Path, program: &Path, what: What) -> Result<Vec<Figure>, Failure> {
    let ground = Ground::new(this, program, what == What::Lists).await?;
    match what {
        What::Large => large::run(&ground).await,
        What::Many => many::run(&ground).await,
        What::Lists => listing::run(&ground).await,
    }
}

/// A store of a configuration, without a bot around it.
async fn open(config: &Path, name: &str) -> Result<Arc<dyn FileStore>, Failure> {
    let config = Config::read(Some(config), &Redaction::default()).map_err(|error| error.to_string())?;
    let options = Options { works: false, ..Options::default() };
    let app = App::build(config, options, false).await.map_err(|error| error.to_string())?;
    app.stores().store(Some(&name.into())).map_err(|error| error.to_string())
}

/// What the program is as a child: the store alone, with one file.
///
/// # Errors
/// The store's, or the machine's.
pub async fn alone(config: &Path, name: &str, way: Way, path: &Path, file: &str) -> Result<(), Failure> {
    let store = open(config, name).await?;
    let machine = |error: std::io::Error| format!("{}: {error}", path.display());
    let failed = |error: PortError| error.to_string();
    match way {
        Way::Put => {
            let from = tokio::fs::File::open(path).await.map_err(machine)?;
            let size = from.metadata().await.map_err(machine)?.len();
            let broken =
                |error: std::io::Error| PortError::new(bellhop_core::PortErrorKind::Unavailable, "bench", "read", error.to_string());
            let bytes = ReaderStream::with_capacity(from, CHUNK).map_err(broken).boxed();
            let new = NewFile::new(file.to_owned(), "application/octet-stream".to_owned(), Some(size));
            store.write(new, bytes).await.map(drop).map_err(failed)
        }
        Way::Get => {
            let mut bytes = store.read(file, None, None).await.map_err(failed)?.bytes;
            let mut to = tokio::fs::File::create(path).await.map_err(machine)?;
            while let Some(chunk) = bytes.try_next().await.map_err(failed)? {
                to.write_all(&chunk).await.map_err(machine)?;
            }
            to.flush().await.map_err(machine)
        }
    }
}
