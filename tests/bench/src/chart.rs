//! A chart of a thousand points, from data to PNG.

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
/// The chart can't be drawn.
pub fn run() -> Result<Vec<Figure>, Failure> {
    let chart = chart();
    let (mut vectors, mut pictures, mut size) = (Vec::new(), Vec::new(), 0);
    for _ in 0..TIMES {
        let begun = Instant::now();
        std::hint::black_box(svg(&chart, Theme::Light));
        vectors.push(begun.elapsed());
        let begun = Instant::now();
        size = png(&chart, Theme::Light, WIDTH).map_err(|error| error.to_string())?.len();
        pictures.push(begun.elapsed());
    }
    let beside = format!("{:.1} ms of it for the SVG; {WIDTH} pixels wide, {} KiB", millis(median(vectors)), size / 1024);
    Ok(vec![
        Figure::new(PART, format!("PNG of {POINTS} points"), millis(median(pictures)), "ms").target(Target::Below(50.0)).beside(beside),
    ])
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
