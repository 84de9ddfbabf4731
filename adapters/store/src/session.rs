//! One connection to either database, and the statements both understand.
//!
//! Statements are written once: `$N` placeholders work on both sides, times are `BIGINT` microseconds and JSON is `TEXT`.
//! Where the two differ, a statement says so in place ([`crate::dialect`]). Nothing here knows what the statements mean.

use crate::dialect::translate;
use crate::error::{Place, failure};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, Timestamp};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Executor as _, Postgres, Row as _, Sqlite, SqliteConnection};
use std::sync::Arc;

/// A connection, and what is said about it when it fails.
pub(crate) struct Session {
    link: Link,
    pub(crate) operation: &'static str,
    place: Arc<Place>,
}

enum Link {
    Writer(SqliteConnection),
    Reader(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A bound value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Real(Option<f64>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.timestamp_micros()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(|at| at.timestamp_micros()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(clean(value)))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(clean(value.to_owned())))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(clean))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(Some(value))
    }
}

impl From<Batch> for Value {
    fn from(batch: Batch) -> Self {
        // Already clean, cell by cell; the JSON text itself never holds a NUL.
        Self::Text(Some(serde_json::Value::Array(batch.0).to_string()))
    }
}

/// A list of bound values.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::session::Value::from($value)),*] };
}
pub(crate) use args;

