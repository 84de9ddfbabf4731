//! Trends by event segmentation, and revenue.
//!
//! Source: <https://amplitude.com/docs/apis/analytics/dashboard-rest#event-segmentation>

use super::Amplitude;
use super::allowance::cost;
use super::ask::{day, event, width};
use bellhop_core::analytics::{
    Answer, Basis, EventMatch, Figures, Ltv, Measure, Revenue, RevenueFigures, RevenueRow, Trend, TrendFigures, TrendRow,
};
use bellhop_core::chart::Interval;
use bellhop_core::period::{Range, intervals};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortErrorKind, Timestamp};
use chrono::{NaiveDateTime, TimeDelta};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many values of a property are told apart.
const GROUPS: &str = "200";
/// The longest periods by interval that Amplitude answers.
const HOURLY: i64 = 7;
const DAILY: i64 = 365;
/// Days after which what new people have paid is told.
const LTV_DAYS: [u32; 6] = [1, 7, 14, 30, 60, 90];

/// What segmentation answers.
struct Segmented {
    /// By series: its label, its figure per position, and the whole period's.
    series: Vec<(Option<String>, Vec<f64>, Option<f64>)>,
    at: Vec<Timestamp>,
}

impl Amplitude {
    pub(super) async fn trend(&self, trend: &Trend) -> PortResult<Answer> {
        let name = self.event(&trend.metric).await?;
        let people = trend.measure == Measure::Users || trend.metric == "users";
        let matched = EventMatch { event: Some(name), filters: Vec::new() };
        // Sums are asked for as the property that the event is grouped by.
        let (measure, by) = match (&trend.measure, trend.by.as_deref()) {
            (Measure::Sum(_) | Measure::Average(_), Some(_)) => {
                let why = "Amplitude adds a property up for all events at once; leave --by PROPERTY out, or use --where";
                return Err(self.error(PortErrorKind::Unsupported, "query", why));
            }
            (Measure::Sum(property), None) => ("sums", Some(property.as_str())),
            (Measure::Average(property), None) => ("value_avg", Some(property.as_str())),
            (_, by) if people => ("uniques", by),
            (_, by) => ("totals", by),
        };
        let e = event(&matched, &trend.filters, by);
        let groups = 1 + 4 * usize::from(by.is_some());
        let segmented = self.segmented(&e, measure, trend.interval, (trend.from, trend.to), groups).await?;
        let zone = self.zone();
        let starts = match trend.interval {
            Some(interval) => intervals(Range { from: trend.from, to: trend.to }, interval, zone),
            None => vec![trend.from],
        };
        let grouped = trend.by.is_some();
        let mut order: Vec<(Option<String>, f64, Vec<f64>)> = Vec::new();
        for (label, values, whole) in &segmented.series {
            let label = label.clone().filter(|label| grouped && label != "(none)");
            let mut figures = vec![0.0; starts.len()];
            for (at, value) in segmented.at.iter().zip(values) {
                let inside = trend.interval != Some(Interval::Hour) || *at >= trend.from && *at < trend.to;
                let position = starts.partition_point(|start| start <= at).saturating_sub(1);
                if let Some(sum) = figures.get_mut(position).filter(|_| inside) {
                    *sum += value;
                }
            }
            let whole = whole.unwrap_or_else(|| figures.iter().sum());
            if trend.interval.is_none() {
                figures = vec![whole];
            }
            order.push((label, whole, figures));
        }
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        if order.is_empty() && !grouped {
            order.push((None, 0.0, vec![0.0; starts.len()]));
        }
        let mut rows = Vec::new();
        for (position, start) in starts.iter().enumerate() {
            rows.extend(order.iter().map(|(group, _, figures)| TrendRow {
                at: trend.interval.map(|_| *start),
                group: group.clone(),
                value: figures.get(position).copied().unwrap_or(0.0),
            }));
        }
        let total = order.iter().map(|(_, whole, _)| whole).sum();
        let mut basis = self.basis(trend.to);
        let midnight = |at: Timestamp| at.with_timezone(&zone).time() == chrono::NaiveTime::MIN;
        if trend.interval != Some(Interval::Hour) && !(midnight(trend.from) && (midnight(trend.to) || trend.to >= self.ports.clock.now())) {
            basis.notes.push("Amplitude counts whole days: the first and the last one are counted in full".to_owned());
        }
        if people && grouped {
            basis.notes.push("people with several values are counted in each of them".to_owned());
        }
        Ok(Answer { figures: Figures::Trend(TrendFigures { rows, unit: String::new(), total }), basis })
    }

