//! What holds of all conditions and all figures.

use super::{at, history};
use crate::analytics::{Answer, Basis, Comparison, Figures, Filter, Measure, TrendFigures, TrendRow};
use crate::period::{Range, Span, intervals};
use crate::watch::{
    Base, Condition, Fired, History, Hold, Middle, Op, Per, Sensitivity, Side, Standing, Test, Verdict, backtest, continuations, evaluate,
};
use chrono::TimeDelta;
use chrono_tz::Tz;
use proptest::prelude::*;
use std::time::Duration;

fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z_]{0,8}", "[A-Za-z][A-Za-z .]{0,8}[a-z]", Just("users".to_owned()), Just("of".to_owned()), Just("by".to_owned())]
}

fn base() -> impl Strategy<Value = Base> {
    let middle = || prop_oneof![Just(Middle::Median), Just(Middle::Average)];
    prop_oneof![
        Just(Base::PreviousDay),
        Just(Base::PreviousWeek),
        (middle(), 3..=26_u32).prop_map(|(middle, weeks)| Base::SameWeekday(middle, weeks)),
        Just(Base::PreviousHour),
        (middle(), 1..=26_u32).prop_map(|(middle, weeks)| Base::SameHour(middle, weeks)),
    ]
}

fn test() -> impl Strategy<Value = Test> {
    let op = || prop_oneof![Just(Op::Less), Just(Op::AtMost), Just(Op::More), Just(Op::AtLeast)];
    let number = || prop_oneof![(0..5000_i32).prop_map(f64::from), (1..9999_i32).prop_map(|cents| f64::from(cents) / 100.0)];
    let side = prop_oneof![Just(Side::Both), Just(Side::Low), Just(Side::High)];
    let sensitivity = prop_oneof![Just(Sensitivity::Low), Just(Sensitivity::Normal), Just(Sensitivity::High)];
    prop_oneof![
        (op(), -1000.0..1000.0_f64).prop_map(|(op, value)| Test::Threshold { op, value }),
        (op(), number(), base()).prop_map(|(op, percent, base)| Test::Against { op, percent, base }),
        (any::<bool>(), number(), base()).prop_map(|(rises, percent, base)| Test::Change { rises, percent: percent + 1.0, base }),
        (1..=60_u32).prop_map(|intervals| Test::Absent { intervals }),
        (side, sensitivity, 4..=26_u32).prop_map(|(side, sensitivity, weeks)| Test::Anomaly { side, sensitivity, weeks }),
    ]
}

prop_compose! {
    fn conditions()(
        source in proptest::option::of("[a-z]{1,6}"),
        metric in word(),
        measure in prop_oneof![
            Just(Measure::Count), Just(Measure::Users), word().prop_map(Measure::Sum), word().prop_map(Measure::Average)
        ],
        by in proptest::option::of(word()),
        filters in proptest::collection::vec(("[a-z]{1,5}", "[A-Za-z0-9 ]{1,6}[a-z0-9]"), 0..3),
        test in test(),
        day in any::<bool>(),
        hold in prop_oneof![(1..=100_u32).prop_map(Hold::Checks), (2..=20_u32).prop_map(Hold::Intervals)],
    ) -> Condition {
        let hours_only = match &test {
            Test::Against { base, .. } | Test::Change { base, .. } => matches!(base, Base::PreviousHour | Base::SameHour(..)),
            _ => false,
        };
        let filters = filters.into_iter().map(|(property, value)| Filter { property, op: Comparison::Is, value }).collect();
        let per = if day && !hours_only { Per::Day } else { Per::Hour };
        Condition { source: source.map(Into::into), metric, measure, by, filters, test, per, hold }
    }
}

