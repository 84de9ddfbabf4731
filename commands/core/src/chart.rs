//! A chart as data: what is to be drawn, not how. `commands/charts` draws it.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// A chart with everything a reader needs to read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// What is shown, in a few words.
    pub title: String,
    /// How the values are drawn.
    pub kind: ChartKind,
    /// What stands along the horizontal axis.
    pub x: XAxis,
    /// What the values are counted in (`events`, `EUR`); empty for a plain count.
    pub unit: String,
    /// The values, one per position of the axis each.
    pub series: Vec<Series>,
    /// True when the last position is still filling up (today, this hour): it is drawn so that nobody takes it for a
    /// fall.
    pub last_incomplete: bool,
    /// One or two sentences that say what the picture says, for those who don't see it.
    pub alt: String,
}

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartKind {
    /// A line per series, for values over time.
    Line,
    /// Bars side by side, for values by category.
    Bar,
    /// Filled areas, those of several series on top of one another: for parts of a whole over time.
    Area,
    /// A field of shades: a row per series and a column per position, such as weekdays and hours.
    Heat,
    /// Steps from top to bottom, each as long as what is left of its series' first value.
    Funnel,
}

impl ChartKind {
    /// What it is called in a sentence: `Line chart`.
    #[must_use]
    pub const fn called(self) -> &'static str {
        match self {
            Self::Line => "Line chart",
            Self::Bar => "Bar chart",
            Self::Area => "Area chart",
            Self::Heat => "Heat map",
            Self::Funnel => "Funnel chart",
        }
    }
}

/// The horizontal axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum XAxis {
    /// Moments, each the start of its interval, with the zone they are to be shown in.
    Time {
        /// Starts of the intervals, ascending.
        at: Vec<Timestamp>,
        /// The zone, by its IANA name.
        zone: String,
        /// How long an interval is.
        interval: Interval,
    },
    /// Named categories, in the order to be shown.
    Category(Vec<String>),
}

impl XAxis {
    /// How many positions the axis has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Time { at, .. } => at.len(),
            Self::Category(names) => names.len(),
        }
    }

    /// True without any position.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The width of a time bucket. Days and weeks are those of the query's zone; weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interval {
    /// An hour.
    Hour,
    /// A calendar day.
    Day,
    /// Seven days from a Monday.
    Week,
    /// A calendar month.
    Month,
}

/// One row of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name, for the legend.
    pub name: String,
    /// One value per position; `None` where there is none (it is not drawn as zero).
    pub values: Vec<Option<f64>>,
    /// How it is drawn.
    pub style: SeriesStyle,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeriesStyle {
    /// In the foreground.
    #[default]
    Solid,
    /// In the foreground, with the last so many of its values still filling up, whatever [`Chart::last_incomplete`] says.
    Open(u32),
    /// Dashed: the period before, for comparison.
    Previous,
}
