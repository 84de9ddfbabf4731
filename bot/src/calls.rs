//! The calls that have been running for a moment, noted in the database, so that whoever works on it can list and cancel them:
//! another replica, and a command from the terminal. Also how far each has come over all its tries: one that gets further each
//! time isn't given up.
//!
//! It runs nothing itself: whoever runs a call looks here whether it is still wanted.

use async_trait::async_trait;
use bellhop_core::access::Access;
use bellhop_core::call::Call;
use bellhop_core::card::Progress;
use bellhop_core::clock::Timestamp;
use bellhop_core::error::{CommandError, PortError, PortErrorKind};
use bellhop_core::ids::CallId;
use bellhop_core::ports::{Calls, PortResult, Records, RunningCall};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

const RUNNING: &str = "call";
const CANCELLED: &str = "call_cancel";
const TRIES: &str = "call_tries";
/// How many calls are listed, and how many notes are looked at together.
const MOST: usize = 200;
/// After this long the note of a call is one of a process that died and was never started again.
const FORGOTTEN: chrono::TimeDelta = chrono::TimeDelta::days(7);
/// How many different things a call's progress is followed of.
const FOLLOWED: usize = 20;

/// The notes.
pub struct CallBook(Arc<dyn Records>);

/// How far a call has come, over all its tries.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// The number of the try in which it last got further than ever before; later ones count as in vain.
    pub last_good: i64,
    /// The most that was done of each thing.
    most: BTreeMap<String, u64>,
}

impl Tries {
    /// Takes in a report of the try `attempt`; whether the call got further than ever before.
    pub fn further(&mut self, attempt: i64, progress: &Progress) -> bool {
        if !self.most.contains_key(&progress.what) && self.most.len() >= FOLLOWED {
            return false;
        }
        let most = self.most.entry(progress.what.clone()).or_default();
        if progress.done <= *most {
            return false;
        }
        *most = progress.done;
        self.last_good = attempt;
        true
    }
}

impl CallBook {
    /// Notes in these records.
    #[must_use]
    pub fn new(records: Arc<dyn Records>) -> Self {
        Self(records)
    }

    /// A call has been running for a moment.
    pub async fn begin(&self, running: &RunningCall) -> PortResult<()> {
        self.write(RUNNING, &running.id, running).await
    }

    /// Whether it is known to be running.
    pub async fn known(&self, id: &CallId) -> PortResult<bool> {
        Ok(self.read::<RunningCall>(RUNNING, id).await?.is_some())
    }

    /// It is over.
    pub async fn end(&self, id: &CallId) -> PortResult<()> {
        for collection in [RUNNING, CANCELLED, TRIES] {
            self.0.remove(collection, id.as_str()).await?;
        }
        Ok(())
    }

    /// Who has asked for its end, if anyone has.
    pub async fn cancelled(&self, id: &CallId) -> PortResult<Option<String>> {
        self.read(CANCELLED, id).await
    }

    /// How far it has come in earlier tries.
    pub async fn tries(&self, id: &CallId) -> PortResult<Tries> {
        Ok(self.read(TRIES, id).await?.unwrap_or_default())
    }

    /// Notes how far it has come.
    pub async fn note(&self, id: &CallId, tries: &Tries) -> PortResult<()> {
        self.write(TRIES, id, tries).await
    }

    /// Forgets calls of processes that died and were never started again.
    pub async fn tidy(&self, now: Timestamp) -> PortResult<()> {
        for record in self.0.after(RUNNING, None, MOST).await? {
            let old = serde_json::from_value::<RunningCall>(record.value).map_or(true, |running| now - running.since > FORGOTTEN);
            if old {
                self.end(&CallId::new(record.key)).await?;
            }
        }
        Ok(())
    }

    async fn read<T: DeserializeOwned>(&self, collection: &str, id: &CallId) -> PortResult<Option<T>> {
        // A note that can't be read was made by another version, and is as good as none.
        Ok(self.0.get(collection, id.as_str()).await?.and_then(|value| serde_json::from_value(value).ok()))
    }

    async fn write(&self, collection: &str, id: &CallId, value: &impl Serialize) -> PortResult<()> {
        let value =
            serde_json::to_value(value).map_err(|error| PortError::new(PortErrorKind::Broken, "database", "note", error.to_string()))?;
        self.0.put(collection, id.as_str(), &value).await
    }
}

