//! The promise itself: alerts are sent while the bot is killed again and again at random moments; in the end each alert
//! that was acknowledged is shown exactly once.
//!
//! The world that shows them is another process that outlives every kill and handles each request in a task of its own,
//! as real platforms do: what the bot had just sent when it died is posted all the same.

use crate::figures::{Figure, Target, count};
use crate::intake::{alert, name};
use crate::site::{Site, listening, world};
use crate::wire::Connection;
use crate::{Failure, child};
use bellhop_core::capabilities::Lookup;
use bellhop_core::ports::PortResult;
use bellhop_kit::wait::within;
use bellhop_kit::wire::Remote;
use bellhop_store::{InboxKind, Store};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How the bot is treated.
#[derive(Clone, Copy, Debug)]
pub struct Kills {
    /// How many alerts are sent.
    pub alerts: u64,
    /// By how many clients.
    pub clients: usize,
    /// How often the bot is killed.
    pub kills: u64,
    /// How many channels the alerts are shown in.
    pub channels: usize,
    /// The longest that the bot lives before it is killed; most lives are much shorter.
    pub longest: Duration,
    /// How long a request to the world may take, which is the quarantine too.
    pub timeout: Duration,
    /// Whether the world can say if a message was posted.
    pub lookup: Lookup,
    /// How long the rest may take once nobody kills the bot any more.
    pub patience: Duration,
}

