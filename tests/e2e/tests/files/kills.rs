//! The bot is ended without warning in the middle of a put. After the restart the file is there once and whole, and
//! nothing of the first try is left.

use super::{House, Kind};
use bellhop_e2e::PATIENCE;
use bellhop_e2e::console::Person;
use bellhop_e2e::eyes::pattern;
use bellhop_kit::faults::Fault;
use bellhop_kit::wait::until;
use std::time::Duration;

#[tokio::test]
async fn kill_9_in_the_middle_of_a_put_leaves_one_whole_file() {
    let mut house = House::open("").await;
    let ada = Person::log_in(&house.bot, "you").await;
    let bytes = pattern(24 << 20);
    let kinds = [Kind::S3, Kind::Azure];
    for kind in kinds {
        house.road(kind).set(Fault::Latency(Duration::from_millis(20)));
        let upload = ada.attach("big.bin", &bytes).await;
        ada.send("general", &format!("/file put {}:big.bin", kind.store()), &[upload]).await;
    }
    for kind in kinds {
        until(PATIENCE, "the upload to begin", || async { (!house.unfinished(kind).await.is_empty()).then_some(()) }).await;
        assert_eq!(house.seen(kind, "big.bin").await, None, "nothing half-written is to be seen");
    }
    house.bot.program().kill().await.unwrap();
    for kind in kinds {
        assert_eq!(house.seen(kind, "big.bin").await, None);
        house.road(kind).set(Fault::None);
    }
    house.bot.go().await;
    for kind in kinds {
        until(PATIENCE, "the file", || async { house.seen(kind, "big.bin").await }).await;
        house.holds(kind, "big.bin", &bytes, "application/octet-stream").await;
        assert_eq!(house.names(kind).await, ["big.bin"]);
    }
    let ada = Person::log_in(&house.bot, "you").await;
    until(PATIENCE, "both answers", || async {
        let said = ada.reads("general").into_iter().filter(|message| message.text.contains("Stored big.bin")).count();
        (said == 2).then_some(())
    })
    .await;
    assert_eq!(house.versions(Kind::S3, "big.bin").await.len(), 1, "it was stored once");
    for kind in kinds {
        assert_eq!(house.unfinished(kind).await, Vec::<String>::new(), "what the first try sent is given up");
    }
}
