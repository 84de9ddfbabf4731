//! The audit log: rows are only ever added, and each row's hash covers the hash before it, so that a changed, removed or
//! moved row is found. Another table holds the last hash, so that a cut-off end is found too. Someone who may write to
//! the database can still compute the whole chain anew: against that, keep a copy of the head elsewhere.

use crate::Store;
use crate::session::{Batch, Session, args, clean};
use async_trait::async_trait;
use bellhop_core::Timestamp;
use bellhop_core::ports::{AuditFilter, AuditRow, AuditTrail, PortResult};
use sha2::{Digest as _, Sha256};

/// A row to be added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAudit {
    /// Who, as `CHATNAME:USERID`.
    pub who: String,
    /// The name they go by.
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

/// What checking the log has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditChain {
    /// It is whole.
    Whole {
        /// How many rows it has.
        rows: i64,
        /// The hash of the last one, to be kept elsewhere.
        head: String,
    },
    /// It was tampered with, or damaged.
    Broken {
        /// The first row that isn't right.
        seq: i64,
        /// What is wrong with it.
        why: String,
    },
}

/// The hash of a row: over the hash before it, and over the row as a JSON list, whose form is the same everywhere.
fn link(before: &str, seq: i64, at: i64, texts: [&str; 6]) -> String {
    let [who, name, place, line, outcome, detail] = texts;
    let row = serde_json::json!([seq, at, who, name, place, line, outcome, detail]);
    hex::encode(Sha256::new().chain_update(before).chain_update(row.to_string()).finalize())
}

/// Adds rows. The head's row is locked meanwhile, so the chain has no forks.
pub(crate) async fn append(session: &mut Session, rows: &[NewAudit], now: Timestamp) -> PortResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let head = session.row("SELECT seq, hash FROM audit_head WHERE one = 1 /*pg FOR UPDATE*/", vec![]).await?;
    let (mut seq, mut hash) = match &head {
        Some(row) => (row.int(0)?, row.text(1)?),
        None => {
            return Err(bellhop_core::PortError::new(
                bellhop_core::PortErrorKind::Broken,
                crate::error::SERVICE,
                "audit",
                "the audit log has lost its head; run `bellhop audit verify`",
            ));
        }
    };
    let at = now.timestamp_micros();
    let mut batch = Batch::default();
    for row in rows {
        let [who, name, place, line, outcome, detail] =
            [&row.who, &row.name, &row.place, &row.line, &row.outcome, &row.detail].map(|text| clean(text.clone()));
        seq += 1;
        hash = link(&hash, seq, at, [&who, &name, &place, &line, &outcome, &detail]);
        batch.push(args![seq, at, who, name, place, line, outcome, detail, hash.as_str()]);
    }
    session
        .run(
            "INSERT INTO audit_log (seq, at, who, name, place, line, outcome, detail, hash) \
             SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8 FROM EACH($1)",
            args![batch],
        )
        .await?;
    session.run("UPDATE audit_head SET seq = $1, hash = $2 WHERE one = 1", args![seq, hash]).await.map(drop)
}

/// How many rows are checked at a time.
const PAGE: i64 = 5000;

