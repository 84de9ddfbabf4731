//! `/chat/NAME`: every activity of Teams. Its token is judged before anything of it has an effect, and nothing is asked of the
//! network before it is acknowledged, except for the connector's keys.

use super::take::{Answer, take};
use crate::Desk;
use crate::parse::Activity;
use crate::pictures;
use crate::proof::{self, Refused, Said};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequest as _, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The largest activity, in bytes: messages are at most about 100 KB, extensions bring a whole message in theirs.
const BODY: usize = 1 << 20;
/// How long an activity may take to arrive whole. Teams itself gives up after 10 to 15 seconds.
const ARRIVAL: Duration = Duration::from_secs(10);

struct Intake {
    desk: Arc<Desk>,
    taken: metrics::Counter,
}

/// The routes of one connection.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    let path = format!("/chat/{}", desk.name);
    let taken = metrics::counter!("bellhop_chat_requests_total", "chat" => desk.name.to_string(), "outcome" => "taken");
    let intake = Arc::new(Intake { desk, taken });
    Router::new().route(&path, get(visit).post(deliver)).route(&format!("{path}/pictures/{{key}}"), get(picture)).with_state(intake)
}

/// Someone who is curious, or who looks whether the address is reached.
async fn visit(State(intake): State<Arc<Intake>>) -> Response {
    let name = &intake.desk.name;
    format!("This is the address at which the connection {name} takes what Teams delivers. It is reached, so that much works.\n")
        .into_response()
}

/// A picture of a card: Teams fetches it for those who see the card. Its name can't be guessed.
async fn picture(State(intake): State<Arc<Intake>>, Path(key): Path<String>) -> Response {
    match pictures::read(&intake.desk, &key).await {
        Ok(Some((content_type, bytes))) => {
            let mut response = Body::from(bytes).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, content_type);
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable"));
            response
        }
        Ok(None) => (StatusCode::NOT_FOUND, "There is no such picture, or no longer.\n").into_response(),
        Err(error) => {
            tracing::warn!(chat = %intake.desk.name, %error, "a picture could not be read");
            (StatusCode::SERVICE_UNAVAILABLE, "The picture can't be read just now.\n").into_response()
        }
    }
}

impl Intake {
    fn count(&self, outcome: &'static str) {
        metrics::counter!("bellhop_chat_requests_total", "chat" => self.desk.name.to_string(), "outcome" => outcome).increment(1);
    }

    fn refuse(&self, outcome: &'static str, status: StatusCode, why: &'static str) -> Response {
        self.count(outcome);
        (status, why).into_response()
    }

    fn forged(&self, refused: Refused) -> Response {
        let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::FORBIDDEN);
        tracing::debug!(chat = %self.desk.name, why = refused.word(), "an activity is refused");
        let mut response = self.refuse(refused.word(), status, refused.reason());
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// An activity.
async fn deliver(State(intake): State<Arc<Intake>>, request: Request) -> Response {
    let Some(bot) = &intake.desk.config.bot else {
        return intake.refuse("unconfigured", StatusCode::NOT_FOUND, "This connection only posts to webhooks and takes nothing here.\n");
    };
    let headers = request.headers().clone();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default().to_owned());
    let emulated = bot.emulator && authorization.is_none();
    if emulated {
        if !from_here(peer, &headers) {
            return intake.forged(Refused::Unsigned);
        }
    } else if let Err(refused) = proof::bearer(authorization.as_deref()) {
        return intake.forged(refused);
    }
    let too_large = |intake: &Intake| intake.refuse("too_large", StatusCode::PAYLOAD_TOO_LARGE, "An activity is at most 1 MiB.\n");
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY) {
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
    let proven = match authorization.as_deref().map(|header| proof::bearer(Some(header))) {
        Some(Ok(token)) if !emulated => {
            let now = intake.desk.ports.clock.now();
            match proof::proven(token, &intake.desk.keys, &intake.desk.config, bot, now).await {
                Ok(proven) => Some(proven),
                Err(refused) => return intake.forged(refused),
            }
        }
        _ => None,
    };
    let Ok(value) = serde_json::from_slice::<Value>(&body) else {
        return intake.refuse("unreadable", StatusCode::BAD_REQUEST, "The body is no JSON.\n");
    };
    let activity = Activity { value: &value };
    if !value.is_object() || activity.kind().is_empty() {
        return intake.refuse("unreadable", StatusCode::BAD_REQUEST, "The body is no activity: `type` is missing.\n");
    }
    let said = Said { channel: activity.channel(), service_url: activity.service_url(), tenant: activity.tenant() };
    let covered = match &proven {
        Some(proven) => proven.covers(said, &intake.desk.config, bot),
        None => emulator_covers(said),
    };
    if let Err(refused) = covered {
        return intake.forged(refused);
    }
    // What is kept has to be kept whole, even if the connection goes meanwhile.
    let response = Box::pin(answered(&intake, &activity)).await;
    if response.status().is_success() {
        intake.taken.increment(1);
    }
    response
}

/// What the emulator sends leads back to this machine.
fn emulator_covers(said: Said<'_>) -> Result<(), Refused> {
    let here = said
        .service_url
        .parse::<url::Url>()
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty() && crate::config::is_loopback(&url));
    if here { Ok(()) } else { Err(Refused::Foreign) }
}

/// Whether a request without a token comes from a program on this machine: not through a proxy, and not from a page in a browser.
fn from_here(peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let forwarded = ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| headers.contains_key(*name));
    let json =
        headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("application/json"));
    peer.is_some_and(|peer| peer.ip().is_loopback()) && !forwarded && !headers.contains_key(header::ORIGIN) && json
}

async fn answered(intake: &Intake, activity: &Activity<'_>) -> Response {
    match take(&intake.desk, activity).await {
        Answer::Empty => StatusCode::OK.into_response(),
        Answer::Json(answer) => {
            let mut response = Body::from(answer.to_string()).into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
            response
        }
        Answer::Unserved => intake.refuse("unserved", StatusCode::NOT_IMPLEMENTED, "Nobody here answers this.\n"),
        Answer::Unreadable => intake.refuse("unreadable", StatusCode::BAD_REQUEST, "The activity can't be read.\n"),
        Answer::NotKept => intake.refuse("not_kept", StatusCode::SERVICE_UNAVAILABLE, "It could not be kept. Please bring it again.\n"),
    }
}
