//! Figures in order: the answers of the sources as positions and columns, from which the chart and the table are both
//! made, so that they never disagree. Pure.

use super::{Answered, Asked};
use bellhop_core::analytics::{Measure, TrendFigures, TrendRow};
use bellhop_core::period::intervals;
use bellhop_core::{Timestamp, period::Range};
use std::collections::BTreeMap;

/// How many values of a property have a bar of their own, and how many a line; the rest are added up.
pub(super) const BARS: usize = 12;
pub(super) const LINES: usize = 6;

/// What stands along the axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Axis {
    /// Starts of intervals.
    Time(Vec<Timestamp>),
    /// Values of a property.
    Groups(Vec<String>),
}

impl Axis {
    pub fn len(&self) -> usize {
        match self {
            Self::Time(at) => at.len(),
            Self::Groups(names) => names.len(),
        }
    }
}

/// One row of figures, one per position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// What it is called.
    pub name: String,
    /// The figures; `None` where there is none yet.
    pub values: Vec<Option<f64>>,
    /// Whether it is the period before.
    pub previous: bool,
}

/// All of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    /// The positions.
    pub axis: Axis,
    /// The columns, each as long as the axis.
    pub columns: Vec<Column>,
    /// Whether the last position is still filling up.
    pub last_incomplete: bool,
    /// Which position is still filling up, if any.
    pub filling: Option<usize>,
}

impl Grid {
    /// Whether there is any figure but zero.
    pub fn any(&self) -> bool {
        self.columns.iter().any(|column| column.values.iter().flatten().any(|value| *value != 0.0))
    }
}

/// Orders what the sources answered.
pub(super) fn grid(asked: &Asked, answered: &[Answered]) -> Grid {
    match (asked.interval.is_some(), asked.by.is_some()) {
        (true, true) => over_time_by_group(asked, answered),
        (true, false) => over_time(asked, answered),
        (false, _) => by_group(asked, answered),
    }
}

fn over_time(asked: &Asked, answered: &[Answered]) -> Grid {
    let (at, filling) = positions(asked, answered);
    let reached = filling.map_or(at.len(), |position| position + 1);
    let several = answered.len() > 1;
    let mut columns = Vec::new();
    for one in answered {
        let name = if several { one.source.to_string() } else { asked.metric.clone() };
        let mut values = at_positions(&one.frame.rows, &at);
        values[reached..].fill(None);
        if let (Some(previous), Some(range)) = (&one.previous, asked.previous) {
            let before = starts(asked, range);
            let mut earlier = at_positions(&previous.rows, &before);
            earlier.resize(at.len(), None);
            columns.push(Column { name: name.clone(), values, previous: false });
            columns.push(Column { name: format!("{name}, before"), values: earlier, previous: true });
        } else {
            columns.push(Column { name, values, previous: false });
        }
    }
    Grid { last_incomplete: filling.is_some_and(|position| position + 1 == at.len()), filling, axis: Axis::Time(at), columns }
}

fn over_time_by_group(asked: &Asked, answered: &[Answered]) -> Grid {
    let (at, filling) = positions(asked, answered);
    let reached = filling.map_or(at.len(), |position| position + 1);
    // Several sources and both dimensions are refused before anything is asked.
    let rows: &[TrendRow] = answered.first().map_or(&[], |one| &one.frame.rows);
    let groups = totals(rows);
    let (shown, rest) = top(&groups, asked.top, LINES);
    // Averages of several values can't be made out of theirs.
    let average = matches!(asked.measure, Measure::Average(_));
    let mut columns: Vec<Column> = shown
        .iter()
        .map(|group| {
            let own: Vec<TrendRow> = rows.iter().filter(|row| row.group == **group).cloned().collect();
            Column { name: named(group.as_deref()), values: at_positions(&own, &at), previous: false }
        })
        .collect();
    if !rest.is_empty() && !average {
        let others: Vec<TrendRow> = rows.iter().filter(|row| rest.contains(&&row.group)).cloned().collect();
        columns.push(Column { name: other(rest.len()), values: at_positions(&others, &at), previous: false });
    }
    for column in &mut columns {
        column.values[reached..].fill(None);
    }
    Grid { last_incomplete: filling.is_some_and(|position| position + 1 == at.len()), filling, axis: Axis::Time(at), columns }
}

