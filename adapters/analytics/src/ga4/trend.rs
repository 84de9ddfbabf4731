//! Trends, and the parts that other questions share: days of the property, dimensions, conditions.

use super::Ga4;
use super::api::Bucket;
use super::names::Metadata;
use super::wire::{Report, Reports, Row, all, condition};
use bellhop_core::analytics::{Answer, Basis, Cost, Figures, Filter, Measure, Trend, TrendFigures, TrendRow};
use bellhop_core::chart::Interval;
use bellhop_core::nearest::nearest;
use bellhop_core::period::{Range, intervals};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most rows that are asked for; Google gives 250,000 at the most.
const ROWS: u32 = 100_000;
/// How many groups are told apart; the rest is added up.
const GROUPS: usize = 200;
const OTHERS: &str = "(other)";
/// For how long the latest figures grow.
const SETTLING: TimeDelta = TimeDelta::hours(48);

/// How a metric is asked for.
pub(super) struct Asked {
    /// The metric's name at Google.
    pub metric: String,
    /// Conditions that make it so.
    pub conditions: Vec<Value>,
    /// Whether people are counted: their sum over intervals says nothing.
    pub people: bool,
}

impl Ga4 {
    /// The first and the last day of a period in the property's zone; both are included at Google.
    pub(super) fn days(from: Timestamp, to: Timestamp, zone: Tz) -> Value {
        let first = from.with_timezone(&zone).date_naive();
        let last = (to - TimeDelta::milliseconds(1)).with_timezone(&zone).date_naive().max(first);
        json!([{ "startDate": first.to_string(), "endDate": last.to_string() }])
    }

    /// The dimension that `word` means, or a refusal that names the nearest.
    pub(super) fn dimension(&self, metadata: &Metadata, word: &str) -> Result<String, PortError> {
        metadata.dimension(word).ok_or_else(|| {
            let words = metadata.dimension_words();
            let near = nearest(word, words.iter().map(String::as_str)).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            let why = format!(
                "the property has no dimension `{word}`{near} A parameter of events has to be registered as a custom dimension first (Admin > Custom definitions), and counts from then on"
            );
            self.api.error(PortErrorKind::Invalid, "query", why)
        })
    }

    /// Conditions on properties.
    pub(super) fn conditions(&self, metadata: &Metadata, filters: &[Filter]) -> Result<Vec<Value>, PortError> {
        filters.iter().map(|filter| Ok(condition(filter, &self.dimension(metadata, &filter.property)?))).collect()
    }

    /// How the metric of a trend is asked for. One that the property has never seen is `NotFound`.
    async fn asked(&self, metadata: &Metadata, metric: &str, measure: &Measure) -> Result<Asked, PortError> {
        let built_in = metadata.metric(metric);
        let invalid = |why: String| Err(self.api.error(PortErrorKind::Invalid, "query", why));
        if let Some(name) = built_in {
            return match measure {
                Measure::Count => Ok(Asked { people: is_people(&name), metric: name, conditions: Vec::new() }),
                Measure::Users if name == "keyEvents" => {
                    // Which events are key events is a dimension that not every property's metadata names.
                    if metadata.dimension("isKeyEvent").is_none() {
                        return invalid(format!("who did `{metric}` can't be asked for here; name the event"));
                    }
                    Ok(Asked { metric: "totalUsers".to_owned(), conditions: vec![is("isKeyEvent", "true")], people: true })
                }
                Measure::Users if is_people(&name) => Ok(Asked { metric: name, conditions: Vec::new(), people: true }),
                Measure::Users if name == "screenPageViews" => Ok(Asked {
                    metric: "totalUsers".to_owned(),
                    conditions: vec![any_of("eventName", &["page_view", "screen_view"])],
                    people: true,
                }),
                Measure::Users => invalid(format!("`{metric}` can be counted; for the number of people ask for `users`")),
                Measure::Sum(parameter) | Measure::Average(parameter) => {
                    invalid(format!("`{metric}` can be counted only; to add `{parameter}` up, name the event that has it"))
                }
            };
        }
        self.seen(metric).await?;
        let conditions = vec![named(metric)];
        match measure {
            Measure::Count => Ok(Asked { metric: "eventCount".to_owned(), conditions, people: false }),
            Measure::Users => Ok(Asked { metric: "totalUsers".to_owned(), conditions, people: true }),
            Measure::Sum(parameter) | Measure::Average(parameter) => {
                let average = matches!(measure, Measure::Average(_));
                match metadata.of_parameter(parameter, average) {
                    Some(metric) => Ok(Asked { metric, conditions, people: average }),
                    None => invalid(format!(
                        "the property has no metric of the parameter `{parameter}`; register it as a custom metric (Admin > Custom definitions), and it counts from then on"
                    )),
                }
            }
        }
    }

