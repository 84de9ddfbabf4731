//! Cohort reports: people by the day, week or month of their first visit, and in how many of the later ones they were there.

use super::reports::{Row, with_quota, written};
use super::{Ga4World, ZONE, only, word};
use crate::analytics::{Told, figure};
use chrono::{Datelike as _, NaiveDate};
use serde_json::Value;
use std::collections::BTreeSet;

const GRANULARITIES: [&str; 4] = ["GRANULARITY_UNSPECIFIED", "DAILY", "WEEKLY", "MONTHLY"];

impl Ga4World {
    pub(super) fn cohorts(&self, body: &Value, dimensions: &[String], metrics: &[String], quota: &Value) -> Told {
        let spec = &body["cohortSpec"];
        only(spec, &["cohorts", "cohortsRange", "cohortReportSettings"])?;
        only(&spec["cohortsRange"], &["granularity", "startOffset", "endOffset"])?;
        if body.get("dateRanges").is_some() {
            return Err("dateRanges must be omitted from cohort reports.".into());
        }
        if dimensions.first().is_none_or(|name| name != "cohort") {
            return Err("Cohort reports require the cohort dimension.".into());
        }
        let granularity = word(&spec["cohortsRange"]["granularity"], &GRANULARITIES);
        let unit: fn(NaiveDate, NaiveDate) -> i64 = match (granularity, dimensions.get(1).map(String::as_str)) {
            (Some("DAILY"), Some("cohortNthDay")) => |start, day| (day - start).num_days(),
            (Some("WEEKLY"), Some("cohortNthWeek")) => |start, day| (day - start).num_days().div_euclid(7),
            (Some("MONTHLY"), Some("cohortNthMonth")) => {
                |start, day| i64::from(day.year() - start.year()) * 12 + i64::from(day.month()) - i64::from(start.month())
            }
            other => return Err(format!("The granularity and the dimension of the cohorts don't fit: {other:?}.")),
        };
        let offset = |name: &str| spec["cohortsRange"].get(name).map_or(Some(0), Value::as_i64).ok_or_else(|| format!("Invalid {name}."));
        let (start, end) = (offset("startOffset")?, offset("endOffset")?);
        let cohorts = spec["cohorts"].as_array().filter(|list| (1..=12).contains(&list.len())).ok_or("1 to 12 cohorts are required.")?;
        let mut rows: Vec<Row> = Vec::new();
        for cohort in cohorts {
            rows.extend(self.cohort(cohort, metrics, unit, start..=end)?);
        }
        let all = rows.len();
        Ok(with_quota(written(dimensions, metrics, &rows, all), body, quota))
    }

    fn cohort(
        &self,
        cohort: &Value,
        metrics: &[String],
        unit: fn(NaiveDate, NaiveDate) -> i64,
        units: std::ops::RangeInclusive<i64>,
    ) -> Result<Vec<Row>, String> {
        only(cohort, &["name", "dimension", "dateRange"])?;
        let named = |name: &&str| !name.starts_with("cohort_") && !name.starts_with("RESERVED_");
        let name = cohort["name"].as_str().filter(named).ok_or("A cohort's name is none that is reserved.")?;
        if cohort["dimension"] != "firstSessionDate" {
            return Err("The only dimension of cohorts is firstSessionDate.".into());
        }
        only(&cohort["dateRange"], &["startDate", "endDate"])?;
        let (all, now) = (self.history.all(), self.clock.now());
        let first = |person: &str| all.iter().find(|one| one.person == person).map(|one| one.at);
        let inside = self.between(&cohort["dateRange"])?;
        let born: BTreeSet<&str> = inside.iter().filter(|one| first(&one.person) == Some(one.at)).map(|one| one.person.as_str()).collect();
        let start: NaiveDate = cohort["dateRange"]["startDate"].as_str().and_then(|day| day.parse().ok()).ok_or("Invalid startDate.")?;
        let mut rows = Vec::new();
        for number in units {
            let there = |one: &&crate::analytics::Happened| {
                one.at <= now && born.contains(one.person.as_str()) && unit(start, one.at.with_timezone(&ZONE).date_naive()) == number
            };
            let active: BTreeSet<&str> = all.iter().filter(there).map(|one| one.person.as_str()).collect();
            if !active.is_empty() {
                let count = |metric: &String| figure(if metric == "cohortActiveUsers" { active.len() } else { born.len() });
                rows.push((vec![name.to_owned(), format!("{number:04}")], metrics.iter().map(count).collect()));
            }
        }
        Ok(rows)
    }
}
