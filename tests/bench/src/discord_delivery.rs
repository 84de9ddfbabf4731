//! Deliveries against Discord's limits: how much of what moving buckets allow is used, and whether anything is lost, doubled or sent
//! before a reset while answers get lost and the bot is killed. The receiver is the kit's strict Discord.

use crate::Failure;
use crate::figures::{Figure, Target, count};
use crate::site::{Site, listening};
use bellhop::outbox::notice;
use bellhop_core::ids::DeliveryKey;
use bellhop_core::{Address, Card};
use bellhop_kit::discord::{Behaviour, ChannelSpec, DiscordWorld, GuildSpec, Limits, Moving, Settings};
use bellhop_kit::wait::within;
use bellhop_store::{Effects, NewDelivery};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

const PART: &str = "discord deliveries";
/// The channels that are posted to.
const CHANNELS: usize = 20;
/// How long the steady part is measured.
const STEADY: Duration = Duration::from_secs(75);
/// Messages a channel in the rough part, and how often the bot is killed meanwhile.
const ROUGH: usize = 15;
const KILLS: u32 = 20;
/// How long the rest may take once nobody kills the bot any more.
const PATIENCE: Duration = Duration::from_mins(2);

/// Buckets whose numbers and hashes move every few seconds.
fn moving() -> Limits {
    let seconds = Duration::from_secs;
    let steps = vec![(5, seconds(5)), (3, seconds(2)), (10, seconds(8)), (2, seconds(3)), (4, seconds(3))];
    Limits { messages: Moving { steps, every: seconds(9) }, ..Limits::default() }
}

/// Measures both parts.
///
/// # Errors
/// The world or the bot doesn't start.
pub async fn run(program: &Path) -> Result<Vec<Figure>, Failure> {
    let steady = Place::new(150).await?;
    let mut bot = steady.site.bot(program, None)?;
    listening(&mut bot).await?;
    let posted = || steady.world.ledger().posted;
    let begun = within(PATIENCE, "the first message", || async { posted().first().map(|(_, at)| *at) }).await?;
    tokio::time::sleep(STEADY).await;
    bot.kill().await.map_err(|error| error.to_string())?;
    let end = begun + i64::try_from(STEADY.as_micros()).unwrap_or(i64::MAX);
    let done = posted().iter().filter(|(_, at)| *at < end).count();
    let allowed = steady.world.allowed(begun, end);
    let ledger = steady.world.ledger();

    let rough = Place::new(ROUGH).await?;
    rough.world.behave(Behaviour { lose_percent: 2, ..Behaviour::default() });
    let started = Instant::now();
    for life in 1..=KILLS {
        let mut bot = rough.site.bot(program, None)?;
        listening(&mut bot).await?;
        // Lives of 0.2 to 2.4 s, in no particular order.
        tokio::time::sleep(Duration::from_millis(200 + u64::from(life * 7 % KILLS) * 115)).await;
        bot.kill().await.map_err(|error| error.to_string())?;
    }
    let mut bot = rough.site.bot(program, None)?;
    listening(&mut bot).await?;
    let missing = || {
        let seen = rough.seen();
        rough.texts.iter().filter(|text| !seen.contains_key(*text)).count()
    };
    let waited = within(PATIENCE, "all messages", || async { (missing() == 0).then_some(()) }).await;
    bot.kill().await.map_err(|error| error.to_string())?;
    if let Err(why) = &waited {
        return Err(format!("{why}; {} are missing; the bot said:\n{}", missing(), bot.output()));
    }
    let after = rough.world.ledger();
    let twice = rough.seen().values().filter(|count| **count > 1).count();
    Ok(vec![
        Figure::new(
            PART,
            format!("share of the allowed rate used, {CHANNELS} channels with moving buckets, {} s", STEADY.as_secs()),
            count(done as u64) / allowed,
            "",
        )
        .target(Target::AtLeast(0.95))
        .beside(format!("{done} messages of {allowed:.0}; {} answers of 429", ledger.all_limited())),
        Figure::new(PART, "calls before a reset", count((ledger.early.len() + after.early.len()) as u64), "")
            .target(Target::Exactly(0.0))
            .beside(after.early.iter().chain(&ledger.early).next().cloned().unwrap_or_default()),
        Figure::new(PART, "messages lost", count(missing() as u64), "").target(Target::Exactly(0.0)).beside(format!(
            "{} messages, 2 % of the answers lost ({} of them), {KILLS} kill -9, {:.0} s",
            rough.texts.len(),
            after.lost_answers,
            started.elapsed().as_secs_f64()
        )),
        Figure::new(PART, "messages twice", count(twice as u64), "").target(Target::Exactly(0.0)),
    ])
}

/// A guild, a bot that belongs to it, and messages that wait in its outbox.
struct Place {
    world: DiscordWorld,
    site: Site,
    texts: Vec<String>,
}

impl Place {
    async fn new(each: usize) -> Result<Self, Failure> {
        let channels = (0..CHANNELS).map(|number| ChannelSpec::public(&format!("lane-{number}"))).collect();
        let guild = GuildSpec { channels, ..GuildSpec::new("bench") };
        let world = DiscordWorld::start_with(Settings { guilds: vec![guild], limits: moving(), ..Settings::default() }).await?;
        let site = Site::with(&format!(
            "\n[chat.work]\nkind = \"discord\"\ntransport = \"http\"\nbot_token = \"{}\"\napplication_id = \"{}\"\npublic_key = \"{}\"\n\
             api_url = \"{}\"\n",
            world.bot_token(),
            world.application_id(),
            world.public_key(),
            world.api_url()
        ))?;
        let (mut outbox, mut texts) = (Vec::new(), Vec::new());
        for number in 0..each {
            for channel in 0..CHANNELS {
                let to = Address::channel("work", world.guild_id(), world.channel(&format!("lane-{channel}")));
                let text = format!("message {number} of lane {channel}.");
                outbox.push(NewDelivery {
                    key: DeliveryKey::new(format!("bench-{channel}-{number}")),
                    to,
                    card_key: None,
                    payload: serde_json::to_value(notice(Card::text(text.clone()))).map_err(|error| error.to_string())?,
                    not_before: None,
                });
                texts.push(text);
            }
        }
        let store = site.store().await?;
        store.commit(Effects { outbox, ..Effects::default() }).await.map_err(|error| error.to_string())?;
        store.close().await;
        Ok(Self { world, site, texts })
    }

    /// What a reader sees in all channels: each text with how often it stands there.
    fn seen(&self) -> BTreeMap<String, u64> {
        let reader = self.world.person("ann");
        let mut seen = BTreeMap::new();
        for channel in 0..CHANNELS {
            for message in reader.hears(&format!("#lane-{channel}")) {
                *seen.entry(message.text.trim().to_owned()).or_default() += 1;
            }
        }
        seen
    }
}
