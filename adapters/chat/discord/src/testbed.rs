//! An adapter on the test kit's Discord, for the tests of this crate.

use crate::{Discord, DiscordConfig, Ports};
use async_trait::async_trait;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::command::{About, Suggestion};
use bellhop_core::ports::{ChatPlatform as _, Completer, Completion, Incoming};
use bellhop_core::{Access, Effect};
use bellhop_kit::clock::CountedIds;
use bellhop_kit::discord::{DiscordWorld, MachineClock, Settings};
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use std::sync::Arc;

/// A command as the registry would make it.
pub(crate) fn command(name: &'static str, access: Access, completes: &'static [&'static str], args: Vec<clap::Arg>) -> About {
    let model = clap::Command::new(name).no_binary_name(true).disable_help_flag(true).disable_version_flag(true).args(args);
    About { name, summary: "Does something with things", access, effect: Effect::Reads, examples: &[], completes, model }
}

fn arg(id: &'static str) -> clap::Arg {
    clap::Arg::new(id).help("What it is about")
}

/// A few commands of every kind of argument.
pub(crate) fn commands() -> Vec<About> {
    let place = || arg("in").long("in").value_name("PLACE");
    let flag = |id: &'static str| arg(id).long(id).action(clap::ArgAction::SetTrue);
    vec![
        command(
            "file put",
            Access::Member,
            &["name"],
            vec![arg("name"), arg("tag").long("tag").action(clap::ArgAction::Append), arg("store").long("store")],
        ),
        command("file get", Access::Member, &["name"], vec![arg("name").required(true), arg("version").long("version")]),
        command("file list", Access::Member, &[], vec![arg("prefix"), arg("limit").long("limit").value_parser(clap::value_parser!(u64))]),
        command(
            "channel invite",
            Access::Operator,
            &["in"],
            vec![arg("people").required(true).num_args(1..).value_name("PERSON"), place()],
        ),
        command("channel topic", Access::Operator, &["in"], vec![arg("topic").required(true), place()]),
        command("channel create", Access::Operator, &[], vec![arg("name").required(true), flag("private")]),
        command(
            "alert raise",
            Access::Member,
            &[],
            vec![
                arg("name").required(true),
                arg("severity").long("severity").value_parser(["critical", "warning", "info"]),
                arg("summary").long("summary"),
                arg("url").long("url"),
            ],
        ),
        command("alert ack", Access::Member, &[], vec![arg("id").required(true)]),
        command("audit", Access::Admin, &[], vec![arg("words").num_args(0..)]),
        command(
            "role explain",
            Access::Admin,
            &["user"],
            vec![arg("user").required(true).value_name("USER"), arg("command").required(true)],
        ),
        command("status", Access::Member, &[], vec![]),
        command("help", Access::Member, &["words"], vec![arg("words").num_args(0..)]),
    ]
}

/// Proposes what was typed with an end, and lines.
struct Proposals;

#[async_trait]
impl Completer for Proposals {
    async fn complete(&self, _from: &UserRef, _at: &Address, line: &str) -> Completion {
        let replaces = line.rsplit(' ').next().map_or(0, str::len);
        let suggestion = Suggestion { value: "list".into(), about: "Lists files".into() };
        Completion { replaces, suggestions: vec![suggestion], ..Completion::default() }
    }

    async fn choices(&self, _from: &UserRef, _at: &Address, command: &str, argument: &str, typed: &str) -> Vec<Suggestion> {
        if command != "file get" {
            return Vec::new();
        }
        vec![
            Suggestion { value: format!("{typed}orts.pdf"), about: argument.to_owned() },
            Suggestion { value: "x".repeat(150), about: String::new() },
        ]
    }
}

/// An adapter, what it keeps, and the Discord that it talks to.
pub(crate) struct Bed {
    pub discord: Arc<Discord>,
    pub world: Arc<DiscordWorld>,
    pub records: Arc<MemoryRecords>,
    pub inbox: Arc<MemoryInbox>,
}

impl Bed {
    pub async fn new(more: &str) -> Self {
        Self::with(Settings::default().unlimited(), more).await
    }

    pub async fn with(settings: Settings, more: &str) -> Self {
        bellhop_kit::install_tls();
        let world = Arc::new(DiscordWorld::start_with(settings).await.unwrap());
        let bed = Self::on(world, Arc::default(), Arc::default(), more);
        bed.discord.announce(&commands()).await.unwrap();
        bed
    }

    /// The same after a restart: what was in memory is gone.
    pub async fn again(&self, more: &str) -> Self {
        let bed = Self::on(self.world.clone(), self.records.clone(), self.inbox.clone(), more);
        bed.discord.announce(&commands()).await.unwrap();
        bed
    }

    fn on(world: Arc<DiscordWorld>, records: Arc<MemoryRecords>, inbox: Arc<MemoryInbox>, more: &str) -> Self {
        let config: DiscordConfig = toml::from_str(&format!(
            "bot_token = \"{}\"\napplication_id = \"{}\"\npublic_key = \"{}\"\napi_url = \"{}\"\n{more}",
            world.bot_token(),
            world.application_id(),
            world.public_key(),
            world.api_url()
        ))
        .unwrap();
        let ports = Ports {
            inbox: inbox.clone(),
            completer: Arc::new(Proposals),
            records: records.clone(),
            clock: Arc::new(MachineClock),
            ids: Arc::new(CountedIds::default()),
            public_url: "https://bot.example".into(),
        };
        let discord = Discord::new("guild".into(), config, ports).unwrap();
        Self { discord, world, records, inbox }
    }

    /// What was accepted since the last look.
    pub fn said(&self) -> Vec<Incoming> {
        self.inbox.take()
    }

    /// A channel of the server, by name.
    pub fn at(&self, channel: &str) -> Address {
        Address::channel("guild", self.world.guild_id().as_str(), self.world.channel(channel).as_str())
    }
}
