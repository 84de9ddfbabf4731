//! Trends by segmentation, and revenue out of them.
//!
//! Source: <https://docs.mixpanel.com/reference/segmentation-query>

use super::Mixpanel;
use super::ask::{expression, property};
use bellhop_core::analytics::{Answer, Basis, Figures, Measure, Revenue, RevenueFigures, RevenueRow, Trend, TrendFigures, TrendRow};
use bellhop_core::chart::Interval;
use bellhop_core::period::{Range, intervals};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortErrorKind, Timestamp};
use chrono::{NaiveDateTime, TimeDelta};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many values of a property are told apart.
const GROUPS: &str = "200";

/// Figures of a source by moment and group.
pub(super) type Cells = BTreeMap<(Timestamp, Option<String>), f64>;

impl Mixpanel {
    pub(super) async fn trend(&self, trend: &Trend) -> PortResult<Answer> {
        let event = self.event(&trend.metric, &trend.measure).await?;
        let people = trend.measure == Measure::Users || trend.metric == "users";
        let mut basis = self.basis(trend.to);
        let mut cells = match &trend.measure {
            Measure::Sum(name) | Measure::Average(name) => self.numeric(trend, &event, name).await?,
            Measure::Count | Measure::Users if trend.interval == Some(Interval::Week) && people => self.weeks(trend, &event).await?,
            Measure::Count | Measure::Users => self.segmented(trend, &event, people).await?,
        };
        let starts = match trend.interval {
            Some(interval) => intervals(Range { from: trend.from, to: trend.to }, interval, self.zone()),
            None => vec![trend.from],
        };
        if trend.interval != Some(Interval::Hour) && !self.whole_days(trend) {
            basis.notes.push("Mixpanel counts whole days here: the first and the last one are counted in full".to_owned());
        }
        let averaged = matches!(trend.measure, Measure::Average(_));
        if averaged && trend.interval.is_none_or(|interval| interval == Interval::Week) {
            let why = "Mixpanel averages by hour, day or month; add --by day";
            return Err(self.error(PortErrorKind::Unsupported, "query", why));
        }
        if trend.interval == Some(Interval::Hour) {
            cells.retain(|(at, _), _| *at >= trend.from && *at < trend.to);
        }
        let total: f64 = cells.values().sum();
        if people && (trend.interval.is_some() || cells.len() > 1) {
            basis.notes.push("Mixpanel counts people in each interval by itself: the total has those twice who came twice".to_owned());
        }
        let rows = rows(&cells, &starts, trend);
        Ok(Answer { figures: Figures::Trend(TrendFigures { rows, unit: String::new(), total }), basis })
    }

    fn whole_days(&self, trend: &Trend) -> bool {
        let midnight = |at: Timestamp| at.with_timezone(&self.zone()).time() == chrono::NaiveTime::MIN;
        midnight(trend.from) && (midnight(trend.to) || trend.to >= self.ports.clock.now())
    }