fn may(call: &Call, running: &RunningCall) -> bool {
    call.caller.access >= Access::Operator || call.caller.user == running.from
}

#[async_trait]
impl Calls for CallBook {
    async fn running(&self, call: &Call) -> Result<Vec<RunningCall>, CommandError> {
        let all = self.0.after(RUNNING, None, MOST).await?;
        let mut running: Vec<RunningCall> = all.into_iter().filter_map(|record| serde_json::from_value(record.value).ok()).collect();
        running.retain(|running| may(call, running));
        running.sort_by_key(|running| running.since);
        Ok(running)
    }

    async fn cancel(&self, call: &Call, id: &CallId) -> Result<RunningCall, CommandError> {
        let Some(running) = self.read::<RunningCall>(RUNNING, id).await? else {
            return Err(CommandError::not_found("running command", id.as_str()));
        };
        if !may(call, &running) {
            let why = format!("{id} is a command of {}; only they and operators can cancel it", running.name);
            return Err(CommandError::Refused(why));
        }
        self.write(CANCELLED, id, &call.caller.name).await?;
        Ok(running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::{Address, Caller, UserRef};
    use bellhop_kit::memory::MemoryRecords;

    fn user(name: &str) -> UserRef {
        UserRef { chat: "c".into(), workspace: "w".into(), user: name.into() }
    }

    fn by(name: &str, access: Access) -> Call {
        Call {
            id: "c2".into(),
            caller: Caller { user: user(name), name: name.to_owned(), access, zone: chrono_tz::Tz::UTC },
            at: Address::channel("c", "w", "x"),
            now: Timestamp::UNIX_EPOCH,
            attachments: Vec::new(),
            progress: Arc::new(|_| ()),
            stop: bellhop_core::ports::Stop::new(),
        }
    }

    #[tokio::test]
    async fn the_caller_and_operators_cancel_and_nobody_else() {
        let book = CallBook::new(Arc::new(MemoryRecords::default()));
        let id = CallId::new("c1");
        let (ann, bob, eve) = (by("ann", Access::Member), by("bob", Access::Member), by("eve", Access::Operator));
        assert!(matches!(book.cancel(&ann, &id).await, Err(CommandError::NotFound { .. })));
        let running = RunningCall { id: id.clone(), from: user("ann"), name: "Ann".into(), line: "x".into(), since: Timestamp::UNIX_EPOCH };
        book.begin(&running).await.unwrap();
        assert!(matches!(book.cancel(&bob, &id).await, Err(CommandError::Refused(_))));
        assert_eq!(book.cancelled(&id).await.unwrap(), None);
        assert_eq!(book.running(&bob).await.unwrap(), []);
        assert_eq!(book.running(&eve).await.unwrap(), std::slice::from_ref(&running));
        for call in [&ann, &eve, &eve] {
            assert_eq!(book.cancel(call, &id).await.unwrap(), running);
        }
        assert_eq!(book.cancelled(&id).await.unwrap().as_deref(), Some("eve"));
        book.tidy(Timestamp::UNIX_EPOCH + chrono::TimeDelta::days(1)).await.unwrap();
        assert_eq!(book.running(&ann).await.unwrap().len(), 1);
        book.tidy(Timestamp::UNIX_EPOCH + chrono::TimeDelta::days(8)).await.unwrap();
        assert!(matches!(book.cancel(&ann, &id).await, Err(CommandError::NotFound { .. })));
        assert_eq!(book.cancelled(&id).await.unwrap(), None);
    }

    #[test]
    fn only_what_gets_further_than_ever_counts() {
        let mut tries = Tries::default();
        assert!(tries.further(1, &Progress::bytes("a", 5, None)));
        assert!(!tries.further(2, &Progress::bytes("a", 5, None)));
        assert!(!tries.further(3, &Progress::bytes("a", 4, None)));
        assert_eq!(tries.last_good, 1);
        assert!(tries.further(4, &Progress::bytes("b", 1, None)));
        for n in 0..100 {
            tries.further(5, &Progress::bytes(format!("w{n}"), 1, None));
        }
        assert!(!tries.further(6, &Progress::bytes("new", 1, None)), "what changes its name each time isn't followed for ever");
    }
}
