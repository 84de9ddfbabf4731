//! A copy of the whole database in one form for both kinds: what was copied from SQLite can be taken back by PostgreSQL and the
//! other way round. The form is lines of JSON, gzipped; docs/backup.md describes it. Where a copy is kept, and whether it is
//! sealed, is not known here.
//!
//! The copy is read in one transaction that sees the database as it was when it began, so that the bot goes on writing. Only
//! the rows of processes that ran are left out. Taking a copy back is in [`crate::restore`].

use crate::error::SERVICE;
use crate::migrate;
use crate::session::{Row, Session};
use crate::{Backend, Store, spawn};
use async_trait::async_trait;
use bellhop_core::ports::{ByteStream, DatabaseCopy, OwnDatabase, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write as _;
use tokio::sync::mpsc;

/// The form's own version.
pub(crate) const FORM: u32 = 1;
/// How much compressed text is handed on at once.
const PIECE: usize = 64 * 1024;
/// Tables that say something about running processes, which are none where the copy is taken back; and the one that the
/// scripts write themselves.
const LEFT_OUT: [&str; 2] = ["instance", "migration"];

/// The first line.
#[derive(Serialize, Deserialize)]
pub(crate) struct Head {
    pub bellhop_database: u32,
    /// The newest script that the tables have seen.
    pub version: i64,
    /// `sqlite` or `postgres`.
    pub kind: String,
}

/// The line before a table's rows.
#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "it is the member of the line, which the form gives")]
pub(crate) struct Table {
    pub table: String,
    pub columns: Vec<Column>,
    /// The last number that was given to a row, where rows are numbered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbered: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Column {
    pub name: String,
    pub kind: Kind,
}

/// What a column holds. A number that isn't whole is written as text, so that it comes back to the last bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Int,
    Real,
    Text,
    Json,
}

/// The last line.
#[derive(Serialize, Deserialize)]
pub(crate) struct End {
    pub end: Totals,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub tables: usize,
    pub rows: u64,
}

#[async_trait]
impl OwnDatabase for Store {
    async fn copy(&self) -> PortResult<DatabaseCopy> {
        let mut session = self.read("copy").await?;
        let begin = if session.is_postgres() { "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY" } else { "BEGIN" };
        session.run(begin, vec![]).await?;
        // The first statement fixes what the transaction sees.
        let version = match migrate::present(&mut session).await {
            Ok(version) => version,
            Err(error) => {
                session.rollback().await;
                return Err(error);
            }
        };
        let kind = match self.backend() {
            Backend::Sqlite => "sqlite",
            Backend::Postgres => "postgres",
        };
        let (sender, receiver) = mpsc::channel(4);
        let mut out = Out { encoder: GzEncoder::new(Vec::new(), Compression::default()), sender };
        let _copying = spawn(async move {
            let head = Head { bellhop_database: FORM, version, kind: kind.to_owned() };
            let copied = tables(&mut session, &head, &mut out).await;
            // The pool gets back only what has no transaction open.
            if !session.rollback().await {
                session.discard();
            }
            match copied {
                // Nobody waits for the rest any more.
                Ok(()) | Err(Stopped::Unheard) => {}
                Err(Stopped::Failed(error)) => drop(out.sender.send(Err(error)).await),
            }
        });
        let bytes: ByteStream = Box::pin(futures::stream::unfold(receiver, |mut receiver| async move {
            let piece = receiver.recv().await?;
            Some((piece, receiver))
        }));
        Ok(DatabaseCopy { kind, tables: version, bytes })
    }
}

/// Why copying ended before its end.
enum Stopped {
    Unheard,
    Failed(PortError),
}

impl From<PortError> for Stopped {
    fn from(error: PortError) -> Self {
        Self::Failed(error)
    }
}

/// Where lines go: through the compressor to who reads the copy.
struct Out {
    encoder: GzEncoder<Vec<u8>>,
    sender: mpsc::Sender<PortResult<bytes::Bytes>>,
}

impl Out {
    async fn line(&mut self, line: &impl Serialize) -> Result<(), Stopped> {
        let mut text = serde_json::to_vec(line).map_err(|error| broken(format!("a row can't be written: {error}")))?;
        text.push(b'\n');
        self.encoder.write_all(&text).map_err(|error| broken(error.to_string()))?;
        if self.encoder.get_ref().len() >= PIECE { self.hand_on().await } else { Ok(()) }
    }

