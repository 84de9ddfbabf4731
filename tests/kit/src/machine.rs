//! The machine's own clock, for worlds that others than the tests' bots speak to.

use bellhop_core::{Clock, Timestamp};
use std::time::SystemTime;

/// The machine's time.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the world stands for another machine, which has a time of its own")]
        SystemTime::now().into()
    }
}
