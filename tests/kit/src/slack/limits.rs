//! Slack's limits on calls: so many of a method in any minute, one message a second in a channel. Who is told to wait and
//! calls all the same before the time is noted in the ledger.

use super::ledger::Ledger;
use super::settings::Limits;
use std::collections::{BTreeMap, VecDeque};

/// Microseconds of the world's time.
type Micros = i64;
const SECOND: Micros = 1_000_000;

/// What has been called, by what the limit counts (`chat.update T1`, `C1`).
#[derive(Debug, Default)]
pub(super) struct Meter {
    windows: BTreeMap<String, VecDeque<Micros>>,
    channels: BTreeMap<String, Micros>,
    blocked: BTreeMap<String, Micros>,
}

impl Meter {
    /// Counts a call; the whole seconds to wait where it is one too many.
    pub(super) fn call(&mut self, limits: &Limits, what: &str, per_minute: u32, now: Micros, ledger: &mut Ledger) -> Result<(), u32> {
        self.early(what, now, ledger)?;
        if !limits.tiers || per_minute == 0 {
            return Ok(());
        }
        let window = self.windows.entry(what.to_owned()).or_default();
        while window.front().is_some_and(|at| now - at >= 60 * SECOND) {
            window.pop_front();
        }
        if window.len() < per_minute as usize {
            window.push_back(now);
            return Ok(());
        }
        let free = window.front().map_or(now, |at| at + 60 * SECOND);
        Err(self.block(what, free, now))
    }

    /// Counts a message to a channel.
    pub(super) fn message(&mut self, limits: &Limits, channel: &str, now: Micros, ledger: &mut Ledger) -> Result<(), u32> {
        self.early(channel, now, ledger)?;
        if limits.burst == 0 {
            return Ok(());
        }
        // The moment at which the channel would be as good as unused again.
        let busy = self.channels.get(channel).copied().unwrap_or(now).max(now);
        let room = i64::from(limits.burst - 1) * SECOND + i64::try_from(limits.tolerance.as_micros()).unwrap_or(0);
        if busy - now <= room {
            self.channels.insert(channel.to_owned(), busy + SECOND);
            return Ok(());
        }
        Err(self.block(channel, busy - room, now))
    }

    /// Tells a caller to wait so many seconds, for no other reason than a test's wish.
    pub(super) fn refuse(&mut self, what: &str, seconds: u32, now: Micros) {
        self.blocked.insert(what.to_owned(), now + i64::from(seconds) * SECOND);
    }

    fn block(&mut self, what: &str, free: Micros, now: Micros) -> u32 {
        let seconds = ((free - now + SECOND - 1) / SECOND).max(1);
        self.blocked.insert(what.to_owned(), now + seconds * SECOND);
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }

    fn early(&mut self, what: &str, now: Micros, ledger: &mut Ledger) -> Result<(), u32> {
        let Some(until) = self.blocked.get(what).copied() else { return Ok(()) };
        if now >= until {
            self.blocked.remove(what);
            return Ok(());
        }
        ledger.early.push(format!("{what}: {} ms before the end of its pause", (until - now) / 1000));
        Err(u32::try_from((until - now + SECOND - 1) / SECOND).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_takes_one_message_a_second() {
        let (mut meter, mut ledger, limits) = (Meter::default(), Ledger::default(), Limits::default());
        assert_eq!(meter.message(&limits, "C1", 0, &mut ledger), Ok(()));
        assert_eq!(meter.message(&limits, "C2", 0, &mut ledger), Ok(()));
        assert_eq!(meter.message(&limits, "C1", SECOND - 1, &mut ledger), Err(1));
        assert!(ledger.early.is_empty());
        // Told to wait one second from then on, whatever the channel would take.
        assert_eq!(meter.message(&limits, "C1", SECOND, &mut ledger), Err(1));
        assert_eq!(ledger.early.len(), 1);
        assert_eq!(meter.message(&limits, "C1", 2 * SECOND, &mut ledger), Ok(()));
        assert_eq!(meter.message(&limits, "C1", 3 * SECOND, &mut ledger), Ok(()));
        let three = Limits { burst: 3, ..Limits::default() };
        let taken = (0..5).filter(|_| meter.message(&three, "C3", 0, &mut ledger).is_ok()).count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn a_method_has_its_tier_in_any_minute() {
        let (mut meter, mut ledger, limits) = (Meter::default(), Ledger::default(), Limits::default());
        assert!((0..20).all(|n| meter.call(&limits, "m", 20, n * SECOND, &mut ledger).is_ok()));
        assert_eq!(meter.call(&limits, "m", 20, 30 * SECOND, &mut ledger), Err(30));
        assert_eq!(meter.call(&limits, "m", 20, 60 * SECOND, &mut ledger), Ok(()));
        assert_eq!(meter.call(&limits, "m", 20, 60 * SECOND, &mut ledger), Err(1));
        assert!(ledger.early.is_empty());
    }
}
