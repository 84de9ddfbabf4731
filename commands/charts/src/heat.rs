//! Values as a field of shades: a row per series, a column per position, darker for more. What is missing stays empty, zero
//! has the palest shade, and what is still filling up has a dashed border.

use crate::WIDTH;
use crate::canvas::{Anchor, Area, Canvas, n, width, within};
use crate::frame::{SMALL, TINY, under};
use crate::model::Picture;
use crate::numbers::{Scale, value};
use crate::theme::{DARK_SHADES, SHADES};

/// The widest a row's name gets.
const NAMES: f64 = 150.0;
/// The highest the field gets.
const HIGHEST: f64 = 760.0;

/// Draws the field from the area's top on, and gives the height of the whole picture.
pub(crate) fn draw(canvas: &mut Canvas, picture: &Picture, area: Area, notes: &mut Vec<String>) -> f64 {
    let float = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let tall = match picture.lines.len() {
        ..=12 => 26.0,
        13..=24 => 21.0,
        _ => 16.0,
    };
    let shown = picture.lines.len().min(whole(HIGHEST / tall));
    if shown < picture.lines.len() {
        notes.push(format!("{shown} of {} rows are shown", picture.lines.len()));
    }
    let rows = &picture.lines[..shown];
    let scale = Scale::of(rows.iter().flat_map(|row| row.values.iter().flatten().copied()), 4);
    let names = rows.iter().map(|row| width(&row.name, SMALL)).fold(0.0, f64::max).min(NAMES);
    let top = legend(canvas, picture, &scale, area);
    let field = Area { left: area.left + names + 10.0, top, right: area.right, bottom: top + tall * float(shown) };
    let wide = field.width() / float(picture.len().max(1));
    let gap = if wide > 8.0 { 1.5 } else { 0.0 };
    let size = if tall > 20.0 { TINY } else { 10.5 };
    let percent = picture.unit == "%";
    let text = |found: f64| if percent { format!("{found:.0}") } else { value(found) };
    let room = rows.iter().flat_map(|row| row.values.iter().flatten()).all(|found| width(&text(*found), size) + 3.0 <= wide);
    for (at, row) in rows.iter().enumerate() {
        let y = field.top + tall * float(at);
        canvas.text(&within(&row.name, SMALL, NAMES), (field.left - 10.0, y + tall / 2.0 + 4.5), SMALL, "tx", Anchor::End);
        for (position, found) in row.values.iter().enumerate() {
            let Some(found) = *found else { continue };
            let x = field.left + wide * float(position);
            let shade = shade(&scale, found);
            let open = if row.is_open(position) { " stroke-width=\"1.5\" stroke-dasharray=\"3 2\"" } else { " stroke-width=\"0\"" };
            canvas.raw(format_args!(
                "<rect class=\"q{shade} ax\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\"{open}/>",
                n(x + gap / 2.0),
                n(y + gap / 2.0),
                n((wide - gap).max(0.4)),
                n(tall - gap)
            ));
            if room {
                let class = if shade >= DARK_SHADES { "w1" } else { "w0" };
                canvas.text(&text(found), (x + wide / 2.0, y + tall / 2.0 + 4.0), size, class, Anchor::Middle);
            }
        }
    }
    let middles: Vec<f64> = (0..picture.len()).map(|at| field.left + wide * (float(at) + 0.5)).collect();
    under(canvas, picture, field, &middles);
    field.bottom + 50.0
}

/// What the shades stand for, from the palest to the darkest; gives where it ends.
fn legend(canvas: &mut Canvas, picture: &Picture, scale: &Scale, area: Area) -> f64 {
    let unit = if picture.unit.is_empty() { String::new() } else { format!(" {}", picture.unit) };
    let (low, high) = (scale.label(scale.low), format!("{}{}", scale.label(scale.high), within(&unit, SMALL, 150.0)));
    let y = area.top + 14.0;
    let mut x = area.left;
    canvas.text(&low, (x, y), SMALL, "mu", Anchor::Start);
    x += width(&low, SMALL) + 6.0;
    for shade in 0..SHADES {
        canvas.raw(format_args!("<rect class=\"q{shade}\" x=\"{}\" y=\"{}\" width=\"16\" height=\"11\"/>", n(x), n(y - 10.0)));
        x += 16.0;
    }
    canvas.text(&high, ((x + 6.0).min(f64::from(WIDTH)), y), SMALL, "mu", Anchor::Start);
    area.top + 26.0
}

/// Which shade a value has, by where it lies between the ends of the scale.
fn shade(scale: &Scale, value: f64) -> usize {
    let last = f64::from(u32::try_from(SHADES - 1).unwrap_or(u32::MAX));
    whole((scale.share(value) * last).round()).min(SHADES - 1)
}

fn whole(number: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a picture can hold")]
    let whole = number.clamp(1.0_f64.min(number), 10_000.0) as usize;
    whole
}
