//! Amplitude as a world: the Dashboard REST API with its costs, cohorts, single people, and events on their way in, for one
//! project.
//!
//! It deliberately has no formulas, no rolling windows and no saved charts.
//! <https://amplitude.com/docs/apis/analytics/dashboard-rest>

mod cohorts;
mod events;
mod ingest;
mod paths;
mod people;
mod questions;

use super::{Call, Happened, History, Reply, Vendor};
use bellhop_core::{Clock, Timestamp};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The project's key.
pub const API_KEY: &str = "key-1";
/// Its secret.
pub const SECRET_KEY: &str = "s3cr3t";
/// Its number.
pub const APP_ID: u64 = 4711;
/// Whoever may own cohorts.
pub const OWNER: &str = "o@example.com";
/// The project's zone.
pub const ZONE: Tz = chrono_tz::America::New_York;
/// What questions may cost in five minutes, and in an hour; questions at once; questions about people in an hour.
const FIVE_MINUTES: f64 = 1_000.0;
const AN_HOUR: f64 = 108_000.0;
const AT_ONCE: usize = 5;
const OF_PEOPLE: usize = 360;

/// The world: what it knows, and what it was asked.
pub struct AmplitudeWorld {
    clock: Arc<dyn Clock>,
    history: History,
    origin: Mutex<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    spent: Vec<(Timestamp, f64)>,
    of_people: Vec<Timestamp>,
    people: BTreeMap<String, Map<String, Value>>,
    groups: BTreeMap<(String, String), Map<String, Value>>,
    cohorts: Vec<cohorts::Cohort>,
    /// How often each download was looked at.
    looks: BTreeMap<String, usize>,
    downloads: usize,
}

impl std::fmt::Debug for AmplitudeWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AmplitudeWorld({APP_ID})")
    }
}

fn refused(status: u16, kind: &str, why: &str) -> Reply {
    Reply::json(status, &json!({ "error": { "http_code": status, "type": kind, "message": why } }))
}

