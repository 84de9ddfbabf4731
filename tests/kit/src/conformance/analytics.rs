//! The suite of [`AnalyticsSource`], for sources that answer from what was just given to them. A source that takes no
//! events here, or counts them hours later, is judged on prepared data by its own tests.
#![expect(clippy::float_cmp, reason = "the figures are small sums of halves and whole numbers, exact in binary")]

mod people;
mod questions;

use super::{Case, Outcome, Report, Verdict, cases, done, ensure, refuses, run, same};
use bellhop_core::analytics::{Basis, Comparison, Figures, Filter, Measure, NewEvent, Query, Trend, TrendFigures};
use bellhop_core::chart::Interval;
use bellhop_core::ports::AnalyticsSource;
use bellhop_core::{PortErrorKind, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

type Subject = Arc<dyn AnalyticsSource>;

/// Tries every sentence on sources that `subject` makes, an empty one for each, or one that has the events of [`sample`]. The events are of October 2026, which
/// must be in the past for the source.
///
/// # Panics
/// With the report, when a sentence is broken.
pub async fn suite<F: Future<Output = Subject>>(subject: impl FnMut() -> F) {
    report(subject).await.assert();
}

/// The same, and returns the report.
pub async fn report<F: Future<Output = Subject>>(subject: impl FnMut() -> F) -> Report {
    run("AnalyticsSource", &list(), subject).await
}

pub(crate) fn list() -> Vec<Case<Subject>> {
    cases! {
        "What can be asked for, for completion and did-you-mean: event names and built-in metrics." => metrics,
        "Names of properties that `event` has had, for completion." => properties,
        "Answers a question." => answers,
        "A metric that the source has never seen is `NotFound`, never a row of zeros." => never_seen,
        "Every interval of the period has its row, empty ones with zero." => intervals,
        "By interval (ascending) and then by group (largest total first)." => groups,
        "For `Users` it counts each person once, and so can be less than the sum." => users,
        "The zone that days and weeks are cut in." => zones,
        "They differ; a property that isn't there differs." => filters,
        "A person counts in a step once, if they did all steps before it in that order, the first within the period and the last no later than `within` after their first." => questions::ordered,
        "Nothing: each step is the very next thing that the person does." => questions::strict,
        "The steps come in any order." => questions::any_order,
        "In a unit: those who came back in exactly that one." => questions::in_unit,
        "In a unit: those who came back in that one or in any later one." => questions::unbounded,
        "In a bracket: those who came back in any of its units, from the first number to the last, both included, counted from 0." => questions::brackets,
        "What people pay." => questions::revenue,
        "A period, from `from` until before `to`, cut into days and weeks in `zone`." => questions::wrong_periods,
        "What is wrong with these events, without keeping any." => people::validates,
        "Changes what is known about people and groups." => people::identifies,
        "One bad change doesn't hold up the others; the positions of those refused are those of `changes`." => people::bad_changes,
        "Nobody's: the first id is from now on known to be the second person, such as an anonymous visitor who signed up." => people::merges,
        "What is known about a person, with at most `events` of their latest events." => people::person,
        "`NotFound` for one who was never seen." => people::nobody,
        "The cohorts that the source keeps, by name." => people::lists,
        "People of a cohort, from where `from` says." => people::pages,
        "`NotFound` when there is no such cohort." => people::no_cohort,
        "Makes a cohort of these people, or puts them in place of those in the one of that name." => people::makes,
        "Keeps a definition of a cohort under a name, or puts it in place of what has that name." => people::defines,
        "Who fits it is found anew whenever it is asked for." => people::found_anew,
        "Forgets a cohort, whether a list or a definition; the people in it stay." => people::forgets,
        "Raw events of a period as lines of JSON, of one event's name or of all." => people::exports,
        "Takes events in." => takes,
        "Each is taken once: an `insert_id` that was seen before is a duplicate." => once,
        "One bad event doesn't hold up the others." => bad,
    }
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::MIN_UTC)
}

