//! Values over time as filled areas, those of several series on top of one another. Where one of them has no value there is
//! no sum, and so nothing is drawn.

use crate::canvas::{Area, Canvas, n};
use crate::lines;
use crate::model::{Picture, Row};
use crate::numbers::Scale;

type Point = (f64, f64);

/// The sums that the areas reach, and the values of periods before: what the scale has to hold.
pub(crate) fn reached(picture: &Picture) -> Vec<f64> {
    let solid: Vec<&Row> = picture.lines.iter().filter(|row| !row.previous).collect();
    let sums = (0..picture.len()).filter_map(|at| solid.iter().map(|row| row.values[at]).sum::<Option<f64>>());
    let before = picture.lines.iter().filter(|row| row.previous).flat_map(|row| row.values.iter().flatten().copied());
    sums.filter(|sum| sum.is_finite()).chain(before).collect()
}

/// Draws the areas, and gives the horizontal place of each position.
pub(crate) fn draw(canvas: &mut Canvas, picture: &Picture, area: Area, scale: &Scale) -> Vec<f64> {
    let x = lines::places(picture, area);
    let solid: Vec<&Row> = picture.lines.iter().filter(|row| !row.previous).collect();
    let whole: Vec<bool> = (0..picture.len()).map(|at| !solid.is_empty() && solid.iter().all(|row| row.values[at].is_some())).collect();
    let mut floor = vec![0.0; picture.len()];
    let y = |value: f64| area.y(scale.share(value));
    for row in &solid {
        let top: Vec<f64> = floor.iter().zip(&row.values).map(|(below, value)| below + value.unwrap_or(0.0)).collect();
        for stretch in stretches(&whole) {
            // The part that is still filling up joins where the other ends.
            let split = row.open.clamp(stretch.start, stretch.end);
            let parts = if split == stretch.end {
                vec![(stretch, false)]
            } else if split <= stretch.start + 1 {
                vec![(stretch, true)]
            } else {
                vec![(stretch.start..split, false), (split - 1..stretch.end, true)]
            };
            for (part, filling) in parts {
                let upper: Vec<Point> = part.clone().map(|at| (x[at], y(top[at]))).collect();
                let lower: Vec<Point> = part.clone().rev().map(|at| (x[at], y(floor[at]))).collect();
                one(canvas, row, &upper, &lower, filling);
            }
        }
        floor = top;
    }
    for row in picture.lines.iter().filter(|row| row.previous) {
        lines::line(canvas, picture, row, &lines::Drawing { area, scale, x: &x, zero: area.y(scale.share(0.0)), fill: false });
    }
    x
}

/// The stretches of positions that can be drawn.
fn stretches(whole: &[bool]) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, fits) in whole.iter().enumerate() {
        match found.last_mut() {
            Some(last) if *fits && last.end == at => last.end = at + 1,
            _ if *fits => found.push(at..at + 1),
            _ => {}
        }
    }
    found
}

fn one(canvas: &mut Canvas, row: &Row, upper: &[Point], lower: &[Point], filling: bool) {
    let colour = row.colour;
    // A single moment has no width: it is a stroke from what is below to what it reaches.
    if let ([(x, top)], [(_, bottom)]) = (upper, lower) {
        canvas.raw(format_args!(
            "<line class=\"s{colour}\" x1=\"{0}\" y1=\"{1}\" x2=\"{0}\" y2=\"{2}\" stroke-width=\"4\"/>",
            n(*x),
            n(*top),
            n(*bottom)
        ));
        return;
    }
    let (opacity, dash) = if filling { ("0.28", " stroke-dasharray=\"3 3\"") } else { ("0.72", "") };
    let edge = lines::path(upper);
    let back = lines::path(lower).replacen('M', "L", 1);
    canvas.raw(format_args!("<path class=\"f{colour}\" fill-opacity=\"{opacity}\" d=\"{edge}{back}Z\"/>"));
    canvas.raw(format_args!("<path class=\"s{colour}\" d=\"{edge}\" fill=\"none\" stroke-width=\"1.6\" stroke-linejoin=\"round\"{dash}/>"));
}
