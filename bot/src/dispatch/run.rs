//! Runs a command so that nothing it does can take the bot with it: a panic becomes an answer, and so does a command
//! that gets no further.

use bellhop_core::call::{Call, Reply};
use bellhop_core::command::AnyCommand;
use bellhop_core::error::CommandError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What came of it.
pub enum Ran {
    /// It came to an end by itself.
    Answered(Result<Reply, CommandError>),
    /// It got no further for the whole deadline, and was stopped.
    TimedOut,
    /// It panicked, with this message.
    Panicked(String),
}

/// Runs a command in a task of its own. Every report of progress gives it the whole deadline again.
#[expect(clippy::disallowed_methods, reason = "the task is joined or aborted right here, and its own task is what contains a panic")]
pub async fn guarded(command: Arc<dyn AnyCommand>, mut call: Call, args: serde_json::Value, deadline: Duration) -> Ran {
    let steps = Arc::new(AtomicU64::new(0));
    let (report, counted) = (call.progress.clone(), steps.clone());
    call.progress = Arc::new(move |progress| {
        counted.fetch_add(1, Ordering::Relaxed);
        report(progress);
    });
    let mut task = tokio::spawn(async move { command.run(&call, &args).await });
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
