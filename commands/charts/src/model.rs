//! The chart as it can be drawn: finite values, one per position, names cleaned and shortened, and no more series than
//! there are colours (or rows of a field).

use crate::theme::COLOURS;
use crate::time::TimeAxis;
use bellhop_core::chart::{Chart, ChartKind, SeriesStyle, XAxis};
use bellhop_core::text::{one_line, shorten};

/// The largest value that is drawn; beyond it, sums of two overflow.
const LARGEST: f64 = 1e300;
/// The most rows of a field of shades.
const ROWS: usize = 60;

pub(crate) struct Picture {
    pub title: String,
    pub kind: ChartKind,
    pub axis: Axis,
    pub unit: String,
    pub lines: Vec<Row>,
    pub alt: String,
    /// How many series are left out.
    pub omitted: usize,
}

pub(crate) enum Axis {
    Time(TimeAxis),
    Category(Vec<String>),
}

/// A series.
pub(crate) struct Row {
    pub name: String,
    pub values: Vec<Option<f64>>,
    pub previous: bool,
    /// From which position on values are still filling up; one past the last where none is.
    pub open: usize,
    /// Its colour's number; [`COLOURS`] is the grey of a single period before.
    pub colour: usize,
}

impl Row {
    /// Whether the value at a position is still filling up.
    pub fn is_open(&self, position: usize) -> bool {
        position >= self.open
    }

    /// How many positions are still filling up.
    pub fn filling(&self) -> usize {
        self.values.iter().skip(self.open).flatten().count()
    }
}

impl Picture {
    pub fn of(chart: &Chart) -> Self {
        let axis = match &chart.x {
            XAxis::Time { at, zone, interval } => Axis::Time(TimeAxis::new(at, zone, *interval)),
            XAxis::Category(names) => Axis::Category(names.iter().map(|n| clean(n, 200)).collect()),
        };
        let count = chart.x.len();
        let most = if chart.kind == ChartKind::Heat { ROWS } else { COLOURS };
        let before = chart.series.iter().filter(|s| s.style == SeriesStyle::Previous).count();
        let lone = before == 1 && chart.series.len() == 2;
        // The period before wears the colour of the period that it is compared to.
        let (mut solid, mut dashed) = (0, 0);
        let lines: Vec<Row> = chart
            .series
            .iter()
            .take(most)
            .map(|series| {
                let previous = series.style == SeriesStyle::Previous;
                let next = if previous { &mut dashed } else { &mut solid };
                let colour = if previous && lone { COLOURS } else { *next % COLOURS };
                *next += 1;
                let value = |v: Option<f64>| v.filter(|v| v.is_finite()).map(|v| v.clamp(-LARGEST, LARGEST));
                let mut values: Vec<Option<f64>> = series.values.iter().take(count).map(|v| value(*v)).collect();
                values.resize(count, None);
                let open = match series.style {
                    SeriesStyle::Previous => count,
                    SeriesStyle::Open(filling) => {
                        let end = values.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
                        if filling == 0 { count } else { end.saturating_sub(usize::try_from(filling).unwrap_or(usize::MAX)) }
                    }
                    SeriesStyle::Solid => count.saturating_sub(usize::from(chart.last_incomplete)),
                };
                Row { name: clean(&series.name, 80), values, previous, open, colour }
            })
            .collect();
        // What is less than nothing can't lie on top of something.
        let below = lines.iter().any(|row| row.values.iter().flatten().any(|value| *value < 0.0));
        Self {
            title: clean(&chart.title, 200),
            kind: if chart.kind == ChartKind::Area && below { ChartKind::Line } else { chart.kind },
            axis,
            unit: clean(&chart.unit, 40),
            lines,
            alt: clean(&chart.alt, 2000),
            omitted: chart.series.len().saturating_sub(most),
        }
    }

    pub fn len(&self) -> usize {
        match &self.axis {
            Axis::Time(axis) => axis.len(),
            Axis::Category(names) => names.len(),
        }
    }

    /// True without a single value.
    pub fn is_empty(&self) -> bool {
        self.values().next().is_none()
    }

    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.lines.iter().flat_map(|l| l.values.iter().flatten().copied())
    }

    /// The most values of one series that are still filling up.
    pub fn filling(&self) -> usize {
        self.lines.iter().map(Row::filling).max().unwrap_or(0)
    }
}

/// Text for a picture: on one line, without marks that steer the display, and without what XML can't hold.
fn clean(text: &str, most: usize) -> String {
    // Cut first: a name may be megabytes long.
    let begin: String = text.chars().take(most * 8).collect();
    let line: String = one_line(&begin).chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
    shorten(line.trim(), most)
}
