//! Funnels, retention and revenue.
//!
//! Sources: <https://developers.google.com/analytics/devguides/reporting/data/v1/funnels> (an alpha: its shape may change),
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/CohortSpec>

use super::Ga4;
use super::api::Bucket;
use super::wire::{Report, all};
use bellhop_core::analytics::{
    Answer, Figures, Funnel, FunnelFigures, FunnelGroup, FunnelStep, Measure, Retention, RetentionCell, RetentionCohort, RetentionFigures,
    RetentionKind, Revenue, RevenueFigures, RevenueRow, StepOrder, Trend,
};
use bellhop_core::chart::Interval;
use bellhop_core::period::{Range, intervals};
use bellhop_core::{PortError, PortErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What Google answers to a funnel: the table beside the picture.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunnelReport {
    #[serde(default)]
    funnel_table: Report,
}

/// The name of a breakdown's row for everybody.
const EVERYBODY: &str = "RESERVED_TOTAL";
/// The most values that a funnel can be broken down by.
const BREAKDOWN: u32 = 15;
/// The first of cohorts; Google counts at most so many.
const COHORTS: usize = 12;

impl Ga4 {
    pub(super) async fn funnel(&self, funnel: &Funnel) -> Result<Answer, PortError> {
        let metadata = self.metadata().await?;
        if funnel.order == StepOrder::Any {
            let why = "Google's funnels have their steps in order; leave --order out, or ask another source";
            return Err(self.api.error(PortErrorKind::Unsupported, "query", why));
        }
        let mut steps = Vec::new();
        for (number, step) in funnel.steps.iter().enumerate() {
            let Some(event) = &step.event else {
                return Err(self.api.error(PortErrorKind::Invalid, "query", format!("step {} of the funnel names no event", number + 1)));
            };
            self.seen(event).await?;
            let mut expressions = vec![json!({ "funnelEventFilter": { "eventName": event } })];
            for filter in step.filters.iter().chain(&funnel.filters) {
                let dimension = self.dimension(&metadata, &filter.property)?;
                expressions.push(field_filter(&super::wire::condition(filter, &dimension)));
            }
            let expression =
                if expressions.len() == 1 { expressions.remove(0) } else { json!({ "andGroup": { "expressions": expressions } }) };
            let mut one = json!({ "name": event, "filterExpression": expression });
            if number > 0 {
                one["isDirectlyFollowedBy"] = json!(funnel.order == StepOrder::Strict);
                // Google limits each step from the one before, not all from the first.
                one["withinDurationFromPriorStep"] = json!(format!("{}s", funnel.within));
            }
            steps.push(one);
        }
        let zone = self.known_zone(funnel.window.zone).await?;
        let mut body = json!({
            "dateRanges": Self::days(funnel.window.from, funnel.window.to, zone),
            "funnel": { "isOpenFunnel": false, "steps": steps },
            "funnelVisualizationType": "STANDARD_FUNNEL",
            "returnPropertyQuota": true,
        });
        if let Some(by) = &funnel.by {
            let dimension = self.dimension(&metadata, by)?;
            body["funnelBreakdown"] = json!({ "breakdownDimension": { "name": dimension }, "limit": BREAKDOWN.to_string() });
        }
        let route = ("v1alpha", "runFunnelReport", "/v1alpha/properties/{id}:runFunnelReport");
        let report: FunnelReport = self.api.report(Bucket::Funnel, "query", route, &body).await?;
        let mut basis = self.basis(zone, funnel.window.to).await;
        report.funnel_table.metadata.describe(&mut basis);
        if funnel.steps.len() > 2 {
            basis.notes.push("the time allowed counts from step to step at Google, not from the first".to_owned());
        }
        let groups = funnel_groups(&report.funnel_table, funnel);
        Ok(Answer { figures: Figures::Funnel(FunnelFigures { groups }), basis })
    }

    /// Retention from the first visit: Google knows cohorts by the day of that only.
    pub(super) async fn retention(&self, retention: &Retention) -> Result<Answer, PortError> {
        let first = retention.first.event.as_deref();
        let any_first = matches!(first, None | Some("first_visit" | "first_open" | "session_start")) && retention.first.filters.is_empty();
        if !any_first || retention.back.event.is_some() || !retention.back.filters.is_empty() {
            let why = "Google counts retention from people's first visit to any later one; ask for `retention first_visit any`, or another source for other events";
            return Err(self.api.error(PortErrorKind::Unsupported, "query", why));
        }
        if retention.kind != RetentionKind::InUnit || retention.by.is_some() {
            let why = "Google counts who came back in each day, week or month, for everybody; brackets, \"or later\" and properties are not to be had there";
            return Err(self.api.error(PortErrorKind::Unsupported, "query", why));
        }
        let zone = self.known_zone(retention.window.zone).await?;
        let starts = intervals(Range { from: retention.window.from, to: retention.window.to }, retention.unit, zone);
        if starts.len() > COHORTS {
            let why = format!(
                "that is {} cohorts, and Google compares {COHORTS} at the most; ask for a shorter period or longer units",
                starts.len()
            );
            return Err(self.api.error(PortErrorKind::Invalid, "query", why));
        }
        let (granularity, nth) = match retention.unit {
            Interval::Week => ("WEEKLY", "cohortNthWeek"),
            Interval::Month => ("MONTHLY", "cohortNthMonth"),
            Interval::Hour | Interval::Day => ("DAILY", "cohortNthDay"),
        };
        let ends: Vec<_> = starts.iter().skip(1).copied().chain([retention.window.to]).collect();
        let cohorts: Vec<Value> = starts
            .iter()
            .zip(&ends)
            .enumerate()
            .map(|(number, (start, end))| {
                let range = Self::days(*start, *end, zone);
                json!({ "name": format!("c{number}"), "dimension": "firstSessionDate", "dateRange": range[0] })
            })
            .collect();
        let body = json!({
            "dimensions": [{ "name": "cohort" }, { "name": nth }],
            "metrics": [{ "name": "cohortActiveUsers" }, { "name": "cohortTotalUsers" }],
            "cohortSpec": { "cohorts": cohorts, "cohortsRange": { "granularity": granularity, "startOffset": 0, "endOffset": retention.periods } },
            "limit": "100000",
            "returnPropertyQuota": true,
        });
        let route = ("v1beta", "runReport", "/v1beta/properties/{id}:runReport");
        let report: Report = self.api.report(Bucket::Core, "query", route, &body).await?;
        let mut basis = self.basis(zone, retention.window.to).await;
        report.metadata.describe(&mut basis);
        let now = self.ports.clock.now();
        let mut cells: BTreeMap<(usize, u32), (f64, f64)> = BTreeMap::new();
        for row in &report.rows {
            let cohort = row.dimension(0).and_then(|name| name.strip_prefix('c')?.parse::<usize>().ok());
            let unit = row.dimension(1).and_then(|number| number.parse::<u32>().ok());
            if let (Some(cohort), Some(unit)) = (cohort, unit) {
                cells.insert((cohort, unit), (row.metric(0), row.metric(1)));
            }
        }
        let cohorts = starts
            .iter()
            .enumerate()
            .map(|(number, start)| {
                let size = cells.range((number, 0)..=(number, u32::MAX)).map(|(_, (_, size))| *size).fold(0.0, f64::max);
                let cell = |unit: u32| {
                    let begins = shifted(*start, retention.unit, unit, zone);
                    (begins <= now).then(|| RetentionCell {
                        people: cells.get(&(number, unit)).map_or(0.0, |(people, _)| *people),
                        complete: shifted(*start, retention.unit, unit + 2, zone) <= now,
                    })
                };
                RetentionCohort { start: *start, group: None, size, cells: (0..=retention.periods).map(cell).collect() }
            })
            .collect();
        let columns = (0..=retention.periods).map(|unit| unit.to_string()).collect();
        Ok(Answer { figures: Figures::Retention(RetentionFigures { unit: retention.unit, columns, cohorts }), basis })
    }

    pub(super) async fn revenue(&self, revenue: &Revenue) -> Result<Answer, PortError> {
        let metadata = self.metadata().await?;
        let zone = self.known_zone(revenue.window.zone).await?;
        let by = revenue.by.as_ref().map(|word| self.dimension(&metadata, word)).transpose()?;
        let time = revenue.interval.map(|interval| match interval {
            Interval::Hour => "dateHour",
            Interval::Day => "date",
            Interval::Week => "isoYearIsoWeek",
            Interval::Month => "yearMonth",
        });
        let dimensions: Vec<Value> = time.into_iter().chain(by.as_deref()).map(|name| json!({ "name": name })).collect();
        let filter = all(self.conditions(&metadata, &revenue.filters)?);
        let request = |dimensions: Value| {
            let mut request = json!({
                "dateRanges": Self::days(revenue.window.from, revenue.window.to, zone),
                "metrics": [{ "name": "totalRevenue" }, { "name": "transactions" }, { "name": "totalPurchasers" }, { "name": "activeUsers" }],
                "dimensions": dimensions,
                "limit": "100000",
                "returnPropertyQuota": true,
            });
            if let Some(filter) = &filter {
                request["dimensionFilter"] = filter.clone();
            }
            request
        };
        let body = json!({ "requests": [request(dimensions.into()), request(json!([]))] });
        let route = ("v1beta", "batchRunReports", "/v1beta/properties/{id}:batchRunReports");
        let reports: super::wire::Reports = self.api.report(Bucket::Core, "query", route, &body).await?;
        let [report, whole] = &reports.reports[..] else {
            return Err(self.api.error(PortErrorKind::Broken, "query", "Google answered another number of reports than was asked for"));
        };
        let mut basis = self.basis(zone, revenue.window.to).await;
        report.metadata.describe(&mut basis);
        let read = |row: &super::wire::Row| RevenueRow {
            revenue: row.metric(0),
            payments: Some(row.metric(1)),
            paying: Some(row.metric(2)),
            active: Some(row.metric(3)),
            ..RevenueRow::default()
        };
        let positions = usize::from(time.is_some());
        let mut rows: Vec<RevenueRow> = report
            .rows
            .iter()
            .map(|row| RevenueRow {
                at: revenue.interval.and_then(|interval| super::trend::start(&row.dimension(0)?, interval, zone)),
                group: by.as_ref().and_then(|_| row.dimension(positions)),
                ..read(row)
            })
            .collect();
        if let (Some(interval), None) = (revenue.interval, &by) {
            let known: BTreeMap<_, _> = rows.drain(..).filter_map(|row| Some((row.at?, row))).collect();
            let zero = |at| RevenueRow { at: Some(at), payments: Some(0.0), paying: Some(0.0), active: Some(0.0), ..RevenueRow::default() };
            let range = Range { from: revenue.window.from, to: revenue.window.to };
            rows = intervals(range, interval, zone).into_iter().map(|at| known.get(&at).cloned().unwrap_or_else(|| zero(at))).collect();
        } else {
            rows.sort_by(|a, b| a.at.cmp(&b.at).then(b.revenue.total_cmp(&a.revenue)));
        }
        let total = whole.rows.first().map_or_else(RevenueRow::default, read);
        let unit = report.metadata.currency_code.clone().or_else(|| whole.metadata.currency_code.clone()).unwrap_or_default();
        Ok(Answer { figures: Figures::Revenue(RevenueFigures { rows, total, unit, ltv: Vec::new() }), basis })
    }

    /// The property's zone. Where it isn't known yet, a small report is asked for it.
    pub(super) async fn known_zone(&self, guess: chrono_tz::Tz) -> Result<chrono_tz::Tz, PortError> {
        if let Some(zone) = self.zone() {
            return Ok(zone);
        }
        let now = self.ports.clock.now();
        let day = chrono::TimeDelta::days(1);
        let trend = Trend {
            metric: "users".to_owned(),
            measure: Measure::Count,
            from: now - day,
            to: now,
            zone: guess,
            interval: None,
            by: None,
            filters: Vec::new(),
        };
        Box::pin(self.trend(&trend)).await?;
        Ok(self.zone().unwrap_or(guess))
    }
}

/// The same moment of the clock some units later.
fn shifted(start: bellhop_core::Timestamp, unit: Interval, by: u32, zone: chrono_tz::Tz) -> bellhop_core::Timestamp {
    let day = start.with_timezone(&zone).date_naive();
    let later = match unit {
        Interval::Hour | Interval::Day => day.checked_add_days(chrono::Days::new(u64::from(by))),
        Interval::Week => day.checked_add_days(chrono::Days::new(u64::from(by) * 7)),
        Interval::Month => day.checked_add_months(chrono::Months::new(by)),
    };
    bellhop_core::period::midnight(later.unwrap_or(day), zone)
}

/// A condition of reports as one of funnels: the same with other words around it.
fn field_filter(condition: &Value) -> Value {
    if let Some(filter) = condition.get("filter") {
        return json!({ "funnelFieldFilter": filter });
    }
    if let Some(inner) = condition.get("notExpression") {
        return json!({ "notExpression": field_filter(inner) });
    }
    for group in ["orGroup", "andGroup"] {
        if let Some(expressions) = condition.get(group).and_then(|inner| inner.get("expressions")).and_then(Value::as_array) {
            return json!({ group: { "expressions": expressions.iter().map(field_filter).collect::<Vec<_>>() } });
        }
    }
    condition.clone()
}

/// The steps of each group, by the order of the steps and not of the rows: steps that nobody reached have no row.
fn funnel_groups(table: &Report, funnel: &Funnel) -> Vec<FunnelGroup> {
    let position = |name: &str| table.dimension_headers.iter().position(|header| header.name == name);
    let step_at = position("funnelStepName").unwrap_or(0);
    let group_at = (0..table.dimension_headers.len()).find(|at| *at != step_at).filter(|_| funnel.by.is_some());
    let people_at = table.metric_headers.iter().position(|header| header.name == "activeUsers").unwrap_or(0);
    let mut groups: BTreeMap<Option<String>, Vec<f64>> = BTreeMap::new();
    if funnel.by.is_none() {
        groups.insert(None, vec![0.0; funnel.steps.len()]);
    }
    for row in &table.rows {
        // `1. Visit`
        let number = row.dimension(step_at).and_then(|name| name.split('.').next()?.trim().parse::<usize>().ok());
        let group = group_at.and_then(|at| row.dimension(at));
        if funnel.by.is_some() && group.as_deref() == Some(EVERYBODY) {
            continue;
        }
        if let Some(number) = number.filter(|number| (1..=funnel.steps.len()).contains(number)) {
            groups.entry(group).or_insert_with(|| vec![0.0; funnel.steps.len()])[number - 1] = row.metric(people_at);
        }
    }
    let mut all: Vec<FunnelGroup> = groups
        .into_iter()
        .map(|(group, people)| FunnelGroup {
            group,
            steps: funnel
                .steps
                .iter()
                .zip(people)
                .map(|(step, people)| FunnelStep { name: step.event.clone().unwrap_or_default(), people, median_seconds: None })
                .collect(),
        })
        .collect();
    all.sort_by(|a, b| b.steps.first().map_or(0.0, |step| step.people).total_cmp(&a.steps.first().map_or(0.0, |step| step.people)));
    all
}
