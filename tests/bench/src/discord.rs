//! Signed interactions beside discord-interactions on express, which Discord's guide uses: CPU time per request.
//!
//! Both verify the signature and promise an answer. Bellhop has the command durably in its inbox by then; express has kept nothing.
//! CPU time is compared, since requests per second drift with the machine's load.

use crate::Failure;
use crate::figures::{Figure, Target, count, millis, quantile};
use crate::site::{Site, listening};
use crate::slack::{cpu, peers, settle};
use crate::wire::Connection;
use bellhop_kit::discord::{DiscordWorld, Settings, signature};
use bellhop_kit::process::Program;
use serde_json::json;
use std::cell::Cell;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::Instant;

const PART: &str = "discord";
/// The seed of the key that requests are signed with (RFC 8032, test 1), and the key that belongs to it.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// How the load is made.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Connections at once.
    pub connections: usize,
    /// Requests before anything is counted.
    pub warm_up: u64,
    /// Requests that are counted.
    pub counted: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self { connections: 32, warm_up: 3_000, counted: 20_000 }
    }
}

struct Taken {
    cpu: Duration,
    rate: f64,
    times: Vec<Duration>,
}

/// Measures both.
///
/// # Errors
/// A program doesn't start, or refuses a request.
pub async fn run(program: &Path, load: Load) -> Result<Vec<Figure>, Failure> {
    let world = DiscordWorld::start_with(Settings::default().unlimited()).await?;
    let site = Site::with(&format!(
        "\n[chat.work]\nkind = \"discord\"\ntransport = \"http\"\nbot_token = \"{}\"\napplication_id = \"{}\"\npublic_key = \"{KEY}\"\n\
         api_url = \"{}\"\n",
        world.bot_token(),
        world.application_id(),
        world.api_url()
    ))?;
    let mut express = Command::new("node");
    express.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("opponents/discord-express.mjs")).arg(KEY);
    let express = measure(Program::start(express.env("BELLHOP_PEERS", peers("discord-interactions")?))?, &world, load).await?;
    let door = Program::start(Command::new(program).arg("slack-door").arg("--config").arg(site.config()))?;
    let ours = measure(door, &world, load).await?;
    let micros = |taken: &Taken| taken.cpu.as_secs_f64() * 1e6;
    Ok(vec![
        Figure::new(PART, "CPU per interaction, acknowledged after commit", micros(&ours), "us")
            .beside(format!("{:.0} us of discord-interactions on express, in the same run", micros(&express))),
        Figure::new(PART, "that as a share of express's", micros(&ours) / micros(&express), "").target(Target::Below(0.2)),
        Figure::new(PART, format!("interactions a second, {} connections", load.connections), ours.rate, "/s")
            .beside(format!("{:.0} /s of express", express.rate)),
        Figure::new(PART, "time to the acknowledgement p99, flat out", millis(quantile(&ours.times, 0.99)), "ms")
            .beside(format!("{:.1} ms of express", millis(quantile(&express.times, 0.99)))),
    ])
}

async fn measure(mut server: Program, world: &DiscordWorld, load: Load) -> Result<Taken, Failure> {
    let address = listening(&mut server).await?;
    flat_out(address, world, load.connections, load.warm_up).await?;
    settle(server.pid()).await?;
    let (before, begun) = (cpu(server.pid())?, Instant::now());
    let mut times = flat_out(address, world, load.connections, load.counted).await?;
    let took = begun.elapsed();
    settle(server.pid()).await?;
    let spent = cpu(server.pid())?.saturating_sub(before);
    server.kill().await.map_err(|error| error.to_string())?;
    times.sort_unstable();
    let each = u32::try_from(load.counted).map_err(|error| error.to_string())?;
    Ok(Taken { cpu: spent / each, rate: count(load.counted) / took.as_secs_f64(), times })
}

async fn flat_out(address: SocketAddr, world: &DiscordWorld, connections: usize, requests: u64) -> Result<Vec<Duration>, Failure> {
    let left = Rc::new(Cell::new(requests));
    let place: Rc<[String; 3]> = Rc::new([world.application_id(), world.guild_id(), world.channel("ops")]);
    let person = Rc::new(world.person("ann").id);
    let local = tokio::task::LocalSet::new();
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let (left, place, person) = (left.clone(), place.clone(), person.clone());
        clients.spawn_local_on(
            async move {
                let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
                let mut times = Vec::new();
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    times.push(send(&mut connection, &place, &person).await?);
                }
                Ok::<_, Failure>(times)
            },
            &local,
        );
    }
    let times = local.run_until(clients.join_all()).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(times.concat())
}

thread_local! {
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// One signed command, different from all others; how long its acknowledgement took.
async fn send(connection: &mut Connection, [app, guild, channel]: &[String; 3], person: &str) -> Result<Duration, Failure> {
    let number = NUMBER.replace(NUMBER.get() + 1);
    let mut seed = [0; 32];
    for (byte, digits) in seed.iter_mut().zip(SEED.as_bytes().chunks(2)) {
        *byte = std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(0);
    }
    let user = json!({ "id": person, "username": "ann", "global_name": "Ann", "avatar": null, "discriminator": "0", "public_flags": 0 });
    let body = json!({
        "id": (1_100_000_000_000_000_000 + number).to_string(), "application_id": app, "type": 2, "token": format!("token-{number}"), "version": 1,
        "guild_id": guild, "channel_id": channel, "channel": { "id": channel, "type": 0, "name": "ops", "guild_id": guild },
        "data": { "id": "1100000000000000001", "name": "status", "type": 1 },
        "member": { "user": user, "roles": [], "permissions": "2248473465835073", "joined_at": "2026-01-01T00:00:00.000000+00:00", "deaf": false, "mute": false, "flags": 0 },
        "app_permissions": "2252197903592528", "locale": "en-US", "guild_locale": "en-US", "entitlements": [], "context": 0,
        "authorizing_integration_owners": { "0": guild }, "attachment_size_limit": 10_485_760,
    })
    .to_string();
    #[expect(clippy::disallowed_methods, reason = "requests are signed with the time of this machine")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs().to_string();
    let mark = signature(&seed, &now, body.as_bytes());
    let head = format!("Content-Type: application/json\r\nX-Signature-Timestamp: {now}\r\nX-Signature-Ed25519: {mark}\r\n");
    let begun = Instant::now();
    let answer = connection.send("POST /chat/work", &head, body.as_bytes()).await.map_err(|error| error.to_string())?;
    // A promise of an answer: anything else was no acknowledgement of a command.
    let text = String::from_utf8_lossy(answer.body);
    if answer.status == 200 && text.contains("\"type\":5") {
        Ok(begun.elapsed())
    } else {
        Err(format!("an interaction was answered with {}: {text}", answer.status))
    }
}
