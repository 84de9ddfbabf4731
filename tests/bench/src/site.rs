//! A place to run the bot in: a folder of its own with configuration and key, and the programs that are started there.

use crate::Failure;
use crate::child::{CHAT, LISTENS, World};
use bellhop::clock::{RandomIds, SystemClock};
use bellhop_core::capabilities::Lookup;
use bellhop_kit::process::Program;
use bellhop_store::Store;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// How long a program may take until it listens.
const START: Duration = Duration::from_mins(1);

/// A folder with a bot's configuration; it goes away when this is dropped.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
}

impl Site {
    /// A fresh one. With `channels`, an alert with the label `lane = "N"` goes to the world's channel `cN`; without any,
    /// to the console.
    ///
    /// # Errors
    /// The folder or the file can't be made.
    pub fn new(channels: usize) -> Result<Self, Failure> {
        let folder =
            tempfile::Builder::new().prefix("bellhop-bench-").tempdir().map_err(|error| format!("no folder can be made: {error}"))?;
        let mut text = "[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = \"data\"\ncommands_per_minute = 0\n".to_owned();
        for channel in 0..channels {
            let _ = write!(text, "\n[[route]]\nmatch = {{ lane = \"{channel}\" }}\nto = [\"{CHAT}:#c{channel}\"]\n");
        }
        std::fs::write(folder.path().join("bellhop.toml"), text).map_err(|error| format!("the configuration can't be written: {error}"))?;
        Ok(Self { folder })
    }

    /// One whose configuration has this, too.
    ///
    /// # Errors
    /// As [`Site::new`].
    pub fn with(config: &str) -> Result<Self, Failure> {
        let site = Self::new(0)?;
        let text = std::fs::read_to_string(site.config()).map_err(|error| error.to_string())?;
        std::fs::write(site.config(), text + config).map_err(|error| error.to_string())?;
        Ok(site)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path().join("bellhop.toml")
    }

    /// The bot's database, beside the bot itself or without one.
    ///
    /// # Errors
    /// It can't be opened.
    pub async fn store(&self) -> Result<Store, Failure> {
        let url = format!("sqlite:{}", self.path().join("data").join("bellhop.db").display());
        Store::open(&url, Arc::new(SystemClock), Arc::new(RandomIds)).await.map_err(|error| error.to_string())
    }

    /// A new API key that may do everything, as a line of a request's head.
    ///
    /// # Errors
    /// As [`Site::store`].
    pub async fn key(&self) -> Result<String, Failure> {
        let store = self.store().await?;
        let made = store.add_key("bench", &[]).await.map_err(|error| error.to_string())?;
        store.close().await;
        Ok(format!("Authorization: Bearer {}\r\n", made.secret))
    }

    /// Starts the bot from this benchmark program; it is not waited for.
    ///
    /// # Errors
    /// It can't be started.
    pub fn bot(&self, program: &Path, world: Option<&World>) -> Result<Program, Failure> {
        let mut command = Command::new(program);
        command.arg("bot").arg("--config").arg(self.config());
        if let Some(world) = world {
            command.arg("--world").arg(&world.url).arg("--timeout-ms").arg(world.timeout.as_millis().to_string()).args(blind(world.lookup));
        }
        Program::start(&mut command)
    }
}

/// Starts a world of the test platform from this benchmark program; its address is what it listens on.
///
/// # Errors
/// It doesn't start.
pub async fn world(program: &Path, channels: usize, lookup: Lookup) -> Result<(Program, String), Failure> {
    let mut world = Program::start(Command::new(program).arg("world").arg("--channels").arg(channels.to_string()).args(blind(lookup)))?;
    let address = listening(&mut world).await?;
    Ok((world, format!("http://{address}")))
}

fn blind(lookup: Lookup) -> Option<&'static str> {
    (lookup == Lookup::None).then_some("--no-lookup")
}

/// Waits until a program says where it listens.
///
/// # Errors
/// It doesn't, or ends.
pub async fn listening(program: &mut Program) -> Result<SocketAddr, Failure> {
    let line = program.line("http://", START).await?;
    let address = line.split_once("http://").map_or("", |(_, address)| address).trim();
    address.parse().map_err(|_| format!("`{line}` is no line with an address; `{LISTENS}ADDRESS` was expected"))
}

/// This benchmark program itself.
///
/// # Errors
/// The system doesn't say.
pub fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| format!("the path of this program is not known: {error}"))
}

/// The figure of a line of Prometheus text that starts with `name`, added up over all its labels that contain `label`.
#[must_use]
pub fn metric(text: &str, name: &str, label: &str) -> f64 {
    let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}
