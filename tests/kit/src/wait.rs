//! Waiting for a condition, with a name for what is waited for and a limit. The only way in which tests wait.

use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// Asks `ready` again and again until it gives a value.
///
/// # Errors
/// What was waited for, when it didn't come within `limit`.
pub async fn within<T, F: Future<Output = Option<T>>>(limit: Duration, what: &str, mut ready: impl FnMut() -> F) -> Result<T, String> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(2);
    loop {
        match tokio::time::timeout_at(deadline, ready()).await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) if Instant::now() + pause < deadline => {}
            _ => return Err(format!("waited {limit:?} in vain for {what}")),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// The same, and fails the test when it didn't come.
///
/// # Panics
/// When it didn't come within `limit`, saying what was waited for.
pub async fn until<T, F: Future<Output = Option<T>>>(limit: Duration, what: &str, ready: impl FnMut() -> F) -> T {
    match within(limit, what, ready).await {
        Ok(value) => value,
        #[expect(clippy::panic, reason = "this is how a test fails")]
        Err(error) => panic!("{error}"),
    }
}
