//! Cohorts: listed, made into a file that is downloaded from elsewhere, and made out of ids.

use super::{APP_ID, AmplitudeWorld, OWNER, only, refused};
use crate::analytics::{Call, Reply, Told};
use serde_json::{Value, json};
use std::sync::PoisonError;

const UPLOAD: [&str; 10] =
    ["name", "app_id", "id_type", "ids", "owner", "published", "skip_save", "skip_invalid_ids", "existing_cohort_id", "cg"];

/// A group of people.
pub(super) struct Cohort {
    pub id: String,
    pub name: String,
    pub ids: Vec<String>,
}

/// Who paid, and a crowd that takes two pages.
pub(super) fn usual() -> Vec<Cohort> {
    let ids = ["ann", "bob"].map(str::to_owned).to_vec();
    let crowd = (0..1500).map(|number| format!("p{number}")).collect();
    vec![Cohort { id: "c0h".into(), name: "Payers".into(), ids }, Cohort { id: "cr0wd".into(), name: "Crowd".into(), ids: crowd }]
}

impl AmplitudeWorld {
    pub(super) fn cohorts(&self, call: &Call) -> Reply {
        let parts: Vec<&str> = call.path.split('/').skip(2).collect();
        match (call.method.as_str(), &parts[..]) {
            ("GET", ["3", "cohorts"]) => match only(call, &["includeSyncInfo"]) {
                Ok(()) => Reply::json(200, &self.listed()),
                Err(why) => refused(400, "invalid_request", &why),
            },
            ("GET", ["5", "cohorts", "request", id]) => self.requested(id),
            ("GET", ["5", "cohorts", "request-status", request]) => self.looked_at(request),
            ("GET", ["5", "cohorts", "request", request, "file"]) if self.state().looks.contains_key(*request) => {
                let origin = self.origin.lock().unwrap_or_else(PoisonError::into_inner).clone();
                Reply::text(302, "text/plain", "").header("location", &format!("{origin}/s3/{request}.csv?X-Amz-Signature=1"))
            }
            ("POST", ["3", "cohorts", "upload"]) => self.upload(&call.json()).map_or_else(
                |why| {
                    Reply::json(400, &json!({ "error": { "http_code": 400, "type": "invalid_request", "message": why, "metadata": {} } }))
                },
                |answer| Reply::json(200, &answer),
            ),
            _ => refused(404, "not_found", "Not found"),
        }
    }

    fn listed(&self) -> Value {
        let computed = self.clock.now().timestamp() - 3600;
        let one = |cohort: &Cohort| {
            json!({ "id": cohort.id, "name": cohort.name, "size": cohort.ids.len(), "published": true, "archived": false, "lastComputed": computed,
                "description": "", "owners": [OWNER], "appId": APP_ID, "definition": {} })
        };
        json!({ "cohorts": self.state().cohorts.iter().map(one).collect::<Vec<_>>() })
    }

    fn requested(&self, id: &str) -> Reply {
        let mut state = self.state();
        if !state.cohorts.iter().any(|cohort| cohort.id == id) {
            return refused(404, "not_found", "Cohort not found");
        }
        state.downloads += 1;
        let request = format!("r{}-{id}", state.downloads);
        state.looks.insert(request.clone(), 0);
        Reply::json(202, &json!({ "request_id": request, "cohort_id": id }))
    }

    fn looked_at(&self, request: &str) -> Reply {
        let mut state = self.state();
        let Some(looks) = state.looks.get_mut(request) else { return refused(404, "not_found", "Request not found") };
        *looks += 1;
        let (status, word) = if *looks > 1 { (200, "JOB COMPLETED") } else { (202, "JOB INPROGRESS") };
        Reply::json(status, &json!({ "request_id": request, "cohort_id": request.split_once('-').map(|(_, id)| id), "async_status": word }))
    }

    /// What lies elsewhere: its address is its own permission, and a second one is refused.
    pub(super) fn file(&self, call: &Call) -> Reply {
        if call.headers.contains_key("authorization") || call.param("X-Amz-Signature") != Some("1") {
            return Reply::text(
                400,
                "application/xml",
                "<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>",
            );
        }
        let id = call.path.trim_start_matches("/s3/").trim_end_matches(".csv").split_once('-').map_or("", |(_, id)| id);
        let state = self.state();
        let Some(cohort) = state.cohorts.iter().find(|cohort| cohort.id == id) else {
            return Reply::text(403, "application/xml", "<Error><Code>AccessDenied</Code></Error>");
        };
        let mut lines = "amplitude_id,user_id\n".to_owned();
        for (number, id) in cohort.ids.iter().enumerate() {
            lines += &[&number.to_string(), ",", id, "\n"].concat();
        }
        Reply::text(200, "text/csv", &lines)
    }

    fn upload(&self, body: &Value) -> Told {
        let map = body.as_object().ok_or("The body is an object")?;
        if let Some(odd) = map.keys().find(|key| !UPLOAD.contains(&key.as_str())) {
            return Err(format!("Unknown field {odd}"));
        }
        let name = body["name"].as_str().filter(|name| !name.is_empty()).ok_or("name is required")?;
        if body["app_id"].as_u64() != Some(APP_ID) {
            return Err("app_id is not that of this project".into());
        }
        if !matches!(body["id_type"].as_str(), Some("BY_AMP_ID" | "BY_USER_ID")) {
            return Err("id_type is BY_AMP_ID or BY_USER_ID".into());
        }
        if body["owner"] != OWNER || !body["published"].is_boolean() {
            return Err("owner is a member's address, and published is required".into());
        }
        let ids: Vec<&str> = body["ids"].as_array().ok_or("ids is required")?.iter().filter_map(Value::as_str).collect();
        if ids.is_empty() || ids.len() > 100_000 {
            return Err("ids has 1 to 100000 entries".into());
        }
        let seen = |id: &&&str| self.history.all().iter().any(|one| one.person == **id);
        let matched: Vec<String> = ids.iter().filter(seen).map(|id| (*id).to_owned()).collect();
        let unknown: Vec<&&str> = ids.iter().filter(|id| !seen(id)).take(10).collect();
        let (many, total) = (matched.len(), ids.len());
        let mut state = self.state();
        let id = if let Some(existing) = body.get("existing_cohort_id").and_then(Value::as_str) {
            let cohort = state.cohorts.iter_mut().find(|cohort| cohort.id == existing).ok_or("existing_cohort_id is unknown")?;
            cohort.ids = matched;
            existing.to_owned()
        } else {
            let id = format!("c{}", state.cohorts.len() + 1);
            state.cohorts.push(Cohort { id: id.clone(), name: name.to_owned(), ids: matched });
            id
        };
        Ok(json!({ "cohortId": id, "metadata": { "matched": many, "totals": total, "invalid_ids_sample": unknown } }))
    }
}
