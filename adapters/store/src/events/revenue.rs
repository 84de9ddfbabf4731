//! Answers what people pay: over time, per person, and by the days since they were first seen.

use super::asking::{GROUPS, OTHERS, cut, folded_note, until};
use super::sql::{Statement, spans};
use super::{Events, count};
use crate::Backend;
use bellhop_core::Timestamp;
use bellhop_core::analytics::{Answer, Figures, Ltv, Revenue, RevenueFigures, RevenueRow};
use bellhop_core::ports::PortResult;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The days after which it is told what new people have paid.
const DAYS: [u32; 10] = [1, 3, 7, 14, 30, 60, 90, 180, 270, 365];
const DAY: i64 = 86_400_000_000;

type Rows = BTreeMap<(usize, Option<String>), RevenueRow>;

impl Events {
    pub(super) async fn revenue(&self, revenue: &Revenue) -> PortResult<Answer> {
        let window = &revenue.window;
        self.check_period(window.from, window.to)?;
        Self::check_filters(&revenue.filters)?;
        Self::check_by(revenue.by.as_ref())?;
        self.check_metric("users").await?;
        let starts = cut(window, revenue.interval)?;
        let to = window.to.min(until(self.store.now()));
        let counted = self.paid(revenue, to, &starts, revenue.by.as_ref()).await?;
        let (groups, folded) = groups(&counted, revenue.by.is_some());
        let at = |unit: usize| revenue.interval.and_then(|_| starts.get(unit).copied());
        let mut rows = Vec::with_capacity(starts.len() * groups.len());
        for unit in 0..starts.len() {
            for group in &groups {
                let mut row = counted.get(&(unit, group.clone())).cloned().unwrap_or_else(empty);
                (row.at, row.group) = (at(unit), group.clone());
                rows.push(row);
            }
            if folded {
                let mut row = empty();
                let others = counted.range((unit, None)..).take_while(|((of, _), _)| *of == unit);
                others.filter(|((_, group), _)| !groups.contains(group)).for_each(|(_, other)| add(&mut row, other));
                (row.at, row.group) = (at(unit), Some(OTHERS.to_owned()));
                rows.push(row);
            }
        }
        let whole = self.paid(revenue, to, &[window.from], None).await?;
        let total = whole.into_values().next().unwrap_or_else(empty);
        let mut basis = self.basis(window.zone, window.to);
        basis.notes.extend(folded.then(|| folded_note("values")));
        let figures = RevenueFigures { rows, total, unit: String::new(), ltv: self.lifetime(revenue, to).await? };
        Ok(Answer { figures: Figures::Revenue(figures), basis })
    }

    /// What was paid, and who was there, by interval and value.
    async fn paid(&self, revenue: &Revenue, to: Timestamp, starts: &[Timestamp], by: Option<&String>) -> PortResult<Rows> {
        let postgres = self.store.backend() == Backend::Postgres;
        let mut rows = Rows::new();
        for payments in [true, false] {
            let mut statement = Statement::default();
            let spans = spans(&mut statement, revenue.window.from, to, starts);
            let group = by.map_or_else(|| "CAST(NULL AS TEXT)".to_owned(), |property| statement.text(property, postgres));
            let filters = statement.filters(&revenue.filters, postgres);
            let which = if payments { "e.revenue IS NOT NULL" } else { "e.person IS NOT NULL" };
            let figures = if payments {
                "CAST(sum(e.revenue) AS DOUBLE PRECISION), count(*), count(DISTINCT e.person)"
            } else {
                "CAST(0 AS DOUBLE PRECISION), CAST(0 AS BIGINT), count(DISTINCT e.person)"
            };
            let sql = format!(
                "SELECT i.n, {group}, {figures} FROM {spans} CROSS JOIN event AS e \
                 WHERE e.at >= i.a AND e.at < i.b AND {which}{filters} GROUP BY 1, 2"
            );
            for row in self.store.read("query").await?.rows(&sql, statement.values).await? {
                let key = (usize::try_from(row.int(0)?).unwrap_or_default(), row.maybe_text(1)?);
                let people = count(u64::try_from(row.int(4)?).unwrap_or_default());
                let figures = rows.entry(key).or_insert_with(empty);
                if payments {
                    figures.revenue = row.real(2)?;
                    figures.payments = Some(count(u64::try_from(row.int(3)?).unwrap_or_default()));
                    figures.paying = Some(people);
                } else {
                    figures.active = Some(people);
                }
            }
        }
        Ok(rows)
    }