fn values(most: usize) -> impl Strategy<Value = Vec<Option<f64>>> {
    let value = prop_oneof![8 => (0..60_u32).prop_map(|value| Some(f64::from(value))), 2 => Just(Some(0.0)), 1 => Just(None)];
    proptest::collection::vec(value, 1..most)
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(condition in conditions()) {
        let text = condition.to_string();
        let read = text.parse::<Condition>();
        prop_assert_eq!(read.as_ref(), Ok(&condition), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_place(text in "\\PC{0,60}") {
        let _ = continuations(&text);
        if let Err(error) = text.parse::<Condition>() {
            prop_assert!(error.at <= text.chars().count());
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn a_condition_cut_short_is_refused_or_read_and_continued(condition in conditions(), cut in 0.0..1.0_f64) {
        let text: Vec<char> = condition.to_string().chars().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short text")]
        let text: String = text[..(text.len() as f64 * cut) as usize].iter().collect();
        let _ = text.parse::<Condition>();
        let (at, words) = continuations(&text);
        for word in words {
            prop_assert!(word.starts_with(&text[at..].to_lowercase()));
        }
    }

    /// Nothing that is filling up or being counted changes what is found.
    #[test]
    fn what_is_not_settled_changes_nothing(condition in conditions(), known in values(120), later in values(20), other in values(20)) {
        let from = at("2026-09-01T00:00:00Z");
        let with = |later: &[Option<f64>]| {
            let mut all = known.clone();
            all.extend_from_slice(later);
            let mut whole = history(condition.per, Tz::UTC, from, &all);
            whole.settled = history(condition.per, Tz::UTC, from, &known).settled;
            evaluate(&condition, &whole)
        };
        let mut first = later.clone();
        // What comes later tells whether there was ever anything: the same in both.
        first[0] = Some(1.0);
        let mut second = other.clone();
        second[0] = Some(1.0);
        prop_assert_eq!(with(&first), with(&second));
    }

    /// The same through a source's answer: figures that may still grow never make it fire.
    #[test]
    fn figures_that_settle_never_fire(steady in 20..90_u32, low in 0..19_u32, hours in 1..72_i64) {
        let now = at("2026-11-23T12:30:00Z");
        let condition: Condition = "events.a < 20 per hour".parse().unwrap();
        let question = condition.question(now, Tz::UTC, 4);
        let settling = now - TimeDelta::hours(hours);
        let starts = intervals(Range { from: question.from, to: question.to }, condition.per.interval(), Tz::UTC);
        let rows = starts.iter().map(|start| {
            let value = if *start + TimeDelta::hours(1) > settling { low } else { steady };
            TrendRow { at: Some(*start), group: None, value: f64::from(value) }
        });
        let figures = Figures::Trend(TrendFigures { rows: rows.collect(), unit: String::new(), total: 0.0 });
        let basis = Basis { complete: false, settling_from: Some(settling), ..Basis::whole("events".into(), Tz::UTC) };
        let verdict = evaluate(&condition, &History::of(&question, &Answer { figures, basis }, now));
        prop_assert!(matches!(verdict, Verdict::Quiet(_)), "{:?}", verdict);
    }

    /// A threshold fires exactly where the number is.
    #[test]
    fn thresholds_are_numbers(value in 0..200_u32, limit in 0..200_u32) {
        let history = history(Per::Day, Tz::UTC, at("2026-11-02T00:00:00Z"), &[Some(7.0), Some(f64::from(value))]);
        let fires = |sign: &str| {
            let condition: Condition = format!("a {sign} {limit} per day").parse().unwrap();
            matches!(evaluate(&condition, &history), Verdict::Firing(_))
        };
        prop_assert_eq!((fires("<"), fires("<="), fires(">"), fires(">=")), (value < limit, value <= limit, value > limit, value >= limit));
    }

    /// What is a constant is never unusual, whatever it is and however sensitive one is.
    #[test]
    fn constants_are_usual(value in 0..100_000_u32, weeks in 4..10_u32) {
        let history = history(Per::Day, Tz::UTC, at("2026-07-06T00:00:00Z"), &vec![Some(f64::from(value)); 80]);
        let condition: Condition = format!("a anomaly sensitivity high over {weeks} weeks per day").parse().unwrap();
        prop_assert!(!matches!(evaluate(&condition, &history), Verdict::Firing(_)));
    }

    /// The back-test counts in one go what the machine, check by check, would have found.
    #[test]
    fn the_back_test_is_the_machine(
        condition in conditions(), figures in values(60), every in 7..5000_u64, behind in 0..3000_i64, offset in 0..1000_i64
    ) {
        let from = at("2026-09-01T00:00:00Z");
        let mut history = history(condition.per, Tz::UTC, from, &figures);
        history.behind = TimeDelta::minutes(behind);
        let start = from + TimeDelta::minutes(offset);
        let end = history.settled + TimeDelta::minutes(90);
        let found = backtest(&condition, &history, Span(Duration::from_mins(every)), start, end);
        let (mut standing, mut fired, mut checks, mut unknown) = (Standing::default(), Vec::<Fired>::new(), 0, 0);
        let mut check = start;
        while check <= end {
            let seen = History { settled: check - history.behind, ..history.clone() };
            let verdict = evaluate(&condition, &seen);
            let before = standing;
            standing = standing.after(&verdict, condition.checks(), check);
            if let (None, Some(at), Verdict::Firing(look)) = (before.firing_since, standing.firing_since, &verdict) {
                fired.push(Fired { at, until: None, look: look.clone() });
            }
            if standing.quieted.is_some() {
                fired.last_mut().unwrap().until = Some(check);
            }
            unknown += u64::from(matches!(verdict, Verdict::Unknown(_)));
            checks += 1;
            check += TimeDelta::minutes(i64::try_from(every).unwrap());
        }
        prop_assert_eq!(found.fired, fired);
        prop_assert_eq!((found.checks, found.unknown), (checks, unknown));
    }
}
