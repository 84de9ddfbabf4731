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
    /// How many downloads of it were begun.
    pub uses: i64,
    /// Where it was made, where that is known.
    pub made_in: Option<Address>,
    /// How many downloads it is good for, where that is limited.
    pub most_uses: Option<i64>,
    /// The access policy that it is bound to.
    pub policy: Option<String>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl LinkRow {
    /// Whether it can be followed at this time.
    #[must_use]
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires > now && !self.used_up()
    }

    /// Whether all downloads that it is good for were begun.
    #[must_use]
    pub fn used_up(&self) -> bool {
        self.most_uses.is_some_and(|most| self.uses >= most)
    }
}

/// Which links to list. All conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct LinkWish {
    /// Only those that this person asked for.
    pub made_by: Option<String>,
    /// Only those to this file.
    pub file: Option<(StoreName, String)>,
    /// Only those whose id begins with this.
    pub begins: Option<String>,
    /// How many at most.
    pub limit: usize,
}

const COLUMNS: &str = "id, store, name, version, made_by, made_at, expires_at, uses, made_in, most_uses, policy, revoked_at";
/// What makes a link one that works, at the time `$1`.
const WORKS: &str = "revoked_at IS NULL AND expires_at > $1 AND (most_uses IS NULL OR uses < most_uses)";

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
        most_uses: row.maybe_int(9)?,
        policy: row.maybe_text(10)?,
        revoked: row.maybe_time(11)?,
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
            made_in,
            link.most_uses,
            link.policy.clone()
        ];
        self.write("add link", move |session| {
            Box::pin(async move {
                let made = session
                    .run(
                        "INSERT INTO link (id, store, name, version, made_by, made_at, expires_at, uses, made_in, most_uses, policy) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING",
                        values,
                    )
                    .await?;
                if made == 1 { Ok(()) } else { Err(conflict("add link", "a link of that id is there already")) }
            })
        })
        .await
    }

    /// A link that was given out, also one that no longer works and wasn't taken away yet.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn any_link(&self, id: &str) -> PortResult<Option<LinkRow>> {
        let row = self.read("link").await?.row(&format!("SELECT {COLUMNS} FROM link WHERE id = $1"), args![id]).await?;
        row.map(|row| link(&row)).transpose()
    }

    /// A link that still works; `None` for one that never was, is revoked, used up or has expired.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn link(&self, id: &str) -> PortResult<Option<LinkRow>> {
        let now = self.now();
        Ok(self.any_link(id).await?.filter(|link| link.works(now)))
    }

    /// Links that work, the newest first.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn links(&self, wish: &LinkWish) -> PortResult<Vec<LinkRow>> {
        let mut sql = format!("SELECT {COLUMNS} FROM link WHERE {WORKS}");
        let mut values = args![self.now()];
        let mut and = |condition: &dyn Fn(usize) -> String, value: Vec<_>| {
            sql.push_str(" AND ");
            sql.push_str(&condition(values.len() + 1));
            values.extend(value);
        };
        if let Some(by) = &wish.made_by {
            and(&|at| format!("made_by = ${at}"), args![by.as_str()]);
        }
        if let Some((store, name)) = &wish.file {
            and(&|at| format!("store = ${at} AND name = ${}", at + 1), args![store.as_str(), name.as_str()]);
        }
        if let Some(begins) = &wish.begins {
            and(&|at| format!("substr(id, 1, length(${at})) = ${at}"), args![begins.as_str()]);
        }
        and(&|at| format!("1 = 1 ORDER BY made_at DESC, id LIMIT ${at}"), args![i64::try_from(wish.limit).unwrap_or(i64::MAX)]);
        self.read("links").await?.rows(&sql, values).await?.iter().map(link).collect()
    }

    /// Counts that a download by a link was begun. False when the link doesn't work, or no more: then nothing may be given.
    /// Of those who come at the same moment no more are let through than the link is good for.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn count_link_use(&self, id: &str) -> PortResult<bool> {
        let (id, now) = (id.to_owned(), self.now());
        let sql = format!("UPDATE link SET uses = uses + 1 WHERE id = $2 AND {WORKS}");
        self.write("count link", move |session| {
            let sql = sql.clone();
            Box::pin(async move { Ok(session.run(&sql, args![now, id]).await? == 1) })
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
