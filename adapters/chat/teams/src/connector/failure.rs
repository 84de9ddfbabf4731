//! What the connector's refusals mean. Only 412, 429, 502, 503 and 504 are worth another try; a 500 is not.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability#status-codes-from-bot-conversational-apis>

use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_http::Response;
use serde_json::Value;

/// A failure, with the connector's own code where it gave one.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// `BotNotInConversationRoster`.
    pub code: Option<Box<str>>,
    /// In the words of the port.
    pub error: PortError,
    /// Where else it is, where that was the answer.
    pub location: Option<Box<str>>,
}

impl Failure {
    /// Whether the connector gave one of these codes, however it is spelled.
    pub fn is(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.iter().any(|known| known.eq_ignore_ascii_case(code)))
    }

    /// The refusal in an answer.
    pub async fn of(answer: Response, service: &str, operation: &'static str, route: &str, safe: bool) -> Self {
        let (status, refusal) = (answer.status().as_u16(), answer.refusal());
        let body: Value = answer.bytes().await.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
        let told = |member: &str| body.pointer(&format!("/error/{member}")).and_then(Value::as_str).map(str::to_owned);
        let code = told("code").filter(|code| code.len() <= 80 && !code.is_empty());
        let said = told("message").unwrap_or_default();
        let (kind, advice) = meaning(status, code.as_deref().unwrap_or_default());
        let mut message = format!("{route} answered {status}");
        for part in [code.as_deref().unwrap_or_default(), &shorten(&one_line(&said), 200)] {
            if !part.is_empty() {
                message = format!("{message} {part}");
            }
        }
        if !advice.is_empty() {
            message = format!("{message}; {advice}");
        }
        let mut error = PortError::new(kind.unwrap_or(refusal.kind), service, operation, message);
        error.maybe_done = false;
        error.retry = match (status, refusal.retry) {
            (412 | 429 | 502..=504, Retry::After(pause)) => Retry::After(pause),
            (412 | 429 | 502..=504, _) => Retry::Backoff,
            _ => Retry::No,
        };
        // It may have been shown all the same; with a time to come back it was not.
        error.maybe_done = !safe && matches!(status, 502 | 504) && !matches!(error.retry, Retry::After(_));
        Self { code: code.map(String::into_boxed_str), error, location: None }
    }
}

impl From<Failure> for PortError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        Self { code: None, error, location: None }
    }
}

/// What a code means, where it says more than the status, and what to do about it.
fn meaning(status: u16, code: &str) -> (Option<PortErrorKind>, &'static str) {
    use PortErrorKind::{Denied, NotFound, TooLarge, Unavailable};
    match (status, code) {
        (401, "BotNotRegistered") => (None, "Teams knows no bot of this `app_id`: check its registration and that the channel Teams is on"),
        (401, _) => (None, "Teams doesn't take the bot's token: check `app_id`, `tenant_id` and the credential"),
        (_, "BotDisabledByAdmin") => (Some(Denied), "an administrator has switched the bot off in the Teams admin center"),
        (_, "BotNotInConversationRoster") => (Some(Denied), "the bot is not in this conversation: add the app there"),
        (_, "ConversationBlockedByUser") => (Some(Denied), "the person has blocked the bot"),
        (_, "ForbiddenOperationException") => {
            (Some(Denied), "the app isn't installed for this person: they add it, or an administrator does")
        }
        (_, "InvalidBotApiHost") => (Some(Denied), "the bot is in another cloud than this conversation: see `cloud`"),
        (_, "NotEnoughPermissions" | "MessageWritesBlocked") => (Some(Denied), "the conversation doesn't let the bot write"),
        (404, "ActivityNotFoundInConversation") => (Some(NotFound), "the message is gone"),
        (404, "ConversationNotFound") => (Some(NotFound), "there is no such conversation, or the bot is no longer in it"),
        (413, _) | (_, "MessageSizeTooBig") => (Some(TooLarge), ""),
        (500, _) => (Some(Unavailable), "Teams failed, and asks not to be tried again"),
        _ => (None, ""),
    }
}
