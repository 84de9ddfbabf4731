//! The card of a report: figures in words first, then the chart, then the table behind it, then what it rests on. Pure.

use super::grid::{Axis, Column, Grid, grid};
use super::{Answered, Asked, Compare, week};
use crate::analytics::asking::{cost, dates, percentage, spoken, states, word};
use crate::analytics::beside::{Failed, differences, told};
use crate::analytics::number;
use crate::wording::{line, table};
use bellhop_core::analytics::Measure;
use bellhop_core::card::Block;
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use bellhop_core::period::Range;
use bellhop_core::{Card, Span, Timestamp};

/// The card.
pub(super) fn card(asked: &Asked, answered: &[Answered], failed: &[Failed]) -> Card {
    let grid = grid(asked, answered);
    let title = format!("{}, {}", subject(asked), period(asked));
    let mut card = Card::titled(title.clone());
    for one in answered {
        card = card.and_spans(figures(asked, one, answered.len() > 1));
    }
    card = told(card, failed);
    if asked.drawn == Some(ChartKind::Heat) && asked.by.is_none() && grid.any() {
        // Hundreds of hours say more as the hours of a week, in the table too.
        let week = week::Week::of(asked, &grid);
        card = card
            .and_text(week.said())
            .block(Block::Chart(week.chart(title, &unit(asked, answered))))
            .block(Block::Table(week.table(&subject(asked))));
        return card.and_fields(basis(asked, answered));
    }
    let said = highlights(asked, &grid, answered);
    if !said.is_empty() {
        card = card.and_text(said);
    }
    if grid.any() {
        if let Some(kind) = asked.drawn {
            card = card.block(Block::Chart(chart(asked, answered, &grid, kind, title)));
        }
        card = card.block(Block::Table(rows(asked, &grid)));
    }
    card.and_fields(basis(asked, answered))
}

/// Whether figures can be added up: people count in several places, and averages are of different numbers.
pub(super) const fn additive(asked: &Asked) -> bool {
    matches!(asked.measure, Measure::Count | Measure::Sum(_))
}

/// What is counted: `page_views`, `people with page_views`, `revenue of purchase`.
pub(super) fn subject(asked: &Asked) -> String {
    let metric = line(&asked.metric);
    match &asked.measure {
        Measure::Count => metric,
        Measure::Users => format!("people with {metric}"),
        Measure::Sum(property) => format!("{} of {metric}", line(property)),
        Measure::Average(property) => format!("average {} of {metric}", line(property)),
    }
}

/// The unit of the figures, for axes and words; empty for a plain count.
fn unit(asked: &Asked, answered: &[Answered]) -> String {
    let said = answered.first().map(|one| line(&one.frame.unit)).unwrap_or_default();
    match &asked.measure {
        _ if !said.is_empty() => said,
        Measure::Users => "people".to_owned(),
        Measure::Count | Measure::Sum(_) | Measure::Average(_) => String::new(),
    }
}

fn period(asked: &Asked) -> String {
    spoken(&asked.period)
}

/// Total and change of one source, in words.
fn figures(asked: &Asked, one: &Answered, several: bool) -> Vec<Span> {
    let unit = unit(asked, std::slice::from_ref(one));
    let total = one.frame.total;
    let shown = if unit.is_empty() { number(total) } else { format!("{} {unit}", number(total)) };
    let mut spans = Vec::new();
    if several {
        spans.extend([Span::Bold(one.source.to_string()), ": ".into()]);
    }
    let metric = line(&asked.metric);
    let nothing = total == 0.0 && one.frame.rows.iter().all(|row| row.value == 0.0);
    match &asked.measure {
        Measure::Users if nothing => spans.push(format!("Nobody with {metric} in this period.").into()),
        _ if nothing => spans.push(format!("No {} in this period.", subject(asked)).into()),
        Measure::Count => spans.extend([Span::Bold(shown), format!(" {metric}.").into()]),
        Measure::Users => spans.extend([Span::Bold(shown), format!(" with {metric}.").into()]),
        Measure::Sum(property) => spans.extend([Span::Bold(shown), format!(" is the sum of {} over {metric}.", line(property)).into()]),
        Measure::Average(property) => {
            spans.extend([Span::Bold(shown), format!(" is the average of {} over {metric}.", line(property)).into()]);
        }
    }
    if let Some(previous) = &one.previous {
        let change = change(total, previous.total, earlier(asked));
        let said = if unfinished(asked, std::slice::from_ref(one)) {
            format!(" So far: {}{}", change[..1].to_lowercase(), &change[1..])
        } else {
            format!(" {change}")
        };
        spans.push(said.into());
    }
    spans
}

