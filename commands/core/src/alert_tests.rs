//! The alert's state machine by example, and over arbitrary inputs in arbitrary order.

use super::*;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(1_793_620_800 + second, 0).unwrap()
}

fn signal(firing: bool, start: i64, received: i64) -> AlertSignal {
    AlertSignal {
        fingerprint: "f".into(),
        source: "generic".into(),
        firing,
        name: "DiskFull".into(),
        severity: "critical".into(),
        summary: "The disk is full".into(),
        description: String::new(),
        labels: BTreeMap::new(),
        url: String::new(),
        starts_at: at(start),
        ends_at: (!firing).then(|| at(start + 5)),
        received: at(received),
        to: Vec::new(),
    }
}

fn fire(start: i64) -> AlertInput {
    AlertInput::Signal(signal(true, start, start + 1))
}

fn end(start: i64) -> AlertInput {
    AlertInput::Signal(signal(false, start, start + 6))
}

fn ack(who: &str, second: i64) -> AlertInput {
    AlertInput::Acknowledge { who: who.into(), at: at(second) }
}

/// What is kept after these inputs, and what the last of them did.
fn after(inputs: impl IntoIterator<Item = AlertInput>) -> (Option<Alert>, Change) {
    inputs.into_iter().fold((None, Change::None), |(alert, _), input| apply(alert, input))
}

#[test]
fn a_firing_is_taken_and_ends() {
    let (alert, change) = after([fire(0), ack("ann", 10), end(0)]);
    let alert = alert.unwrap();
    assert_eq!((alert.state, change), (AlertState::Resolved, Change::State));
    assert_eq!((alert.taken_by.as_deref(), alert.ended_by.as_deref(), alert.times), (Some("ann"), None, 1));
    let history: Vec<&str> = alert.history.iter().map(|e| e.what.as_str()).collect();
    assert_eq!(history, ["fired", "acknowledged", "resolved"]);
    assert_eq!(alert.history[1].who.as_deref(), Some("ann"));
}

#[test]
fn a_new_firing_begins_afresh() {
    let (alert, change) = after([fire(0), ack("ann", 2), end(0), fire(100)]);
    let alert = alert.unwrap();
    assert_eq!((alert.state, change, alert.times), (AlertState::Firing, Change::State, 2));
    assert_eq!((alert.taken_by, alert.ended_by, alert.since), (None, None, at(101)));
}

#[test]
fn what_a_person_ended_is_not_begun_by_a_repetition() {
    let resolve = AlertInput::Resolve { who: "bob".into(), at: at(20) };
    let (alert, change) = after([fire(0), resolve, fire(0)]);
    let alert = alert.unwrap();
    assert_eq!((alert.state, change, alert.ended_by.as_deref()), (AlertState::Resolved, Change::None, Some("bob")));
}

#[test]
fn an_end_that_overtakes_its_firing_ends_it() {
    let (alert, change) = after([fire(0), end(0), end(100), fire(100)]);
    assert_eq!((alert.unwrap().state, change), (AlertState::Resolved, Change::None));
    let (alert, change) = after([fire(0), end(100), fire(100)]);
    assert_eq!((alert.unwrap().state, change), (AlertState::Resolved, Change::None));
    // An end from before the present firing ends nothing.
    let (alert, change) = after([fire(0), end(0), fire(100), end(0)]);
    assert_eq!((alert.unwrap().state, change), (AlertState::Firing, Change::None));
}

#[test]
fn another_text_is_a_change_of_text_and_nothing_else() {
    let mut worse = signal(true, 0, 9);
    worse.severity = "page".into();
    let (alert, change) = after([fire(0), ack("ann", 2), AlertInput::Signal(worse)]);
    let alert = alert.unwrap();
    assert_eq!((alert.state, change, alert.signal.severity.as_str()), (AlertState::Acknowledged, Change::Text, "page"));
}

#[test]
fn on_nothing_only_a_firing_does_something() {
    for input in [
        end(0),
        ack("ann", 0),
        AlertInput::Resolve { who: "ann".into(), at: at(0) },
        AlertInput::Unacknowledge { who: "ann".into(), at: at(0) },
    ] {
        assert_eq!(apply(None, input), (None, Change::None));
    }
}

