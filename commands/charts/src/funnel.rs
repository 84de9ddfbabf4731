//! Steps from top to bottom: each bar is as long as what is left of the first step, with the length that the step before
//! had in a paler shade behind it, so that what was lost between the two is seen.

use crate::canvas::{Anchor, Area, Canvas, n, width, within};
use crate::frame::{SMALL, TINY};
use crate::model::{Axis, Picture};
use crate::numbers::value;

/// The widest a step's name gets.
const NAMES: f64 = 170.0;
/// The highest the steps get.
const HIGHEST: f64 = 820.0;
/// Room for the figures beside the longest bar.
const FIGURES: f64 = 104.0;

/// Draws the steps from the area's top on, and gives the height of the whole picture.
pub(crate) fn draw(canvas: &mut Canvas, picture: &Picture, area: Area, notes: &mut Vec<String>) -> f64 {
    let float = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let names: Vec<String> = match &picture.axis {
        Axis::Category(names) => names.clone(),
        Axis::Time(axis) => (1..=axis.len()).map(|step| step.to_string()).collect(),
    };
    let alone = picture.lines.len() <= 1;
    let thick = if alone { 30.0 } else { 20.0 };
    let pitch = thick * float(picture.lines.len().max(1)) + if alone { 12.0 } else { 16.0 };
    let shown = (1..=names.len()).take_while(|count| float(*count) * pitch <= HIGHEST).count().max(1).min(names.len());
    if shown < names.len() {
        notes.push(format!("{shown} of {} steps are shown", names.len()));
    }
    let widest = names.iter().take(shown).map(|name| width(name, SMALL)).fold(0.0, f64::max).min(NAMES);
    let left = area.left + widest + 12.0;
    let full = (area.right - FIGURES - left).max(40.0);
    let top = area.top + 8.0;
    let bottom = top + pitch * float(shown);
    for quarter in 0..=4_u8 {
        let x = left + full * f64::from(quarter) / 4.0;
        canvas.line((x, top - 2.0), (x, bottom), if quarter == 0 { "ax" } else { "gr" }, 1.0);
        canvas.text(&format!("{} %", u32::from(quarter) * 25), (x, bottom + 17.0), SMALL, "mu", Anchor::Middle);
    }
    for (step, name) in names.iter().take(shown).enumerate() {
        let begins = top + pitch * float(step) + 6.0;
        let height = thick * float(picture.lines.len().max(1));
        canvas.text(&within(name, SMALL, NAMES), (left - 10.0, begins + height / 2.0 + 4.5), SMALL, "tx", Anchor::End);
        for (at, row) in picture.lines.iter().enumerate() {
            let first = row.values.first().copied().flatten().filter(|first| *first > 0.0);
            // No more than the whole is drawn; the figure says what is so.
            let share = |step: usize| Some((row.values.get(step).copied().flatten()? / first?).clamp(0.0, 1.0));
            let y = begins + thick * float(at);
            let mut bar = |share: f64, opacity: &str| {
                canvas.raw(format_args!(
                    "<rect class=\"f{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\"{opacity}/>",
                    row.colour,
                    n(left),
                    n(y),
                    n((full * share).max(1.0)),
                    n(thick - 2.0)
                ));
            };
            if let Some(before) = step.checked_sub(1).and_then(share) {
                bar(before, " fill-opacity=\"0.2\"");
            }
            if let Some(reached) = share(step) {
                bar(reached, "");
            }
            let Some(people) = row.values.get(step).copied().flatten() else { continue };
            let part = first.map_or_else(String::new, |first| format!(" \u{b7} {:.0} %", people / first * 100.0));
            let end = share(step).unwrap_or(0.0).max(step.checked_sub(1).and_then(share).unwrap_or(0.0));
            let text = format!("{}{part}", value(people));
            canvas.text(&text, (left + full * end + 6.0, y + thick / 2.0 + 3.5), if alone { SMALL } else { TINY }, "tx", Anchor::Start);
        }
    }
    let of = if picture.unit.is_empty() { "of the first step".to_owned() } else { format!("{} \u{b7} of the first step", picture.unit) };
    canvas.text(&within(&of, TINY, area.width()), (area.right, bottom + 36.0), TINY, "mu", Anchor::End);
    bottom + 48.0
}
