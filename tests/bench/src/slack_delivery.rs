//! Deliveries against Slack's limits: how much of one message a second and channel is used, and whether anything is lost,
//! doubled or sent too early while answers get lost and the bot is killed. The receiver is the kit's strict Slack, which has
//! the limits of the vendor's page and no tolerance.

use crate::Failure;
use crate::figures::{Figure, Target, count};
use crate::site::{Site, listening};
use bellhop::outbox::notice;
use bellhop_core::ids::DeliveryKey;
use bellhop_core::{Address, Card};
use bellhop_kit::slack::{Behaviour, ChannelSpec, Settings, SlackWorld, WorkspaceSpec};
use bellhop_kit::wait::within;
use bellhop_store::{Effects, NewDelivery};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

const PART: &str = "deliveries";
/// The channels that are posted to.
const CHANNELS: usize = 8;
/// How long the steady part is measured.
const STEADY: Duration = Duration::from_mins(2);
/// Messages a channel in the rough part, and how often the bot is killed meanwhile.
const ROUGH: usize = 25;
const KILLS: u32 = 20;
/// How long the rest may take once nobody kills the bot any more.
const PATIENCE: Duration = Duration::from_mins(4);

/// Measures both parts.
///
/// # Errors
/// The world or the bot doesn't start.
pub async fn run(program: &Path) -> Result<Vec<Figure>, Failure> {
    let steady = Place::new(usize::try_from(STEADY.as_secs()).unwrap_or(usize::MAX) + 10).await?;
    let mut bot = steady.site.bot(program, None)?;
    listening(&mut bot).await?;
    let first = within(PATIENCE, "the first message", || async { steady.world.ledger().posted.first().map(|(_, at)| *at) }).await?;
    tokio::time::sleep(STEADY).await;
    bot.kill().await.map_err(|error| error.to_string())?;
    let ledger = steady.world.ledger();
    let end = first + i64::try_from(STEADY.as_micros()).unwrap_or(i64::MAX);
    let posted = ledger.posted.iter().filter(|(_, at)| *at < end).count();
    let share = count(posted as u64) / (count(CHANNELS as u64) * STEADY.as_secs_f64());
    let early = ledger.early.len();
    let limited = ledger.all_limited();

    let rough = Place::new(ROUGH).await?;
    rough.world.behave(Behaviour { lose_percent: 2, ..Behaviour::default() });
    let begun = Instant::now();
    for life in 1..=KILLS {
        let mut bot = rough.site.bot(program, None)?;
        listening(&mut bot).await?;
        // Lives of 0.2 to 2.4 s, in no particular order.
        tokio::time::sleep(Duration::from_millis(200 + u64::from(life * 7 % KILLS) * 115)).await;
        bot.kill().await.map_err(|error| error.to_string())?;
    }
    let mut bot = rough.site.bot(program, None)?;
    listening(&mut bot).await?;
    let all = rough.keys.iter().map(String::as_str);
    let waited = within(PATIENCE, "all messages", || async { rough.world.ledger().lost(all.clone()).is_empty().then_some(()) }).await;
    bot.kill().await.map_err(|error| error.to_string())?;
    let after = rough.world.ledger();
    if let Err(why) = &waited {
        return Err(format!("{why}; the bot said:\n{}", bot.output()));
    }
    Ok(vec![
        Figure::new(PART, format!("share of 1 message/s/channel used, {CHANNELS} channels, {} s", STEADY.as_secs()), share, "")
            .target(Target::AtLeast(0.95))
            .beside(format!("{limited} answers of 429")),
        Figure::new(PART, "calls before a Retry-After ended", count((early + after.early.len()) as u64), "").target(Target::Exactly(0.0)),
        Figure::new(PART, "messages lost", count(after.lost(all).len() as u64), "").target(Target::Exactly(0.0)).beside(format!(
            "{} messages, 2 % of the answers lost ({} of them), {KILLS} kill -9, {:.0} s",
            rough.keys.len(),
            after.lost_answers,
            begun.elapsed().as_secs_f64()
        )),
        Figure::new(PART, "messages twice", count(after.duplicates().len() as u64), "").target(Target::Exactly(0.0)),
    ])
}

/// A workspace, a bot that belongs to it, and messages that wait in its outbox.
struct Place {
    world: SlackWorld,
    site: Site,
    keys: Vec<String>,
}

impl Place {
    async fn new(each: usize) -> Result<Self, Failure> {
        let channels = (0..CHANNELS).map(|number| ChannelSpec::public(&format!("lane-{number}"))).collect();
        let workspace = WorkspaceSpec { channels, ..WorkspaceSpec::new("bench") };
        let world = SlackWorld::start_with(Settings { workspaces: vec![workspace], ..Settings::default() }).await?;
        let site = Site::with(&format!(
            "\n[chat.work]\nkind = \"slack\"\ntransport = \"http\"\nbot_token = \"{}\"\nsigning_secret = \"{}\"\napi_url = \"{}\"\n",
            world.bot_token(),
            world.signing_secret(),
            world.api_url()
        ))?;
        let mut outbox = Vec::new();
        for number in 0..each {
            for channel in 0..CHANNELS {
                let to = Address::channel("work", world.team_id(), world.channel(&format!("lane-{channel}")));
                outbox.push(NewDelivery {
                    key: DeliveryKey::new(format!("bench-{channel}-{number}")),
                    to,
                    card_key: None,
                    payload: serde_json::to_value(notice(Card::text(format!("message {number}")))).map_err(|error| error.to_string())?,
                    not_before: None,
                });
            }
        }
        let keys = outbox.iter().map(|delivery| delivery.key.to_string()).collect();
        let store = site.store().await?;
        store.commit(Effects { outbox, ..Effects::default() }).await.map_err(|error| error.to_string())?;
        store.close().await;
        Ok(Self { world, site, keys })
    }
}
