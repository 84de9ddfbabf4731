//! What a back-test shows: in words, as a chart with the limit as a line and the moments marked, and as a table. Pure.

use super::look::Looked;
use crate::wording::{ago, count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::chart::{Chart, ChartKind, Series, SeriesStyle, XAxis};
use bellhop_core::watch::{Condition, Fired, Look, Series as Figures, Test, looks};
use bellhop_core::{Card, Timestamp};
use chrono::TimeDelta;

/// How many of the times it would have fired are listed, the latest first.
const LISTED: usize = 10;

/// The back-test in a sentence: "would have fired 3 times in 90 days".
pub(super) fn verdict(looked: &Looked) -> String {
    let past = &looked.past;
    let days = count(looked.days as usize, "day");
    if past.checks == past.unknown {
        let why = past.why_unknown.as_deref().map(|why| format!(": {}", line(why))).unwrap_or_default();
        return format!("It could not have told anything in the last {days}{why}.");
    }
    let times = match past.fired.len() {
        0 => return format!("It would not have fired in {days}."),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    };
    let still = if past.fired.last().is_some_and(|fired| fired.until.is_none()) { ", and would be firing now" } else { "" };
    format!("It would have fired {times} in {days}{still}.")
}

/// What the back-test could not tell, where that is a part of it.
pub(super) fn unsure(looked: &Looked) -> Option<String> {
    let past = &looked.past;
    if past.unknown == 0 || past.unknown == past.checks {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a share in whole percent")]
    let share = past.unknown as f64 / past.checks as f64 * 100.0;
    let why = past.why_unknown.as_deref().map(|why| format!(", as {}", line(why))).unwrap_or_default();
    Some(format!("In {} % of that time it could not have told{why}.", share.ceil()))
}

/// Adds the chart and the table of a back-test.
pub(super) fn draw(card: Card, condition: &Condition, looked: &Looked) -> Card {
    let fired = &looked.past.fired;
    // Of several values of a property, the one that would have fired first; else the largest.
    let group = fired.first().map(|first| first.look.group.as_ref());
    let series = looked.history.series.iter().find(|one| group.is_none_or(|group| one.group.as_ref() == group));
    let Some(series) = series else { return card };
    let card = match chart(condition, looked, series) {
        Some(chart) => card.block(Block::Chart(chart)),
        None => card,
    };
    if fired.is_empty() {
        return card;
    }
    let zone = looked.history.zone;
    let row = |one: &Fired| {
        let lasted = match one.until {
            Some(until) => ago(one.at, until),
            None => "still on".to_owned(),
        };
        let why = match &one.look.group {
            Some(group) if !one.look.why.starts_with(group.as_str()) => format!("{group}: {}", one.look.why),
            _ => one.look.why.clone(),
        };
        vec![vec![local(one.at, zone).into()], vec![lasted.into()], vec![line(&why).into()]]
    };
    let rows = fired.iter().rev().take(LISTED).map(row).collect();
    let caption = if fired.len() > LISTED {
        format!("the last {LISTED} of {} times that it would have fired", fired.len())
    } else {
        "when it would have fired".to_owned()
    };
    card.block(Block::Table(table(caption, &["Fired", "For", "Because"], rows)))
}

fn chart(condition: &Condition, looked: &Looked, series: &Figures) -> Option<Chart> {
    let over = |from: Timestamp, to: Timestamp| from >= looked.from && to <= looked.history.settled;
    let all: Vec<Option<Look>> = looks(condition, series);
    let shown: Vec<(usize, Timestamp, Option<f64>)> = series
        .points()
        .iter()
        .enumerate()
        .filter(|(_, point)| over(point.from, point.to))
        .map(|(position, point)| (position, point.from, point.value))
        .collect();
    if shown.len() < 2 {
        return None;
    }
    let limit = |side: fn(&Look) -> Option<f64>| -> Vec<Option<f64>> {
        shown.iter().map(|(position, ..)| all[*position].as_ref().and_then(side)).collect()
    };
    let (low, high) = (limit(|look| look.low), limit(|look| look.high));
    let marks: Vec<Option<f64>> = shown
        .iter()
        .map(|(_, from, value)| {
            value.filter(|_| looked.past.fired.iter().any(|one| one.look.from == *from && one.look.group == series.group))
        })
        .collect();
    let subject = match &series.group {
        Some(group) => format!("{} ({})", condition.subject(), line(group)),
        None => condition.subject(),
    };
    let times = looked.past.fired.len();
    let mut drawn =
        vec![Series { name: subject.clone(), values: shown.iter().map(|(.., value)| *value).collect(), style: SeriesStyle::Solid }];
    if marks.iter().any(Option::is_some) {
        drawn.push(Series { name: "would have fired".to_owned(), values: marks, style: SeriesStyle::Solid });
    }
    for (values, name) in [(low, "fires below"), (high, "fires above")] {
        if values.iter().any(Option::is_some) {
            drawn.push(Series { name: name.to_owned(), values, style: SeriesStyle::Previous });
        }
    }
    let zone = looked.history.zone;
    let day = |at: Timestamp| at.with_timezone(&zone).format("%Y-%m-%d").to_string();
    let per = condition.per.word();
    let values = shown.iter().filter_map(|(.., value)| *value);
    let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
    let limits = match &condition.test {
        Test::Absent { .. } => String::new(),
        _ => " and the limit at which the watch fires".to_owned(),
    };
    let when: Vec<String> = looked.past.fired.iter().rev().take(3).map(|one| day(one.at)).collect();
    let told = match times {
        0 => "It would not have fired.".to_owned(),
        _ => format!("It would have fired {}, last on {}.", count(times, "time"), when.join(", ")),
    };
    let range = if least.is_finite() {
        format!(" between {} and {}", bellhop_core::watch::figure(least), bellhop_core::watch::figure(most))
    } else {
        String::new()
    };
    let (first, last) = (shown.first()?.1, shown.last()?.1 + TimeDelta::seconds(1));
    Some(Chart {
        title: format!("{subject} per {per}"),
        kind: ChartKind::Line,
        unit: String::new(),
        alt: format!("{subject} per {per} from {} to {}{range}{limits}. {told}", day(first), day(last)),
        x: XAxis::Time {
            at: shown.iter().map(|(_, from, _)| *from).collect(),
            zone: zone.name().to_owned(),
            interval: condition.per.interval(),
        },
        series: drawn,
        last_incomplete: false,
    })
}