/// PostgreSQL keeps no NUL in text; nothing we keep needs one.
pub(crate) fn clean(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Rows for one statement, each a list of cells, read there by `EACH($n)` and `value ->> 0`, `value ->> 1`, ...
#[derive(Default)]
pub(crate) struct Batch(Vec<serde_json::Value>);

impl Batch {
    pub(crate) fn push(&mut self, cells: Vec<Value>) {
        let cells = cells.into_iter().map(|cell| match cell {
            Value::Int(value) => value.into(),
            Value::Text(value) => value.into(),
            Value::Real(value) => value.into(),
        });
        self.0.push(serde_json::Value::Array(cells.collect()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Vec<Value>> for Batch {
    fn from_iter<I: IntoIterator<Item = Vec<Value>>>(rows: I) -> Self {
        let mut batch = Self::default();
        rows.into_iter().for_each(|cells| batch.push(cells));
        batch
    }
}

/// A row of an answer.
pub(crate) struct Row {
    cells: Cells,
    operation: &'static str,
    place: Arc<Place>,
}

enum Cells {
    Lite(SqliteRow),
    Pg(PgRow),
}

impl Row {
    fn get<'r, T>(&'r self, index: usize) -> PortResult<T>
    where
        T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite> + sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
    {
        match &self.cells {
            Cells::Lite(row) => row.try_get(index),
            Cells::Pg(row) => row.try_get(index),
        }
        .map_err(|error| failure(&error, self.operation, &self.place))
    }

    pub(crate) fn int(&self, index: usize) -> PortResult<i64> {
        self.get(index)
    }

    pub(crate) fn maybe_int(&self, index: usize) -> PortResult<Option<i64>> {
        self.get(index)
    }

    pub(crate) fn maybe_real(&self, index: usize) -> PortResult<Option<f64>> {
        self.get(index)
    }

    pub(crate) fn real(&self, index: usize) -> PortResult<f64> {
        self.get(index)
    }

    pub(crate) fn text(&self, index: usize) -> PortResult<String> {
        self.get(index)
    }

    pub(crate) fn maybe_text(&self, index: usize) -> PortResult<Option<String>> {
        self.get(index)
    }

    pub(crate) fn time(&self, index: usize) -> PortResult<Timestamp> {
        self.int(index).and_then(|micros| self.moment(micros))
    }

    pub(crate) fn maybe_time(&self, index: usize) -> PortResult<Option<Timestamp>> {
        self.maybe_int(index)?.map(|micros| self.moment(micros)).transpose()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, index: usize) -> PortResult<T> {
        let text = self.text(index)?;
        serde_json::from_str(&text).map_err(|error| self.broken(format!("a stored value can't be read: {error}")))
    }

    pub(crate) fn maybe_json<T: serde::de::DeserializeOwned>(&self, index: usize) -> PortResult<Option<T>> {
        let Some(text) = self.maybe_text(index)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| self.broken(format!("a stored value can't be read: {error}")))
    }

    fn moment(&self, micros: i64) -> PortResult<Timestamp> {
        Timestamp::from_timestamp_micros(micros).ok_or_else(|| self.broken(format!("{micros} is no time")))
    }

    fn broken(&self, why: String) -> PortError {
        PortError::new(bellhop_core::PortErrorKind::Broken, crate::error::SERVICE, self.operation, why)
    }
}

impl Session {
    pub(crate) fn writer(connection: SqliteConnection, place: Arc<Place>) -> Self {
        Self { link: Link::Writer(connection), operation: "write", place }
    }

    pub(crate) fn reader(connection: PoolConnection<Sqlite>, operation: &'static str, place: Arc<Place>) -> Self {
        Self { link: Link::Reader(connection), operation, place }
    }

    pub(crate) fn postgres(connection: PoolConnection<Postgres>, operation: &'static str, place: Arc<Place>) -> Self {
        Self { link: Link::Postgres(connection), operation, place }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.link, Link::Postgres(_))
    }

    /// The statement in the words of this database.
    fn dialect(&self, sql: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(translate(sql, self.is_postgres()))
    }

    /// Runs a statement and returns how many rows it touched.
    pub(crate) async fn run(&mut self, sql: &str, values: Vec<Value>) -> PortResult<u64> {
        let sql = self.dialect(sql);
        let done = match &mut self.link {
            Link::Writer(link) => link.execute(sqlx::query_with(sql, lite(values))).await.map(|done| done.rows_affected()),
            Link::Reader(link) => link.execute(sqlx::query_with(sql, lite(values))).await.map(|done| done.rows_affected()),
            Link::Postgres(link) => link.execute(sqlx::query_with(sql, pg(values))).await.map(|done| done.rows_affected()),
        };
        done.map_err(|error| failure(&error, self.operation, &self.place))
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn rows(&mut self, sql: &str, values: Vec<Value>) -> PortResult<Vec<Row>> {
        #[cfg(test)]
        asked::note(sql, &values);
        let sql = self.dialect(sql);
        let found = match &mut self.link {
            Link::Writer(link) => link.fetch_all(sqlx::query_with(sql, lite(values))).await.map(wrap_lite),
            Link::Reader(link) => link.fetch_all(sqlx::query_with(sql, lite(values))).await.map(wrap_lite),
            Link::Postgres(link) => {
                link.fetch_all(sqlx::query_with(sql, pg(values))).await.map(|rows| rows.into_iter().map(Cells::Pg).collect::<Vec<_>>())
            }
        };
        let found = found.map_err(|error| failure(&error, self.operation, &self.place))?;
        Ok(found.into_iter().map(|cells| Row { cells, operation: self.operation, place: Arc::clone(&self.place) }).collect())
    }

    /// The same as they come, for answers of any length.
    pub(crate) fn stream<'s>(&'s mut self, sql: &str, values: Vec<Value>) -> BoxStream<'s, PortResult<Row>> {
        #[cfg(test)]
        asked::note(sql, &values);
        let sql = self.dialect(sql);
        let (operation, place) = (self.operation, Arc::clone(&self.place));
        let cells: BoxStream<'s, Result<Cells, sqlx::Error>> = match &mut self.link {
            Link::Writer(link) => link.fetch(sqlx::query_with(sql, lite(values))).map_ok(Cells::Lite).boxed(),
            Link::Reader(link) => link.fetch(sqlx::query_with(sql, lite(values))).map_ok(Cells::Lite).boxed(),
            Link::Postgres(link) => link.fetch(sqlx::query_with(sql, pg(values))).map_ok(Cells::Pg).boxed(),
        };
        cells
            .map(move |found| match found {
                Ok(cells) => Ok(Row { cells, operation, place: Arc::clone(&place) }),
                Err(error) => Err(failure(&error, operation, &place)),
            })
            .boxed()
    }

    /// The first row, if any.
    pub(crate) async fn row(&mut self, sql: &str, values: Vec<Value>) -> PortResult<Option<Row>> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// The one number a statement answers with.
    pub(crate) async fn number(&mut self, sql: &str, values: Vec<Value>) -> PortResult<i64> {
        match self.row(sql, values).await? {
            Some(row) => Ok(row.maybe_int(0)?.unwrap_or(0)),
            None => Ok(0),
        }
    }

    /// Runs several statements at once, without values: migrations, and the ends of transactions.
    pub(crate) async fn script(&mut self, sql: &str) -> PortResult<()> {
        let sql = AssertSqlSafe(sql.to_owned());
        let done = match &mut self.link {
            Link::Writer(link) => link.execute(sqlx::raw_sql(sql)).await.map(drop),
            Link::Reader(link) => link.execute(sqlx::raw_sql(sql)).await.map(drop),
            Link::Postgres(link) => link.execute(sqlx::raw_sql(sql)).await.map(drop),
        };
        done.map_err(|error| failure(&error, self.operation, &self.place))
    }

    /// Begins a transaction that is sure to be allowed to write.
    pub(crate) async fn begin(&mut self) -> PortResult<()> {
        if self.is_postgres() { self.run("BEGIN", vec![]).await } else { self.run("BEGIN IMMEDIATE", vec![]).await }.map(drop)
    }

    pub(crate) async fn commit(&mut self) -> PortResult<()> {
        let lost = self.is_postgres();
        self.run("COMMIT", vec![]).await.map(drop).map_err(|error| {
            // The reply to a COMMIT can be lost after it was done.
            if lost && error.kind == bellhop_core::PortErrorKind::Unavailable { error.maybe_done() } else { error }
        })
    }

    /// Ends a transaction without keeping anything. A connection that can't even do that is dropped by its pool.
    pub(crate) async fn rollback(&mut self) -> bool {
        self.run("ROLLBACK", vec![]).await.is_ok()
    }

    /// Gives the connection up for good rather than back to its pool.
    pub(crate) fn discard(self) {
        match self.link {
            Link::Reader(link) => drop(link.detach()),
            Link::Postgres(link) => drop(link.detach()),
            Link::Writer(link) => drop(link),
        }
    }

    /// Closes the writer's connection in order, so that the write-ahead log is folded into the database.
    pub(crate) async fn close(self) -> PortResult<()> {
        use sqlx::Connection as _;
        let closed = match self.link {
            Link::Writer(link) => link.close().await,
            Link::Reader(_) | Link::Postgres(_) => Ok(()),
        };
        closed.map_err(|error| failure(&error, "close", &self.place))
    }
}

