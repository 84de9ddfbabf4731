//! Why the bot does not start, and the first things that may keep it from starting.

use crate::config::{Config, ConfigError};
use crate::secrets::{Otherwise, SealRing};
use crate::wiring::{ManifestError, WiringError};
use bellhop_core::error::{CommandError, PortError};
use bellhop_core::ports::Records as _;
use bellhop_store::{Backend, Store};
use std::net::SocketAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// Why the bot does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An adapter can't be built.
    #[error(transparent)]
    Wiring(#[from] WiringError),
    /// There is no manifest to print.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The database or another service failed.
    #[error("{}", crate::explain::port(.0))]
    Port(#[from] PortError),
    /// A route leads nowhere.
    #[error("[[route]] to: {0}")]
    Route(CommandError),
    /// Another bot runs on this database.
    #[error("another bellhop runs on this database; stop it first, or give this one a database of its own ([database] url)")]
    Taken,
    /// The address can't be listened on.
    #[error("can't listen on {listen}: {why}")]
    Listen {
        /// Which address.
        listen: SocketAddr,
        /// What the system said, and what to do.
        why: String,
    },
    /// The machine gave something up.
    #[error("{0}")]
    System(String),
}

/// Takes the port.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(listen).await.map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there; stop it, or choose another port with [server] listen".to_owned()
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 are for the administrator; choose a higher one with [server] listen".to_owned()
            }
            _ => error.to_string(),
        };
        StartError::Listen { listen, why }
    })
}

/// The bot's own folder is for its user alone.
pub fn make_private_folder(path: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|why| {
        StartError::System(format!("the folder {} can't be made: {why}; choose another with [server] data_dir", path.display()))
    })
}

/// What closes the bot's own secrets away. Where several bots may share the database, none makes a key of its own.
pub fn seal(config: &Config, store: &Store, data_dir: &Path) -> Result<SealRing, StartError> {
    let otherwise = match store.backend() {
        Backend::Sqlite => Otherwise::File(data_dir.join("master.key")),
        Backend::Postgres => Otherwise::Configured,
    };
    Ok(SealRing::new(config.frame.secrets.key()?, otherwise))
}

/// The address that links begin with: the configured one, or where this process listens, or where the bot that runs on the
/// same database said that it does.
pub async fn public_url(config: &Config, store: &Store, here: Option<String>) -> Result<String, StartError> {
    const KEY: (&str, &str) = ("bot", "address");
    let url = match (&config.frame.server.public_url, here) {
        (Some(url), _) => url.clone(),
        (None, Some(here)) => {
            store.put(KEY.0, KEY.1, &serde_json::json!(here)).await?;
            here
        }
        (None, None) => match store.get(KEY.0, KEY.1).await? {
            Some(serde_json::Value::String(running)) => running,
            _ => format!("http://{}", config.frame.server.listen),
        },
    };
    Ok(url.trim_end_matches('/').to_owned())
}