    async fn hand_on(&mut self) -> Result<(), Stopped> {
        let piece = std::mem::take(self.encoder.get_mut());
        if piece.is_empty() {
            return Ok(());
        }
        self.sender.send(Ok(piece.into())).await.map_err(|_| Stopped::Unheard)
    }
}

async fn tables(session: &mut Session, head: &Head, out: &mut Out) -> Result<(), Stopped> {
    out.line(head).await?;
    let tables = known(session).await?;
    let mut totals = Totals { tables: 0, rows: 0 };
    for table in tables.iter().filter(|table| !LEFT_OUT.contains(&table.table.as_str())) {
        totals.tables += 1;
        out.line(table).await?;
        let cells = table.columns.iter().map(|column| match column.kind {
            Kind::Json => format!("CAST(\"{}\" AS TEXT)", column.name),
            _ => format!("\"{}\"", column.name),
        });
        let sql = format!("SELECT {} FROM \"{}\"", cells.collect::<Vec<_>>().join(", "), table.table);
        let mut rows = session.stream(&sql, vec![]);
        while let Some(row) = rows.next().await {
            let row = row?;
            let cells = table.columns.iter().enumerate().map(|(at, column)| cell(&row, at, column.kind));
            out.line(&cells.collect::<PortResult<Vec<Value>>>()?).await?;
            totals.rows += 1;
        }
    }
    out.line(&End { end: totals }).await?;
    out.encoder.try_finish().map_err(|error| broken(error.to_string()))?;
    out.hand_on().await
}

fn cell(row: &Row, at: usize, kind: Kind) -> PortResult<Value> {
    Ok(match kind {
        Kind::Int => row.maybe_int(at)?.into(),
        // The shortest text that reads as the very same number.
        Kind::Real => row.maybe_real(at)?.map(|real| format!("{real:?}")).into(),
        Kind::Text | Kind::Json => row.maybe_text(at)?.into(),
    })
}

/// The tables that are there, with their columns, by name.
pub(crate) async fn known(session: &mut Session) -> PortResult<Vec<Table>> {
    let columns = if session.is_postgres() {
        "SELECT c.table_name::text, c.column_name::text, upper(c.data_type::text), \
           CASE WHEN c.is_identity = 'YES' THEN coalesce(pg_sequence_last_value(pg_get_serial_sequence(quote_ident(c.table_name), c.column_name)::regclass), 0) END \
         FROM information_schema.columns AS c JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
         WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY c.table_name COLLATE \"C\", c.ordinal_position"
    } else {
        // Only tables whose rows are numbered without ever using a number again stand in sqlite_sequence.
        "SELECT m.name, c.name, upper(c.type), CASE WHEN c.pk = 1 AND m.sql LIKE '%AUTOINCREMENT%' THEN coalesce((SELECT seq FROM sqlite_sequence AS s WHERE s.name = m.name), 0) END \
         FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, c.cid"
    };
    let mut tables: Vec<Table> = Vec::new();
    for row in session.rows(columns, vec![]).await? {
        let (table, name, kind) = (row.text(0)?, row.text(1)?, row.text(2)?);
        let column = Column { kind: kind_of(&kind, &table, &name)?, name };
        let numbered = row.maybe_int(3)?;
        match tables.last_mut() {
            Some(last) if last.table == table => {
                last.columns.push(column);
                last.numbered = last.numbered.or(numbered);
            }
            _ => tables.push(Table { table, columns: vec![column], numbered }),
        }
    }
    Ok(tables)
}

fn kind_of(declared: &str, table: &str, column: &str) -> PortResult<Kind> {
    Ok(match declared {
        "INTEGER" | "BIGINT" | "SMALLINT" => Kind::Int,
        "DOUBLE" | "DOUBLE PRECISION" | "REAL" => Kind::Real,
        "TEXT" | "CHARACTER VARYING" => Kind::Text,
        "JSON" | "JSONB" => Kind::Json,
        other => return Err(broken(format!("the column {column} of {table} is of a kind ({other}) that copies can't hold"))),
    })
}

pub(crate) fn broken(message: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::Broken, SERVICE, "copy", message)
}
