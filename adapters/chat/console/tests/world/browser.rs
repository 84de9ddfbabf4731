//! A browser without a window: it keeps its cookie, sends its origin, and reads what a page shows.

use super::World;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use bellhop_console::Console;
use tower::ServiceExt as _;

pub const HOST: &str = "127.0.0.1:8787";

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Someone with a session, or without one yet.
#[derive(Clone)]
pub struct Browser {
    router: axum::Router,
    cookie: Option<String>,
}

impl Browser {
    pub fn stranger(console: &Console) -> Self {
        Self { router: console.router(), cookie: None }
    }

    /// Follows a fresh log-in link.
    pub async fn log_in(console: &Console) -> Self {
        let mut browser = Self::stranger(console);
        let link = console.login_link(&format!("http://{HOST}")).await.unwrap();
        let answer = browser.get(link.strip_prefix(&format!("http://{HOST}")).unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        browser.cookie = answer.header("set-cookie").split(';').next().map(str::to_owned);
        browser
    }

    /// Logs in and is this person.
    pub async fn of(world: &World, person: &str) -> Self {
        let browser = Self::log_in(&world.console).await;
        let answer = browser.post("/console/person", "application/x-www-form-urlencoded", format!("person={person}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        browser
    }

    pub fn request(&self, method: &Method, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if *method == Method::POST {
            request = request.header(header::ORIGIN, format!("http://{HOST}"));
        }
        request
    }

    /// Sends a request and returns the answer with its body still to come.
    pub async fn open(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.open(request).await;
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap().to_vec() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(&Method::GET, path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        self.send(self.request(&Method::POST, path).header(header::CONTENT_TYPE, content_type).body(body.into()).unwrap()).await
    }

    pub async fn post_json(&self, path: &str, body: &serde_json::Value) -> Answer {
        self.post(path, "application/json", body.to_string()).await
    }

    /// Says a line in a channel.
    pub async fn say(&self, channel: &str, text: &str, key: &str, uploads: &[&str]) -> Answer {
        self.post_json("/console/say", &serde_json::json!({ "channel": channel, "text": text, "key": key, "uploads": uploads })).await
    }

    /// Uploads a file and returns the id of the upload.
    pub async fn upload(&self, name: &str, bytes: &[u8]) -> String {
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string();
        let request = self
            .request(&Method::POST, "/console/upload")
            .header("x-file-name", name)
            .header(header::CONTENT_TYPE, "application/octet-stream");
        let answer = self.send(request.body(Body::from(bytes.to_vec())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let taken: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        taken["id"].as_str().unwrap().to_owned()
    }
}

/// A start tag, an end tag or text, of a page that maud wrote: well-formed, attributes in double quotes.
#[derive(Debug, PartialEq, Eq)]
pub enum Token {
    Start(String, Vec<(String, String)>),
    End(String),
    Text(String),
}

/// Takes a page apart.
pub fn tokens(html: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        if at > 0 {
            out.push(Token::Text(unescape(&rest[..at])));
        }
        let mut quoted = false;
        let end = rest[at..].char_indices().find(|(_, c)| {
            quoted ^= *c == '"';
            *c == '>' && !quoted
        });
        let (tag, after) = rest[at..].split_at(end.unwrap().0 + 1);
        rest = after;
        let inner = &tag[1..tag.len() - 1];
        match inner.strip_prefix('/') {
            Some(name) => out.push(Token::End(name.to_owned())),
            None => out.push(start(inner)),
        }
    }
    out.push(Token::Text(unescape(rest)));
    out
}

fn start(inner: &str) -> Token {
    let (name, mut rest) = inner.split_once(' ').unwrap_or((inner, ""));
    let mut attributes = Vec::new();
    while !rest.trim().is_empty() {
        rest = rest.trim_start();
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let key = rest[..end].to_owned();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let close = quoted.find('"').unwrap();
            value = unescape(&quoted[..close]);
            rest = &quoted[close + 1..];
        }
        attributes.push((key, value));
    }
    Token::Start(name.to_owned(), attributes)
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

impl Token {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        match self {
            Self::Start(_, attributes) => attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()),
            _ => None,
        }
    }
}
