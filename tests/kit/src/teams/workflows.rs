//! Incoming webhooks by Workflows: small, few a second, one way, and the answer 202 says nothing about the message.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>

use super::call::{Call, Reply};
use super::cards;
use super::state::State;
use serde_json::{Value, json};

/// The largest body.
const LARGEST: usize = 28 * 1024;

pub(super) fn take(state: &mut State, call: &Call, id: &str) -> Reply {
    let failed = |status: u16, code: &str, message: &str| Reply::json(status, &json!({ "error": { "code": code, "message": message } }));
    if !call.header("authorization").is_empty() {
        state.ledger.foreign.push("a token was shown to a webhook of Workflows".into());
    }
    let Some(flow) = state.workflows.iter().find(|flow| flow.id == id).cloned() else {
        return failed(404, "WorkflowNotFound", "The workflow could not be found.");
    };
    if call.query("sig") != Some(flow.secret.as_str()) {
        return failed(401, "DirectApiAuthorizationRequired", "The request must be authenticated only by Shared Access scheme.");
    }
    if call.method != "POST" {
        return failed(405, "MethodNotAllowed", "The method is not allowed.");
    }
    let now = state.micros();
    if state.settings.limits.windows
        && let Err(seconds) = state.meter.call(&format!("workflow {id}"), &[(4, 1)], now)
    {
        return failed(429, "WorkflowRunActionThrottled", "Rate limit is exceeded.").waiting(Some(seconds));
    }
    if call.body.len() > LARGEST {
        return failed(413, "RequestEntityTooLarge", "The message is larger than 28 KB.");
    }
    let Ok(body) = call.json() else { return failed(400, "InvalidRequestContent", "The request content is not valid JSON.") };
    // The flow is started, whatever becomes of it.
    let good = body["type"] == "message" && body["attachments"].as_array().is_some_and(|all| !all.is_empty() && all.iter().all(carded));
    if !good {
        state.violation(format!("a webhook of Workflows was given {body}"));
        return Reply::empty(202);
    }
    if flow.on {
        state.post(&flow.conversation, "workflow", None, body);
    }
    Reply::empty(202)
}

fn carded(attachment: &Value) -> bool {
    attachment["contentType"] == "application/vnd.microsoft.card.adaptive" && cards::check(&attachment["content"]).is_empty()
}
