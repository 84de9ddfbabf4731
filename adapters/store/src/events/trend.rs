//! Answers trends: how much, over time and by property.
//!
//! Without a property to group by, each interval is one range of the index, counted by itself; the database sorts
//! nothing.

use super::asking::{self, GROUPS, IDENTITY, OTHERS, cut, folded_note};
use super::sql::{Statement, spans};
use crate::error::invalid;
use crate::{Backend, Store};
use bellhop_core::Timestamp;
use bellhop_core::analytics::{Answer, Basis, Figures, Measure, Trend, TrendFigures, TrendRow, Window};
use bellhop_core::ids::SourceName;
use bellhop_core::ports::PortResult;
use std::collections::BTreeMap;

/// A pause that ends a session, in microseconds.
const PAUSE: i64 = 30 * 60 * 1_000_000;
/// Every zone's offset is a whole number of these, so every interval is too.
const QUARTER: i64 = 15 * 60 * 1_000_000;

/// Figures by interval and group.
type Counted = Vec<(usize, Option<String>, f64)>;

pub(super) async fn trend(store: &Store, name: &SourceName, whole: &Trend) -> PortResult<Answer> {
    let now = store.now();
    // What is ahead of the clock counts when its time has come; the rows are those of the whole period all the same.
    let trend = &Trend { to: whole.to.min(asking::until(now)), ..whole.clone() };
    let measure = measure(trend)?;
    let starts = cut(&Window { from: whole.from, to: whole.to, zone: whole.zone }, whole.interval)?;
    let figures =
        if trend.metric == "sessions" { sessions(store, trend, &starts).await? } else { measured(store, trend, &measure, &starts).await? };
    let sum = figures.iter().map(|(_, _, value)| value).sum();
    // Neither people nor averages of parts add up to those of the whole.
    let parts = trend.interval.is_some() || trend.by.is_some();
    let total = if parts && matches!(measure, Measure::Users | Measure::Average(_)) {
        let undivided = Trend { interval: None, by: None, ..trend.clone() };
        measured(store, &undivided, &measure, &[trend.from]).await?.iter().map(|(_, _, value)| value).sum()
    } else {
        sum
    };
    let mut basis = Basis { complete: whole.to <= now, identity: IDENTITY.to_owned(), ..Basis::whole(name.clone(), trend.zone) };
    let rows = if trend.by.is_some() {
        let (rows, folded) = grouped(figures, trend, &starts);
        basis.notes.extend(folded.then(|| folded_note("values")));
        rows
    } else {
        plain(&figures, trend, &starts)
    };
    Ok(Answer { figures: Figures::Trend(TrendFigures { rows, unit: String::new(), total }), basis })
}

/// What is really counted: some metrics say it themselves.
fn measure(trend: &Trend) -> PortResult<Measure> {
    match (trend.metric.as_str(), &trend.measure) {
        ("users", Measure::Count | Measure::Users) => Ok(Measure::Users),
        ("sessions", Measure::Count) => Ok(Measure::Count),
        ("sessions", Measure::Users) => Err(invalid("query", "sessions can be counted; for the number of people ask for `users`")),
        ("users" | "sessions", Measure::Sum(property) | Measure::Average(property)) => Err(invalid(
            "query",
            format!("`{}` can be counted, but not summed; to sum `{property}`, name the event that has it", trend.metric),
        )),
        (_, measure) => Ok(measure.clone()),
    }
}

async fn measured(store: &Store, trend: &Trend, measure: &Measure, starts: &[Timestamp]) -> PortResult<Counted> {
    let postgres = store.backend() == Backend::Postgres;
    let mut statement = Statement::default();
    let spans = spans(&mut statement, trend.from, trend.to, starts);
    let figure = statement.measure(measure, postgres);
    let group = trend.by.as_ref().map(|property| statement.text(property, postgres));
    let events = statement.events(&trend.metric);
    let filters = statement.filters(&trend.filters, postgres);
    let which = format!("{events} AND e.at >= i.a AND e.at < i.b{filters}");
    let sql = match group {
        None => format!("SELECT i.n, NULL, (SELECT {figure} FROM event AS e WHERE {which}) FROM {spans}"),
        Some(group) => format!("SELECT i.n, {group}, {figure} FROM {spans} CROSS JOIN event AS e WHERE {which} GROUP BY 1, 2"),
    };
    let rows = store.read("query").await?.rows(&sql, statement.values).await?;
    rows.iter().map(|row| Ok((usize::try_from(row.int(0)?).unwrap_or_default(), row.maybe_text(1)?, row.real(2)?))).collect()
}

