//! What comes over a connection, in its order: commands and clicks are kept and then acknowledged, messages that speak to the bot are kept,
//! what changed is forgotten. One event after the other, so that what one person said twice is done in that order.

use super::Gateway;
use crate::Desk;
use crate::interact;
use crate::parse;
use crate::wire::{Route, WireResult};
use bellhop_core::ports::{PortResult, Said};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

const CALLBACK: Route = Route::post("/interactions/{}/{}/callback", "acknowledge");
const TYPING: Route = Route::post("/channels/{}/typing", "acknowledge").again();
const REACTION: Route = Route::put("/channels/{}/messages/{}/reactions/{}/@me", "acknowledge");

/// How long is found out whether a message's channel is a thread, before it is taken for none.
const PLACE: Duration = Duration::from_secs(2);
/// What a message gets that is kept, in a server: the bot has seen it.
const SEEN: &str = "\u{1f440}";
/// A request for completion, whose order matters to nobody.
const COMPLETION: u64 = 4;

/// Something that happened.
pub(super) struct Event {
    pub(super) seq: u64,
    pub(super) kind: String,
    pub(super) data: Value,
}

/// What a connection and its work share.
struct Shared {
    desk: Arc<Desk>,
    /// The number of the last event that is done with.
    done: AtomicU64,
    failed: AtomicBool,
    news: Notify,
    bot: OnceLock<String>,
}

/// The work of one connection.
pub(super) struct Work {
    shared: Arc<Shared>,
    events: Option<mpsc::Sender<Event>>,
    tasks: JoinSet<()>,
}

impl Work {
    pub(super) fn start(gateway: &Gateway, bot: Option<String>, done: u64) -> Self {
        let shared = Arc::new(Shared {
            desk: gateway.desk.clone(),
            done: AtomicU64::new(done),
            failed: AtomicBool::new(false),
            news: Notify::new(),
            bot: OnceLock::new(),
        });
        if let Some(bot) = bot.filter(|bot| !bot.is_empty()) {
            let _ = shared.bot.set(bot);
        }
        let (events, taken) = mpsc::channel(gateway.pace.waiting.max(1));
        let mut tasks = JoinSet::new();
        tasks.spawn(shared.clone().run(taken));
        Self { shared, events: Some(events), tasks }
    }

    /// Whether there is room for another event.
    pub(super) fn room(&self) -> bool {
        self.events.as_ref().is_some_and(|events| events.capacity() > 0)
    }

    pub(super) fn hand(&self, event: Event) {
        if let Some(events) = &self.events
            && events.try_send(event).is_err()
        {
            // It is told again: the session's number doesn't go past it.
            self.shared.fail();
        }
    }

    /// The bot's own id.
    pub(super) fn know(&self, bot: &str) {
        if !bot.is_empty() {
            let _ = self.shared.bot.set(bot.to_owned());
        }
    }

    /// A new session begins at this number.
    pub(super) fn begin(&self, seq: u64) {
        self.shared.done.store(seq, Ordering::Release);
    }

    pub(super) fn done(&self) -> u64 {
        self.shared.done.load(Ordering::Acquire)
    }

    /// Ends when something could not be kept.
    pub(super) async fn failed(&self) {
        loop {
            let news = self.shared.news.notified();
            if self.shared.failed.load(Ordering::Acquire) {
                return;
            }
            news.await;
        }
    }

    /// Lets what was heard be done; returns how far it came.
    pub(super) async fn finish(&mut self, drain: Duration) -> u64 {
        self.events = None;
        let _ = tokio::time::timeout(drain, async { while self.tasks.join_next().await.is_some() {} }).await;
        self.tasks.abort_all();
        self.done()
    }
}