fn event(id: &str, name: &str, who: &str, time: &str, properties: &Value) -> NewEvent {
    let properties: BTreeMap<String, Value> = serde_json::from_value(properties.clone()).unwrap_or_default();
    NewEvent { event: name.to_owned(), distinct_id: who.to_owned(), time: moment(time), insert_id: id.to_owned(), properties }
}

fn trend(metric: &str) -> Trend {
    Trend {
        metric: metric.to_owned(),
        measure: Measure::Count,
        from: moment("2026-10-01T00:00:00Z"),
        to: moment("2026-10-08T00:00:00Z"),
        zone: chrono_tz::UTC,
        interval: Some(Interval::Day),
        by: None,
        filters: Vec::new(),
    }
}

/// What the suite asks about: five sign-ups of three people on two days, one of them outside the week, and a purchase. A source
/// whose events are counted later is judged on one that has exactly these already.
#[must_use]
pub fn sample() -> Vec<NewEvent> {
    vec![
        event("1", "sign up", "ann", "2026-10-02T10:00:00Z", &json!({"plan": "free", "price": 0, "beta": true})),
        event("2", "sign up", "bob", "2026-10-02T11:00:00Z", &json!({"plan": "paid", "price": 9.5})),
        event("3", "sign up", "ann", "2026-10-05T23:59:59Z", &json!({"plan": "paid", "price": 20})),
        event("4", "sign up", "cem", "2026-10-05T00:00:00Z", &json!({"price": "12"})),
        event("5", "sign up", "cem", "2026-10-08T00:00:00Z", &json!({"plan": "free"})),
        event("6", "purchase", "ann", "2026-10-03T10:00:00Z", &json!({"revenue": 5})),
    ]
}

async fn fill(source: &Subject) -> Result<(), String> {
    let metrics = source.metrics().await.map_err(|error| format!("listing metrics failed: {error}"))?;
    if metrics.iter().any(|metric| metric.name == "sign up") {
        return Ok(());
    }
    let events = sample();
    let taken = source.track(events).await.map_err(|error| format!("tracking failed: {error}"))?;
    if (taken.taken, taken.duplicates, taken.refused.len()) == (6, 0, 0) { Ok(()) } else { Err(format!("of six good events: {taken:?}")) }
}

/// Ends the case where the source takes no events.
macro_rules! filled {
    ($source:expr) => {
        if let Err(error) = $source.track(Vec::new()).await
            && error.kind == PortErrorKind::Unsupported
        {
            return Ok(Outcome::NotOffered("it takes no events in"));
        }
        fill($source).await?;
    };
}

async fn ask(source: &Subject, trend: Trend) -> Result<TrendFigures, String> {
    ask_with_basis(source, trend).await.map(|(figures, _)| figures)
}

async fn ask_with_basis(source: &Subject, trend: Trend) -> Result<(TrendFigures, Basis), String> {
    let answer = source.query(&Query::Trend(trend)).await.map_err(|error| format!("asking failed: {error}"))?;
    match answer.figures {
        Figures::Trend(figures) => Ok((figures, answer.basis)),
        other => Err(format!("a trend was asked for, and answered by {other:?}")),
    }
}

fn values(frame: &TrendFigures) -> Vec<f64> {
    frame.rows.iter().map(|row| row.value).collect()
}

async fn metrics(source: &Subject) -> Verdict {
    filled!(source);
    let names: Vec<String> = done!(source.metrics().await, "listing metrics").into_iter().map(|metric| metric.name).collect();
    ensure!(names.contains(&"sign up".to_owned()) && names.contains(&"purchase".to_owned()), "the metrics are {names:?}");
    Ok(Outcome::Held)
}

async fn properties(source: &Subject) -> Verdict {
    filled!(source);
    let mut names = done!(source.properties("sign up").await, "listing properties");
    names.sort();
    same!(names, ["beta", "plan", "price"], "properties of `sign up`");
    same!(done!(source.properties("never").await, "listing properties"), Vec::<String>::new(), "properties of an event that never was");
    Ok(Outcome::Held)
}