fn any_input() -> impl Strategy<Value = AlertInput> {
    let times = (0_i64..6, 0_i64..200);
    prop_oneof![
        4 => (times.clone(), any::<bool>(), "[ab]", any::<bool>()).prop_map(|((start, received), firing, summary, ends)| {
            let mut signal = signal(firing, start * 10, received);
            signal.summary = summary;
            signal.ends_at = signal.ends_at.filter(|_| ends);
            AlertInput::Signal(signal)
        }),
        1 => (times.clone(), "[xy]").prop_map(|((_, second), who)| AlertInput::Acknowledge { who, at: at(second) }),
        1 => (times.clone(), "[xy]").prop_map(|((_, second), who)| AlertInput::Unacknowledge { who, at: at(second) }),
        1 => (times, "[xy]").prop_map(|((_, second), who)| AlertInput::Resolve { who, at: at(second) }),
    ]
}

/// What must hold of every alert that is kept.
fn sound(alert: &Alert) -> Result<(), TestCaseError> {
    prop_assert!(!alert.history.is_empty() && alert.history.len() <= HISTORY);
    let last = &alert.history[alert.history.len() - 1];
    let expected: &[&str] = match alert.state {
        AlertState::Firing => &["fired", "unacknowledged"],
        AlertState::Acknowledged => &["acknowledged"],
        AlertState::Resolved => &["resolved"],
    };
    prop_assert!(expected.contains(&last.what.as_str()), "{:?} after {}", alert.state, last.what);
    prop_assert_eq!(last.at, alert.since);
    match alert.state {
        AlertState::Firing => prop_assert_eq!(&alert.taken_by, &None),
        AlertState::Acknowledged => prop_assert_eq!(&alert.taken_by, &last.who),
        AlertState::Resolved => prop_assert_eq!(&alert.ended_by, &last.who),
    }
    prop_assert!(alert.ended_by.is_none() || alert.state == AlertState::Resolved);
    let fired = alert.history.iter().filter(|e| e.what == "fired").count();
    prop_assert!(u32::try_from(fired).unwrap() <= alert.times);
    prop_assert!(alert.history.len() == HISTORY || u32::try_from(fired).unwrap() == alert.times);
    Ok(())
}

proptest! {
    #[test]
    fn every_step_is_sound(inputs in prop::collection::vec(any_input(), 0..120)) {
        let mut kept: Option<Alert> = None;
        for input in inputs {
            let before = kept.clone();
            let (after, change) = apply(kept, input.clone());
            let moved = before.as_ref().map(|a| (a.state, a.times)) != after.as_ref().map(|a| (a.state, a.times));
            prop_assert_eq!(change == Change::State, moved, "{:?}", input);
            if let Some(alert) = &after {
                sound(alert)?;
            } else {
                prop_assert!(before.is_none(), "an alert that is kept stays");
            }
            if let (Some(before), Some(after)) = (&before, &after) && change != Change::State {
                prop_assert_eq!(&before.history, &after.history);
                prop_assert_eq!((&before.taken_by, &before.ended_by, before.since), (&after.taken_by, &after.ended_by, after.since));
                prop_assert!(before.signal.starts_at <= after.signal.starts_at, "what is known never goes back");
            }
            if change == Change::None && let (Some(before), Some(after)) = (&before, &after) {
                prop_assert_eq!(&before.signal.summary, &after.signal.summary);
            }
            // The same again changes nothing: senders repeat, and people click twice.
            let (again, change) = apply(after.clone(), input);
            prop_assert_eq!(change, Change::None);
            prop_assert_eq!(again.as_ref().map(|a| &a.history), after.as_ref().map(|a| &a.history));
            kept = after;
        }
    }

    /// Firings and their ends in any order, any of them twice: once all have come, the alert is over.
    #[test]
    fn order_does_not_matter_in_the_end(
        order in Just((0_i64..8).flat_map(|n| [(n, true), (n, false), (n, true)]).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let inputs = order.into_iter().map(|(n, firing)| if firing { fire(n * 10) } else { end(n * 10) });
        let (alert, _) = after(std::iter::once(fire(0)).chain(inputs));
        prop_assert_eq!(alert.unwrap().state, AlertState::Resolved);
    }

    /// Whatever happened before, a start that is newer than everything known fires.
    #[test]
    fn news_is_never_ignored(inputs in prop::collection::vec(any_input(), 0..40)) {
        let (alert, _) = after(inputs.into_iter().chain([fire(1000)]));
        prop_assert!(alert.unwrap().state != AlertState::Resolved);
    }
}