    /// Answers a trend. The days are the property's; where its zone wasn't known, the first answer tells it.
    pub(super) async fn trend(&self, trend: &Trend) -> Result<Answer, PortError> {
        let metadata = self.metadata().await?;
        let asked = self.asked(&metadata, &trend.metric, &trend.measure).await?;
        let mut conditions = asked.conditions.clone();
        conditions.extend(self.conditions(&metadata, &trend.filters)?);
        let by = trend.by.as_ref().map(|word| self.dimension(&metadata, word)).transpose()?;
        let mut zone = self.zone().unwrap_or(trend.zone);
        for _ in 0..2 {
            let reports = self.figures(&asked, trend, by.as_deref(), &conditions, zone).await?;
            let [report, total] = &reports.reports[..] else {
                return Err(self.api.error(PortErrorKind::Broken, "query", "Google answered another number of reports than was asked for"));
            };
            let said = report.metadata.zone().or_else(|| total.metadata.zone()).unwrap_or(zone);
            self.note_zone(said);
            if said == zone {
                return Ok(self.told(trend, &asked, report, total, zone).await);
            }
            zone = said;
        }
        Err(self.api.error(PortErrorKind::Broken, "query", "Google names another time zone for the property in each answer"))
    }

    async fn figures(&self, asked: &Asked, trend: &Trend, by: Option<&str>, conditions: &[Value], zone: Tz) -> Result<Reports, PortError> {
        let time = trend.interval.map(|interval| match interval {
            Interval::Hour => "dateHour",
            Interval::Day => "date",
            Interval::Week => "isoYearIsoWeek",
            Interval::Month => "yearMonth",
        });
        let dimensions: Vec<Value> = time.into_iter().chain(by).map(|name| json!({ "name": name })).collect();
        let request = |dimensions: Value, limit: u32| {
            let mut request = json!({
                "dateRanges": Self::days(trend.from, trend.to, zone),
                "metrics": [{ "name": asked.metric }],
                "dimensions": dimensions,
                "limit": limit.to_string(),
                "returnPropertyQuota": true,
            });
            if let Some(filter) = all(conditions.to_vec()) {
                request["dimensionFilter"] = filter;
            }
            request
        };
        // The whole period in one figure: people are not the sum of their days.
        let body = json!({ "requests": [request(dimensions.into(), ROWS), request(json!([]), 1)] });
        self.api.report(Bucket::Core, "query", ("v1beta", "batchRunReports", "/v1beta/properties/{id}:batchRunReports"), &body).await
    }

    async fn told(&self, trend: &Trend, asked: &Asked, report: &Report, total: &Report, zone: Tz) -> Answer {
        let mut basis = self.basis(zone, trend.to).await;
        report.metadata.describe(&mut basis);
        if report.row_count.is_some_and(|rows| rows > u64::from(ROWS)) {
            basis.notes.push(format!("only the first {ROWS} rows were read"));
        }
        let starts = match trend.interval {
            Some(interval) => intervals(Range { from: trend.from, to: trend.to }, interval, zone),
            None => vec![trend.from],
        };
        let in_days = trend.interval != Some(Interval::Hour);
        if in_days && !whole_days(trend.from, trend.to, zone, self.ports.clock.now()) {
            basis.notes.push("Google counts whole days: the first and the last one are counted in full".to_owned());
        }
        let at_row = usize::from(trend.interval.is_some());
        let mut cells: BTreeMap<(usize, Option<String>), f64> = BTreeMap::new();
        for row in &report.rows {
            let position = match trend.interval {
                None => Some(0),
                Some(interval) => row.dimension(0).and_then(|text| start(&text, interval, zone)).and_then(|at| {
                    let after = starts.partition_point(|start| *start <= at.max(trend.from));
                    (at < trend.to && after > 0).then(|| after - 1)
                }),
            };
            let Some(position) = position else { continue };
            let group = trend.by.as_ref().and_then(|_| row.dimension(at_row));
            *cells.entry((position, group)).or_default() += row.metric(0);
        }
        let rows = if trend.by.is_some() { grouped(&cells, &starts, trend) } else { plain(&cells, &starts, trend) };
        let sum: f64 = cells.values().sum();
        let whole = total.rows.first().map_or(0.0, |row: &Row| row.metric(0));
        // An hour's window is cut out of whole days, which the total is about.
        let total = if asked.people || in_days { whole } else { sum };
        let money = matches!(&trend.measure, Measure::Sum(parameter) if parameter == "revenue" || parameter == "value");
        let unit = if money { report.metadata.currency_code.clone().unwrap_or_default() } else { String::new() };
        Answer { figures: Figures::Trend(TrendFigures { rows, unit, total }), basis }
    }

    /// What every answer rests on.
    pub(super) async fn basis(&self, zone: Tz, to: Timestamp) -> Basis {
        let now = self.ports.clock.now();
        let settling = now - SETTLING;
        let mut basis = Basis::whole(self.name.clone(), zone);
        basis.complete = to <= settling;
        basis.settling_from = (to > settling).then_some(settling);
        "browsers and apps by their own id, and signed-in people where the site says who they are".clone_into(&mut basis.identity);
        let unit = "tokens of this hour".to_owned();
        basis.cost = self.api.quotas.tokens(Bucket::Core).await.map(|(spent, left)| Cost { spent, left: Some(left), unit });
        basis
    }
}

