//! Commands that wait for someone to say yes. Each can be taken once.

use crate::Store;
use crate::error::conflict;
use crate::session::{Row, args};
use bellhop_core::ports::PortResult;
use bellhop_core::{Address, Invoke, Timestamp, UserRef};
use serde::{Deserialize, Serialize};

/// A command that was proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Its id, short enough to type.
    pub id: String,
    /// What it would run.
    pub invoke: Invoke,
    /// A hash of that, as it was shown.
    pub hash: String,
    /// Who asked for it.
    pub owner: UserRef,
    /// Where.
    pub place: Address,
    /// Until when it may be taken.
    pub expires: Timestamp,
    /// The same as people type it.
    pub line: String,
}

const COLUMNS: &str = "id, invoke, hash, owner, place, expires_at, line";

fn approval(row: &Row) -> PortResult<Approval> {
    Ok(Approval {
        id: row.text(0)?,
        invoke: row.json(1)?,
        hash: row.text(2)?,
        owner: row.json(3)?,
        place: row.json(4)?,
        expires: row.time(5)?,
        line: row.text(6)?,
    })
}

fn json<T: Serialize>(value: &T) -> String {
    // Plain data: its serialisation has no way to fail.
    serde_json::to_string(value).unwrap_or_default()
}

impl Store {
    /// Keeps a proposal.
    ///
    /// # Errors
    /// `Conflict` when the id is taken.
    pub async fn propose(&self, approval: &Approval) -> PortResult<()> {
        let now = self.now();
        let values = args![
            approval.id.as_str(),
            json(&approval.invoke),
            approval.hash.as_str(),
            json(&approval.owner),
            json(&approval.place),
            approval.line.as_str(),
            now,
            approval.expires
        ];
        self.write("propose", move |session| {
            Box::pin(async move {
                let made = session
                    .run(
                        "INSERT INTO approval (id, invoke, hash, owner, place, line, proposed_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
                        values,
                    )
                    .await?;
                if made == 1 { Ok(()) } else { Err(conflict("propose", "a proposal of that id is there already")) }
            })
        })
        .await
    }

    /// A proposal that may still be taken.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn approval(&self, id: &str) -> PortResult<Option<Approval>> {
        let sql = format!("SELECT {COLUMNS} FROM approval WHERE id = $1 AND taken_at IS NULL AND expires_at > $2");
        let row = self.read("approval").await?.row(&sql, args![id, self.now()]).await?;
        row.map(|row| approval(&row)).transpose()
    }

    /// Takes a proposal: of all who try, one gets it, and the others `None`, as for one that never was or has expired.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn take_approval(&self, id: &str, by: &str) -> PortResult<Option<Approval>> {
        let (id, by, now) = (id.to_owned(), by.to_owned(), self.now());
        self.write("approve", move |session| {
            Box::pin(async move {
                let sql = format!("UPDATE approval SET taken_by = $2, taken_at = $3 WHERE id = $1 AND taken_at IS NULL AND expires_at > $3 RETURNING {COLUMNS}");
                let row = session.row(&sql, args![id, by, now]).await?;
                row.map(|row| approval(&row)).transpose()
            })
        })
        .await
    }
}
