//! How the database is: the facts that `status` shows.

use crate::{Backend, InboxKind, Store};
use bellhop_core::ports::PortResult;

impl Store {
    pub(crate) async fn facts(&self) -> PortResult<Vec<(String, String)>> {
        let depth = self.outbox_depth().await?;
        let waiting = self.inbox_depth(InboxKind::Command).await? + self.inbox_depth(InboxKind::Alert).await?;
        let oldest = self.oldest_waiting().await?;
        let mut session = self.read("health").await?;
        let (kind, size) = match self.backend() {
            Backend::Sqlite => {
                let version = session.row("SELECT sqlite_version()", vec![]).await?.map(|row| row.text(0)).transpose()?.unwrap_or_default();
                let pages = session.number("SELECT page_count FROM pragma_page_count()", vec![]).await?;
                (format!("SQLite {version}"), pages * session.number("SELECT page_size FROM pragma_page_size()", vec![]).await?)
            }
            Backend::Postgres => {
                let version = session
                    .row("SELECT current_setting('server_version')", vec![])
                    .await?
                    .map(|row| row.text(0))
                    .transpose()?
                    .unwrap_or_default();
                (format!("PostgreSQL {version}"), session.number("SELECT pg_database_size(current_database())", vec![]).await?)
            }
        };
        let waits = oldest.map_or_else(|| "nothing waits".to_owned(), |since| format!("{} s", (self.now() - since).num_seconds().max(0)));
        let tenths = size / 104_858;
        let facts = [
            ("database", kind),
            ("database size", format!("{}.{} MiB", tenths / 10, tenths % 10)),
            ("waiting to be handled", waiting.to_string()),
            ("messages waiting", (depth.ready + depth.ambiguous).to_string()),
            ("messages on their way", depth.leased.to_string()),
            ("messages given up", depth.dead.to_string()),
            ("oldest message waits for", waits),
        ];
        Ok(facts.map(|(name, value)| (name.to_owned(), value)).into())
    }
}
