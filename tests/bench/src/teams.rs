//! Signed activities beside Microsoft's own SDK for JavaScript: CPU time per request.
//!
//! Twice the same comparison. "Acknowledged": both check the token and answer with an empty 200; Bellhop has the message durably in
//! its inbox by then, the SDK has kept nothing. "Answered": both also send a message back by the connector; Bellhop's goes through
//! dispatch, audit and outbox. CPU time is compared, since requests per second drift with the machine's load.

use crate::Failure;
use crate::figures::{Figure, Target, count};
use crate::site::{Site, listening};
use crate::slack::{cpu, settle};
use crate::wire::Connection;
use bellhop_kit::peers::teams::agent;
use bellhop_kit::process::Program;
use bellhop_kit::teams::{Settings, TeamsWorld};
use bellhop_kit::wait::within;
use serde_json::{Value, json};
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::Path;
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
    /// Requests that are acknowledged and counted.
    pub acknowledged: u64,
    /// Requests that are answered and counted.
    pub answered: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self { connections: 16, warm_up: 1_000, acknowledged: 8_000, answered: 1_500 }
    }
}

const PART: &str = "teams";
/// How long the answers may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is measured: who acknowledges, and whether an answer is sent as well.
enum Side {
    Sdk { answers: bool },
    Door,
    Bot,
}

/// Measures all of it.
///
/// # Errors
/// A program doesn't start, or refuses a request.
pub async fn run(program: &Path, load: Load) -> Result<Vec<Figure>, Failure> {
    let acknowledged = [measure(program, &Side::Sdk { answers: false }, load).await?, measure(program, &Side::Door, load).await?];
    let answered = [measure(program, &Side::Sdk { answers: true }, load).await?, measure(program, &Side::Bot, load).await?];
    let mut figures = Vec::new();
    for (name, [sdk, ours]) in [("acknowledged after commit", &acknowledged), ("acknowledged and answered", &answered)] {
        let beside = format!("{:.0} us of Microsoft's SDK, in the same run", sdk.cpu.as_secs_f64() * 1e6);
        figures.push(Figure::new(PART, format!("CPU per activity, {name}"), ours.cpu.as_secs_f64() * 1e6, "us").beside(beside));
        let ratio = ours.cpu.as_secs_f64() / sdk.cpu.as_secs_f64();
        let figure = Figure::new(PART, format!("that as a share of the SDK's, {name}"), ratio, "");
        figures.push(if name.ends_with("commit") { figure.target(Target::Below(0.2)) } else { figure });
        let beside = format!("{:.0} /s of the SDK", sdk.rate);
        figures.push(
            Figure::new(PART, format!("activities a second, {name}, {} connections", load.connections), ours.rate, "/s").beside(beside),
        );
    }
    Ok(figures)
}

struct Taken {
    cpu: Duration,
    rate: f64,
}

async fn measure(program: &Path, side: &Side, load: Load) -> Result<Taken, Failure> {
    bellhop_kit::install_tls();
    let world = TeamsWorld::start_with(Settings::default().unlimited()).await?;
    let site = Site::with(&format!("\n[chat.work]\n{}", world.config()))?;
    let (mut server, path, line) = match side {
        Side::Sdk { answers } => {
            let line = if *answers { "echo Bellhop is well." } else { "quiet" };
            (Program::start(&mut agent(&world)?)?, "/api/messages", line)
        }
        Side::Door => (Program::start(Command::new(program).arg("slack-door").arg("--config").arg(site.config()))?, "/chat/work", "usage"),
        Side::Bot => (Program::start(Command::new(program).arg("bot").arg("--config").arg(site.config()))?, "/chat/work", "usage"),
    };
    let address = listening(&mut server).await?;
    let sender = Sender::new(&world, path, line, address);
    let answers = matches!(side, Side::Bot | Side::Sdk { answers: true });
    sender.flat_out(load.connections, if answers { load.warm_up / 4 } else { load.warm_up }).await?;
    settle(server.pid()).await?;
    let requests = if answers { load.answered } else { load.acknowledged };
    let (before, begun, posted) = (cpu(server.pid())?, Instant::now(), world.ledger().posted.len());
    sender.flat_out(load.connections, requests).await?;
    let took = begun.elapsed();
    if answers {
        let wanted = posted + usize::try_from(requests).map_err(|error| error.to_string())?;
        let all = within(PATIENCE, "all answers", || async { (world.ledger().posted.len() >= wanted).then_some(()) }).await;
        all.map_err(|why| format!("{why}; the server said:\n{}", server.output()))?;
    }
    // What was acknowledged is worked off; its CPU time counts, too.
    settle(server.pid()).await?;
    let spent = cpu(server.pid())?.saturating_sub(before);
    server.kill().await.map_err(|error| error.to_string())?;
    let each = u32::try_from(requests).map_err(|error| error.to_string())?;
    Ok(Taken { cpu: spent / each, rate: count(requests) / took.as_secs_f64() })
}

/// Sends messages of one person to the bot, each different from all others. One token does for an hour, as the connector has it.
struct Sender {
    address: SocketAddr,
    path: &'static str,
    head: String,
    activity: Value,
    number: Rc<Cell<u64>>,
}

impl Sender {
    fn new(world: &TeamsWorld, path: &'static str, line: &str, address: SocketAddr) -> Self {
        let mut activity = world.activity("message", &world.person("ann"), "@bellhop");
        activity["text"] = json!(line);
        activity["textFormat"] = json!("plain");
        let head = format!("Content-Type: application/json; charset=utf-8\r\nAuthorization: {}\r\n", world.authorization());
        Self { address, path, head, activity, number: Rc::default() }
    }

    async fn flat_out(&self, connections: usize, requests: u64) -> Result<(), Failure> {
        let left = Rc::new(Cell::new(requests));
        let local = tokio::task::LocalSet::new();
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            let (left, number, address) = (left.clone(), self.number.clone(), self.address);
            let (line, head, mut activity) = (format!("POST {}", self.path), self.head.clone(), self.activity.clone());
            clients.spawn_local_on(
                async move {
                    let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
                    while left.get() > 0 {
                        left.set(left.get() - 1);
                        number.set(number.get() + 1);
                        activity["id"] = json!((1_600_000_000_000 + number.get()).to_string());
                        let answer =
                            connection.send(&line, &head, activity.to_string().as_bytes()).await.map_err(|error| error.to_string())?;
                        if !matches!(answer.status, 200..=202) {
                            return Err(format!(
                                "an activity was answered with {}: {}",
                                answer.status,
                                String::from_utf8_lossy(answer.body)
                            ));
                        }
                    }
                    Ok::<_, Failure>(())
                },
                &local,
            );
        }
        local.run_until(clients.join_all()).await.into_iter().collect()
    }
}
