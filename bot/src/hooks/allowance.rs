//! How fast a program may post to one webhook. Far above what any place can show: the lane paces what is shown, and this only
//! keeps a program that runs wild from filling the disk.

use bellhop_core::clock::{Clock, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// So many requests a second, and as many at once.
pub(super) const A_SECOND: f64 = 50.0;
/// From how many webhooks on those whose bucket is full are forgotten.
const TIDY_AT: usize = 1024;

/// A bucket per webhook that fills evenly.
pub(super) struct Allowance {
    clock: Arc<dyn Clock>,
    buckets: Mutex<HashMap<String, (f64, Timestamp)>>,
}

impl Allowance {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, buckets: Mutex::default() }
    }

    /// Takes one, if there is one.
    pub fn take(&self, key: &str) -> bool {
        let now = self.clock.now();
        let filled = |(left, at): (f64, Timestamp)| {
            let passed = (now - at).to_std().unwrap_or_default().as_secs_f64();
            passed.mul_add(A_SECOND, left).min(A_SECOND)
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= TIDY_AT {
            buckets.retain(|_, bucket| filled(*bucket) < A_SECOND);
        }
        let left = buckets.get(key).map_or(A_SECOND, |bucket| filled(*bucket));
        let may = left >= 1.0;
        buckets.insert(key.to_owned(), (if may { left - 1.0 } else { left }, now));
        may
    }
}
