//! `/chat/NAME`: every HTTP delivery of Slack, commands, interactions, options and events alike. The signature over the raw
//! bytes is verified before anything is read. What a delivery means is not decided here, and nothing is asked of the
//! network before it is acknowledged.

use super::{Taken, install, page, take};
use crate::Desk;
use crate::config::Transport;
use crate::parse::Kind;
use crate::signature::{Forged, Signatures, Signed};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bellhop_core::PortError;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use url::form_urlencoded;

/// The largest delivery, in bytes. Slack's largest carry a view of at most 250 KB, escaped once more for the form.
const BODY: usize = 1 << 20;
/// How long a delivery may take to arrive whole. Slack itself gives up after three seconds.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How long someone is told, over the network, that what they did could not be kept. Slack waits three seconds in all.
const TELLING: Duration = Duration::from_millis(1500);

/// What a person reads whose command or click could not be kept.
const NOT_KEPT: &str = "Bellhop could not keep this just now: its database doesn't answer. Nothing was done; please try again in a moment.";

/// The routes of one connection.
pub(crate) fn router(desk: Arc<Desk>) -> Router {
    let path = format!("/chat/{}", desk.name);
    let intake = Arc::new(Intake::new(desk));
    Router::new().route(&path, get(visit).post(deliver)).route(&format!("{path}/install"), get(begin)).with_state(intake)
}

/// What the routes use, made once.
struct Intake {
    desk: Arc<Desk>,
    signatures: Signatures,
    taken: metrics::Counter,
}

impl Intake {
    fn new(desk: Arc<Desk>) -> Self {
        let signatures = Signatures::new(&desk.config.signing_secrets);
        let taken = metrics::counter!("bellhop_chat_requests_total", "chat" => desk.name.to_string(), "outcome" => "taken");
        Self { desk, signatures, taken }
    }

    /// Counts what did not go as it should.
    fn count(&self, outcome: &'static str) {
        metrics::counter!("bellhop_chat_requests_total", "chat" => self.desk.name.to_string(), "outcome" => outcome).increment(1);
    }

    fn refuse(&self, outcome: &'static str, status: StatusCode, why: &'static str) -> Response {
        self.count(outcome);
        (status, why).into_response()
    }
}

async fn begin(State(intake): State<Arc<Intake>>) -> Response {
    install::begin(&intake.desk).await
}

/// A browser that comes back from Slack's page, Slack's probe of the certificate, or someone who is curious.
async fn visit(State(intake): State<Arc<Intake>>, uri: Uri, headers: HeaderMap) -> Response {
    let query = uri.query().unwrap_or_default();
    if field(query.as_bytes(), "ssl_check").is_some_and(|value| value == "1") {
        return empty();
    }
    if field(query.as_bytes(), "code").is_some() || field(query.as_bytes(), "error").is_some() {
        return install::finish(&intake.desk, query, &headers).await;
    }
    let name = &intake.desk.name;
    page::page(
        StatusCode::OK,
        "Slack delivers here",
        &[&format!(
            "This is the address at which the connection {name} takes what Slack delivers. It is reached, so that much works. \
             There is nothing to see here for people: talk to the bot in Slack."
        )],
    )
}

/// A delivery.
async fn deliver(State(intake): State<Arc<Intake>>, request: Request) -> Response {
    if !intake.signatures.any() {
        let why = match intake.desk.config.transport {
            Transport::Socket => {
                "This connection listens over sockets and takes no deliveries here. To use HTTP, put the app's `signing_secret` \
                 (Basic Information > App Credentials) and transport = \"http\" into its section of the configuration.\n"
            }
            Transport::Http => "This connection has no `signing_secret`, so that nothing can be taken here.\n",
        };
        return intake.refuse("unconfigured", StatusCode::NOT_FOUND, why);
    }
    let signed = Signed::of(request.headers());
    let too_large = |intake: &Intake| intake.refuse("too_large", StatusCode::PAYLOAD_TOO_LARGE, "A delivery is at most 1 MiB.\n");
    if length(request.headers()).is_some_and(|length| length > BODY) {
        return too_large(&intake);
    }
    // The extractor's own limit is 2 MiB: what says no length is let in so far and no further.
    let body = match tokio::time::timeout(ARRIVAL, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) if body.len() <= BODY => body,
        Ok(Ok(_)) => return too_large(&intake),
        Ok(Err(rejected)) if rejected.status() == StatusCode::PAYLOAD_TOO_LARGE => return too_large(&intake),
        Ok(Err(_)) => return intake.refuse("truncated", StatusCode::BAD_REQUEST, "The body did not arrive whole.\n"),
        Err(_) => return intake.refuse("slow", StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.\n"),
    };
    if let Err(forged) = intake.signatures.verify(&signed, &body, intake.desk.ports.clock.now()) {
        if forged == Forged::Unsigned && is_probe(&body) {
            return empty();
        }
        return intake.refuse(forged.word(), StatusCode::UNAUTHORIZED, forged.reason());
    }
    let response = match body.first() {
        Some(b'{') => Box::pin(intake.event(&body)).await,
        _ => Box::pin(intake.form(&body)).await,
    };
    if response.status() == StatusCode::OK {
        intake.taken.increment(1);
    }
    response
}

