//! The card of a retention: words, a line of all cohorts together, and a row per cohort. Pure.

use crate::analytics::asking::{percentage, share, word};
use crate::analytics::number;
use crate::wording::{line, table};
use bellhop_core::Card;
use bellhop_core::analytics::{RetentionCell, RetentionFigures, RetentionKind};
use bellhop_core::card::{Block, Column, Span, Table};
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use chrono_tz::Tz;
use std::fmt::Write as _;

/// The card; days are those of the zone.
pub(super) fn card(title: String, figures: &RetentionFigures, zone: Tz) -> Card {
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
    let values: Vec<Option<f64>> = combined
        .iter()
        .map(|all| all.and_then(|(back, of)| (of > 0.0).then(|| back / of * 100.0)).filter(|share| share.is_finite()))
        .collect();
    let mut card = card.and_text(said.clone());
    if values.iter().any(Option::is_some) {
        card = card.block(Block::Chart(Chart {
            title: title.clone(),
            kind: ChartKind::Line,
            x: XAxis::Category(figures.columns.iter().map(|column| format!("{unit} {}", line(column))).collect()),
            unit: "%".to_owned(),
            series: vec![Series { name: "came back".to_owned(), values, style: SeriesStyle::Solid }],
            last_incomplete: false,
            alt: format!("Line chart of the share that came back, by {unit} after the first: {title}. {said}"),
        }));
    }
    let open = figures.cohorts.iter().flat_map(|cohort| &cohort.cells).flatten().any(|cell| !cell.complete);
    card = card.block(Block::Table(rows(title, figures, &combined, zone)));
    if open { card.and_text("* The time for it is not over yet: more may come back. These are left out of the last row.") } else { card }
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
    let format = match figures.unit {
        Interval::Hour => "%Y-%m-%d %H:%M",
        Interval::Day | Interval::Week => "%Y-%m-%d",
        Interval::Month => "%Y-%m",
    };
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
