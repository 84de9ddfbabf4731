//! Who did what.

use super::PortResult;
use crate::clock::Timestamp;
use async_trait::async_trait;
use serde::Serialize;

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Its number; each row's hash covers the one before.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who, as `CHATNAME:USERID`.
    pub who: String,
    /// The name they went by.
    pub name: String,
    /// Where.
    pub place: String,
    /// The command line, with secret arguments left out.
    pub line: String,
    /// `allowed`, `refused`, `proposed`, `done` or `failed`.
    pub outcome: String,
    /// Why, or empty.
    pub detail: String,
}

/// Which rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Rows whose line, person or place has this in it.
    pub about: Option<String>,
    /// Rows from then on.
    pub since: Option<Timestamp>,
    /// At most this many.
    pub limit: usize,
}

/// Reads the audit log.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// Rows that match, newest first.
    async fn rows(&self, filter: &AuditFilter) -> PortResult<Vec<AuditRow>>;
}
