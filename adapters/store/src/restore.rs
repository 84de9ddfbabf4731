//! Taking a copy of the database back, into an empty database or in place of one, which is kept beside it. It happens in one
//! transaction while no bot runs: it is done whole, or nothing has changed.
//!
//! Nobody knows what has happened between the copy and its return. So what waited when the copy was made is held back: a
//! message that has been posted since would be posted a second time, a command run a second time. Held messages are among the
//! dead letters, to be looked up before they are sent when someone queues them again.

mod lines;

use crate::backup::{Column, End, FORM, Head, Kind, Table, Totals, broken, known};
use crate::error::{conflict, invalid};
use crate::runner::{BELIEVED, lock_file, lock_path};
use crate::session::{Session, Value, args};
use crate::{Pools, Tuning, connect, migrate};
use bellhop_core::ports::{ByteStream, PortResult};
use bellhop_core::{Clock, PortError, PortErrorKind, Timestamp};
use lines::Lines;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many rows, cells and bytes go into one statement.
const ROWS: usize = 200;
const CELLS: usize = 4000;
const BYTES: usize = 1 << 20;

/// What becomes of messages, commands and reports that waited when the copy was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// They are held: nobody knows what happened to them since.
    Held,
    /// They go on: the bot was stopped before the copy was made and has not run since, as when a database is moved.
    GoesOn,
}

/// How a copy is taken back.
#[derive(Clone, Copy, Debug)]
pub struct Restoring {
    /// What becomes of what waited.
    pub waiting: Waiting,
    /// Whether a database that has something in it is put aside; refused otherwise.
    pub replace: bool,
}

/// What was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How many tables.
    pub tables: usize,
    /// How many rows in all.
    pub rows: u64,
    /// The kind of database that the copy was made from.
    pub made_from: String,
    /// Messages that were put among the dead letters.
    pub messages: u64,
    /// Commands that are not run.
    pub commands: u64,
    /// Reports of monitors that are not looked at.
    pub reports: u64,
    /// Where the database that was there before is kept: a file, or a schema.
    pub kept: Option<String>,
}

/// Takes a copy back into the database at `sqlite:PATH` or `postgres://...`.
///
/// # Errors
/// `Conflict` where the database has something in it and is not to be replaced, or a bot runs on it; `Unsupported` for a copy
/// of a newer Bellhop; `Broken` for a copy that is damaged or cut off; and as the database or the copy's stream fails. Nothing has
/// changed then.
pub async fn restore(url: &str, clock: &dyn Clock, copy: ByteStream, how: Restoring) -> PortResult<Restored> {
    match connect::open_apart(url, &Tuning::default())? {
        Pools::Sqlite { file, .. } => sqlite(&file, clock.now(), copy, how).await,
        Pools::Postgres { pool, place } => {
            let mut session = connect::pooled(&pool, "restore", &place).await?;
            session.begin().await?;
            let done = postgres(&mut session, clock.now(), copy, how).await;
            let done = match done {
                Ok(done) => session.commit().await.map(|()| done),
                Err(error) => {
                    session.rollback().await;
                    Err(error)
                }
            };
            drop(session);
            pool.close().await;
            done
        }
    }
}

