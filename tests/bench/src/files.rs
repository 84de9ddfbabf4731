//! A file of 1 GiB through the local store and back: how much memory it takes, and how long beside a plain copy.

use crate::Failure;
use crate::figures::{Figure, Target, count};
use crate::site::Site;
use crate::watch::watched;
use bellhop_kit::process::run as run_program;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::Instant;

const PART: &str = "files";
/// The file's size in MiB.
const SIZE: u64 = 1024;
const BLOCK: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_mins(10);

/// Measures it.
///
/// # Errors
/// A command fails, or what comes back differs.
pub async fn run(program: &Path) -> Result<Vec<Figure>, Failure> {
    let site = Site::new(0)?;
    let (big, back) = (site.path().join("big.bin"), site.path().join("back"));
    fill(&big, SIZE).map_err(|error| format!("the file can't be made: {error}"))?;
    let copied = copy(&big, &site.path().join("copy.bin")).await?;
    let command = |words: &[&str], file: &[&Path]| {
        let mut command = Command::new(program);
        command.arg("--config").arg(site.config()).arg("say");
        for path in file {
            command.arg("--file").arg(path);
        }
        command.arg("--out").arg(&back).arg("--").args(words);
        command
    };
    let put = watched(&mut command(&["file", "put", "big.bin"], &[&big])).await?;
    let got = watched(&mut command(&["file", "get", "big.bin"], &[])).await?;
    let back = back.join("big.bin");
    if !same(&big, &back).map_err(|error| format!("the file that came back can't be read: {error}"))? {
        return Err("the file that came back is not the one that was put".to_owned());
    }
    let speed = |time: Duration| {
        format!(
            "{:.0} MiB/s; cp and a flush of the same file: {:.1} s, {:.0} MiB/s",
            count(SIZE) / time.as_secs_f64(),
            copied.as_secs_f64(),
            count(SIZE) / copied.as_secs_f64()
        )
    };
    Ok(vec![
        Figure::new(PART, "peak memory of file put, 1 GiB", count(put.peak) / 1024.0, "MiB")
            .target(Target::Below(100.0))
            .beside("the whole program, as the system counts it"),
        Figure::new(PART, "peak memory of file get, 1 GiB", count(got.peak) / 1024.0, "MiB")
            .target(Target::Below(100.0))
            .beside("the bytes that came back are the same"),
        Figure::new(PART, "file put, 1 GiB", put.time.as_secs_f64(), "s").beside(speed(put.time)),
        Figure::new(PART, "file get, 1 GiB", got.time.as_secs_f64(), "s").beside(speed(got.time)),
    ])
}

/// Bytes that no compression shrinks and no two blocks share, so many MiB of them.
pub(crate) fn fill(path: &Path, size: u64) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let mut block = vec![0_u8; BLOCK];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..size {
        for bytes in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    file.sync_all()
}

async fn copy(from: &Path, to: &Path) -> Result<Duration, Failure> {
    let begun = Instant::now();
    for command in [Command::new("cp").arg(from).arg(to), Command::new("sync").arg(to)] {
        let ran = run_program(command, b"", PATIENCE).await?;
        if ran.code != 0 {
            return Err(format!("the file can't be copied: {}", ran.err));
        }
    }
    let took = begun.elapsed();
    std::fs::remove_file(to).map_err(|error| error.to_string())?;
    Ok(took)
}

/// Whether two files have the same bytes.
pub(crate) fn same(left: &Path, right: &Path) -> std::io::Result<bool> {
    let length = left.metadata()?.len();
    if length != right.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (File::open(left)?, File::open(right)?);
    let (mut a, mut b) = (vec![0; BLOCK], vec![0; BLOCK]);
    for _ in 0..length / BLOCK as u64 {
        left.read_exact(&mut a)?;
        right.read_exact(&mut b)?;
        if a != b {
            return Ok(false);
        }
    }
    (a, b) = (Vec::new(), Vec::new());
    left.read_to_end(&mut a)?;
    right.read_to_end(&mut b)?;
    Ok(a == b)
}
