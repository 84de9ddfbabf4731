//! Discord is a chat platform like the others: every sentence of the port's contract, against the strict Discord of the test kit and
//! judged by what a person sees there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests end the test where something is wrong")]

use async_trait::async_trait;
use bellhop_core::Card;
use bellhop_core::Retry;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::{Attachment, Audience, Handle};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{ChatPlatform as _, Completer, Completion, Post};
use bellhop_discord::{Discord, DiscordConfig, Ports};
use bellhop_kit::clock::CountedIds;
use bellhop_kit::conformance::chat::{Observe, Subject, suite};
use bellhop_kit::discord::{Behaviour, ChannelSpec, DiscordWorld, MachineClock, Settings};
use bellhop_kit::memory::{MemoryInbox, MemoryRecords};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A port that the contract doesn't touch.
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

fn adapter(world: &DiscordWorld, records: Arc<MemoryRecords>) -> Arc<Discord> {
    let config: DiscordConfig = toml::from_str(&format!(
        "bot_token = \"{}\"\napplication_id = \"{}\"\npublic_key = \"{}\"\napi_url = \"{}\"",
        world.bot_token(),
        world.application_id(),
        world.public_key(),
        world.api_url()
    ))
    .unwrap();
    let ports = Ports {
        inbox: Arc::new(MemoryInbox::default()),
        completer: Arc::new(Nothing),
        records,
        clock: Arc::new(MachineClock),
        ids: Arc::new(CountedIds::default()),
        public_url: "https://bot.example".into(),
    };
    Discord::new("guild".into(), config, ports).unwrap()
}

fn reported(file: &Value) -> Attachment {
    Attachment {
        id: file["id"].as_str().unwrap().to_owned(),
        name: file["filename"].as_str().unwrap().to_owned(),
        content_type: "application/octet-stream".into(),
        size: file["size"].as_u64(),
        handle: Handle(json!({ "id": file["id"], "url": file["url"] })),
    }
}

async fn subject() -> Subject {
    bellhop_kit::install_tls();
    let world = Arc::new(DiscordWorld::start_with(Settings::default().unlimited()).await.unwrap());
    let channel = world.add_channel(&ChannelSpec::public("room"));
    let (ann, bob) = (world.person("ann"), world.person("bob"));
    let guild = world.guild_id();
    let person = |id: &str| UserRef { chat: "guild".into(), workspace: guild.as_str().into(), user: id.into() };
    let watched = world.clone();
    let observe: Observe = Arc::new(move |at, reader| {
        let (world, see) = (watched.clone(), watched.observe());
        Box::pin(async move {
            let mut seen = see(at.clone(), reader.clone()).await;
            // What is for one person alone, and answers no interaction, comes directly and says about which channel it is.
            let person = [world.person("ann"), world.person("bob")].into_iter().find(|person| person.id == reader.user.as_str());
            if let Some(person) = person.filter(|_| at.workspace.as_str() != "@me") {
                let about = format!("<#{}>", at.channel);
                let direct = person.sees("@bellhop").into_iter().filter(|message| message.content.contains(&about));
                seen.extend(direct.map(|message| bellhop_kit::conformance::chat::Seen {
                    id: message.id,
                    text: message.text,
                    ..bellhop_kit::conformance::chat::Seen::default()
                }));
            }
            // Discord opens no mail addresses; one that is shown in words is as far as it leads.
            for message in &mut seen {
                let shown = message.text.split(['(', ')', ' ']).filter(|word| word.starts_with("mailto:")).map(str::to_owned);
                message.links.extend(shown.collect::<Vec<_>>());
            }
            seen
        })
    });
    Subject {
        platform: adapter(&world, Arc::default()),
        channel: Address::channel("guild", guild.as_str(), channel.as_str()),
        channel_name: "room".into(),
        person: person(&ann.id),
        person_name: "ann".into(),
        other: person(&bob.id),
        observe,
        attach: Some(world.attach(&ann, reported)),
    }
}

#[tokio::test]
async fn discord_keeps_the_contract_of_a_chat_platform() {
    suite(subject).await;
}

