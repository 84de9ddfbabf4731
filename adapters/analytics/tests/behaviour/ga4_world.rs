//! Google Analytics 4 as a world: tokens of a service account, the Data API, the Admin API and the Measurement Protocol.

use super::desk::{Call, Reply, World, at};
use super::ga4_funnels::funnel;
use super::ga4_reports::{realtime, report};
use super::history::{Happened, history};
use bellhop_core::{Clock as _, Timestamp};
use bellhop_kit::clock::StoppedClock;
use chrono_tz::Tz;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A key pair made for these tests; nothing anywhere trusts it.
pub const PRIVATE_KEY: &str = include_str!("test_only_private_key.pem");
const PUBLIC_KEY: &str = include_str!("test_only_public_key.pem");
pub const EMAIL: &str = "bellhop@example.iam.gserviceaccount.com";
pub const PROPERTY: &str = "123456789";

/// Names and kinds of what can be asked for, beside those of events.
pub const DIMENSIONS: [&str; 13] = [
    "date",
    "dateHour",
    "isoYearIsoWeek",
    "yearMonth",
    "eventName",
    "country",
    "pagePath",
    "cohort",
    "cohortNthDay",
    "cohortNthWeek",
    "isKeyEvent",
    "unifiedScreenName",
    "customEvent:plan",
];
pub const METRICS: [&str; 13] = [
    "eventCount",
    "screenPageViews",
    "totalUsers",
    "activeUsers",
    "sessions",
    "keyEvents",
    "totalRevenue",
    "transactions",
    "totalPurchasers",
    "cohortActiveUsers",
    "cohortTotalUsers",
    "customEvent:price",
    "averageCustomEvent:price",
];

pub struct Ga4World {
    pub clock: Arc<StoppedClock>,
    pub zone: Tz,
    pub url: Mutex<String>,
    pub tokens: Mutex<Vec<(String, Timestamp)>>,
    made: AtomicUsize,
    /// Tokens of this hour that are left.
    pub left: AtomicI64,
    pub events: Vec<Happened>,
}

/// A refusal as Google writes it.
pub fn refused(code: u16, status: &str, message: &str) -> Reply {
    Reply::json(code, &json!({ "error": { "code": code, "message": message, "status": status } }))
}

pub fn invalid(message: &str) -> Reply {
    refused(400, "INVALID_ARGUMENT", message)
}

impl Ga4World {
    pub fn new(clock: Arc<StoppedClock>) -> Self {
        Self {
            clock,
            zone: chrono_tz::America::New_York,
            url: Mutex::default(),
            tokens: Mutex::default(),
            made: AtomicUsize::default(),
            left: AtomicI64::new(40_000),
            events: history(),
        }
    }

