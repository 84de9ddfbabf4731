//! Cohorts: listed, downloaded as files, and made out of ids.
//!
//! Source: <https://amplitude.com/docs/apis/analytics/behavioral-cohorts>

use super::Amplitude;
use super::ask::words;
use super::trend::figure;
use bellhop_core::analytics::{Cohort, CohortMade, Members};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortErrorKind, Timestamp};
use bellhop_http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a cohort's download is waited for, and how often it is looked at: four looks a minute are allowed.
const WAITED: TimeDelta = TimeDelta::minutes(3);
const LOOK: Duration = Duration::from_secs(15);
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// Ids of a cohort in one page of ours.
const PAGE: usize = 1000;

impl Amplitude {
    pub(super) async fn kept_cohorts(&self) -> PortResult<Vec<Cohort>> {
        let answer = self.get("cohorts", "/api/3/cohorts", &[], 1.0).await?;
        let mut cohorts: Vec<Cohort> = answer
            .get("cohorts")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|cohort| cohort.get("archived").and_then(Value::as_bool) != Some(true))
            .filter_map(|cohort| {
                let word = |name: &str| cohort.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let computed = cohort.get("lastComputed").and_then(figure);
                #[expect(clippy::cast_possible_truncation, reason = "seconds of a moment, read from a number of JSON")]
                let at = computed.and_then(|seconds| Timestamp::from_timestamp(seconds as i64, 0));
                Some(Cohort {
                    id: cohort.get("id")?.as_str()?.to_owned(),
                    name: word("name"),
                    about: word("description"),
                    size: cohort.get("size").and_then(Value::as_u64),
                    at,
                })
            })
            .collect();
        cohorts.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(cohorts)
    }

    async fn cohort(&self, operation: &'static str, wanted: &str) -> PortResult<Cohort> {
        let cohorts = self.kept_cohorts().await?;
        if let Some(known) = cohorts.iter().find(|known| known.id == wanted || known.name == wanted) {
            return Ok(known.clone());
        }
        let near = bellhop_core::nearest::nearest(wanted, cohorts.iter().map(|known| known.name.as_str()));
        let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Err(self.error(PortErrorKind::NotFound, operation, format!("Amplitude has no cohort `{wanted}`{hint}")))
    }

    /// People of a cohort: Amplitude makes a file of them, which is waited for. `from` is the download and the place in it.
    pub(super) async fn cohort_members(&self, wanted: &str, from: Option<&str>) -> PortResult<Members> {
        let (request, place) = if let Some((request, place)) = from.and_then(|from| from.rsplit_once('/')) {
            (request.to_owned(), place.parse().unwrap_or(0))
        } else {
            let cohort = self.cohort("members", wanted).await?;
            (self.make_download(&cohort.id).await?, 0)
        };
        let all = self.downloaded(&request).await?;
        let ids: Vec<String> = all.iter().skip(place).take(PAGE).cloned().collect();
        let next = (place + ids.len() < all.len()).then(|| format!("{request}/{}", place + ids.len()));
        Ok(Members { ids, total: Some(all.len() as u64), next })
    }

    async fn make_download(&self, id: &str) -> PortResult<String> {
        let url = format!("{}/api/5/cohorts/request", self.config.query_url);
        let asked =
            self.signed("members", self.client.get("members", "/api/5/cohorts/request/{id}", &url))?.path(id).query(&[("props", "1")]);
        let turn = self.turn("members", 1.0).await?;
        let answer = self.in_turn(turn, asked).await?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let answer: Value = answer.json().await?;
        let request = answer.get("request_id").and_then(Value::as_str).map(str::to_owned);
        let Some(request) = request else {
            return Err(self.error(PortErrorKind::Broken, "members", "Amplitude's answer has no `request_id`"));
        };
        self.wait_for(&request).await?;
        Ok(request)
    }

    async fn wait_for(&self, request: &str) -> PortResult<()> {
        let begun = self.ports.clock.now();
        let mut pause = FIRST_LOOK;
        loop {
            let url = format!("{}/api/5/cohorts/request-status", self.config.query_url);
            let asked = self.signed("members", self.client.get("members", "/api/5/cohorts/request-status/{id}", &url))?.path(request);
            let answer = asked.exchange().await?;
            match answer.status() {
                StatusCode::OK => return Ok(()),
                StatusCode::ACCEPTED => {}
                _ => return Err(self.refused(answer).await),
            }
            if self.ports.clock.now() - begun > WAITED {
                let why = "Amplitude is still making the list of people; ask again in a few minutes";
                return Err(self.error(PortErrorKind::Unavailable, "members", why));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 4).min(LOOK);
        }
    }

    async fn downloaded(&self, request: &str) -> PortResult<Vec<String>> {
        let url = format!("{}/api/5/cohorts/request", self.config.query_url);
        let asked =
            self.signed("members", self.client.get("members", "/api/5/cohorts/request/{id}/file", &url))?.path(request).path("file");
        let answer = asked.exchange().await?;
        let body = if answer.status().is_redirection() {
            // The file lies elsewhere, under an address that is its own permission: our keys don't go along.
            let place = answer.header("location").unwrap_or_default().to_owned();
            let safe = place.starts_with("https://") || place.starts_with("http://") && self.config.query_url.starts_with("http://");
            if !safe {
                return Err(self.error(PortErrorKind::Broken, "members", "Amplitude points to a place that can't be fetched from"));
            }
            self.client.get("members", "(a cohort's file)", &place).send().await?.text().await?
        } else if answer.status().is_success() {
            answer.text().await?
        } else {
            return Err(self.refused(answer).await);
        };
        Ok(ids(&body))
    }

    pub(super) async fn upload_cohort(&self, name: &str, ids: &[String]) -> PortResult<CohortMade> {
        let (Some(app), Some(owner)) = (self.config.app_id, &self.config.owner) else {
            let why = format!(
                "uploading cohorts needs `app_id` (the project's number) and `owner` (an e-mail address) in [{}]",
                self.client.service()
            );
            return Err(self.error(PortErrorKind::Unsupported, "make_cohort", why));
        };
        if ids.is_empty() {
            return Err(self.error(PortErrorKind::Invalid, "make_cohort", "there is nobody in the list"));
        }
        let existing = self.kept_cohorts().await?.into_iter().find(|cohort| cohort.name == name).map(|cohort| cohort.id);
        let mut body = json!({ "name": name, "app_id": app, "id_type": "BY_USER_ID", "ids": ids, "owner": owner, "published": true, "skip_invalid_ids": true });
        if let Some(existing) = existing {
            body["existing_cohort_id"] = json!(existing);
        }
        let url = format!("{}/api/3/cohorts/upload", self.config.query_url);
        let request = self.signed("make_cohort", self.client.post("make_cohort", "/api/3/cohorts/upload", &url))?.json(&body);
        let turn = self.turn("make_cohort", 1.0).await?;
        let answer = self.in_turn(turn, request).await?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let answer: Value = answer.json().await?;
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let why = error.get("message").and_then(Value::as_str).unwrap_or("it doesn't say why");
            return Err(self.error(PortErrorKind::Invalid, "make_cohort", format!("Amplitude refuses the cohort: {}", words(why))));
        }
        let count = |name: &str| answer.pointer(&format!("/metadata/{name}")).and_then(Value::as_u64);
        let unknown = answer.pointer("/metadata/invalid_ids_sample").and_then(Value::as_array).into_iter().flatten();
        Ok(CohortMade {
            id: answer.get("cohortId").or_else(|| answer.get("cohort_id")).and_then(Value::as_str).unwrap_or_default().to_owned(),
            matched: count("matched").unwrap_or(0),
            total: count("totals").unwrap_or(ids.len() as u64),
            unknown: unknown.filter_map(|id| id.as_str().map(str::to_owned)).collect(),
        })
    }
}