fn by_group(asked: &Asked, answered: &[Answered]) -> Grid {
    // The order is that of all sources' figures together, so that the bars of a value stand beside one another.
    let all: Vec<TrendRow> = answered.iter().flat_map(|one| one.frame.rows.iter().cloned()).collect();
    let mut groups = totals(&all);
    for row in answered.iter().filter_map(|one| one.previous.as_ref()).flat_map(|frame| &frame.rows) {
        if !groups.iter().any(|(group, _)| *group == row.group) {
            groups.push((row.group.clone(), 0.0));
        }
    }
    let (shown, rest) = top(&groups, asked.top, BARS);
    let average = matches!(asked.measure, Measure::Average(_));
    let mut names: Vec<String> = shown.iter().map(|group| named(group.as_deref())).collect();
    if !rest.is_empty() {
        names.push(other(rest.len()));
    }
    let values = |frame: &TrendFigures| -> Vec<Option<f64>> {
        let sums: BTreeMap<_, _> = totals(&frame.rows).into_iter().collect();
        let of = |group: &Option<String>| sums.get(group).copied().unwrap_or(0.0);
        let mut values: Vec<Option<f64>> = shown.iter().map(|group| Some(of(group))).collect();
        if !rest.is_empty() {
            values.push((!average).then(|| rest.iter().map(|group| of(group)).sum()));
        }
        values
    };
    let several = answered.len() > 1;
    let mut columns = Vec::new();
    for one in answered {
        let name = if several { one.source.to_string() } else { "this period".to_owned() };
        columns.push(Column { name, values: values(&one.frame), previous: false });
        if let Some(previous) = &one.previous {
            let name = if several { format!("{}, before", one.source) } else { "before".to_owned() };
            columns.push(Column { name, values: values(previous), previous: true });
        }
    }
    Grid { axis: Axis::Groups(names), columns, last_incomplete: false, filling: None }
}

/// The positions in time that are shown, and the one that is still filling up. What has not begun is left out, unless a
/// period before has figures to show there.
fn positions(asked: &Asked, answered: &[Answered]) -> (Vec<Timestamp>, Option<usize>) {
    let mut at = starts(asked, asked.range);
    let begun = at.partition_point(|start| *start <= asked.now).max(1).min(at.len());
    let open = asked.now < asked.range.to || answered.iter().any(|one| !one.basis.complete);
    let filling = (open && begun > 0).then(|| begun - 1);
    if asked.previous.is_none() {
        at.truncate(begun);
    }
    (at, filling)
}

fn starts(asked: &Asked, range: Range) -> Vec<Timestamp> {
    asked.interval.map(|interval| intervals(range, interval, asked.zone)).unwrap_or_default()
}

/// The figures of rows at positions: each goes where its interval begins, or to the position it falls into.
fn at_positions(rows: &[TrendRow], at: &[Timestamp]) -> Vec<Option<f64>> {
    let mut values: Vec<Option<f64>> = vec![Some(0.0); at.len()];
    for row in rows {
        let Some(start) = row.at else { continue };
        let Some(position) = at.partition_point(|begin| *begin <= start).checked_sub(1) else { continue };
        if let Some(value) = values[position].as_mut() {
            *value += row.value;
        }
    }
    values
}

/// The groups, largest first; equals by name.
fn totals(rows: &[TrendRow]) -> Vec<(Option<String>, f64)> {
    let mut sums: BTreeMap<Option<String>, f64> = BTreeMap::new();
    for row in rows {
        *sums.entry(row.group.clone()).or_default() += row.value;
    }
    let mut groups: Vec<_> = sums.into_iter().collect();
    groups.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    groups
}

type Groups<'a> = Vec<&'a Option<String>>;

/// The first `most` groups and the others. One more than fits is shown: "other" of one would say less than its name.
fn top(groups: &[(Option<String>, f64)], wanted: Option<usize>, most: usize) -> (Groups<'_>, Groups<'_>) {
    // Who asks for a number gets that number.
    let at = match wanted {
        Some(wanted) => wanted.min(groups.len()),
        None if groups.len() <= most + 1 => groups.len(),
        None => most,
    };
    let (shown, rest) = groups.split_at(at);
    (shown.iter().map(|(group, _)| group).collect(), rest.iter().map(|(group, _)| group).collect())
}

fn other(count: usize) -> String {
    format!("other ({count})")
}

/// A value of a property as people read it.
pub(crate) fn named(group: Option<&str>) -> String {
    match group {
        None => "(none)".to_owned(),
        Some("") => "(empty)".to_owned(),
        Some(value) => bellhop_core::text::shorten(&bellhop_core::text::one_line(value), 60),
    }
}
