//! An SVG being written: escaped text, finite numbers, and how wide a text will be.

use std::fmt::Write as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// A rectangle in the SVG's units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    pub fn width(&self) -> f64 {
        (self.right - self.left).max(1.0)
    }

    pub fn height(&self) -> f64 {
        (self.bottom - self.top).max(1.0)
    }

    /// The height of a share, 0 at the bottom.
    pub fn y(&self, share: f64) -> f64 {
        self.bottom - share * self.height()
    }
}

/// Which end of a text its position is.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Default)]
pub(crate) struct Canvas {
    out: String,
}

impl Canvas {
    /// Adds markup of our own making.
    pub fn raw(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing into a string doesn't fail.
        let _ = self.out.write_fmt(markup);
    }

    pub fn text(&mut self, text: &str, (x, y): (f64, f64), size: f64, class: &str, anchor: Anchor) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if class == "tx" && size > 14.0 { " font-weight=\"600\"" } else { "" };
        self.raw(format_args!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" font-size=\"{size}\"{weight}{anchor}>{}</text>",
            n(x),
            n(y),
            escaped(text)
        ));
    }

    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str, width: f64) {
        self.raw(format_args!(
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke-width=\"{width}\"/>",
            n(x1),
            n(y1),
            n(x2),
            n(y2)
        ));
    }

    pub fn into_string(self) -> String {
        self.out
    }
}

/// A coordinate with one or two decimals: finite, whatever came in.
pub(crate) fn n(value: f64) -> String {
    let value = if value.is_finite() { value.clamp(-100_000.0, 100_000.0) } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.to_owned() }
}

/// Text as XML holds it.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// About how wide a text is in a sans-serif face, rather more than less: readers' faces differ.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.graphemes(true).map(|g| g.chars().next().map_or(0.0, em)).sum::<f64>() * size
}

fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '!' | '|' | '\'' | ' ' | '\u{a0}' | '\u{202f}' => 0.3,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' | '"' => 0.41,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        'A'..='Z' | '&' | '#' | '+' | '\u{2212}' | '0'..='9' => 0.67,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{ffdc}'
        | '\u{1f300}'..='\u{1faff}' => 1.05,
        _ => 0.59,
    }
}

/// The text, or as much of it as is about `most` wide, with `…`.
pub(crate) fn within(text: &str, size: f64, most: f64) -> String {
    if width(text, size) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = width("…", size);
    for g in text.graphemes(true) {
        used += width(g, size);
        if used > most {
            break;
        }
        kept.push_str(g);
    }
    format!("{}…", kept.trim_end())
}
