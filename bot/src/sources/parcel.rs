//! One parcel of events to one service, and what its answer means: sent, refused for good, or to be sent again later.

use super::feeder::FeedPace;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::error::{PortError, PortErrorKind, Retry};
use bellhop_core::ports::AnalyticsSource;
use bellhop_core::text::{one_line, shorten};
use bellhop_store::{FedEvent, FeedSettlement};
use chrono::TimeDelta;
use std::time::Duration;

/// Events in a parcel where one that arrives twice counts twice: as many as surely go in one request.
const SURE: usize = 20;
/// How long the queue waits for people to mend a credential or an address.
const MENDED: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_mins(5);

/// Cuts what waits into parcels. For a service that knows no ids of events each is a request of one person, so that what may
/// have arrived is known.
pub(super) fn parcels(events: Vec<FedEvent>, counts_twice: bool) -> Vec<Vec<FedEvent>> {
    if !counts_twice {
        return vec![events];
    }
    let mut parcels: Vec<Vec<FedEvent>> = Vec::new();
    let mut open = std::collections::HashMap::<String, usize>::new();
    for fed in events {
        let person = fed.event.distinct_id.clone();
        if let Some(parcel) = open.get(&person).and_then(|at| parcels.get_mut(*at)).filter(|parcel| parcel.len() < SURE) {
            parcel.push(fed);
        } else {
            open.insert(person, parcels.len());
            parcels.push(vec![fed]);
        }
    }
    parcels
}

/// Sends one. `attempts` is how many tries have failed before.
pub(super) async fn send(
    source: &dyn AnalyticsSource,
    parcel: Vec<FedEvent>,
    attempts: i64,
    clock: &dyn Clock,
    pace: &FeedPace,
) -> FeedSettlement {
    let mut settled = FeedSettlement::default();
    let mut waiting = vec![parcel];
    while let Some(parcel) = waiting.pop() {
        let events = parcel.iter().map(|fed| fed.event.clone()).collect();
        let late = |_| {
            let message = format!("no answer in {} s", pace.deadline.as_secs());
            Err(PortError::new(PortErrorKind::TimedOut, format!("analytics.{}", source.name()), "track", message).maybe_done())
        };
        let error = match tokio::time::timeout(pace.deadline, source.track(events)).await.unwrap_or_else(late) {
            Ok(taken) => {
                let reasons: std::collections::HashMap<usize, String> =
                    taken.refused.into_iter().map(|refused| (refused.index, refused.reason)).collect();
                for (at, fed) in parcel.iter().enumerate() {
                    match reasons.get(&at) {
                        Some(reason) => settled.refused.push((fed.seq, shorten(&one_line(reason), 500))),
                        None => settled.sent.push(fed.seq),
                    }
                }
                continue;
            }
            Err(error) => error,
        };
        let why = shorten(&one_line(&error.message), 500);
        let counts_twice = source.capabilities().counts_twice;
        match (error.retry, error.kind) {
            _ if error.maybe_done && counts_twice => {
                let why = format!("nobody knows whether it arrived, and sent again it might count twice: {why}");
                settled.refused.extend(parcel.iter().map(|fed| (fed.seq, why.clone())));
            }
            (Retry::After(pause), _) => return resting(settled, clock.now(), pause, why, false),
            // Something is wrong with one of them, or there are too many: which one shows by halves.
            (_, PortErrorKind::Invalid | PortErrorKind::TooLarge) if parcel.len() > 1 => {
                let mut first = parcel;
                let second = first.split_off(first.len() / 2);
                waiting.extend([second, first]);
            }
            (_, PortErrorKind::Invalid | PortErrorKind::TooLarge | PortErrorKind::Conflict) => {
                settled.refused.extend(parcel.iter().map(|fed| (fed.seq, why.clone())));
            }
            // A wrong key, permission or address is mended by people: the queue is kept meanwhile.
            (_, PortErrorKind::Unauthenticated | PortErrorKind::Denied | PortErrorKind::Unsupported | PortErrorKind::NotFound) => {
                return resting(settled, clock.now(), MENDED, why, false);
            }
            (_, _) => return resting(settled, clock.now(), backoff(pace.first, attempts), why, true),
        }
    }
    settled
}

fn resting(settled: FeedSettlement, now: Timestamp, pause: Duration, why: String, counts: bool) -> FeedSettlement {
    let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(31)).min(TimeDelta::days(31));
    FeedSettlement { rest: Some((now + pause, why, counts)), ..settled }
}

/// 1 s, 2 s, 4 s and so on to 5 minutes.
fn backoff(first: Duration, attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 9)).unwrap_or(9);
    (first * 2_u32.pow(doublings)).min(LONGEST)
}

/// What became of several parcels of one claim.
pub(super) fn together(all: Vec<FeedSettlement>) -> FeedSettlement {
    all.into_iter().fold(FeedSettlement::default(), |mut whole, one| {
        whole.sent.extend(one.sent);
        whole.refused.extend(one.refused);
        whole.rest = match (whole.rest, one.rest) {
            (Some(a), Some(b)) => Some(if a.0 >= b.0 { a } else { b }),
            (a, b) => a.or(b),
        };
        whole
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::analytics::NewEvent;

    fn fed(seq: i64, who: &str) -> FedEvent {
        let event = NewEvent {
            event: "e".into(),
            distinct_id: who.into(),
            time: Timestamp::UNIX_EPOCH,
            insert_id: seq.to_string(),
            properties: std::collections::BTreeMap::new(),
        };
        FedEvent { seq, event }
    }

    #[test]
    fn a_service_without_ids_gets_one_person_at_a_time_and_few_events() {
        let events: Vec<FedEvent> = (0..50).map(|seq| fed(seq, if seq % 5 == 0 { "bob" } else { "ann" })).collect();
        assert_eq!(parcels(events.clone(), false).len(), 1);
        let parcels = parcels(events, true);
        assert_eq!(parcels.iter().map(Vec::len).collect::<Vec<_>>(), [10, 20, 20]);
        assert!(parcels.iter().all(|parcel| parcel.iter().all(|fed| fed.event.distinct_id == parcel[0].event.distinct_id)));
    }

    #[test]
    fn pauses_grow_to_five_minutes() {
        let first = Duration::from_secs(1);
        assert_eq!([0, 1, 2, 8, 9, 100].map(|attempts| backoff(first, attempts).as_secs()), [1, 2, 4, 256, 300, 300]);
    }
}
