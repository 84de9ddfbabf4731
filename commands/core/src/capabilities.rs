//! What a platform can show and do. The shared layers ask this, and never which platform it is.

use crate::chart::{Chart, ChartKind, XAxis};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The limits and abilities of a chat platform. Lengths are in characters (Unicode scalar values).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent ability")]
pub struct Capabilities {
    /// The most blocks in one message.
    pub blocks: usize,
    /// The longest paragraph or code block.
    pub text: usize,
    /// The longest title.
    pub title: usize,
    /// The most characters in one message, all blocks together.
    pub message: usize,
    /// The most fields in one block of fields.
    pub fields: usize,
    /// The most actions in one message.
    pub actions: usize,
    /// The longest label of an action.
    pub label: usize,
    /// Tables, or none.
    pub table: Option<TableLimits>,
    /// How charts can be shown.
    pub charts: Charts,
    /// Whether pictures stand inside a message. Otherwise they are uploaded after it.
    pub images: bool,
    /// The largest file that can be uploaded, in bytes; 0 where none can.
    pub upload: u64,
    /// Whether a file block is shown with a way to its bytes by the platform itself. Otherwise the bytes are uploaded
    /// after the message, or linked where they are too many.
    pub stored_files: bool,
    /// Whether a posted message can be changed.
    pub edits: bool,
    /// Whether messages can be shown to one person only.
    pub private: bool,
    /// Whether forms can be shown; otherwise the missing arguments are asked for in words.
    pub forms: bool,
    /// Whether messages can be in threads.
    pub threads: bool,
    /// How a delivery whose outcome is unknown is settled.
    pub lookup: Lookup,
    /// The least time between two messages in one channel, from the answer to the first to the start of the second; zero
    /// where the platform sets no such limit.
    pub pause: Duration,
}

/// The largest table that a platform shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLimits {
    /// Rows, without the headings.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Characters in all cells together.
    pub text: usize,
    /// Tables in one message; taken as 1 where it is 0.
    pub each: usize,
}

impl ChartLimits {
    /// Whether a chart keeps them. What is neither lines nor bars is drawn here.
    #[must_use]
    pub fn hold(&self, chart: &Chart) -> bool {
        let short = |text: &str| text.chars().count() <= self.label;
        let names = match &chart.x {
            XAxis::Category(names) => names.iter().all(|name| short(name)),
            XAxis::Time { .. } => true,
        };
        matches!(chart.kind, ChartKind::Line | ChartKind::Bar)
            && chart.title.chars().count() <= self.title
            && (1..=self.series).contains(&chart.series.len())
            && (1..=self.points).contains(&chart.x.len())
            && names
            && chart.series.iter().all(|series| short(&series.name) && series.values.iter().all(Option::is_some))
    }
}

/// How charts can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Charts {
    /// As an SVG picture.
    Svg,
    /// As a PNG picture.
    Png,
    /// As a PNG picture of at most so many pixels across.
    PngWithin(u32),
    /// As data: the platform draws it.
    Native,
    /// As data within these limits, as a PNG picture beyond them.
    Within(ChartLimits),
}

/// The largest chart that a platform draws itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChartLimits {
    /// Characters of its title.
    pub title: usize,
    /// Rows of values.
    pub series: usize,
    /// Positions on the axis.
    pub points: usize,
    /// Characters of a name: of a position or of a row of values.
    pub label: usize,
    /// Charts in one message; taken as 1 where it is 0.
    pub each: usize,
}

/// How to find out whether a message was posted when the answer got lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lookup {
    /// `find` answers for certain once the request's time-out has passed.
    ByKey,
    /// Posting again under the same key is harmless: the platform keeps one.
    Idempotent,
    /// There is no way.
    None,
}

impl Default for Capabilities {
    /// A platform that shows everything: the console's, near enough, and what tests start from.
    fn default() -> Self {
        Self {
            blocks: 200,
            text: 40_000,
            title: 300,
            message: 100_000,
            fields: 50,
            actions: 50,
            label: 80,
            table: Some(TableLimits { rows: 500, columns: 20, text: 60_000, each: usize::MAX }),
            charts: Charts::Svg,
            images: true,
            upload: u64::MAX,
            stored_files: true,
            edits: true,
            private: true,
            forms: true,
            threads: true,
            lookup: Lookup::Idempotent,
            pause: Duration::ZERO,
        }
    }
}
