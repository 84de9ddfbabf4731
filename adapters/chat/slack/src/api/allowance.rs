//! How many calls a minute Slack allows of a method in a workspace, counted so that no minute, however it is cut, sees more.
//! It says how long a call would have to wait, and doesn't wait.

use crate::wire::Method;
use bellhop_core::ids::WorkspaceId;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// After how many calls the counts of workspaces that are quiet are dropped.
const TIDY: u32 = 512;

type Key = (WorkspaceId, &'static str);
type Limiter = RateLimiter<Key, DashMapStateStore<Key>, SteadyClock, NoOpMiddleware<Duration>>;

/// Counts of calls, by workspace and method.
pub(super) struct Allowances {
    /// One limiter for each allowance that occurs: Slack has four.
    limiters: Mutex<HashMap<u32, Arc<Limiter>>>,
    calls: AtomicU32,
    clock: SteadyClock,
}

impl Default for Allowances {
    fn default() -> Self {
        let began = Instant::now();
        Self::by(Arc::new(move || began.elapsed()))
    }
}

impl Allowances {
    /// Counts by this time, which only ever grows.
    fn by(elapsed: Arc<dyn Fn() -> Duration + Send + Sync>) -> Self {
        Self { limiters: Mutex::default(), calls: AtomicU32::new(0), clock: SteadyClock { elapsed } }
    }

    /// Counts a call, or says how long until there is room for it.
    pub(super) fn take(&self, workspace: &WorkspaceId, method: Method) -> Result<(), Duration> {
        let Some(quota) = quota(method.per_minute) else { return Ok(()) };
        let limiter = {
            let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
            limiters
                .entry(method.per_minute)
                .or_insert_with(|| Arc::new(RateLimiter::new(quota, DashMapStateStore::default(), self.clock.clone())))
                .clone()
        };
        if self.calls.fetch_add(1, Ordering::Relaxed) % TIDY == TIDY - 1 {
            limiter.retain_recent();
        }
        // Rounded up to milliseconds: a wait that ends a moment early would be for nothing.
        limiter
            .check_key(&(workspace.clone(), method.name))
            .map_err(|early| early.wait_time_from(limiter.clock().now()) + Duration::from_millis(1))
    }
}

/// The burst and the pace of an allowance: together at most `per_minute` in any minute, with one call to spare for those that
/// travel faster than the one before. `None` for methods without an allowance by minutes.
fn quota(per_minute: u32) -> Option<Quota> {
    let burst = NonZeroU32::new((per_minute / 5).max(1)).filter(|_| per_minute > 0)?;
    let rate = per_minute.saturating_sub(burst.get()).max(1);
    // A minute and a second where there is only one call a minute: that one has nothing to spare.
    let minute = if per_minute == 1 { Duration::from_secs(61) } else { Duration::from_mins(1) };
    Some(Quota::with_period(minute / rate)?.allow_burst(burst))
}

/// A clock that no one sets, so that a correction of the machine's time neither frees nor stops anything.
#[derive(Clone)]
struct SteadyClock {
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl governor::clock::Clock for SteadyClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        (self.elapsed)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts by a time that the test moves.
    fn moved() -> (Allowances, Arc<Mutex<Duration>>) {
        let time = Arc::new(Mutex::new(Duration::from_secs(1000)));
        let told = time.clone();
        (Allowances::by(Arc::new(move || *told.lock().unwrap())), time)
    }

    /// Calls as fast as they are allowed for ten minutes, and counts every minute however it is cut.
    #[test]
    fn no_minute_sees_more_than_is_allowed_and_little_less() {
        for per_minute in [1, 20, 50, 100] {
            let (allowances, time) = moved();
            let method = Method { name: "m", operation: "m", per_minute, safe: true };
            let (workspace, end) = (WorkspaceId::from("T1"), Duration::from_secs(1000) + Duration::from_mins(10));
            let mut calls: Vec<Duration> = Vec::new();
            while *time.lock().unwrap() < end {
                match allowances.take(&workspace, method) {
                    Ok(()) => calls.push(*time.lock().unwrap()),
                    Err(wait) => *time.lock().unwrap() += wait,
                }
            }
            let most = calls
                .iter()
                .map(|from| calls.iter().filter(|at| *at >= from && at.saturating_sub(*from) < Duration::from_mins(1)).count())
                .max();
            assert!(most.unwrap() <= per_minute as usize, "{per_minute} a minute were {most:?}");
            assert!(calls.len() * 100 >= per_minute as usize * 10 * 75, "{per_minute} a minute: only {} in ten", calls.len());
        }
    }

    #[test]
    fn workspaces_and_methods_count_for_themselves() {
        let (allowances, _time) = moved();
        let one = Method { name: "one", operation: "m", per_minute: 1, safe: true };
        let (a, b) = (WorkspaceId::from("T1"), WorkspaceId::from("T2"));
        assert!(allowances.take(&a, one).is_ok());
        assert!(allowances.take(&a, one).unwrap_err() > Duration::from_secs(59));
        assert!(allowances.take(&b, one).is_ok());
        assert!(allowances.take(&a, Method { name: "two", ..one }).is_ok());
        let free = Method { per_minute: 0, ..one };
        assert!((0..1000).all(|_| allowances.take(&a, free).is_ok()));
    }

    #[test]
    fn counts_of_quiet_workspaces_are_dropped() {
        let (allowances, time) = moved();
        let method = Method { name: "m", operation: "m", per_minute: 50, safe: true };
        for n in 0..TIDY - 1 {
            assert!(allowances.take(&WorkspaceId::new(format!("T{n}")), method).is_ok());
        }
        *time.lock().unwrap() += Duration::from_mins(5);
        assert!(allowances.take(&WorkspaceId::from("T"), method).is_ok());
        let limiter = allowances.limiters.lock().unwrap()[&50].clone();
        assert_eq!(limiter.len(), 1);
    }
}
