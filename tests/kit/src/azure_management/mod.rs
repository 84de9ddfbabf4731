//! A world of Azure's management plane for one storage account: settings of its blob service, lifecycle rules and encryption
//! scopes, behind tokens that it gives out itself. It is as strict as Azure Resource Manager: a token for another audience, a
//! request without a version or with a policy that can't be is refused in the service's words, and a PUT replaces what was
//! there.
//!
//! It deliberately keeps no files and runs no rules. What a container does once versions are kept is its data plane's affair,
//! which is told by [`AzureManagement::when_versions_change`].
//! <https://learn.microsoft.com/rest/api/storagerp/>

mod answers;
mod policies;
mod tokens;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use axum::routing::any;
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

pub use tokens::{CLIENT_SECRET, IDENTITY_HEADER, MANAGEMENT_TOKEN, STORAGE_TOKEN};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Its address: path and query.
    pub address: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, where that is JSON.
    pub body: Value,
}

/// A refusal that is told once, in place of an answer.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The method that it is for.
    pub method: Method,
    /// Its status.
    pub status: u16,
    /// The service's code.
    pub code: &'static str,
    /// Its headers besides.
    pub headers: Vec<(&'static str, String)>,
    /// Whether the request is done all the same, as when an answer gets lost.
    pub done: bool,
}

/// What is told when versions are kept from now on, or no longer.
type Told = Arc<dyn Fn(bool) + Send + Sync>;

/// Its state and its settings.
pub struct Plane {
    /// The subscription.
    pub subscription: String,
    /// The resource group.
    pub group: String,
    /// The storage account.
    pub account: String,
    /// The properties of the account's blob service.
    pub service: Value,
    /// The account's lifecycle policy, where it has one.
    pub policy: Option<Value>,
    /// Encryption scopes with their properties.
    pub scopes: BTreeMap<String, Value>,
    /// Whether answers have a mark of the state, which the service doesn't promise.
    pub marks: bool,
    /// Whether the identity has no role here.
    pub forbidden: bool,
    /// What is refused next.
    pub refusals: VecDeque<Refusal>,
    /// What was asked.
    pub asked: Vec<Asked>,
    origin: String,
    changes: u32,
    told: Option<Told>,
}

impl Plane {
    /// How often something was asked.
    #[must_use]
    pub fn count(&self, method: &Method, part: &str) -> usize {
        self.asked.iter().filter(|asked| asked.method == *method && asked.address.contains(part)).count()
    }

    /// The mark of the present state.
    fn mark(&self) -> String {
        format!("\"state-{}\"", self.changes)
    }

    /// The lifecycle rules.
    #[must_use]
    pub fn rules(&self) -> Vec<Value> {
        self.policy.as_ref().and_then(|policy| policy.get("rules")?.as_array().cloned()).unwrap_or_default()
    }
}

/// A running one, ended when it is dropped.
pub struct AzureManagement {
    plane: Arc<Mutex<Plane>>,
    origin: String,
    serving: AbortHandle,
}

impl std::fmt::Debug for AzureManagement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AzureManagement").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Drop for AzureManagement {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl AzureManagement {
    /// Starts one for an account, which keeps neither versions nor deleted files and has no rules.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start(account: &str) -> std::io::Result<Self> {
        crate::install_tls();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let plane = Plane {
            subscription: "5c0e1d2f-0000-4000-8000-00000000b377".to_owned(),
            group: "Bell_Hop".to_owned(),
            account: account.to_owned(),
            service: json!({
                "cors": { "corsRules": [] },
                "deleteRetentionPolicy": { "allowPermanentDelete": false, "enabled": false },
            }),
            policy: None,
            scopes: BTreeMap::new(),
            marks: false,
            forbidden: false,
            refusals: VecDeque::new(),
            asked: Vec::new(),
            origin: origin.clone(),
            changes: 0,
            told: None,
        };
        let plane = Arc::new(Mutex::new(plane));
        let app = axum::Router::new().fallback(any(serve)).with_state(plane.clone());
        let serving = tokio::runtime::Handle::current().spawn(async move { axum::serve(listener, app).await });
        Ok(Self { plane, origin, serving: serving.abort_handle() })
    }

    /// Its origin: `management.url`, and `login_url` too, for an application with [`CLIENT_SECRET`].
    #[must_use]
    pub fn url(&self) -> &str {
        &self.origin
    }

    /// Where a managed identity gets its tokens, as an App Service has it in `IDENTITY_ENDPOINT`, with [`IDENTITY_HEADER`] in
    /// the variable of that name.
    #[must_use]
    pub fn identity_endpoint(&self) -> String {
        format!("{}/msi/token", self.origin)
    }

    /// The value of `management` in a store's configuration.
    #[must_use]
    pub fn settings(&self) -> Value {
        let plane = self.plane();
        json!({ "subscription": plane.subscription, "resource_group": plane.group, "url": self.origin })
    }

    /// Its state.
    pub fn plane(&self) -> MutexGuard<'_, Plane> {
        self.plane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever keeps the files.
    pub fn when_versions_change(&self, told: impl Fn(bool) + Send + Sync + 'static) {
        self.plane().told = Some(Arc::new(told));
    }
}

async fn serve(State(plane): State<Arc<Mutex<Plane>>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let (answer, told) = {
        let mut plane = plane.lock().unwrap_or_else(PoisonError::into_inner);
        let before = plane.keeps_versions();
        let answer = plane.answer(&method, &uri, &headers, &body);
        let after = plane.keeps_versions();
        (answer, plane.told.clone().filter(|_| before != after).map(|told| (told, after)))
    };
    if let Some((told, after)) = told {
        told(after);
    }
    let mut response = Response::builder().status(answer.status).header("x-ms-request-id", "1");
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let bytes = if answer.body.is_null() { Vec::new() } else { answer.body.to_string().into_bytes() };
    response.header("content-type", "application/json; charset=utf-8").body(Body::from(bytes)).unwrap_or_default()
}
