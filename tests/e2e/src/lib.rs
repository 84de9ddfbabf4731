//! The bot as a program, started the way a person starts it, for tests that look at what a person sees.

#![expect(clippy::expect_used, clippy::panic, reason = "a test harness fails the test")]

pub mod console;
pub mod eyes;

use bellhop_http::{Client, Limits};
use bellhop_kit::process::{Program, Ran, run};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// How long anything may take before a test says that it did not come: far more than it takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A bot with a folder of its own.
pub struct Bot {
    /// Its folder: configuration, data, and whatever the test puts there.
    pub folder: TempDir,
    program: Option<Program>,
    /// Where it listens, once it runs.
    pub url: String,
    /// Its one-time log-in link.
    pub login: String,
}

impl Bot {
    /// A bot that isn't started. `config` is added to a configuration that lets the system choose the port.
    ///
    /// # Panics
    /// When the folder can't be made.
    #[must_use]
    pub fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!("[server]\nlisten = \"127.0.0.1:0\"\n{config}");
        std::fs::write(folder.path().join("bellhop.toml"), config).expect("the configuration is written");
        Self { folder, program: None, url: String::new(), login: String::new() }
    }

    /// A bot that runs.
    pub async fn start(config: &str) -> Self {
        let mut bot = Self::new(config);
        bot.go().await;
        bot
    }

    /// Starts it, again after it was ended.
    ///
    /// # Panics
    /// When it doesn't come up.
    pub async fn go(&mut self) {
        let mut program = Program::start(&mut self.command(&["run"])).expect("the bot starts");
        let line = program.line("Bellhop listens on ", PATIENCE).await.expect("the bot says where it listens");
        self.url = line.rsplit(' ').next().map(str::to_owned).unwrap_or_default();
        let login = program.line("/login?token=", PATIENCE).await.expect("the bot prints its log-in link");
        self.login = String::from(login.trim());
        self.program = Some(program);
    }

    /// The running program.
    ///
    /// # Panics
    /// When it doesn't run.
    pub fn program(&mut self) -> &mut Program {
        self.program.as_mut().expect("the bot runs")
    }

    /// A path in its folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.current_dir(self.folder.path()).arg("--config").arg("bellhop.toml").args(arguments);
        command
    }

    /// Runs the program with these arguments to its end.
    ///
    /// # Panics
    /// When it doesn't end.
    pub async fn bellhop(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments), b"", PATIENCE).await.expect("the program ends")
    }

    /// `bellhop say -- ...`, each argument one word.
    pub async fn say(&self, words: &[&str]) -> Ran {
        self.bellhop(&[&["say", "--"], words].concat()).await
    }

    /// The same, which must succeed; the answer.
    ///
    /// # Panics
    /// When it doesn't.
    pub async fn said(&self, words: &[&str]) -> String {
        let ran = self.say(words).await;
        assert_eq!(ran.code, 0, "{words:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    /// A new API key.
    pub async fn key(&self) -> String {
        self.bellhop(&["key", "create", "--name", "test"]).await.out.lines().last().unwrap_or_default().trim().to_owned()
    }

    /// Posts a body; the status and the answer.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn post(&self, path: &str, key: &str, body: impl Into<Vec<u8>>) -> (u16, String) {
        let request = client().post("post", "any", &format!("{}{path}", self.url)).bearer(key);
        let answer = request.content("application/json", body.into().into()).exchange().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    }

    /// Gets a page; the status, the type and the bytes.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn get(&self, url: &str) -> (u16, String, Vec<u8>) {
        let url = if url.starts_with("http") { url.to_owned() } else { format!("{}{url}", self.url) };
        let answer = client().get("get", "any", &url).exchange().await.expect("an answer");
        let (status, kind) = (answer.status().as_u16(), answer.header("content-type").unwrap_or_default().to_owned());
        (status, kind, answer.bytes().await.expect("a body").to_vec())
    }

    /// Gets an address as a stranger does, without following where it leads: the status, the bytes, and where it leads.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn visit(&self, url: &str) -> (u16, Vec<u8>, Option<String>) {
        let answer = client().get("visit", "any", url).exchange().await.expect("an answer");
        let (status, next) = (answer.status().as_u16(), answer.header("location").map(str::to_owned));
        (status, answer.bytes().await.expect("a body").to_vec(), next)
    }

    /// The messages of a channel of the embedded chat as `say` would print them: what a reader of the page sees.
    pub async fn alerts(&self) -> String {
        self.said(&["alert", "list"]).await
    }
}

fn client() -> Client {
    bellhop_kit::install_tls();
    Client::new("test", Limits::default()).expect("a client")
}

/// The program under test, built beside the tests.
///
/// # Panics
/// When it isn't built.
#[must_use]
pub fn binary() -> PathBuf {
    let here = std::env::current_exe().expect("the test's own path");
    let folder = here.ancestors().nth(2).expect("a target folder");
    let binary = folder.join("bellhop");
    assert!(binary.is_file(), "{} is missing: run `cargo build --workspace` first (./tests/run does)", binary.display());
    binary
}

/// A tour of `tests/e2e/tours`.
#[must_use]
pub fn tour(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tours").join(name)
}

/// Reads JSON.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
