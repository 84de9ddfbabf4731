//! The connector's REST interface: one call at a time, with the bot's token, to addresses that tokens may go to, within Teams'
//! windows, and its errors in the words of the port. What is sent is not decided here.
//!
//! <https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference>,
//! <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages>

mod failure;

pub(crate) use failure::Failure;

use crate::address::apart;
use crate::config::TeamsConfig;
use crate::credential::{Audience, Tokens};
use crate::pace::{Kind, Pace};
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_http::{Client, Method};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a call waits here for its turn; what takes longer is put off.
const PATIENCE: Duration = Duration::from_secs(4);
/// How much of a member page is asked for.
const MEMBERS: &str = "200";
/// How many pages of members are read at most.
const PAGES: usize = 50;

/// What a call returns.
pub(crate) type Called<T> = Result<T, Failure>;

/// The connector of one conversation: where it is and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Its address, as an activity gave it.
    pub url: String,
    /// The organisation.
    pub tenant: String,
}

/// One call.
struct Call<'a> {
    method: Method,
    operation: &'static str,
    route: &'static str,
    /// The path's parts after the address.
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<&'a Value>,
    /// What is counted, and under which name.
    kind: Kind,
    thing: &'a str,
    /// Whether doing it twice does no more than doing it once.
    safe: bool,
}

/// A conversation's member.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Member {
    pub id: String,
    pub name: Option<String>,
    pub aad_object_id: Option<String>,
    pub object_id: Option<String>,
    pub email: Option<String>,
    pub user_principal_name: Option<String>,
}

/// What is answered to something that was sent.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Sent {
    id: Option<String>,
    activity_id: Option<String>,
    service_url: Option<String>,
}

/// A conversation that was begun, or found.
#[derive(Debug)]
pub(crate) struct Begun {
    pub id: String,
    pub service_url: Option<String>,
}

/// A team, as the connector tells of it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TeamTold {
    pub name: Option<String>,
    pub aad_group_id: Option<String>,
}

/// The connector.
pub(crate) struct Connector {
    client: Client,
    config: Arc<TeamsConfig>,
    tokens: Arc<Tokens>,
    pace: Arc<Pace>,
}

impl Connector {
    pub fn new(client: Client, config: Arc<TeamsConfig>, tokens: Arc<Tokens>, pace: Arc<Pace>) -> Self {
        Self { client, config, tokens, pace }
    }

    /// Sends an activity; where `to` names a message, in answer to it. Returns its id.
    pub async fn send(&self, at: &Service, conversation: &str, to: Option<&str>, targeted: bool, activity: &Value) -> Called<String> {
        let mut path = vec!["v3", "conversations", conversation, "activities"];
        path.extend(to);
        let route = if to.is_some() { "/v3/conversations/{id}/activities/{id}" } else { "/v3/conversations/{id}/activities" };
        let sent: Sent = self
            .call(
                at,
                &Call {
                    method: Method::POST,
                    operation: "deliver",
                    route,
                    path: &path,
                    query: query(targeted),
                    body: Some(activity),
                    kind: Kind::Send,
                    thing: apart(conversation).0,
                    safe: false,
                },
            )
            .await?;
        // Only what Teams splits has no id, and that is never sent.
        Ok(sent.id.or(sent.activity_id).unwrap_or_default())
    }

    /// Changes an activity that was sent.
    pub async fn update(&self, at: &Service, conversation: &str, id: &str, targeted: bool, activity: &Value) -> Called<()> {
        self.change(Method::PUT, "revise", at, conversation, id, targeted, Some(activity)).await
    }

    /// Removes an activity that was sent.
    pub async fn delete(&self, at: &Service, conversation: &str, id: &str, targeted: bool) -> Called<()> {
        self.change(Method::DELETE, "retract", at, conversation, id, targeted, None).await
    }

    #[expect(clippy::too_many_arguments, reason = "what a change needs, of two callers beside it")]
    async fn change(
        &self,
        method: Method,
        operation: &'static str,
        at: &Service,
        conversation: &str,
        id: &str,
        targeted: bool,
        body: Option<&Value>,
    ) -> Called<()> {
        let call = Call {
            method,
            operation,
            route: "/v3/conversations/{id}/activities/{id}",
            path: &["v3", "conversations", conversation, "activities", id],
            query: query(targeted),
            body,
            kind: Kind::Send,
            thing: apart(conversation).0,
            safe: true,
        };
        self.call::<Option<Value>>(at, &call).await.map(|_| ())
    }

    /// Begins a conversation, or finds the one that is there.
    pub async fn begin(&self, at: &Service, person: &str, body: &Value) -> Called<Begun> {
        let sent: Sent = self
            .call(
                at,
                &Call {
                    method: Method::POST,
                    operation: "begin a conversation",
                    route: "/v3/conversations",
                    path: &["v3", "conversations"],
                    query: &[],
                    body: Some(body),
                    kind: Kind::Send,
                    thing: person,
                    // A person has one conversation with the bot, however often it is asked for.
                    safe: true,
                },
            )
            .await?;
        match sent.id {
            Some(id) if !id.is_empty() => Ok(Begun { id, service_url: sent.service_url }),
            _ => Err(self.error(PortErrorKind::Broken, "begin a conversation", "the answer names no conversation").into()),
        }
    }

