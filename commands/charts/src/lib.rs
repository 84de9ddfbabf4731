//! Draws a [`Chart`] as SVG and as PNG, without a browser.
//!
//! Pure: the same chart gives the same bytes on every machine, since the fonts are part of the program. It decides how
//! values look (scales, ticks, colours, what is left out where there is no room) and never what they are: it neither sums,
//! sorts nor fills gaps.
//!
//! Whatever stands in a chart is drawn without a failure: hostile names are escaped and shortened, values that are no
//! numbers are gaps, and more categories or series than anyone can read are left out with a note that says so.

mod areas;
mod bars;
mod canvas;
mod frame;
mod funnel;
mod heat;
mod lines;
mod model;
mod numbers;
mod raster;
mod rows;
mod theme;
mod time;

use bellhop_core::chart::Chart;

pub use theme::Theme;

/// The width of an SVG, in its own units; the height follows from what is shown, 340 in general. Type is 13 units high: in a
/// chat that shows a picture 400 pixels wide, letters are 9 pixels high, which is what can still be read.
pub const WIDTH: u32 = 560;

/// The widest PNG, in pixels.
pub const WIDEST: u32 = 4096;

/// Why a chart could not be drawn as PNG.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// The width asked for is nothing or more than [`WIDEST`].
    #[error("a chart can be 1 to {WIDEST} pixels wide, not {0}")]
    Width(u32),
    /// The drawing could not be turned into a picture: a mistake in this crate.
    #[error("the chart could not be drawn: {0}")]
    Drawing(String),
}

/// The chart as an SVG document of its own, with `<title>` and `<desc>` for those who don't see it. [`Theme::Auto`]
/// follows the reader's `prefers-color-scheme`, also where the SVG is the source of an `<img>`.
#[must_use]
pub fn svg(chart: &Chart, theme: Theme) -> String {
    frame::draw(&model::Picture::of(chart), theme)
}

/// The chart as PNG, `width` pixels wide: twice [`WIDTH`] or more for sharp displays. [`Theme::Auto`] is drawn light.
///
/// # Errors
/// [`ChartError::Width`] for a width of 0 or over [`WIDEST`].
pub fn png(chart: &Chart, theme: Theme, width: u32) -> Result<Vec<u8>, ChartError> {
    if width == 0 || width > WIDEST {
        return Err(ChartError::Width(width));
    }
    let theme = if theme == Theme::Auto { Theme::Light } else { theme };
    raster::png(&svg(chart, theme), width)
}

#[cfg(test)]
mod tests;