fn wrap_lite(rows: Vec<SqliteRow>) -> Vec<Cells> {
    rows.into_iter().map(Cells::Lite).collect()
}

fn lite(values: Vec<Value>) -> SqliteArguments {
    let mut arguments = SqliteArguments::default();
    for value in values {
        // Encoding numbers and text has no way to fail.
        let _ = match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Real(value) => arguments.add(value),
        };
    }
    arguments
}

fn pg(values: Vec<Value>) -> PgArguments {
    let mut arguments = PgArguments::default();
    for value in values {
        let _ = match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Real(value) => arguments.add(value),
        };
    }
    arguments
}

/// What is asked of the database, for tests that look at how it would be answered.
#[cfg(test)]
pub(crate) mod asked {
    use super::Value;
    use std::cell::RefCell;

    tokio::task_local! {
        /// The statements of one task, with their values.
        pub(crate) static ASKED: RefCell<Vec<(String, Vec<Value>)>>;
    }

    pub(super) fn note(sql: &str, values: &[Value]) {
        // Outside of such tests nobody listens.
        let _ = ASKED.try_with(|asked| asked.borrow_mut().push((sql.to_owned(), values.to_vec())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_nul_reaches_the_database() {
        assert_eq!(clean("a\0b".into()), "a\u{fffd}b");
        let batch: Batch = [args!["x\0y", 1_i64, Option::<String>::None]].into_iter().collect();
        let Value::Text(Some(text)) = Value::from(batch) else { panic!("a batch is text") };
        assert_eq!(text, "[[\"x\u{fffd}y\",1,null]]");
    }
}
