//! An adapter in a test's hands: what it heard, and the strict Teams that it talks to.

#![expect(clippy::unwrap_used, reason = "helpers of tests end the test where something is wrong")]
#![expect(dead_code, reason = "each test uses its own part of this")]

use async_trait::async_trait;
use bellhop_core::PortError;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::command::Suggestion;
use bellhop_core::error::CommandError;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{Completer, Completion, FileStore, Stores};
use bellhop_kit::clock::CountedIds;
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use bellhop_kit::teams::{MachineClock, TeamsWorld};
use bellhop_teams::{Ports, Teams, TeamsConfig};
use std::net::SocketAddr;
use std::sync::Arc;

/// Ports that these tests don't touch.
struct Nothing;

#[async_trait]
impl Completer for Nothing {
    async fn complete(&self, _from: &UserRef, _at: &Address, _line: &str) -> Completion {
        Completion::default()
    }

    async fn choices(&self, _from: &UserRef, _at: &Address, _command: &str, _argument: &str, typed: &str) -> Vec<Suggestion> {
        vec![Suggestion { value: format!("{typed}-proposed"), about: String::new() }]
    }
}

#[async_trait]
impl Stores for Nothing {
    fn store(&self, _name: Option<&StoreName>) -> Result<Arc<dyn FileStore>, CommandError> {
        Err(CommandError::Refused("not in this test".to_owned()))
    }

    fn names(&self) -> Vec<StoreName> {
        Vec::new()
    }

    async fn seen_from(self: Arc<Self>, _place: &Address) -> Arc<dyn Stores> {
        self
    }
}

/// An adapter that listens, and what it works with.
pub struct Bed {
    /// The adapter.
    pub teams: Arc<Teams>,
    /// What it heard.
    pub inbox: Arc<MemoryInbox>,
    /// What it remembers.
    pub records: Arc<MemoryRecords>,
    /// Where it listens: `http://.../chat/work`.
    pub url: String,
}

impl Bed {
    /// An adapter of the world's configuration, with these further lines, that the world delivers to.
    pub async fn new(world: &TeamsWorld, more: &str) -> Self {
        Self::with(world, more, Arc::default()).await
    }

    /// The same over these records: after a restart, or another replica.
    #[expect(clippy::disallowed_methods, reason = "the server of a test ends with the test")]
    pub async fn with(world: &TeamsWorld, more: &str, records: Arc<MemoryRecords>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let inbox = Arc::new(MemoryInbox::default());
        let teams = adapter(listen, world, more, inbox.clone(), records.clone()).unwrap();
        let routes = teams.router().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let url = format!("http://{listen}/chat/work");
        world.deliver_to(&url);
        Self { teams, inbox, records, url }
    }
}

/// An adapter of the world's configuration that is reached here.
///
/// # Errors
/// As [`Teams::new`].
pub fn adapter(
    listen: SocketAddr,
    world: &TeamsWorld,
    more: &str,
    inbox: Arc<MemoryInbox>,
    records: Arc<MemoryRecords>,
) -> Result<Arc<Teams>, PortError> {
    let text = format!("{}{more}", world.config().replace("kind = \"teams\"\n", ""));
    made(listen, &text, inbox, records)
}

/// An adapter of this section, over these records.
///
/// # Errors
/// As [`Teams::new`].
pub fn configured(text: &str, records: Arc<MemoryRecords>) -> Result<Arc<Teams>, PortError> {
    made("127.0.0.1:8787".parse().unwrap(), text, Arc::default(), records)
}

/// An adapter that only posts by webhooks.
///
/// # Errors
/// As [`Teams::new`].
pub fn webhooks(text: &str) -> Result<Arc<Teams>, PortError> {
    configured(text, Arc::default())
}

fn made(listen: SocketAddr, text: &str, inbox: Arc<MemoryInbox>, records: Arc<MemoryRecords>) -> Result<Arc<Teams>, PortError> {
    bellhop_kit::install_tls();
    let config: TeamsConfig = toml::from_str(text).unwrap();
    let ports = Ports {
        inbox,
        completer: Arc::new(Nothing),
        records,
        stores: Arc::new(Nothing),
        clock: Arc::new(MachineClock),
        ids: Arc::new(CountedIds::default()),
        public_url: format!("http://{listen}"),
        listen,
    };
    Teams::new("work".into(), config, ports)
}
