//! The bot's own troubles, told as alerts: a platform that refuses our credentials, a chat that can't be listened to, a
//! place that isn't there. They go where alerts go, and to the embedded chat, which needs nobody's permission.
//!
//! Each trouble is told once and ends by itself; nothing is decided here about what to do with it.

use super::engine::Engine;
use bellhop_core::Address;
use bellhop_core::alert::{AlertSignal, AlertState};
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ids::{ChatName, Fingerprint};
use bellhop_core::ports::PortResult;
use bellhop_store::Store;
use chrono::TimeDelta;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What stands as the source of the bot's own alerts. No sender can use it: each has the name of its own entrance.
pub const SOURCE: &str = "bellhop";

/// For how long it is taken for granted that another replica hasn't told of a trouble meanwhile.
const SURE: TimeDelta = TimeDelta::seconds(60);

/// Something that is wrong with the bot itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// What makes it the same trouble.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// `critical` or `warning`.
    pub severity: &'static str,
    /// What is wrong and what to do.
    pub summary: String,
    /// What it is about.
    pub labels: BTreeMap<String, String>,
}

/// What is known about a trouble.
#[derive(Clone, Copy)]
enum Known {
    /// It was told, with this beginning.
    On(Timestamp),
    /// It was not there when last looked.
    Off(Timestamp),
}

/// What was known about a trouble before it was over.
enum Before {
    /// This process told it, with this beginning.
    On(Timestamp),
    /// It wasn't there a moment ago.
    Off,
    /// Another may have told it.
    Unknown,
}

/// Tells the bot's own troubles.
pub struct Own {
    engine: Arc<Engine>,
    store: Store,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<String, Known>>,
}

impl Own {
    /// Tells them through this engine.
    pub fn new(engine: Arc<Engine>, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { engine, store, clock, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a trouble is there; false where that was told already.
    fn begins(&self, key: &str, now: Timestamp) -> bool {
        let mut known = self.known();
        if matches!(known.get(key), Some(Known::On(_))) {
            return false;
        }
        known.insert(key.to_owned(), Known::On(now));
        true
    }

    /// Notes that a trouble isn't there; returns what was known before, unless that was the same a moment ago.
    fn ends(&self, key: &str, now: Timestamp) -> Before {
        let mut known = self.known();
        let before = match known.get(key) {
            Some(Known::Off(looked)) if now - *looked < SURE => return Before::Off,
            Some(Known::On(began)) => Before::On(*began),
            _ => Before::Unknown,
        };
        known.insert(key.to_owned(), Known::Off(now));
        before
    }

    /// Tells a trouble, unless it is told already.
    pub async fn raise(&self, trouble: Trouble) {
        let now = self.clock.now();
        if !self.begins(&trouble.key, now) {
            return;
        }
        tracing::error!(what = trouble.name, "{}", trouble.summary);
        let key = trouble.key.clone();
        if let Err(error) = self.report(signal(trouble, now)).await {
            tracing::warn!(%error, "a trouble of the bot's own could not be told; it is when it comes up again");
            self.known().remove(&key);
        }
    }

    /// Ends a trouble, where it was told by this process, an earlier one or another replica. Cheap while nothing is wrong.
    pub async fn over(&self, key: &str) {
        let now = self.clock.now();
        let began = match self.ends(key, now) {
            Before::Off => return,
            Before::On(began) => Some(began),
            Before::Unknown => None,
        };
        if let Err(error) = self.end(key, began, now).await {
            tracing::debug!(%error, key, "whether a trouble was told can't be looked up now");
            let mut known = self.known();
            match began {
                Some(began) => known.insert(key.to_owned(), Known::On(began)),
                None => known.remove(key),
            };
        }
    }

    async fn end(&self, key: &str, began: Option<Timestamp>, now: Timestamp) -> PortResult<()> {
        let kept = self.store.alerts_by_fingerprint(&[fingerprint(key)]).await?.pop();
        let told = match (began, kept) {
            (_, Some(kept)) if kept.value.state != AlertState::Resolved => kept.value.signal,
            // Told a moment ago, and not kept yet: the end is worked off after the beginning.
            (Some(began), _) => {
                let trouble = Trouble {
                    key: key.to_owned(),
                    name: key.to_owned(),
                    severity: "critical",
                    summary: String::new(),
                    labels: BTreeMap::new(),
                };
                signal(trouble, began)
            }
            (None, _) => return Ok(()),
        };
        tracing::info!(what = told.name, "this is over");
        self.report(AlertSignal { firing: false, ends_at: Some(now), received: now, ..told }).await
    }

    async fn report(&self, signal: AlertSignal) -> PortResult<()> {
        self.engine.accept(SOURCE, vec![signal], None).await.map(drop)
    }

    /// Takes note of how a delivery ended.
    pub async fn delivered(&self, at: &Address, failure: Option<&PortError>) {
        match failure {
            None => self.over(&credentials_key(at)).await,
            Some(error) if error.kind == PortErrorKind::Unauthenticated => self.raise(credentials(at, error)).await,
            Some(_) => {}
        }
    }
}

fn fingerprint(key: &str) -> Fingerprint {
    Fingerprint::new(format!("{SOURCE}/{key}"))
}

fn signal(trouble: Trouble, now: Timestamp) -> AlertSignal {
    AlertSignal {
        fingerprint: fingerprint(&trouble.key),
        source: SOURCE.to_owned(),
        firing: true,
        name: trouble.name,
        severity: trouble.severity.to_owned(),
        summary: trouble.summary,
        description: String::new(),
        labels: trouble.labels,
        url: String::new(),
        starts_at: now,
        ends_at: None,
        received: now,
        to: Vec::new(),
    }
}

fn credentials_key(at: &Address) -> String {
    format!("credentials/{}/{}", at.chat, at.workspace)
}

/// A platform refuses the credentials of a workspace.
fn credentials(at: &Address, error: &PortError) -> Trouble {
    Trouble {
        key: credentials_key(at),
        name: format!("{}: credentials refused", at.chat),
        severity: "critical",
        summary: format!("{error}. What is to be said there waits until the credentials are mended."),
        labels: BTreeMap::from([("chat".to_owned(), at.chat.to_string()), ("workspace".to_owned(), at.workspace.to_string())]),
    }
}

/// The key of a chat that can't be listened to.
pub(crate) fn listening_key(chat: &ChatName) -> String {
    format!("listening/{chat}")
}

/// A chat can't be listened to.
pub(crate) fn not_listening(chat: &ChatName, why: &str, again: bool) -> Trouble {
    let next = if again { "It is tried again." } else { "Mend that and start the bot anew." };
    Trouble {
        key: listening_key(chat),
        name: format!("{chat}: not listening"),
        severity: "critical",
        summary: format!("{why}. What people say there doesn't reach the bot. {next}"),
        labels: BTreeMap::from([("chat".to_owned(), chat.to_string())]),
    }
}

/// The key of a place that a route names.
pub(crate) fn place_key(place: &str) -> String {
    format!("route/{place}")
}

/// A place that a route names isn't there.
pub(crate) fn no_place(place: &str, why: &str) -> Trouble {
    Trouble {
        key: place_key(place),
        name: format!("[[route]] to {place}: not found"),
        severity: "warning",
        summary: format!("{why}. Alerts for that place wait until it is there."),
        labels: BTreeMap::from([("place".to_owned(), place.to_owned())]),
    }
}
