//! The links to files that were given out, and whether they still hold. Serving the file is done elsewhere.

use crate::Store;
use crate::error::conflict;
use crate::session::{Row, args};
use bellhop_core::Timestamp;
use bellhop_core::address::Address;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::ports::PortResult;

/// A link that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// What stands in its address; whoever knows it may follow the link.
    pub id: String,
    /// The store that the file lies in.
    pub store: StoreName,
    /// The file.
    pub name: String,
    /// Its version; `None` for whichever is the current one.
    pub version: Option<VersionId>,
    /// Who asked for it, as `CHATNAME:USERID`.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// When it stops working.
    pub expires: Timestamp,
    /// How often it was followed.
    pub uses: i64,
    /// Where it was made, where that is known.
    pub made_in: Option<Address>,
}

fn link(row: &Row) -> PortResult<LinkRow> {
    Ok(LinkRow {
        id: row.text(0)?,
        store: row.text(1)?.into(),
        name: row.text(2)?,
        version: row.maybe_text(3)?.map(VersionId::from),
        made_by: row.text(4)?,
        made_at: row.time(5)?,
        expires: row.time(6)?,
        uses: row.int(7)?,
        // An address that an older version wrote in another shape says nothing; the link works all the same.
        made_in: row.maybe_text(8)?.and_then(|text| serde_json::from_str(&text).ok()),
    })
}

impl Store {
    /// Keeps a link.
    ///
    /// # Errors
    /// `Conflict` when the id is taken.
    pub async fn add_link(&self, link: &LinkRow) -> PortResult<()> {
        let version = link.version.as_ref().map(|version| version.as_str().to_owned());
        let made_in = link.made_in.as_ref().and_then(|at| serde_json::to_string(at).ok());
        let values = args![
            link.id.as_str(),
            link.store.as_str(),
            link.name.as_str(),
            version,
            link.made_by.as_str(),
            link.made_at,
            link.expires,
            link.uses,
            made_in
        ];
        self.write("add link", move |session| {
            Box::pin(async move {
                let made = session
                    .run(
                        "INSERT INTO link (id, store, name, version, made_by, made_at, expires_at, uses, made_in) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
                        values,
                    )
                    .await?;
                if made == 1 { Ok(()) } else { Err(conflict("add link", "a link of that id is there already")) }
            })
        })
        .await
    }

    /// A link that still works; `None` for one that never was, is revoked or has expired.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn link(&self, id: &str) -> PortResult<Option<LinkRow>> {
        let row = self
            .read("link")
            .await?
            .row(
                "SELECT id, store, name, version, made_by, made_at, expires_at, uses, made_in FROM link WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2",
                args![id, self.now()],
            )
            .await?;
        row.map(|row| link(&row)).transpose()
    }

    /// Counts that a link was followed.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn count_link_use(&self, id: &str) -> PortResult<()> {
        let id = id.to_owned();
        self.write("count link", move |session| {
            Box::pin(async move { session.run("UPDATE link SET uses = uses + 1 WHERE id = $1", args![id]).await.map(drop) })
        })
        .await
    }

    /// Ends a link. False when there is none of that id that still works.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn revoke_link(&self, id: &str) -> PortResult<bool> {
        let (id, now) = (id.to_owned(), self.now());
        self.write("revoke link", move |session| {
            Box::pin(async move {
                let ended = session
                    .run("UPDATE link SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2", args![id, now])
                    .await?;
                Ok(ended == 1)
            })
        })
        .await
    }
}
