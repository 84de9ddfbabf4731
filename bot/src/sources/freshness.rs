//! How long an answer stands for a new one, and what a question is called.

use bellhop_core::analytics::{Answer, Query};
use bellhop_core::clock::Timestamp;
use chrono::TimeDelta;
use chrono_tz::Tz;
use sha2::{Digest as _, Sha256};

/// What happens in these minutes is another thing soon.
const NOW: TimeDelta = TimeDelta::seconds(20);
/// A period that is still filling, and one whose figures may still grow.
const FILLING: TimeDelta = TimeDelta::minutes(5);
/// A period that has just ended: what comes late to a source is mostly there within two days.
const ENDED: TimeDelta = TimeDelta::hours(1);
const LATE: TimeDelta = TimeDelta::days(2);
/// A period that is over and settled.
const SETTLED: TimeDelta = TimeDelta::hours(12);

/// The period of a question; none where it is about the present.
pub(super) fn period(query: &Query) -> Option<(Timestamp, Timestamp)> {
    match query {
        Query::Trend(trend) => Some((trend.from, trend.to)),
        Query::Now(_) => None,
        Query::Funnel(funnel) => Some((funnel.window.from, funnel.window.to)),
        Query::Retention(retention) => Some((retention.window.from, retention.window.to)),
        Query::Revenue(revenue) => Some((revenue.window.from, revenue.window.to)),
        Query::Saved { window, .. } => Some((window.from, window.to)),
    }
}

/// The zone that the question's days are in.
pub(super) fn zone(query: &Query) -> Tz {
    match query {
        Query::Trend(trend) => trend.zone,
        Query::Now(_) => Tz::UTC,
        Query::Funnel(funnel) => funnel.window.zone,
        Query::Retention(retention) => retention.window.zone,
        Query::Revenue(revenue) => revenue.window.zone,
        Query::Saved { window, .. } => window.zone,
    }
}

/// The kind of question, each with an allowance of its own at some services.
pub(super) fn lane(query: &Query) -> &'static str {
    match query {
        Query::Trend(_) => "trend",
        Query::Now(_) => "now",
        Query::Funnel(_) => "funnel",
        Query::Retention(_) => "retention",
        Query::Revenue(_) => "revenue",
        Query::Saved { .. } => "saved",
    }
}

/// How much a question asks for, compared with others of its kind: days, more where it is split or filtered.
pub(super) fn weight(query: &Query) -> i64 {
    let (by, filters) = match query {
        Query::Trend(trend) => (trend.by.is_some(), trend.filters.len()),
        Query::Funnel(funnel) => (funnel.by.is_some(), funnel.filters.len() + funnel.steps.len()),
        Query::Retention(retention) => (retention.by.is_some(), 0),
        Query::Revenue(revenue) => (revenue.by.is_some(), revenue.filters.len()),
        Query::Now(_) | Query::Saved { .. } => (false, 0),
    };
    let days = period(query).map_or(1, |(from, to)| (to - from).num_days().max(1));
    days.saturating_mul(1 + i64::try_from(filters).unwrap_or(i64::MAX - 1)).saturating_mul(if by { 4 } else { 1 })
}

/// The name of a question: the same for the same question, whoever asks.
pub(super) fn key(query: &Query) -> String {
    // Plain data: its serialisation has no way to fail.
    let text = serde_json::to_string(query).unwrap_or_default();
    hex::encode(Sha256::digest(text))
}

/// Until when an answer given now stands for a new one.
pub(super) fn until(query: &Query, answer: &Answer, now: Timestamp) -> Timestamp {
    let Some((_, to)) = period(query) else { return now + NOW };
    let growing = answer.basis.settling_from.is_some_and(|from| from < to);
    let stands = if to > now || !answer.basis.complete || growing {
        FILLING
    } else if now - to < LATE {
        ENDED
    } else {
        SETTLED
    };
    now + stands
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::analytics::{Basis, Figures, Measure, Now, Trend, TrendFigures};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn trend(from: &str, to: &str) -> Query {
        Query::Trend(Trend {
            metric: "signup".into(),
            measure: Measure::Count,
            from: at(from),
            to: at(to),
            zone: Tz::UTC,
            interval: None,
            by: None,
            filters: vec![],
        })
    }

    #[test]
    fn an_answer_is_good_for_as_long_as_its_period_allows() {
        let now = at("2026-11-23T12:00:00Z");
        let figures = Figures::Trend(TrendFigures { rows: vec![], unit: String::new(), total: 0.0 });
        let whole = Answer { figures, basis: Basis::whole("web".into(), Tz::UTC) };
        let good = |query: &Query, answer: &Answer| until(query, answer, now) - now;
        let (long, short) = (trend("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"), trend("2026-11-17T00:00:00Z", "2026-11-24T00:00:00Z"));
        assert_eq!(good(&long, &whole), SETTLED);
        assert_eq!(good(&short, &whole), FILLING, "today is not over");
        assert_eq!(good(&trend("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"), &whole), ENDED);
        let mut growing = whole.clone();
        growing.basis.settling_from = Some(at("2026-10-31T00:00:00Z"));
        assert_eq!(good(&long, &growing), FILLING);
        growing.basis = Basis { complete: false, ..Basis::whole("web".into(), Tz::UTC) };
        assert_eq!(good(&long, &growing), FILLING);
        let present = Query::Now(Now { metric: "users".into(), minutes: 30, by: None });
        assert!(good(&present, &whole) <= TimeDelta::seconds(20));
    }

    #[test]
    fn the_same_question_has_the_same_name_and_a_longer_one_weighs_more() {
        let (week, month) = (trend("2026-11-17T00:00:00Z", "2026-11-24T00:00:00Z"), trend("2026-10-25T00:00:00Z", "2026-11-24T00:00:00Z"));
        assert_eq!(key(&week), key(&week.clone()));
        assert_ne!(key(&week), key(&month));
        assert!(weight(&week) < weight(&month));
    }
}
