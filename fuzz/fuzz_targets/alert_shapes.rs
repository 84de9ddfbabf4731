//! Any body is read as alerts or refused with a reason; what is taken keeps its bounds and hides nothing.
#![no_main]

#[path = "../../bot/src/alerts/shapes.rs"]
mod shapes;

use bellhop_core::alert::AlertSignal;
use bellhop_core::clock::Timestamp;
use libfuzzer_sys::fuzz_target;

fn check(signals: Result<Vec<AlertSignal>, shapes::ShapeError>) {
    match signals {
        Ok(signals) => {
            assert!(signals.len() <= shapes::MOST);
            for signal in signals {
                for text in [&signal.name, &signal.summary, &signal.severity, &signal.description] {
                    assert!(!text.chars().any(|c| c != '\n' && c != '\t' && bellhop_core::text::is_hidden(c)), "{text:?} hides something");
                }
                assert!(!signal.fingerprint.as_str().is_empty(), "an alert without a fingerprint");
            }
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

fuzz_target!(|body: &[u8]| {
    let now = Timestamp::from_timestamp_millis(1_793_620_800_000).expect("a moment");
    check(shapes::alertmanager(body, now));
    check(shapes::api_v2(body, now));
    check(shapes::generic(body, now));
});
