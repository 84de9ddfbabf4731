//! Brings a database's tables up to date: the scripts of `migrations/`, in order, each once and in a transaction.
//! There is no way back: scripts only add.

use crate::error::SERVICE;
use crate::session::{Session, args};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind, Timestamp};

/// Number, name, what SQLite runs, what PostgreSQL runs.
type Script = (i64, &'static str, &'static str, &'static str);

/// The scripts, by number.
const SCRIPTS: &[Script] = &[
    (1, "first", include_str!("../../../migrations/sqlite/0001_first.sql"), include_str!("../../../migrations/postgres/0001_first.sql")),
    (
        2,
        "where links were made",
        include_str!("../../../migrations/sqlite/0002_where_links_were_made.sql"),
        include_str!("../../../migrations/postgres/0002_where_links_were_made.sql"),
    ),
    (
        3,
        "links with conditions",
        include_str!("../../../migrations/sqlite/0003_links_with_conditions.sql"),
        include_str!("../../../migrations/postgres/0003_links_with_conditions.sql"),
    ),
    (
        4,
        "people merged",
        include_str!("../../../migrations/sqlite/0004_people_merged.sql"),
        include_str!("../../../migrations/postgres/0004_people_merged.sql"),
    ),
    (
        5,
        "events sent on",
        include_str!("../../../migrations/sqlite/0005_events_sent_on.sql"),
        include_str!("../../../migrations/postgres/0005_events_sent_on.sql"),
    ),
];

/// A number for PostgreSQL's lock that keeps two replicas from migrating at once; it ends with the transaction.
const LOCK: i64 = 0x6265_6c6c_686f_7001;

/// The version of the newest script that this program knows.
pub(crate) fn newest() -> i64 {
    SCRIPTS.last().map_or(0, |script| script.0)
}

/// The version of the newest script that the database has seen.
pub(crate) async fn present(session: &mut Session) -> PortResult<i64> {
    session.number("SELECT max(version) FROM migration", vec![]).await
}

/// Within a transaction of the caller's: brings the tables up to this version.
pub(crate) async fn steps_to(session: &mut Session, now: Timestamp, version: i64) -> PortResult<()> {
    let known = SCRIPTS.iter().filter(|script| script.0 <= version).count();
    steps(session, now, &SCRIPTS[..known]).await
}

pub(crate) async fn migrate(session: &mut Session, now: Timestamp) -> PortResult<()> {
    bring_up(session, now, SCRIPTS).await
}

async fn bring_up(session: &mut Session, now: Timestamp, scripts: &[Script]) -> PortResult<()> {
    session.operation = "migrate";
    session.begin().await?;
    let done = steps(session, now, scripts).await;
    match done {
        Ok(()) => session.commit().await,
        Err(error) => {
            session.rollback().await;
            Err(error)
        }
    }
}

async fn steps(session: &mut Session, now: Timestamp, scripts: &[Script]) -> PortResult<()> {
    if session.is_postgres() {
        session.rows("SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS locked", args![LOCK]).await?;
    }
    session
        .run("CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)", vec![])
        .await?;
    let present = present(session).await?;
    let newest = scripts.last().map_or(0, |script| script.0);
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
    for (version, name, lite, pg) in scripts.iter().filter(|script| script.0 > present) {
        session.script(if session.is_postgres() { pg } else { lite }).await?;
        session.run("INSERT INTO migration (version, name, applied_at) VALUES ($1, $2, $3)", args![*version, *name, now]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pools, Tuning, connect};
    use bellhop_core::Clock as _;
    use bellhop_kit::clock::StoppedClock;
    use bellhop_kit::peers::postgres::Postgres;
    use std::sync::Arc;

    async fn sessions() -> (tempfile::TempDir, Vec<Session>) {
        let folder = tempfile::tempdir().unwrap();
        let mut sessions = Vec::new();
        for url in [format!("sqlite:{}", folder.path().join("b.db").display()), Postgres::shared().fresh_database()] {
            sessions.push(match connect::open(&url, &Tuning::default()).unwrap() {
                Pools::Sqlite { options, place, .. } => connect::writer(&options, place).await.unwrap(),
                Pools::Postgres { pool, place } => connect::pooled(&pool, "open", &Arc::clone(&place)).await.unwrap(),
            });
        }
        (folder, sessions)
    }

    #[tokio::test]
    async fn later_scripts_find_the_tables_filled_and_leave_what_is_in_them() {
        let (_folder, sessions) = sessions().await;
        let now = StoppedClock::default().now();
        let add = "ALTER TABLE record ADD COLUMN kept_at BIGINT NOT NULL DEFAULT 7; CREATE TABLE more (x BIGINT);";
        let bad = "CREATE TABLE half (x BIGINT); ALTER TABLE nothing ADD COLUMN y BIGINT;";
        let second: Vec<Script> = SCRIPTS.iter().copied().chain([(98, "add", add, add)]).collect();
        let third: Vec<Script> = second.iter().copied().chain([(99, "bad", bad, bad)]).collect();
        for mut session in sessions {
            bring_up(&mut session, now, SCRIPTS).await.unwrap();
            session.run("INSERT INTO record (collection, key, value) VALUES ('c', 'k', '1')", vec![]).await.unwrap();
            bring_up(&mut session, now, &second).await.unwrap();
            bring_up(&mut session, now, &second).await.unwrap();
            assert_eq!(session.number("SELECT kept_at FROM record WHERE key = 'k'", vec![]).await.unwrap(), 7);
            // One that fails leaves nothing behind, and the database as it was.
            bring_up(&mut session, now, &third).await.unwrap_err();
            session.run("INSERT INTO more (x) VALUES (1)", vec![]).await.unwrap();
            session.rows("SELECT x FROM half", vec![]).await.err().unwrap();
            assert_eq!(session.number("SELECT max(version) FROM migration", vec![]).await.unwrap(), 98);
            // This program, which knows less, leaves it alone.
            assert_eq!(migrate(&mut session, now).await.unwrap_err().kind, PortErrorKind::Unsupported);
        }
    }
}
