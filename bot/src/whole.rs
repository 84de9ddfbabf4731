//! A whole bot in the test's own process, with a clock that the test moves: what is typed goes through dispatch, what is
//! posted through the listener, and what people see is read from the embedded chat's records.

use crate::app::{App, Options};
use crate::config::Config;
use crate::dispatch::{Ask, Dispatch};
use crate::secrets::Redaction;
use crate::tasks::Tasks;
use bellhop_core::access::Access;
use bellhop_core::card::Card;
use bellhop_core::ids::CallId;
use bellhop_core::ports::{Incoming, Records as _, Said};
use bellhop_core::{Address, Clock as _, UserRef, plain};
use bellhop_http::{Client, Limits};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::wait;
use bellhop_store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// How long anything may take before a test says that it did not come.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Whole {
    pub clock: Arc<StoppedClock>,
    pub store: Store,
    pub url: String,
    dispatch: Arc<Dispatch>,
    calls: AtomicU32,
    // Dropped with the test, which ends the bot.
    _tasks: Tasks,
    _folder: TempDir,
}

/// An answer to a request.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    pub kind: String,
    pub retry_after: Option<String>,
}

impl Whole {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::parse("[server]\nlisten = \"127.0.0.1:0\"\n", folder.path(), "the test", &Redaction::default()).unwrap();
        let clock = Arc::new(StoppedClock::default());
        let app = App::build(config, Options { clock: clock.clone(), ..Options::default() }, true).await.unwrap();
        let (dispatch, store, tasks) = (app.dispatch.clone(), app.store().clone(), Tasks::default());
        let (started, address) = oneshot::channel();
        let ended = tasks.stop();
        tasks.start("bot", async move {
            let told = |running: crate::app::Running| {
                let _ = started.send(running.address);
            };
            app.run(async move { ended.cancelled().await }, told).await.unwrap();
        });
        let url = format!("http://{}", address.await.unwrap());
        Self { clock, store, url, dispatch, calls: AtomicU32::new(0), _tasks: tasks, _folder: folder }
    }

    /// What is answered to a line, by a call of this name.
    pub async fn called(&self, call: &str, line: &str) -> Card {
        let incoming = Incoming {
            key: call.into(),
            from: UserRef { chat: "console".into(), workspace: "local".into(), user: "you".into() },
            name: "You".into(),
            zone: None,
            at: Address::channel("console", "local", "general"),
            said: Said::Line(line.into()),
            attachments: Vec::new(),
            groups: None,
            reply: None,
            received: self.clock.now(),
        };
        let ask = Ask {
            id: CallId::new(call),
            incoming,
            access: Some(Access::Operator),
            progress: Arc::new(|_| ()),
            stop: bellhop_core::ports::Stop::new(),
        };
        let outcome = self.dispatch.execute(ask).await.unwrap();
        self.store.commit(outcome.effects).await.unwrap();
        outcome.reply.card
    }

    /// The same as text.
    pub async fn said(&self, line: &str) -> String {
        let call = format!("call-{}", self.calls.fetch_add(1, Ordering::Relaxed));
        plain::card(&self.called(&call, line).await, &|invoke| invoke.command.clone())
    }

    /// Posts a body with these headers.
    pub async fn post(&self, url: &str, content_type: &str, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Answer {
        bellhop_kit::install_tls();
        let client = Client::new("test", Limits::default()).unwrap();
        let mut request = client.post("post", "any", url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.content(content_type, body.into().into()).exchange().await.unwrap();
        let header = |name: &str| answer.header(name).map(str::to_owned);
        let (status, kind, retry_after) = (answer.status().as_u16(), header("content-type").unwrap_or_default(), header("retry-after"));
        Answer { status, text: answer.text().await.unwrap(), kind, retry_after }
    }

    /// The messages of a channel, as the records keep them.
    pub async fn messages(&self, channel: &str) -> Vec<String> {
        let records = self.store.after(&format!("console.console.messages/{channel}"), None, 1000).await.unwrap();
        records.into_iter().map(|record| record.value.to_string()).collect()
    }

    /// Waits until a channel has this many messages with this text, and returns them.
    pub async fn shown(&self, channel: &str, text: &str, count: usize) -> Vec<String> {
        wait::until(PATIENCE, text, async || {
            let found: Vec<String> = self.messages(channel).await.into_iter().filter(|message| message.contains(text)).collect();
            (found.len() == count).then_some(found)
        })
        .await
    }
}