async fn answers(source: &Subject) -> Verdict {
    filled!(source);
    let (frame, basis) = ask_with_basis(source, trend("sign up")).await?;
    same!(values(&frame), [0.0, 2.0, 0.0, 0.0, 2.0, 0.0, 0.0], "sign-ups by day");
    same!((frame.total, basis.complete), (4.0, true), "the total, and whether the last interval is over");
    let sum = ask(source, Trend { measure: Measure::Sum("price".into()), ..trend("sign up") }).await?;
    // A number that came as text counts: chat has nothing but text.
    same!(sum.total, 41.5, "the sum of a property");
    let one = ask(source, Trend { interval: None, ..trend("sign up") }).await?;
    same!((values(&one), one.rows.first().map(|row| row.at.is_none())), (vec![4.0], Some(true)), "one figure");
    Ok(Outcome::Held)
}

async fn never_seen(source: &Subject) -> Verdict {
    filled!(source);
    for metric in ["sign ups", "Sign Up", "", "%"] {
        refuses!(source.query(&Query::Trend(trend(metric))).await, PortErrorKind::NotFound, "asking for {metric:?}");
    }
    Ok(Outcome::Held)
}

async fn intervals(source: &Subject) -> Verdict {
    filled!(source);
    let empty = Trend { from: moment("2026-10-20T00:00:00Z"), to: moment("2026-10-23T00:00:00Z"), ..trend("sign up") };
    let frame = ask(source, empty).await?;
    let at: Vec<Option<Timestamp>> = frame.rows.iter().map(|row| row.at).collect();
    let expected = ["2026-10-20T00:00:00Z", "2026-10-21T00:00:00Z", "2026-10-22T00:00:00Z"].map(|day| Some(moment(day)));
    same!((at.as_slice(), values(&frame)), (expected.as_slice(), vec![0.0; 3]), "an empty part of the past");
    let hours = ask(source, Trend { interval: Some(Interval::Hour), to: moment("2026-10-03T00:00:00Z"), ..trend("sign up") }).await?;
    same!(hours.rows.len(), 48, "hours of two days");
    let weeks = ask(
        source,
        Trend {
            interval: Some(Interval::Week),
            from: moment("2026-10-05T00:00:00Z"),
            to: moment("2026-10-19T00:00:00Z"),
            ..trend("sign up")
        },
    )
    .await?;
    same!(values(&weeks), [3.0, 0.0], "two weeks, from Monday");
    Ok(Outcome::Held)
}

async fn groups(source: &Subject) -> Verdict {
    filled!(source);
    let frame = ask(source, Trend { by: Some("plan".into()), interval: None, ..trend("sign up") }).await?;
    let got: Vec<(Option<&str>, f64)> = frame.rows.iter().map(|row| (row.group.as_deref(), row.value)).collect();
    same!(got.first(), Some(&(Some("paid"), 2.0)), "the largest group first");
    let mut rest = got[1..].to_vec();
    rest.sort_by(|a, b| a.0.cmp(&b.0));
    same!(rest, [(None, 1.0), (Some("free"), 1.0)], "the others, events without the property among them");
    let daily = ask(source, Trend { by: Some("plan".into()), ..trend("sign up") }).await?;
    ensure!(daily.rows.is_sorted_by_key(|row| row.at), "rows don't ascend by interval: {:?}", daily.rows);
    same!(values(&daily).iter().sum::<f64>(), 4.0, "all rows together");
    Ok(Outcome::Held)
}

async fn users(source: &Subject) -> Verdict {
    filled!(source);
    let frame = ask(source, Trend { measure: Measure::Users, ..trend("sign up") }).await?;
    same!((values(&frame), frame.total), (vec![0.0, 2.0, 0.0, 0.0, 2.0, 0.0, 0.0], 3.0), "people by day, and all of them");
    Ok(Outcome::Held)
}

