//! Conditions read, figures judged, checks counted; and what holds of all of them.

mod evaluating;
mod properties;
mod reading;

use super::{Check, Condition, History, Per, Point, Series, Standing, Verdict, Watch};
use crate::address::{Address, UserRef};
use crate::clock::Timestamp;
use crate::period::{Range, intervals};
use chrono::TimeDelta;
use chrono_tz::Tz;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn condition(text: &str) -> Condition {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

#[test]
fn checks_lie_on_a_grid_of_their_own() {
    let made = at("2026-11-23T10:00:00Z");
    let watch = |id: &str, every: &str| Watch {
        id: id.into(),
        name: "a".into(),
        condition: condition("a < 1"),
        every: every.parse().unwrap(),
        zone: Tz::UTC,
        severity: "warning".into(),
        to: Address::channel("c", "w", "general"),
        owner: UserRef { chat: "c".into(), workspace: "w".into(), user: "u".into() },
        owner_name: "U".into(),
        made,
        since: made,
        paused: None,
        by: "call".into(),
    };
    let quarter = watch("one", "15m");
    let first = quarter.first_due();
    assert!(first >= made && first < made + TimeDelta::minutes(1));
    assert_eq!(quarter.due_after(first), first + TimeDelta::minutes(15));
    assert_eq!(quarter.due_after(first + TimeDelta::minutes(15) - TimeDelta::milliseconds(1)), first + TimeDelta::minutes(15));
    // After a long stop it is due once, and then on the same grid.
    assert_eq!(quarter.due_after(first + TimeDelta::days(3)), first + TimeDelta::days(3) + TimeDelta::minutes(15));
    let found = Verdict::Unknown(String::new());
    let late = Check { due: first, at: first + TimeDelta::minutes(50), verdict: found, standing: Standing::default() };
    assert_eq!(quarter.due(Some(&late)), first + TimeDelta::minutes(60));
    // Not all in the same moment, and never before they were made.
    let firsts: std::collections::BTreeSet<Timestamp> = (0..50).map(|number| watch(&number.to_string(), "15m").first_due()).collect();
    assert!(firsts.len() > 40 && firsts.iter().all(|due| *due >= made));
    let second = watch("x", "1s");
    assert_eq!(second.due_after(second.first_due() + TimeDelta::seconds(10)), second.first_due() + TimeDelta::seconds(11));
}

/// Figures of the days or hours from a moment on, all of them settled.
fn history(per: Per, zone: Tz, from: Timestamp, values: &[Option<f64>]) -> History {
    let far = from + TimeDelta::days(i64::try_from(values.len()).unwrap() + 3);
    let starts = intervals(Range { from, to: far }, per.interval(), zone);
    let points: Vec<Point> =
        starts.windows(2).zip(values).map(|(pair, value)| Point { from: pair[0], to: pair[1], value: *value }).collect();
    let settled = points.last().map_or(from, |point| point.to);
    let series = vec![Series::new(None, points, zone)];
    History { series, zone, source: "events".into(), settled, behind: TimeDelta::zero(), doubt: None }
}
