//! Alerts taken in: 64 clients, one alert per request, each acknowledged after its commit, while what was accepted is
//! worked off and delivered beside. Every alert is another one, so each becomes a row, a card and a delivery.

use crate::figures::{Figure, Target, count, millis, quantile};
use crate::site::{Site, listening, metric, world};
use crate::wire::Connection;
use crate::{Failure, child};
use bellhop_core::Ids as _;
use bellhop_core::capabilities::Lookup;
use bellhop_store::{InboxKind, NewInbox};
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How the load is made.
#[derive(Clone, Copy, Debug)]
pub struct Intake {
    /// How many clients.
    pub clients: usize,
    /// How many places the alerts are shown in.
    pub channels: usize,
    /// How long before anything is counted.
    pub warm_up: Duration,
    /// How long is counted.
    pub measured: Duration,
}

impl Default for Intake {
    fn default() -> Self {
        Self { clients: 64, channels: 32, warm_up: Duration::from_secs(1), measured: Duration::from_secs(10) }
    }
}

const PART: &str = "intake";

/// Measures it, beside what the same database does without group commit.
///
/// # Errors
/// The bot doesn't start, or refuses an alert.
pub async fn run(program: &Path, load: Intake) -> Result<Vec<Figure>, Failure> {
    let alone = one_by_one(Duration::from_secs(3)).await?;
    let flushes = flushes(Duration::from_secs(1))?;
    let site = Site::new(load.channels)?;
    let key = site.key().await?;
    let (_world, url) = world(program, load.channels, Lookup::ByKey).await?;
    let mut bot = site.bot(program, Some(&child::World { url, timeout: Duration::from_secs(5), lookup: Lookup::ByKey }))?;
    let address = listening(&mut bot).await?;
    let begun = Instant::now() + load.warm_up;
    let ended = begun + load.measured;
    // Two clocks in one place: clients by themselves, and the look at the deliveries at both ends of the window.
    let mut clients = Vec::new();
    let number = Rc::new(Cell::new(0_u64));
    for _ in 0..load.clients {
        clients.push(client(address, key.clone(), number.clone(), load.channels, begun..ended));
    }
    let watch = async {
        tokio::time::sleep_until(begun).await;
        let before = delivered(address).await?;
        tokio::time::sleep_until(ended).await;
        Ok::<_, Failure>(delivered(address).await? - before)
    };
    let clients = async {
        let local = tokio::task::LocalSet::new();
        let mut running = JoinSet::new();
        for client in clients {
            running.spawn_local_on(client, &local);
        }
        local.run_until(running.join_all()).await.into_iter().collect::<Result<Vec<_>, _>>()
    };
    let (times, delivered) = tokio::join!(clients, watch);
    bot.kill().await.map_err(|error| error.to_string())?;
    let (mut times, delivered) = (times?.concat(), delivered?);
    times.sort_unstable();
    let seconds = load.measured.as_secs_f64();
    let rate = count(times.len() as u64) / seconds;
    let baseline = format!(
        "{} /s with one row per commit (same database, no HTTP); the disk flushes {} times a second",
        crate::figures::number(alone),
        crate::figures::number(flushes)
    );
    Ok(vec![
        Figure::new(PART, format!("alerts acknowledged after commit, {} clients", load.clients), rate, "/s")
            .target(Target::AtLeast(10_000.0))
            .beside(baseline),
        Figure::new(PART, "latency p50", millis(quantile(&times, 0.5)), "ms"),
        Figure::new(PART, "latency p99", millis(quantile(&times, 0.99)), "ms").target(Target::Below(20.0)),
        Figure::new(PART, "latency p99.9", millis(quantile(&times, 0.999)), "ms"),
        Figure::new(PART, "delivered beside", delivered / seconds, "/s")
            .beside(format!("over HTTP to {} channels, one at a time in each", load.channels)),
    ])
}

async fn client(
    address: SocketAddr,
    key: String,
    number: Rc<Cell<u64>>,
    channels: usize,
    window: std::ops::Range<Instant>,
) -> Result<Vec<Duration>, Failure> {
    let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
    let mut times = Vec::with_capacity(4096);
    loop {
        let now = number.get();
        number.set(now + 1);
        let body = alert(now, channels);
        let sent = Instant::now();
        if sent >= window.end {
            return Ok(times);
        }
        let answer = connection.send("POST /alerts/generic", &key, body.as_bytes()).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("an alert was answered with {}: {}", answer.status, String::from_utf8_lossy(answer.body)));
        }
        let done = Instant::now();
        if sent >= window.start && done < window.end {
            times.push(done - sent);
        }
    }
}

/// An alert as monitors send them, different from all others, for one of the channels.
#[must_use]
pub fn alert(number: u64, channels: usize) -> String {
    let lane = number % channels.max(1) as u64;
    format!(
        r#"{{"name":"{}","status":"firing","severity":"critical","summary":"/var on host-{number} is at 97 %","labels":{{"host":"host-{number}","lane":"{lane}","service":"shop"}},"url":"https://runbooks.example/disk"}}"#,
        name(number)
    )
}

/// The name of the alert of this number.
#[must_use]
pub fn name(number: u64) -> String {
    format!("bench-{number:06}")
}

async fn delivered(address: SocketAddr) -> Result<f64, Failure> {
    let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
    let answer = connection.send("GET /metrics", "", b"").await.map_err(|error| error.to_string())?;
    Ok(metric(&String::from_utf8_lossy(answer.body), "bellhop_deliveries_total", "outcome=\"done\""))
}

/// The same rows, one per commit: what the database does when every alert waits for a flush of its own.
async fn one_by_one(time: Duration) -> Result<f64, Failure> {
    let site = Site::new(0)?;
    let store = site.store().await?;
    let (begun, mut written) = (Instant::now(), 0_u64);
    while begun.elapsed() < time {
        let row = NewInbox {
            source: "alerts.generic".into(),
            key: bellhop::clock::RandomIds.next(),
            kind: InboxKind::Alert,
            body: alert(written, 1),
        };
        store.accept(vec![row]).await.map_err(|error| error.to_string())?;
        written += 1;
    }
    let rate = count(written) / begun.elapsed().as_secs_f64();
    store.close().await;
    Ok(rate)
}

/// How often the disk flushes 4 KiB in a second.
fn flushes(time: Duration) -> Result<f64, Failure> {
    use std::io::Write as _;
    let flush = || -> std::io::Result<f64> {
        let mut file = tempfile::tempfile()?;
        let (begun, mut done) = (Instant::now(), 0_u64);
        while begun.elapsed() < time {
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            done += 1;
        }
        Ok(count(done) / begun.elapsed().as_secs_f64())
    };
    flush().map_err(|error| format!("the disk can't be measured: {error}"))
}
