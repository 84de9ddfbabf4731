//! Saved funnels and reports, retention, cohorts, single people, and raw events.
//!
//! Sources: <https://docs.mixpanel.com/reference/funnels-query>, <https://docs.mixpanel.com/reference/retention-query>,
//! <https://docs.mixpanel.com/reference/cohorts-list>, <https://docs.mixpanel.com/reference/engage-query>,
//! <https://docs.mixpanel.com/reference/raw-event-export>

use super::Mixpanel;
use super::ask::expression;
use super::trend::number;
use bellhop_core::analytics::{
    Answer, Cohort, EventMatch, Figures, FunnelFigures, FunnelGroup, FunnelStep, Members, Person, PersonEvent, Retention, RetentionCell,
    RetentionCohort, RetentionFigures, RetentionKind, Saved, SavedKind, TrendFigures, TrendRow, Window,
};
use bellhop_core::chart::Interval;
use bellhop_core::period::{Range, intervals};
use bellhop_core::ports::{ByteStream, PortResult};
use bellhop_core::{PortErrorKind, Timestamp};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How far back what a person did is looked for.
const ACTIVITY: TimeDelta = TimeDelta::days(30);
/// Groups of a retention that Mixpanel gives by itself.
const PERIODS: u32 = 90;

impl Mixpanel {
    pub(super) async fn saved_funnels(&self) -> PortResult<Vec<Saved>> {
        let list = self.get("saved", "/funnels/list", &[]).await?;
        let funnels = list.as_array().cloned().unwrap_or_default();
        Ok(funnels
            .iter()
            .filter_map(|funnel| {
                let id = funnel.get("funnel_id")?;
                let id = id.as_u64().map_or_else(|| id.as_str().unwrap_or_default().to_owned(), |id| id.to_string());
                let name = funnel.get("name").and_then(Value::as_str).unwrap_or(&id).to_owned();
                (!id.is_empty()).then_some(Saved { id, name, kind: SavedKind::Funnel })
            })
            .collect())
    }

    /// A funnel by its id or name, or a report of Insights by its bookmark's id.
    pub(super) async fn saved_answer(&self, id: &str, window: &Window) -> PortResult<Answer> {
        let funnels = self.saved_funnels().await?;
        if let Some(funnel) = funnels.iter().find(|funnel| funnel.id == id || funnel.name == id) {
            return self.saved_funnel(&funnel.id, window).await;
        }
        if id.bytes().all(|b| b.is_ascii_digit()) && !id.is_empty() {
            return self.insights(id, window).await;
        }
        let near = bellhop_core::nearest::nearest(id, funnels.iter().map(|funnel| funnel.name.as_str()));
        let hint = near.map_or_else(
            || "; a report of Insights is named by the number in its address".to_owned(),
            |near| format!("; did you mean `{near}`?"),
        );
        Err(self.error(PortErrorKind::NotFound, "query", format!("Mixpanel has no saved funnel `{id}`{hint}")))
    }

    async fn saved_funnel(&self, id: &str, window: &Window) -> PortResult<Answer> {
        let (from, to) = self.days(window.from, window.to);
        // One interval over the whole period, so that nobody is in two of them.
        let interval = ((to - from).num_days() + 1).to_string();
        let (from, to) = (from.to_string(), to.to_string());
        let query = [("funnel_id", id), ("from_date", from.as_str()), ("to_date", to.as_str()), ("interval", interval.as_str())];
        let answer = self.get("query", "/funnels", &query).await?;
        let mut steps: Vec<(String, f64, f64)> = Vec::new();
        let mut dates = 0;
        for date in answer.get("data").and_then(Value::as_object).into_iter().flat_map(|dates| dates.values()) {
            dates += 1;
            for (position, step) in date.get("steps").and_then(Value::as_array).into_iter().flatten().enumerate() {
                let name = ["goal", "event", "step_label"].iter().find_map(|key| step.get(key).and_then(Value::as_str)).unwrap_or("?");
                let people = step.get("count").and_then(number).unwrap_or(0.0);
                let time = step.get("avg_time").and_then(number).unwrap_or(0.0);
                match steps.get_mut(position) {
                    Some(known) => {
                        known.1 += people;
                        known.2 += time * people;
                    }
                    None => steps.push((name.to_owned(), people, time * people)),
                }
            }
        }
        if steps.is_empty() {
            return Err(self.error(PortErrorKind::Broken, "query", "Mixpanel's answer has no steps"));
        }
        let mut basis = self.basis(window.to);
        if dates > 1 {
            basis.notes.push("Mixpanel cut the period into parts: who began in two of them counts twice".to_owned());
        }
        let steps = steps.into_iter().map(|(name, people, _)| FunnelStep { name, people, median_seconds: None }).collect();
        Ok(Answer { figures: Figures::Funnel(FunnelFigures { groups: vec![FunnelGroup { group: None, steps }] }), basis })
    }