/// Whether the period is not over, or a source has not counted all of it.
fn unfinished(asked: &Asked, answered: &[Answered]) -> bool {
    asked.now < asked.range.to || answered.iter().any(|one| !one.basis.complete)
}

/// What the period is compared with.
fn earlier(asked: &Asked) -> &'static str {
    asked.compare.unwrap_or(Compare::Previous).when()
}

/// How a figure compares with the one before, in a sentence.
fn change(now: f64, before: f64, earlier: &str) -> String {
    let was = format!("from {} {earlier}.", number(before));
    if before == 0.0 || !before.is_finite() || !now.is_finite() {
        return if now.total_cmp(&before).is_eq() {
            format!("As {earlier}.")
        } else {
            format!("{} {was}", if now > before { "Up" } else { "Down" })
        };
    }
    let percent = (now - before) / before.abs() * 100.0;
    if percent.abs() < 0.05 {
        return format!("Unchanged {was}");
    }
    format!("{} {} % {was}", if percent > 0.0 { "Up" } else { "Down" }, percentage(percent.abs()))
}

/// The highest position of one series of times, or the largest groups.
fn highlights(asked: &Asked, grid: &Grid, answered: &[Answered]) -> String {
    let Some(first) = grid.columns.first().filter(|_| grid.any()) else { return String::new() };
    let mut said = Vec::new();
    match &grid.axis {
        Axis::Time(at) if asked.by.is_none() && answered.len() == 1 => {
            let values = || first.values.iter().enumerate().filter_map(|(position, value)| value.map(|value| (position, value)));
            if let Some((position, most)) = values().max_by(|a, b| a.1.total_cmp(&b.1))
                && at.len() > 1
            {
                said.push(format!("The most was {} {}.", number(most), moment(asked, at[position])));
            }
        }
        Axis::Time(_) => {
            let of = |values: &[Option<f64>]| number(values.iter().flatten().sum());
            if asked.by.is_some() && additive(asked) {
                let told: Vec<String> =
                    grid.columns.iter().take(3).map(|column| format!("{} {}", column.name, of(&column.values))).collect();
                said.push(format!("Most: {}.", told.join(", ")));
            }
        }
        Axis::Groups(names) if names.len() > 1 => {
            let total = answered.first().map_or(0.0, |one| one.frame.total);
            let told: Vec<String> = names
                .iter()
                .zip(&first.values)
                .take(3)
                .map(|(name, value)| {
                    let value = value.unwrap_or(0.0);
                    let share = if total > 0.0 && additive(asked) && value >= 0.0 {
                        format!(" ({} %)", percentage(value / total * 100.0))
                    } else {
                        String::new()
                    };
                    format!("{name} {}{share}", number(value))
                })
                .collect();
            said.push(format!("Most: {}.", told.join(", ")));
        }
        Axis::Groups(_) => {}
    }
    said.join(" ")
}

/// A position in time with its preposition, in a sentence.
fn moment(asked: &Asked, at: Timestamp) -> String {
    let there = at.with_timezone(&asked.zone);
    match asked.interval {
        Some(Interval::Hour) => format!("in the hour from {}", there.format("%a %Y-%m-%d %H:%M")),
        Some(Interval::Week) => format!("in the week from {}", there.format("%Y-%m-%d")),
        Some(Interval::Month) => format!("in {}", there.format("%Y-%m")),
        Some(Interval::Day) | None => format!("on {}", there.format("%a %Y-%m-%d")),
    }
}

/// A position in time as a row's heading.
fn heading(asked: &Asked, at: Timestamp) -> String {
    let there = at.with_timezone(&asked.zone);
    let format = match asked.interval {
        Some(Interval::Hour) => "%Y-%m-%d %H:%M",
        Some(Interval::Month) => "%Y-%m",
        Some(Interval::Week) => "%Y-%m-%d",
        Some(Interval::Day) | None => "%Y-%m-%d %a",
    };
    there.format(format).to_string()
}

