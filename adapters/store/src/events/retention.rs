//! Answers retentions: who comes back after the first time. docs/analytics.md says what counts.

use super::Events;
use super::asking::{GROUPS, OTHERS, cut, folded_note, until};
use super::histories::{Did, Values, Wanted, followed, value};
use crate::error::invalid;
use bellhop_core::Timestamp;
use bellhop_core::analytics::{Answer, Figures, Retention, RetentionCell, RetentionCohort, RetentionFigures, RetentionKind, Window};
use bellhop_core::chart::Interval;
use bellhop_core::ports::PortResult;
use chrono::TimeDelta;
use std::collections::{BTreeMap, HashMap};

/// The most units after the first.
const PERIODS: u32 = 366;
/// The most brackets.
const BRACKETS: usize = 100;
/// The most cells of one group.
const CELLS: usize = 100_000;

const FIRST: u32 = 1;
const BACK: u32 = 2;

/// Those of one unit and group: how many they are, and how many of them are in each column.
struct Cohort {
    size: u64,
    back: Vec<u64>,
}

/// What is being counted.
struct Counting {
    /// Where units begin, in microseconds, as far as columns reach.
    bounds: Vec<i64>,
    /// The units of each column, both included.
    columns: Vec<(usize, usize)>,
    cohorts: HashMap<(Option<String>, usize), Cohort>,
    /// Which units one person came back in.
    came: Vec<bool>,
}

impl Counting {
    fn unit(&self, at: i64) -> usize {
        self.bounds.partition_point(|start| *start <= at).saturating_sub(1)
    }

    fn person(&mut self, history: &[Did], values: &Values) {
        let Some(first) = history.iter().find(|did| did.kinds & FIRST != 0) else { return };
        let unit = self.unit(first.at);
        self.came.iter_mut().for_each(|came| *came = false);
        for did in history.iter().filter(|did| did.kinds & BACK != 0 && did.at > first.at) {
            // What is later than all columns counts for those without an end.
            let after = (self.unit(did.at) - unit).min(self.came.len() - 1);
            self.came[after] = true;
        }
        let key = (value(first, values).map(str::to_owned), unit);
        let cohort = self.cohorts.entry(key).or_insert_with(|| Cohort { size: 0, back: vec![0; self.columns.len()] });
        cohort.size += 1;
        for (count, (from, to)) in cohort.back.iter_mut().zip(&self.columns) {
            let to = (*to).min(self.came.len() - 1);
            *count += u64::from(self.came.get(*from..=to).is_some_and(|units| units.contains(&true)));
        }
    }
}

impl Events {
    pub(super) async fn retention(&self, retention: &Retention) -> PortResult<Answer> {
        let columns = self.check_retention(retention).await?;
        let window = &retention.window;
        let starts = cut(window, Some(retention.unit))?;
        if starts.len() * columns.len() > CELLS {
            return Err(invalid("query", "that is a table of too many cells; ask for a shorter period, wider units or fewer of them"));
        }
        let reach =
            columns.iter().map(|(_, to)| if *to == usize::MAX { 0 } else { *to }).chain(columns.iter().map(|(from, _)| *from)).max();
        let bounds = bounds(retention, starts.len() + reach.unwrap_or(0) + 1)?;
        let now = self.store.now();
        let open = columns.iter().any(|(_, to)| *to == usize::MAX);
        let end = bounds.last().copied().unwrap_or(window.to);
        let first = Wanted {
            event: retention.first.event.clone(),
            kinds: vec![(FIRST, None, retention.first.filters.clone())],
            by: retention.by.clone(),
            from: window.from,
            to: window.to,
            all: false,
        };
        let back = Wanted {
            event: retention.back.event.clone(),
            kinds: vec![(BACK, None, retention.back.filters.clone())],
            by: None,
            from: window.from,
            to: if open { until(now).max(end) } else { end },
            all: false,
        };
        let counting = Counting {
            bounds: bounds.iter().map(Timestamp::timestamp_micros).collect(),
            came: vec![false; bounds.len() + 1],
            columns: columns.clone(),
            cohorts: HashMap::new(),
        };
        let (counted, _) = followed(&self.store, vec![first, back], counting, Counting::person).await?;
        let mut basis = self.basis(window.zone, end);
        if open {
            basis.notes.push("whoever comes back later is still added".to_owned());
        }
        let (groups, folded) = grouped(counted.cohorts, retention.by.is_some());
        basis.notes.extend(folded.then(|| folded_note("values")));
        let mut cohorts = Vec::with_capacity(groups.len() * starts.len());
        for (group, units) in &groups {
            for (unit, start) in starts.iter().enumerate() {
                let cohort = units.get(&unit);
                let cell = |(column, (from, to)): (usize, &(usize, usize))| {
                    let begins = bounds.get(unit + from)?;
                    let ends = bounds.get(unit + if *to == usize::MAX { *from } else { *to } + 1)?;
                    let people = cohort.map_or(0, |cohort| cohort.back[column]);
                    (*begins <= now).then(|| RetentionCell { people: super::count(people), complete: *ends <= now })
                };
                cohorts.push(RetentionCohort {
                    start: *start,
                    group: group.clone(),
                    size: super::count(cohort.map_or(0, |cohort| cohort.size)),
                    cells: columns.iter().enumerate().map(cell).collect(),
                });
            }
        }
        let columns = match &retention.kind {
            RetentionKind::Brackets(brackets) => {
                brackets.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") }).collect()
            }
            RetentionKind::InUnit | RetentionKind::Unbounded => (0..=retention.periods).map(|unit| unit.to_string()).collect(),
        };
        Ok(Answer { figures: Figures::Retention(RetentionFigures { unit: retention.unit, columns, cohorts }), basis })
    }