    /// The unit of segmentation from which the interval can be added up. People can't be added up: for a whole period the
    /// largest unit counts the fewest of them twice, and none within a month.
    const fn unit(interval: Option<Interval>, people: bool) -> &'static str {
        match interval {
            Some(Interval::Hour) => "hour",
            Some(Interval::Month) => "month",
            None if people => "month",
            _ => "day",
        }
    }

    /// `/segmentation`
    async fn segmented(&self, trend: &Trend, event: &str, people: bool) -> PortResult<Cells> {
        let (from, to) = self.days(trend.from, trend.to);
        let (from, to) = (from.to_string(), to.to_string());
        let on = trend.by.as_deref().map(property);
        let filter = expression(&trend.filters);
        let mut query = vec![
            ("event", event),
            ("from_date", &from),
            ("to_date", &to),
            ("unit", Self::unit(trend.interval, people)),
            ("type", if people { "unique" } else { "general" }),
        ];
        if let Some(on) = &on {
            query.extend([("on", on.as_str()), ("limit", GROUPS)]);
        }
        query.extend(filter.as_deref().map(|filter| ("where", filter)));
        let answer = self.get("query", "/segmentation", &query).await?;
        let values = answer.pointer("/data/values").and_then(Value::as_object);
        let Some(values) = values else {
            return Err(self.error(PortErrorKind::Broken, "query", "Mixpanel's answer has no `data.values`"));
        };
        let mut cells = Cells::new();
        for (segment, dates) in values {
            let group = on.as_ref().and_then(|_| Some(segment.clone()).filter(|text| !matches!(text.as_str(), "undefined" | "$undefined")));
            self.gather(&mut cells, dates, group.as_deref());
        }
        Ok(cells)
    }

    /// `/events`, which knows weeks: people of a week are not the sum of its days.
    async fn weeks(&self, trend: &Trend, event: &str) -> PortResult<Cells> {
        if trend.by.is_some() || !trend.filters.is_empty() {
            let why = "Mixpanel counts people by week for all events only; leave --by and --where out, or count by day or month";
            return Err(self.error(PortErrorKind::Unsupported, "query", why));
        }
        let (from, to) = self.days(trend.from, trend.to);
        let (from, to) = (from.to_string(), to.to_string());
        let list = serde_json::json!([event]).to_string();
        let query = [("event", list.as_str()), ("type", "unique"), ("unit", "week"), ("from_date", &from), ("to_date", &to)];
        let answer = self.get("query", "/events", &query).await?;
        let mut cells = Cells::new();
        for dates in answer.pointer("/data/values").and_then(Value::as_object).into_iter().flat_map(|values| values.values()) {
            self.gather(&mut cells, dates, None);
        }
        Ok(cells)
    }

    /// `/segmentation/sum` and `/segmentation/average`
    async fn numeric(&self, trend: &Trend, event: &str, name: &str) -> PortResult<Cells> {
        if trend.by.is_some() {
            let why = "Mixpanel adds a property up for all events at once; leave --by PROPERTY out, or use --where";
            return Err(self.error(PortErrorKind::Unsupported, "query", why));
        }
        let route = if matches!(trend.measure, Measure::Average(_)) { "/segmentation/average" } else { "/segmentation/sum" };
        let (from, to) = self.days(trend.from, trend.to);
        let (from, to) = (from.to_string(), to.to_string());
        let on = format!("number({})", property(name));
        let filter = expression(&trend.filters);
        let mut query = vec![
            ("event", event),
            ("from_date", &from),
            ("to_date", &to),
            ("unit", Self::unit(trend.interval, false)),
            ("on", on.as_str()),
        ];
        query.extend(filter.as_deref().map(|filter| ("where", filter)));
        let answer = self.get("query", route, &query).await?;
        let mut cells = Cells::new();
        match answer.get("results") {
            Some(dates @ Value::Object(_)) => self.gather(&mut cells, dates, None),
            _ => return Err(self.error(PortErrorKind::Broken, "query", "Mixpanel's answer has no `results`")),
        }
        Ok(cells)
    }

    /// Figures by date, `2026-11-23` or `2026-11-23 15:00:00`, in the project's zone.
    fn gather(&self, cells: &mut Cells, dates: &Value, group: Option<&str>) {
        for (date, figure) in dates.as_object().into_iter().flatten() {
            if let (Some(at), Some(figure)) = (self.moment(date), number(figure)) {
                *cells.entry((at, group.map(str::to_owned))).or_default() += figure;
            }
        }
    }

    pub(super) fn moment(&self, date: &str) -> Option<Timestamp> {
        let zone = self.zone();
        if let Ok(day) = date.parse::<chrono::NaiveDate>() {
            return Some(bellhop_core::period::midnight(day, zone));
        }
        if let Ok(at) = chrono::DateTime::parse_from_rfc3339(date) {
            return Some(at.with_timezone(&chrono::Utc));
        }
        let time = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"].iter().find_map(|format| NaiveDateTime::parse_from_str(date, format).ok())?;
        let local = time.and_local_timezone(zone);
        Some(local.earliest().map_or_else(|| time.and_utc(), |at| at.with_timezone(&chrono::Utc)))
    }

    /// What every answer rests on.
    pub(super) fn basis(&self, to: Timestamp) -> Basis {
        let now = self.ports.clock.now();
        let mut basis = Basis::whole(self.name.clone(), self.zone());
        basis.complete = to <= now;
        "by distinct_id, with what identity merging has joined".clone_into(&mut basis.identity);
        if self.config.timezone.is_none() {
            basis
                .notes
                .push("days are taken to be of UTC; set `timezone` to that of the project's settings where it is another".to_owned());
        }
        if to > now - TimeDelta::days(1) {
            basis.settling_from = Some(now - TimeDelta::days(1));
        }
        basis
    }

    /// What people pay: the sum of the configured property of the configured event.
    pub(super) async fn revenue(&self, revenue: &Revenue) -> PortResult<Answer> {
        let Some(event) = self.config.revenue_event.clone() else {
            let why = format!("which event is a payment is not known; set `revenue_event` in [{}]", self.client.service());
            return Err(self.error(PortErrorKind::Unsupported, "query", why));
        };
        let trend = |measure| Trend {
            metric: event.clone(),
            measure,
            from: revenue.window.from,
            to: revenue.window.to,
            zone: self.zone(),
            interval: revenue.interval,
            by: revenue.by.clone(),
            filters: revenue.filters.clone(),
        };
        let mut basis = self.basis(revenue.window.to);
        let mut answers = Vec::new();
        for measure in [Measure::Sum(self.config.revenue_property.clone()), Measure::Count, Measure::Users] {
            let Answer { figures: Figures::Trend(figures), .. } = Box::pin(self.trend(&trend(measure))).await? else { continue };
            answers.push(figures);
        }
        let [sums, payments, paying] = &answers[..] else {
            return Err(self.error(PortErrorKind::Broken, "query", "Mixpanel answered another question"));
        };
        if revenue.interval.is_some() {
            basis.notes.push("paying people are counted in each interval by itself".to_owned());
        }
        let rows = sums
            .rows
            .iter()
            .enumerate()
            .map(|(position, row)| RevenueRow {
                at: row.at,
                group: row.group.clone(),
                revenue: row.value,
                payments: payments.rows.get(position).map(|row| row.value),
                paying: paying.rows.get(position).map(|row| row.value),
                active: None,
            })
            .collect();
        let total = RevenueRow { revenue: sums.total, payments: Some(payments.total), paying: Some(paying.total), ..RevenueRow::default() };
        Ok(Answer { figures: Figures::Revenue(RevenueFigures { rows, total, unit: String::new(), ltv: Vec::new() }), basis })
    }
}

/// A number, also one that came as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

fn rows(cells: &Cells, starts: &[Timestamp], trend: &Trend) -> Vec<TrendRow> {
    let mut sums: BTreeMap<(usize, Option<String>), f64> = BTreeMap::new();
    let mut totals: BTreeMap<Option<String>, f64> = BTreeMap::new();
    for ((at, group), value) in cells {
        // A week or a month may begin before the period does.
        let position = starts.partition_point(|start| start <= at).saturating_sub(1);
        *sums.entry((position, group.clone())).or_default() += value;
        *totals.entry(group.clone()).or_default() += value;
    }
    let mut groups: Vec<(Option<String>, f64)> = totals.into_iter().collect();
    groups.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    if trend.by.is_none() {
        groups = vec![(None, 0.0)];
    }
    let mut rows = Vec::new();
    for (position, start) in starts.iter().enumerate() {
        rows.extend(groups.iter().map(|(group, _)| TrendRow {
            at: trend.interval.map(|_| *start),
            group: group.clone(),
            value: sums.get(&(position, group.clone())).copied().unwrap_or(0.0),
        }));
    }
    rows
}
