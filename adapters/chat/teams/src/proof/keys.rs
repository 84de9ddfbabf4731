//! The connector's signing keys: read when they are first needed, believed for a day, and read anew for a key that nobody knows,
//! at most once an hour, so that forged tokens don't make us ask.

use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind};
use bellhop_http::Client;
use chrono::TimeDelta;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;
use url::Url;

/// How long keys are believed.
const BELIEVED: TimeDelta = TimeDelta::hours(24);
/// How often an unknown key makes us read them anew.
const ANEW: TimeDelta = TimeDelta::hours(1);
/// After keys could not be read: how long those that are there are used without trying again.
const PAUSE: TimeDelta = TimeDelta::minutes(1);

/// One signing key.
pub(crate) struct Key {
    pub(super) key: DecodingKey,
    /// The channels that it signs for; `None` where the list doesn't say.
    pub(super) endorsements: Option<Vec<String>>,
}

/// What is known of a key.
pub(super) enum Lookup {
    Found(Arc<Key>),
    Unknown,
    /// Nothing is known at all, since the keys could not be read.
    Unreachable,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<Key>>,
    read: Option<Timestamp>,
    /// When an unknown key last made us read.
    anew: Option<Timestamp>,
    failed: Option<Timestamp>,
}

/// The keys of one document.
pub(crate) struct Keys {
    client: Client,
    url: Url,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Deserialize)]
struct Document {
    jwks_uri: String,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    keys: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    kty: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    endorsements: Option<Vec<String>>,
}

impl Keys {
    pub(crate) fn new(client: Client, url: Url, clock: Arc<dyn Clock>) -> Self {
        Self { client, url, clock, known: Mutex::default() }
    }

    /// A key by its name.
    pub(super) async fn find(&self, kid: &str) -> Lookup {
        let now = self.clock.now();
        let mut known = self.known.lock().await;
        let old = known.read.is_none_or(|read| now - read >= BELIEVED);
        let resting = known.failed.is_some_and(|failed| now - failed < PAUSE);
        let fresh = old && !(resting && known.read.is_some());
        if fresh {
            self.refresh(&mut known, now).await;
        }
        if let Some(key) = known.keys.get(kid) {
            return Lookup::Found(key.clone());
        }
        if known.read.is_none() {
            return Lookup::Unreachable;
        }
        if !fresh && known.anew.is_none_or(|anew| now - anew >= ANEW) {
            known.anew = Some(now);
            self.refresh(&mut known, now).await;
        }
        known.keys.get(kid).map_or(Lookup::Unknown, |key| Lookup::Found(key.clone()))
    }

    /// Reads the keys, whatever is known; for `check`.
    pub(crate) async fn read(&self) -> PortResult<usize> {
        self.fetch().await.map(|keys| keys.len())
    }

    async fn refresh(&self, known: &mut Known, now: Timestamp) {
        match self.fetch().await {
            Ok(keys) => *known = Known { keys, read: Some(now), anew: known.anew, failed: None },
            Err(error) => {
                known.failed = Some(now);
                tracing::warn!(%error, known = known.keys.len(), "the connector's signing keys can't be read");
            }
        }
    }

    async fn fetch(&self) -> PortResult<HashMap<String, Arc<Key>>> {
        let document: Document = self.client.get("read keys", "openid configuration", self.url.as_str()).receive().await?;
        let broken = |what: &str| PortError::new(PortErrorKind::Broken, self.client.service(), "read keys", what);
        let uri: Url = document.jwks_uri.parse().map_err(|_| broken("the openid configuration's jwks_uri is no address"))?;
        if uri.scheme() != "https" && uri.origin() != self.url.origin() {
            return Err(broken("the openid configuration leads to keys that are not fetched by https"));
        }
        let list: List = self.client.get("read keys", "jwks", uri.as_str()).receive().await?;
        let usable = list.keys.into_iter().filter(|told| told.kty == "RSA" && !told.kid.is_empty());
        let keys: HashMap<String, Arc<Key>> = usable
            .filter_map(|told| {
                let key = DecodingKey::from_rsa_components(&told.n, &told.e).ok()?;
                Some((told.kid, Arc::new(Key { key, endorsements: told.endorsements })))
            })
            .collect();
        if keys.is_empty() { Err(broken("the list of signing keys is empty")) } else { Ok(keys) }
    }
}
