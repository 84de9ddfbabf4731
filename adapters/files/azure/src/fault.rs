//! Failures of Azure in the port's words: what kind, whether the same request may do later, and what to do about it.
//!
//! The code stands in a header of every answer, also where there is no body (everything asked by HEAD).
//! <https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes>

use crate::account::Account;
use crate::wire::TooSlow;
use azure_core::error::ErrorKind;
use azure_core::http::headers::{HeaderName, Headers};
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind, Retry};
use serde::Deserialize;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

/// How often something is tried that may be, and the pauses.
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A deleted container's name is free after half a minute at the earliest.
const VANISHING: Duration = Duration::from_secs(30);

/// What a request needs, for people: the letter in a signature and the role in Entra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Read,
    List,
    Write,
    WriteTagged,
    Delete,
    Tags,
    /// What only the account's key or an owner may do.
    Manage,
    /// A user's delegation key.
    Delegate,
}

impl Need {
    /// The letter and the role.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Read => ("r (read)", "Storage Blob Data Reader"),
            Self::List => ("l (list) for the container", "Storage Blob Data Reader"),
            Self::Write => ("c and w (create and write)", "Storage Blob Data Contributor"),
            Self::WriteTagged => ("c, w and t (create, write and tags)", "Storage Blob Data Owner"),
            Self::Delete => ("d (delete), and x for versions", "Storage Blob Data Contributor"),
            Self::Tags => ("t (tags)", "Storage Blob Data Owner"),
            Self::Manage => ("of the whole account, or better the account's key", "Storage Blob Data Contributor"),
            Self::Delegate => ("none that does: it takes Entra", "Storage Blob Delegator"),
        }
    }
}

/// What was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The port's word for it.
    pub operation: &'static str,
    /// What it needs.
    pub needs: Need,
    /// The container.
    pub container: &'a str,
    /// What is said when what it is about isn't there: `there is no file ...`.
    pub absent: &'a str,
    /// The version that was asked for.
    pub version: Option<&'a str>,
    /// Whether it changes something: a failure without an answer leaves open whether it was done.
    pub changes: bool,
    /// Whether it is about containers rather than about files in the configured one.
    pub on_container: bool,
    /// Whether the management plane is asked.
    pub managing: bool,
}

impl<'a> Ask<'a> {
    /// About a file.
    pub fn file(account: &'a Account, operation: &'static str, needs: Need, absent: &'a str) -> Self {
        Self {
            operation,
            needs,
            container: &account.config.container,
            absent,
            version: None,
            changes: false,
            on_container: false,
            managing: false,
        }
    }

    /// About a container.
    pub fn container(operation: &'static str, needs: Need, container: &'a str) -> Self {
        Self { operation, needs, container, absent: "", version: None, changes: false, on_container: true, managing: false }
    }

    /// About the account, to the management plane.
    pub fn managing(operation: &'static str, account: &'a Account) -> Self {
        Self { managing: true, ..Self::container(operation, Need::Manage, &account.config.container) }
    }

    /// The same, of a version.
    pub fn version(self, version: Option<&'a str>) -> Self {
        Self { version, ..self }
    }

    /// The same, for what changes something that a second time would change again.
    pub fn changing(self) -> Self {
        Self { changes: true, ..self }
    }
}

/// A header of an answer.
pub(crate) fn header<'a>(headers: &'a Headers, name: &'static str) -> Option<&'a str> {
    headers.get_optional_str(&HeaderName::from_static(name)).filter(|text| !text.is_empty())
}

/// What Azure said.
pub(crate) struct Said {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub detail: String,
    retry_after: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(rename = "Code", default)]
    code: String,
    #[serde(rename = "Message", default)]
    message: String,
    #[serde(rename = "AuthenticationErrorDetail", default)]
    detail: String,
}

/// The same from the management plane.
#[derive(Deserialize)]
struct Told {
    error: ToldError,
}

#[derive(Deserialize)]
struct ToldError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Body {
    fn read(bytes: &[u8]) -> Option<Self> {
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return azure_core::xml::from_xml(bytes).ok();
        }
        let told: Told = serde_json::from_slice(bytes).ok()?;
        Some(Self { code: told.error.code, message: told.error.message, detail: String::new() })
    }
}

impl Said {
    /// Of a failure, where there was an answer.
    pub fn of(error: &azure_core::Error) -> Option<Self> {
        let ErrorKind::HttpResponse { status, error_code, raw_response } = error.kind() else { return None };
        let body: Body = raw_response.as_ref().and_then(|raw| Body::read(raw.body())).unwrap_or_default();
        let from = |name| raw_response.as_ref().and_then(|raw| header(raw.headers(), name).map(str::to_owned));
        let code = from("x-ms-error-code").or_else(|| Some(body.code).filter(|code| !code.is_empty())).or_else(|| error_code.clone());
        Some(Self {
            status: u16::from(*status),
            code: code.unwrap_or_default(),
            // The lines after the first are the request's id and time.
            message: body.message.lines().next().unwrap_or_default().to_owned(),
            detail: body.detail,
            retry_after: from("retry-after").and_then(|text| text.parse().ok()),
        })
    }
}

