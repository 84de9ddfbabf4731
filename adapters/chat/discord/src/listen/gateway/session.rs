//! Sessions, as they are kept: by which a connection is resumed, by whom, and how far what came over it is kept. Of several processes the
//! one that came last holds a session; the others see that from its number, which only grows, and stand by.

use crate::Desk;
use bellhop_core::clock::Ids;
use bellhop_core::ids::ChatName;
use bellhop_core::ports::{PortResult, Records};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A session of Discord's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// Its id.
    pub(super) id: String,
    /// Where it is resumed.
    pub(super) url: String,
    /// The number of the last event that is kept or done with.
    pub(super) seq: u64,
    /// The bot's own id.
    pub(super) bot: String,
}

/// One connection's place, and who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) shard: u32,
    /// Of how many.
    pub(super) of: u32,
    /// Grows with every process that takes it.
    epoch: u64,
    owner: String,
    /// Grows while its holder lives.
    beat: u64,
    pub(super) session: Option<Session>,
}

impl Standing {
    /// What changes while its holder lives.
    pub(super) fn mark(&self) -> (u64, u64) {
        (self.epoch, self.beat)
    }
}

/// The kept sessions of one bot.
pub(super) struct Sessions {
    collection: String,
    records: Arc<dyn Records>,
    ids: Arc<dyn Ids>,
}

fn key(shard: u32) -> String {
    format!("{shard:04}")
}

impl Sessions {
    pub(super) fn new(desk: &Desk) -> Self {
        Self::of(&desk.name, desk.ports.records.clone(), desk.ports.ids.clone())
    }

    pub(super) fn of(chat: &ChatName, records: Arc<dyn Records>, ids: Arc<dyn Ids>) -> Self {
        Self { collection: format!("discord/{chat}/sessions"), records, ids }
    }

    /// How many connections the kept sessions are of, where there are any that can be resumed.
    pub(super) async fn planned(&self) -> PortResult<Option<u32>> {
        let kept = self.records.after(&self.collection, None, 200).await?;
        let standings = kept.into_iter().filter_map(|record| serde_json::from_value::<Standing>(record.value).ok());
        Ok(standings.filter(|standing| standing.session.is_some()).map(|standing| standing.of).max())
    }

    /// Who holds a connection.
    pub(super) async fn read(&self, shard: u32) -> PortResult<Option<Standing>> {
        let kept = self.records.get(&self.collection, &key(shard)).await?;
        Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()))
    }

    /// Takes a connection, with the session that is to be resumed.
    pub(super) async fn claim(&self, shard: u32, of: u32) -> PortResult<Standing> {
        let before = self.read(shard).await?;
        let epoch = before.as_ref().map_or(0, |before| before.epoch) + 1;
        // A session of another number of connections can't be resumed as one of these.
        let session = before.filter(|before| before.of == of).and_then(|before| before.session);
        let standing = Standing { shard, of, epoch, owner: self.ids.next(), beat: 0, session };
        self.put(&standing).await?;
        Ok(standing)
    }

    /// Whether this is still the one who holds it.
    pub(super) async fn holds(&self, standing: &Standing) -> PortResult<bool> {
        let now = self.read(standing.shard).await?;
        Ok(now.is_none_or(|now| now.epoch < standing.epoch || (now.epoch == standing.epoch && now.owner == standing.owner)))
    }

    /// Notes how far the session is, unless another process holds it by now.
    pub(super) async fn save(&self, standing: &mut Standing) -> PortResult<()> {
        if self.holds(standing).await? {
            standing.beat += 1;
            self.put(standing).await?;
        }
        Ok(())
    }

    async fn put(&self, standing: &Standing) -> PortResult<()> {
        // Plain data always serialises.
        let value = serde_json::to_value(standing).unwrap_or_default();
        self.records.put(&self.collection, &key(standing.shard), &value).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_kit::clock::CountedIds;
    use bellhop_kit::memory::MemoryRecords;

    #[tokio::test]
    async fn the_last_one_to_come_holds_it_and_resumes() {
        let records = Arc::new(MemoryRecords::default());
        let sessions = || Sessions::of(&"g".into(), records.clone(), Arc::new(CountedIds::default()));
        let one = Sessions::of(&"g".into(), records.clone(), Arc::new(CountedIds::default()));
        let mut first = one.claim(0, 1).await.unwrap();
        assert_eq!((first.session.clone(), one.planned().await.unwrap()), (None, None));
        first.session = Some(Session { id: "s".into(), url: "wss://x".into(), seq: 7, bot: "9".into() });
        one.save(&mut first).await.unwrap();
        assert_eq!(sessions().planned().await.unwrap(), Some(1));
        let other = sessions();
        other.ids.next();
        let second = other.claim(0, 1).await.unwrap();
        assert_eq!(second.session, first.session);
        assert!(!one.holds(&first).await.unwrap() && other.holds(&second).await.unwrap());
        // What the first one still wants to note comes to nothing.
        first.session = None;
        one.save(&mut first).await.unwrap();
        assert_eq!(other.read(0).await.unwrap().unwrap().session, second.session);
        // Another number of connections begins anew.
        assert_eq!(other.claim(0, 2).await.unwrap().session, None);
    }
}
