//! A bot of a few lines, for tests of the Teams world.

use bellhop_http::{Client, Limits as ClientLimits};
use bellhop_kit::teams::{Settings, TeamsWorld};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A bot that answers every invoke with what it is told, and keeps what it hears.
pub struct Bot {
    pub world: Arc<TeamsWorld>,
    pub client: Client,
    pub heard: Arc<Mutex<Vec<Value>>>,
    pub answer: Arc<Mutex<(u16, Value)>>,
    pub url: String,
}

impl Bot {
    pub async fn start(settings: Settings) -> Self {
        bellhop_kit::install_tls();
        let world = Arc::new(TeamsWorld::start_with(settings).await.unwrap());
        let (heard, answer) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::new(Mutex::new((200, json!({})))));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/messages", listener.local_addr().unwrap());
        let (hears, answers) = (heard.clone(), answer.clone());
        let app = axum::Router::new().fallback(move |body: String| {
            let activity: Value = serde_json::from_str(&body).unwrap_or_default();
            let invoke = activity["type"] == "invoke";
            hears.lock().unwrap().push(activity);
            let (status, body) = answers.lock().unwrap().clone();
            let body = if !invoke || body.is_null() { String::new() } else { body.to_string() };
            async move { (axum::http::StatusCode::from_u16(status).unwrap(), body) }
        });
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        world.deliver_to(&url);
        let client = Client::new("bot", ClientLimits::default()).unwrap();
        Self { world, client, heard, answer, url }
    }

    pub fn last(&self) -> Value {
        self.heard.lock().unwrap().last().cloned().unwrap_or_default()
    }

    pub async fn form(&self, url: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.client.post("token", "token", url).form(form).exchange().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    pub fn token_url(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.world.login_url(), self.world.tenant())
    }

    pub async fn token(&self, scope: &str) -> String {
        let (id, secret) = (self.world.app_id(), self.world.app_password());
        let scope = format!("{scope}/.default");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
            ("scope", scope.as_str()),
        ];
        let (status, body) = self.form(&self.token_url(), &form).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn call(&self, method: &str, url: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let method = bellhop_http::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, "call", "any", url).bearer(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.exchange().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    pub async fn post(&self, place: &str, body: Value) -> (u16, Value) {
        let token = self.token("https://api.botframework.com").await;
        let url = format!("{}v3/conversations/{place}/activities", self.world.service_url());
        self.call("POST", &url, &token, Some(body)).await
    }

    pub async fn graph(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let token = self.token("https://graph.microsoft.com").await;
        self.call(method, &format!("{}{path}", self.world.graph_url()), &token, body).await
    }
}
