//! Nothing that was acknowledged is lost and nothing is shown twice, however often the bot is killed. The benchmark
//! `kills` does the same at full size.

use bellhop_bench::kills::{Kills, count_shown};
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn killed_bots_lose_nothing_and_repeat_nothing() {
    bellhop_kit::install_tls();
    let kills = Kills { alerts: 1_000, clients: 16, kills: 6, channels: 8, longest: Duration::from_secs(2), ..Kills::default() };
    let counted = count_shown(Path::new(env!("CARGO_BIN_EXE_bellhop-bench")), kills).await.unwrap();
    assert_eq!((counted.acknowledged, counted.lost.as_slice(), counted.twice.as_slice()), (1_000, &[][..], &[][..]), "{counted:?}");
}
