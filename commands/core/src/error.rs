//! What can go wrong, in terms that say whether trying again makes sense. `bot/src/explain.rs` words it for people.

use crate::call::Invoke;
use crate::card::Card;
use std::time::Duration;

/// What went wrong at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortErrorKind {
    /// The thing named isn't there.
    NotFound,
    /// The service knows us and refuses.
    Denied,
    /// The service doesn't know us: a wrong, expired or revoked credential.
    Unauthenticated,
    /// The request makes no sense to the service, and never will.
    Invalid,
    /// Something of that name is there already, or changed meanwhile.
    Conflict,
    /// Too many requests.
    RateLimited,
    /// Not reached, or it said that it can't just now.
    Unavailable,
    /// No answer in time.
    TimedOut,
    /// This adapter, account or server can't do that at all.
    Unsupported,
    /// Larger than the service takes.
    TooLarge,
    /// No room left.
    Full,
    /// The answer made no sense, or a rule of our own was broken.
    Broken,
}

/// When it makes sense to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Never: the same request meets the same refusal.
    No,
    /// Later, with growing pauses.
    Backoff,
    /// Not before this much time has passed, as the service said.
    After(Duration),
}

/// A failure at a port: which service, doing what, what kind, and when to try again.
///
/// The message is for people and holds no secret. `maybe_done` is true when the effect may have happened all the same
/// (a time-out, a lost reply, a 5xx): a delivery then is ambiguous, and is looked up before it is sent again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{service} {operation}: {message}")]
pub struct PortError {
    /// What went wrong.
    pub kind: PortErrorKind,
    /// When to try again.
    pub retry: Retry,
    /// Whether the effect may have happened.
    pub maybe_done: bool,
    /// The configured name of the service (`files.local`, `chat.work`, `database`).
    pub service: String,
    /// The operation, in words of the port (`write`, `deliver`).
    pub operation: &'static str,
    /// What happened, for people: what, where, and what to do where that is known.
    pub message: String,
}

impl PortError {
    /// A failure of the given kind; whether to try again follows from the kind.
    pub fn new(kind: PortErrorKind, service: impl Into<String>, operation: &'static str, message: impl Into<String>) -> Self {
        let retry = match kind {
            PortErrorKind::RateLimited | PortErrorKind::Unavailable | PortErrorKind::TimedOut | PortErrorKind::Full => Retry::Backoff,
            _ => Retry::No,
        };
        let maybe_done = matches!(kind, PortErrorKind::TimedOut);
        Self { kind, retry, maybe_done, service: service.into(), operation, message: message.into() }
    }

    /// The service said when to come back.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        self.retry = Retry::After(pause);
        self
    }

    /// The effect may have happened.
    #[must_use]
    pub fn maybe_done(mut self) -> Self {
        self.maybe_done = true;
        self
    }

    /// The thing named isn't there.
    pub fn not_found(service: impl Into<String>, operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(PortErrorKind::NotFound, service, operation, message)
    }

    /// This adapter can't do that.
    pub fn unsupported(service: impl Into<String>, operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(PortErrorKind::Unsupported, service, operation, message)
    }
}

/// Why a command did not do what was asked. Everything here is worded for people by `bot/src/explain.rs`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommandError {
    /// The thing named isn't there; `nearest` is what it may have been meant to be.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// The kind of thing (`file`, `alert`, `channel`).
        what: &'static str,
        /// What was typed.
        name: String,
        /// The nearest name that exists.
        nearest: Option<String>,
    },
    /// An argument can't be used as it stands.
    #[error("{why}")]
    Invalid {
        /// The argument's name, as in the command's help.
        argument: &'static str,
        /// What is wrong with it and what would be right.
        why: String,
    },
    /// Required arguments are missing: the caller gets a form.
    #[error("missing: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// Not now or not here, with the reason and what to do.
    #[error("{0}")]
    Refused(String),
    /// Something would be lost by it that could not be foreseen from the words alone: the command is to be asked for with these
    /// arguments, under which it destroys, after its plan was shown. Nothing was done.
    #[error("it has to be confirmed first")]
    Confirm(Box<Invoke>),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Part of it was done and part was not; the card says which, and what to do.
    #[error("{}", .0.title)]
    Partly(Box<Card>),
    /// It was ended because [`crate::Call::stop`] said so; the card says how far it came, and how to go on.
    #[error("{}", .0.title)]
    Cancelled(Box<Card>),
}

impl CommandError {
    /// The thing named isn't there.
    pub fn not_found(what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound { what, name: name.into(), nearest: None }
    }

    /// An argument can't be used.
    pub fn invalid(argument: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { argument, why: why.into() }
    }
}
