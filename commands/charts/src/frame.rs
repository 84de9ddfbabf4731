//! What stands around the values: title, legend, scale, grid and notes. Finds the room for the values and has them drawn.

use crate::canvas::{Anchor, Area, Canvas, escaped, n, width, within};
use crate::model::{Axis, Picture};
use crate::numbers::Scale;
use crate::theme::{Theme, style};
use crate::{WIDTH, areas, bars, funnel, heat, lines, rows};
use bellhop_core::chart::ChartKind;

/// The height in general.
const HEIGHT: f64 = 340.0;
const PAD: f64 = 16.0;
/// Sizes of type.
const TITLE: f64 = 17.0;
pub(crate) const SMALL: f64 = 13.0;
pub(crate) const TINY: f64 = 12.0;
/// Rows of the legend at most.
const LEGEND_ROWS: usize = 3;
const LEGEND_ROW: f64 = 20.0;

/// Draws the whole chart.
pub(crate) fn draw(picture: &Picture, theme: Theme) -> String {
    let mut canvas = Canvas::default();
    let right = f64::from(WIDTH) - PAD;
    let mut y = PAD;
    if !picture.title.is_empty() {
        y += TITLE;
        canvas.text(&within(&picture.title, TITLE, right - PAD), (PAD, y - 2.0), TITLE, "tx", Anchor::Start);
        y += 8.0;
    }
    // The rows of a field have their names beside them.
    if picture.lines.len() > 1 && picture.kind != ChartKind::Heat {
        y = legend(&mut canvas, picture, Area { left: PAD, top: y, right, bottom: y });
    }
    let mut notes = Vec::new();
    if picture.omitted > 0 {
        notes.push(format!("{} more series not shown", picture.omitted));
    }
    let sideways = rows::suits(picture);
    let height = if picture.is_empty() {
        let middle = (f64::from(WIDTH) / 2.0, y + (HEIGHT - y) / 2.0);
        canvas.text("No data in this period", middle, 14.0, "mu", Anchor::Middle);
        HEIGHT
    } else if picture.kind == ChartKind::Heat {
        heat::draw(&mut canvas, picture, Area { left: PAD, top: y, right, bottom: y }, &mut notes)
    } else if picture.kind == ChartKind::Funnel {
        funnel::draw(&mut canvas, picture, Area { left: PAD, top: y + 4.0, right, bottom: y }, &mut notes)
    } else if sideways {
        rows::draw(&mut canvas, picture, Area { left: PAD, top: y + 4.0, right, bottom: y }, &mut notes)
    } else {
        upright(&mut canvas, picture, Area { left: PAD, top: y + 4.0, right, bottom: HEIGHT - 34.0 - foot(picture) });
        HEIGHT
    };
    notes.extend(unfinished(picture));
    let caption = if let Axis::Time(axis) = &picture.axis { axis.caption() } else { String::new() };
    if !caption.is_empty() {
        canvas.text(&within(&caption, TINY, right - PAD), (right, height - 12.0), TINY, "mu", Anchor::End);
    }
    // Side by side where both have room, on a line of their own otherwise.
    let mut height = height;
    if !notes.is_empty() {
        let notes = notes.join(" \u{b7} ");
        if !caption.is_empty() && width(&notes, TINY) + width(&caption, TINY) + 16.0 > right - PAD {
            height += 17.0;
        }
        canvas.text(&within(&notes, TINY, right - PAD), (PAD, height - 12.0), TINY, "mu", Anchor::Start);
    }
    document(picture, theme, &canvas.into_string(), height)
}

/// How much room the line of notes takes.
fn foot(picture: &Picture) -> f64 {
    let notes = matches!(picture.axis, Axis::Time(_)) || picture.filling() > 0 || picture.omitted > 0;
    if notes { 18.0 } else { 0.0 }
}

/// What is drawn otherwise because it is still filling up.
fn unfinished(picture: &Picture) -> Option<String> {
    let how = if picture.kind == ChartKind::Bar { "Hatched" } else { "Dashed" };
    match (picture.filling(), &picture.axis) {
        (0, _) => None,
        _ if picture.kind == ChartKind::Heat => Some(format!("{how}: the time for it is not over yet")),
        (1, Axis::Time(axis)) => Some(format!("{how}: {}", axis.unfinished())),
        (1, Axis::Category(_)) => Some(format!("{how}: the last one is not complete yet")),
        (some, _) => Some(format!("{how}: the last {some} may still grow")),
    }
}

fn document(picture: &Picture, theme: Theme, body: &str, height: f64) -> String {
    let title = if picture.title.is_empty() { "Chart" } else { &picture.title };
    let (height, hatch) = (n(height), hatches(picture));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"t d\">\
         <title id=\"t\">{}</title><desc id=\"d\">{}</desc><style>{}</style>{hatch}<rect class=\"bg\" width=\"{WIDTH}\" height=\"{height}\"/>{body}</svg>",
        escaped(title),
        escaped(&picture.alt),
        style(theme, picture.kind == ChartKind::Heat)
    )
}

/// The patterns of bars that are not complete, one per colour.
fn hatches(picture: &Picture) -> String {
    if picture.filling() == 0 || picture.kind != ChartKind::Bar {
        return String::new();
    }
    let mut canvas = Canvas::default();
    canvas.raw(format_args!("<defs>"));
    for row in &picture.lines {
        let colour = row.colour;
        canvas.raw(format_args!(
            "<pattern id=\"h{colour}\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
             <rect class=\"f{colour}\" width=\"6\" height=\"6\" opacity=\"0.18\"/><rect class=\"f{colour}\" width=\"2.4\" height=\"6\" opacity=\"0.9\"/></pattern>"
        ));
    }
    canvas.raw(format_args!("</defs>"));
    canvas.into_string()
}