    /// `/api/2/events/segmentation`
    async fn segmented(
        &self,
        e: &Value,
        measure: &str,
        interval: Option<Interval>,
        (from, to): (Timestamp, Timestamp),
        kind: usize,
    ) -> PortResult<Segmented> {
        let (first, last) = self.days(from, to);
        let days = (last - first).num_days() + 1;
        let interval = interval.unwrap_or(Interval::Day);
        let most = if interval == Interval::Hour { HOURLY } else { DAILY };
        if matches!(interval, Interval::Hour | Interval::Day) && days > most {
            let why = format!("Amplitude answers {most} days at the most by that interval; ask for a shorter period or longer intervals");
            return Err(self.error(PortErrorKind::Invalid, "query", why));
        }
        let (e, start, end) = (e.to_string(), day(first), day(last));
        let query = [
            ("e", e.as_str()),
            ("m", measure),
            ("start", start.as_str()),
            ("end", end.as_str()),
            ("i", width(interval)),
            ("limit", GROUPS),
        ];
        let answer = self.get("query", "/api/2/events/segmentation", &query, cost(days, 1, kind)).await?;
        let Some(data) = answer.get("data") else {
            return Err(self.error(PortErrorKind::Broken, "query", "Amplitude's answer has no `data`"));
        };
        let list = |name: &str| data.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let (labels, collapsed) = (list("seriesLabels"), list("seriesCollapsed"));
        let at: Vec<Timestamp> = list("xValues").iter().filter_map(|x| self.moment(x.as_str()?)).collect();
        let series = list("series")
            .iter()
            .enumerate()
            .map(|(number, values)| {
                let values = values.as_array().into_iter().flatten().map(|value| figure(value).unwrap_or(0.0)).collect();
                let whole = collapsed.get(number).and_then(|one| one.get(0)).and_then(|one| figure(one.get("value").unwrap_or(one)));
                (labels.get(number).and_then(label), values, whole)
            })
            .collect();
        Ok(Segmented { series, at })
    }

    /// A position of an axis: `2026-11-23` or `2026-11-23T15:00:00`, in the project's zone.
    pub(super) fn moment(&self, text: &str) -> Option<Timestamp> {
        let zone = self.zone();
        if let Ok(date) = text.parse::<chrono::NaiveDate>() {
            return Some(bellhop_core::period::midnight(date, zone));
        }
        let formats = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%b %d, %Y %H:%M"];
        let time = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
        time.and_local_timezone(zone).earliest().map(|at| at.with_timezone(&chrono::Utc))
    }

    /// A day of a retention: as on an axis, or `Aug 14`, which is the first such day of the period or after it. The unit of
    /// the first cohort may begin a month before the period does.
    pub(super) fn dated(&self, text: &str, first: chrono::NaiveDate) -> Option<Timestamp> {
        use chrono::Datelike as _;
        self.moment(text).or_else(|| {
            let least = first - TimeDelta::days(31);
            let day = (0..=1).find_map(|later| {
                let year = least.year() + later;
                chrono::NaiveDate::parse_from_str(&format!("{text} {year}"), "%b %d %Y").ok().filter(|day| *day >= least)
            })?;
            Some(bellhop_core::period::midnight(day, self.zone()))
        })
    }

    /// What every answer rests on.
    pub(super) fn basis(&self, to: Timestamp) -> Basis {
        let now = self.ports.clock.now();
        let mut basis = Basis::whole(self.name.clone(), self.zone());
        basis.complete = to <= now;
        "by user id, joined with what a device did before it was known".clone_into(&mut basis.identity);
        if self.config.timezone.is_none() {
            basis
                .notes
                .push("days are taken to be of UTC; set `timezone` to that of the project's settings where it is another".to_owned());
        }
        if to > now - TimeDelta::hours(2) {
            basis.settling_from = Some(now - TimeDelta::hours(2));
        }
        basis
    }