impl Intake {
    /// A JSON body: an event, or what Slack says about the delivery of events.
    async fn event(&self, body: &[u8]) -> Response {
        let Ok(mut payload) = serde_json::from_slice::<Value>(body) else {
            return self.refuse("unreadable", StatusCode::BAD_REQUEST, "The body begins as JSON and is none.\n");
        };
        match payload.get("type").and_then(Value::as_str) {
            Some("event_callback") => match take(&self.desk, Kind::Event, &payload).await {
                Ok(Taken::Empty | Taken::Unreadable) => empty(),
                Ok(Taken::Answer(answer)) => json(&answer),
                Err(error) => {
                    // Slack brings it again: at once, after a minute, after five.
                    tracing::error!(chat = %self.desk.name, %error, "an event could not be kept; Slack is asked to bring it again");
                    self.refuse("not_kept", StatusCode::SERVICE_UNAVAILABLE, "It could not be kept. Please bring it again.\n")
                }
            },
            Some("url_verification") => match payload.get_mut("challenge").map(Value::take) {
                Some(Value::String(challenge)) => challenge.into_response(),
                _ => self.refuse("unreadable", StatusCode::BAD_REQUEST, "A url_verification without a challenge.\n"),
            },
            Some("app_rate_limited") => {
                super::rate_limited(&self.desk, &payload);
                empty()
            }
            _ => {
                tracing::warn!(chat = %self.desk.name, "a delivery of an unknown type was left");
                self.count("unreadable");
                empty()
            }
        }
    }

    /// A form: a command in its fields, or an interaction as JSON in one of them.
    async fn form(&self, body: &[u8]) -> Response {
        let mut fields: Map<String, Value> = form_urlencoded::parse(body)
            // The old verification token is a secret that nobody needs any more.
            .filter(|(name, _)| name != "token")
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect();
        if let Some(Value::String(payload)) = fields.remove("payload") {
            let Ok(payload) = serde_json::from_str::<Value>(&payload) else {
                return self.refuse("unreadable", StatusCode::BAD_REQUEST, "The field `payload` is no JSON.\n");
            };
            return match take(&self.desk, Kind::Interaction, &payload).await {
                Ok(taken) => self.answered(taken),
                Err(error) => {
                    self.lost(&error);
                    self.tell(&payload).await
                }
            };
        }
        if fields.contains_key("command") {
            return match take(&self.desk, Kind::Command, &Value::Object(fields)).await {
                Ok(taken) => self.answered(taken),
                Err(error) => {
                    self.lost(&error);
                    json(&json!({ "response_type": "ephemeral", "text": NOT_KEPT }))
                }
            };
        }
        if fields.get("ssl_check").is_some_and(|value| value == "1") {
            return empty();
        }
        self.refuse("unreadable", StatusCode::BAD_REQUEST, "Neither an event, nor a command, nor an interaction.\n")
    }

    fn answered(&self, taken: Taken) -> Response {
        match taken {
            Taken::Empty => empty(),
            Taken::Answer(answer) => json(&answer),
            Taken::Unreadable => self.refuse("unreadable", StatusCode::BAD_REQUEST, "The delivery can't be read.\n"),
        }
    }

    fn lost(&self, error: &PortError) {
        tracing::error!(chat = %self.desk.name, %error, "a command or click could not be kept; the person is told");
        self.count("not_kept");
    }

    /// Tells the person that their click or form could not be kept, in the way that this kind of interaction has. Never an
    /// error of HTTP: Slack would show a riddle instead.
    async fn tell(&self, payload: &Value) -> Response {
        match payload.get("type").and_then(Value::as_str) {
            Some("view_submission") => {
                let blocks = payload.pointer("/view/blocks").and_then(Value::as_array).into_iter().flatten();
                let input = blocks.filter(|block| block["type"] == "input").find_map(|block| block["block_id"].as_str());
                match input {
                    Some(block) => json(&json!({ "response_action": "errors", "errors": { block: NOT_KEPT } })),
                    None => empty(),
                }
            }
            Some("block_suggestion") => json(&json!({ "options": [] })),
            _ => {
                let address = payload.get("response_url").and_then(Value::as_str);
                if let Some(address) = address.filter(|address| self.desk.config.is_slacks(address)) {
                    let said = json!({ "response_type": "ephemeral", "replace_original": false, "text": NOT_KEPT });
                    let telling = self.desk.api.wire().client().post("answer", "response_url", address).json(&said).within(TELLING);
                    if let Err(error) = telling.send().await {
                        tracing::warn!(chat = %self.desk.name, %error, "nor could the person be told");
                    }
                }
                json(&json!({ "response_type": "ephemeral", "text": NOT_KEPT }))
            }
        }
    }
}

/// Slack's probe of the certificate, which is not signed: it is answered, and nothing is done.
fn is_probe(body: &[u8]) -> bool {
    field(body, "ssl_check").is_some_and(|value| value == "1") && field(body, "command").is_none() && field(body, "payload").is_none()
}

/// How long a body says it is.
fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// One field of a form or query.
fn field<'a>(form: &'a [u8], name: &str) -> Option<std::borrow::Cow<'a, str>> {
    form_urlencoded::parse(form).find(|(key, _)| key == name).map(|(_, value)| value)
}

fn empty() -> Response {
    Response::new(Body::empty())
}

fn json(answer: &Value) -> Response {
    let mut response = Response::new(Body::from(answer.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
