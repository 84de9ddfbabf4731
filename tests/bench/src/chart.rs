//! Charts of every kind, from data to PNG: a thousand points, and as many bars, shades and steps as are still legible.

use crate::Failure;
use crate::figures::{Figure, Target, median, millis};
use bellhop_charts::{Theme, png, svg};
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use chrono::{DateTime, TimeDelta};
use std::time::Instant;

const PART: &str = "chart";
const TIMES: usize = 20;
const POINTS: usize = 1000;
/// What the bot draws for platforms that take pictures: twice the size on screen.
const WIDTH: u32 = 1440;

/// Measures it.
///
/// # Errors
/// A chart can't be drawn.
pub fn run() -> Result<Vec<Figure>, Failure> {
    let drawn = [
        (format!("PNG of {POINTS} points"), chart()),
        (format!("PNG of areas, 3 of {POINTS} points"), Chart { series: several(3, POINTS), kind: ChartKind::Area, ..chart() }),
        ("PNG of bars, 3 for each of 20".to_owned(), categories(ChartKind::Bar, 20, 3)),
        ("PNG of heat, 7 x 24".to_owned(), categories(ChartKind::Heat, 24, 7)),
        ("PNG of a funnel, 8 steps of 2".to_owned(), categories(ChartKind::Funnel, 8, 2)),
    ];
    drawn.into_iter().map(|(name, chart)| measured(name, &chart)).collect()
}

fn measured(name: String, chart: &Chart) -> Result<Figure, Failure> {
    let (mut vectors, mut pictures, mut size) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TIMES {
        let begun = Instant::now();
        std::hint::black_box(svg(chart, Theme::Light));
        vectors.push(begun.elapsed());
        let begun = Instant::now();
        size = png(chart, Theme::Light, WIDTH).map_err(|error| error.to_string())?.len();
        pictures.push(begun.elapsed());
    }
    let beside = format!("{:.1} ms of it for the SVG; {WIDTH} pixels wide, {} KiB", millis(median(vectors)), size / 1024);
    Ok(Figure::new(PART, name, millis(median(pictures)), "ms").target(Target::Below(50.0)).beside(beside))
}

/// So many series, each below the one before.
fn several(series: u32, length: usize) -> Vec<Series> {
    let values =
        |of: u32| (0..length).map(|at| Some(f64::from(u32::try_from(at * 7919 % 997).unwrap_or_default()) / f64::from(of))).collect();
    (1..=series).map(|of| Series { name: format!("series {of}"), values: values(of), style: SeriesStyle::Solid }).collect()
}

/// Several series over names.
fn categories(kind: ChartKind, length: usize, series: u32) -> Chart {
    let names = (0..length).map(|at| format!("name {at}")).collect();
    let mut all = several(series, length);
    // A funnel only loses.
    if kind == ChartKind::Funnel {
        let left = |at: usize| Some(1000.0 / f64::from(u32::try_from(at + 1).unwrap_or(1)));
        for one in &mut all {
            one.values = (0..length).map(left).collect();
        }
    }
    Chart { kind, x: XAxis::Category(names), series: all, last_incomplete: false, ..chart() }
}

/// Hours of a busy and somewhat ragged week after week.
fn chart() -> Chart {
    let hours = i64::try_from(POINTS).unwrap_or(1000);
    let at = (0..hours).map(|hour| DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hour)).collect();
    let value = |hour: i64| {
        let hour = u32::try_from(hour).unwrap_or_default();
        let day = (f64::from(hour % 24) / 24.0 * std::f64::consts::TAU).sin();
        Some((4000.0 + 2500.0 * day + f64::from(hour.wrapping_mul(7919) % 997)).round())
    };
    Chart {
        title: "Page views".to_owned(),
        kind: ChartKind::Line,
        x: XAxis::Time { at, zone: "Europe/Berlin".to_owned(), interval: Interval::Hour },
        unit: "views".to_owned(),
        series: vec![Series { name: "page_views".to_owned(), values: (0..hours).map(value).collect(), style: SeriesStyle::Solid }],
        last_incomplete: true,
        alt: "Page views by hour.".to_owned(),
    }
}
