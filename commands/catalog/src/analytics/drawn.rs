//! How figures are drawn, as it is typed, and which questions can be drawn so.

use bellhop_core::CommandError;
use bellhop_core::chart::ChartKind;
use serde::{Deserialize, Serialize};

/// How figures are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drawn {
    /// Lines over time
    Line,
    /// Bars
    Bar,
    /// Filled areas over time, on top of one another
    Area,
    /// A field of shades, such as the hours of the week
    Heat,
    /// Steps, each as wide as what is left
    Funnel,
    /// Not at all: words and the table only
    None,
}

impl Drawn {
    /// The kind of chart, if any.
    pub(crate) const fn kind(self) -> Option<ChartKind> {
        match self {
            Self::Line => Some(ChartKind::Line),
            Self::Bar => Some(ChartKind::Bar),
            Self::Area => Some(ChartKind::Area),
            Self::Heat => Some(ChartKind::Heat),
            Self::Funnel => Some(ChartKind::Funnel),
            Self::None => None,
        }
    }

    /// The kind that was asked for, or the usual one; refused where it is none of these.
    pub(crate) fn among(asked: Option<Self>, usual: Self, these: &[Self], why: &str) -> Result<Option<ChartKind>, CommandError> {
        let asked = asked.unwrap_or(usual);
        if asked == Self::None || these.contains(&asked) { Ok(asked.kind()) } else { Err(CommandError::invalid("chart", why)) }
    }
}
