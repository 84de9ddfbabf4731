//! A clock that stands still until it is moved, and identifiers that count. Neither reads the machine's time.

use bellhop_core::{Clock, Ids, Timestamp};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A clock that shows the same moment until a test moves it.
#[derive(Debug)]
pub struct StoppedClock {
    millis: AtomicI64,
}

impl StoppedClock {
    /// A clock that shows this moment.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self { millis: AtomicI64::new(moment.timestamp_millis()) }
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        self.millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Sets it, forward or back.
    pub fn set(&self, moment: Timestamp) {
        self.millis.store(moment.timestamp_millis(), Ordering::SeqCst);
    }
}

impl Default for StoppedClock {
    /// Noon of Monday, 2 November 2026, in UTC: a working day, away from the changes between summer and winter time.
    fn default() -> Self {
        Self { millis: AtomicI64::new(1_793_620_800_000) }
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp_millis(self.millis.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX_UTC)
    }
}

/// Identifiers that count from 1, in the length and order that the real ones have.
#[derive(Debug, Default)]
pub struct CountedIds {
    last: AtomicU64,
}

impl Ids for CountedIds {
    fn next(&self) -> String {
        format!("00000000-0000-7000-8000-{:012}", self.last.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_until_moved() {
        let clock = StoppedClock::default();
        assert_eq!(clock.now().to_rfc3339(), "2026-11-02T12:00:00+00:00");
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().to_rfc3339(), "2026-11-02T12:01:30+00:00");
        clock.set(StoppedClock::default().now());
        assert_eq!(clock.now(), StoppedClock::default().now());
    }

    #[test]
    fn ids_have_the_right_shape_and_sort() {
        let ids = CountedIds::default();
        let list: Vec<String> = (0..20).map(|_| ids.next()).collect();
        assert!(list.is_sorted() && list.iter().all(|id| (26..=36).contains(&id.len())));
    }
}