    async fn insights(&self, bookmark: &str, window: &Window) -> PortResult<Answer> {
        let answer = self.get("query", "/insights", &[("bookmark_id", bookmark)]).await?;
        let mut rows = Vec::new();
        let series = answer.get("series").and_then(Value::as_object);
        let Some(series) = series else {
            return Err(self.error(PortErrorKind::Broken, "query", "Mixpanel's answer has no `series`"));
        };
        for (name, dates) in series {
            self.insight(&mut rows, name, dates);
        }
        rows.sort_by(|a: &TrendRow, b| a.at.cmp(&b.at).then_with(|| a.group.cmp(&b.group)));
        let total = rows.iter().map(|row| row.value).sum();
        let mut basis = self.basis(window.to);
        basis.notes.push("the period, the events and what is counted are those of the saved report".to_owned());
        basis.as_of = answer.get("computed_at").and_then(Value::as_str).and_then(|at| at.parse().ok());
        Ok(Answer { figures: Figures::Trend(TrendFigures { rows, unit: String::new(), total }), basis })
    }

    /// A series by date, or one more level of groups with one by date in each.
    fn insight(&self, rows: &mut Vec<TrendRow>, name: &str, dates: &Value) {
        for (key, value) in dates.as_object().into_iter().flatten() {
            if let Some(value) = number(value) {
                rows.push(TrendRow { at: self.moment(key), group: Some(name.to_owned()), value });
            } else if value.is_object() && key != "$overall" {
                self.insight(rows, &format!("{name}, {key}"), value);
            }
        }
    }

    pub(super) async fn retention(&self, retention: &Retention) -> PortResult<Answer> {
        let RetentionKind::Brackets(_) = &retention.kind else { return self.counted_retention(retention).await };
        let why = "Mixpanel counts who came back in each day, week or month, or later; brackets are not to be had there";
        Err(self.error(PortErrorKind::Unsupported, "query", why))
    }

