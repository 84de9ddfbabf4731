//! What the worlds share: a server on loopback, a log of what was asked, and answers that a test orders for the next calls.

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A call as it came.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its query, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// How many calls were being answered when it came, with itself.
    pub running: usize,
}

impl Call {
    /// A header; empty where it isn't there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The type of the body without its parameters.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.header("content-type").split(';').next().unwrap_or_default().trim()
    }

    /// A parameter of the query; one that is given twice is none.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(known, _)| known == name);
        let first = found.next()?;
        found.next().is_none().then_some(first.1.as_str())
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as a form.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }

    /// What stands in `Authorization: Basic`, decoded.
    #[must_use]
    pub fn basic(&self) -> String {
        use base64::Engine as _;
        let word = self.header("authorization").strip_prefix("Basic ").unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD.decode(word).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Pairs of a query string.
fn pairs(text: &str) -> Vec<(String, String)> {
    let uri: Uri = format!("http://x/?{text}").parse().unwrap_or_default();
    Query::<Vec<(String, String)>>::try_from_uri(&uri).map(|query| query.0).unwrap_or_default()
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// JSON.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json; charset=UTF-8".to_owned())], body: body.to_string().into_bytes() }
    }

    /// A text of some type.
    #[must_use]
    pub fn text(status: u16, kind: &str, body: &str) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body: body.as_bytes().to_vec() }
    }

    /// A page, as a gateway gives it.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::text(status, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>")
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A service.
pub trait Vendor: Send + Sync + 'static {
    /// What it answers.
    fn answer(&self, call: &Call) -> Reply;
}

/// Who receives the calls: notes each, and gives what was ordered before it asks the service. It closes when it is dropped.
pub struct Desk {
    ledger: Arc<Ledger>,
    url: String,
    serving: AbortHandle,
}

struct Ledger {
    vendor: Arc<dyn Vendor>,
    calls: Mutex<Vec<Call>>,
    ordered: Mutex<Vec<(String, Reply)>>,
    held: watch::Sender<Vec<String>>,
    running: AtomicUsize,
    most: AtomicUsize,
}

/// Calls that wait for as long as this is kept.
pub struct Hold {
    ledger: Arc<Ledger>,
    part: String,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.ledger.held.send_modify(|held| {
            if let Some(at) = held.iter().position(|part| *part == self.part) {
                held.remove(at);
            }
        });
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Desk({})", self.url)
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hold({})", self.part)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn own<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// Opens on loopback.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn open(vendor: Arc<dyn Vendor>) -> std::io::Result<Self> {
        crate::install_tls();
        let ledger = Arc::new(Ledger {
            vendor,
            calls: Mutex::default(),
            ordered: Mutex::default(),
            held: watch::Sender::default(),
            running: AtomicUsize::default(),
            most: AtomicUsize::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = Router::new().fallback(receive).layer(axum::extract::DefaultBodyLimit::max(64 << 20)).with_state(ledger.clone());
        let serving = tokio::runtime::Handle::current().spawn(async move { axum::serve(listener, app).await }).abort_handle();
        Ok(Self { ledger, url, serving })
    }

    /// Its address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next call whose path has `part` in it is answered by this.
    pub fn order(&self, part: &str, reply: Reply) {
        own(&self.ledger.ordered).push((part.to_owned(), reply));
    }

    /// Calls whose path has `part` in it wait until this is dropped.
    #[must_use]
    pub fn hold(&self, part: &str) -> Hold {
        self.ledger.held.send_modify(|held| held.push(part.to_owned()));
        Hold { ledger: self.ledger.clone(), part: part.to_owned() }
    }

    /// Calls whose path has `part` in it.
    #[must_use]
    pub fn calls(&self, part: &str) -> Vec<Call> {
        own(&self.ledger.calls).iter().filter(|call| call.path.contains(part)).cloned().collect()
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self, part: &str) -> usize {
        own(&self.ledger.calls).iter().filter(|call| call.path.contains(part)).count()
    }

    /// How many calls ran at once at the most.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.ledger.most.load(Ordering::SeqCst)
    }
}

async fn receive(
    State(ledger): State<Arc<Ledger>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response<Body> {
    let query = pairs(uri.query().unwrap_or_default());
    let running = ledger.running.fetch_add(1, Ordering::SeqCst) + 1;
    ledger.most.fetch_max(running, Ordering::SeqCst);
    let call = Call { method, path: uri.path().to_owned(), query, headers, body: body.to_vec(), running };
    own(&ledger.calls).push(call.clone());
    let mut held = ledger.held.subscribe();
    let _ = held.wait_for(|held| !held.iter().any(|part| call.path.contains(part.as_str()))).await;
    let ordered = {
        let mut ordered = own(&ledger.ordered);
        ordered.iter().position(|(part, _)| call.path.contains(part.as_str())).map(|at| ordered.remove(at).1)
    };
    let reply = ordered.unwrap_or_else(|| ledger.vendor.answer(&call));
    ledger.running.fetch_sub(1, Ordering::SeqCst);
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap_or_default()
}
