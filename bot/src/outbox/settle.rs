//! What a try means for its row: done, again later, unknown, or dead.

use super::Pace;
use super::delivery::Tried;
use bellhop_core::clock::Timestamp;
use bellhop_core::error::{PortError, PortErrorKind, Retry};
use bellhop_core::ids::ChatName;
use bellhop_store::{Claimed, Outcome, Settlement};
use chrono::TimeDelta;
use std::time::Duration;

/// The settlement of a try, and whether the platform has put it off.
pub fn settlement(row: &Claimed, tried: Tried, now: Timestamp, pace: Pace) -> (Settlement, bool) {
    let parts = tried.parts;
    let (outcome, put_off_until) = match tried.failure {
        None => (Outcome::Done { parts }, None),
        Some(error) => failed(row, &error, parts, now, pace),
    };
    // Whatever came of it: something was said, and the next has to wait its time.
    let block_lane_until = put_off_until.max(tried.rest_until);
    (Settlement { seq: row.seq, epoch: row.epoch, outcome, block_lane_until }, put_off_until.is_some())
}

fn failed(
    row: &Claimed,
    error: &PortError,
    parts: Vec<bellhop_core::ids::MessageId>,
    now: Timestamp,
    pace: Pace,
) -> (Outcome, Option<Timestamp>) {
    let text = error.to_string();
    let later = |pause: Duration| now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(1));
    let tries = u32::try_from(row.attempts).unwrap_or(u32::MAX).saturating_add(1);
    if let Retry::After(pause) = error.retry {
        // The service said when. Never before, and a little after, so that many lanes don't come back at once. This is not
        // a failed try.
        let until = later(pause + jitter(row.seq, pause / 10));
        return (Outcome::Retry { not_before: until, error: text, counts: false, parts }, Some(until));
    }
    if error.maybe_done {
        let until = later(pace.quarantine + backoff(tries, row.seq) / 4);
        return if tries >= pace.tries {
            (Outcome::Dead { error: text, parts }, None)
        } else {
            (Outcome::Ambiguous { not_before: until, error: text, parts }, None)
        };
    }
    match (error.retry, error.kind) {
        // A revoked credential is mended by people: the queue is kept meanwhile.
        (_, PortErrorKind::Unauthenticated) => {
            let until = later(Duration::from_mins(1));
            (Outcome::Retry { not_before: until, error: text, counts: false, parts }, Some(until))
        }
        (Retry::No, _) => (Outcome::Dead { error: text, parts }, None),
        _ if tries >= pace.tries => (Outcome::Dead { error: text, parts }, None),
        _ => (Outcome::Retry { not_before: later(backoff(tries, row.seq)), error: text, counts: true, parts }, None),
    }
}

/// 1 s, 2 s, 4 s and so on to 5 minutes, each up to a fifth longer.
fn backoff(tries: u32, seed: i64) -> Duration {
    let pause = Duration::from_secs(1 << tries.saturating_sub(1).min(9)).min(Duration::from_mins(5));
    pause + jitter(seed, pause / 5)
}

/// Up to `most`, different for different rows, the same for the same one.
fn jitter(seed: i64, most: Duration) -> Duration {
    // Multiplication by a large odd number spreads neighbouring rows over the whole range.
    let spread = seed.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    most.mul_f64(f64::from(u16::try_from(spread).unwrap_or(u16::MAX)) / f64::from(u16::MAX))
}

/// Counts a try in the metrics.
pub fn count(chat: &ChatName, settlement: &Settlement, put_off: bool, age: Duration) {
    let outcome = match &settlement.outcome {
        Outcome::Done { .. } => "done",
        Outcome::Retry { .. } => "retry",
        Outcome::Ambiguous { .. } => "ambiguous",
        Outcome::Dead { .. } => "dead",
    };
    let chat = chat.to_string();
    metrics::counter!("bellhop_deliveries_total", "chat" => chat.clone(), "outcome" => outcome).increment(1);
    match &settlement.outcome {
        Outcome::Done { .. } => metrics::histogram!("bellhop_delivery_age_seconds", "chat" => chat).record(age.as_secs_f64()),
        Outcome::Ambiguous { error, .. } => {
            tracing::info!(%chat, %error, "the outcome of a delivery is unknown; it is looked up before anything is sent again");
            metrics::counter!("bellhop_delivery_ambiguous_total", "chat" => chat).increment(1);
        }
        Outcome::Retry { error, counts, .. } => {
            if put_off {
                metrics::counter!("bellhop_ratelimited_total", "chat" => chat.clone()).increment(1);
            }
            tracing::debug!(%chat, %error, counts, "a delivery is put off");
        }
        Outcome::Dead { error, .. } => tracing::warn!(%chat, %error, "a delivery went to the dead letters"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_never_shrink_below_their_base() {
        for tries in 1..30 {
            let pause = backoff(tries, i64::from(tries) * 7919);
            assert!(pause >= Duration::from_secs(1) && pause <= Duration::from_mins(6), "{pause:?}");
        }
        assert!(backoff(3, 1) >= Duration::from_secs(4));
        for seed in 0..1000 {
            assert!(jitter(seed, Duration::from_secs(1)) <= Duration::from_secs(1));
        }
    }
}