    async fn counted_retention(&self, retention: &Retention) -> PortResult<Answer> {
        if retention.by.is_some() {
            let why = "leave --by out: Mixpanel's retention by property has a shape of its own";
            return Err(self.error(PortErrorKind::Unsupported, "query", why));
        }
        let first = self.required(&retention.first).await?;
        if let Some(back) = &retention.back.event {
            self.seen(back).await?;
        }
        let unit = match retention.unit {
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::Hour | Interval::Day => "day",
        };
        let (from, to) = self.days(retention.window.from, retention.window.to);
        let (from, to) = (from.to_string(), to.to_string());
        let count = (retention.periods.min(PERIODS) + 1).to_string();
        let (born_where, back_where) = (expression(&retention.first.filters), expression(&retention.back.filters));
        let unbounded = retention.kind == RetentionKind::Unbounded;
        let mut query = vec![
            ("from_date", from.as_str()),
            ("to_date", to.as_str()),
            ("retention_type", "birth"),
            ("born_event", first.as_str()),
            ("unit", unit),
            ("interval_count", count.as_str()),
            ("unbounded_retention", if unbounded { "true" } else { "false" }),
        ];
        query.extend(retention.back.event.as_deref().map(|event| ("event", event)));
        query.extend(born_where.as_deref().map(|filter| ("born_where", filter)));
        query.extend(back_where.as_deref().map(|filter| ("where", filter)));
        let answer = self.get("query", "/retention", &query).await?;
        let mut by_start: BTreeMap<Timestamp, (f64, Vec<f64>)> = BTreeMap::new();
        for (date, cohort) in answer.as_object().into_iter().flatten() {
            let Some(at) = self.moment(date) else { continue };
            let counts = cohort.get("counts").and_then(Value::as_array).into_iter().flatten().filter_map(number).collect();
            by_start.insert(at, (cohort.get("first").and_then(number).unwrap_or(0.0), counts));
        }
        let (zone, now) = (self.zone(), self.ports.clock.now());
        let starts = intervals(Range { from: retention.window.from, to: retention.window.to }, retention.unit, zone);
        let periods = retention.periods.min(PERIODS);
        let cohorts = starts
            .iter()
            .map(|start| {
                // Mixpanel names a week or a month by its first day, which may lie before the period.
                let known =
                    by_start.range(..=*start).next_back().filter(|(at, _)| *start - **at < TimeDelta::days(32)).map(|(_, known)| known);
                let known = by_start.get(start).or(known.filter(|_| retention.unit != Interval::Day));
                let cell = |unit: u32| {
                    (after(*start, retention.unit, unit, zone) <= now).then(|| RetentionCell {
                        people: known.and_then(|(_, counts)| counts.get(unit as usize)).copied().unwrap_or(0.0),
                        complete: !unbounded && after(*start, retention.unit, unit + 2, zone) <= now,
                    })
                };
                RetentionCohort {
                    start: *start,
                    group: None,
                    size: known.map_or(0.0, |(size, _)| *size),
                    cells: (0..=periods).map(cell).collect(),
                }
            })
            .collect();
        let columns = (0..=periods).map(|unit| unit.to_string()).collect();
        let figures = Figures::Retention(RetentionFigures { unit: retention.unit, columns, cohorts });
        Ok(Answer { figures, basis: self.basis(retention.window.to) })
    }

    async fn required(&self, event: &EventMatch) -> PortResult<String> {
        let Some(name) = &event.event else {
            return Err(self.error(PortErrorKind::Invalid, "query", "Mixpanel wants the first event by its name"));
        };
        self.seen(name).await?;
        Ok(name.clone())
    }

