//! Many small files from store to store.

use super::ground::{BUCKET, Ground, clear};
use crate::Failure;
use crate::figures::{Figure, Target, count, number};
use crate::watch::{Cost, middle, watched};

const PART: &str = "copies";
/// How many files, of 1 to 10 KiB.
const FILES: u64 = 10_000;
/// How many at once.
const AT_ONCE: &str = "8";
const TIMES: usize = 3;

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>, Failure> {
    let failed = |error: std::io::Error| format!("the small files can't be made: {error}");
    let small = ground.path("small");
    std::fs::create_dir(&small).map_err(failed)?;
    for file in 0..FILES {
        let length = 1024 + usize::try_from(file * 7919 % 9216).unwrap_or_default();
        let bytes: Vec<u8> = (0..length as u64).map(|at| (at.wrapping_mul(31) ^ file).to_le_bytes()[0]).collect();
        std::fs::write(small.join(format!("{file:05}.bin")), bytes).map_err(failed)?;
    }
    let source = format!("s3:{BUCKET}/many");
    watched(&mut ground.rclone(&["copy", "--transfers", "16", "--checkers", "16", &small.to_string_lossy(), &source])).await?;
    std::fs::remove_dir_all(&small).map_err(failed)?;

    let mut figures = Vec::new();
    for (what, to) in [("another S3 server", "other"), ("Azure", "azure")] {
        let (mut theirs, mut ours): (Vec<Cost>, Vec<Cost>) = Default::default();
        for time in 0..TIMES {
            let target = format!("{to}:{BUCKET}/rclone-{time}");
            let words = ["copy", "--transfers", AT_ONCE, "--checkers", AT_ONCE, &source, &target];
            theirs.push(watched(&mut ground.rclone(&words)).await?);
            let target = format!("{to}:bellhop-{time}/");
            let words = ["file", "copy", "s3:many/", &target, "--parallel", AT_ONCE];
            ours.push(watched(&mut ground.say(&words, None, None)).await?);
            arrived(ground, to, &format!("bellhop-{time}/")).await?;
            for who in ["rclone", "bellhop"] {
                clear(&ground.other, &format!("{who}-{time}"))?;
            }
        }
        let (theirs, ours) = (middle(&theirs), middle(&ours));
        let told = |cost: Cost| {
            format!(
                "{:.1} s, {} files/s, {:.1} s of work, {:.0} MiB",
                cost.time.as_secs_f64(),
                number((count(FILES) / cost.time.as_secs_f64()).round()),
                cost.work,
                count(cost.peak) / 1024.0
            )
        };
        figures.push(
            Figure::new(
                PART,
                format!("file copy of 10,000 small files to {what}"),
                ours.time.as_secs_f64() / theirs.time.as_secs_f64().max(f64::EPSILON),
                "x rclone",
            )
            .target(Target::Below(1.0))
            .beside(format!("{}; rclone: {} ({AT_ONCE} at once, middle of {TIMES})", told(ours), told(theirs))),
        );
    }
    clear(&ground.s3, "many")?;
    Ok(figures)
}

/// Whether all of them are there, as the store itself lists them.
async fn arrived(ground: &Ground, store: &str, prefix: &str) -> Result<(), Failure> {
    let store = super::open(&ground.site.config(), store).await?;
    let (mut found, mut next) = (0, None::<String>);
    loop {
        let page = store.list(prefix, next.as_deref(), 1000).await.map_err(|error| error.to_string())?;
        found += page.files.len() as u64;
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    if found == FILES { Ok(()) } else { Err(format!("{found} of {FILES} files arrived")) }
}