impl AmplitudeWorld {
    /// With these events. [`AmplitudeWorld::at`] tells it its address, which files of cohorts lie under.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, history: History) -> Self {
        let state = State { cohorts: cohorts::usual(), ..State::default() };
        Self { clock, history, origin: Mutex::default(), state: Mutex::new(state) }
    }

    /// Where it is.
    pub fn at(&self, origin: &str) {
        origin.clone_into(&mut self.origin.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What happened.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// What is known about a person.
    #[must_use]
    pub fn properties(&self, id: &str) -> Option<Value> {
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

    /// A property of an event, or of the person whose it is.
    fn property(&self, one: &Happened, name: &str) -> String {
        let own = name.strip_prefix("gp:");
        let known = own.and_then(|own| {
            let value = self.state().people.get(&one.person)?.get(own).cloned()?;
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        known.or_else(|| one.property(own.unwrap_or(name))).unwrap_or_else(|| "(none)".to_owned())
    }

    /// Pays for a question, or refuses it.
    fn pay(&self, cost: f64) -> Result<(), Reply> {
        let now = self.clock.now();
        let mut state = self.state();
        state.spent.retain(|(at, _)| now - *at < TimeDelta::hours(1));
        let since = |span: TimeDelta| state.spent.iter().filter(|(at, _)| now - *at < span).map(|(_, cost)| cost).sum::<f64>();
        for (span, most) in [(TimeDelta::minutes(5), FIVE_MINUTES), (TimeDelta::hours(1), AN_HOUR)] {
            if since(span) + cost > most {
                let why = format!("Exceeded rate limit with query of cost {cost}: {most} are allowed in {} minutes", span.num_minutes());
                return Err(refused(429, "too_many_requests", &why));
            }
        }
        state.spent.push((now, cost));
        Ok(())
    }

    /// Whatever wants both keys.
    fn asks(&self, call: &Call) -> Reply {
        if call.basic() != format!("{API_KEY}:{SECRET_KEY}") {
            return Reply::text(401, "text/plain", "Unauthorized");
        }
        let of_people = call.path.starts_with("/api/2/user");
        if call.running > if of_people { 2 * AT_ONCE } else { AT_ONCE } {
            return refused(429, "too_many_requests", "Exceeded concurrent limit with number of concurrent requests");
        }
        if call.path.starts_with("/api/3/cohorts") || call.path.starts_with("/api/5/cohorts") {
            return self.cohorts(call);
        }
        if of_people {
            let now = self.clock.now();
            let mut state = self.state();
            state.of_people.retain(|at| now - *at < TimeDelta::hours(1));
            if state.of_people.len() >= OF_PEOPLE {
                return refused(429, "too_many_requests", "Exceeded rate limit of 360 queries per hour");
            }
            state.of_people.push(now);
        } else {
            match Self::cost(call) {
                Err(why) => return refused(400, "invalid_request", &why),
                Ok(cost) => {
                    if let Err(reply) = self.pay(cost) {
                        return reply;
                    }
                }
            }
        }
        let told = match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/api/2/events/list") => only(call, &[]).map(|()| self.list()),
            ("GET", "/api/2/events/segmentation") => self.segmentation(call),
            ("GET", "/api/2/funnels") => self.funnel(call),
            ("GET", "/api/2/retention") => self.retention(call),
            ("GET", "/api/2/revenue/ltv") => self.lifetime(call),
            ("GET", "/api/2/usersearch") => self.search(call),
            ("GET", "/api/2/useractivity") => self.activity(call),
            _ => return Reply::text(404, "text/html", "<html>Not Found</html>"),
        };
        told.map_or_else(|why| refused(400, "invalid_request", &why), |answer| Reply::json(200, &answer))
    }

    /// Days times conditions times what the kind of question costs.
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    fn cost(call: &Call) -> Result<f64, String> {
        let events = |name: &str| -> Result<(usize, usize), String> {
            let all =
                call.query.iter().filter(|(known, _)| known == name).map(|(_, text)| events::event(text)).collect::<Result<Vec<_>, _>>()?;
            Ok((all.len(), all.iter().filter(|one| one.by.is_some()).count()))
        };
        let kind = match call.path.as_str() {
            "/api/2/events/segmentation" => {
                let ((one, by), (two, other)) = (events("e")?, events("e2")?);
                one + two + 4 * (by + other)
            }
            "/api/2/funnels" => events("e").map(|(steps, by)| 2 * steps + 4 * by)?,
            "/api/2/retention" => 8,
            _ => 1,
        };
        let days = match (call.param("start"), call.param("end")) {
            (None, None) => 1,
            _ => (date(call, "end")? - date(call, "start")?).num_days() + 1,
        };
        if days < 1 {
            return Err("The start date is after the end date".into());
        }
        let conditions = if call.param("g").is_some() { 4 } else { 1 };
        Ok(days as f64 * f64::from(conditions) * kind as f64)
    }
}

/// The day of the project.
fn local(at: Timestamp) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

/// Refuses parameters that aren't known.
fn only(call: &Call, names: &[&str]) -> Result<(), String> {
    match call.query.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        Some((name, _)) => Err(format!("Unknown parameter {name}")),
        None => Ok(()),
    }
}

fn date(call: &Call, name: &str) -> Result<NaiveDate, String> {
    let text = call.param(name).ok_or_else(|| format!("Missing parameter {name}"))?;
    let right = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    NaiveDate::parse_from_str(text, "%Y%m%d").ok().filter(|_| right).ok_or_else(|| format!("{name} is YYYYMMDD, not {text}"))
}

impl Vendor for AmplitudeWorld {
    fn answer(&self, call: &Call) -> Reply {
        match (call.method.as_str(), call.path.as_str()) {
            ("POST", "/2/httpapi") => self.events(call, false),
            ("POST", "/batch") => self.events(call, true),
            ("POST", "/identify") => self.identify(call, "user_properties"),
            ("POST", "/groupidentify") => self.identify(call, "group_properties"),
            ("GET", "/v1/userprofile") => self.profile(call),
            ("GET", path) if path.starts_with("/s3/") => self.file(call),
            _ => self.asks(call),
        }
    }
}