/// Sessions by the moment they begin. A session that began before the period is none of it.
async fn sessions(store: &Store, trend: &Trend, starts: &[Timestamp]) -> PortResult<Counted> {
    let postgres = store.backend() == Backend::Postgres;
    let mut statement = Statement::default();
    let earlier = statement.bind(trend.from.timestamp_micros() - PAUSE);
    let (from, to) = (statement.bind(trend.from), statement.bind(trend.to));
    let group = trend.by.as_ref().map_or_else(|| "CAST(NULL AS TEXT)".to_owned(), |property| statement.text(property, postgres));
    let filters = statement.filters(&trend.filters, postgres);
    let sql = format!(
        "SELECT s.at / {QUARTER}, s.g, CAST(count(*) AS DOUBLE PRECISION) FROM \
           (SELECT e.at, {group} AS g, lag(e.at) OVER (PARTITION BY e.person ORDER BY e.at) AS before FROM event AS e \
            WHERE e.at >= {earlier} AND e.at < {to} AND e.person IS NOT NULL{filters}) AS s \
         WHERE s.at >= {from} AND (s.before IS NULL OR s.at - s.before > {PAUSE}) GROUP BY 1, 2"
    );
    let rows = store.read("query").await?.rows(&sql, statement.values).await?;
    let micros = starts.iter().map(Timestamp::timestamp_micros).collect::<Vec<_>>();
    let mut figures = BTreeMap::new();
    for row in &rows {
        let at = row.int(0)? * QUARTER;
        let interval = micros.partition_point(|start| *start <= at).saturating_sub(1);
        *figures.entry((interval, row.maybe_text(1)?)).or_insert(0.0) += row.real(2)?;
    }
    Ok(figures.into_iter().map(|((interval, group), value)| (interval, group, value)).collect())
}

fn start(trend: &Trend, starts: &[Timestamp], interval: usize) -> Option<Timestamp> {
    trend.interval.and_then(|_| starts.get(interval).copied())
}

fn plain(figures: &Counted, trend: &Trend, starts: &[Timestamp]) -> Vec<TrendRow> {
    let mut values = vec![0.0; starts.len()];
    for (interval, _, value) in figures {
        if let Some(sum) = values.get_mut(*interval) {
            *sum += value;
        }
    }
    values.into_iter().enumerate().map(|(interval, value)| TrendRow { at: start(trend, starts, interval), group: None, value }).collect()
}

/// Every group in every interval, the largest group first. The smallest of very many are added up.
fn grouped(figures: Counted, trend: &Trend, starts: &[Timestamp]) -> (Vec<TrendRow>, bool) {
    let mut totals = BTreeMap::<Option<String>, f64>::new();
    for (_, group, value) in &figures {
        *totals.entry(group.clone()).or_default() += value;
    }
    let mut order = totals.into_iter().collect::<Vec<_>>();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let folded = order.len() > GROUPS;
    order.truncate(GROUPS);
    let mut groups = order.into_iter().map(|(group, _)| group).collect::<Vec<_>>();
    let index = groups.iter().cloned().enumerate().map(|(at, group)| (group, at)).collect::<BTreeMap<_, _>>();
    if folded {
        groups.push(Some(OTHERS.to_owned()));
    }
    let width = groups.len();
    let mut values = vec![0.0; width * starts.len()];
    for (interval, group, value) in figures {
        let column = index.get(&group).copied().unwrap_or(width.saturating_sub(1));
        if let Some(sum) = values.get_mut(interval * width + column) {
            *sum += value;
        }
    }
    let cells = (0..starts.len()).flat_map(|interval| groups.iter().map(move |group| (interval, group)));
    let rows =
        cells.zip(values).map(|((interval, group), value)| TrendRow { at: start(trend, starts, interval), group: group.clone(), value });
    (rows.collect(), folded)
}
