//! The machine's clock and fresh identifiers: the one place that asks for them.

use bellhop_core::clock::{Clock, Ids, Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the machine's clock is read")]
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }
}

/// Random identifiers that sort by the time they were made: UUID version 7 as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where identifiers are drawn")]
    fn next(&self) -> String {
        uuid::Uuid::now_v7().simple().to_string()
    }
}
