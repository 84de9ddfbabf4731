//! Opens the database that an address names, and keeps passwords out of every message.

use crate::Pools;
use crate::error::{Place, SERVICE, failure, invalid};
use crate::session::Session;
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

/// What may be set beside the address.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// How long to wait for another program that holds the database locked.
    pub busy_timeout: Duration,
    /// How many bytes an SQLite database may grow to; `None` for the disk's room.
    pub max_bytes: Option<u64>,
    /// How many connections read at once (SQLite), or are open at all (PostgreSQL).
    pub connections: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(10), max_bytes: None, connections: 8 }
    }
}

/// The page size of databases made here.
const PAGE: u64 = 4096;

/// Opens what the address names.
pub(crate) fn open(url: &str, tuning: &Tuning) -> PortResult<Pools> {
    match url.split_once(':') {
        Some(("sqlite", path)) => sqlite(path, tuning, true),
        Some(("postgres" | "postgresql", _)) => postgres(url, tuning),
        // The rest of the address may hold a password: only the scheme is shown.
        Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => Err(invalid(
            "open",
            format!("`{scheme}:` is no kind of database that Bellhop knows; write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"),
        )),
        _ => Err(invalid(
            "open",
            "the database's address has no kind before a colon; write sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME",
        )),
    }
}

/// The same for what is to be replaced: a file that isn't there is not made.
pub(crate) fn open_apart(url: &str, tuning: &Tuning) -> PortResult<Pools> {
    match url.split_once(':') {
        Some(("sqlite", path)) => sqlite(path, tuning, false),
        _ => open(url, tuning),
    }
}

fn sqlite(path: &str, tuning: &Tuning, make: bool) -> PortResult<Pools> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" || path.contains('?') {
        return Err(invalid("open", format!("`sqlite:{path}` names no file; write sqlite:data/bellhop.db")));
    }
    let file = PathBuf::from(path);
    let place = Arc::new(Place(format!("the database {}", file.display())));
    if make {
        make_file(&file, &place)?;
    }
    let mut options = SqliteConnectOptions::new()
        .filename(&file)
        .page_size(4096)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(tuning.busy_timeout)
        .pragma("wal_autocheckpoint", "2000")
        .pragma("journal_size_limit", "67108864")
        .pragma("temp_store", "memory")
        .disable_statement_logging();
    if let Some(bytes) = tuning.max_bytes {
        options = options.pragma("max_page_count", (bytes / PAGE).max(1).to_string());
    }
    let readers = SqlitePoolOptions::new()
        .min_connections(0)
        .max_connections(tuning.connections.max(1))
        .acquire_timeout(Duration::from_secs(30))
        .idle_timeout(Duration::from_mins(5))
        .connect_lazy_with(options.clone().pragma("query_only", "on"));
    Ok(Pools::Sqlite { options: Box::new(options), readers, file, place })
}

/// Makes the file and its folder, for the bot's user alone.
fn make_file(file: &Path, place: &Place) -> PortResult<()> {
    let failed = |error: std::io::Error, what: &Path| {
        let kind = if error.kind() == std::io::ErrorKind::StorageFull { PortErrorKind::Full } else { PortErrorKind::Denied };
        PortError::new(
            kind,
            SERVICE,
            "open",
            format!("{} can't be made: {} ({error}); check the path and the rights of the bot's user", place.0, what.display()),
        )
    };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| failed(error, folder))?;
    }
    if file.is_dir() {
        return Err(PortError::new(PortErrorKind::Denied, SERVICE, "open", format!("{} is a folder; name a file in it", place.0)));
    }
    if !file.exists() {
        let mut options = std::fs::OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(file) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error, file)),
            // SQLite gives its side files the mode of the file itself.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// How long a new connection that finds the file locked tries again, and how often.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// The connection that writes. It also puts the file into write-ahead mode, for which SQLite itself doesn't wait when
/// another process is opening or closing the same file.
pub(crate) async fn writer(options: &SqliteConnectOptions, place: Arc<Place>) -> PortResult<Session> {
    let options = options.clone().journal_mode(SqliteJournalMode::Wal).pragma("cache_size", "-8000");
    let begun = tokio::time::Instant::now();
    loop {
        match options.connect().await.map_err(|error| failure(&error, "open", &place)) {
            Ok(connection) => return Ok(Session::writer(connection, place)),
            Err(error) if error.kind == PortErrorKind::Unavailable && begun.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

fn postgres(url: &str, tuning: &Tuning) -> PortResult<Pools> {
    // The parser's own message could repeat the password.
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| invalid("open", "the address of the PostgreSQL database can't be read; write postgres://USER:PASSWORD@HOST:PORT/NAME, with special characters percent-encoded"))?;
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    let place =
        Arc::new(Place(format!("the PostgreSQL database {} at {host}:{}", options.get_database().unwrap_or_default(), options.get_port())));
    let pool = PgPoolOptions::new()
        .min_connections(0)
        .max_connections(tuning.connections.max(2))
        .acquire_timeout(tuning.busy_timeout)
        .connect_lazy_with(options.disable_statement_logging().application_name("bellhop"));
    Ok(Pools::Postgres { pool, place })
}

/// A connection of a PostgreSQL pool.
pub(crate) async fn pooled(pool: &sqlx::PgPool, operation: &'static str, place: &Arc<Place>) -> PortResult<Session> {
    let connection = pool.acquire().await.map_err(|error| failure(&error, operation, place))?;
    Ok(Session::postgres(connection, operation, Arc::clone(place)))
}
