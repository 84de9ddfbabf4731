//! Mixpanel as a world: the Query API with its 60 questions an hour and 5 at once, raw export, import, and profiles, for one
//! project with a service account.
//!
//! It deliberately has no JQL and no lookup tables, and what is written shows at once.
//! <https://docs.mixpanel.com/reference/overview>

mod expression;
mod funnels;
mod ingest;
mod people;
mod questions;

use super::{Call, Happened, History, Reply, Vendor};
use bellhop_core::{Clock, Timestamp};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The project's number.
pub const PROJECT: &str = "77";
/// The project's token.
pub const TOKEN: &str = "token-1";
/// The service account.
pub const ACCOUNT: &str = "bot.mp-service-account";
/// Its secret.
pub const SECRET: &str = "s3cr3t";
/// The project's zone.
pub const ZONE: Tz = chrono_tz::America::New_York;
/// Questions in an hour, and at once.
const AN_HOUR: usize = 60;
const AT_ONCE: usize = 5;
/// How many people are in the large cohort.
const CROWD: usize = 1500;

type Profile = Map<String, Value>;

/// The world: what it knows, and what it was asked.
pub struct MixpanelWorld {
    clock: Arc<dyn Clock>,
    history: History,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    asked: Vec<Timestamp>,
    people: BTreeMap<String, Profile>,
    groups: BTreeMap<(String, String), Profile>,
    /// Ids that are known to be another one's.
    merged: BTreeMap<String, String>,
}

impl std::fmt::Debug for MixpanelWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MixpanelWorld({PROJECT})")
    }
}

fn refused(status: u16, why: &str, call: &Call) -> Reply {
    Reply::json(status, &json!({ "error": why, "request": call.path }))
}

impl MixpanelWorld {
    /// With these events, and a profile of each of the usual people.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, history: History) -> Self {
        let mut state = State::default();
        for (name, plan) in [("ann", "pro"), ("bob", "free"), ("cyd", "pro"), ("dan", "free")] {
            let profile = [("$name", name.to_uppercase()), ("plan", plan.to_owned())];
            state.people.insert(name.to_owned(), profile.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect());
        }
        Self { clock, history, state: Mutex::new(state) }
    }

    /// What happened.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// What is known about a person.
    #[must_use]
    pub fn profile(&self, id: &str) -> Option<Value> {
        self.state().people.get(id).cloned().map(Value::Object)
    }

    /// What is known about a group.
    #[must_use]
    pub fn group(&self, kind: &str, id: &str) -> Option<Value> {
        self.state().groups.get(&(kind.to_owned(), id.to_owned())).cloned().map(Value::Object)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service account with the project's number, or what is wrong.
    fn denied(call: &Call) -> Option<Reply> {
        if call.basic() != format!("{ACCOUNT}:{SECRET}") {
            return Some(refused(401, "Invalid service account credentials", call));
        }
        match call.param("project_id") {
            None => Some(refused(400, "Missing required parameter: project_id", call)),
            Some(PROJECT) => None,
            Some(_) => Some(refused(403, "User does not have permission to access this project", call)),
        }
    }

    fn query(&self, call: &Call, route: &str) -> Reply {
        let now = self.clock.now();
        {
            let mut state = self.state();
            state.asked.retain(|at| now - *at < TimeDelta::hours(1));
            if state.asked.len() >= AN_HOUR {
                return refused(429, "Query rate limit exceeded. Limit: 60 queries per hour.", call);
            }
            if call.running > AT_ONCE {
                return refused(429, "Concurrent query limit exceeded. Limit: 5.", call);
            }
            state.asked.push(now);
        }
        if call.method == "POST" && !call.body.is_empty() && call.kind() != "application/x-www-form-urlencoded" {
            return refused(400, "A form is wanted", call);
        }
        let told = match (call.method.as_str(), route) {
            ("GET", "/events/names") => only(call, &["type", "limit"]).map(|()| json!(self.history.names())),
            ("GET", "/events/properties/top") => self.tops(call),
            ("GET", "/events") => self.events(call),
            ("GET", "/segmentation") => self.segmentation(call),
            ("GET", "/segmentation/sum") => self.numeric(call, false),
            ("GET", "/segmentation/average") => self.numeric(call, true),
            ("GET", "/funnels/list") => only(call, &[]).map(|()| funnels::list()),
            ("GET", "/funnels") => self.funnel(call),
            ("GET", "/insights") => self.insights(call),
            ("GET", "/retention") => self.retention(call),
            ("POST", "/cohorts/list") => only(call, &[]).map(|()| self.cohorts()),
            ("POST", "/engage") => self.engage(call),
            ("GET", "/stream/query") => self.stream(call),
            _ => return refused(404, "not found", call),
        };
        told.map_or_else(|why| refused(400, &why, call), |answer| Reply::json(200, &answer))
    }

    /// Events of the asked days of the project that fit the expression of a parameter.
    fn asked(&self, call: &Call, condition: &str) -> Result<Vec<Happened>, String> {
        let (from, to) = (date(call, "from_date")?, date(call, "to_date")?);
        if from > to {
            return Err(format!("from_date {from} is after to_date {to}"));
        }
        let mut all = Vec::new();
        for one in self.history.all().into_iter().filter(|one| (from..=to).contains(&local(one.at))) {
            if call.param(condition).map_or(Ok(true), |text| self.fits(text, &one))? {
                all.push(one);
            }
        }
        Ok(all)
    }

    fn fits(&self, text: &str, one: &Happened) -> Result<bool, String> {
        let state = self.state();
        expression::fits(text, &|scope, name| look(&state, one, scope, name))
    }

    fn value(&self, text: &str, one: &Happened) -> Result<Option<String>, String> {
        let state = self.state();
        expression::value(text, &|scope, name| look(&state, one, scope, name))
    }
}

fn look(state: &State, one: &Happened, scope: &str, name: &str) -> Option<Value> {
    if scope == "user" { state.people.get(&one.person)?.get(name).cloned() } else { one.properties.get(name).cloned() }
}

/// Refuses parameters that aren't known, and repeated ones.
fn only(call: &Call, names: &[&str]) -> Result<(), String> {
    for (name, _) in &call.query {
        if !matches!(name.as_str(), "project_id" | "workspace_id") && !names.contains(&name.as_str()) {
            return Err(format!("Unknown parameter: {name}"));
        }
        call.param(name).ok_or_else(|| format!("{name} is given twice"))?;
    }
    Ok(())
}

fn date(call: &Call, name: &str) -> Result<NaiveDate, String> {
    let text = call.param(name).ok_or_else(|| format!("Missing required parameter: {name}"))?;
    text.parse().ok().filter(|_| text.len() == 10).ok_or_else(|| format!("{name} is yyyy-mm-dd, not {text}"))
}

/// The day of the project.
fn local(at: Timestamp) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

impl Vendor for MixpanelWorld {
    fn answer(&self, call: &Call) -> Reply {
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/import") => self.import(call),
            ("POST", "/track") => self.track(call),
            ("POST", "/engage") => self.profiles(call, "$distinct_id"),
            ("POST", "/groups") => self.profiles(call, "$group_id"),
            (_, path) => {
                if let Some(reply) = Self::denied(call) {
                    return reply;
                }
                match path.strip_prefix("/api/query") {
                    Some(route) => self.query(call, route),
                    None if path == "/api/2.0/export" && call.method == "GET" => self.export(call),
                    None => refused(404, "not found", call),
                }
            }
        }
    }
}
