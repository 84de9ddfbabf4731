//! A bot that is started 1,500 times in a day: how many new sessions it begins, and whether anything that was said is missed while its
//! session could be taken up again. The day is simulated; the bot's part is the adapter with its records in a database, the gateway
//! is the kit's strict Discord, and a crash is a task that is dropped.

use crate::Failure;
use crate::figures::{Figure, Target, count};
use async_trait::async_trait;
use bellhop::clock::RandomIds;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{ChatPlatform as _, Completer, Completion, Stop};
use bellhop_discord::{Discord, DiscordConfig, Ports};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::discord::{DiscordWorld, Person, Settings};
use bellhop_kit::memory::MemoryInbox;
use bellhop_store::Store;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

const PART: &str = "discord restarts";
const RESTARTS: u32 = 1_500;
/// Every so many restarts the bot is away for longer than a session waits.
const LONG_EVERY: u32 = 15;
/// How long a start may take of this machine's time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A port that nothing is asked of here.
struct Nothing;

#[async_trait]
impl Completer for Nothing {
    async fn complete(&self, _from: &UserRef, _at: &Address, _line: &str) -> Completion {
        Completion::default()
    }

    async fn choices(&self, _from: &UserRef, _at: &Address, _command: &str, _argument: &str, _typed: &str) -> Vec<Suggestion> {
        Vec::new()
    }
}

/// What lasts over restarts.
struct Day {
    world: DiscordWorld,
    clock: Arc<StoppedClock>,
    inbox: Arc<MemoryInbox>,
    folder: tempfile::TempDir,
    heard: BTreeSet<String>,
}

/// One life of the bot.
struct Life {
    tasks: JoinSet<()>,
    stop: Stop,
    store: Store,
}

/// Simulates the day twice: as days are, and one on which no session can ever be taken up again.
///
/// # Errors
/// The world or the adapter doesn't start.
pub async fn run() -> Result<Vec<Figure>, Failure> {
    let mut usual = Day::new().await?;
    let sent = usual.pass(RESTARTS, false).await?;
    let ledger = usual.world.ledger();
    let lost: Vec<&String> = sent.iter().filter(|text| !usual.heard.contains(*text)).collect();
    let mut worst = Day::new().await?;
    worst.pass(RESTARTS, true).await?;
    let begun = worst.world.ledger().identifies.len();
    Ok(vec![
        Figure::new(PART, format!("identifies, {RESTARTS} restarts in a simulated day"), count(ledger.identifies.len() as u64), "")
            .target(Target::Below(201.0))
            .beside(format!("{} sessions taken up again; one restart of {LONG_EVERY} is away for too long", ledger.resumes)),
        Figure::new(PART, "messages missed within the time in which a session waits", count(lost.len() as u64), "")
            .target(Target::Exactly(0.0))
            .beside(format!("of {}", sent.len())),
        Figure::new(PART, "broken rules of the gateway", count(ledger.gateway.len() as u64), "").target(Target::Exactly(0.0)),
        Figure::new(PART, "identifies on a day on which nothing can be taken up again", count(begun as u64), "")
            .target(Target::Below(201.0)),
    ])
}

impl Day {
    async fn new() -> Result<Self, Failure> {
        let clock = Arc::new(StoppedClock::default());
        let mut settings = Settings { clock: clock.clone(), ..Settings::default().unlimited() };
        settings.gateway.identify_pause = Duration::from_secs(5);
        settings.gateway.strict_beats = false;
        let world = DiscordWorld::start_with(settings).await?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        Ok(Self { world, clock, inbox: Arc::default(), folder, heard: BTreeSet::new() })
    }

