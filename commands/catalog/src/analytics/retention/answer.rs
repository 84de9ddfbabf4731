//! The card of a retention: words, a field of shades, and a row per cohort; of several sources, a line and a row each. Pure.

use crate::analytics::asking::{percentage, share, word};
use crate::analytics::number;
use crate::wording::{line, table};
use bellhop_core::Card;
use bellhop_core::analytics::{RetentionCell, RetentionCohort, RetentionFigures, RetentionKind};
use bellhop_core::card::{Block, Column, Span, Table};
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use bellhop_core::ids::SourceName;
use chrono_tz::Tz;
use std::fmt::Write as _;

/// The card; days are those of the zone.
pub(super) fn card(title: String, figures: &RetentionFigures, zone: Tz, drawn: Option<ChartKind>) -> Card {
    let card = Card::titled(title.clone());
    let people: f64 = figures.cohorts.iter().map(|cohort| cohort.size).sum();
    if people == 0.0 || figures.columns.is_empty() {
        return card.and_text("Nobody began in this period.");
    }
    let combined = figures.combined();
    let unit = word(figures.unit);
    let mut said = format!("{} people began.", number(people));
    let told = figures.columns.iter().zip(&combined).filter(|(column, _)| column.as_str() != "0");
    let told: Vec<String> = told
        .filter_map(|(column, all)| all.map(|(back, of)| format!("{} came back in {unit} {}", share(back, of), line(column))))
        .take(3)
        .collect();
    if told.is_empty() {
        said.push_str(" The time to come back is not over for any of them yet.");
    } else {
        let _ = write!(said, " Of those who had the time for it, {}.", told.join(", "));
    }
    let mut card = card.and_text(said.clone());
    if let Some(kind) = drawn {
        let series = if kind == ChartKind::Heat { field(figures, zone) } else { vec![of_all("came back", figures)] };
        if series.iter().any(|row| row.values.iter().any(Option::is_some)) {
            card = card.block(Block::Chart(Chart {
                title: title.clone(),
                kind,
                x: XAxis::Category(figures.columns.iter().map(|column| format!("{unit} {}", line(column))).collect()),
                unit: "%".to_owned(),
                series,
                last_incomplete: false,
                alt: format!("{} of the share that came back, by {unit} after the first: {title}. {said}", kind.called()),
            }));
        }
    }
    let open = figures.cohorts.iter().flat_map(|cohort| &cohort.cells).flatten().any(|cell| !cell.complete);
    card = card.block(Block::Table(rows(title, figures, &combined, zone)));
    if open { card.and_text("* The time for it is not over yet: more may come back. These are left out of the last row.") } else { card }
}

/// A row per cohort, the newest last; what is still filling up stands at its end.
fn field(figures: &RetentionFigures, zone: Tz) -> Vec<Series> {
    let row = |cohort: &RetentionCohort| {
        let values = (0..figures.columns.len()).map(|at| cohort.cells.get(at).copied().flatten()).map(|cell| {
            let share = cell?.people / cohort.size * 100.0;
            share.is_finite().then_some(share)
        });
        let open = cohort.cells.iter().flatten().rev().take_while(|cell| !cell.complete).count();
        let name = cohort.start.with_timezone(&zone).format(dated(figures.unit)).to_string();
        Series {
            name: match &cohort.group {
                Some(group) => format!("{name} {}", crate::analytics::report::named(Some(group))),
                None => name,
            },
            values: values.collect(),
            style: if open == 0 { SeriesStyle::Solid } else { SeriesStyle::Open(u32::try_from(open).unwrap_or(u32::MAX)) },
        }
    };
    figures.cohorts.iter().map(row).collect()
}

/// The share of all cohorts together, of those who had the time for it.
fn of_all(name: &str, figures: &RetentionFigures) -> Series {
    let share =
        |all: Option<(f64, f64)>| all.and_then(|(back, of)| (of > 0.0).then(|| back / of * 100.0)).filter(|share| share.is_finite());
    Series { name: name.to_owned(), values: figures.combined().into_iter().map(share).collect(), style: SeriesStyle::Solid }
}

