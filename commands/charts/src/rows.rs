//! Values as bars that lie, one row per category: for names that are too long or too many to stand under an axis.

use crate::WIDTH;
use crate::bars::bar;
use crate::canvas::{Anchor, Area, Canvas, n, width, within};
use crate::frame::{SMALL, TINY};
use crate::model::{Axis, Picture};
use crate::numbers::{Scale, value};
use bellhop_core::chart::ChartKind;

/// The widest a name gets.
const NAMES: f64 = 190.0;
/// The highest a chart gets.
const HIGHEST: f64 = 860.0;

/// Whether the picture is better drawn this way.
pub(crate) fn suits(picture: &Picture) -> bool {
    let Axis::Category(names) = &picture.axis else { return false };
    if picture.kind != ChartKind::Bar || names.is_empty() {
        return false;
    }
    let slot = (f64::from(WIDTH) - 90.0) / f64::from(u32::try_from(names.len()).unwrap_or(u32::MAX));
    names.len() > 12 || names.iter().any(|name| width(name, SMALL) > slot - 8.0)
}

/// Draws the rows from the area's top on, and gives the height of the whole picture.
pub(crate) fn draw(canvas: &mut Canvas, picture: &Picture, area: Area, notes: &mut Vec<String>) -> f64 {
    let Axis::Category(names) = &picture.axis else { return area.bottom };
    let float = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let series = float(picture.lines.len().max(1));
    let alone = picture.lines.len() <= 1;
    let thick = if alone { 18.0 } else { (30.0 / series).max(7.0) };
    let pitch = thick * series + if alone { 8.0 } else { 12.0 };
    let foot = 58.0;
    let room = ((HIGHEST - area.top - foot) / pitch).floor().max(1.0);
    let shown = (1..=names.len()).take_while(|count| float(*count) <= room).count().max(1);
    if shown < names.len() {
        notes.push(format!("{shown} of {} are shown", names.len()));
    }
    let values = picture.lines.iter().flat_map(|l| l.values.iter().take(shown).flatten().copied());
    let scale = Scale::of(values, 5);
    let widest = names.iter().take(shown).map(|name| width(name, SMALL)).fold(0.0, f64::max).min(NAMES);
    // Room at the ends for the numbers of the longest bars.
    let before = if scale.low < 0.0 { 44.0 } else { 0.0 };
    let plot = Area {
        left: area.left + widest + 12.0 + before,
        right: area.right - 44.0,
        top: area.top + 6.0,
        bottom: area.top + 6.0 + pitch * float(shown),
    };
    let x = |share: f64| plot.left + share * plot.width();
    for tick in &scale.ticks {
        let x = x(scale.share(*tick));
        canvas.line((x, plot.top), (x, plot.bottom), if *tick == 0.0 { "ax" } else { "gr" }, 1.0);
        canvas.text(&scale.label(*tick), (x, plot.bottom + 17.0), SMALL, "mu", Anchor::Middle);
    }
    let zero = x(scale.share(0.0));
    for (position, name) in names.iter().take(shown).enumerate() {
        let top = plot.top + pitch * float(position) + (pitch - thick * series) / 2.0;
        canvas.text(&within(name, SMALL, NAMES), (plot.left - before - 10.0, top + thick * series / 2.0 + 4.0), SMALL, "tx", Anchor::End);
        for (at, row) in picture.lines.iter().enumerate() {
            let Some(found) = row.values.get(position).copied().flatten() else { continue };
            let end = x(scale.share(found));
            let y = top + thick * float(at);
            let open = row.is_open(position);
            let long = if found == 0.0 { 0.0 } else { (end - zero).abs().max(1.0) };
            bar(canvas, row, (end.min(zero), y, long, thick - if alone { 0.0 } else { 1.0 }), open);
            if thick >= 10.0 {
                let (x, anchor) = if found < 0.0 { (end - 5.0, Anchor::End) } else { (end + 5.0, Anchor::Start) };
                canvas.text(&value(found), (x, y + thick / 2.0 + 4.0), TINY, "mu", anchor);
            }
        }
    }
    if scale.low < 0.0 {
        canvas.raw(format_args!(
            "<line class=\"ax\" x1=\"{0}\" y1=\"{1}\" x2=\"{0}\" y2=\"{2}\" stroke-width=\"1\"/>",
            n(zero),
            n(plot.top),
            n(plot.bottom)
        ));
    }
    if !picture.unit.is_empty() {
        canvas.text(&within(&picture.unit, TINY, 200.0), (area.right, plot.bottom + 17.0), TINY, "mu", Anchor::End);
    }
    let foot = if notes.is_empty() && picture.filling() == 0 { 34.0 } else { foot };
    plot.bottom + foot
}