    pub(super) async fn kept_cohorts(&self) -> PortResult<Vec<Cohort>> {
        let list = self.post("cohorts", "/cohorts/list", &[]).await?;
        let mut cohorts: Vec<Cohort> = list
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|cohort| {
                let word = |name: &str| cohort.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                Some(Cohort {
                    id: cohort.get("id")?.as_u64().map(|id| id.to_string())?,
                    name: word("name"),
                    about: word("description"),
                    size: cohort.get("count").and_then(Value::as_u64),
                    at: self.moment(&word("created")),
                })
            })
            .collect();
        cohorts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(cohorts)
    }

    /// People of a cohort. `from` is the session and the page, `SESSION/PAGE`.
    pub(super) async fn cohort_members(&self, cohort: &str, from: Option<&str>) -> PortResult<Members> {
        let cohorts = self.kept_cohorts().await?;
        let Some(known) = cohorts.iter().find(|known| known.id == cohort || known.name == cohort) else {
            let near = bellhop_core::nearest::nearest(cohort, cohorts.iter().map(|known| known.name.as_str()));
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(self.error(PortErrorKind::NotFound, "members", format!("Mixpanel has no cohort `{cohort}`{hint}")));
        };
        let filter = json!({ "id": known.id.parse::<u64>().unwrap_or_default() }).to_string();
        let mut form = vec![("filter_by_cohort", filter.as_str()), ("output_properties", "[]"), ("include_all_users", "false")];
        if let Some((session, page)) = from.and_then(|from| from.rsplit_once('/')) {
            form.extend([("session_id", session), ("page", page)]);
        }
        let answer = self.post("members", "/engage", &form).await?;
        let results = answer.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
        let ids: Vec<String> = results.iter().filter_map(|one| Some(one.get("$distinct_id")?.as_str()?.to_owned())).collect();
        let page = answer.get("page").and_then(Value::as_u64).unwrap_or(0);
        let size = answer.get("page_size").and_then(Value::as_u64).unwrap_or(1000);
        let session = answer.get("session_id").and_then(Value::as_str);
        let full = results.len() as u64 >= size;
        Ok(Members {
            ids,
            total: answer.get("total").and_then(Value::as_u64),
            next: session.filter(|_| full).map(|session| format!("{session}/{}", page + 1)),
        })
    }

    pub(super) async fn one_person(&self, id: &str, events: usize) -> PortResult<Person> {
        let ids = json!([id]).to_string();
        let profile = self.post("person", "/engage", &[("distinct_ids", ids.as_str())]).await?;
        let profile = profile.get("results").and_then(Value::as_array).and_then(|results| results.first().cloned());
        let now = self.ports.clock.now();
        let (from, to) = self.days(now - ACTIVITY, now);
        let (from, to) = (from.to_string(), to.to_string());
        let query = [("distinct_ids", ids.as_str()), ("from_date", from.as_str()), ("to_date", to.as_str())];
        let activity = self.get("person", "/stream/query", &query).await?;
        let list = activity.pointer("/results/events").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut done: Vec<PersonEvent> = list
            .iter()
            .filter_map(|one| {
                let properties = one.get("properties")?.as_object()?;
                let seconds = properties.get("time").and_then(number)?;
                #[expect(clippy::cast_possible_truncation, reason = "seconds of a moment, read from a number of JSON")]
                let time = Timestamp::from_timestamp(seconds as i64, 0)?;
                let shown = |name: &&String| !name.starts_with('$') && !matches!(name.as_str(), "time" | "distinct_id" | "token" | "ip");
                Some(PersonEvent {
                    event: one.get("event")?.as_str()?.to_owned(),
                    time,
                    properties: properties
                        .iter()
                        .filter(|(name, _)| shown(name))
                        .map(|(name, value)| (name.clone(), value.clone()))
                        .collect(),
                })
            })
            .collect();
        if profile.is_none() && done.is_empty() {
            let why = format!("Mixpanel has no profile of `{id}`, and no event of theirs in 30 days");
            return Err(self.error(PortErrorKind::NotFound, "person", why));
        }
        done.sort_by_key(|one| std::cmp::Reverse(one.time));
        let total = done.len() as u64;
        let (first, last) = (done.last().map(|one| one.time), done.first().map(|one| one.time));
        done.truncate(events);
        let properties: BTreeMap<String, Value> =
            profile.as_ref().and_then(|profile| serde_json::from_value(profile.get("$properties")?.clone()).ok()).unwrap_or_default();
        Ok(Person {
            id: id.to_owned(),
            ids: vec![id.to_owned()],
            properties,
            first_seen: first,
            last_seen: last,
            events_total: Some(total),
            events: done,
            cohorts: Vec::new(),
        })
    }

    /// `GET {export_url}/api/2.0/export`: lines of JSON as Mixpanel keeps them.
    pub(super) async fn exported(&self, window: &Window, event: Option<&str>) -> PortResult<ByteStream> {
        let (from, to) = self.days(window.from, window.to);
        let (from, to) = (from.to_string(), to.to_string());
        let list = event.map(|event| json!([event]).to_string());
        let mut query = vec![("from_date", from.as_str()), ("to_date", to.as_str())];
        query.extend(list.as_deref().map(|list| ("event", list)));
        let url = format!("{}/api/2.0/export", self.config.export_url);
        let request = self.signed("export", self.client.get("export", "/api/2.0/export", &url))?.query(&query);
        let turn = self.turn("export").await?;
        let answer = request.exchange().await;
        turn.end().await;
        let answer = answer?;
        if !answer.status().is_success() {
            return Err(self.refused("export", answer).await);
        }
        Ok(answer.stream())
    }
}

/// The start of the unit that is `by` units later.
fn after(start: Timestamp, unit: Interval, by: u32, zone: chrono_tz::Tz) -> Timestamp {
    let day = start.with_timezone(&zone).date_naive();
    let later = match unit {
        Interval::Hour | Interval::Day => day.checked_add_days(chrono::Days::new(u64::from(by))),
        Interval::Week => day.checked_add_days(chrono::Days::new(u64::from(by) * 7)),
        Interval::Month => day.checked_add_months(chrono::Months::new(by)),
    };
    bellhop_core::period::midnight(later.unwrap_or(day), zone)
}
