//! API keys. Only the hash of a key's secret is kept; the key itself is shown once.

use crate::Store;
use crate::error::SERVICE;
use crate::session::{Row, args};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// What stands between the key's two underscores.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may be used for; empty for everything.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Clone)]
pub struct NewKey {
    /// What is kept of it.
    pub key: ApiKey,
    /// The key itself, `bh_<id>_<hex>`: it can't be shown again.
    pub secret: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// How long a key that was looked up is trusted: a revocation is seen after this time by every process.
const TRUSTED: Duration = Duration::from_millis(800);
/// How many keys are remembered at most.
const REMEMBERED: usize = 1024;

/// Keys that were looked up a moment ago, so that a stream of requests doesn't ask the database for each.
#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<String, (Instant, Option<Kept>)>>);

#[derive(Clone)]
struct Kept {
    key: ApiKey,
    hash: Vec<u8>,
}

const COLUMNS: &str = "id, name, scopes, created_at, revoked_at, hash";

fn kept(row: &Row) -> PortResult<Kept> {
    let key =
        ApiKey { id: row.text(0)?, name: row.text(1)?, scopes: row.json(2)?, created_at: row.time(3)?, revoked_at: row.maybe_time(4)? };
    Ok(Kept { key, hash: hex::decode(row.text(5)?).unwrap_or_default() })
}

fn random<const N: usize>() -> PortResult<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        PortError::new(PortErrorKind::Unavailable, SERVICE, "add key", format!("the system gives no random numbers: {error}"))
    })?;
    Ok(bytes)
}

impl Store {
    /// Makes a key.
    ///
    /// # Errors
    /// As the database fails, or the system's random numbers.
    pub async fn add_key(&self, name: &str, scopes: &[String]) -> PortResult<NewKey> {
        let (id, secret) = (hex::encode(random::<6>()?), hex::encode(random::<32>()?));
        let key = ApiKey { id: id.clone(), name: name.to_owned(), scopes: scopes.to_vec(), created_at: self.now(), revoked_at: None };
        let values = args![
            id.as_str(),
            name,
            hex::encode(Sha256::digest(secret.as_bytes())),
            serde_json::to_string(scopes).unwrap_or_default(),
            key.created_at
        ];
        self.write("add key", move |session| {
            Box::pin(async move {
                session.run("INSERT INTO api_key (id, name, hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5)", values).await.map(drop)
            })
        })
        .await?;
        Ok(NewKey { key, secret: format!("bh_{id}_{secret}") })
    }

    /// Every key, the oldest first, revoked ones included.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn keys(&self) -> PortResult<Vec<ApiKey>> {
        let rows = self.read("keys").await?.rows(&format!("SELECT {COLUMNS} FROM api_key ORDER BY created_at, id"), vec![]).await?;
        rows.iter().map(|row| kept(row).map(|kept| kept.key)).collect()
    }

    /// Ends a key, by its id. False when there is none of that id that is still good. Every process refuses it within a
    /// second, this one at once.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn revoke_key(&self, id: &str) -> PortResult<bool> {
        let (key, now) = (id.to_owned(), self.now());
        let ended = self
            .write("revoke key", move |session| {
                Box::pin(async move {
                    session.run("UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", args![key, now]).await
                })
            })
            .await?;
        self.0.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(ended == 1)
    }

    /// The key that a caller presents, if it is one of ours and not revoked. Wrong secrets take as long as right ones.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn check_key(&self, presented: &str) -> PortResult<Option<ApiKey>> {
        let parts = presented.strip_prefix("bh_").and_then(|rest| rest.split_once('_'));
        let Some((id, secret)) = parts.filter(|(id, secret)| id.len() == 12 && secret.len() == 64) else { return Ok(None) };
        let Some(kept) = self.known_key(id).await? else { return Ok(None) };
        let same = bool::from(Sha256::digest(secret.as_bytes()).as_slice().ct_eq(&kept.hash));
        Ok((same && kept.key.revoked_at.is_none()).then_some(kept.key))
    }

    async fn known_key(&self, id: &str) -> PortResult<Option<Kept>> {
        let asked = Instant::now();
        {
            let cache = self.0.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, kept)) = cache.get(id)
                && asked.duration_since(*at) < TRUSTED
            {
                return Ok(kept.clone());
            }
        }
        let row = self.read("key").await?.row(&format!("SELECT {COLUMNS} FROM api_key WHERE id = $1"), args![id]).await?;
        let found = row.map(|row| kept(&row)).transpose()?;
        let mut cache = self.0.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= REMEMBERED {
            cache.retain(|_, (at, _)| asked.duration_since(*at) < TRUSTED);
        }
        if cache.len() < REMEMBERED {
            // What is only asked for and unknown is remembered as shortly, so that guessing doesn't reach the database.
            cache.insert(id.to_owned(), (asked, found.clone()));
        }
        Ok(found)
    }
}
