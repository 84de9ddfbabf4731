//! Funnels, and who comes back.

use super::events::{Asked, event, of_people};
use super::{AmplitudeWorld, date, local, only};
use crate::analytics::{Call, Happened, Told, figure};
use bellhop_core::Timestamp;
use chrono::{Datelike as _, NaiveDate, TimeDelta};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How many units of a retention are told.
const UNITS: i64 = 30;

impl AmplitudeWorld {
    /// The moments of a person's steps, as far as they got, and the event that the first was.
    fn path<'a>(
        &self,
        steps: &[Asked],
        mode: &str,
        within: i64,
        own: &'a [Happened],
        period: (NaiveDate, NaiveDate),
    ) -> Result<Vec<&'a Happened>, String> {
        let mut best: Vec<&Happened> = Vec::new();
        for (start, first) in own.iter().enumerate().filter(|(_, one)| (period.0..=period.1).contains(&local(one.at))) {
            let mut left: Vec<&Asked> = steps.iter().collect();
            let mut path: Vec<&Happened> = Vec::new();
            for (position, one) in own.iter().enumerate().skip(start) {
                if left.is_empty() || (one.at - first.at).num_seconds() > within {
                    break;
                }
                let mut next = None;
                for (number, step) in left.iter().enumerate().take(if mode == "unordered" { left.len() } else { 1 }) {
                    if next.is_none() && self.fits(step, one)? {
                        next = Some(number);
                    }
                }
                match next {
                    Some(number) => {
                        left.remove(number);
                        path.push(one);
                    }
                    None if position == start || mode == "sequential" => break,
                    None => {}
                }
            }
            if path.len() > best.len() {
                best = path;
            }
        }
        Ok(best)
    }

    /// `/api/2/funnels`
    pub(super) fn funnel(&self, call: &Call) -> Told {
        only(call, &["e", "start", "end", "mode", "n", "i", "g", "cs", "limit"])?;
        let steps: Vec<Asked> = call.query.iter().filter(|(name, _)| name == "e").map(|(_, text)| event(text)).collect::<Result<_, _>>()?;
        if steps.len() < 2 {
            return Err("A funnel has at least two events".into());
        }
        let mode = call.param("mode").unwrap_or("ordered");
        if !["ordered", "unordered", "sequential"].contains(&mode) {
            return Err(format!("Invalid mode {mode}"));
        }
        let mut within: i64 = call.param("cs").map_or(Some(2_592_000), |text| text.parse().ok()).ok_or("cs is in seconds")?;
        if mode == "unordered" {
            within = within / 86_400 * 86_400;
        }
        if call.param("g").is_some_and(|g| !of_people(g)) {
            return Err("g is a property of people".into());
        }
        let period = (date(call, "start")?, date(call, "end")?);
        let by = call.param("g").map(str::to_owned).or_else(|| steps.first()?.by.clone());
        let all = self.history.all();
        let mut groups: BTreeMap<String, Vec<Vec<i64>>> = BTreeMap::new();
        for person in all.iter().map(|one| one.person.as_str()).collect::<BTreeSet<_>>() {
            let own: Vec<Happened> = all.iter().filter(|one| one.person == person).cloned().collect();
            let path = self.path(&steps, mode, within, &own, period)?;
            let Some(first) = path.first() else { continue };
            let group = by.as_ref().map(|by| self.property(first, by)).unwrap_or_default();
            let times = groups.entry(group).or_insert_with(|| vec![Vec::new(); steps.len()]);
            for (number, one) in path.iter().enumerate() {
                let before = number.checked_sub(1).and_then(|before| path.get(before));
                times[number].push(before.map_or(0, |before| (one.at - before.at).num_milliseconds()));
            }
        }
        if groups.is_empty() {
            groups.insert(String::new(), vec![Vec::new(); steps.len()]);
        }
        let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        let data: Vec<Value> = groups.iter().enumerate().map(|(number, (group, times))| one_group(number, group, times, &names)).collect();
        Ok(json!({ "data": data }))
    }

    /// `/api/2/retention`
    pub(super) fn retention(&self, call: &Call) -> Told {
        only(call, &["se", "re", "start", "end", "rm", "rb", "i"])?;
        let (se, re) = (event(call.param("se").ok_or("Missing parameter se")?)?, event(call.param("re").ok_or("Missing parameter re")?)?);
        let width = call.param("i").unwrap_or("1");
        let start: fn(Timestamp) -> NaiveDate = match width {
            "1" => local,
            "7" => |at| local(at) - TimeDelta::days(local(at).weekday().num_days_from_monday().into()),
            "30" => |at| local(at).with_day(1).unwrap_or_default(),
            other => return Err(format!("Invalid i {other}")),
        };
        let month = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month());
        let apart = |from: NaiveDate, to: NaiveDate| match width {
            "30" => month(to) - month(from),
            "7" => (to - from).num_days() / 7,
            _ => (to - from).num_days(),
        };
        let mode = call.param("rm").unwrap_or("n-day");
        if !["n-day", "rolling", "bracket"].contains(&mode) {
            return Err(format!("Invalid rm {mode}"));
        }
        let brackets: Option<Vec<(i64, i64)>> =
            call.param("rb").map(|text| serde_json::from_str(text).map_err(|_| "rb is a list of pairs")).transpose()?;
        if brackets.is_some() != (mode == "bracket") {
            return Err("rb is required for rm=bracket, and for nothing else".into());
        }
        let mut cohorts: BTreeMap<NaiveDate, BTreeSet<String>> = BTreeMap::new();
        for one in self.found(call, &se)? {
            cohorts.entry(start(one.at)).or_default().insert(one.person);
        }
        let (all, today) = (self.history.all(), local(self.clock.now()));
        let units = brackets.unwrap_or_else(|| (0..UNITS).map(|unit| (unit, unit + 1)).collect());
        let (mut values, mut dates) = (Map::new(), Vec::new());
        for (day, people) in cohorts {
            let cell = |count: usize, incomplete: bool| json!({ "count": count, "outof": people.len(), "incomplete": incomplete });
            let mut cells = vec![cell(people.len(), false)];
            for (from, to) in &units {
                // What has not begun is not told.
                if apart(day, start(self.clock.now())) < *from {
                    break;
                }
                let mut back = BTreeSet::new();
                for one in all.iter().filter(|one| people.contains(&one.person)) {
                    let unit = apart(day, start(one.at));
                    if unit >= *from && (mode == "rolling" || unit < *to) && self.fits(&re, one)? {
                        back.insert(one.person.as_str());
                    }
                }
                let days = if width == "30" { 31 } else { width.parse().unwrap_or(1) };
                cells.push(cell(back.len(), mode == "rolling" || day + TimeDelta::days((to + 1) * days) > today));
            }
            let name = day.format("%b %d").to_string();
            dates.insert(0, name.clone());
            values.insert(name, cells.into());
        }
        Ok(json!({ "data": { "series": [{ "dates": dates, "values": values, "combined": [] }],
            "seriesMeta": [{ "segmentIndex": 0, "eventIndex": 0 }] } }))
    }
}

fn one_group(number: usize, group: &str, times: &[Vec<i64>], names: &[&str]) -> Value {
    let raw: Vec<usize> = times.iter().map(Vec::len).collect();
    let ratio = |part: usize, of: usize| if of == 0 { 0.0 } else { figure(part) / figure(of) };
    let steps: Vec<f64> = (0..raw.len()).map(|at| if at == 0 { 1.0 } else { ratio(raw[at], raw[at - 1]) }).collect();
    let median = |all: &Vec<i64>| {
        let mut all = all.clone();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or(0)
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds of a few people")]
    let average = |all: &Vec<i64>| if all.is_empty() { 0.0 } else { all.iter().sum::<i64>() as f64 / figure(all.len()) };
    json!({ "meta": { "segmentIndex": number }, "groupValue": group, "cumulativeRaw": raw, "stepByStep": steps,
        "cumulative": raw.iter().map(|people| ratio(*people, raw[0])).collect::<Vec<_>>(),
        "medianTransTimes": times.iter().map(median).collect::<Vec<_>>(),
        "avgTransTimes": times.iter().map(average).collect::<Vec<_>>(), "events": names })
}
