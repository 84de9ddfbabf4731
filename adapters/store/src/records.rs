//! What adapters remember, in named collections.

use crate::Store;
use crate::session::{Row, args};
use async_trait::async_trait;
use bellhop_core::ports::{PortResult, Record, Records};

fn record(row: &Row) -> PortResult<Record> {
    Ok(Record { key: row.text(0)?, value: row.json(1)? })
}

#[async_trait]
impl Records for Store {
    async fn put(&self, collection: &str, key: &str, value: &serde_json::Value) -> PortResult<()> {
        let values = args![collection, key, value.to_string()];
        self.write("put", move |session| {
            Box::pin(async move {
                session
                    .run("INSERT INTO record (collection, key, value) VALUES ($1, $2, $3) ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value", values)
                    .await
                    .map(drop)
            })
        })
        .await
    }

    async fn put_new(&self, collection: &str, key: &str, value: &serde_json::Value) -> PortResult<(serde_json::Value, bool)> {
        let (collection, key, value) = (collection.to_owned(), key.to_owned(), value.clone());
        self.write("put", move |session| {
            Box::pin(async move {
                let made = session
                    .run(
                        "INSERT INTO record (collection, key, value) VALUES ($1, $2, $3) ON CONFLICT (collection, key) DO NOTHING",
                        args![collection.as_str(), key.as_str(), value.to_string()],
                    )
                    .await?;
                if made == 1 {
                    return Ok((value, true));
                }
                let kept = session.row("SELECT key, value FROM record WHERE collection = $1 AND key = $2", args![collection, key]).await?;
                Ok((kept.map(|row| record(&row)).transpose()?.map_or(value, |record| record.value), false))
            })
        })
        .await
    }

    async fn get(&self, collection: &str, key: &str) -> PortResult<Option<serde_json::Value>> {
        let row =
            self.read("get").await?.row("SELECT key, value FROM record WHERE collection = $1 AND key = $2", args![collection, key]).await?;
        Ok(row.map(|row| record(&row)).transpose()?.map(|record| record.value))
    }

    async fn remove(&self, collection: &str, key: &str) -> PortResult<()> {
        let values = args![collection, key];
        self.write("remove", move |session| {
            Box::pin(async move { session.run("DELETE FROM record WHERE collection = $1 AND key = $2", values).await.map(drop) })
        })
        .await
    }

    async fn after(&self, collection: &str, after: Option<&str>, limit: usize) -> PortResult<Vec<Record>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut session = self.read("list").await?;
        let rows = match after {
            Some(after) => {
                session
                    .rows(
                        "SELECT key, value FROM record WHERE collection = $1 AND key > $2 ORDER BY key LIMIT $3",
                        args![collection, after, limit],
                    )
                    .await?
            }
            None => {
                session.rows("SELECT key, value FROM record WHERE collection = $1 ORDER BY key LIMIT $2", args![collection, limit]).await?
            }
        };
        rows.iter().map(record).collect()
    }

    async fn before(&self, collection: &str, before: Option<&str>, limit: usize) -> PortResult<Vec<Record>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut session = self.read("list").await?;
        let rows = match before {
            Some(before) => {
                session
                    .rows(
                        "SELECT key, value FROM record WHERE collection = $1 AND key < $2 ORDER BY key DESC LIMIT $3",
                        args![collection, before, limit],
                    )
                    .await?
            }
            None => {
                session
                    .rows("SELECT key, value FROM record WHERE collection = $1 ORDER BY key DESC LIMIT $2", args![collection, limit])
                    .await?
            }
        };
        rows.iter().map(record).collect()
    }
}