/// Ids out of a cohort's file: lines of CSV with names on the first, or of JSON.
fn ids(body: &str) -> Vec<String> {
    let from_json = |value: &Value| {
        let id = value.get("user_id").filter(|id| !id.is_null()).or_else(|| value.get("amplitude_id"))?;
        Some(id.as_str().map_or_else(|| id.to_string(), str::to_owned))
    };
    let text = body.trim_start();
    if text.starts_with('[') {
        let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        return list.iter().filter_map(from_json).collect();
    }
    if text.starts_with('{') {
        return text.lines().filter_map(|line| from_json(&serde_json::from_str(line).ok()?)).collect();
    }
    let mut lines = text.lines().map(|line| line.split(',').map(|cell| cell.trim().trim_matches('"')).collect::<Vec<_>>());
    let Some(names) = lines.next() else { return Vec::new() };
    let at = |name: &str| names.iter().position(|one| one.eq_ignore_ascii_case(name));
    let (user, amplitude) = (at("user_id"), at("amplitude_id"));
    let column =
        |cells: &[&str], at: Option<usize>| at.and_then(|at| cells.get(at).copied()).filter(|id| !id.is_empty()).map(str::to_owned);
    lines.filter_map(|cells| column(&cells, user).or_else(|| column(&cells, amplitude))).collect()
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn files_of_cohorts_are_read_in_each_shape() {
        assert_eq!(ids("amplitude_id,user_id\n1,ann\n2,\n"), ["ann", "2"]);
        assert_eq!(ids("[{\"amplitude_id\":1,\"user_id\":\"ann\"},{\"amplitude_id\":2}]"), ["ann", "2"]);
        assert_eq!(ids("{\"user_id\":\"ann\"}\n{\"user_id\":\"bob\"}\n"), ["ann", "bob"]);
        assert!(ids("").is_empty());
    }
}
