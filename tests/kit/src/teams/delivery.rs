//! What Teams brings to the app: activities, each as one signed request, and what is made of the answers.
//!
//! <https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication>

use super::keys::Forgery;
use super::server::World;
use crate::http::{Answer, Failure, Post};
use serde_json::Value;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// One attempt to bring something.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The activity.
    pub activity: Value,
    /// How it ended.
    pub outcome: Result<Taken, String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// How the app took it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    /// The status.
    pub status: u16,
    /// The body of the answer as text.
    pub body: String,
    /// The time from the sending to the answer.
    pub elapsed: Duration,
}

impl Taken {
    /// The body as JSON, where it is that.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok().filter(Value::is_object)
    }
}

/// Sends one request with this token, whatever becomes of it.
pub(super) async fn posted(
    world: &World,
    url: &str,
    body: &[u8],
    authorization: Option<String>,
    limit: Duration,
) -> Result<Answer, Failure> {
    let tenant = world.state().tenant.clone();
    let mut headers =
        vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned()), ("x-ms-tenant-id".to_owned(), tenant)];
    headers.extend(authorization.map(|value| ("Authorization".to_owned(), value)));
    Post { url, agent: "Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)", headers, body, announced: None }.send(limit).await
}

/// Brings an activity, and waits for the answer as long as Teams does. A message that isn't answered is not brought again.
pub(super) async fn bring(world: &World, activity: &Value) -> Result<Taken, String> {
    let Some(url) = world.target.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return Err("nowhere".into()) };
    let (authorization, limit) = {
        let state = world.state();
        let service_url = activity["serviceUrl"].as_str().unwrap_or_default();
        (state.signed(service_url, &Forgery::None), state.settings.answer_within)
    };
    let started = Instant::now();
    let sent = posted(world, &url, activity.to_string().as_bytes(), authorization, limit).await;
    let invoke = activity["type"] == "invoke";
    let outcome = match sent {
        Ok(answer) if invoke || matches!(answer.status, 200..=202) => {
            let taken = Taken { status: answer.status, body: answer.text(), elapsed: answer.elapsed };
            if !invoke && !taken.body.trim().is_empty() && taken.body.trim() != "{}" {
                let kind = &activity["type"];
                world.state().violation(format!("an activity of the type {kind} was answered with a body, which nobody reads"));
            }
            Ok(taken)
        }
        Ok(answer) => Err(format!("status {}", answer.status)),
        Err(Failure::TimedOut) => Err("GatewayTimeout".to_owned()),
        Err(Failure::ConnectionFailed) => Err("connection failed".to_owned()),
    };
    let delivery = Delivery { activity: activity.clone(), outcome: outcome.clone(), elapsed: started.elapsed() };
    world.deliveries.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
    outcome
}