fn chart(asked: &Asked, answered: &[Answered], grid: &Grid, kind: ChartKind, title: String) -> Chart {
    let x = match &grid.axis {
        Axis::Time(at) => {
            XAxis::Time { at: at.clone(), zone: asked.zone.name().to_owned(), interval: asked.interval.unwrap_or(Interval::Day) }
        }
        Axis::Groups(names) => XAxis::Category(names.clone()),
    };
    let series = grid
        .columns
        .iter()
        .map(|column| Series {
            name: column.name.clone(),
            // A drawing has no place for what is no number.
            values: column.values.iter().map(|value| value.filter(|value| value.is_finite())).collect(),
            style: if column.previous { SeriesStyle::Previous } else { settling(asked, answered, grid, column) },
        })
        .collect();
    let alt = described(asked, answered, grid, kind);
    Chart { title, kind, x, unit: unit(asked, answered), series, last_incomplete: grid.last_incomplete, alt }
}

/// How a column of the present is drawn: with what its source may still change, where that is more than the last interval.
fn settling(asked: &Asked, answered: &[Answered], grid: &Grid, column: &Column) -> SeriesStyle {
    let Axis::Time(at) = &grid.axis else { return SeriesStyle::Solid };
    // Columns of several sources are called as they are; those of one are all that source's.
    let source = if answered.len() == 1 { answered.first() } else { answered.iter().find(|one| one.source.as_str() == column.name) };
    let Some(from) = source.and_then(|one| one.basis.settling_from) else { return SeriesStyle::Solid };
    let ends = |position: usize| at.get(position + 1).copied().unwrap_or(asked.range.to);
    let shown = column.values.iter().filter(|value| value.is_some()).count();
    let open = (0..shown).filter(|position| ends(*position) > from).count().max(usize::from(grid.last_incomplete));
    u32::try_from(open).map_or(SeriesStyle::Solid, |open| if open == 0 { SeriesStyle::Solid } else { SeriesStyle::Open(open) })
}

/// What the picture says, for those who don't see it.
fn described(asked: &Asked, answered: &[Answered], grid: &Grid, kind: ChartKind) -> String {
    let how = kind.called();
    let along = match (asked.interval, &asked.by) {
        (Some(interval), Some(by)) => format!("by {} and {}", word(interval), line(by)),
        (Some(interval), None) => format!("by {}", word(interval)),
        (None, by) => format!("by {}", by.as_deref().map(line).unwrap_or_default()),
    };
    let totals: Vec<String> = answered
        .iter()
        .map(|one| if answered.len() > 1 { format!("{} {}", one.source, number(one.frame.total)) } else { number(one.frame.total) })
        .collect();
    let mut alt = format!("{how} of {} {along}, {}: {} in all.", subject(asked), period(asked), totals.join(", "));
    let said = highlights(asked, grid, answered);
    if !said.is_empty() {
        alt = format!("{alt} {said}");
    }
    alt
}

fn rows(asked: &Asked, grid: &Grid) -> bellhop_core::card::Table {
    let first = match (&grid.axis, asked.interval) {
        (Axis::Time(_), Some(Interval::Hour)) => "Hour".to_owned(),
        (Axis::Time(_), Some(Interval::Week)) => "Week from".to_owned(),
        (Axis::Time(_), Some(Interval::Month)) => "Month".to_owned(),
        (Axis::Time(_), _) => "Day".to_owned(),
        (Axis::Groups(_), _) => asked.by.as_deref().map(line).unwrap_or_default(),
    };
    // The change has a column where there is one figure and the one before.
    let pair = match grid.columns.as_slice() {
        [now, before] if before.previous && !now.previous => Some((now, before)),
        _ => None,
    };
    // A heading that ends in # would be taken for a mark, so columns are built by hand after the first.
    let mut table = table(format!("{}, {}", subject(asked), period(asked)), &[], Vec::new());
    let column = |name: String, numeric: bool| bellhop_core::card::Column { name, numeric };
    table.columns.push(column(first, false));
    table.columns.extend(grid.columns.iter().map(|one| column(one.name.clone(), true)));
    if pair.is_some() {
        table.columns.push(column("Change".to_owned(), true));
    }
    for position in 0..grid.axis.len() {
        let mut heading = match &grid.axis {
            Axis::Time(at) => heading(asked, at[position]),
            Axis::Groups(names) => names[position].clone(),
        };
        if grid.filling == Some(position) {
            heading = format!("{heading} (so far)");
        }
        let figure = |value: Option<f64>| vec![Span::from(value.map_or_else(|| "–".to_owned(), number))];
        let mut cells = vec![vec![Span::from(heading)]];
        cells.extend(grid.columns.iter().map(|one| figure(one.values[position])));
        if let Some((now, before)) = pair {
            cells.push(vec![difference(now.values[position], before.values[position]).into()]);
        }
        table.rows.push(cells);
    }
    table
}

