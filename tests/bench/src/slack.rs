//! Signed slash commands beside Slack's own framework: CPU time per request, and how soon the bot acknowledges.
//!
//! Twice the same comparison. "Acknowledged": both check the signature and answer with an empty 200; Bellhop has the command
//! durably in its inbox by then, the framework has kept nothing. "Answered": both also post an answer to the command's
//! response address; Bellhop's goes through dispatch, audit and outbox. CPU time is compared, since requests per second
//! drift with the machine's load.

use crate::figures::{Figure, Target, count, millis, quantile};
use crate::site::{Site, listening};
use crate::wire::Connection;
use crate::{Failure, child};
use bellhop_kit::process::Program;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::cell::Cell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How the load is made.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections at once.
    pub connections: usize,
    /// Requests before anything is counted.
    pub warm_up: u64,
    /// Requests that are counted.
    pub counted: u64,
    /// Requests a second for the latency; and for how long.
    pub rate: u32,
    /// How long the latency is measured.
    pub steady: Duration,
}

impl Default for Load {
    fn default() -> Self {
        Self { connections: 32, warm_up: 3_000, counted: 20_000, rate: 1_000, steady: Duration::from_secs(10) }
    }
}

const PART: &str = "slack";
/// The secret that both sides know.
pub const SECRET: &str = "bench-signing-secret-0123456789ab";

/// What is measured: who acknowledges, and whether an answer is posted as well.
enum Side {
    Framework { answers: bool },
    Door,
    Bot,
}

/// Measures all of it.
///
/// # Errors
/// A program doesn't start, or refuses a request.
pub async fn run(program: &Path, load: Load) -> Result<Vec<Figure>, Failure> {
    let sink = Sink::start(program).await?;
    let acknowledged =
        [measure(program, &Side::Framework { answers: false }, &sink, load).await?, measure(program, &Side::Door, &sink, load).await?];
    let answered =
        [measure(program, &Side::Framework { answers: true }, &sink, load).await?, measure(program, &Side::Bot, &sink, load).await?];
    let steady = steady(program, &sink, load).await?;
    let beside = |other: &Taken| format!("{:.0} us of the framework, in the same run", other.cpu.as_secs_f64() * 1e6);
    let mut figures = Vec::new();
    for (name, [framework, ours]) in [("acknowledged after commit", &acknowledged), ("acknowledged and answered", &answered)] {
        figures.push(Figure::new(PART, format!("CPU per command, {name}"), ours.cpu.as_secs_f64() * 1e6, "us").beside(beside(framework)));
        let ratio = ours.cpu.as_secs_f64() / framework.cpu.as_secs_f64();
        let figure = Figure::new(PART, format!("that as a share of the framework's, {name}"), ratio, "");
        figures.push(if name.ends_with("commit") { figure.target(Target::Below(0.2)) } else { figure });
        figures.push(
            Figure::new(PART, format!("commands a second, {name}, {} connections", load.connections), ours.rate, "/s")
                .beside(format!("{:.0} /s of the framework", framework.rate)),
        );
    }
    figures.push(
        Figure::new(
            PART,
            format!("latency p99 of the acknowledgement at {} commands a second", load.rate),
            millis(quantile(&steady, 0.99)),
            "ms",
        )
        .target(Target::Below(20.0))
        .beside(format!("p50 {:.1} ms; the whole bot, answering each", millis(quantile(&steady, 0.5)))),
    );
    Ok(figures)
}

struct Taken {
    cpu: Duration,
    rate: f64,
}

async fn measure(program: &Path, side: &Side, sink: &Sink, load: Load) -> Result<Taken, Failure> {
    let place = Site::with(&config(&sink.url))?;
    let mut server = start(program, side, &place, sink)?;
    let address = listening(&mut server).await?;
    flat_out(address, sink, load.connections, load.warm_up).await?;
    settle(server.pid()).await?;
    let (before, begun) = (cpu(server.pid())?, Instant::now());
    flat_out(address, sink, load.connections, load.counted).await?;
    let took = begun.elapsed();
    // What was acknowledged is worked off; its CPU time counts, too.
    settle(server.pid()).await?;
    let spent = cpu(server.pid())?.saturating_sub(before);
    server.kill().await.map_err(|error| error.to_string())?;
    let each = u32::try_from(load.counted).map_err(|error| error.to_string())?;
    Ok(Taken { cpu: spent / each, rate: count(load.counted) / took.as_secs_f64() })
}

/// Acknowledgement times at a steady rate, sorted.
async fn steady(program: &Path, sink: &Sink, load: Load) -> Result<Vec<Duration>, Failure> {
    let place = Site::with(&config(&sink.url))?;
    let mut server = start(program, &Side::Bot, &place, sink)?;
    let address = listening(&mut server).await?;
    flat_out(address, sink, load.connections, load.warm_up.min(500)).await?;
    let interval = Duration::from_secs(1) / load.rate;
    let total = u64::from(load.rate) * load.steady.as_secs();
    let number = Rc::new(Cell::new(0_u64));
    let begun = Instant::now() + Duration::from_millis(100);
    let local = tokio::task::LocalSet::new();
    let mut clients = JoinSet::new();
    for _ in 0..load.connections {
        let (number, url) = (number.clone(), sink.url.clone());
        clients.spawn_local_on(
            async move {
                let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
                let mut times = Vec::new();
                loop {
                    let now = number.replace(number.get() + 1);
                    if now >= total {
                        return Ok::<_, Failure>(times);
                    }
                    // Each request has its own moment; one that starts late is counted from that moment on.
                    let due = begun + interval.mul_f64(count(now));
                    tokio::time::sleep_until(due).await;
                    send(&mut connection, &url).await?;
                    times.push(due.elapsed());
                }
            },
            &local,
        );
    }
    let times = local.run_until(clients.join_all()).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    server.kill().await.map_err(|error| error.to_string())?;
    let mut times = times.concat();
    times.sort_unstable();
    Ok(times)
}

