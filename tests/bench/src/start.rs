//! The program as people start it: how soon it is ready, how much memory it takes when nobody asks anything of it, and
//! how long one command from the terminal takes.

use crate::Failure;
use crate::figures::{Figure, Target, median, millis};
use crate::site::{Site, listening, this_program};
use crate::wire::Connection;
use bellhop_kit::process::{Program, run as run_program};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::Instant;

const PART: &str = "start";
/// How often each is measured; the middle counts.
const TIMES: usize = 10;
/// How long the bot is left alone before its memory is looked at.
const IDLE: Duration = Duration::from_secs(2);
/// How long building the program may take.
const BUILD: Duration = Duration::from_mins(30);

/// Builds the release program, unless it is up to date, and says where it is.
///
/// # Errors
/// It can't be built; the message has cargo's last words.
pub async fn release_program() -> Result<PathBuf, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut build = Command::new(env!("CARGO"));
    // This package beside it, so that both are built with the same features of what they share.
    build.current_dir(&root).args(["build", "--release", "--package", "bellhop", "--package", "bellhop-bench", "--bins"]);
    let ended = run_program(&mut build, b"", BUILD).await?;
    if ended.code != 0 {
        let last: Vec<&str> = ended.err.lines().rev().take(20).collect();
        return Err(format!("the release program can't be built:\n{}", last.into_iter().rev().collect::<Vec<_>>().join("\n")));
    }
    let this = this_program()?;
    let target =
        this.ancestors().find(|folder| folder.join("release").is_dir()).ok_or("there is no folder of release programs above this one")?;
    let program = target.join("release").join("bellhop");
    if program.is_file() { Ok(program) } else { Err(format!("{} was not built", program.display())) }
}

/// Measures it.
///
/// # Errors
/// The program doesn't start or a command fails.
pub async fn run(program: &Path) -> Result<Vec<Figure>, Failure> {
    let site = Site::new(0)?;
    let first = until_ready(program, &site).await?.0;
    let mut times = Vec::new();
    for _ in 0..TIMES {
        times.push(until_ready(program, &site).await?.0);
    }
    let (_, bot) = until_ready(program, &site).await?;
    tokio::time::sleep(IDLE).await;
    let idle = memory(bot.pid(), "VmRSS:").ok_or("the bot's memory can't be looked at")?;
    let mut beside = Vec::new();
    for _ in 0..TIMES {
        beside.push(help(program, &site).await?);
    }
    drop(bot);
    let mut alone = Vec::new();
    for _ in 0..TIMES {
        alone.push(help(program, &site).await?);
    }
    let bytes = std::fs::metadata(program).map_err(|error| error.to_string())?.len();
    Ok(vec![
        Figure::new(PART, "ready, from the start to the first 200 of /readyz", millis(median(times)), "ms")
            .target(Target::Below(200.0))
            .beside(format!("{:.0} ms the first time, with an empty folder", millis(first))),
        Figure::new(PART, "idle memory after 2 s", crate::figures::count(idle) / 1024.0, "MiB")
            .target(Target::Below(40.0))
            .beside(format!("the program's file has {:.0} MiB", crate::figures::count(bytes) / f64::from(1 << 20))),
        Figure::new(PART, "say -- help", millis(median(alone)), "ms")
            .target(Target::Below(100.0))
            .beside(format!("{:.0} ms while a bot runs on the same database", millis(median(beside)))),
    ])
}

async fn until_ready(program: &Path, site: &Site) -> Result<(Duration, Program), Failure> {
    let begun = Instant::now();
    let mut bot = Program::start(Command::new(program).arg("--config").arg(site.config()))?;
    let address = listening(&mut bot).await?;
    loop {
        let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
        if connection.send("GET /readyz", "", b"").await.is_ok_and(|answer| answer.status == 200) {
            return Ok((begun.elapsed(), bot));
        }
        if begun.elapsed() > Duration::from_secs(30) {
            return Err(format!("the bot is not ready after 30 s; it said:\n{}", bot.output()));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn help(program: &Path, site: &Site) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let ran =
        run_program(Command::new(program).arg("--config").arg(site.config()).args(["say", "--", "help"]), b"", Duration::from_secs(30))
            .await?;
    let took = begun.elapsed();
    if ran.code == 0 && ran.out.contains("file") {
        Ok(took)
    } else {
        Err(format!("`say -- help` ended with {}: {}{}", ran.code, ran.out, ran.err))
    }
}

/// A line of a process's `/proc/PID/status`, in KiB (`VmRSS:` for its memory now, `VmHWM:` for the most it ever had).
#[must_use]
pub fn memory(pid: u32, line: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|text| text.strip_prefix(line)?.trim().strip_suffix("kB")?.trim().parse().ok())
}