/// A file beside, which takes the place of the other in one step when it is whole.
async fn sqlite(file: &Path, now: Timestamp, copy: ByteStream, how: Restoring) -> PortResult<Restored> {
    let fresh = beside(file, ".restoring");
    remove(&fresh)?;
    let Pools::Sqlite { options, place, readers, .. } = connect::open(&format!("sqlite:{}", fresh.display()), &Tuning::default())? else {
        return Err(invalid("restore", "the address names no file"));
    };
    // While this is held, no bot starts on the file.
    let lock = lock_file(&lock_path(file))?;
    if lock.try_lock().is_err() {
        remove(&fresh)?;
        return Err(conflict("restore", format!("a bot runs on {}; stop it first", file.display())));
    }
    let there = std::fs::metadata(file).is_ok_and(|known| known.len() > 0);
    if there && !how.replace {
        remove(&fresh)?;
        return Err(occupied(&format!("{}", file.display())));
    }
    let mut session = connect::writer(&options, place).await?;
    session.operation = "restore";
    session.begin().await?;
    let done = match fill(&mut session, now, copy, how.waiting).await {
        Ok(done) => session.commit().await.map(|()| done),
        Err(error) => Err(error),
    };
    let closed = session.close().await;
    readers.close().await;
    let mut done = match done.and_then(|done| closed.map(|()| done)) {
        Ok(done) => done,
        Err(error) => {
            remove(&fresh)?;
            return Err(error);
        }
    };
    // Also where only the file itself was removed: a log that it left must not be taken for the new one's.
    let kept = beside(file, &format!(".before-{}", now.format("%Y%m%dT%H%M%SZ")));
    for side in ["", "-wal", "-shm"] {
        let (from, to) = (beside(file, side), beside(&kept, side));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|error| unmovable(&from, &error))?;
        }
    }
    done.kept = there.then(|| kept.display().to_string());
    std::fs::rename(&fresh, file).map_err(|error| unmovable(&fresh, &error))?;
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unmovable(folder, &error))?;
    }
    drop(lock);
    Ok(done)
}

/// The tables that are there move into a schema of their own, in the same transaction.
async fn postgres(session: &mut Session, now: Timestamp, copy: ByteStream, how: Restoring) -> PortResult<Restored> {
    let there = known(session).await?;
    let mut kept = None;
    if !there.is_empty() {
        if !how.replace {
            return Err(occupied("the PostgreSQL database"));
        }
        if there.iter().any(|table| table.table == "instance")
            && session.number("SELECT count(*) FROM instance WHERE beat_at > $1", args![now - BELIEVED]).await? > 0
        {
            return Err(conflict("restore", "a bot runs on this database; stop it first"));
        }
        let schema = format!("bellhop_before_{}", now.format("%Y%m%d_%H%M%S"));
        session.script(&format!("CREATE SCHEMA \"{schema}\"")).await?;
        for table in &there {
            session.script(&format!("ALTER TABLE \"{}\" SET SCHEMA \"{schema}\"", table.table)).await?;
        }
        kept = Some(format!("the schema {schema}"));
    }
    Ok(Restored { kept, ..fill(session, now, copy, how.waiting).await? })
}

/// Makes the tables as they were, fills them, and brings them up to date.
async fn fill(session: &mut Session, now: Timestamp, copy: ByteStream, waiting: Waiting) -> PortResult<Restored> {
    let mut lines = Lines::new(copy);
    let head: Head = lines.read().await?.ok_or_else(|| broken("the copy is empty"))?;
    if head.bellhop_database != FORM || head.version > migrate::newest() {
        return Err(PortError::new(
            PortErrorKind::Unsupported,
            crate::error::SERVICE,
            "restore",
            format!(
                "the copy was made by a newer Bellhop (its tables are of version {}, this program knows {}); run that version",
                head.version,
                migrate::newest()
            ),
        ));
    }
    migrate::steps_to(session, now, head.version).await?;
    let targets: BTreeMap<String, Table> = known(session).await?.into_iter().map(|table| (table.table.clone(), table)).collect();
    for table in targets.keys().filter(|table| *table != "migration") {
        // Some scripts write first rows.
        session.run(&format!("DELETE FROM \"{table}\""), vec![]).await?;
    }
    let mut totals = Totals { tables: 0, rows: 0 };
    let mut into: Option<Filling> = None;
    loop {
        let Some(line) = lines.read::<serde_json::Value>().await? else {
            return Err(broken("the copy is cut off: its last line is missing"));
        };
        if let serde_json::Value::Array(cells) = line {
            let into = into.as_mut().ok_or_else(|| broken("the copy has a row before any table"))?;
            into.add(session, cells).await?;
            totals.rows += 1;
            continue;
        }
        if let Some(into) = into.take() {
            into.end(session).await?;
        }
        if line.get("end").is_some() {
            let End { end } = serde_json::from_value(line).map_err(|error| broken(format!("its last line can't be read: {error}")))?;
            if end != totals || lines.read::<serde_json::Value>().await?.is_some() {
                return Err(broken(format!("the copy has {totals:?}, and its last line says {end:?}")));
            }
            break;
        }
        let table: Table = serde_json::from_value(line).map_err(|error| broken(format!("a line can't be read: {error}")))?;
        totals.tables += 1;
        into = Some(Filling::new(session, &targets, table)?);
    }
    let (messages, commands, reports) = if waiting == Waiting::Held { hold(session, now).await? } else { (0, 0, 0) };
    migrate::steps_to(session, now, migrate::newest()).await?;
    Ok(Restored { tables: totals.tables, rows: totals.rows, made_from: head.kind, messages, commands, reports, kept: None })
}

