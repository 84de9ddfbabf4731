//! What senders of alerts send, read tolerantly and turned into one shape. Pure: bytes in, signals or a reason out.
//!
//! Sources: Alertmanager's webhook (version 4) and its API v2, and Bellhop's own generic shape (README).

use bellhop_core::alert::AlertSignal;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::Fingerprint;
use bellhop_core::ports::NewAlert;
use bellhop_core::text;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The most alerts in one request.
pub const MOST: usize = 10_000;
/// The longest text of an alert that is kept; the rest is cut.
const TEXT: usize = 8_000;
/// The most labels of an alert, and the longest of them.
const LABELS: usize = 100;
const LABEL: usize = 1_000;

/// Why a request holds no alerts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// It isn't JSON.
    #[error("the body is not JSON: {0}")]
    Json(String),
    /// It is JSON of another shape.
    #[error("{0}")]
    Shape(String),
}

type Labels = BTreeMap<String, String>;

/// Alertmanager's webhook: `POST /alerts/alertmanager`.
///
/// # Errors
/// What is missing, by its path.
pub fn alertmanager(body: &[u8], now: Timestamp) -> Result<Vec<AlertSignal>, ShapeError> {
    #[derive(Deserialize)]
    struct Webhook {
        alerts: Vec<Sent>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Sent {
        status: Option<String>,
        #[serde(flatten)]
        alert: ApiAlert,
    }
    let webhook: Webhook = parse(body, "an object with a list `alerts`, as Alertmanager's webhook sends it")?;
    within(webhook.alerts.len())?;
    webhook
        .alerts
        .into_iter()
        .enumerate()
        .map(|(at, sent)| {
            let firing = match sent.status.as_deref() {
                Some("firing") => Some(true),
                Some("resolved") => Some(false),
                None => None,
                Some(other) => {
                    return Err(ShapeError::Shape(format!(
                        "alerts[{at}].status is `{}`; it can be firing or resolved",
                        text::shorten(other, 40)
                    )));
                }
            };
            sent.alert.signal(at, firing, "alertmanager", now)
        })
        .collect()
}

/// What Prometheus sends to an Alertmanager: `POST /api/v2/alerts`.
///
/// # Errors
/// As [`alertmanager`].
pub fn api_v2(body: &[u8], now: Timestamp) -> Result<Vec<AlertSignal>, ShapeError> {
    let alerts: Vec<ApiAlert> = parse(body, "a list of alerts, as Alertmanager's API v2 takes it")?;
    within(alerts.len())?;
    alerts.into_iter().enumerate().map(|(at, alert)| alert.signal(at, None, "alertmanager", now)).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiAlert {
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
    starts_at: Option<String>,
    ends_at: Option<String>,
    #[serde(rename = "generatorURL", default)]
    generator_url: String,
}

impl ApiAlert {
    /// Whether it fires is what `status` says, or else whether its end has passed. Alertmanager writes the year 1 for
    /// "no end".
    fn signal(self, at: usize, firing: Option<bool>, source: &str, now: Timestamp) -> Result<AlertSignal, ShapeError> {
        let name =
            self.labels.get("alertname").cloned().ok_or_else(|| ShapeError::Shape(format!("alerts[{at}].labels has no `alertname`")))?;
        let starts_at = moment(self.starts_at.as_deref(), &format!("alerts[{at}].startsAt"))?.unwrap_or(now);
        let ends_at = moment(self.ends_at.as_deref(), &format!("alerts[{at}].endsAt"))?;
        let firing = firing.unwrap_or_else(|| ends_at.is_none_or(|end| end > now));
        let pick = |names: [&str; 2]| names.iter().find_map(|n| self.annotations.get(*n)).cloned().unwrap_or_default();
        Ok(tidy(AlertSignal {
            fingerprint: by_labels(&self.labels),
            source: source.to_owned(),
            firing,
            name,
            severity: self.labels.get("severity").cloned().unwrap_or_default(),
            summary: pick(["summary", "message"]),
            description: self.annotations.get("description").cloned().unwrap_or_default(),
            url: self.annotations.get("runbook_url").cloned().unwrap_or(self.generator_url),
            labels: self.labels,
            starts_at,
            ends_at,
            received: now,
            to: Vec::new(),
        }))
    }
}

/// An alert that a person raises. The same name and labels are the same alert as a sender's.
#[must_use]
pub fn by_hand(new: &NewAlert, who: &str, now: Timestamp) -> AlertSignal {
    let named = new.labels.iter().map(|(k, v)| (k.clone(), v.clone())).chain([("alertname".to_owned(), new.name.clone())]);
    tidy(AlertSignal {
        fingerprint: by_labels(&named.collect()),
        source: "person".to_owned(),
        firing: true,
        name: new.name.clone(),
        severity: new.severity.clone(),
        summary: new.summary.clone(),
        description: format!("Raised by {who}."),
        labels: new.labels.clone(),
        url: new.url.clone(),
        starts_at: now,
        ends_at: None,
        received: now,
        to: Vec::new(),
    })
}

/// Bellhop's own shape, one alert or a list: `POST /alerts/generic`.
///
/// # Errors
/// As [`alertmanager`].
pub fn generic(body: &[u8], now: Timestamp) -> Result<Vec<AlertSignal>, ShapeError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Many(Vec<Sent>),
        One(Box<Sent>),
    }
    #[derive(Deserialize)]
    struct Sent {
        name: Option<String>,
        #[serde(default)]
        title: Option<String>,
        #[serde(default)]
        status: Option<String>,
        #[serde(default)]
        severity: Option<String>,
        #[serde(default)]
        labels: BTreeMap<String, serde_json::Value>,
        #[serde(default)]
        summary: Option<String>,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        url: Option<String>,
        #[serde(default)]
        starts_at: Option<String>,
        #[serde(default)]
        ends_at: Option<String>,
        #[serde(default)]
        fingerprint: Option<String>,
    }
    let value: serde_json::Value = parse(body, "JSON")?;
    if !(value.is_object() || value.is_array()) {
        return Err(ShapeError::Shape(
            "the body must be an alert or a list of alerts, as {\"name\": \"...\", \"status\": \"firing\"}".into(),
        ));
    }
    let sent: Either = serde_json::from_value(value).map_err(|_| {
        ShapeError::Shape(
            "a field has the wrong type: name, status, severity, summary, url and starts_at are strings, labels is an object".into(),
        )
    })?;
    let sent = match sent {
        Either::Many(list) => list,
        Either::One(one) => vec![*one],
    };
    within(sent.len())?;
    sent.into_iter()
        .enumerate()
        .map(|(at, sent)| {
            let name = sent
                .name
                .or(sent.title)
                .filter(|n| !n.trim().is_empty())
                .ok_or_else(|| ShapeError::Shape(format!("alerts[{at}] has no `name`")))?;
            let firing = match sent.status.as_deref() {
                None | Some("firing") => true,
                Some("resolved") => false,
                Some(other) => {
                    return Err(ShapeError::Shape(format!(
                        "alerts[{at}].status is `{}`; it can be firing or resolved",
                        text::shorten(other, 40)
                    )));
                }
            };
            let labels: Labels = sent
                .labels
                .into_iter()
                .map(|(k, v)| {
                    let value = match v {
                        serde_json::Value::String(text) => text,
                        other => other.to_string(),
                    };
                    (k, value)
                })
                .collect();
            let fingerprint = match sent.fingerprint.filter(|f| !f.is_empty()) {
                Some(given) => Fingerprint::new(format!("given:{}", text::shorten(&text::one_line(&given), 200))),
                None => {
                    by_labels(&labels.iter().map(|(k, v)| (k.clone(), v.clone())).chain([("alertname".to_owned(), name.clone())]).collect())
                }
            };
            Ok(tidy(AlertSignal {
                fingerprint,
                source: "generic".to_owned(),
                firing,
                name,
                severity: sent.severity.or_else(|| labels.get("severity").cloned()).unwrap_or_default(),
                summary: sent.summary.unwrap_or_default(),
                description: sent.description.unwrap_or_default(),
                url: sent.url.unwrap_or_default(),
                labels,
                starts_at: moment(sent.starts_at.as_deref(), &format!("alerts[{at}].starts_at"))?.unwrap_or(now),
                ends_at: moment(sent.ends_at.as_deref(), &format!("alerts[{at}].ends_at"))?,
                received: now,
                to: Vec::new(),
            }))
        })
        .collect()
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8], wanted: &str) -> Result<T, ShapeError> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ShapeError::Shape(format!("the body must be {wanted}; {error}")),
        _ => ShapeError::Json(error.to_string()),
    })
}