/// The card of several sources: all cohorts of each together, in a line and a row each.
pub(super) fn beside(title: String, sources: &[(SourceName, &RetentionFigures)], drawn: Option<ChartKind>) -> Card {
    let longest = sources.iter().max_by_key(|(_, figures)| figures.columns.len());
    let Some((_, first)) = longest else { return Card::titled(title) };
    let unit = word(first.unit);
    let said: Vec<String> = sources
        .iter()
        .map(|(source, figures)| {
            let people: f64 = figures.cohorts.iter().map(|cohort| cohort.size).sum();
            let back = figures.combined().into_iter().zip(&figures.columns).filter(|(_, column)| column.as_str() != "0");
            let first = back
                .filter_map(|(all, column)| all.map(|(back, of)| format!(", {} came back in {unit} {}", share(back, of), line(column))));
            format!("{source}: {} people began{}.", number(people), first.take(1).collect::<String>())
        })
        .collect();
    let mut card = Card::titled(title.clone()).and_text(said.join("\n"));
    let series: Vec<Series> = sources.iter().map(|(source, figures)| of_all(source.as_str(), figures)).collect();
    if let Some(kind) = drawn.filter(|_| series.iter().any(|row| row.values.iter().any(Option::is_some))) {
        card = card.block(Block::Chart(Chart {
            title: title.clone(),
            kind,
            x: XAxis::Category(first.columns.iter().map(|column| format!("{unit} {}", line(column))).collect()),
            unit: "%".to_owned(),
            series: series
                .into_iter()
                .map(|mut row| {
                    row.values.resize(first.columns.len(), None);
                    row
                })
                .collect(),
            last_incomplete: false,
            alt: format!("{} of the share that came back, by {unit} after the first: {title}. {}", kind.called(), said.join(" ")),
        }));
    }
    let mut shown = table(title, &["Source", "People#"], Vec::new());
    shown.columns.extend(first.columns.iter().map(|name| Column { name: line(name), numeric: true }));
    for (source, figures) in sources {
        let mut row: Vec<Vec<Span>> = vec![vec![source.to_string().into()]];
        row.push(vec![number(figures.cohorts.iter().map(|cohort| cohort.size).sum()).into()]);
        let combined = figures.combined();
        row.extend(
            (0..first.columns.len())
                .map(|at| vec![combined.get(at).copied().flatten().map_or_else(|| "–".to_owned(), |(back, of)| heat(back, of)).into()]),
        );
        shown.rows.push(row);
    }
    card.block(Block::Table(shown))
}

/// How the beginning of a cohort is written.
const fn dated(unit: Interval) -> &'static str {
    match unit {
        Interval::Hour => "%Y-%m-%d %H:%M",
        Interval::Day | Interval::Week => "%Y-%m-%d",
        Interval::Month => "%Y-%m",
    }
}

/// How it is counted, in a phrase.
pub(super) fn counted(kind: &RetentionKind, unit: Interval) -> String {
    let unit = word(unit);
    match kind {
        RetentionKind::InUnit => format!("who came back in exactly that {unit} after the first"),
        RetentionKind::Unbounded => format!("who came back in that {unit} after the first or later"),
        RetentionKind::Brackets(_) => format!("who came back in any of those {unit}s after the first"),
    }
}

fn rows(title: String, figures: &RetentionFigures, combined: &[Option<(f64, f64)>], zone: Tz) -> Table {
    let grouped = figures.cohorts.iter().any(|cohort| cohort.group.is_some());
    let mut table = table(title, &[], Vec::new());
    let heading = match figures.unit {
        Interval::Hour => "Hour",
        Interval::Day => "Day",
        Interval::Week => "Week from",
        Interval::Month => "Month",
    };
    let column = |name: String, numeric| Column { name, numeric };
    table.columns.push(column(heading.to_owned(), false));
    if grouped {
        table.columns.push(column("Group".to_owned(), false));
    }
    table.columns.push(column("People".to_owned(), true));
    table.columns.extend(figures.columns.iter().map(|name| column(line(name), true)));
    let format = dated(figures.unit);
    for cohort in &figures.cohorts {
        let mut row: Vec<Vec<Span>> = vec![vec![cohort.start.with_timezone(&zone).format(format).to_string().into()]];
        if grouped {
            row.push(vec![crate::analytics::report::named(cohort.group.as_deref()).into()]);
        }
        row.push(vec![number(cohort.size).into()]);
        row.extend((0..figures.columns.len()).map(|at| vec![cell(cohort.cells.get(at).copied().flatten(), cohort.size).into()]));
        table.rows.push(row);
    }
    let mut row: Vec<Vec<Span>> = vec![vec!["All".into()]];
    if grouped {
        row.push(vec!["".into()]);
    }
    row.push(vec![number(figures.cohorts.iter().map(|cohort| cohort.size).sum()).into()]);
    row.extend(combined.iter().map(|all| vec![all.map_or_else(|| "–".to_owned(), |(back, of)| heat(back, of)).into()]));
    table.rows.push(row);
    table
}

/// `▓ 42 % (21)`, with a star where more may come; empty for what has not begun.
fn cell(cell: Option<RetentionCell>, size: f64) -> String {
    let Some(cell) = cell else { return String::new() };
    let star = if cell.complete { "" } else { "*" };
    format!("{}{star}", heat(cell.people, size))
}

/// A share with a shade that grows with it, and the figure.
fn heat(part: f64, whole: f64) -> String {
    if whole <= 0.0 || !whole.is_finite() || !part.is_finite() {
        return "–".to_owned();
    }
    let share = part / whole * 100.0;
    let shade = match share {
        75.0.. => "█ ",
        50.0.. => "▓ ",
        25.0.. => "▒ ",
        5.0.. => "░ ",
        _ => "",
    };
    format!("{shade}{} % ({})", percentage(share), number(part))
}