impl Shared {
    fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.news.notify_one();
    }

    async fn run(self: Arc<Self>, mut events: mpsc::Receiver<Event>) {
        // Acknowledgements travel beside: the next event need not wait for them.
        let mut beside = JoinSet::new();
        while let Some(event) = events.recv().await {
            let (seq, shared) = (event.seq, self.clone());
            // In a task of its own, so that what one event breaks is that event.
            let mut one = JoinSet::new();
            one.spawn(async move { shared.handle(event).await });
            match one.join_next().await {
                Some(Ok(Ok(Some(then)))) => {
                    beside.spawn(then.run(self.desk.clone()));
                }
                Some(Ok(Ok(None))) | None => {}
                Some(Ok(Err(error))) => {
                    tracing::error!(chat = %self.desk.name, %error, "an event could not be kept; Discord is asked to tell it again");
                    self.fail();
                    break;
                }
                Some(Err(panicked)) => tracing::error!(chat = %self.desk.name, %panicked, "an event could not be handled and is left"),
            }
            self.done.store(seq, Ordering::Release);
            while beside.try_join_next().is_some() {}
        }
        while beside.join_next().await.is_some() {}
    }

    async fn handle(&self, event: Event) -> PortResult<Option<Then>> {
        let (desk, data) = (&self.desk, event.data);
        match event.kind.as_str() {
            "INTERACTION_CREATE" => {
                desk.sizes.learn(&data);
                if data.get("type").and_then(Value::as_u64) == Some(COMPLETION) {
                    return Ok(Some(Then::Complete(data)));
                }
                let answer = Box::pin(interact::answer(desk, &data)).await;
                return Ok(answer.map(|answer| Then::Acknowledge(data, answer)));
            }
            "MESSAGE_CREATE" => return self.message(&data).await,
            "GUILD_DELETE" if data.get("unavailable").and_then(Value::as_bool) != Some(true) => {
                let guild = parse::field(&data, "/id");
                tracing::warn!(chat = %desk.name, guild, "the bot was removed from a server");
                self.forget(&data, "/id").await;
            }
            "GUILD_CREATE" | "GUILD_UPDATE" | "GUILD_DELETE" => self.forget(&data, "/id").await,
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "CHANNEL_DELETE" | "THREAD_CREATE" | "THREAD_UPDATE" | "THREAD_DELETE" => {
                if let (Some(guild), Some(channel)) = (parse::id(&data, "/guild_id"), parse::id(&data, "/id")) {
                    desk.directory.forget_channel(&guild, &channel).await;
                }
            }
            _ => {}
        }
        Ok(None)
    }

    async fn forget(&self, data: &Value, path: &str) {
        if let Some(guild) = parse::id(data, path) {
            self.desk.directory.forget(&guild).await;
        }
    }

    async fn message(&self, data: &Value) -> PortResult<Option<Then>> {
        let desk = &self.desk;
        let bot = match self.bot.get() {
            Some(bot) => bot.clone(),
            None => desk.directory.me().await?.id.clone(),
        };
        let Some(mut message) = parse::message(data, &bot, &desk.name, desk.ports.clock.now()) else { return Ok(None) };
        let channel = message.origin.at.channel.clone();
        if message.origin.at.workspace.as_str() != crate::address::DIRECT {
            let told = tokio::time::timeout(PLACE, desk.directory.channel(channel.as_str())).await;
            if let Ok(Ok(Some(known))) = told
                && known.is_thread()
                && let Some(parent) = &known.parent
            {
                message.origin.at.thread = Some(channel.as_str().into());
                message.origin.at.channel = parent.as_str().into();
            }
        }
        let direct = message.origin.at.workspace.as_str() == crate::address::DIRECT;
        let id = message.origin.reply.message.clone().filter(|_| !direct);
        desk.ports.inbox.accept(message.origin.says(Said::Line(message.line), message.attachments)).await?;
        Ok(Some(Then::Seen { channel: channel.to_string(), message: id }))
    }
}

/// What is done after something is kept.
enum Then {
    /// Acknowledges an interaction with this.
    Acknowledge(Value, Value),
    /// Proposes values.
    Complete(Value),
    /// Shows that a message is kept, and that the bot is at it.
    Seen { channel: String, message: Option<String> },
}

impl Then {
    async fn run(self, desk: Arc<Desk>) {
        match self {
            Self::Acknowledge(interaction, answer) => acknowledge(&desk, &interaction, answer).await,
            Self::Complete(interaction) => {
                if let Some(answer) = interact::answer(&desk, &interaction).await {
                    acknowledge(&desk, &interaction, answer).await;
                }
            }
            Self::Seen { channel, message } => {
                let shown: WireResult<Value> = match &message {
                    Some(message) => desk.api.get(REACTION, &[&channel, message, SEEN], &[]).await,
                    None => desk.api.call(TYPING, &[&channel], json!({})).await,
                };
                if let Err(failure) = shown {
                    tracing::debug!(chat = %desk.name, error = %failure.error, "that a message is kept could not be shown");
                }
            }
        }
    }
}

async fn acknowledge(desk: &Desk, interaction: &Value, answer: Value) {
    let (Some(id), Some(token)) = (parse::id(interaction, "/id"), parse::field(interaction, "/token")) else { return };
    let said: WireResult<Value> = desk.api.call(CALLBACK, &[&id, token], answer).await;
    let outcome = match said {
        Ok(_) => "taken",
        // It was acknowledged before the last restart.
        Err(failure) if failure.is(&[40060]) => "taken",
        Err(failure) => {
            tracing::warn!(chat = %desk.name, error = %failure.error, "an interaction could not be acknowledged; its answer comes as a message");
            "not_acknowledged"
        }
    };
    metrics::counter!("bellhop_chat_requests_total", "chat" => desk.name.to_string(), "outcome" => outcome).increment(1);
}