fn within(count: usize) -> Result<(), ShapeError> {
    if count > MOST { Err(ShapeError::Shape(format!("{count} alerts in one request; send at most {MOST}"))) } else { Ok(()) }
}

fn moment(text: Option<&str>, at: &str) -> Result<Option<Timestamp>, ShapeError> {
    let Some(text) = text.filter(|t| !t.is_empty() && !t.starts_with("0001-")) else { return Ok(None) };
    chrono::DateTime::parse_from_rfc3339(text).map(|time| Some(time.to_utc())).map_err(|_| {
        ShapeError::Shape(format!("{at} is `{}`; write a time as 2026-11-23T10:00:00Z", text::shorten(&text::one_line(text), 40)))
    })
}

/// The same labels are the same alert, whichever way it came.
fn by_labels(labels: &Labels) -> Fingerprint {
    let mut hash = Sha256::new();
    for (name, value) in labels {
        for part in [name, value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    Fingerprint::new(hex::encode(&hash.finalize()[..16]))
}

/// Text from outside, made visible and short enough to keep.
fn tidy(mut signal: AlertSignal) -> AlertSignal {
    let line = |text: &str, max: usize| text::shorten(text::one_line(text).trim(), max);
    signal.name = line(&signal.name, 300);
    signal.severity = line(&signal.severity, 40).to_lowercase();
    signal.summary = text::shorten(text::visible(&signal.summary).trim(), TEXT);
    signal.description = text::shorten(text::visible(&signal.description).trim(), TEXT);
    if !(signal.url.starts_with("https://") || signal.url.starts_with("http://")) || signal.url.len() > 2_000 {
        signal.url.clear();
    }
    signal.labels = signal.labels.iter().take(LABELS).map(|(k, v)| (line(k, LABEL), line(v, LABEL))).collect();
    signal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn alertmanager_reports_each_alert_by_its_own_status() {
        let body = br#"{"version":"4","status":"firing","alerts":[
            {"status":"firing","labels":{"alertname":"DiskFull","severity":"Critical","host":"a"},"annotations":{"summary":"95 %"},"startsAt":"2026-11-23T09:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prom/x","fingerprint":"f1"},
            {"status":"resolved","labels":{"alertname":"DiskFull","host":"b"},"annotations":{},"startsAt":"2026-11-23T08:00:00Z","endsAt":"2026-11-23T09:30:00Z"}]}"#;
        let signals = alertmanager(body, now()).unwrap();
        assert_eq!(signals.len(), 2);
        assert!(
            signals[0].firing && signals[0].ends_at.is_none() && signals[0].severity == "critical" && signals[0].url == "http://prom/x"
        );
        assert!(!signals[1].firing && signals[1].ends_at.is_some());
        assert_ne!(signals[0].fingerprint, signals[1].fingerprint);
    }

    #[test]
    fn the_same_labels_are_the_same_alert_by_any_way() {
        let webhook = alertmanager(br#"{"alerts":[{"status":"firing","labels":{"alertname":"A","x":"1"}}]}"#, now()).unwrap();
        let api = api_v2(br#"[{"labels":{"x":"1","alertname":"A"},"endsAt":"2026-11-23T09:59:59Z"}]"#, now()).unwrap();
        let generic = generic(br#"{"name":"A","labels":{"x":1}}"#, now()).unwrap();
        assert_eq!(webhook[0].fingerprint, api[0].fingerprint);
        assert_eq!(webhook[0].fingerprint, generic[0].fingerprint);
        let raised = NewAlert { name: "A".into(), labels: Labels::from([("x".into(), "1".into())]), ..NewAlert::default() };
        assert_eq!(by_hand(&raised, "Ann", now()).fingerprint, webhook[0].fingerprint);
        assert!(!api[0].firing);
    }

    #[test]
    fn what_can_not_be_read_says_why() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for (body, says) in [
            (&b"nonsense"[..], "not JSON"),
            (b"{}", "no `name`"),
            (b"3", "a list of alerts"),
            (br#"{"name":"x","status":"maybe"}"#, "firing or resolved"),
            (br#"{"name":"x","starts_at":"yesterday"}"#, "starts_at"),
            (br#"{"name":5}"#, "wrong type"),
            (b"\xff\xfe", "not JSON"),
            (deep.as_bytes(), "not JSON"),
        ] {
            let error = generic(body, now()).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(alertmanager(b"{}", now()).unwrap_err().to_string().contains("alerts"));
        assert!(api_v2(br#"[{"labels":{}}]"#, now()).unwrap_err().to_string().contains("alertname"));
    }

    #[test]
    fn hostile_text_is_made_visible_and_short() {
        let body = serde_json::json!({ "name": "a\nb\u{202e}c", "summary": "x".repeat(100_000), "url": "javascript:alert(1)" });
        let signal = &generic(body.to_string().as_bytes(), now()).unwrap()[0];
        assert_eq!(signal.name, "a bc");
        assert_eq!(signal.summary.chars().count(), TEXT);
        assert_eq!(signal.url, "");
    }
}
