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
}

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
    let mut task = tokio::spawn(work(call));
    let mut seen = 0;
    loop {
        match tokio::time::timeout(deadline, &mut task).await {
            Ok(Ok(answer)) => return Ran::Answered(answer),
            Ok(Err(stopped)) => return Ran::Panicked(panic_message(stopped)),
            Err(_) => {
                let now = steps.load(Ordering::Relaxed);
                if now == seen {
                    task.abort();
                    return Ran::TimedOut;
                }
                seen = now;
            }
        }
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
}