/// What waited goes no further by itself.
async fn hold(session: &mut Session, now: Timestamp) -> PortResult<(u64, u64, u64)> {
    let why = "it waited when the backup was made that this database was restored from, and may have been";
    let messages = session
        .run(
            "UPDATE outbox SET state = 'dead', doubt = 1, settled_at = $1, owner = NULL, lease_until = NULL, error = $2 WHERE settled_at IS NULL",
            args![now, format!("{why} posted since; it is looked up first when it is queued again")],
        )
        .await?;
    session.run("UPDATE lane SET head = NULL, next_at = NULL", vec![]).await?;
    let mut inbox = [0, 0];
    for (count, kind) in inbox.iter_mut().zip(["command", "alert"]) {
        *count = session
            .run(
                "UPDATE inbox SET state = 'done', settled_at = $1, owner = NULL, lease_until = NULL, error = $2 WHERE settled_at IS NULL AND kind = $3",
                args![now, format!("{why} handled since"), kind],
            )
            .await?;
    }
    Ok((messages, inbox[0], inbox[1]))
}

/// A table being filled.
struct Filling {
    target: String,
    columns: Vec<Column>,
    numbered: Option<i64>,
    /// The column whose numbers the database gives.
    counter: Option<String>,
    pending: Vec<Vec<Value>>,
    bytes: usize,
}

impl Filling {
    fn new(session: &Session, targets: &BTreeMap<String, Table>, from: Table) -> PortResult<Self> {
        let target = targets.get(&from.table).ok_or_else(|| broken(format!("the copy has a table that is unknown: {}", from.table)))?;
        let mut columns = Vec::new();
        for column in from.columns {
            let known = target.columns.iter().find(|known| known.name == column.name);
            let known = known.ok_or_else(|| broken(format!("the copy has a column that is unknown: {} of {}", column.name, from.table)))?;
            // The values are written as the copy's kind, and kept as the target's.
            let kind =
                if known.kind == Kind::Json || column.kind == Kind::Json && session.is_postgres() { known.kind } else { column.kind };
            columns.push(Column { name: column.name, kind });
        }
        let counter = target.numbered.and_then(|_| target.columns.first().map(|column| column.name.clone()));
        Ok(Self { target: target.table.clone(), columns, numbered: from.numbered, counter, pending: Vec::new(), bytes: 0 })
    }

    async fn add(&mut self, session: &mut Session, cells: Vec<serde_json::Value>) -> PortResult<()> {
        if cells.len() != self.columns.len() {
            return Err(broken(format!("a row of {} has {} cells instead of {}", self.target, cells.len(), self.columns.len())));
        }
        let mut row = Vec::with_capacity(cells.len());
        for (cell, column) in cells.into_iter().zip(&self.columns) {
            self.bytes += cell.as_str().map_or(8, str::len);
            row.push(value(cell, column.kind).ok_or_else(|| broken(format!("a cell of {}, {} can't be read", self.target, column.name)))?);
        }
        self.pending.push(row);
        if self.pending.len() >= ROWS.min(CELLS / self.columns.len().max(1)) || self.bytes >= BYTES {
            self.write(session).await
        } else {
            Ok(())
        }
    }

