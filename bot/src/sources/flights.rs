//! What is being asked just now: whoever asks the same meanwhile waits for the same answer. The asking goes on when those who
//! wait go away, the first of them included.

use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ports::PortResult;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

type Flight<T> = Shared<BoxFuture<'static, PortResult<T>>>;
type Flying<T> = Arc<Mutex<HashMap<String, Flight<T>>>>;

/// Questions on their way, by their keys.
pub(super) struct Flights<T>(Flying<T>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// Takes the flight off the list when it ends, however it ends.
struct Landing<T>(Flying<T>, String);

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// The answer under this key: of the work that is under way, or of `work`, which begins now.
    #[expect(clippy::disallowed_methods, reason = "the task belongs to all who wait for it, and is bounded by the work's own deadline")]
    pub fn join<W>(&self, service: &str, key: &str, work: W) -> Flight<T>
    where
        W: Future<Output = PortResult<T>> + Send + 'static,
    {
        let mut flying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flying.get(key) {
            return flight.clone();
        }
        let landing = Landing(Arc::clone(&self.0), key.to_owned());
        let task = tokio::spawn(async move {
            let _landing = landing;
            work.await
        });
        let service = service.to_owned();
        let ended = async move {
            let failed = |_| Err(PortError::new(PortErrorKind::Broken, service, "query", "asking failed inside; the log has the details"));
            task.await.unwrap_or_else(failed)
        };
        let flight = ended.boxed().shared();
        flying.insert(key.to_owned(), flight.clone());
        flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn those_who_ask_meanwhile_share_and_the_first_may_leave() {
        let flights = Flights::<u32>::default();
        let (asked, go) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
        let work = || {
            let (asked, go) = (asked.clone(), go.clone());
            async move {
                let before = asked.fetch_add(1, Ordering::Relaxed);
                go.acquire().await.unwrap().forget();
                Ok(before)
            }
        };
        let first = flights.join("s", "k", work());
        let others: Vec<_> = (0..19).map(|_| flights.join("s", "k", work())).collect();
        drop(first);
        go.add_permits(1);
        for other in others {
            assert_eq!(other.await.unwrap(), 0);
        }
        // What comes later is asked anew, and another question is another.
        let (again, other) = (flights.join("s", "k", work()), flights.join("s", "other", work()));
        go.add_permits(2);
        let (again, other) = tokio::join!(again, other);
        assert_eq!((again.unwrap() + other.unwrap(), asked.load(Ordering::Relaxed)), (3, 3));
    }

    #[tokio::test]
    async fn what_panics_has_failed_for_all_and_blocks_nobody() {
        let flights = Flights::<u32>::default();
        let failed = flights.join("analytics.web", "k", async { panic!("a bug") }).await.unwrap_err();
        assert_eq!((failed.kind, failed.service.as_str()), (PortErrorKind::Broken, "analytics.web"));
        assert_eq!(flights.join("analytics.web", "k", async { Ok(1) }).await.unwrap(), 1);
    }
}