fn start(program: &Path, side: &Side, place: &Site, sink: &Sink) -> Result<Program, Failure> {
    match side {
        Side::Framework { answers } => Program::start(
            Command::new("node")
                .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("opponents/slack-bolt.mjs"))
                .args([SECRET, &format!("{}/api/", sink.url), if *answers { "respond" } else { "acknowledge" }])
                .env("BELLHOP_PEERS", peers("@slack/bolt")?),
        ),
        Side::Door => Program::start(Command::new(program).arg("slack-door").arg("--config").arg(place.config())),
        Side::Bot => Program::start(Command::new(program).arg("bot").arg("--config").arg(place.config())),
    }
}

/// The folder of peers, with this module in it.
pub(crate) fn peers(module: &str) -> Result<PathBuf, Failure> {
    let folder = bellhop_kit::peers::folder()?;
    if folder.join("node_modules").join(module).is_dir() {
        Ok(folder)
    } else {
        Err(format!("{module} is missing in {}; ./tests/run installs it", folder.display()))
    }
}

/// A bot on this API, which takes any number of commands of one person.
fn config(api: &str) -> String {
    format!(
        "\n[chat.work]\nkind = \"slack\"\ntransport = \"http\"\nbot_token = \"xoxb-bench\"\nsigning_secret = \"{SECRET}\"\napi_url = \"{api}/api\"\n"
    )
}

async fn flat_out(address: SocketAddr, sink: &Sink, connections: usize, requests: u64) -> Result<(), Failure> {
    let left = Rc::new(Cell::new(requests));
    let local = tokio::task::LocalSet::new();
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let (left, url) = (left.clone(), sink.url.clone());
        clients.spawn_local_on(
            async move {
                let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    send(&mut connection, &url).await?;
                }
                Ok::<_, Failure>(())
            },
            &local,
        );
    }
    local.run_until(clients.join_all()).await.into_iter().collect()
}

thread_local! {
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// One signed command, different from all others.
async fn send(connection: &mut Connection, url: &str) -> Result<(), Failure> {
    let number = NUMBER.replace(NUMBER.get() + 1);
    let url = url.replace(':', "%3A").replace('/', "%2F");
    let body = format!(
        "token=gone&team_id=T0BENCH&team_domain=bench&channel_id=C0BENCH&channel_name=ops&user_id=U0ANN&user_name=ann&command=%2Fbellhop&text=usage&response_url={url}%2Fanswer%2F{number}&trigger_id={}.{number}.bench&api_app_id=A0BENCH&is_enterprise_install=false",
        std::process::id()
    );
    #[expect(clippy::disallowed_methods, reason = "requests are signed with the time of this machine")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).map_err(|error| error.to_string())?;
    mac.update(format!("v0:{now}:{body}").as_bytes());
    let mut signature = String::with_capacity(67);
    for byte in mac.finalize().into_bytes() {
        let _ = write!(signature, "{byte:02x}");
    }
    let head = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nX-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={signature}\r\n"
    );
    let answer = connection.send("POST /chat/work", &head, body.as_bytes()).await.map_err(|error| error.to_string())?;
    if answer.status == 200 {
        Ok(())
    } else {
        Err(format!("a command was answered with {}: {}", answer.status, String::from_utf8_lossy(answer.body)))
    }
}

/// The CPU time of a process so far, of all its threads.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| format!("the CPU time can't be read: {error}"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).ok_or("the CPU time can't be read");
    // In hundredths of a second, whatever the kernel's own tick (proc(5): USER_HZ).
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

/// Waits until a process has nothing to do any more.
pub(crate) async fn settle(pid: u32) -> Result<(), Failure> {
    for _ in 0..600 {
        let before = cpu(pid)?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        // An idle bot looks around now and then; one tick in this time is nothing.
        if cpu(pid)?.saturating_sub(before) <= Duration::from_millis(10) {
            return Ok(());
        }
    }
    Err("the server doesn't come to rest".into())
}

/// Takes answers and says `ok`, as Slack's response addresses do.
struct Sink {
    url: String,
    _program: Program,
}

impl Sink {
    async fn start(program: &Path) -> Result<Self, Failure> {
        let mut sink = Program::start(Command::new(program).arg("slack-sink"))?;
        let address = listening(&mut sink).await?;
        Ok(Self { url: format!("http://{address}"), _program: sink })
    }
}

/// Runs the sink until it is ended.
///
/// # Errors
/// It can't listen.
pub async fn sink() -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{}{address}", child::LISTENS).and_then(|()| out.flush());
    let api = axum::routing::post(|| async {
        axum::Json(serde_json::json!({ "ok": true, "team_id": "T0BENCH", "user_id": "U0BELL", "channel": "C0BENCH", "ts": "1.1" }))
    });
    let routes = axum::Router::new().route("/answer/{id}", axum::routing::post(|| async { "ok" })).route("/api/{method}", api);
    axum::serve(listener, routes).await.map_err(|error| error.to_string())
}
