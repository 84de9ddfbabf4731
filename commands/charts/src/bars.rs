//! Values as upright bars, those of one position side by side.

use crate::canvas::{Anchor, Area, Canvas, n, width};
use crate::frame::TINY;
use crate::model::{Picture, Row};
use crate::numbers::{Scale, value};

/// The widest bar.
const WIDEST: f64 = 56.0;

/// Draws the bars, and gives the horizontal middle of each position.
pub(crate) fn draw(canvas: &mut Canvas, picture: &Picture, area: Area, scale: &Scale) -> Vec<f64> {
    let float = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let (count, series) = (picture.len(), float(picture.lines.len()));
    let slot = area.width() / float(count.max(1));
    // Thin bars need every bit of room; wide ones are told apart by the space between groups.
    let group = if slot > 6.0 { slot * 0.74 } else { slot * 0.9 };
    let thick = (group / series).min(WIDEST);
    let gap = if thick > 8.0 && series > 1.0 { 2.0 } else { 0.0 };
    let zero = area.y(scale.share(0.0));
    let middles: Vec<f64> = (0..count).map(|at| area.left + (float(at) + 0.5) * slot).collect();
    for (at, row) in picture.lines.iter().enumerate() {
        for (position, (found, middle)) in row.values.iter().zip(&middles).enumerate() {
            let Some(found) = *found else { continue };
            let left = middle - thick * series / 2.0 + thick * float(at);
            let y = area.y(scale.share(found));
            let (top, height) = (y.min(zero), (y - zero).abs());
            let open = row.is_open(position);
            // A value that isn't zero shows, however small.
            let height = if found == 0.0 { 0.0 } else { height.max(1.0) };
            bar(canvas, row, (left + gap / 2.0, top, (thick - gap).max(0.4), height), open);
            let label = value(found);
            if thick >= 18.0 && width(&label, TINY) <= thick.max(slot / series) + 4.0 && count <= 16 {
                let y = if found < 0.0 { top + height + 12.0 } else { top - 5.0 };
                canvas.text(&label, (left + thick / 2.0, y), TINY, "mu", Anchor::Middle);
            }
        }
    }
    if zero < area.bottom - 1.0 {
        canvas.line((area.left, zero), (area.right, zero), "ax", 1.0);
    }
    middles
}

/// One bar: filled, paler for a period before, hatched while it is not complete.
pub(crate) fn bar(canvas: &mut Canvas, row: &Row, (x, y, width, height): (f64, f64, f64, f64), open: bool) {
    let colour = row.colour;
    let round = if width >= 6.0 && height >= 4.0 { 2.0 } else { 0.0 };
    let place = format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{round}\"", n(x), n(y), n(width), n(height));
    if open {
        canvas.raw(format_args!("<rect class=\"s{colour}\" {place} fill=\"url(#h{colour})\" stroke-width=\"1\"/>"));
    } else if row.previous {
        canvas.raw(format_args!(
            "<rect class=\"f{colour} s{colour}\" {place} fill-opacity=\"0.35\" stroke-width=\"1\" stroke-dasharray=\"3 2\"/>"
        ));
    } else {
        canvas.raw(format_args!("<rect class=\"f{colour}\" {place}/>"));
    }
}
