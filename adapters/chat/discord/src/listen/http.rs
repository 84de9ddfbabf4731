//! `/chat/NAME`: every HTTP delivery of Discord. The signature over the raw bytes is verified before anything is read; a wrong one is
//! answered 401, also those that Discord sends on purpose. What a delivery means is not decided here.
//!
//! <https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint>

use super::page::page;
use crate::Desk;
use crate::config::Transport;
use crate::interact;
use crate::signature::{Forged, Signed, Verifier};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The largest delivery, in bytes.
const BODY: usize = 1 << 20;
/// How long a delivery may take to arrive whole. Discord itself gives up after three seconds.
const ARRIVAL: Duration = Duration::from_secs(10);

/// The route of one connection.
pub(crate) fn router(desk: Arc<Desk>) -> Router {
    let path = format!("/chat/{}", desk.name);
    Router::new().route(&path, get(visit).post(deliver)).with_state(Arc::new(Intake::new(desk)))
}

/// What the route uses, made once.
struct Intake {
    desk: Arc<Desk>,
    verifier: Option<Verifier>,
    taken: metrics::Counter,
}

impl Intake {
    fn new(desk: Arc<Desk>) -> Self {
        // A bot that listens at the gateway takes nothing here: one interaction comes one way.
        let key = desk.config.public_key.as_ref().filter(|_| desk.config.transport == Transport::Http);
        let verifier = key.and_then(Verifier::new);
        let taken = metrics::counter!("bellhop_chat_requests_total", "chat" => desk.name.to_string(), "outcome" => "taken");
        Self { desk, verifier, taken }
    }

    fn refuse(&self, outcome: &'static str, status: StatusCode, why: &'static str) -> Response {
        metrics::counter!("bellhop_chat_requests_total", "chat" => self.desk.name.to_string(), "outcome" => outcome).increment(1);
        (status, why).into_response()
    }

    fn forged(&self, forged: Forged) -> Response {
        self.refuse(forged.word(), StatusCode::UNAUTHORIZED, forged.reason())
    }
}

/// Someone who is curious.
async fn visit(State(intake): State<Arc<Intake>>) -> Response {
    page(format!(
        "This is the address at which the connection {} takes what Discord delivers. It is reached, so that much works. There is nothing to \
         see here for people: talk to the bot in Discord.\n",
        intake.desk.name
    ))
}

/// A delivery.
async fn deliver(State(intake): State<Arc<Intake>>, request: Request) -> Response {
    let Some(verifier) = &intake.verifier else {
        let why = match intake.desk.config.transport {
            Transport::Gateway => {
                "This connection listens at the gateway and takes no deliveries here. To use HTTP, put the application's `public_key` (General \
                 Information) and transport = \"http\" into its section of the configuration.\n"
            }
            Transport::Http => "This connection has no `public_key`, so that nothing can be taken here.\n",
        };
        return intake.refuse("unconfigured", StatusCode::NOT_FOUND, why);
    };
    let signed = Signed::of(request.headers());
    let too_large = |intake: &Intake| intake.refuse("too_large", StatusCode::PAYLOAD_TOO_LARGE, "A delivery is at most 1 MiB.\n");
    if length(request.headers()).is_some_and(|length| length > BODY) {
        return too_large(&intake);
    }
    let body = match tokio::time::timeout(ARRIVAL, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) if body.len() <= BODY => body,
        Ok(Ok(_)) => return too_large(&intake),
        Ok(Err(rejected)) if rejected.status() == StatusCode::PAYLOAD_TOO_LARGE => return too_large(&intake),
        Ok(Err(_)) => return intake.refuse("truncated", StatusCode::BAD_REQUEST, "The body did not arrive whole.\n"),
        Err(_) => return intake.refuse("slow", StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.\n"),
    };
    let timely = Verifier::timely(&signed, intake.desk.ports.clock.now());
    if let Err(forged) = verifier.verify(&signed, &body).and(timely) {
        return intake.forged(forged);
    }
    let Ok(payload) = serde_json::from_slice::<Value>(&body) else {
        return intake.refuse("unreadable", StatusCode::BAD_REQUEST, "The body is no JSON.\n");
    };
    intake.desk.sizes.learn(&payload);
    match Box::pin(interact::answer(&intake.desk, &payload)).await {
        Some(answer) => {
            intake.taken.increment(1);
            json(&answer)
        }
        None => intake.refuse("unreadable", StatusCode::BAD_REQUEST, "The delivery can't be read.\n"),
    }
}

/// How long a body says it is.
fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn json(answer: &Value) -> Response {
    let mut response = Response::new(Body::from(answer.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