/// Draws the legend from the area's top, and gives where it ends.
fn legend(canvas: &mut Canvas, picture: &Picture, area: Area) -> f64 {
    // Few names may be long; many are cut, so that all have room.
    let most = if picture.lines.len() <= 3 { 210.0 } else { 130.0 };
    let (mut x, mut row) = (area.left, 0);
    for (at, line) in picture.lines.iter().enumerate() {
        let name = within(if line.name.is_empty() { "(no name)" } else { &line.name }, SMALL, most);
        let takes = 22.0 + width(&name, SMALL) + 16.0;
        if x + takes > area.right && x > area.left {
            (x, row) = (area.left, row + 1);
        }
        let last_row = row + 1 == LEGEND_ROWS;
        let y = area.top + 12.0 + LEGEND_ROW * f64::from(u32::try_from(row.min(LEGEND_ROWS - 1)).unwrap_or(0));
        let left = picture.lines.len() - at;
        if row >= LEGEND_ROWS || (last_row && left > 1 && x + takes + 60.0 > area.right) {
            canvas.text(&format!("+{left} more"), (x, y), SMALL, "mu", Anchor::Start);
            break;
        }
        match picture.kind {
            ChartKind::Line => {
                let dash = if line.previous { " stroke-dasharray=\"4 3\"" } else { "" };
                canvas.raw(format_args!(
                    "<line class=\"s{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke-width=\"2.5\" stroke-linecap=\"butt\"{dash}/>",
                    line.colour,
                    n(x),
                    n(y - 4.0),
                    n(x + 16.0),
                    n(y - 4.0)
                ));
            }
            ChartKind::Area if line.previous => canvas.raw(format_args!(
                "<line class=\"s{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke-width=\"2.5\" stroke-dasharray=\"4 3\"/>",
                line.colour,
                n(x),
                n(y - 4.0),
                n(x + 16.0),
                n(y - 4.0)
            )),
            _ => bars::bar(canvas, line, (x, y - 10.0, 12.0, 12.0), false),
        }
        canvas.text(&name, (x + 22.0, y), SMALL, "tx", Anchor::Start);
        x += takes;
    }
    area.top + LEGEND_ROW * f64::from(u32::try_from(row.min(LEGEND_ROWS - 1) + 1).unwrap_or(1))
}

/// Values going up: the scale at the left, the axis at the bottom.
fn upright(canvas: &mut Canvas, picture: &Picture, area: Area) {
    let mut area = area;
    if !picture.unit.is_empty() {
        canvas.text(&within(&picture.unit, TINY, 200.0), (area.left, area.top + 12.0), TINY, "mu", Anchor::Start);
        area.top += 16.0;
    }
    area.top += 8.0;
    let scale =
        if picture.kind == ChartKind::Area { Scale::of(areas::reached(picture).into_iter(), 5) } else { Scale::of(picture.values(), 5) };
    let labels: Vec<String> = scale.ticks.iter().map(|t| scale.label(*t)).collect();
    let foot = area.bottom;
    if picture.kind == ChartKind::Bar && scale.low < 0.0 {
        // Room for the numbers under bars that go down.
        area.bottom -= 14.0;
    }
    area.left += labels.iter().map(|l| width(l, SMALL)).fold(0.0, f64::max).min(110.0) + 8.0;
    for (tick, label) in scale.ticks.iter().zip(&labels) {
        let y = area.y(scale.share(*tick));
        let class = if *tick == 0.0 { "ax" } else { "gr" };
        canvas.line((area.left, y), (area.right, y), class, 1.0);
        canvas.text(label, (area.left - 8.0, y + 4.0), SMALL, "mu", Anchor::End);
    }
    let x = match picture.kind {
        ChartKind::Area => areas::draw(canvas, picture, area, &scale),
        ChartKind::Bar => bars::draw(canvas, picture, area, &scale),
        // The others have no scale at their left, and don't come here.
        ChartKind::Line | ChartKind::Heat | ChartKind::Funnel => lines::draw(canvas, picture, area, &scale),
    };
    under(canvas, picture, Area { bottom: foot, ..area }, &x);
}

/// The labels under the axis.
pub(crate) fn under(canvas: &mut Canvas, picture: &Picture, area: Area, x: &[f64]) {
    let y = area.bottom + 18.0;
    let mut label = |text: &str, x: f64, tick: bool| {
        if tick {
            canvas.line((x, area.bottom), (x, area.bottom + 4.0), "ax", 1.0);
        }
        // At the edges a label moves in rather than out of the picture.
        let half = width(text, SMALL) / 2.0;
        let x = x.clamp(4.0 + half, (f64::from(WIDTH) - 4.0 - half).max(4.0 + half));
        canvas.text(text, (x, y), SMALL, "mu", Anchor::Middle);
    };
    match &picture.axis {
        Axis::Time(axis) => {
            for tick in axis.ticks(x, SMALL) {
                if let Some(x) = x.get(tick.position) {
                    label(&tick.label, *x, true);
                }
            }
        }
        Axis::Category(names) => {
            // Names that have no room under their place are left out evenly.
            let slot = area.width() / f64::from(u32::try_from(names.len().max(1)).unwrap_or(u32::MAX));
            let widest = names.iter().map(|name| width(name, SMALL)).fold(0.0, f64::max).clamp(40.0, 96.0);
            let each = ((widest + 8.0) / slot).ceil().clamp(1.0, 1e6);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a million")]
            let each = each as usize;
            let room = slot * f64::from(u32::try_from(each).unwrap_or(1)) - 8.0;
            for (name, x) in names.iter().zip(x).step_by(each) {
                label(&within(name, SMALL, room), *x, false);
            }
        }
    }
}
