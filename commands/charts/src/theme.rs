//! The colours, for light and dark surroundings. Series are told apart by people who see few colours, too: the hues follow
//! Okabe and Ito, and neighbours differ in lightness.

use std::fmt::Write as _;

/// What surroundings a chart is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// A light page.
    Light,
    /// A dark page.
    Dark,
    /// SVG only: as the reader's system is set.
    Auto,
}

/// How many series have colours of their own.
pub(crate) const COLOURS: usize = 12;
/// How many shades a field has, and from which on the text in them is of the other lightness.
pub(crate) const SHADES: usize = 9;
pub(crate) const DARK_SHADES: usize = 6;

struct Palette {
    background: &'static str,
    text: &'static str,
    muted: &'static str,
    grid: &'static str,
    axis: &'static str,
    previous: &'static str,
    series: [&'static str; COLOURS],
    /// From little to much: one hue, told apart by lightness alone.
    shades: [&'static str; SHADES],
    /// Text in the first shades, and in those from [`DARK_SHADES`] on.
    within: [&'static str; 2],
}

const LIGHT: Palette = Palette {
    background: "#ffffff",
    text: "#1d2129",
    muted: "#5c6470",
    grid: "#e8eaee",
    axis: "#9aa1ad",
    previous: "#8a919d",
    series: [
        "#0072b2", "#d55e00", "#009e73", "#b3478a", "#e69f00", "#3aa0dd", "#6a3fa0", "#8a6d1f", "#b2182b", "#4d5563", "#5a9e2f", "#0b3c78",
    ],
    shades: ["#eef4fb", "#d9e7f5", "#bfd8ed", "#9cc4e3", "#72add7", "#4a93c7", "#2877b4", "#0f5a9a", "#08407a"],
    within: ["#14181f", "#ffffff"],
};

const DARK: Palette = Palette {
    background: "#1a1d21",
    text: "#e9ebee",
    muted: "#a3abb8",
    grid: "#2e333b",
    axis: "#626a77",
    previous: "#8d95a3",
    series: [
        "#4ba3e3", "#ff8a3d", "#2fc79b", "#e58cc4", "#f5bd3d", "#8fd3ff", "#b196f0", "#cdb069", "#ff7b86", "#b8c0cc", "#9bd66b", "#6f9bff",
    ],
    shades: ["#20303f", "#1f3a54", "#1f4769", "#21557f", "#266596", "#3077ad", "#5a9fd0", "#8cc2ea", "#c4e1f9"],
    within: ["#f2f6fa", "#0e1319"],
};

/// The style sheet: every colour has a class, so that one drawing serves both themes.
pub(crate) fn style(theme: Theme, shaded: bool) -> String {
    let mut out = String::from("text{font-family:Inter,system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}");
    match theme {
        Theme::Light => colours(&mut out, &LIGHT, shaded),
        Theme::Dark => colours(&mut out, &DARK, shaded),
        Theme::Auto => {
            colours(&mut out, &LIGHT, shaded);
            out.push_str("@media (prefers-color-scheme:dark){");
            colours(&mut out, &DARK, shaded);
            out.push('}');
        }
    }
    out
}

fn colours(out: &mut String, palette: &Palette, shaded: bool) {
    // Writing into a string doesn't fail.
    let _ = write!(
        out,
        ".bg{{fill:{}}}.tx{{fill:{}}}.mu{{fill:{}}}.gr{{stroke:{}}}.ax{{stroke:{}}}.ring{{fill:{}}}",
        palette.background, palette.text, palette.muted, palette.grid, palette.axis, palette.background
    );
    for (at, colour) in palette.series.iter().chain([&palette.previous]).enumerate() {
        let _ = write!(out, ".s{at}{{stroke:{colour}}}.f{at}{{fill:{colour}}}");
    }
    if shaded {
        for (at, colour) in palette.shades.iter().enumerate() {
            let _ = write!(out, ".q{at}{{fill:{colour}}}");
        }
        let _ = write!(out, ".w0{{fill:{}}}.w1{{fill:{}}}", palette.within[0], palette.within[1]);
    }
}
