//! Debian's Prometheus Alertmanager, sending to a webhook. It groups by alert name and waits for nothing, so that a test
//! sees at once what arrives; in all else it is as it comes.

use crate::process::Program;
use bellhop_core::Timestamp;
use bellhop_http::{Client, Limits};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// A running Alertmanager, ended when it is dropped.
#[derive(Debug)]
pub struct Alertmanager {
    program: Program,
    url: String,
    client: Client,
    _folder: TempDir,
}

/// An alert that was pushed and is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    since: Timestamp,
}

/// The real time: the program under test judges by it when an alert is over.
fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a real program next to us goes by the real time")]
    chrono::Utc::now()
}

fn owned(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Alertmanager {
    /// Starts one that sends everything to `webhook`, with a bearer token where one is given.
    ///
    /// # Errors
    /// It is not installed, or doesn't start.
    pub async fn start(webhook: &str, token: Option<&str>) -> Result<Self, String> {
        crate::install_tls();
        let path = super::program("prometheus-alertmanager", "Prometheus Alertmanager")?;
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for Alertmanager: {error}"))?;
        let mut receiver = json!({ "url": webhook, "send_resolved": true });
        if let Some(token) = token {
            receiver["http_config"] = json!({ "authorization": { "type": "Bearer", "credentials": token } });
        }
        // YAML takes JSON as it is.
        let config = json!({
            "route": { "receiver": "bellhop", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "200ms", "repeat_interval": "1h" },
            "receivers": [{ "name": "bellhop", "webhook_configs": [receiver] }],
        });
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, config.to_string()).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut command = Command::new(path);
        command.arg(format!("--config.file={}", file.display())).arg(format!("--storage.path={}", folder.path().join("data").display()));
        command.args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address=", "--log.format=json"]);
        let mut program = Program::start(&mut command)?;
        // It chooses its port itself, and says which.
        let line = program.line("\"Listening on\"", Duration::from_secs(30)).await?;
        let said: Value = serde_json::from_str(&line).map_err(|error| format!("Alertmanager printed {line:?}: {error}"))?;
        let address = said["address"].as_str().ok_or_else(|| format!("Alertmanager doesn't say where it listens: {line}"))?;
        let url = format!("http://{address}");
        let client = Client::new("alertmanager", Limits::default()).map_err(|error| error.to_string())?;
        let ready = || async { client.get("ready", "/-/ready", &format!("{url}/-/ready")).send().await.ok() };
        crate::wait::within(Duration::from_secs(30), "Alertmanager to be ready", ready).await?;
        Ok(Self { program, url, client, _folder: folder })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.program.output()
    }

    /// Pushes alerts as they are, as Prometheus does.
    ///
    /// # Errors
    /// It refuses them.
    pub async fn push(&self, alerts: &Value) -> Result<(), String> {
        let request = self.client.post("push", "/api/v2/alerts", &format!("{}/api/v2/alerts", self.url));
        request.json(alerts).send().await.map(drop).map_err(|error| error.to_string())
    }

    /// Lets an alert fire.
    ///
    /// # Errors
    /// It is refused.
    pub async fn fire(&self, name: &str, labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Result<Firing, String> {
        let mut labels = owned(labels);
        labels.insert("alertname".to_owned(), name.to_owned());
        let firing = Firing { labels, annotations: owned(annotations), since: now() };
        self.push(&json!([{ "labels": firing.labels, "annotations": firing.annotations, "startsAt": firing.since.to_rfc3339() }])).await?;
        Ok(firing)
    }

    /// Says that it is over.
    ///
    /// # Errors
    /// It is refused.
    pub async fn resolve(&self, firing: &Firing) -> Result<(), String> {
        let (since, until) = (firing.since.to_rfc3339(), now().to_rfc3339());
        self.push(&json!([{ "labels": firing.labels, "annotations": firing.annotations, "startsAt": since, "endsAt": until }])).await
    }
}
