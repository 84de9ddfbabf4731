//! The bot's own books as commands see them: what was done, what could not be delivered, what is on its way.

use super::world::{Log, now};
use async_trait::async_trait;
use bellhop_core::analytics::{NewEvent, Quota};
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{DeadLetter, DeadLetters, Feed, Feeds, PortResult, RefusedEvent, SourceUsage, UsageBook, UsageRow};
use bellhop_core::{Address, PortError, Timestamp};
use chrono::TimeDelta;

#[async_trait]
impl UsageBook for Log {
    async fn usage(&self, since: Timestamp) -> PortResult<Vec<UsageRow>> {
        let row = UsageRow { what: "commands".into(), which: "help".into(), done: 1234, failed: 1 };
        Ok(if since > now() - TimeDelta::hours(2) { Vec::new() } else { vec![row] })
    }
    async fn sources(&self, since: Timestamp) -> PortResult<Vec<SourceUsage>> {
        if since > now() - TimeDelta::hours(2) {
            return Ok(Vec::new());
        }
        let quota = Quota {
            what: "questions per hour".into(),
            used: 20.0,
            limit: Some(60.0),
            renews: Some(now() + TimeDelta::minutes(30)),
            at: now(),
        };
        let untouched = |source: &str| SourceUsage {
            source: source.into(),
            calls: 0,
            errors: 0,
            kept: 0,
            cost: Vec::new(),
            quotas: Vec::new(),
            rests: None,
            sent: 0,
            refused: 0,
        };
        let shop = SourceUsage {
            calls: 21,
            errors: 1,
            kept: 340,
            cost: vec![("tokens of this hour".into(), 1234.5)],
            quotas: vec![quota],
            rests: Some(("the allowance is used up".into(), now() + TimeDelta::minutes(5))),
            sent: 1500,
            refused: 2,
            ..untouched("shop")
        };
        Ok(vec![shop, untouched("web")])
    }
    async fn health(&self) -> PortResult<Vec<(String, String)>> {
        Ok(vec![("Database".into(), "SQLite".into())])
    }
}

#[async_trait]
impl DeadLetters for Log {
    async fn list(&self, _: usize) -> PortResult<Vec<DeadLetter>> {
        let to = Address::channel("console", "local", "ops");
        Ok(vec![DeadLetter { number: 17, to, about: "FIRING: DiskFull".into(), why: "the channel is closed".into(), since: now() }])
    }
    async fn retry(&self, number: i64) -> PortResult<()> {
        if number == 17 { Ok(()) } else { Err(PortError::not_found("database", "redrive", "there is none")) }
    }
}

fn shop() -> SourceName {
    "shop".into()
}

#[async_trait]
impl Feeds for Log {
    async fn feeds(&self) -> PortResult<Vec<Feed>> {
        let untouched = |source: &str| Feed {
            source: source.into(),
            configured: true,
            waiting: 0,
            oldest: None,
            refused: 0,
            dropped: None,
            rests: None,
        };
        let shop = Feed {
            waiting: 1200,
            oldest: Some(now() - TimeDelta::hours(1)),
            refused: 1,
            dropped: Some((7, now() - TimeDelta::hours(2))),
            rests: Some(("the key is refused".into(), now() + TimeDelta::minutes(1))),
            ..untouched("shop")
        };
        Ok(vec![shop, untouched("web")])
    }
    async fn refused(&self, source: Option<&SourceName>, _: usize) -> PortResult<Vec<RefusedEvent>> {
        let event = NewEvent {
            event: "signup".into(),
            distinct_id: "ann".into(),
            time: now(),
            insert_id: "1".into(),
            properties: std::collections::BTreeMap::new(),
        };
        let refused = RefusedEvent { source: shop(), event, reason: "its time is over 72 hours ago".into(), at: now() };
        Ok(if source.is_none_or(|source| *source == shop()) { vec![refused] } else { Vec::new() })
    }
    async fn again(&self, source: &SourceName) -> PortResult<u64> {
        Ok(u64::from(*source == shop()))
    }
}
