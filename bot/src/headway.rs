//! How fast something long goes on, and how long it will take: worked out from the reports of its progress and from when they
//! came. What lies further back counts less, so that a slow beginning is forgotten and a short stall doesn't frighten.

use bellhop_core::card::Progress;
use bellhop_core::clock::Timestamp;

/// After so many seconds a report counts about a third of a fresh one.
const MEMORY: f64 = 10.0;
/// For so many seconds nothing is said: nobody can tell yet.
const SILENT: f64 = 2.0;

/// The pace of one call.
#[derive(Debug, Default)]
pub struct Headway {
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    what: String,
    begun: Timestamp,
    at: Timestamp,
    done: u64,
    rate: Option<f64>,
}

impl Headway {
    /// The same progress with the rate and the time left, as far as they are known now.
    pub fn seen(&mut self, mut progress: Progress, now: Timestamp) -> Progress {
        let seconds = |from: Timestamp| (now - from).as_seconds_f64();
        let seen = match &mut self.seen {
            // Something else is done now, or it was begun anew.
            Some(seen) if seen.what == progress.what && seen.done <= progress.done => seen,
            other => other.insert(Seen { what: progress.what.clone(), begun: now, at: now, done: progress.done, rate: None }),
        };
        let passed = seconds(seen.at);
        if passed > 0.0 {
            let fresh = as_float(progress.done - seen.done) / passed;
            let weight = 1.0 - (-passed / MEMORY).exp();
            seen.rate = Some(seen.rate.map_or(fresh, |rate| rate + weight * (fresh - rate)));
            (seen.at, seen.done) = (now, progress.done);
        }
        let rate = seen.rate.filter(|rate| *rate >= 1.0 && seconds(seen.begun) >= SILENT);
        progress.rate = rate.map(as_count);
        progress.left = rate.zip(progress.total).map(|(rate, total)| as_count((as_float(total.saturating_sub(progress.done)) / rate).ceil()));
        progress
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 52 bits")]
fn as_float(number: u64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is at least 0, and casts of floats saturate")]
fn as_count(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn mib(count: u64) -> u64 {
        count << 20
    }

    #[test]
    fn an_even_pace_is_told_with_the_time_left() {
        let mut headway = Headway::default();
        let step = |headway: &mut Headway, second: i64| {
            let done = mib(38 * u64::try_from(second).unwrap());
            headway.seen(Progress::bytes("Copying logs/ to azure:logs/", done, Some(mib(1024))), at(second))
        };
        assert_eq!(step(&mut headway, 0).rate, None);
        assert_eq!(step(&mut headway, 1).rate, None, "a second is too short to tell");
        let told = (2..=10).map(|second| step(&mut headway, second)).last().unwrap();
        assert_eq!((told.rate, told.left), (Some(mib(38)), Some(17)));
        assert_eq!(told.figures(), "380 MiB of 1 GiB · 38 MiB/s · about 17 s left");
    }

    #[test]
    fn a_stall_lowers_the_rate_slowly_and_another_task_begins_anew() {
        let mut headway = Headway::default();
        for second in 0..10_u32 {
            headway.seen(Progress::items("x", u64::from(second) * 100, Some(10_000)), at(i64::from(second)));
        }
        let stalled = headway.seen(Progress::items("x", 900, Some(10_000)), at(12)).rate.unwrap();
        assert!((60..90).contains(&stalled), "{stalled}");
        let other = headway.seen(Progress::items("y", 5, None), at(13));
        assert_eq!((other.rate, other.left), (None, None));
        let back = headway.seen(Progress::items("y", 1, None), at(20));
        assert_eq!(back.rate, None, "it was begun anew");
        // No time, no rate.
        assert_eq!(headway.seen(Progress::items("y", 9, None), at(20)).rate, None);
    }
}