    /// What those who were first seen in the period have paid by some days after, on average over those who had the time.
    async fn lifetime(&self, revenue: &Revenue, to: Timestamp) -> PortResult<Vec<Ltv>> {
        let postgres = self.store.backend() == Backend::Postgres;
        let now = self.store.now().timestamp_micros();
        let mut statement = Statement::default();
        let (from, to) = (statement.bind(revenue.window.from), statement.bind(to));
        let until = statement.bind(now);
        let new = "(SELECT p.id AS person, (SELECT min(f.at) FROM event AS f WHERE f.person = p.id) AS first FROM person AS p WHERE p.root IS NULL) AS n";
        let span = |of: &str, what: &str| {
            let mut cases = String::from("CASE");
            for (at, days) in DAYS.iter().enumerate() {
                let _ = write!(cases, " WHEN {of} {what} {} THEN {at}", i64::from(*days) * DAY);
            }
            format!("CAST({cases} ELSE {} END AS BIGINT)", DAYS.len())
        };
        // The number of spans that somebody has lived through is the position of the first that they haven't.
        let age = span(&format!("{until} - n.first"), "<");
        let people = format!(
            "SELECT {age}, count(*), CAST(0 AS BIGINT), CAST(0 AS DOUBLE PRECISION) FROM {new} WHERE n.first >= {from} AND n.first < {to} GROUP BY 1"
        );
        let mut lived = [0_u64; DAYS.len() + 1];
        let values = statement.values.clone();
        let mut session = self.store.read("query").await?;
        for row in session.rows(&people, values).await? {
            if let Some(count) = lived.get_mut(usize::try_from(row.int(0)?).unwrap_or(usize::MAX)) {
                *count = u64::try_from(row.int(1)?).unwrap_or_default();
            }
        }
        if lived.iter().all(|count| *count == 0) {
            return Ok(Vec::new());
        }
        let filters = statement.filters(&revenue.filters, postgres);
        let paid = span("e.at - n.first", "<");
        // People first: SQLite would rather go through all payments there ever were.
        let sql = format!(
            "SELECT {age}, {paid}, CAST(sum(e.revenue) AS DOUBLE PRECISION) FROM {new} /*lite CROSS */JOIN event AS e ON e.person = n.person \
             WHERE n.first >= {from} AND n.first < {to} AND e.revenue IS NOT NULL AND e.at <= {until}{filters} GROUP BY 1, 2"
        );
        let mut sums = vec![[0.0; DAYS.len() + 1]; DAYS.len() + 1];
        for row in session.rows(&sql, statement.values).await? {
            let (age, paid) = (usize::try_from(row.int(0)?).unwrap_or_default(), usize::try_from(row.int(1)?).unwrap_or_default());
            if let Some(sum) = sums.get_mut(age).and_then(|row| row.get_mut(paid)) {
                *sum = row.real(2)?;
            }
        }
        // Who has lived through the span `at` is in a later row; what was paid within it is in a column up to it.
        let told = DAYS.iter().enumerate().filter_map(|(at, day)| {
            let people: u64 = lived[at + 1..].iter().sum();
            let paid: f64 = sums[at + 1..].iter().flat_map(|row| &row[..=at]).sum();
            (people > 0).then(|| Ltv { day: *day, average: paid / count(people), people: count(people) })
        });
        Ok(told.collect())
    }
}

fn empty() -> RevenueRow {
    RevenueRow { payments: Some(0.0), paying: Some(0.0), active: Some(0.0), ..RevenueRow::default() }
}

fn add(row: &mut RevenueRow, other: &RevenueRow) {
    row.revenue += other.revenue;
    for (sum, more) in [(&mut row.payments, other.payments), (&mut row.paying, other.paying), (&mut row.active, other.active)] {
        *sum = Some(sum.unwrap_or(0.0) + more.unwrap_or(0.0));
    }
}

/// The values that are told apart, the largest revenue first, and whether there are others.
fn groups(rows: &Rows, by: bool) -> (Vec<Option<String>>, bool) {
    if !by {
        return (vec![None], false);
    }
    let mut totals = BTreeMap::<Option<String>, (f64, f64)>::new();
    for ((_, group), row) in rows {
        let total = totals.entry(group.clone()).or_default();
        *total = (total.0 + row.revenue, total.1 + row.active.unwrap_or(0.0));
    }
    let mut order: Vec<_> = totals.into_iter().collect();
    order.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(b.1.1.total_cmp(&a.1.1)));
    let folded = order.len() > GROUPS;
    order.truncate(GROUPS);
    (order.into_iter().map(|(group, _)| group).collect(), folded)
}
