//! A command from the terminal while it runs: how far it is, on standard error where a person looks at that; the end of it
//! when they press Ctrl-C, or when someone cancels it from elsewhere.

use crate::calls::CallBook;
use crate::headway::Headway;
use bellhop_core::card::Progress;
use bellhop_core::clock::Clock;
use bellhop_core::ports::{RunningCall, Stop};
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often progress is shown.
const EVERY: Duration = Duration::from_millis(250);
/// After how long the call is known to others, and how often it is looked whether it is still wanted.
const LOOK: Duration = Duration::from_secs(1);
/// How wide a line is shown: what is longer would break on most terminals.
const WIDTH: usize = 110;

/// What a running command is watched with.
pub struct Watch {
    /// Where running calls are known by.
    pub calls: Arc<CallBook>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The call.
    pub running: RunningCall,
    /// Cancels it.
    pub stop: Stop,
    /// Whether progress is shown.
    pub shown: bool,
}

/// Whether a person looks at standard error.
pub fn looked_at() -> bool {
    std::io::stderr().is_terminal()
}

impl Watch {
    /// Waits for the work, and shows how far it is. Nothing when the person wanted it ended at once.
    pub async fn over<T>(&self, work: impl Future<Output = T>, progress: watch::Receiver<Option<Progress>>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let mut headway = Headway::default();
        let (mut noted, mut line) = (false, Line::default());
        let mut looked = Instant::now();
        let mut tick = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let ended = loop {
            tokio::select! {
                ended = &mut work => break Some(ended),
                pressed = tokio::signal::ctrl_c() => {
                    if self.stop.is_cancelled() || pressed.is_err() {
                        break None;
                    }
                    self.stop.cancel();
                    line.clear();
                    let _ = writeln!(std::io::stderr(), "bellhop: cancelling; press Ctrl-C again to end it at once");
                }
                _ = tick.tick() => {
                    let now = progress.borrow().clone();
                    if let Some(now) = now.filter(|_| self.shown) {
                        line.show(&headway.seen(now, self.clock.now()));
                    }
                    if looked.elapsed() >= LOOK {
                        looked = Instant::now();
                        self.look(&mut noted).await;
                    }
                }
            }
        };
        line.clear();
        if noted && let Err(error) = self.calls.end(&self.running.id).await {
            tracing::debug!(%error, "the end of the call could not be noted");
        }
        ended
    }

    async fn look(&self, noted: &mut bool) {
        if !*noted {
            *noted = self.calls.begin(&self.running).await.is_ok();
        } else if !self.stop.is_cancelled() && self.calls.cancelled(&self.running.id).await.is_ok_and(|by| by.is_some()) {
            self.stop.cancel();
        }
    }
}

/// A line that is written over itself.
#[derive(Default)]
struct Line {
    there: bool,
}

impl Line {
    fn show(&mut self, progress: &Progress) {
        let text = bellhop_core::text::shorten(&bellhop_core::text::one_line(&words(progress)), WIDTH);
        // What can't be shown there is nobody's loss.
        let _ = write!(std::io::stderr(), "\r\x1b[K{text}").and_then(|()| std::io::stderr().flush());
        self.there = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.there) {
            let _ = write!(std::io::stderr(), "\r\x1b[K").and_then(|()| std::io::stderr().flush());
        }
    }
}

fn words(progress: &Progress) -> String {
    let percent = progress.percent().map_or(String::new(), |percent| format!(" \u{b7} {percent} %"));
    format!("{} \u{b7} {}{percent}", progress.what, progress.figures())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::access::Access;
    use bellhop_core::ports::Calls as _;
    use bellhop_core::{Address, Call, Caller, UserRef};
    use bellhop_kit::memory::MemoryRecords;

    #[test]
    fn the_line_says_everything() {
        let progress = Progress { rate: Some(38 << 20), left: Some(16), ..Progress::bytes("Copying a to b", 412 << 20, Some(1 << 30)) };
        assert_eq!(words(&progress), "Copying a to b · 412 MiB of 1 GiB · 38 MiB/s · about 16 s left · 40 %");
    }

    #[tokio::test]
    async fn it_can_be_cancelled_from_elsewhere() {
        let user = UserRef { chat: "c".into(), workspace: "w".into(), user: "u".into() };
        let stop = Stop::new();
        let call = Call {
            id: "c9".into(),
            caller: Caller { user: user.clone(), name: "Ann".into(), access: Access::Member, zone: chrono_tz::Tz::UTC },
            at: Address::channel("c", "w", "x"),
            now: bellhop_core::Timestamp::UNIX_EPOCH,
            attachments: Vec::new(),
            progress: Arc::new(|_| ()),
            stop: Stop::new(),
        };
        let watch = Watch {
            calls: Arc::new(CallBook::new(Arc::new(MemoryRecords::default()))),
            clock: Arc::new(crate::clock::SystemClock),
            running: RunningCall { id: "s1".into(), from: user, name: "Ann".into(), line: "x".into(), since: call.now },
            stop: stop.clone(),
            shown: false,
        };
        let (_report, progress) = watch::channel(None);
        let cancelling = bellhop_kit::wait::until(Duration::from_secs(30), "the call to be known and cancelled", async || {
            watch.calls.cancel(&call, &"s1".into()).await.ok()
        });
        let (ended, _) = tokio::join!(watch.over(stop.cancelled(), progress), cancelling);
        assert_eq!(ended, Some(()));
        assert!(watch.calls.cancel(&call, &"s1".into()).await.is_err(), "it is over");
    }
}