    /// The units of each column, after looking at everything that can be wrong.
    async fn check_retention(&self, retention: &Retention) -> PortResult<Vec<(usize, usize)>> {
        if retention.unit == Interval::Hour {
            return Err(invalid("query", "retention is counted in days, weeks or months"));
        }
        let wide = |unit: &u32| *unit as usize;
        let columns = match &retention.kind {
            RetentionKind::Brackets(brackets) => {
                if !(1..=BRACKETS).contains(&brackets.len()) {
                    return Err(invalid("query", format!("{} brackets; 1 to {BRACKETS} can be asked for", brackets.len())));
                }
                if let Some((from, to)) = brackets.iter().find(|(from, to)| from > to || *to > PERIODS) {
                    return Err(invalid(
                        "query",
                        format!("the bracket {from}-{to} can't be: write the smaller number first, up to {PERIODS}"),
                    ));
                }
                brackets.iter().map(|(from, to)| (wide(from), wide(to))).collect()
            }
            RetentionKind::InUnit | RetentionKind::Unbounded => {
                if retention.periods > PERIODS {
                    return Err(invalid("query", format!("{} units are too many; {PERIODS} are the most", retention.periods)));
                }
                let open = retention.kind == RetentionKind::Unbounded;
                (0..=retention.periods).map(|unit| (wide(&unit), if open { usize::MAX } else { wide(&unit) })).collect()
            }
        };
        self.check_period(retention.window.from, retention.window.to)?;
        Self::check_by(retention.by.as_ref())?;
        self.check_events([&retention.first, &retention.back]).await?;
        Ok(columns)
    }
}

/// Where so many units begin, and where the last ends.
fn bounds(retention: &Retention, count: usize) -> PortResult<Vec<Timestamp>> {
    let width = match retention.unit {
        Interval::Hour | Interval::Day => TimeDelta::days(1),
        Interval::Week => TimeDelta::days(7),
        Interval::Month => TimeDelta::days(31),
    };
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    // Days of 23 hours, and months of 28 days, are in excess.
    let to = retention.window.from + width * (count + 2);
    let mut all = cut(&Window { from: retention.window.from, to, zone: retention.window.zone }, Some(retention.unit))?;
    all.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    Ok(all)
}

type Units = BTreeMap<usize, Cohort>;

/// The groups, the largest first, each with its units; and whether small ones were added up.
fn grouped(cohorts: HashMap<(Option<String>, usize), Cohort>, by: bool) -> (Vec<(Option<String>, Units)>, bool) {
    let mut groups = BTreeMap::<Option<String>, Units>::new();
    for ((group, unit), cohort) in cohorts {
        groups.entry(group).or_default().insert(unit, cohort);
    }
    if groups.is_empty() && !by {
        groups.insert(None, Units::new());
    }
    let size = |units: &Units| units.values().map(|cohort| cohort.size).sum::<u64>();
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, units)| std::cmp::Reverse(size(units)));
    let folded = groups.len() > GROUPS;
    if folded {
        let mut others = Units::new();
        for (_, units) in groups.split_off(GROUPS) {
            for (unit, cohort) in units {
                let all = others.entry(unit).or_insert_with(|| Cohort { size: 0, back: vec![0; cohort.back.len()] });
                all.size += cohort.size;
                all.back.iter_mut().zip(cohort.back).for_each(|(all, count)| *all += count);
            }
        }
        groups.push((Some(OTHERS.to_owned()), others));
    }
    (groups, folded)
}