    async fn write(&mut self, session: &mut Session) -> PortResult<()> {
        let rows = std::mem::take(&mut self.pending);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let mut number = 0;
        let mut placeholder = |column: &Column| {
            number += 1;
            if column.kind == Kind::Json && session.is_postgres() { format!("CAST(${number} AS JSONB)") } else { format!("${number}") }
        };
        let places: Vec<String> =
            rows.iter().map(|_| format!("({})", self.columns.iter().map(&mut placeholder).collect::<Vec<_>>().join(", "))).collect();
        let names = self.columns.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ");
        let sql = format!("INSERT INTO \"{}\" ({names}) /*pg OVERRIDING SYSTEM VALUE*/ VALUES {}", self.target, places.join(", "));
        session.run(&sql, rows.into_iter().flatten().collect()).await.map(drop)
    }

    /// Writes the rest; later rows are numbered after the last number that was ever given.
    async fn end(mut self, session: &mut Session) -> PortResult<()> {
        self.write(session).await?;
        let (Some(counter), Some(numbered)) = (&self.counter, self.numbered.filter(|numbered| *numbered > 0)) else { return Ok(()) };
        if session.is_postgres() {
            let sql = format!(
                "SELECT setval(pg_get_serial_sequence('\"{0}\"', '{counter}'), greatest($1, (SELECT coalesce(max(\"{counter}\"), 1) FROM \"{0}\")))",
                self.target
            );
            session.rows(&sql, args![numbered]).await?;
        } else {
            session.run("DELETE FROM sqlite_sequence WHERE name = $1", args![self.target.as_str()]).await?;
            let sql = format!(
                "INSERT INTO sqlite_sequence (name, seq) SELECT $1, max($2, (SELECT coalesce(max(\"{counter}\"), 0) FROM \"{}\"))",
                self.target
            );
            session.run(&sql, args![self.target.as_str(), numbered]).await?;
        }
        Ok(())
    }
}

fn value(cell: serde_json::Value, kind: Kind) -> Option<Value> {
    use serde_json::Value as Json;
    Some(match (kind, cell) {
        (Kind::Int, Json::Null) => Value::Int(None),
        (Kind::Int, cell) => Value::Int(Some(cell.as_i64()?)),
        (Kind::Real, Json::Null) => Value::Real(None),
        (Kind::Real, Json::String(text)) => Value::Real(Some(text.parse().ok()?)),
        (Kind::Text | Kind::Json, Json::Null) => Value::Text(None),
        (Kind::Text, Json::String(text)) => text.into(),
        (Kind::Json, Json::String(text)) => without_nul(text).into(),
        _ => return None,
    })
}

/// PostgreSQL keeps no NUL in JSON either, in whatever way it is written.
fn without_nul(text: String) -> String {
    fn clean(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = text.replace('\0', "\u{fffd}"),
            serde_json::Value::Array(all) => all.iter_mut().for_each(clean),
            serde_json::Value::Object(all) => {
                *all = std::mem::take(all)
                    .into_iter()
                    .map(|(name, mut value)| {
                        clean(&mut value);
                        (name.replace('\0', "\u{fffd}"), value)
                    })
                    .collect();
            }
            _ => {}
        }
    }
    if !text.contains("\\u0000") {
        return text;
    }
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(mut value) => {
            clean(&mut value);
            value.to_string()
        }
        Err(_) => text,
    }
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Takes away what an earlier attempt left.
fn remove(file: &Path) -> PortResult<()> {
    for side in ["", "-wal", "-shm"] {
        match std::fs::remove_file(beside(file, side)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unmovable(file, &error)),
            _ => {}
        }
    }
    Ok(())
}

fn occupied(place: &str) -> PortError {
    conflict(
        "restore",
        format!("{place} has something in it already; name an empty database, or add --replace, which keeps the present one beside it"),
    )
}

fn unmovable(path: &Path, error: &std::io::Error) -> PortError {
    PortError::new(
        PortErrorKind::Denied,
        crate::error::SERVICE,
        "restore",
        format!("{} can't be moved or removed: {error}", path.display()),
    )
}
