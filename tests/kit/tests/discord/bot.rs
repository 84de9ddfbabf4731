//! A small bot of the test's own, which calls Discord as Bellhop's account.

use bellhop_http::{Client, Limits, Request};
use bellhop_kit::discord::DiscordWorld;
use serde_json::Value;

pub struct Bot {
    pub token: String,
    pub agent: &'static str,
    api: String,
    client: Client,
}

impl Bot {
    pub fn of(world: &DiscordWorld) -> Self {
        bellhop_kit::install_tls();
        let limits = Limits { retries: 0, ..Limits::default() };
        let client = Client::new("discord", limits).unwrap();
        Self { token: world.bot_token(), agent: "DiscordBot (https://bot.example, 1.0)", api: world.api_url(), client }
    }

    /// Status (0 where the connection broke), the headers that a client looks at, body.
    pub async fn exchange(&self, request: Request) -> (u16, Vec<(String, String)>, String) {
        let authorization = format!("Bot {}", self.token);
        let request = request.header("authorization", &authorization).header("user-agent", self.agent);
        match request.exchange().await {
            Err(_) => (0, Vec::new(), String::new()),
            Ok(answer) => {
                let names = ["retry-after", "x-ratelimit-scope", "x-ratelimit-global", "x-ratelimit-remaining", "x-ratelimit-bucket"];
                let headers = names.iter().filter_map(|name| Some(((*name).to_owned(), answer.header(name)?.to_owned()))).collect();
                let status = answer.status().as_u16();
                let body = answer.bytes().await.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                (status, headers, body.unwrap_or_default())
            }
        }
    }

    fn read(answer: (u16, Vec<(String, String)>, String)) -> (u16, Value) {
        (answer.0, serde_json::from_str(&answer.2).unwrap_or(Value::String(answer.2)))
    }

    pub fn posting(&self, path: &str, body: &Value) -> Request {
        self.client.post("call", "/api", &format!("{}{path}", self.api)).json(body)
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        Self::read(self.exchange(self.posting(path, body)).await)
    }

    pub async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        Self::read(self.exchange(self.client.put("call", "/api", &format!("{}{path}", self.api)).json(body)).await)
    }

    pub async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        Self::read(self.exchange(self.client.patch("call", "/api", &format!("{}{path}", self.api)).json(body)).await)
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        Self::read(self.exchange(self.client.get("call", "/api", &format!("{}{path}", self.api))).await)
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        Self::read(self.exchange(self.client.delete("call", "/api", &format!("{}{path}", self.api))).await)
    }
}