/// Sends as a lane does: what is put off waits, and what may have been posted is looked for first.
async fn lane(discord: &Discord, to: &Address, key: &str) {
    let post = Post {
        key: key.into(),
        to: to.clone(),
        card: Card::text(format!("says {key}")),
        audience: Audience::Everyone,
        answers: None,
        reply: None,
    };
    let mut doubtful = false;
    for _ in 0..50 {
        let found = if doubtful { discord.find(to, &post.key).await } else { Ok(None) };
        let sent = match found {
            Ok(Some(_)) => return,
            Ok(None) => discord.deliver(&post).await.map(|_| ()),
            Err(error) => Err(error),
        };
        match sent {
            Ok(()) => return,
            Err(error) => {
                doubtful |= error.maybe_done;
                if let Retry::After(pause) = error.retry {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
    panic!("{key} was not sent in 50 tries");
}

#[tokio::test]
async fn lost_answers_and_waits_lose_nothing_double_nothing_and_hurry_nothing() {
    bellhop_kit::install_tls();
    let world = DiscordWorld::start_with(Settings::default()).await.unwrap();
    let post = |behaviour: Behaviour| Behaviour { route: Some("POST /channels/{channel}/messages".into()), ..behaviour };
    world.behave(post(Behaviour { refuse: Some(429), retry_after: 1.0, times: Some(1), ..Behaviour::default() }));
    world.also_behave(post(Behaviour { lose_percent: 15, reset_percent: 5, ..Behaviour::default() }));
    let records = Arc::new(MemoryRecords::default());
    let guild = world.guild_id();
    let channels: Vec<Address> = (0..4)
        .map(|n| Address::channel("guild", guild.as_str(), world.add_channel(&ChannelSpec::public(&format!("lane-{n}"))).as_str()))
        .collect();
    // Two processes share the records, as replicas do.
    let replicas = [adapter(&world, records.clone()), adapter(&world, records)];
    let lanes = channels.iter().enumerate().map(|(at, to)| {
        let discord = &replicas[at % 2];
        async move {
            for n in 0..12 {
                lane(discord, to, &format!("{at}-{n}")).await;
            }
        }
    });
    futures::future::join_all(lanes).await;
    let ann = world.person("ann");
    for (at, _) in channels.iter().enumerate() {
        let said: Vec<String> = ann.sees(&format!("#lane-{at}")).into_iter().map(|seen| seen.text).collect();
        assert_eq!(said, (0..12).map(|n| format!("says {at}-{n}")).collect::<Vec<_>>(), "in order, once each");
    }
    let ledger = world.ledger();
    assert_eq!(ledger.duplicates(), []);
    assert_eq!(ledger.violations(), Vec::<String>::new());
    assert!(ledger.lost_answers > 0, "nothing went wrong, so nothing was shown");
    assert!(ledger.all_limited() <= 1, "{:?}", ledger.limited);
}

#[tokio::test]
async fn waits_are_known_to_other_processes() {
    bellhop_kit::install_tls();
    let world = DiscordWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let records = Arc::new(MemoryRecords::default());
    let to = Address::channel("guild", world.guild_id().as_str(), world.channel("general").as_str());
    world.behave(Behaviour {
        route: Some("POST /channels/{channel}/messages".into()),
        refuse: Some(429),
        retry_after: 30.0,
        times: Some(1),
        ..Behaviour::default()
    });
    let post = |key: &str| Post {
        key: key.into(),
        to: to.clone(),
        card: Card::text("x"),
        audience: Audience::Everyone,
        answers: None,
        reply: None,
    };
    let first = adapter(&world, records.clone());
    assert!(matches!(first.deliver(&post("a")).await.unwrap_err().retry, Retry::After(pause) if pause > Duration::from_secs(25)));
    let other = adapter(&world, records);
    assert!(matches!(other.deliver(&post("b")).await.unwrap_err().retry, Retry::After(pause) if pause > Duration::from_secs(25)));
    assert_eq!(world.ledger().calls_of("POST /channels/{channel}/messages"), 1, "nobody called again");
}
