//! A large file there and back.

use super::ground::{BUCKET, Ground, clear};
use crate::Failure;
use crate::figures::{Figure, Target, count};
use crate::files::{fill, same};
use crate::watch::{Cost, middle, watched};
use std::path::{Path, PathBuf};

const PART: &str = "stores";
/// How often each is done; the middle counts.
const TIMES: usize = 5;
/// The file's size in MiB.
const SIZE: u64 = 1024;
/// The sizes over which memory has to stay the same, in MiB.
const SIZES: [u64; 3] = [64, 512, 1024];

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>, Failure> {
    let big = ground.path("big.bin");
    let failed = |error: std::io::Error| format!("a file can't be made or read: {error}");
    let mut figures = Vec::new();
    let mut peaks = Vec::new();
    for size in SIZES {
        fill(&big, size).map_err(failed)?;
        let put = watched(&mut put_by_bot(ground, &big)).await?;
        let got = watched(&mut get_by_bot(ground)).await?;
        if !same(&big, &ground.path("back/big.bin")).map_err(failed)? {
            return Err(format!("the {size} MiB that came back are not those that were put"));
        }
        clean(ground)?;
        peaks.push((size, put.peak, got.peak));
    }
    for (name, pick) in [("put", 1), ("get", 2)] {
        let of = |peak: &(u64, u64, u64)| count(if pick == 1 { peak.1 } else { peak.2 }) / 1024.0;
        let most = peaks.iter().map(of).fold(0.0, f64::max);
        let each: Vec<String> = peaks.iter().map(|peak| format!("{:.0} at {} MiB", of(peak), peak.0)).collect();
        figures.push(
            Figure::new(PART, format!("peak memory of file {name}, S3"), most, "MiB").target(Target::Below(100.0)).beside(each.join(", ")),
        );
    }

    // The last file that was made is the large one.
    let (mut puts, mut gets): ([Vec<Cost>; 3], [Vec<Cost>; 3]) = Default::default();
    let remote = format!("s3:{BUCKET}/big.bin");
    for _ in 0..TIMES {
        let words = ["copyto", "--ignore-times", &big.to_string_lossy(), &remote];
        for (at, mut command) in
            [ground.rclone(&words), put_by_bot(ground, &big), ground.alone("s3", "put", &big, "big.bin")].into_iter().enumerate()
        {
            clear(&ground.s3, "")?;
            std::fs::create_dir_all(ground.s3.folder().join(BUCKET)).map_err(failed)?;
            puts[at].push(watched(&mut command).await?);
        }
        let back = back(ground);
        let words = ["copyto", &remote, &back.to_string_lossy()];
        for (at, mut command) in
            [ground.rclone(&words), get_by_bot(ground), ground.alone("s3", "get", &back, "big.bin")].into_iter().enumerate()
        {
            std::fs::create_dir_all(ground.path("back")).map_err(failed)?;
            gets[at].push(watched(&mut command).await?);
            std::fs::remove_dir_all(ground.path("back")).map_err(failed)?;
        }
    }
    clean(ground)?;
    std::fs::remove_file(&big).map_err(failed)?;
    figures.extend(beside("put", &puts).into_iter().chain(beside("get", &gets)));
    Ok(figures)
}

fn back(ground: &Ground) -> PathBuf {
    ground.path("back").join("big.bin")
}

fn put_by_bot(ground: &Ground, big: &Path) -> tokio::process::Command {
    ground.say(&["file", "put", "big.bin", "--store", "s3"], Some(big), None)
}

fn get_by_bot(ground: &Ground) -> tokio::process::Command {
    ground.say(&["file", "get", "big.bin", "--store", "s3"], None, Some(&ground.path("back")))
}

fn clean(ground: &Ground) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("what was written can't be removed: {error}");
    if ground.path("back").is_dir() {
        std::fs::remove_dir_all(ground.path("back")).map_err(failed)?;
    }
    clear(&ground.s3, "")?;
    std::fs::create_dir_all(ground.s3.folder().join(BUCKET)).map_err(failed)
}

/// The time as a multiple of rclone's: of the whole bot, and of the store alone.
fn beside(way: &str, costs: &[Vec<Cost>; 3]) -> Vec<Figure> {
    let [rclone, bot, alone] = [0, 1, 2].map(|at| middle(&costs[at]));
    let told = |cost: Cost| format!("{:.1} s, {:.1} s of work, {:.0} MiB", cost.time.as_secs_f64(), cost.work, count(cost.peak) / 1024.0);
    [(format!("file {way} by the bot"), bot), (format!("{way} by the store alone"), alone)]
        .into_iter()
        .map(|(what, cost)| {
            let share = cost.time.as_secs_f64() / rclone.time.as_secs_f64().max(f64::EPSILON);
            Figure::new(PART, format!("{what}, 1 GiB, S3"), share, "x rclone").target(Target::Below(1.1)).beside(format!(
                "{}; rclone {way}: {} (middle of {TIMES}, {SIZE} MiB)",
                told(cost),
                told(rclone)
            ))
        })
        .collect()
}
