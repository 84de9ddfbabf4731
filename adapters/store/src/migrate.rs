//! Brings a database's tables up to date: the scripts of `migrations/`, in order, each once and in a transaction.
//! There is no way back: scripts only add.

use crate::error::SERVICE;
use crate::session::{Session, args};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind, Timestamp};

/// The scripts: number, name, what SQLite runs, what PostgreSQL runs.
const SCRIPTS: &[(i64, &str, &str, &str)] =
    &[(1, "first", include_str!("../../../migrations/sqlite/0001_first.sql"), include_str!("../../../migrations/postgres/0001_first.sql"))];

/// A number for PostgreSQL's lock that keeps two replicas from migrating at once; it ends with the transaction.
const LOCK: i64 = 0x6265_6c6c_686f_7001;

pub(crate) async fn migrate(session: &mut Session, now: Timestamp) -> PortResult<()> {
    session.operation = "migrate";
    session.begin().await?;
    let done = steps(session, now).await;
    match done {
        Ok(()) => session.commit().await,
        Err(error) => {
            session.rollback().await;
            Err(error)
        }
    }
}

async fn steps(session: &mut Session, now: Timestamp) -> PortResult<()> {
    if session.is_postgres() {
        session.rows("SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS locked", args![LOCK]).await?;
    }
    session
        .run("CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)", vec![])
        .await?;
    let present = session.number("SELECT max(version) FROM migration", vec![]).await?;
    let newest = SCRIPTS.last().map_or(0, |script| script.0);
    if present > newest {
        return Err(PortError::new(
            PortErrorKind::Unsupported,
            SERVICE,
            "migrate",
            format!(
                "the database was last used by a newer Bellhop (its tables are of version {present}, this program knows {newest}); run that version, or restore a backup"
            ),
        ));
    }
    for (version, name, lite, pg) in SCRIPTS.iter().filter(|script| script.0 > present) {
        session.script(if session.is_postgres() { pg } else { lite }).await?;
        session.run("INSERT INTO migration (version, name, applied_at) VALUES ($1, $2, $3)", args![*version, *name, now]).await?;
    }
    Ok(())
}