fn difference(now: Option<f64>, before: Option<f64>) -> String {
    match (now, before) {
        (Some(now), Some(before)) if before != 0.0 && now.is_finite() && before.is_finite() => {
            let percent = (now - before) / before.abs() * 100.0;
            let sign = if percent >= 0.05 {
                "+"
            } else if percent <= -0.05 {
                "-"
            } else {
                ""
            };
            format!("{sign}{} %", percentage(percent.abs()))
        }
        _ => "–".to_owned(),
    }
}

/// What the figures rest on: when, in which zone, counted how, and how complete.
fn basis(asked: &Asked, answered: &[Answered]) -> Vec<(&'static str, String)> {
    let mut basis = vec![("Period", format!("{}, {}", days(asked, asked.range), asked.zone.name()))];
    if let Some(before) = asked.previous {
        basis.push((if asked.compare == Some(Compare::Year) { "A year before" } else { "Before" }, days(asked, before)));
    }
    let counted = match &asked.measure {
        Measure::Count => "how often it happened".to_owned(),
        Measure::Users => "each person once".to_owned(),
        Measure::Sum(property) => format!("the sum of {}", line(property)),
        Measure::Average(property) => format!("the average of {}", line(property)),
    };
    basis.push(("Counted", counted));
    if !asked.conditions.is_empty() {
        let conditions: Vec<String> = asked.conditions.iter().map(|condition| line(&condition.to_string())).collect();
        basis.push(("Only", conditions.join(", ")));
    }
    let mut states = Vec::new();
    if unfinished(asked, answered) {
        let what = asked.interval.map_or_else(|| "the period".to_owned(), |interval| format!("the last {}", word(interval)));
        states.push(format!("{what} is still filling up"));
    }
    let several = answered.len() > 1;
    let who = |one: &Answered| if several { format!("{}: ", one.source) } else { String::new() };
    for one in answered {
        // What differs between sources has a line of its own below.
        let mut alike = one.basis.clone();
        if several {
            (alike.sampled, alike.settling_from) = (1.0, None);
        }
        states.extend(self::states(&alike, asked.zone).into_iter().map(|state| format!("{}{state}", who(one))));
    }
    basis.push(("Data", if states.is_empty() { "complete".to_owned() } else { states.join("; ") }));
    let sources: Vec<String> = answered.iter().map(|one| one.source.to_string()).collect();
    basis.push(("Source", sources.join(", ")));
    let zones: Vec<String> = answered
        .iter()
        .filter(|one| !several && one.basis.zone != asked.zone)
        .map(|one| format!("{}: the source cuts them in its own zone", one.basis.zone.name()))
        .collect();
    let notes = answered.iter().flat_map(|one| one.basis.notes.iter().map(|note| format!("{}{}", who(one), line(note)))).collect();
    let costs = answered.iter().filter_map(|one| cost(&one.basis).map(|cost| format!("{}{cost}", who(one)))).collect();
    for (name, told) in [("Days of", zones), ("Note", notes), ("Cost", costs)] {
        if !told.is_empty() {
            basis.push((name, told.join("; ")));
        }
    }
    basis.extend(differences(&answered.iter().map(|one| &one.basis).collect::<Vec<_>>(), asked.zone));
    basis
}

fn days(asked: &Asked, range: Range) -> String {
    dates(&asked.period, range, asked.zone)
}
