//! The service's limits on calls: several windows for each conversation at once, one for the app in the tenant, Graph's own. Who is
//! told to wait and calls all the same before the time is noted in the ledger.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit>,
//! <https://learn.microsoft.com/graph/throttling-limits>

use super::ledger::Ledger;
use std::collections::{BTreeMap, VecDeque};

/// Microseconds of the world's time.
type Micros = i64;
const SECOND: Micros = 1_000_000;

/// So many calls in so many seconds.
pub(super) type Window = (usize, i64);

/// To send to a conversation, or to make one.
pub(super) const SEND: [Window; 4] = [(7, 1), (8, 2), (60, 30), (1800, 3600)];
/// To ask who is in it.
pub(super) const GET: [Window; 4] = [(14, 1), (16, 2), (120, 30), (3600, 3600)];

#[derive(Debug, Default)]
pub(super) struct Meter {
    calls: BTreeMap<String, VecDeque<Micros>>,
    blocked: BTreeMap<String, Micros>,
}

impl Meter {
    /// Counts a call in every window of `what`; the whole seconds to wait where it is one too many in any of them.
    pub(super) fn call(&mut self, what: &str, windows: &[Window], now: Micros) -> Result<(), u32> {
        let longest = windows.iter().map(|(_, seconds)| *seconds).max().unwrap_or(0);
        let calls = self.calls.entry(what.to_owned()).or_default();
        while calls.front().is_some_and(|at| now - at >= longest * SECOND) {
            calls.pop_front();
        }
        let free = windows.iter().filter_map(|(count, seconds)| {
            // The call by which the window is full, if it is still in it, has to leave it first.
            let at = calls.len().checked_sub(*count).and_then(|at| calls.get(at))? + seconds * SECOND;
            (at > now).then_some(at)
        });
        let Some(free) = free.max() else {
            calls.push_back(now);
            return Ok(());
        };
        let seconds = (free - now + SECOND - 1) / SECOND;
        self.refuse(what, seconds, now);
        Err(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Tells a caller to wait so many seconds.
    pub(super) fn refuse(&mut self, what: &str, seconds: i64, now: Micros) {
        self.blocked.insert(what.to_owned(), now + seconds * SECOND);
    }

    /// The seconds that are left for whoever was told to wait for this and didn't.
    pub(super) fn early(&mut self, what: &str, now: Micros, ledger: &mut Ledger) -> Option<u32> {
        let until = self.blocked.get(what).copied()?;
        if now >= until {
            self.blocked.remove(what);
            return None;
        }
        ledger.early.push(format!("{what}: {} ms before the end of its pause", (until - now) / 1000));
        Some(u32::try_from((until - now + SECOND - 1) / SECOND).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_has_several_windows_at_once() {
        let mut meter = Meter::default();
        assert!((0..7).all(|n| meter.call("c", &SEND, n * 1000).is_ok()));
        assert_eq!(meter.call("c", &SEND, 10_000), Err(1), "seven in a second");
        assert_eq!(meter.call("d", &SEND, 10_000), Ok(()), "another has its own");
        assert_eq!(meter.call("c", &SEND, SECOND), Ok(()));
        assert_eq!(meter.call("c", &SEND, SECOND + 10_000), Err(1), "eight in two seconds");
        assert_eq!(meter.call("c", &SEND, 2 * SECOND), Ok(()));
        let mut meter = Meter::default();
        assert!((0..60).all(|n| meter.call("c", &SEND, n * SECOND / 4).is_ok()), "four a second");
        assert_eq!(meter.call("c", &SEND, 15 * SECOND), Err(15), "sixty in thirty");
    }

    #[test]
    fn whoever_does_not_wait_is_noted() {
        let (mut meter, mut ledger) = (Meter::default(), Ledger::default());
        assert!((0..7).all(|_| meter.call("c", &SEND, 0).is_ok()));
        assert_eq!(meter.call("c", &SEND, 0), Err(1));
        assert_eq!(meter.early("c", SECOND - 1, &mut ledger), Some(1));
        assert_eq!(meter.early("c", SECOND, &mut ledger), None);
        assert_eq!(ledger.early.len(), 1);
    }
}