impl Account {
    /// Asks, and again where that can't do harm: what changes nothing when it is done twice after any failure that may pass,
    /// and everything after having been turned away for being too much, or not having got there.
    pub async fn ask<T, F>(&self, ask: Ask<'_>, mut attempt: impl FnMut() -> F) -> PortResult<T>
    where
        F: Future<Output = azure_core::Result<T>>,
    {
        let mut pause = FIRST_PAUSE;
        for tried in 1.. {
            let error = match attempt().await {
                Ok(got) => return Ok(got),
                Err(error) => self.failed(ask, &error),
            };
            let passes = match error.kind {
                PortErrorKind::RateLimited => !error.maybe_done,
                PortErrorKind::Unavailable | PortErrorKind::TimedOut => !ask.changes || !error.maybe_done,
                PortErrorKind::Broken => !ask.changes && error.retry == Retry::Backoff,
                _ => false,
            };
            let wanted = if let Retry::After(wanted) = error.retry { wanted } else { pause };
            if !passes || tried == TRIES || wanted > LONGEST_PAUSE {
                return Err(error);
            }
            tokio::time::sleep(wanted).await;
            pause *= 3;
        }
        Err(PortError::new(PortErrorKind::Broken, self.service.clone(), ask.operation, "it was never tried"))
    }

    /// The failure of a request in the port's words.
    pub fn failed(&self, ask: Ask<'_>, error: &azure_core::Error) -> PortError {
        let new = |kind, message: String| PortError::new(kind, self.service.clone(), ask.operation, message);
        let unclear = |error: PortError| if ask.changes { error.maybe_done() } else { PortError { maybe_done: false, ..error } };
        match error.kind() {
            ErrorKind::Credential => self.no_token(ask, error),
            ErrorKind::HttpResponse { .. } => match Said::of(error) {
                Some(said) => self.refused(ask, &said),
                None => unclear(new(PortErrorKind::Broken, innermost(error))),
            },
            ErrorKind::Connection => new(
                PortErrorKind::Unavailable,
                format!(
                    "{} can't be reached ({}); check `{}`",
                    self.place_of(ask),
                    innermost(error),
                    if ask.managing { "management.url" } else { "endpoint" }
                ),
            ),
            ErrorKind::Io if is_slow(error) => {
                unclear(new(PortErrorKind::TimedOut, format!("{} gave no answer in time", self.place_of(ask))))
            }
            ErrorKind::Io => {
                unclear(new(PortErrorKind::Unavailable, format!("the connection to {} broke ({})", self.place_of(ask), innermost(error))))
            }
            _ => unclear(new(PortErrorKind::Broken, format!("{} answered what makes no sense: {}", self.place_of(ask), innermost(error)))),
        }
    }

    fn no_token(&self, ask: Ask<'_>, error: &azure_core::Error) -> PortError {
        let why = chained(error);
        let lost = sources(error).filter_map(|part| part.downcast_ref::<azure_core::Error>());
        let kind = if lost.into_iter().any(|part| matches!(part.kind(), ErrorKind::Io | ErrorKind::Connection)) {
            PortErrorKind::Unavailable
        } else {
            PortErrorKind::Unauthenticated
        };
        PortError::new(
            kind,
            self.service.clone(),
            ask.operation,
            format!("Entra gives no token; check `entra` in [{}] ({why})", self.service),
        )
    }

    /// What an answer other than success means.
    pub fn refused(&self, ask: Ask<'_>, said: &Said) -> PortError {
        let (kind, mut message) = if ask.managing { self.managed_meaning(ask, said) } else { self.meaning(ask, said) };
        let quotes = matches!(kind, PortErrorKind::Denied | PortErrorKind::Invalid | PortErrorKind::Unsupported | PortErrorKind::Broken);
        if quotes && !said.message.is_empty() {
            message = format!("{message} (it says: {})", shorten(&one_line(&said.message), 300));
        }
        let mut error = PortError::new(kind, self.service.clone(), ask.operation, message);
        error.maybe_done = false;
        if said.status >= 500 && said.status != 501 || matches!(kind, PortErrorKind::TimedOut) {
            error.retry = Retry::Backoff;
            // What was turned away for being too much was not done.
            error.maybe_done = ask.changes && kind != PortErrorKind::RateLimited;
        }
        if said.code == "Md5Mismatch" {
            error.retry = Retry::Backoff;
        }
        if said.code == "ContainerBeingDeleted" {
            error = error.after(VANISHING);
        }
        if error.retry == Retry::Backoff
            && let Some(seconds) = said.retry_after
        {
            error = error.after(Duration::from_secs(seconds));
        }
        error
    }

    /// Where a request goes, for people.
    pub fn place_of(&self, ask: Ask<'_>) -> &str {
        match &self.config.management {
            Some(management) if ask.managing => &management.url,
            _ => self.place(),
        }
    }

    /// Where requests about files go, for people.
    pub fn place(&self) -> &str {
        &self.config.endpoint
    }
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let part = next?;
        next = part.source();
        Some(part)
    })
}

fn is_slow(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(|part| part.is::<TooSlow>() || part.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout))
}

/// What a failure goes back to, in one line.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = sources(error).last().map(ToString::to_string).unwrap_or_default();
    shorten(&one_line(&last), 200)
}

/// A failure with its reasons, in one line.
pub(crate) fn chained(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in sources(error).map(ToString::to_string) {
        if !parts.iter().any(|there| there.contains(&part)) {
            parts.push(part);
        }
    }
    shorten(&one_line(&parts.join(": ")), 300)
}