    /// `POST /token`
    fn token(&self, call: &Call) -> Reply {
        let denied = |why: &str| Reply::json(400, &json!({ "error": "invalid_grant", "error_description": why }));
        let form = call.form();
        let part = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        if call.header("content-type") != "application/x-www-form-urlencoded" || form.len() != 2 {
            return Reply::json(400, &json!({ "error": "invalid_request", "error_description": "a form of two fields is wanted" }));
        }
        if part("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
            return Reply::json(400, &json!({ "error": "unsupported_grant_type" }));
        }
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_exp = false;
        rules.set_audience(&[format!("{}/token", self.url.lock().unwrap())]);
        let key = DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).unwrap();
        let Ok(said) = jsonwebtoken::decode::<Value>(part("assertion"), &key, &rules) else {
            return denied("Invalid JWT Signature.");
        };
        let (header, claims) = (said.header, said.claims);
        let number = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or(0);
        let now = self.clock.now().timestamp();
        let good = header.kid.as_deref() == Some("key-1")
            && header.typ.as_deref() == Some("JWT")
            && claims["iss"] == EMAIL
            && claims["scope"] == "https://www.googleapis.com/auth/analytics.readonly"
            && claims.get("sub").is_none()
            && (now - 300..=now + 300).contains(&number("iat"))
            && number("exp") > now
            && number("exp") <= number("iat") + 3600;
        if !good {
            return denied("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.");
        }
        let token = format!("ya29.{}", self.made.fetch_add(1, Ordering::SeqCst) + 1);
        self.tokens.lock().unwrap().push((token.clone(), self.clock.now() + chrono::TimeDelta::seconds(3599)));
        Reply::json(200, &json!({ "access_token": token, "expires_in": 3599, "token_type": "Bearer" }))
    }

    fn signed_in(&self, call: &Call) -> bool {
        let token = call.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        self.tokens.lock().unwrap().iter().any(|(known, until)| known == token && self.clock.now() < *until)
    }

    /// What is left after this request.
    fn spend(&self) -> Option<Value> {
        let left = self.left.fetch_sub(10, Ordering::SeqCst) - 10;
        let status = |left: i64| json!({ "consumed": 10, "remaining": left });
        (left >= 0).then(|| {
            json!({ "tokensPerDay": status(150_000), "tokensPerHour": status(left), "tokensPerProjectPerHour": status(left / 3),
                "concurrentRequests": { "consumed": 0, "remaining": 10 } })
        })
    }

    fn data(&self, call: &Call, method: &str) -> Reply {
        if !self.signed_in(call) {
            return refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
        }
        let body = call.json();
        if !body.is_object() {
            return invalid("Invalid JSON payload received.");
        }
        let Some(quota) = self.spend() else {
            return refused(
                429,
                "RESOURCE_EXHAUSTED",
                "Exhausted property tokens per hour. These quota tokens will return in under an hour.",
            );
        };
        let told = |answer: Result<Value, String>| match answer {
            Ok(mut answer) => {
                answer["propertyQuota"] = quota.clone();
                Reply::json(200, &answer)
            }
            Err(why) => invalid(&why),
        };
        match method {
            "runReport" => told(report(self, &body)),
            "runRealtimeReport" => told(realtime(self, &body)),
            "runFunnelReport" => told(funnel(self, &body)),
            "batchRunReports" => {
                let Some(requests) = body.get("requests").and_then(Value::as_array).filter(|list| (1..=5).contains(&list.len())) else {
                    return invalid("requests must have 1 to 5 entries");
                };
                let reports: Result<Vec<Value>, String> = requests
                    .iter()
                    .map(|request| {
                        let mut one = report(self, request)?;
                        one["propertyQuota"] = quota.clone();
                        Ok(one)
                    })
                    .collect();
                reports.map_or_else(
                    |why| invalid(&why),
                    |reports| Reply::json(200, &json!({ "reports": reports, "kind": "analyticsData#batchRunReports" })),
                )
            }
            _ => refused(404, "NOT_FOUND", "Method not found."),
        }
    }

    fn collected(call: &Call, debug: bool) -> Reply {
        let body = call.json();
        let mut messages = Vec::new();
        let name = |name: &str| name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !name.is_empty();
        for event in body["events"].as_array().into_iter().flatten() {
            let word = event["name"].as_str().unwrap_or_default();
            if !name(word) {
                messages.push(json!({ "fieldPath": "events", "description": format!("Event name [{word}] has invalid characters."), "validationCode": "NAME_INVALID" }));
            }
            if event["params"].get("forbidden").is_some() {
                messages
                    .push(json!({ "fieldPath": "events.params", "description": "Unable to parse it.", "validationCode": "VALUE_INVALID" }));
            }
            assert!(event["timestamp_micros"].as_i64().is_some_and(|at| at > 1_000_000_000_000_000), "microseconds: {event}");
        }
        assert_eq!((call.param("measurement_id"), call.param("api_secret")), (Some("G-AB12"), Some("mp-secret")));
        if debug {
            Reply::json(200, &json!({ "validationMessages": messages }))
        } else {
            Reply { status: 204, headers: Vec::new(), body: Vec::new() }
        }
    }

    fn metadata() -> Value {
        let field = |name: &str| json!({ "apiName": name, "uiName": name, "customDefinition": name.contains(':') });
        let mut metrics: Vec<Value> = METRICS.iter().map(|name| field(name)).collect();
        metrics[5]["deprecatedApiNames"] = json!(["conversions"]);
        json!({ "name": format!("properties/{PROPERTY}/metadata"), "dimensions": DIMENSIONS.map(field), "metrics": metrics })
    }

    fn admin(&self, call: &Call, what: &str) -> Reply {
        if call.method != "GET" || !self.signed_in(call) {
            return refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
        }
        match (what, call.param("pageToken")) {
            ("", _) => {
                Reply::json(200, &json!({ "name": format!("properties/{PROPERTY}"), "displayName": "Shop", "timeZone": self.zone.name() }))
            }
            ("/metadata", _) => Reply::json(200, &Self::metadata()),
            ("/keyEvents", None) => Reply::json(200, &json!({ "keyEvents": [{ "eventName": "signup" }], "nextPageToken": "2" })),
            ("/keyEvents", Some("2")) => Reply::json(200, &json!({ "keyEvents": [{ "eventName": "purchase" }] })),
            ("/dataStreams", _) => Reply::json(200, &json!({})),
            _ => refused(404, "NOT_FOUND", "Requested entity was not found."),
        }
    }

    /// Events of some days of the property, both included.
    pub fn between(&self, range: &Value) -> Result<Vec<Happened>, String> {
        let today = self.clock.now().with_timezone(&self.zone).date_naive();
        let day = |name: &str| match range.get(name).and_then(Value::as_str) {
            Some("today") => Ok(today),
            Some("yesterday") => Ok(today - chrono::Days::new(1)),
            Some(word) => match word.strip_suffix("daysAgo").and_then(|days| days.parse().ok()) {
                Some(days) => Ok(today - chrono::Days::new(days)),
                None if word.len() == 10 => word.parse().map_err(|_| format!("Invalid {name}: {word}")),
                None => Err(format!("Invalid {name}: {word}")),
            },
            None => Err(format!("{name} is missing")),
        };
        let (first, last) = (day("startDate")?, day("endDate")?);
        if first > last {
            return Err(format!("The dateRange start is after its end: {first}, {last}"));
        }
        let inside = |one: &&Happened| (first..=last).contains(&one.at.with_timezone(&self.zone).date_naive());
        Ok(self.events.iter().filter(inside).cloned().collect())
    }

    /// When a person was first seen.
    pub fn first(&self, person: &str) -> Timestamp {
        self.events.iter().find(|one| one.person == person).map_or_else(|| at("1970-01-01T00:00:00Z"), |one| one.at)
    }
}

impl World for Ga4World {
    fn answer(&self, call: &Call) -> Reply {
        match call.path.as_str() {
            "/token" => return self.token(call),
            "/mp/collect" => return Self::collected(call, false),
            "/debug/mp/collect" => return Self::collected(call, true),
            _ => {}
        }
        let Some((version, rest)) = call.path.strip_prefix('/').and_then(|path| path.split_once("/properties/")) else {
            return refused(404, "NOT_FOUND", "Not found.");
        };
        let Some(rest) = rest.strip_prefix(PROPERTY) else {
            return refused(403, "PERMISSION_DENIED", "User does not have sufficient permissions for this property.");
        };
        match rest.split_once(':') {
            Some(("", method)) if call.method == "POST" && version == if method == "runFunnelReport" { "v1alpha" } else { "v1beta" } => {
                self.data(call, method)
            }
            None if version == "v1beta" => self.admin(call, rest),
            _ => refused(404, "NOT_FOUND", "Method not found."),
        }
    }
}