    /// A conversation's members; `None` for one whom it doesn't have.
    pub async fn member(&self, at: &Service, conversation: &str, person: &str) -> Called<Option<Member>> {
        let call = Call {
            method: Method::GET,
            operation: "find a person",
            route: "/v3/conversations/{id}/members/{id}",
            path: &["v3", "conversations", conversation, "members", person],
            query: &[],
            body: None,
            kind: Kind::Read,
            thing: apart(conversation).0,
            safe: true,
        };
        match self.call(at, &call).await {
            Ok(member) => Ok(Some(member)),
            Err(failure) if matches!(failure.error.kind, PortErrorKind::NotFound | PortErrorKind::Invalid) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Everyone in a conversation; a team's conversation is the team.
    pub async fn members(&self, at: &Service, conversation: &str) -> Called<Vec<Member>> {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Page {
            members: Vec<Member>,
            continuation_token: Option<String>,
        }
        let (mut all, mut next) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut query = vec![("pageSize", MEMBERS)];
            query.extend(next.as_deref().map(|token| ("continuationToken", token)));
            let page: Page = self
                .call(
                    at,
                    &Call {
                        method: Method::GET,
                        operation: "find a person",
                        route: "/v3/conversations/{id}/pagedmembers",
                        path: &["v3", "conversations", conversation, "pagedmembers"],
                        query: &query,
                        body: None,
                        kind: Kind::Read,
                        thing: apart(conversation).0,
                        safe: true,
                    },
                )
                .await?;
            all.extend(page.members);
            next = page.continuation_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// What a team is called and its id in Graph.
    pub async fn team(&self, at: &Service, team: &str) -> Called<TeamTold> {
        self.call(
            at,
            &Call {
                method: Method::GET,
                operation: "find a team",
                route: "/v3/teams/{id}",
                path: &["v3", "teams", team],
                query: &[],
                body: None,
                kind: Kind::Read,
                thing: team,
                safe: true,
            },
        )
        .await
    }

    /// The token that is shown to the connector alone, for files that it holds; the address must be the connector's.
    pub async fn token_for(&self, url: &str) -> PortResult<Option<secrecy::SecretString>> {
        if !self.config.serves(url) {
            return Err(self.foreign("fetch"));
        }
        self.tokens.get(&Audience::Connector).await
    }

    async fn call<T: serde::de::DeserializeOwned>(&self, at: &Service, call: &Call<'_>) -> Called<T> {
        if !self.config.serves(&at.url) {
            return Err(self.foreign(call.operation).into());
        }
        self.admit(at, call).await?;
        let token = self.tokens.get(&Audience::Connector).await?;
        let mut answered = self.once(at, call, token.as_ref()).await;
        if let (Err(failure), Some(token)) = (&answered, &token)
            && failure.error.kind == PortErrorKind::Unauthenticated
        {
            // It may have been revoked before its time. Nothing was done; a fresh one is tried once.
            self.tokens.refused(&Audience::Connector, token).await;
            let fresh = self.tokens.get(&Audience::Connector).await?;
            answered = self.once(at, call, fresh.as_ref()).await;
        }
        if let Err(failure) = &answered
            && failure.error.kind == PortErrorKind::RateLimited
            && let Retry::After(pause) = failure.error.retry
        {
            self.pace.block(call.kind, call.thing, pause).await;
        }
        answered
    }

    async fn once<T: serde::de::DeserializeOwned>(
        &self,
        at: &Service,
        call: &Call<'_>,
        token: Option<&secrecy::SecretString>,
    ) -> Called<T> {
        let mut request = self.client.request(call.method.clone(), call.operation, call.route, &at.url);
        for part in call.path {
            request = request.path(part);
        }
        request = request.query(call.query);
        if let Some(body) = call.body {
            request = request.json(body);
        }
        if let Some(token) = token {
            request = request.bearer(token.expose_secret());
        }
        if call.safe {
            request = request.idempotent();
        }
        let answer = request.exchange().await?;
        if !answer.status().is_success() {
            return Err(Failure::of(answer, self.client.service(), call.operation, call.route, call.safe).await);
        }
        let body = answer.bytes().await?;
        let body: &[u8] = if body.iter().all(u8::is_ascii_whitespace) { b"null" } else { &body };
        // An answer that says less than it should is still an answer: what was sent was sent.
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let value = if value.is_null() && call.method != Method::GET { Value::Object(serde_json::Map::new()) } else { value };
        serde_json::from_value(value).map_err(|_| {
            let error = self.error(PortErrorKind::Broken, call.operation, "the answer is not what the connector's pages say");
            Failure::from(if call.safe { error } else { error.maybe_done() })
        })
    }

    async fn admit(&self, at: &Service, call: &Call<'_>) -> PortResult<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Err(wait) = self.pace.take(&[(call.kind, call.thing), (Kind::Tenant, &at.tenant)]).await else { return Ok(()) };
            if Instant::now() + wait.wait <= deadline {
                tokio::time::sleep(wait.wait).await;
                continue;
            }
            let seconds = wait.wait.as_secs_f64();
            let why = if wait.asked { "Teams asked to wait" } else { "Teams takes no more from this bot here for now" };
            let error = self.error(PortErrorKind::RateLimited, call.operation, &format!("{why}; in {seconds:.1} s it can go on"));
            // Whoever waits adds a little. Our own count can be come back to a little early: the rest is waited for here.
            return Err(error.after(if wait.asked { wait.wait } else { wait.wait.mul_f64(0.9) }));
        }
    }

    pub fn service(&self) -> &str {
        self.client.service()
    }

    fn foreign(&self, operation: &'static str) -> PortError {
        self.error(
            PortErrorKind::Denied,
            operation,
            "the address is none of the connector's, so nothing is sent there; if it should be, add it to `service_urls`",
        )
    }

    fn error(&self, kind: PortErrorKind, operation: &'static str, message: &str) -> PortError {
        let mut error = PortError::new(kind, self.client.service(), operation, message);
        error.maybe_done = false;
        error
    }
}

fn query(targeted: bool) -> &'static [(&'static str, &'static str)] {
    if targeted { &[("isTargetedActivity", "true")] } else { &[] }
}
