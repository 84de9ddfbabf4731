//! Takes the figures and prints them, each beside what it is compared with: `bellhop-bench`, or `bellhop-bench NAME...`
//! for some of them.

use bellhop_bench::figures::{Figure, table};
use bellhop_bench::stores::What;
use bellhop_bench::{
    Failure, chart, child, discord, discord_delivery, discord_restarts, events, files, intake, kills, site, slack, slack_delivery, start,
    stores, teams, teams_delivery,
};
use bellhop_core::capabilities::Lookup;
use clap::{Parser, Subcommand, ValueEnum};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The figures that Bellhop is held to, measured on this machine.
#[derive(Debug, Parser)]
#[command(name = "bellhop-bench", args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
struct Cli {
    /// Which figures; all of them when none is named: intake, kills, start, chart, files, events, slack, deliveries, discord,
    /// discord-deliveries, restarts, teams, teams-deliveries, stores, copies, lists
    #[arg(value_name = "NAME")]
    parts: Vec<Part>,
    /// Where to write the figures as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The program that is measured, instead of the release build of this workspace
    #[arg(long, value_name = "BELLHOP")]
    program: Option<PathBuf>,
    #[command(subcommand)]
    child: Option<Child>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Intake,
    Kills,
    Start,
    Chart,
    Files,
    Events,
    Slack,
    Deliveries,
    Discord,
    DiscordDeliveries,
    Restarts,
    Teams,
    TeamsDeliveries,
    Stores,
    Copies,
    Lists,
}

/// What the program starts itself as.
#[derive(Debug, Subcommand)]
enum Child {
    /// The bot with the test platform beside the console
    #[command(hide = true)]
    Bot {
        /// The configuration file
        #[arg(long)]
        config: PathBuf,
        /// The world's address
        #[arg(long)]
        world: Option<String>,
        /// How long a request to the world may take, and the quarantine
        #[arg(long, default_value_t = 1000)]
        timeout_ms: u64,
        /// The world can't say what was posted
        #[arg(long)]
        no_lookup: bool,
    },
    /// The world of the test platform
    #[command(hide = true)]
    World {
        /// How many channels it has
        #[arg(long, default_value_t = 32)]
        channels: usize,
        /// It can't say what was posted
        #[arg(long)]
        no_lookup: bool,
    },
    /// Only what acknowledges Slack's deliveries, over the inbox of a bot
    #[command(hide = true)]
    SlackDoor {
        /// The configuration file
        #[arg(long)]
        config: PathBuf,
    },
    /// Only a store: puts a file into it, or gets one from it
    #[command(hide = true)]
    Store {
        /// The configuration file
        #[arg(long)]
        config: PathBuf,
        /// The store
        #[arg(long)]
        name: String,
        /// `put` or `get`
        way: stores::Way,
        /// The file on this machine
        path: PathBuf,
        /// Its name in the store
        file: String,
    },
    /// What takes the answers to commands
    #[command(hide = true)]
    SlackSink,
}

fn main() -> ExitCode {
    bellhop_kit::install_tls();
    let cli = Cli::parse();
    // The load is made by one thread, so that the other cores are the bot's; the bot itself runs as it does elsewhere.
    let runtime = match &cli.child {
        Some(Child::Bot { .. } | Child::SlackDoor { .. } | Child::Store { .. }) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()
        }
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    };
    let done = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(run(cli)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "bellhop-bench: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything could be measured.
async fn run(cli: Cli) -> Result<bool, Failure> {
    match cli.child {
        Some(Child::Bot { config, world, timeout_ms, no_lookup }) => {
            let world = world.map(|url| child::World { url, timeout: Duration::from_millis(timeout_ms), lookup: lookup(no_lookup) });
            return child::bot(&config, world, true).await.map(|()| true);
        }
        Some(Child::World { channels, no_lookup }) => return child::world(channels, lookup(no_lookup)).await.map(|()| true),
        Some(Child::SlackDoor { config }) => return child::bot(&config, None, false).await.map(|()| true),
        Some(Child::Store { config, name, way, path, file }) => {
            return stores::alone(&config, &name, way, &path, &file).await.map(|()| true);
        }
        Some(Child::SlackSink) => return slack::sink().await.map(|()| true),
        None => {}
    }
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(|error| error.to_string())?;
    tokio::select! {
        done = measure(&cli.parts, cli.program, cli.json) => done,
        // What was started is ended when the measuring is dropped.
        _ = tokio::signal::ctrl_c() => Err("interrupted".to_owned()),
        _ = terminate.recv() => Err("told to stop".to_owned()),
    }
}

const fn lookup(none: bool) -> Lookup {
    if none { Lookup::None } else { Lookup::ByKey }
}

async fn measure(parts: &[Part], release: Option<PathBuf>, json: Option<PathBuf>) -> Result<bool, Failure> {
    if cfg!(debug_assertions) {
        tell("This is a debug build: its figures say nothing. Use cargo run --release -p bellhop-bench.");
    }
    let program = site::this_program()?;
    let named = |part: Part| parts.is_empty() || parts.contains(&part);
    let release = match release {
        None if [Part::Start, Part::Files, Part::Stores, Part::Copies, Part::Lists].into_iter().any(named) => {
            tell("the release program ...");
            Some(start::release_program().await?)
        }
        given => given,
    };
    let (mut figures, mut failures): (Vec<Figure>, Vec<String>) = (Vec::new(), Vec::new());
    for part in Part::value_variants().iter().filter(|part| named(**part)) {
        let name = format!("{part:?}").to_lowercase();
        tell(&format!("{name} ..."));
        let begun = Instant::now();
        let taken = match part {
            Part::Intake => intake::run(&program, intake::Intake::default()).await,
            Part::Kills => kills::run(&program, kills::Kills::default()).await,
            Part::Start => start::run(release.as_deref().unwrap_or(&program)).await,
            Part::Chart => chart::run(),
            Part::Files => files::run(release.as_deref().unwrap_or(&program)).await,
            Part::Events => events::run(&program).await,
            Part::Slack => slack::run(&program, slack::Load::default()).await,
            Part::Deliveries => slack_delivery::run(&program).await,
            Part::Discord => discord::run(&program, discord::Load::default()).await,
            Part::DiscordDeliveries => discord_delivery::run(&program).await,
            Part::Restarts => discord_restarts::run().await,
            Part::Teams => teams::run(&program, teams::Load::default()).await,
            Part::TeamsDeliveries => teams_delivery::run(&program).await,
            Part::Stores => stores::run(&program, release.as_deref().unwrap_or(&program), What::Large).await,
            Part::Copies => stores::run(&program, release.as_deref().unwrap_or(&program), What::Many).await,
            Part::Lists => stores::run(&program, release.as_deref().unwrap_or(&program), What::Lists).await,
        };
        match taken {
            Ok(taken) => {
                tell(&format!("{name}: measured in {:.0} s", begun.elapsed().as_secs_f64()));
                figures.extend(taken);
            }
            Err(why) => failures.push(format!("{name}: {why}")),
        }
    }
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut text = format!("\n{}\nOn this machine: {cores} cores, load generator and receiver on the same ones.\n", table(&figures));
    for failure in &failures {
        text.extend(["NOT MEASURED: ", failure, "\n"]);
    }
    let _ = std::io::stdout().write_all(text.as_bytes());
    if let Some(path) = json {
        let document = serde_json::json!({ "cores": cores, "figures": figures, "failures": failures });
        std::fs::write(&path, format!("{document:#}\n")).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(failures.is_empty())
}

/// A word to whoever waits.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
