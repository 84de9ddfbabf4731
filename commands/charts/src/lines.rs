//! Values as lines. Where there is no value there is no line; a value alone is a dot.

use crate::canvas::{Area, Canvas, n};
use crate::model::{Axis, Picture, Row};
use crate::numbers::Scale;
use std::fmt::Write as _;

/// Up to so many positions every value gets a dot.
const DOTS: usize = 32;
/// Beyond so many positions a line is thinned to what can be seen.
const DENSE: usize = 2000;

type Point = (f64, f64);

/// The horizontal place of each position.
pub(crate) fn places(picture: &Picture, area: Area) -> Vec<f64> {
    let shares = match &picture.axis {
        Axis::Time(axis) => axis.shares(),
        Axis::Category(names) => even(names.len()),
    };
    shares.iter().map(|s| area.left + 6.0 + s * (area.width() - 12.0)).collect()
}

/// Draws the lines, and gives the horizontal place of each position.
pub(crate) fn draw(canvas: &mut Canvas, picture: &Picture, area: Area, scale: &Scale) -> Vec<f64> {
    let x = places(picture, area);
    let zero = area.y(scale.share(0.0));
    // The first series lies on top, and the periods before below all.
    let (before, now): (Vec<&Row>, Vec<&Row>) = picture.lines.iter().partition(|l| l.previous);
    let alone = now.len() == 1;
    for row in before.into_iter().rev().chain(now.into_iter().rev()) {
        let fill = alone && !row.previous;
        line(canvas, picture, row, &Drawing { area, scale, x: &x, zero, fill });
    }
    x
}

fn even(count: usize) -> Vec<f64> {
    let whole = f64::from(u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX));
    (0..count).map(|at| if whole > 0.0 { f64::from(u32::try_from(at).unwrap_or(0)) / whole } else { 0.5 }).collect()
}

/// Where and how a line is drawn.
pub(crate) struct Drawing<'a> {
    pub area: Area,
    pub scale: &'a Scale,
    pub x: &'a [f64],
    pub zero: f64,
    /// Whether the ground under the line is tinted.
    pub fill: bool,
}

/// Draws one line.
pub(crate) fn line(canvas: &mut Canvas, picture: &Picture, row: &Row, drawing: &Drawing<'_>) {
    let mut points: Vec<Option<Point>> =
        row.values.iter().zip(drawing.x).map(|(value, x)| value.map(|v| (*x, drawing.area.y(drawing.scale.share(v))))).collect();
    let colour = row.colour;
    // The last stretch of a series of the present is still moving: it is drawn by itself, from the last point that stands.
    let mut open = points.split_off(row.open.min(points.len()));
    if open.first().is_some_and(Option::is_some) {
        open.insert(0, points.last().copied().flatten());
    }
    let dots = picture.len() <= DOTS && !row.previous;
    for run in runs(&points) {
        let path = path(&thinned(&run));
        if drawing.fill && run.len() > 1 {
            let (first, last) = (run[0].0, run[run.len() - 1].0);
            canvas.raw(format_args!(
                "<path class=\"f{colour}\" opacity=\"0.1\" d=\"{path}L{} {}L{} {}Z\"/>",
                n(last),
                n(drawing.zero),
                n(first),
                n(drawing.zero)
            ));
        }
        let dash = if row.previous { " stroke-dasharray=\"5 4\"" } else { "" };
        // Many values side by side run together when the line is thick.
        let width = match (row.previous, picture.len()) {
            (_, 400..) => 1.2,
            (false, ..150) => 2.25,
            _ => 1.6,
        };
        canvas.raw(format_args!(
            "<path class=\"s{colour}\" d=\"{path}\" fill=\"none\" stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"{}\"{dash}/>",
            if row.previous { "butt" } else { "round" }
        ));
        if dots || run.len() == 1 {
            for (x, y) in &run {
                canvas.raw(format_args!(
                    "<circle class=\"f{colour}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>",
                    n(*x),
                    n(*y),
                    if run.len() == 1 { 3.2 } else { 2.6 }
                ));
            }
        }
    }
    let stands = points.last().copied().flatten();
    for run in runs(&open).into_iter().filter(|run| run.len() > 1) {
        canvas.raw(format_args!(
            "<path class=\"s{colour}\" d=\"{}\" fill=\"none\" stroke-width=\"2.25\" stroke-dasharray=\"3 3\"/>",
            path(&run)
        ));
    }
    // Rings of many would run together.
    let rings = open.iter().flatten().filter(|point| stands != Some(**point));
    for (x, y) in rings.rev().take(8) {
        canvas.raw(format_args!("<circle class=\"s{colour} ring\" cx=\"{}\" cy=\"{}\" r=\"3.4\" stroke-width=\"2\"/>", n(*x), n(*y)));
    }
}

/// The stretches without a gap.
fn runs(points: &[Option<Point>]) -> Vec<Vec<Point>> {
    points.split(Option::is_none).filter(|run| !run.is_empty()).map(|run| run.iter().flatten().copied().collect()).collect()
}

/// Points as the data of a path.
pub(crate) fn path(points: &[Point]) -> String {
    let mut out = String::with_capacity(points.len() * 14);
    for (at, (x, y)) in points.iter().enumerate() {
        // Writing into a string doesn't fail.
        let _ = write!(out, "{}{} {}", if at == 0 { 'M' } else { 'L' }, n(*x), n(*y));
    }
    out
}

/// At most four points per unit of width, the highest and the lowest among them: the picture is the same.
fn thinned(points: &[Point]) -> Vec<Point> {
    if points.len() <= DENSE {
        return points.to_vec();
    }
    let mut kept: Vec<Point> = Vec::new();
    for column in points.chunk_by(|a, b| a.0.floor().total_cmp(&b.0.floor()).is_eq()) {
        let lowest = (0..column.len()).min_by(|a, b| column[*a].1.total_cmp(&column[*b].1)).unwrap_or(0);
        let highest = (0..column.len()).max_by(|a, b| column[*a].1.total_cmp(&column[*b].1)).unwrap_or(0);
        let mut chosen = [0, lowest, highest, column.len() - 1];
        chosen.sort_unstable();
        for (at, point) in chosen.iter().enumerate() {
            if at == 0 || chosen[at - 1] != *point {
                kept.push(column[*point]);
            }
        }
    }
    kept
}
