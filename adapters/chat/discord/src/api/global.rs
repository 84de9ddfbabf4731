//! The global limit: so many calls within any second, counted over a window that slides. Interactions' own routes are outside it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How many calls a bot may make within a second (<https://docs.discord.com/developers/topics/rate-limits#global-rate-limit>).
const CALLS: usize = 50;
/// A second, and a little more: calls may travel at different speeds.
const WINDOW: Duration = Duration::from_millis(1040);

/// When the last calls were made.
#[derive(Default)]
pub(super) struct Window {
    calls: Mutex<VecDeque<Instant>>,
}

impl Window {
    /// Counts a call and returns zero, or says how long until there is room for it.
    pub(super) fn take(&self, now: Instant) -> Duration {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        while calls.front().is_some_and(|first| now.saturating_duration_since(*first) >= WINDOW) {
            calls.pop_front();
        }
        if calls.len() < CALLS {
            calls.push_back(now);
            return Duration::ZERO;
        }
        calls.front().map_or(Duration::ZERO, |first| (*first + WINDOW).saturating_duration_since(now).max(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_however_it_is_cut_has_more_and_little_less_is_used() {
        let window = Window::default();
        let start = Instant::now();
        let (mut now, mut made) = (start, Vec::new());
        while now < start + Duration::from_secs(20) {
            let wait = window.take(now);
            if wait.is_zero() {
                made.push(now);
                now += Duration::from_micros(100);
            } else {
                now += wait;
            }
        }
        let most = made.iter().map(|from| made.iter().filter(|at| *at >= from && **at < *from + Duration::from_secs(1)).count()).max();
        assert_eq!(most, Some(CALLS));
        assert!(made.len() >= 20 * CALLS * 95 / 100, "{}", made.len());
    }
}
