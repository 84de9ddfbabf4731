//! Saved funnels, and who comes back.

use super::questions::monday;
use super::{MixpanelWorld, date, local, only};
use crate::analytics::{Call, Happened, Told, figure};
use chrono::{Datelike as _, NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The saved funnels: their ids, names and steps.
const SAVED: [(u64, &str, [&str; 2]); 2] = [(501, "Buying", ["signup", "purchase"]), (502, "Looking around", ["first_visit", "page_view"])];

/// `/funnels/list`
pub(super) fn list() -> Value {
    SAVED.iter().map(|(id, name, _)| json!({ "funnel_id": id, "name": name })).collect()
}

impl MixpanelWorld {
    /// `/funnels`
    pub(super) fn funnel(&self, call: &Call) -> Told {
        only(call, &["funnel_id", "from_date", "to_date", "interval", "unit", "length", "length_unit", "on", "where", "limit"])?;
        let funnel = SAVED.iter().find(|(id, ..)| call.param("funnel_id") == Some(id.to_string().as_str()));
        let (_, _, steps) = funnel.ok_or("funnel_id is unknown")?;
        if call.param("on").is_some() {
            return Err("this world's funnels are of everybody".into());
        }
        let whole = |name: &str, usual: i64, most: i64| {
            let Some(text) = call.param(name) else { return Ok(usual) };
            text.parse::<i64>().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| format!("{name} is out of range"))
        };
        let (interval, length) = (whole("interval", 1, 366)?, whole("length", 14, 90)?);
        if call.param("length_unit").is_some_and(|unit| unit != "day") || call.param("unit").is_some_and(|unit| unit != "day") {
            return Err("this world counts in days".into());
        }
        let (from, to) = (date(call, "from_date")?, date(call, "to_date")?);
        // Who begins within the period may go on after it.
        let begun = self.asked(call, "where")?;
        let all = self.history.all();
        let mut dates: BTreeMap<NaiveDate, [Vec<i64>; 2]> = BTreeMap::new();
        let mut day = from;
        while day <= to {
            dates.insert(day, Default::default());
            day += TimeDelta::days(interval);
        }
        for person in begun.iter().map(|one| one.person.as_str()).collect::<BTreeSet<_>>() {
            let Some(first) = begun.iter().find(|one| one.person == person && one.name == steps[0]) else { continue };
            let Some((_, counts)) = dates.range_mut(..=local(first.at)).next_back() else { continue };
            counts[0].push(0);
            let later = |one: &&Happened| one.person == person && one.name == steps[1] && one.at > first.at;
            if let Some(second) = all.iter().filter(later).find(|one| one.at - first.at <= TimeDelta::days(length)) {
                counts[1].push((second.at - first.at).num_seconds());
            }
        }
        let data: Map<String, Value> = dates.iter().map(|(day, counts)| (day.to_string(), one_date(*steps, counts))).collect();
        Ok(json!({ "meta": { "dates": data.keys().collect::<Vec<_>>() }, "data": data }))
    }

    /// `/retention`
    pub(super) fn retention(&self, call: &Call) -> Told {
        const KNOWN: [&str; 11] = [
            "from_date",
            "to_date",
            "retention_type",
            "born_event",
            "event",
            "born_where",
            "where",
            "unit",
            "interval",
            "interval_count",
            "unbounded_retention",
        ];
        only(call, &KNOWN)?;
        if call.param("retention_type").is_some_and(|kind| kind != "birth") {
            return Err("this world has births only".into());
        }
        let born = call.param("born_event").ok_or("born_event is required for birth retention")?;
        let many: i64 = call.param("interval_count").map_or(Some(1), |many| many.parse().ok()).ok_or("interval_count is a number")?;
        let start: fn(bellhop_core::Timestamp) -> NaiveDate = match call.param("unit") {
            Some("day") | None => local,
            Some("week") => monday,
            Some("month") => |at| local(at).with_day(1).unwrap_or_default(),
            other => return Err(format!("unit is day, week or month, not {other:?}")),
        };
        let month = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month());
        let apart = |from: NaiveDate, to: NaiveDate| match call.param("unit") {
            Some("week") => (to - from).num_days() / 7,
            Some("month") => month(to) - month(from),
            _ => (to - from).num_days(),
        };
        let unbounded = match call.param("unbounded_retention") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err("unbounded_retention is true or false".into()),
        };
        let mut cohorts: BTreeMap<NaiveDate, Vec<Happened>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for one in self.asked(call, "born_where")?.into_iter().filter(|one| one.name == born) {
            if seen.insert(one.person.clone()) {
                cohorts.entry(start(one.at)).or_default().push(one);
            }
        }
        let all = self.history.all();
        let mut told = Map::new();
        for (day, people) in cohorts {
            let mut counts = vec![0; usize::try_from(many).unwrap_or(0)];
            for first in &people {
                let mut units = BTreeSet::new();
                for one in all.iter().filter(|one| one.person == first.person && one.at > first.at) {
                    let right = call.param("event").is_none_or(|event| event == one.name);
                    if right && call.param("where").map_or(Ok(true), |text| self.fits(text, one))? {
                        units.insert(apart(day, start(one.at)));
                    }
                }
                for (unit, count) in (0..).zip(&mut counts) {
                    *count += i32::from(if unbounded { units.iter().any(|known| *known >= unit) } else { units.contains(&unit) });
                }
            }
            told.insert(day.to_string(), json!({ "counts": counts, "first": people.len() }));
        }
        Ok(told.into())
    }
}

/// One date of a funnel.
fn one_date(steps: [&str; 2], counts: &[Vec<i64>; 2]) -> Value {
    let started = figure(counts[0].len());
    let ratio = |part: usize| if started > 0.0 { figure(part) / started } else { 0.0 };
    let step = |number: usize| {
        let people = counts[number].len();
        #[expect(clippy::cast_precision_loss, reason = "seconds of a few people")]
        let average = (number > 0 && people > 0).then(|| counts[number].iter().sum::<i64>() as f64 / figure(people));
        json!({ "count": people, "goal": steps[number], "event": steps[number], "avg_time": average, "avg_time_from_start": average,
            "step_conv_ratio": if number == 0 { 1.0 } else { ratio(people) }, "overall_conv_ratio": ratio(people) })
    };
    json!({ "steps": [step(0), step(1)],
        "analysis": { "completion": counts[1].len(), "starting_amount": counts[0].len(), "steps": 2, "worst": 1 } })
}
