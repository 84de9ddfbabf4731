//! No window sees more than it may, and what Teams asked for is known to others.

use super::{Kind, Pace, Wait};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::memory::MemoryRecords;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

fn pace(records: Arc<MemoryRecords>) -> (Pace, Arc<StoppedClock>) {
    let clock = Arc::new(StoppedClock::default());
    (Pace::new(&"work".into(), records, clock.clone()), clock)
}

#[test]
fn every_window_holds_and_is_used_to_the_full() {
    let (pace, _) = pace(Arc::default());
    let began = Instant::now();
    let (mut now, mut calls) = (began, Vec::new());
    while now.duration_since(began) < Duration::from_secs(2 * 3600) {
        match pace.count(&[(Kind::Send, "a"), (Kind::Tenant, "T")], now) {
            Ok(()) => calls.push(now),
            Err(wait) => now += wait,
        }
    }
    for (most, seconds) in Kind::Send.windows() {
        let span = Duration::from_secs(*seconds);
        let fullest = calls.iter().enumerate().map(|(at, from)| calls[at..].iter().take_while(|call| **call - *from < span).count()).max();
        assert!(fullest.unwrap() <= *most, "{fullest:?} in {seconds} s, of {most}");
    }
    // Two hours at 1,800 an hour.
    assert!(calls.len() >= 3420, "only {} calls", calls.len());
    assert!(pace.count(&[(Kind::Send, "b")], began).is_ok(), "another conversation counts for itself");
}

#[tokio::test]
async fn what_teams_asked_for_is_known_to_others_and_ends() {
    let records = Arc::new(MemoryRecords::default());
    let (one, clock) = pace(records.clone());
    let (other, _) = pace(records.clone());
    one.block(Kind::Send, "a", Duration::from_secs(7)).await;
    let wait = Err(Wait { wait: Duration::from_secs(7), asked: true });
    assert_eq!((one.take(&[(Kind::Send, "a")]).await, other.take(&[(Kind::Send, "a")]).await), (wait, wait));
    assert!(one.take(&[(Kind::Send, "b")]).await.is_ok());
    clock.advance(Duration::from_secs(7));
    assert!(one.take(&[(Kind::Send, "a")]).await.is_ok());
    assert_eq!(records.count("teams/work/waits"), 0);
}