impl Store {
    /// Checks the whole audit log, and says which row is the first that isn't right.
    ///
    /// # Errors
    /// As the database fails; a tampered log is an answer, not an error.
    pub async fn audit_verify(&self) -> PortResult<AuditChain> {
        // Rows that are added meanwhile lie beyond this head, and are left alone.
        let head = self
            .read("audit verify")
            .await?
            .row("SELECT CAST(seq AS TEXT), CAST(hash AS TEXT) FROM audit_head WHERE one = 1", vec![])
            .await?;
        let broken = |seq: i64, why: &str| Ok(AuditChain::Broken { seq, why: why.to_owned() });
        let Some(head) = head else { return broken(0, "the record of the log's end is missing") };
        let (Ok(last), Some(end)) = (head.text(0)?.parse::<i64>(), head.maybe_text(1)?) else {
            return broken(0, "the record of the log's end is no number and hash");
        };
        let (mut seq, mut hash) = (0_i64, String::new());
        loop {
            let page = self
                .read("audit verify")
                .await?
                .rows(
                    // As text, whatever was put into a column is compared and not refused.
                    "SELECT CAST(seq AS TEXT), CAST(at AS TEXT), CAST(who AS TEXT), CAST(name AS TEXT), CAST(place AS TEXT), CAST(line AS TEXT), \
                       CAST(outcome AS TEXT), CAST(detail AS TEXT), CAST(hash AS TEXT) FROM audit_log WHERE seq > $1 ORDER BY audit_log.seq LIMIT $2",
                    args![seq, PAGE],
                )
                .await?;
            for row in &page {
                let number = row.text(0)?.parse::<i64>().unwrap_or_default();
                if number > last {
                    break;
                }
                if number != seq + 1 {
                    return broken(seq + 1, &format!("the row is missing: {seq} is followed by {number}"));
                }
                let mut texts = Vec::with_capacity(8);
                for column in 1..9 {
                    // Text that isn't UTF-8 can't have been written by us.
                    let Ok(Some(text)) = row.maybe_text(column) else { return broken(number, "a column is empty or unreadable") };
                    texts.push(text);
                }
                let [at, who, name, place, line, outcome, detail, kept] = texts.as_slice() else {
                    return broken(number, "a column is missing");
                };
                let Some(at) = at.parse::<i64>().ok().filter(|number| number.to_string() == *at) else {
                    return broken(number, "its time is no number");
                };
                hash = link(&hash, number, at, [who, name, place, line, outcome, detail]);
                if hash != *kept {
                    return broken(number, "its hash doesn't fit: the row, its hash or the order was changed");
                }
                seq = number;
            }
            if page.len() < usize::try_from(PAGE).unwrap_or_default() || seq >= last {
                break;
            }
        }
        if seq < last {
            return broken(seq + 1, &format!("the end is missing: the log should have {last} rows"));
        }
        if hash != end {
            return broken(last, "the record of the log's end has another hash");
        }
        let beyond = self.beyond(last).await?;
        if beyond {
            broken(last + 1, "there are rows after the recorded end of the log")
        } else {
            Ok(AuditChain::Whole { rows: seq, head: hash })
        }
    }

    /// Whether there are rows that the head, read again in the same moment, doesn't know.
    async fn beyond(&self, last: i64) -> PortResult<bool> {
        let mut session = self.read("audit verify").await?;
        session
            .number("SELECT count(*) FROM audit_head AS h JOIN audit_log AS l ON l.seq > h.seq OR l.seq < 1 WHERE h.seq >= $1", args![last])
            .await
            .map(|count| count > 0)
    }
}

#[async_trait]
impl AuditTrail for Store {
    async fn rows(&self, filter: &AuditFilter) -> PortResult<Vec<AuditRow>> {
        let about = filter.about.as_ref().map(|text| {
            let text = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            format!("%{text}%")
        });
        let rows = self
            .read("audit")
            .await?
            .rows(
                "SELECT seq, at, who, name, place, line, outcome, detail FROM audit_log \
                 WHERE at >= $1 AND ($2 = '' OR lower(line) LIKE $2 ESCAPE '\\' OR lower(who) LIKE $2 ESCAPE '\\' OR lower(name) LIKE $2 ESCAPE '\\' OR lower(place) LIKE $2 ESCAPE '\\') \
                 ORDER BY seq DESC LIMIT $3",
                args![
                    filter.since.map_or(i64::MIN, |since| since.timestamp_micros()),
                    about.unwrap_or_default(),
                    i64::try_from(filter.limit).unwrap_or(i64::MAX)
                ],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(AuditRow {
                    seq: row.int(0)?,
                    at: row.time(1)?,
                    who: row.text(2)?,
                    name: row.text(3)?,
                    place: row.text(4)?,
                    line: row.text(5)?,
                    outcome: row.text(6)?,
                    detail: row.text(7)?,
                })
            })
            .collect()
    }
}