impl Default for Kills {
    fn default() -> Self {
        Self {
            alerts: 20_000,
            clients: 32,
            kills: 40,
            channels: 32,
            longest: Duration::from_millis(1500),
            timeout: Duration::from_secs(1),
            lookup: Lookup::ByKey,
            patience: Duration::from_mins(2),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Alerts that were acknowledged.
    pub acknowledged: u64,
    /// Those of them that are shown nowhere.
    pub lost: Vec<String>,
    /// Those that are shown more than once, or in a wrong place.
    pub twice: Vec<String>,
    /// Requests that brought no answer and were repeated.
    pub repeated: u64,
    /// Messages that were looked up, since nobody knew whether they had been posted.
    pub looked_up: u64,
    /// How often the bot was killed before it listened.
    pub killed_early: u64,
    /// How long it all took.
    pub took: Duration,
    /// How much of that after the last kill.
    pub settled: Duration,
}

const PART: &str = "kills";

/// Runs it and gives the figures, beside a short run against a world that can't be asked what was posted: there some
/// alerts come twice, which also shows that the comparison would see it.
///
/// # Errors
/// As [`count_shown`].
pub async fn run(program: &Path, kills: Kills) -> Result<Vec<Figure>, Failure> {
    let counted = count_shown(program, kills).await?;
    let blind = Kills { alerts: 4_000, kills: 10, lookup: Lookup::None, ..kills };
    let blind = (count_shown(program, blind).await?, blind);
    let without = format!("{} of {} with {} kills, where the receiver has no look-up", blind.0.twice.len(), blind.1.alerts, blind.1.kills);
    let about = format!("{} alerts from {} clients, {} kill -9", crate::figures::number(count(kills.alerts)), kills.clients, kills.kills);
    let early = format!("{} kills before the bot listened", counted.killed_early);
    Ok(vec![
        Figure::new(PART, "acknowledged alerts that are shown nowhere", count(counted.lost.len() as u64), "")
            .target(Target::Exactly(0.0))
            .beside(about),
        Figure::new(PART, "alerts that are shown twice", count(counted.twice.len() as u64), "")
            .target(Target::Exactly(0.0))
            .beside(without),
        Figure::new(PART, "alerts that were acknowledged", count(counted.acknowledged), "").target(Target::Exactly(count(kills.alerts))),
        Figure::new(PART, "requests that lost their answer and were repeated", count(counted.repeated), "").beside(early),
        Figure::new(PART, "messages of unknown outcome that were looked up", count(counted.looked_up), ""),
        Figure::new(PART, "whole run", counted.took.as_secs_f64(), "s")
            .beside(format!("{:.1} s of it after the last kill", counted.settled.as_secs_f64())),
    ])
}

/// Sends, kills, waits until everything is delivered, and compares.
///
/// # Errors
/// The bot doesn't come up when it is left alone, or doesn't settle everything in time.
pub async fn count_shown(program: &Path, kills: Kills) -> Result<Counted, Failure> {
    let site = Site::new(kills.channels)?;
    let key = site.key().await?;
    let (_world, url) = world(program, kills.channels, kills.lookup).await?;
    let remote = Remote::new(&url).map_err(|error| error.to_string())?;
    let settings = child::World { url, timeout: kills.timeout, lookup: kills.lookup };
    let begun = Instant::now();

    // Where the bot listens now, and up to which number alerts may be sent: a share of them for each of the bot's lives.
    let (addresses, address) = watch::channel(None::<SocketAddr>);
    let (shares, share) = watch::channel(0_u64);
    let load = Arc::new(Load { alerts: kills.alerts, channels: kills.channels, key, next: AtomicU64::new(0), repeated: AtomicU64::new(0) });
    let mut clients = JoinSet::new();
    for _ in 0..kills.clients {
        clients.spawn(client(load.clone(), address.clone(), share.clone()));
    }
    let mut counted = Counted::default();
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for life in 1..=kills.kills {
        let mut bot = site.bot(program, Some(&settings))?;
        shares.send_replace(kills.alerts * life / (kills.kills + 1));
        let part = chance.draw();
        let lives = kills.longest.mul_f64(part * part);
        if life % 4 == 0 {
            // Some die while they start, wherever they have got to by then.
            if let Ok(listens) = tokio::time::timeout(lives / 4, listening(&mut bot)).await {
                addresses.send_replace(Some(listens?));
            }
        } else {
            addresses.send_replace(Some(listening(&mut bot).await.map_err(|error| format!("life {life} of the bot: {error}"))?));
            tokio::time::sleep(lives).await;
        }
        bot.kill().await.map_err(|error| error.to_string())?;
        counted.killed_early += u64::from(addresses.send_replace(None).is_none());
    }
    let last = Instant::now();
    let mut bot = site.bot(program, Some(&settings))?;
    addresses.send_replace(Some(listening(&mut bot).await?));
    shares.send_replace(kills.alerts);
    let sending = tokio::time::timeout(kills.patience, clients.join_all()).await;
    sending.map_err(|_| format!("not all alerts were acknowledged within {:?}; the bot said:\n{}", kills.patience, bot.output()))?;
    let store = site.store().await?;
    let settled = within(kills.patience, "an empty inbox and outbox", || async { open(&store).await.ok().filter(|open| *open == 0) }).await;
    store.close().await;
    settled.map_err(|error| format!("{error}; the bot said:\n{}", bot.output()))?;
    (counted.took, counted.settled) = (begun.elapsed(), last.elapsed());
    bot.kill().await.map_err(|error| error.to_string())?;
    counted.acknowledged = kills.alerts;
    counted.repeated = load.repeated.load(Ordering::Relaxed);
    compare(&remote, kills, &mut counted).await?;
    Ok(counted)
}

/// How much is still to be worked off or delivered. An alert leaves the inbox in the transaction that puts its card into
/// the outbox, so in this order nothing is overlooked.
async fn open(store: &Store) -> PortResult<i64> {
    let inbox = store.inbox_depth(InboxKind::Alert).await?;
    let outbox = store.outbox_depth().await?;
    Ok(inbox + outbox.ready + outbox.leased + outbox.ambiguous)
}

/// Counts on the other side what is shown, channel by channel.
async fn compare(remote: &Remote, kills: Kills, counted: &mut Counted) -> Result<(), Failure> {
    let mut shown: HashMap<String, u64> = HashMap::new();
    for channel in 0..kills.channels {
        for message in remote.messages(&format!("C{}", channel + 1)).await.map_err(|error| error.to_string())? {
            let title = message.card.title;
            let found = title
                .split(|c: char| !c.is_alphanumeric() && c != '-')
                .find_map(|word| Some((word, word.strip_prefix("bench-")?.parse::<u64>().ok()?)));
            let (name, number) = found.ok_or_else(|| format!("a message in channel {channel} shows no alert of this run: {title:?}"))?;
            // In a place where it doesn't belong it is one too many.
            let here = number % kills.channels as u64 == channel as u64;
            *shown.entry(name.to_owned()).or_default() += if here { 1 } else { 2 };
        }
    }
    counted.lost = (0..kills.alerts).map(name).filter(|name| !shown.contains_key(name)).collect();
    counted.twice = shown.into_iter().filter(|(_, times)| *times > 1).map(|(name, _)| name).collect();
    let ledger = remote.ledger().await.map_err(|error| error.to_string())?;
    counted.looked_up = ledger.finds;
    Ok(())
}

struct Load {
    alerts: u64,
    channels: usize,
    key: String,
    next: AtomicU64,
    repeated: AtomicU64,
}

/// Sends alerts, each as often as it takes until it is acknowledged. The key of a repetition is the same, so that an
/// acknowledgement that got lost makes no second alert.
async fn client(load: Arc<Load>, mut address: watch::Receiver<Option<SocketAddr>>, mut share: watch::Receiver<u64>) {
    let mut connection = None;
    loop {
        let number = load.next.fetch_add(1, Ordering::Relaxed);
        if number >= load.alerts || share.wait_for(|share| number < *share).await.is_err() {
            return;
        }
        let head = format!("{}Idempotency-Key: {}\r\n", load.key, name(number));
        let body = alert(number, load.channels);
        while !acknowledged(&mut connection, &mut address, &head, &body).await {
            load.repeated.fetch_add(1, Ordering::Relaxed);
            // Nobody listens, or not any more: soon somebody does, at another address.
            let _ = tokio::time::timeout(Duration::from_millis(20), address.changed()).await;
        }
    }
}

async fn acknowledged(
    connection: &mut Option<Connection>,
    address: &mut watch::Receiver<Option<SocketAddr>>,
    head: &str,
    body: &str,
) -> bool {
    let mut open = if let Some(open) = connection.take() {
        open
    } else {
        let Some(address) = address.wait_for(Option::is_some).await.ok().and_then(|address| *address) else { return false };
        let Ok(open) = Connection::open(address).await else { return false };
        open
    };
    let good = open.send("POST /alerts/generic", head, body.as_bytes()).await.map(|answer| answer.status == 200);
    if good.is_ok() {
        *connection = Some(open);
    }
    good.unwrap_or(false)
}

/// Numbers from 0 to 1 that look drawn by chance (xorshift). When the bot dies depends on the machine as well.
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        count(self.0 >> 40) / f64::from(1 << 24)
    }
}
