//! Figures judged: thresholds, the past, absence, the unusual; and what is never looked at.

use super::{at, condition, history};
use crate::analytics::{Answer, Basis, Figures, TrendFigures, TrendRow};
use crate::clock::Timestamp;
use crate::period::Span;
use crate::watch::{Base, History, Hold, Op, Per, Standing, Test, UNKNOWN_CHECKS, Verdict, backtest, evaluate};
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::time::Duration;

fn days(values: &[f64]) -> History {
    let values: Vec<Option<f64>> = values.iter().map(|value| Some(*value)).collect();
    // A Monday.
    history(Per::Day, Tz::UTC, at("2026-08-03T00:00:00Z"), &values)
}

fn fires(text: &str, history: &History) -> String {
    match evaluate(&condition(text), history) {
        Verdict::Firing(look) => look.why,
        other => panic!("{text}: {other:?}"),
    }
}

fn quiet(text: &str, history: &History) -> String {
    match evaluate(&condition(text), history) {
        Verdict::Quiet(look) => look.why,
        other => panic!("{text}: {other:?}"),
    }
}

fn unknown(text: &str, history: &History) -> String {
    match evaluate(&condition(text), history) {
        Verdict::Unknown(why) => why,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn thresholds() {
    let history = days(&[5.0, 80.0, 41.0]);
    assert_eq!(fires("a < 42 per day", &history), "41 on Wed 2026-08-05, below 42");
    assert_eq!(quiet("a < 41 per day", &history), "41 on Wed 2026-08-05, not below 41");
    fires("a <= 41 per day", &history);
    fires("a > 40 per day", &history);
    fires("a >= 41 per day", &history);
    assert!(fires("a > 1 for 3 days", &history).ends_with("; the 3 days in a row"));
    quiet("a > 10 for 3 days", &history);
    assert!(unknown("a > 1 for 4 days", &history).contains("3 days only"));
}

#[test]
fn against_the_past() {
    let week = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0];
    let mut values: Vec<f64> = (0..8).flat_map(|_| week).collect();
    values.push(7.0);
    let history = days(&values);
    assert_eq!(
        fires("a < 80% of same weekday median", &history),
        "7 on Mon 2026-09-28, below 8, which is 80 % of 10 (median on Mondays in 8 weeks)"
    );
    quiet("a < 70% of same weekday median", &history);
    assert_eq!(fires("a < 80% of previous day", &history), "7 on Mon 2026-09-28, below 56, which is 80 % of 70 the day before");
    fires("a drops by 30% against previous week", &history);
    assert_eq!(
        quiet("a drops by 31% against last week", &history),
        "7 on Mon 2026-09-28, down 30.0 % from 10 the same day a week before; 31 % is the limit"
    );
    quiet("a rises by 1% against yesterday", &history);
    // What stays at nothing has not dropped, and what comes from nothing has risen.
    quiet("a drops by 20% against yesterday", &days(&[1.0, 0.0, 0.0]));
    fires("a rises by 20% against yesterday", &days(&[1.0, 0.0, 3.0]));
    // Too little to tell what is usual; and days before there was anything are not usual.
    assert!(unknown("a < 80% of same weekday median", &days(&values[values.len() - 15..])).contains("2 figures on Mondays"));
    let mut young = vec![0.0; 50];
    young.extend([4.0; 10]);
    assert!(unknown("a > 80% of same weekday median", &days(&young)).contains("there is 1 figure on"));
}

#[test]
fn absence() {
    let history = days(&[4.0, 3.0, 0.0, 0.0]);
    assert_eq!(fires("a no data for 2d", &history), "nothing for 2 days; the last was on Tue 2026-08-04");
    assert_eq!(quiet("a no data for 3d", &history), "3 on Tue 2026-08-04");
    fires("a is absent per day", &history);
    fires("a is absent per day", &days(&[0.0, 0.0]));
    assert!(unknown("a no data for 9d", &days(&[0.0, 0.0])).contains("2 days only"));
}

#[test]
fn the_unusual() {
    let mut values: Vec<f64> = (0..56).map(|day| if day % 7 > 4 { 20.0 } else { 400.0 + f64::from(day % 3) * 10.0 }).collect();
    values.push(405.0);
    quiet("a anomaly per day", &days(&values));
    *values.last_mut().unwrap() = 20.0;
    let why = fires("a anomaly per day", &days(&values));
    assert!(why.starts_with("20 on Mon 2026-09-28, below the usual") && why.contains("on Mondays (median 410 of 8 weeks)"), "{why}");
    fires("a anomaly low per day", &days(&values));
    quiet("a anomaly high per day", &days(&values));
    // A weekend is as it always is.
    quiet("a anomaly per day", &days(&values[..56]));
    // Small numbers vary by chance, however alike they were.
    let mut small = vec![4.0; 56];
    small.push(9.0);
    quiet("a anomaly per day", &days(&small));
    // One wild week doesn't move what is usual.
    let mut wild = vec![400.0; 57];
    wild[49] = 90_000.0;
    quiet("a anomaly per day", &days(&wild));
}

#[test]
fn hours_are_those_on_the_wall_when_clocks_change() {
    // Berlin put its clocks back in the night to Sunday, 2026-10-25. Each hour of the day has its own figure.
    let zone: Tz = "Europe/Berlin".parse().unwrap();
    let from = at("2026-10-22T22:00:00Z");
    let values: Vec<Option<f64>> = (0..24 * 4 - 5)
        .map(|hour| {
            use chrono::Timelike as _;
            let wall = (from + TimeDelta::hours(hour)).with_timezone(&zone);
            Some(f64::from(wall.hour()) + 100.0)
        })
        .collect();
    let history = history(Per::Hour, zone, from, &values);
    // 17 o'clock is compared with 17 o'clock, on the day that had 25 hours and on the one after.
    for back in [0, 20, 24, 40] {
        let mut history = history.clone();
        history.settled -= TimeDelta::hours(back);
        let why = quiet("a < 100% of previous day per hour", &history);
        assert!(why.contains("100 % of"), "{why}");
        quiet("a > 100% of previous day per hour", &history);
    }
    // In spring an hour is left out: the day after has nothing to compare that hour with.
    let from = at("2026-03-27T23:00:00Z");
    let spring = super::history(Per::Hour, zone, from, &vec![Some(5.0); 24 + 23 + 3]);
    assert_eq!(
        unknown("a < 50% of previous day per hour", &spring),
        "there is no figure of the same hour of the day before to compare with"
    );
}

fn answered(values: &[(&str, f64)], basis: Basis) -> Answer {
    let rows = values.iter().map(|(start, value)| TrendRow { at: Some(at(start)), group: None, value: *value }).collect();
    Answer { figures: Figures::Trend(TrendFigures { rows, unit: String::new(), total: 0.0 }), basis }
}

const FOUR: [(&str, f64); 4] =
    [("2026-11-20T00:00:00Z", 50.0), ("2026-11-21T00:00:00Z", 50.0), ("2026-11-22T00:00:00Z", 50.0), ("2026-11-23T00:00:00Z", 1.0)];

fn seen(now: Timestamp, basis: Basis) -> Verdict {
    let condition = condition("events.a < 10 per day");
    let question = condition.question(now, Tz::UTC, 1);
    evaluate(&condition, &History::of(&question, &answered(&FOUR, basis), now))
}

#[test]
fn what_is_not_over_and_counted_is_not_looked_at() {
    let whole = || Basis::whole("events".into(), Tz::UTC);
    let (noon, after) = (at("2026-11-23T12:00:00Z"), at("2026-11-24T00:00:00Z"));
    // Today is low because it is not over.
    assert!(matches!(seen(noon, whole()), Verdict::Quiet(look) if look.from == at("2026-11-22T00:00:00Z")));
    // Over, it counts.
    assert!(matches!(seen(after, whole()), Verdict::Firing(_)));
    // Still being counted, it doesn't.
    let settling = Basis { complete: false, settling_from: Some(at("2026-11-22T01:00:00Z")), ..whole() };
    assert!(matches!(seen(after, settling.clone()), Verdict::Quiet(look) if look.from == at("2026-11-21T00:00:00Z")));
    // Nobody says what is missing.
    assert!(matches!(seen(after, Basis { complete: false, ..whole() }), Verdict::Unknown(why) if why.contains("not counted all")));
    // Estimated.
    assert!(matches!(seen(after, Basis { sampled: 0.4, ..whole() }), Verdict::Unknown(why) if why.contains("40 %")));
    // From before the day ended.
    let old = Basis { as_of: Some(noon), ..whole() };
    assert!(matches!(seen(after, old.clone()), Verdict::Unknown(why) if why.contains("nothing newer")));
    assert!(matches!(seen(at("2026-11-23T18:00:00Z"), old), Verdict::Quiet(_)));
    // Nothing is settled.
    let long = Basis { settling_from: Some(at("2026-11-01T00:00:00Z")), ..settling };
    assert!(matches!(seen(after, long), Verdict::Unknown(why) if why.contains("no day is over")));
}

#[test]
fn days_are_those_of_the_source() {
    // The source cuts its days in New York: the 22nd ends at 05:00 UTC on the 23rd.
    let zone: Tz = "America/New_York".parse().unwrap();
    let condition = condition("web.a < 10 per day");
    let rows = [("2026-11-20T05:00:00Z", 50.0), ("2026-11-21T05:00:00Z", 50.0), ("2026-11-22T05:00:00Z", 1.0)];
    for (now, asked, fires) in [
        ("2026-11-23T04:59:00Z", zone, false),
        ("2026-11-23T05:00:00Z", zone, true),
        // Where another zone's days were asked for, the question's end cuts the day: it is whole a day later.
        ("2026-11-23T12:00:00Z", Tz::UTC, false),
        ("2026-11-24T00:00:00Z", Tz::UTC, true),
    ] {
        let question = condition.question(at(now), asked, 1);
        let answer = answered(&rows, Basis::whole("web".into(), zone));
        let verdict = evaluate(&condition, &History::of(&question, &answer, at(now)));
        assert_eq!(matches!(verdict, Verdict::Firing(_)), fires, "{now}: {verdict:?}");
    }
}

#[test]
fn each_value_of_a_property_counts() {
    let condition = condition("events.a by country < 10 per day");
    let rows = [("2026-11-21T00:00:00Z", "de", 50.0), ("2026-11-21T00:00:00Z", "fr", 40.0), ("2026-11-22T00:00:00Z", "fr", 44.0)];
    let rows = rows.iter().map(|(start, group, value)| TrendRow { at: Some(at(start)), group: Some((*group).into()), value: *value });
    let figures = Figures::Trend(TrendFigures { rows: rows.collect(), unit: String::new(), total: 0.0 });
    let answer = Answer { figures, basis: Basis::whole("events".into(), Tz::UTC) };
    let now = at("2026-11-23T00:00:00Z");
    let question = condition.question(now, Tz::UTC, 1);
    let history = History::of(&question, &answer, now);
    match evaluate(&condition, &history) {
        Verdict::Firing(look) => assert_eq!(look.why, "de: 0 on Sun 2026-11-22, below 10"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn checks_are_counted_and_not_knowing_is_told_after_a_while() {
    let look = match evaluate(&condition("a < 10 per day"), &days(&[1.0])) {
        Verdict::Firing(look) => look,
        other => panic!("{other:?}"),
    };
    let (fires, quiet, unknown) = (Verdict::Firing(look.clone()), Verdict::Quiet(look), Verdict::Unknown("no answer".into()));
    let now = at("2026-11-23T00:00:00Z");
    let minute = |number: i64| now + TimeDelta::minutes(number);
    let mut standing = Standing::default().after(&fires, 2, minute(0));
    assert_eq!((standing.streak, standing.firing_since), (1, None));
    // Not knowing neither counts nor begins the row anew.
    standing = standing.after(&unknown, 2, minute(1)).after(&fires, 2, minute(2));
    assert_eq!(standing.firing_since, Some(minute(2)));
    for number in 3..3 + i64::from(UNKNOWN_CHECKS) {
        assert_eq!(standing.blind_since, None);
        standing = standing.after(&unknown, 2, minute(number));
    }
    assert_eq!((standing.firing_since, standing.blind_since), (Some(minute(2)), Some(minute(6))));
    standing = standing.after(&unknown, 2, minute(7));
    assert_eq!(standing.blind_since, Some(minute(6)), "told once");
    standing = standing.after(&quiet, 2, minute(8));
    assert_eq!((standing.quieted, standing.seeing, standing.firing_since), (Some(minute(2)), Some(minute(6)), None));
    standing = standing.after(&quiet, 2, minute(9));
    assert_eq!(standing, Standing::default());
}

#[test]
fn the_past_is_tested() {
    let mut values = vec![50.0; 30];
    for low in [5, 6, 20] {
        values[low] = 3.0;
    }
    let history = days(&values);
    let every = Span(Duration::from_mins(15));
    let (from, to) = (at("2026-08-03T00:00:00Z"), at("2026-09-02T00:00:00Z"));
    let found = backtest(&condition("a < 10 per day for 2 checks"), &history, every, from, to);
    let moments: Vec<(Timestamp, Option<Timestamp>)> = found.fired.iter().map(|fired| (fired.at, fired.until)).collect();
    assert_eq!(
        moments,
        [(at("2026-08-09T00:15:00Z"), Some(at("2026-08-11T00:00:00Z"))), (at("2026-08-24T00:15:00Z"), Some(at("2026-08-25T00:00:00Z")))]
    );
    assert_eq!((found.checks, found.unknown), (30 * 96 + 1, 96));
    assert_eq!(found.fired[0].look.from, at("2026-08-08T00:00:00Z"));
    let same = condition("a < 10 per day for 2 days");
    assert_eq!((same.hold, same.per), (Hold::Intervals(2), Per::Day));
    assert_eq!(backtest(&same, &history, every, from, to).fired.len(), 1);
    assert_eq!(same.test, Test::Threshold { op: Op::Less, value: 10.0 });
    assert_eq!(condition("a < 1% of yesterday").test, Test::Against { op: Op::Less, percent: 1.0, base: Base::PreviousDay });
}