async fn zones(source: &Subject) -> Verdict {
    filled!(source);
    let tokyo = Trend {
        zone: chrono_tz::Asia::Tokyo,
        from: moment("2026-10-04T15:00:00Z"),
        to: moment("2026-10-07T15:00:00Z"),
        ..trend("sign up")
    };
    same!(values(&ask(source, tokyo).await?), [1.0, 1.0, 0.0], "days in Tokyo, nine hours ahead");
    let night = [
        event("7", "night", "ann", "2026-10-24T22:30:00Z", &json!({})),
        event("8", "night", "ann", "2026-10-25T22:30:00Z", &json!({})),
        event("9", "night", "ann", "2026-10-25T23:30:00Z", &json!({})),
    ];
    done!(source.track(night.to_vec()).await, "tracking");
    let berlin = Trend {
        zone: chrono_tz::Europe::Berlin,
        from: moment("2026-10-24T22:00:00Z"),
        to: moment("2026-10-26T23:00:00Z"),
        ..trend("night")
    };
    let frame = ask(source, berlin).await?;
    same!(values(&frame), [2.0, 1.0], "the day of 25 hours in Berlin, and the next");
    same!(frame.rows[1].at, Some(moment("2026-10-25T23:00:00Z")), "where the next begins");
    Ok(Outcome::Held)
}

async fn filters(source: &Subject) -> Verdict {
    filled!(source);
    let only = |property: &str, not, value: &str| Trend {
        filters: vec![Filter { property: property.into(), op: if not { Comparison::IsNot } else { Comparison::Is }, value: value.into() }],
        interval: None,
        ..trend("sign up")
    };
    for (property, not, value, expected) in [
        ("plan", false, "paid", 2.0),
        ("plan", true, "paid", 2.0),
        ("price", false, "9.5", 1.0),
        ("beta", false, "true", 1.0),
        ("plan", false, "' or 1=1 --", 0.0),
    ] {
        same!(
            ask(source, only(property, not, value)).await?.total,
            expected,
            "where {property} is{} {value}",
            if not { " not" } else { "" }
        );
    }
    Ok(Outcome::Held)
}

async fn takes(source: &Subject) -> Verdict {
    filled!(source);
    let many: Vec<NewEvent> = (0..2500)
        .map(|n| event(&format!("many {n}"), "many", &format!("u{}", n % 100), "2026-10-02T10:00:00Z", &json!({"n": n})))
        .collect();
    same!(done!(source.track(many).await, "tracking 2,500 events").taken, 2500, "events that were taken");
    same!(ask(source, trend("many")).await?.total, 2500.0, "events that were counted");
    Ok(Outcome::Held)
}

async fn once(source: &Subject) -> Verdict {
    filled!(source);
    let again = vec![
        event("1", "sign up", "ann", "2026-10-02T10:00:00Z", &json!({})),
        event("new", "sign up", "dan", "2026-10-02T10:00:00Z", &json!({})),
        event("new", "sign up", "dan", "2026-10-02T10:00:00Z", &json!({})),
    ];
    let taken = done!(source.track(again).await, "tracking");
    same!((taken.taken, taken.duplicates, taken.refused.len()), (1, 2, 0), "(taken, duplicates, refused)");
    same!(ask(source, trend("sign up")).await?.total, 5.0, "how many are counted");
    Ok(Outcome::Held)
}

async fn bad(source: &Subject) -> Verdict {
    filled!(source);
    let mixed = vec![
        event("a", "good", "ann", "2026-10-02T10:00:00Z", &json!({})),
        event("b", "", "ann", "2026-10-02T10:00:00Z", &json!({})),
        event("c", "good", "bob", "2026-10-02T10:00:00Z", &json!({"deep": {"er": [1, {"x": "\u{202e}"}]}})),
    ];
    let taken = done!(source.track(mixed).await, "tracking");
    same!((taken.taken, taken.duplicates), (2, 0), "(taken, duplicates)");
    same!(taken.refused.iter().map(|refused| refused.index).collect::<Vec<_>>(), [1], "positions of those refused: the one without a name");
    ensure!(!taken.refused[0].reason.is_empty(), "the refusal has no reason");
    same!(ask(source, trend("good")).await?.total, 2.0, "how many are counted");
    Ok(Outcome::Held)
}
