//! What the worlds share: a server on loopback, a log of what was asked, and answers that a test orders for the next calls.

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, Response, Uri};
use bellhop_analytics::Ports;
use bellhop_core::Timestamp;
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::memory::MemoryRecords;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// A call as it came.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A parameter of the query; a repeated one is refused by `None`.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(known, _)| known == name);
        let first = found.next()?;
        found.next().is_none().then_some(first.1.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as a form.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }

    /// What stands in `Authorization: Basic`, decoded.
    pub fn basic(&self) -> String {
        use base64::Engine as _;
        let word = self.header("authorization").strip_prefix("Basic ").unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD.decode(word).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Pairs of a query string.
pub fn pairs(text: &str) -> Vec<(String, String)> {
    let uri: Uri = format!("http://x/?{text}").parse().unwrap_or_default();
    Query::<Vec<(String, String)>>::try_from_uri(&uri).map(|query| query.0).unwrap_or_default()
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json; charset=UTF-8".to_owned())], body: body.to_string().into_bytes() }
    }

    pub fn text(status: u16, kind: &str, body: &str) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body: body.as_bytes().to_vec() }
    }

    pub fn html(status: u16) -> Self {
        Self::text(status, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>")
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A vendor.
pub trait World: Send + Sync + 'static {
    fn answer(&self, call: &Call) -> Reply;
}

/// Who receives the calls: notes each, and gives what was ordered before it asks the world.
pub struct Desk {
    world: Arc<dyn World>,
    calls: Mutex<Vec<Call>>,
    ordered: Mutex<Vec<(&'static str, Reply)>>,
}

impl Desk {
    /// Opens on loopback, and tells the address.
    pub async fn open(world: Arc<dyn World>) -> (Arc<Self>, String) {
        let desk = Arc::new(Self { world, calls: Mutex::default(), ordered: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(receive).with_state(desk.clone());
        let _serving = tokio::runtime::Handle::current().spawn(async move { axum::serve(listener, app).await });
        (desk, url)
    }

    /// The next call whose path has `part` in it is answered by this.
    pub fn order(&self, part: &'static str, reply: Reply) {
        self.ordered.lock().unwrap().push((part, reply));
    }

    /// Calls whose path has `part` in it.
    pub fn calls(&self, part: &str) -> Vec<Call> {
        self.calls.lock().unwrap().iter().filter(|call| call.path.contains(part)).cloned().collect()
    }

    pub fn count(&self, part: &str) -> usize {
        self.calls(part).len()
    }
}

async fn receive(State(desk): State<Arc<Desk>>, method: Method, uri: Uri, headers: HeaderMap, body: axum::body::Bytes) -> Response<Body> {
    let query = pairs(uri.query().unwrap_or_default());
    let call = Call { method, path: uri.path().to_owned(), query, headers, body: body.to_vec() };
    desk.calls.lock().unwrap().push(call.clone());
    let ordered = {
        let mut ordered = desk.ordered.lock().unwrap();
        ordered.iter().position(|(part, _)| call.path.contains(part)).map(|at| ordered.remove(at).1)
    };
    let reply = ordered.unwrap_or_else(|| desk.world.answer(&call));
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

/// The ports of a source, with a clock that a test moves.
pub fn ports() -> (Ports, Arc<StoppedClock>) {
    bellhop_kit::install_tls();
    let clock = Arc::new(StoppedClock::default());
    (Ports { records: Arc::new(MemoryRecords::default()), clock: clock.clone(), ids: Arc::new(CountedIds::default()) }, clock)
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
