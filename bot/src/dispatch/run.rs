//! Runs a command so that nothing it does can take the bot with it: a panic becomes an answer, and so does a command
//! that gets no further.

use bellhop_core::call::Call;
use bellhop_core::error::CommandError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What came of it.
pub enum Ran<T> {
    /// It came to an end by itself.
    Answered(Result<T, CommandError>),
    /// It got no further for the whole deadline, and was stopped.
    TimedOut,
    /// It panicked, with this message.
    Panicked(String),
    /// It was cancelled, and didn't end by itself in the time that it then had.
    Cancelled,
}

/// How long a command that was cancelled has to come to an end by itself.
pub const GRACE: Duration = Duration::from_secs(5);

/// Does a command's work in a task of its own. Every report of progress gives it the whole deadline again.
#[expect(clippy::disallowed_methods, reason = "the task is joined or aborted right here, and its own task is what contains a panic")]
pub async fn guarded<T, W>(mut call: Call, deadline: Duration, work: impl FnOnce(Call) -> W) -> Ran<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T, CommandError>> + Send + 'static,
{
    let steps = Arc::new(AtomicU64::new(0));
    let (report, counted) = (call.progress.clone(), steps.clone());
    call.progress = Arc::new(move |progress| {
        counted.fetch_add(1, Ordering::Relaxed);
        report(progress);
    });
    let stop = call.stop.clone();
    let mut task = Aborting(tokio::spawn(work(call)));
    let mut seen = 0;
    loop {
        let ended = tokio::select! {
            ended = tokio::time::timeout(deadline, &mut task.0) => ended,
            () = stop.cancelled() => match tokio::time::timeout(GRACE, &mut task.0).await {
                Ok(ended) => Ok(ended),
                Err(_) => return Ran::Cancelled,
            },
        };
        match ended {
            Ok(Ok(answer)) => return Ran::Answered(answer),
            Ok(Err(stopped)) => return Ran::Panicked(panic_message(stopped)),
            Err(_) => {
                let now = steps.load(Ordering::Relaxed);
                if now == seen {
                    return Ran::TimedOut;
                }
                seen = now;
            }
        }
    }
}

/// A task that ends when nobody waits for it any more: whoever ran it has lost the right to, or given up.
struct Aborting<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn panic_message(stopped: tokio::task::JoinError) -> String {
    match stopped.try_into_panic() {
        Ok(payload) => match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => payload.downcast::<&'static str>().map_or_else(|_| "of unknown kind".to_owned(), |text| (*text).to_owned()),
        },
        Err(_) => "cancelled".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::{Access, Address, Caller, UserRef};

    fn call() -> Call {
        Call {
            id: "c1".into(),
            caller: Caller {
                user: UserRef { chat: "c".into(), workspace: "w".into(), user: "u".into() },
                name: "u".into(),
                access: Access::Member,
                zone: chrono_tz::Tz::UTC,
            },
            at: Address::channel("c", "w", "x"),
            now: bellhop_core::Timestamp::UNIX_EPOCH,
            attachments: Vec::new(),
            progress: Arc::new(|_| ()),
            stop: bellhop_core::ports::Stop::new(),
        }
    }

    #[tokio::test]
    async fn whatever_work_does_there_is_an_outcome() {
        let short = Duration::from_millis(10);
        assert!(matches!(guarded(call(), short, async |_| Ok(5)).await, Ran::Answered(Ok(5))));
        let ran: Ran<()> = guarded(call(), short, async |_| panic!("a bug")).await;
        assert!(matches!(ran, Ran::Panicked(why) if why == "a bug"));
        let ran: Ran<()> = guarded(call(), short, async |_| std::future::pending().await).await;
        assert!(matches!(ran, Ran::TimedOut));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_command_has_a_moment_to_answer_and_is_ended_then() {
        let stopped = call();
        stopped.stop.cancel();
        let ran = guarded(stopped.clone(), Duration::from_mins(1), async |call: Call| {
            call.stop.cancelled().await;
            Ok(7)
        });
        assert!(matches!(ran.await, Ran::Answered(Ok(7))));
        let began = tokio::time::Instant::now();
        let ran: Ran<()> = guarded(stopped, Duration::from_mins(1), async |_| std::future::pending().await).await;
        assert!(matches!(ran, Ran::Cancelled));
        assert_eq!(began.elapsed(), GRACE);
    }
}
