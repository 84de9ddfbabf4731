//! Deliveries against the limits of Teams: how much of the documented windows is used over several conversations, and whether
//! anything is lost, doubled or sent too early while answers get lost and the bot is killed. The receiver is the kit's strict Teams,
//! which has the windows of the vendor's page and no tolerance.

use crate::Failure;
use crate::figures::{Figure, Target, count};
use crate::site::{Site, listening};
use bellhop::outbox::notice;
use bellhop_core::ids::DeliveryKey;
use bellhop_core::{Address, Card};
use bellhop_kit::process::Program;
use bellhop_kit::teams::{Behaviour, ChannelSpec, Settings, TeamSpec, TeamsWorld};
use bellhop_kit::wait::within;
use bellhop_store::{Effects, NewDelivery};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

const PART: &str = "teams-deliveries";
/// The conversations that are posted to.
const CONVERSATIONS: usize = 10;
/// How long the steady part is measured, and what the windows allow a conversation in that time: 60 in any 30 seconds is the narrowest.
const STEADY: Duration = Duration::from_secs(90);
const ALLOWED: usize = 180;
/// Messages a conversation in the rough part, and how often the bot is killed meanwhile.
const ROUGH: usize = 20;
const KILLS: u32 = 20;
/// How long the rest may take once nobody kills the bot any more.
const PATIENCE: Duration = Duration::from_mins(2);

/// Measures both parts.
///
/// # Errors
/// The world or the bot doesn't start.
pub async fn run(program: &Path) -> Result<Vec<Figure>, Failure> {
    let steady = Place::new(program, ALLOWED + 20).await?;
    let mut bot = steady.bot(program).await?;
    let first = within(PATIENCE, "the first message", || async { steady.world.ledger().posted.first().map(|(_, at)| *at) }).await?;
    tokio::time::sleep(STEADY).await;
    bot.kill().await.map_err(|error| error.to_string())?;
    let ledger = steady.world.ledger();
    let end = first + i64::try_from(STEADY.as_micros()).unwrap_or(i64::MAX);
    let posted = ledger.posted.iter().filter(|(_, at)| *at < end).count();
    let share = count(posted as u64) / count((CONVERSATIONS * ALLOWED) as u64);
    let (early, limited) = (ledger.early.len(), ledger.all_limited());

    let rough = Place::new(program, ROUGH).await?;
    rough.world.behave(Behaviour { call: Some("send".into()), lose_percent: 2, ..Behaviour::default() });
    let begun = Instant::now();
    for life in 1..=KILLS {
        let mut bot = rough.bot(program).await?;
        // Lives of 0.2 to 2.4 s, in no particular order.
        tokio::time::sleep(Duration::from_millis(200 + u64::from(life * 7 % KILLS) * 115)).await;
        bot.kill().await.map_err(|error| error.to_string())?;
    }
    let mut bot = rough.bot(program).await?;
    let waited = within(PATIENCE, "all messages", || async { rough.copies().values().all(|copies| *copies > 0).then_some(()) }).await;
    bot.kill().await.map_err(|error| error.to_string())?;
    let (after, copies) = (rough.world.ledger(), rough.copies());
    if let Err(why) = &waited {
        return Err(format!("{why}; the bot said:\n{}", bot.output()));
    }
    let lost = copies.values().filter(|copies| **copies == 0).count();
    let twice = copies.values().filter(|copies| **copies > 1).count();
    let about = format!(
        "{} messages, 2 % of the answers lost ({} of them), {KILLS} kill -9, {:.0} s",
        copies.len(),
        after.lost_answers,
        begun.elapsed().as_secs_f64()
    );
    let bound = format!("of {} sends with an unknown outcome at most: lost answers, and one a conversation at each kill", {
        after.lost_answers + u64::from(KILLS) * CONVERSATIONS as u64
    });
    let others: Vec<String> = ledger.violations.iter().chain(&after.violations).cloned().collect();
    Ok(vec![
        Figure::new(PART, format!("share of the windows used, {CONVERSATIONS} conversations, {} s", STEADY.as_secs()), share, "")
            .target(Target::AtLeast(0.95))
            .beside(format!("{posted} messages, {limited} answers of 429")),
        Figure::new(PART, "calls before a Retry-After ended", count((early + after.early.len()) as u64), "").target(Target::Exactly(0.0)),
        Figure::new(PART, "calls out of shape", count(others.len() as u64), "").target(Target::Exactly(0.0)).beside(others.join("; ")),
        Figure::new(PART, "messages lost", count(lost as u64), "").target(Target::Exactly(0.0)).beside(about),
        Figure::new(PART, "messages twice, delivered at least once", count(twice as u64), "").beside(bound),
    ])
}

/// A tenant, a bot that is installed there, and messages that wait in its outbox.
struct Place {
    world: TeamsWorld,
    site: Site,
    channels: Vec<String>,
    each: usize,
}

impl Place {
    async fn new(program: &Path, each: usize) -> Result<Self, Failure> {
        bellhop_kit::install_tls();
        let names: Vec<String> = (0..CONVERSATIONS).map(|number| format!("lane-{number}")).collect();
        let team = TeamSpec { channels: names.iter().map(|name| ChannelSpec::standard(name)).collect(), ..TeamSpec::new("Acme") };
        let world = TeamsWorld::start_with(Settings { teams: vec![team], ..Settings::default() }).await?;
        let site = Site::with(&format!("\n[chat.work]\n{}", world.config()))?;
        let channels: Vec<String> = names.iter().map(|name| world.channel(name)).collect();
        let place = Self { world, site, channels, each };
        // It learns of the team, as it does when an app is installed.
        let mut bot = place.bot(program).await?;
        place.world.install("Acme").await?;
        bot.kill().await.map_err(|error| error.to_string())?;
        let mut outbox = Vec::new();
        for number in 0..each {
            for (lane, channel) in place.channels.iter().enumerate() {
                let to = Address::channel("work", place.world.tenant().as_str(), channel.as_str());
                outbox.push(NewDelivery {
                    key: DeliveryKey::new(format!("bench-{lane}-{number}")),
                    to,
                    card_key: None,
                    payload: serde_json::to_value(notice(Card::text(format!("message {number}.")))).map_err(|error| error.to_string())?,
                    not_before: None,
                });
            }
        }
        let store = place.site.store().await?;
        store.commit(Effects { outbox, ..Effects::default() }).await.map_err(|error| error.to_string())?;
        store.close().await;
        Ok(place)
    }

    async fn bot(&self, program: &Path) -> Result<Program, Failure> {
        let mut bot = self.site.bot(program, None)?;
        let address = listening(&mut bot).await?;
        self.world.deliver_to(&format!("http://{address}/chat/work"));
        Ok(bot)
    }

    /// How often a reader sees each message.
    fn copies(&self) -> BTreeMap<(usize, usize), u64> {
        let ann = self.world.person("ann");
        let mut copies: BTreeMap<(usize, usize), u64> =
            (0..self.channels.len()).flat_map(|lane| (0..self.each).map(move |number| ((lane, number), 0))).collect();
        for (lane, channel) in self.channels.iter().enumerate() {
            for seen in ann.hears(channel) {
                let number = seen.text.split_once("message ").and_then(|(_, rest)| rest.split('.').next()?.parse::<usize>().ok());
                if let Some(known) = number.and_then(|number| copies.get_mut(&(lane, number))) {
                    *known += 1;
                }
            }
        }
        copies
    }
}
