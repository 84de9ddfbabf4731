//! What the benchmark program becomes when it starts itself again: the bot, with the test platform beside the console,
//! or that platform's world. Both print where they listen and run until they are ended.

use bellhop::app::{App, Options};
use bellhop::config::Config;
use bellhop::outbox::Pace;
use bellhop::secrets::Redaction;
use bellhop::telemetry;
use bellhop::wiring::{Chat, Parts};
use bellhop_core::capabilities::Lookup;
use bellhop_http::Limits;
use bellhop_kit::wire::{Settings, WireChat, serve};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::TcpListener;

use crate::Failure;

/// The name of the connection to the world in the bot's configuration.
pub const CHAT: &str = "wire";
/// What stands before the address on the line that says where a child listens.
pub const LISTENS: &str = "listening on http://";

/// Where the world is, and how long a request to it may take.
#[derive(Clone, Debug)]
pub struct World {
    /// Its address.
    pub url: String,
    /// The longest time of a request. It is the outbox's quarantine as well.
    pub timeout: Duration,
    /// Whether it can say if a message was posted.
    pub lookup: Lookup,
}

static WORLD: OnceLock<World> = OnceLock::new();

/// Runs the bot until it is told to stop (SIGTERM). Without `works` it takes in and works nothing off.
///
/// # Errors
/// Why it could not be started.
pub async fn bot(config: &Path, world: Option<World>, works: bool) -> Result<(), Failure> {
    let redaction = Redaction::default();
    telemetry::start_logs(&redaction, "warn");
    let _ = telemetry::metrics();
    let config = Config::read(Some(config), &redaction).map_err(|error| error.to_string())?;
    let mut options = Options { works, ..Options::default() };
    if let Some(world) = world {
        options.pace = Pace { quarantine: world.timeout, ..options.pace };
        options.chats = Some(Arc::new(chats));
        let _ = WORLD.set(world);
    }
    let app = App::build(config, options, true).await.map_err(|error| error.to_string())?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(|error| error.to_string())?;
    let stop = async move {
        let _ = terminate.recv().await;
    };
    app.run(stop, |running| say(&running.address.to_string())).await.map_err(|error| error.to_string())
}

fn chats(_: &Parts) -> Vec<Chat> {
    let connection = WORLD.get().map(|world| {
        let limits = Limits { total: world.timeout, connect: world.timeout, ..Limits::default() };
        WireChat::new(CHAT, &world.url, world.lookup, limits)
    });
    match connection {
        Some(Ok(platform)) => vec![Chat { platform: Arc::new(platform), routes: axum::Router::new(), console: None }],
        // Without it the routes lead nowhere, which the bot says by itself.
        None | Some(Err(_)) => Vec::new(),
    }
}

/// Serves a world with so many channels (`c0`, `c1`, ...) until it is ended. Each request is handled in a task of its
/// own and goes on when whoever sent it is killed.
///
/// # Errors
/// It can't listen.
pub async fn world(channels: usize, lookup: Lookup) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    say(&listener.local_addr().map_err(|error| error.to_string())?.to_string());
    let settings = Settings { channels: (0..channels).map(|number| format!("c{number}")).collect(), ..Settings::new(lookup) };
    serve(listener, settings).await.map_err(|error| error.to_string())
}

fn say(address: &str) {
    let mut out = std::io::stdout();
    // Nobody reads it any more: then nobody waits for it either.
    let _ = writeln!(out, "{LISTENS}{address}").and_then(|()| out.flush());
}