/// The event has this name.
pub(super) fn named(event: &str) -> Value {
    is("eventName", event)
}

fn is(dimension: &str, value: &str) -> Value {
    json!({ "filter": { "fieldName": dimension, "stringFilter": { "matchType": "EXACT", "value": value, "caseSensitive": true } } })
}

fn any_of(dimension: &str, values: &[&str]) -> Value {
    json!({ "filter": { "fieldName": dimension, "inListFilter": { "values": values, "caseSensitive": true } } })
}

fn is_people(metric: &str) -> bool {
    metric.ends_with("Users") || metric.ends_with("users")
}

/// Whether a period is whole days of a zone, or ends now.
fn whole_days(from: Timestamp, to: Timestamp, zone: Tz, now: Timestamp) -> bool {
    let midnight = |at: Timestamp| at.with_timezone(&zone).time() == chrono::NaiveTime::MIN;
    midnight(from) && (midnight(to) || to >= now)
}

/// The start of an interval as Google writes it: `2026112315`, `20261123`, `202648` (ISO year and week), `202611`.
pub(super) fn start(text: &str, interval: Interval, zone: Tz) -> Option<Timestamp> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u32>().ok();
    let year = i32::try_from(number(0..4)?).ok()?;
    let day = match interval {
        Interval::Hour | Interval::Day => NaiveDate::from_ymd_opt(year, number(4..6)?, number(6..8)?)?,
        Interval::Week => NaiveDate::from_isoywd_opt(year, number(4..6)?, chrono::Weekday::Mon)?,
        Interval::Month => NaiveDate::from_ymd_opt(year, number(4..6)?, 1)?,
    };
    let midnight = bellhop_core::period::midnight(day, zone);
    Some(match interval {
        // On the day the clocks change, an hour of the clock is found by its own reading.
        Interval::Hour => {
            let hour = number(8..10)?;
            let local = day.and_hms_opt(hour, 0, 0)?;
            local
                .and_local_timezone(zone)
                .earliest()
                .map_or(midnight + TimeDelta::hours(i64::from(hour)), |at| at.with_timezone(&chrono::Utc))
        }
        _ => midnight,
    })
}

fn plain(cells: &BTreeMap<(usize, Option<String>), f64>, starts: &[Timestamp], trend: &Trend) -> Vec<TrendRow> {
    let at = |position: usize| trend.interval.and_then(|_| starts.get(position).copied());
    (0..starts.len())
        .map(|position| TrendRow { at: at(position), group: None, value: cells.get(&(position, None)).copied().unwrap_or(0.0) })
        .collect()
}

/// Every group in every interval, the largest first.
fn grouped(cells: &BTreeMap<(usize, Option<String>), f64>, starts: &[Timestamp], trend: &Trend) -> Vec<TrendRow> {
    let mut totals: BTreeMap<Option<String>, f64> = BTreeMap::new();
    for ((_, group), value) in cells {
        *totals.entry(group.clone()).or_default() += value;
    }
    let mut order: Vec<(Option<String>, f64)> = totals.into_iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let folded: Vec<Option<String>> = order.split_off(order.len().min(GROUPS)).into_iter().map(|(group, _)| group).collect();
    let mut rows = Vec::new();
    for position in 0..starts.len() {
        let at = trend.interval.and_then(|_| starts.get(position).copied());
        let value = |group: &Option<String>| cells.get(&(position, group.clone())).copied().unwrap_or(0.0);
        rows.extend(order.iter().map(|(group, _)| TrendRow { at, group: group.clone(), value: value(group) }));
        if !folded.is_empty() {
            rows.push(TrendRow { at, group: Some(OTHERS.to_owned()), value: folded.iter().map(value).sum() });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_google_writes_them() {
        let zone = chrono_tz::Europe::Berlin;
        let at = |text: &str, interval| start(text, interval, zone).map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        assert_eq!(at("20261123", Interval::Day).as_deref(), Some("2026-11-22T23:00:00Z"));
        assert_eq!(at("2026112315", Interval::Hour).as_deref(), Some("2026-11-23T14:00:00Z"));
        assert_eq!(at("202648", Interval::Week).as_deref(), Some("2026-11-22T23:00:00Z"));
        assert_eq!(at("202653", Interval::Week).as_deref(), Some("2026-12-27T23:00:00Z"));
        assert_eq!(at("202611", Interval::Month).as_deref(), Some("2026-10-31T23:00:00Z"));
        // The hour that the clocks skip, and the one that they repeat.
        assert_eq!(at("2026032902", Interval::Hour).as_deref(), Some("2026-03-29T01:00:00Z"));
        assert_eq!(at("2026102502", Interval::Hour).as_deref(), Some("2026-10-25T00:00:00Z"));
        for odd in ["", "(other)", "2026", "20261332", "2026112399"] {
            assert_eq!(at(odd, Interval::Hour), None, "{odd}");
        }
    }
}
