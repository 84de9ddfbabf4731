//! A program watched from its start to its end: how long it took, how much it worked, and the most memory that it had.

use crate::Failure;
use crate::start::memory;
use bellhop_kit::process::Program;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::Instant;

/// How often a program is looked at. Its peak and its work are kept by the system, so only the last moments can be missed.
const LOOK: Duration = Duration::from_millis(5);
/// How long it may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// The system counts a process's work in hundredths of a second.
const TICKS: f64 = 100.0;

/// What a program took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// From its start to its end.
    pub time: Duration,
    /// The most memory that it had, in KiB.
    pub peak: u64,
    /// The seconds that processors worked for it.
    pub work: f64,
}

/// Runs a program to its end.
///
/// # Errors
/// It fails, with what it printed, or takes too long.
pub async fn watched(command: &mut Command) -> Result<Cost, Failure> {
    let begun = Instant::now();
    let mut program = Program::start(command)?;
    let mut cost = Cost::default();
    let status = loop {
        cost.peak = cost.peak.max(memory(program.pid(), "VmHWM:").unwrap_or_default());
        cost.work = work(program.pid()).unwrap_or(cost.work);
        if begun.elapsed() > PATIENCE {
            return Err(format!("this takes longer than {PATIENCE:?}"));
        }
        if let Ok(status) = program.wait(LOOK).await {
            break status;
        }
    };
    cost.time = begun.elapsed();
    if status.success() { Ok(cost) } else { Err(format!("a command failed ({status}):\n{}", program.output())) }
}

/// The seconds that a process has worked, for itself and in the system.
fn work(pid: u32) -> Option<f64> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in brackets and may have spaces.
    let mut fields = line.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (own, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    // One that has ended and is not collected yet has no figures any more.
    (own + system > 0.0).then_some((own + system) / TICKS)
}

/// The middle of several costs, each of its figures by itself.
#[must_use]
pub fn middle(costs: &[Cost]) -> Cost {
    let mut work: Vec<f64> = costs.iter().map(|cost| cost.work).collect();
    work.sort_by(f64::total_cmp);
    Cost {
        time: crate::figures::median(costs.iter().map(|cost| cost.time).collect()),
        // Of memory the most counts.
        peak: costs.iter().map(|cost| cost.peak).max().unwrap_or_default(),
        work: work.get(work.len() / 2).copied().unwrap_or_default(),
    }
}
