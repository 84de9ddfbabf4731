//! How many commands one person may run, so that nobody can keep the bot from the others.

use bellhop_core::address::UserRef;
use bellhop_core::clock::{Clock, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A bucket per person that holds a minute's worth and fills evenly.
pub struct Quota {
    per_minute: u32,
    clock: Arc<dyn Clock>,
    buckets: Mutex<HashMap<UserRef, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

/// From how many people on those whose bucket is full are forgotten.
const TIDY_AT: usize = 1024;

impl Quota {
    /// So many a minute; 0 for any number.
    pub fn new(per_minute: u32, clock: Arc<dyn Clock>) -> Self {
        Self { per_minute, clock, buckets: Mutex::default() }
    }

    /// How many a minute.
    #[must_use]
    pub fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Takes one, or says how long to wait for the next.
    pub fn take(&self, user: &UserRef) -> Result<(), Duration> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let now = self.clock.now();
        let (full, rate) = (f64::from(self.per_minute), f64::from(self.per_minute) / 60.0);
        let filled = |bucket: Bucket| {
            let passed = (now - bucket.at).to_std().unwrap_or_default().as_secs_f64();
            passed.mul_add(rate, bucket.left).min(full)
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= TIDY_AT {
            buckets.retain(|_, bucket| filled(*bucket) < full);
        }
        let bucket = buckets.entry(user.clone()).or_insert(Bucket { left: full, at: now });
        let left = filled(*bucket);
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / rate));
        }
        *bucket = Bucket { left: left - 1.0, at: now };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_kit::clock::StoppedClock;

    #[test]
    fn a_minute_has_so_many_and_fills_again() {
        let clock = Arc::new(StoppedClock::default());
        let quota = Quota::new(3, clock.clone());
        let ann = UserRef { chat: "c".into(), workspace: "w".into(), user: "ann".into() };
        let ben = UserRef { user: "ben".into(), ..ann.clone() };
        for _ in 0..3 {
            quota.take(&ann).unwrap();
        }
        let wait = quota.take(&ann).unwrap_err();
        assert!(wait <= Duration::from_secs(20) && wait > Duration::from_secs(19), "{wait:?}");
        quota.take(&ben).unwrap();
        clock.advance(Duration::from_secs(20));
        quota.take(&ann).unwrap();
        assert!(quota.take(&ann).is_err());
        assert!(Quota::new(0, clock).take(&ann).is_ok());
    }
}
