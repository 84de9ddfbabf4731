//! People: profiles, cohorts, what somebody did, and raw events.

use super::{CROWD, MixpanelWorld, PROJECT, Profile, only};
use crate::analytics::{Call, Happened, Reply, Told};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How many people are on a page.
const PAGE: usize = 1000;
const FIELDS: [&str; 10] = [
    "where",
    "distinct_id",
    "distinct_ids",
    "filter_by_cohort",
    "output_properties",
    "session_id",
    "page",
    "include_all_users",
    "as_of_timestamp",
    "behaviors",
];

impl MixpanelWorld {
    /// Who ever paid, by their ids.
    fn payers(&self) -> BTreeSet<String> {
        self.history.all().into_iter().filter(|one| one.name == "purchase").map(|one| one.person).collect()
    }

    /// `/cohorts/list`: who paid, and a crowd that takes two pages.
    pub(super) fn cohorts(&self) -> Value {
        let one = |id: u64, name: &str, count: usize, about: &str| json!({ "id": id, "name": name, "count": count, "description": about, "created": "2026-10-01 10:00:00", "is_visible": 1, "project_id": PROJECT.parse::<u64>().unwrap_or_default() });
        json!([one(9, "Payers", self.payers().len(), "who paid"), one(10, "Crowd", CROWD, "")])
    }

    /// `/engage` as a question.
    pub(super) fn engage(&self, call: &Call) -> Told {
        only(call, &[])?;
        let form = call.form();
        if let Some((odd, _)) = form.iter().find(|(name, _)| !FIELDS.contains(&name.as_str())) {
            return Err(format!("Unknown parameter: {odd}"));
        }
        let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let list = |name: &str| -> Result<Option<Vec<String>>, String> {
            field(name).map(|text| serde_json::from_str(text).map_err(|_| format!("{name} is a JSON array"))).transpose()
        };
        let wanted: Vec<String> = if let Some(id) = field("distinct_id") {
            vec![id.to_owned()]
        } else if let Some(ids) = list("distinct_ids")? {
            ids
        } else if let Some(cohort) = field("filter_by_cohort") {
            let cohort: Value = serde_json::from_str(cohort).map_err(|_| "filter_by_cohort is a JSON object")?;
            match cohort["id"].as_u64() {
                Some(9) => self.payers().into_iter().collect(),
                Some(10) => (0..CROWD).map(|number| format!("p{number}")).collect(),
                _ => return Err("Cohort not found".into()),
            }
        } else {
            self.state().people.keys().cloned().collect()
        };
        let page = match (field("session_id"), field("page").map(str::parse::<usize>)) {
            (None, None | Some(Ok(0))) => 0,
            (Some("S-1"), Some(Ok(page))) => page,
            _ => return Err("page and session_id belong together".into()),
        };
        let output = list("output_properties")?;
        let state = self.state();
        let in_cohort = field("filter_by_cohort").is_some();
        let shown = |id: &String| {
            let known = state.people.get(id).cloned().or_else(|| in_cohort.then(Profile::new))?;
            let kept: Profile = known.into_iter().filter(|(name, _)| output.as_ref().is_none_or(|names| names.contains(name))).collect();
            Some(json!({ "$distinct_id": id, "$properties": kept }))
        };
        let all: Vec<Value> = wanted.iter().filter_map(shown).collect();
        let results: Vec<&Value> = all.iter().skip(page * PAGE).take(PAGE).collect();
        Ok(json!({ "page": page, "page_size": PAGE, "session_id": "S-1", "status": "ok", "total": all.len(), "results": results }))
    }

    /// `/stream/query`
    pub(super) fn stream(&self, call: &Call) -> Told {
        only(call, &["distinct_ids", "from_date", "to_date"])?;
        let ids: Vec<String> =
            serde_json::from_str(call.param("distinct_ids").unwrap_or_default()).map_err(|_| "distinct_ids is a JSON array")?;
        let found = self.asked(call, "")?;
        let events: Vec<Value> = found.iter().filter(|one| ids.contains(&one.person)).map(raw).collect();
        Ok(json!({ "status": "ok", "results": { "events": events } }))
    }

    /// `/api/2.0/export`
    pub(super) fn export(&self, call: &Call) -> Reply {
        let found = only(call, &["from_date", "to_date", "event", "where", "limit", "time_in_ms"]).and_then(|()| {
            let events: Option<Vec<String>> =
                call.param("event").map(|list| serde_json::from_str(list).map_err(|_| "event is a JSON array")).transpose()?;
            let limit = call.param("limit").map_or(Ok(100_000), |limit| limit.parse::<usize>().map_err(|_| "limit is a number"))?;
            let mut found = self.asked(call, "where")?;
            found.retain(|one| events.as_ref().is_none_or(|list| list.contains(&one.name)));
            found.truncate(limit.min(100_000));
            Ok(found)
        });
        match found {
            Err(why) => super::refused(400, &why, call),
            Ok(found) => Reply::text(200, "text/plain", &found.iter().map(|one| raw(one).to_string() + "\n").collect::<String>()),
        }
    }
}

/// An event as Mixpanel keeps it.
fn raw(one: &Happened) -> Value {
    let mut properties: Profile = one.properties.clone().into_iter().collect();
    properties.insert("time".to_owned(), json!(one.at.timestamp()));
    properties.insert("distinct_id".to_owned(), json!(one.person));
    if !one.id.is_empty() {
        properties.insert("$insert_id".to_owned(), json!(one.id));
    }
    json!({ "event": one.name, "properties": properties })
}