    async fn begin(&self) -> Result<Life, Failure> {
        let url = format!("sqlite:{}", self.folder.path().join("bellhop.db").display());
        let store = Store::open(&url, self.clock.clone(), Arc::new(RandomIds)).await.map_err(|error| error.to_string())?;
        let config: DiscordConfig = serde_json::from_value(serde_json::json!({
            "bot_token": self.world.bot_token(), "application_id": self.world.application_id(), "api_url": self.world.api_url(),
        }))
        .map_err(|error| error.to_string())?;
        let ports = Ports {
            inbox: self.inbox.clone(),
            completer: Arc::new(Nothing),
            records: Arc::new(store.clone()),
            clock: self.clock.clone(),
            ids: Arc::new(RandomIds),
            public_url: "https://bot.example".into(),
        };
        let discord = Discord::new("work".into(), config, ports).map_err(|error| error.to_string())?;
        let stop = Stop::new();
        let (mut tasks, told) = (JoinSet::new(), stop.clone());
        tasks.spawn(async move {
            let _ = discord.listen(told).await;
        });
        Ok(Life { tasks, stop, store })
    }

    /// The restarts of a day; returns what was said while a session could be taken up again.
    async fn pass(&mut self, restarts: u32, hopeless: bool) -> Result<Vec<String>, Failure> {
        let ann = self.world.person("ann");
        let mut expected = Vec::new();
        let step = Duration::from_secs(86_400 / u64::from(RESTARTS)) - Duration::from_secs(2);
        for n in 0..restarts {
            let life = self.begin().await?;
            let connected = self.connected(hopeless).await;
            if connected {
                say(&ann, format!("here {n}"), &mut expected);
            }
            if n % 2 == 0 && connected {
                self.hears(&format!("here {n}")).await?;
            }
            life.end(n % 3 == 0).await;
            if hopeless {
                self.world.forget_sessions();
                self.clock.advance(step);
                continue;
            }
            if n % LONG_EVERY == LONG_EVERY - 1 {
                // What is said now nobody can bring back.
                self.clock.advance(Duration::from_mins(6));
                expected.retain(|text| self.knows(text));
            } else {
                say(&ann, format!("gone {n}"), &mut expected);
                self.clock.advance(step);
            }
        }
        if hopeless {
            return Ok(Vec::new());
        }
        let life = self.begin().await?;
        self.connected(false).await;
        say(&ann, "the last one".into(), &mut expected);
        self.hears("the last one").await?;
        life.end(true).await;
        Ok(expected)
    }

    fn knows(&self, text: &str) -> bool {
        self.heard.contains(text)
    }

    /// Waits until the session is there. Time passes where the bot waits for more of it.
    async fn connected(&mut self, hopeless: bool) -> bool {
        let begun = Instant::now();
        loop {
            if self.world.sessions().iter().any(|session| session.connected) {
                return true;
            }
            let waited = begun.elapsed();
            // On a hopeless day a crash comes before a new session may be begun.
            if hopeless && waited > Duration::from_millis(60) || waited > PATIENCE {
                return false;
            }
            if waited > Duration::from_millis(40) {
                self.clock.advance(Duration::from_secs(5));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn hears(&mut self, text: &str) -> Result<(), Failure> {
        let begun = Instant::now();
        while !self.take(text) {
            if begun.elapsed() > PATIENCE {
                return Err(format!("{text:?} was not heard; {:?}", self.world.gateway_events().iter().rev().take(8).collect::<Vec<_>>()));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    fn take(&mut self, text: &str) -> bool {
        for incoming in self.inbox.take() {
            let said = format!("{:?}", incoming.said);
            let from = ["here ", "gone ", "the last one"].iter().filter_map(|mark| said.find(mark)).min();
            if let Some(from) = from {
                self.heard.insert(said[from..].trim_end_matches(['"', ')']).to_owned());
            }
        }
        self.heard.contains(text)
    }
}

fn say(person: &Person, text: String, expected: &mut Vec<String>) {
    if person.mention("#ops", &text).is_ok() {
        expected.push(text);
    }
}

impl Life {
    /// Ends it: by its leave, or as kill -9 does.
    async fn end(mut self, gently: bool) {
        if gently {
            self.stop.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(5), self.tasks.join_next()).await;
        }
        self.tasks.shutdown().await;
        self.store.close().await;
    }
}