    pub(super) async fn revenue(&self, revenue: &Revenue) -> PortResult<Answer> {
        if revenue.by.is_some() {
            let why = "Amplitude's revenue is asked for everybody here; leave --by PROPERTY out";
            return Err(self.error(PortErrorKind::Unsupported, "query", why));
        }
        let window = (revenue.window.from, revenue.window.to);
        let paid = EventMatch { event: Some("revenue_amount".to_owned()), filters: Vec::new() };
        let active = EventMatch { event: Some("_active".to_owned()), filters: Vec::new() };
        let sums = self.segmented(&event(&paid, &revenue.filters, Some("$revenue")), "sums", revenue.interval, window, 5).await?;
        let payments = self.segmented(&event(&paid, &revenue.filters, None), "totals", revenue.interval, window, 1).await?;
        let paying = self.segmented(&event(&paid, &revenue.filters, None), "uniques", revenue.interval, window, 1).await?;
        let active = self.segmented(&event(&active, &[], None), "uniques", revenue.interval, window, 1).await?;
        let whole = |one: &Segmented| one.series.first().map_or(0.0, |(_, values, whole)| whole.unwrap_or_else(|| values.iter().sum()));
        let by_start = |one: &Segmented| -> BTreeMap<Timestamp, f64> {
            let mut sums = BTreeMap::new();
            for (_, values, _) in &one.series {
                for (at, value) in one.at.iter().zip(values) {
                    *sums.entry(*at).or_insert(0.0) += value;
                }
            }
            sums
        };
        let tables = [by_start(&sums), by_start(&payments), by_start(&paying), by_start(&active)];
        let row = |at: Option<Timestamp>, figures: [f64; 4]| RevenueRow {
            at,
            group: None,
            revenue: figures[0],
            payments: Some(figures[1]),
            paying: Some(figures[2]),
            active: Some(figures[3]),
        };
        let total = row(None, [whole(&sums), whole(&payments), whole(&paying), whole(&active)]);
        let rows = match revenue.interval {
            None => vec![total.clone()],
            Some(interval) => intervals(Range { from: window.0, to: window.1 }, interval, self.zone())
                .into_iter()
                .map(|start| row(Some(start), tables.each_ref().map(|table| table.get(&start).copied().unwrap_or(0.0))))
                .collect(),
        };
        let ltv = self.lifetime(window).await?;
        let figures = RevenueFigures { rows, total, unit: String::new(), ltv };
        Ok(Answer { figures: Figures::Revenue(figures), basis: self.basis(revenue.window.to) })
    }

    /// `/api/2/revenue/ltv`: what new people have paid on average by some days after they were first seen.
    async fn lifetime(&self, (from, to): (Timestamp, Timestamp)) -> PortResult<Vec<Ltv>> {
        let (first, last) = self.days(from, to);
        let (start, end) = (day(first), day(last));
        let query = [("m", "0"), ("start", start.as_str()), ("end", end.as_str()), ("i", "1")];
        let answer = self.get("query", "/api/2/revenue/ltv", &query, cost((last - first).num_days() + 1, 1, 1)).await?;
        let now = self.ports.clock.now();
        let mut sums: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
        let values = answer.pointer("/data/series/0/values").and_then(Value::as_object);
        for (date, cohort) in values.into_iter().flatten() {
            let Some(at) = self.moment(date) else { continue };
            let people = cohort.get("count").and_then(figure).unwrap_or(0.0);
            for after in LTV_DAYS {
                let Some(average) = cohort.get(format!("r{after}d")).and_then(figure) else { continue };
                // Who has not had that much time says nothing yet.
                if at + TimeDelta::days(i64::from(after) + 1) <= now && people > 0.0 {
                    let sum = sums.entry(after).or_default();
                    sum.0 += average * people;
                    sum.1 += people;
                }
            }
        }
        Ok(sums.into_iter().map(|(day, (sum, people))| Ltv { day, average: sum / people, people }).collect())
    }
}

/// A number, also one that came as text.
pub(super) fn figure(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// A series' label: a text, or a list of the event's number and its group.
fn label(label: &Value) -> Option<String> {
    match label {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts.iter().rev().find_map(|part| part.as_str().map(str::to_owned)),
        Value::Object(_) => json!(label).get("value").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    }
}
