//! Buckets of calls, as Discord's answers describe them: which routes share one, how many calls it has left, and when it is full
//! again. Nothing is assumed beforehand; of a kind of call that was never made, one goes first and the others wait for what its answer
//! says. It waits for nothing itself.

use super::major;
use crate::wire::{Route, Said, Verb};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a call whose kind is unknown waits before it looks again.
const LOOK: Duration = Duration::from_millis(20);
/// How long a call may be under way before others of its unknown kind no longer wait for its answer.
const ANSWER: Duration = Duration::from_secs(12);
/// What is added to a reset: a moment too early counts as a refusal.
const MARGIN: Duration = Duration::from_millis(5);
/// After how many calls buckets that nobody uses are dropped, and how long after their reset.
const TIDY: u64 = 512;
const QUIET: Duration = Duration::from_mins(1);

type Kind = (Verb, &'static str);
type Key = (String, String, String);

/// A call that may be made.
#[derive(Debug)]
pub(super) struct Turn {
    kind: Kind,
    key: Key,
}

#[derive(Debug)]
struct State {
    /// Calls left until the reset; `None` while nothing is known.
    left: Option<u32>,
    limit: u32,
    reset: Instant,
    /// Calls under way, and when the last one began.
    open: u32,
    began: Instant,
}

/// The buckets of one bot.
#[derive(Default)]
pub(super) struct Buckets {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// The bucket's name by kind of call, once an answer has told it.
    names: HashMap<Kind, String>,
    states: HashMap<Key, State>,
    calls: u64,
}

impl Inner {
    fn key(&self, kind: Kind, one: &str, two: &str) -> Key {
        let name = self.names.get(&kind).cloned().unwrap_or_else(|| format!("{:?} {}", kind.0, kind.1));
        (name, one.to_owned(), two.to_owned())
    }

    fn tidy(&mut self, now: Instant) {
        self.calls += 1;
        if self.calls.is_multiple_of(TIDY) {
            self.states.retain(|_, state| state.open > 0 || now < state.reset + QUIET);
        }
    }
}

impl Buckets {
    /// Takes a turn for a call, or says how long to wait before asking again.
    pub(super) fn take(&self, route: Route, parts: &[&str]) -> Result<Turn, Duration> {
        let (now, kind, (one, two)) = (Instant::now(), (route.verb, route.path), major(route, parts));
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.tidy(now);
        let key = inner.key(kind, one, two);
        let state = inner.states.entry(key.clone()).or_insert(State { left: None, limit: 1, reset: now, open: 0, began: now });
        match state.left {
            None if state.open > 0 && now < state.began + ANSWER => return Err(LOOK),
            None => {}
            Some(0) if now < state.reset => return Err(state.reset - now),
            // It is full again; how full, the next answer says.
            Some(_) if now >= state.reset => {
                if state.open >= state.limit {
                    return Err(LOOK);
                }
                state.left = Some(state.limit.saturating_sub(state.open).saturating_sub(1));
                // Until that answer the new window is taken to begin now.
                state.reset = now + ANSWER;
            }
            Some(left) => state.left = Some(left - 1),
        }
        state.open += 1;
        state.began = now;
        Ok(Turn { kind, key })
    }

    /// The call was not made.
    pub(super) fn give_back(&self, turn: &Turn) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = inner.states.get_mut(&turn.key) {
            state.open = state.open.saturating_sub(1);
            state.left = state.left.map(|left| left + 1);
        }
    }

    /// The call was made, and this is what its answer said.
    pub(super) fn told(&self, turn: Turn, said: Option<&Said>) {
        let now = Instant::now();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Turn { kind, key } = turn;
        if let Some(state) = inner.states.get_mut(&key) {
            state.open = state.open.saturating_sub(1);
        }
        let Some((limit, remaining, reset_after)) = said.and_then(|said| Some((said.limit?, said.remaining?, said.reset_after?))) else {
            // Routes without limits of their own say nothing: they need no turns.
            if said.is_some_and(|said| said.status < 400)
                && let Some(state) = inner.states.get_mut(&key)
                && state.left.is_none()
            {
                (state.left, state.limit, state.reset) = (Some(u32::MAX), u32::MAX, now);
            }
            return;
        };
        let name = said.and_then(|said| said.bucket.clone()).unwrap_or_else(|| key.0.clone());
        let moved = name != key.0;
        let open = if moved { inner.states.get(&key).map_or(0, |state| state.open) } else { 0 };
        if moved {
            // Discord has moved this kind of call to another bucket, or has told its name for the first time.
            inner.names.insert(kind, name.clone());
            inner.states.remove(&key);
        }
        let reset = now + reset_after + MARGIN;
        let state = inner.states.entry((name, key.1, key.2)).or_insert(State { left: None, limit, reset, open, began: now });
        // Answers to calls of the window before may come late: what they say of it is over.
        let same = state.left.is_some() && reset <= state.reset + Duration::from_millis(250);
        let told = remaining.saturating_sub(state.open);
        state.left = Some(match state.left {
            Some(left) if same && limit == state.limit => left.min(remaining),
            _ => told,
        });
        state.limit = limit.max(1);
        if !same || reset < state.reset {
            state.reset = reset;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: Route = Route::post("/channels/{}/messages", "deliver");
    const PATCH: Route = Route::patch("/channels/{}/messages/{}", "revise");

    fn said(bucket: &str, limit: u32, remaining: u32, reset: u64) -> Said {
        Said {
            status: 200,
            bucket: Some(bucket.into()),
            limit: Some(limit),
            remaining: Some(remaining),
            reset_after: Some(Duration::from_millis(reset)),
            refused: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_goes_first_and_the_rest_keep_to_what_it_was_told() {
        let buckets = Buckets::default();
        let first = buckets.take(POST, &["1"]).unwrap();
        assert_eq!(buckets.take(POST, &["1"]).unwrap_err(), LOOK);
        assert!(buckets.take(POST, &["2"]).is_ok(), "channels count for themselves");
        buckets.told(first, Some(&said("abc", 5, 4, 5_000)));
        let turns: Vec<Turn> = (0..4).map(|_| buckets.take(POST, &["1"]).unwrap()).collect();
        let wait = buckets.take(POST, &["1"]).unwrap_err();
        assert!(wait >= Duration::from_millis(5_000) && wait <= Duration::from_millis(5_010), "{wait:?}");
        for (left, turn) in (0..4).rev().zip(turns) {
            buckets.told(turn, Some(&said("abc", 5, left, 4_900)));
        }
        assert!(buckets.take(POST, &["1"]).is_err());
        tokio::time::advance(Duration::from_millis(5_010)).await;
        assert!(buckets.take(POST, &["1"]).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn routes_of_one_bucket_share_it_and_a_moved_bucket_is_learnt() {
        let buckets = Buckets::default();
        let turn = buckets.take(POST, &["1"]).unwrap();
        buckets.told(turn, Some(&said("shared", 2, 1, 5_000)));
        let other = buckets.take(PATCH, &["1", "9"]).unwrap();
        buckets.told(other, Some(&said("shared", 2, 0, 5_000)));
        assert!(buckets.take(POST, &["1"]).is_err(), "the other route has used it up");
        tokio::time::advance(Duration::from_secs(6)).await;
        let turn = buckets.take(POST, &["1"]).unwrap();
        buckets.told(turn, Some(&said("moved", 10, 9, 5_000)));
        for _ in 0..9 {
            assert!(buckets.take(POST, &["1"]).is_ok());
        }
        assert!(buckets.take(POST, &["1"]).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_limits_needs_no_turns_and_quiet_buckets_are_dropped() {
        let buckets = Buckets::default();
        let turn = buckets.take(POST, &["1"]).unwrap();
        buckets.told(turn, Some(&Said { status: 200, ..Said::default() }));
        for _ in 0..1000 {
            assert!(buckets.take(POST, &["1"]).is_ok());
        }
        for n in 0..100 {
            let turn = buckets.take(POST, &[&format!("9{n}")]).unwrap();
            buckets.told(turn, Some(&said("q", 5, 4, 1_000)));
        }
        tokio::time::advance(Duration::from_mins(5)).await;
        for _ in 0..TIDY {
            if let Ok(turn) = buckets.take(POST, &["1"]) {
                buckets.give_back(&turn);
            }
        }
        assert!(buckets.inner.lock().unwrap().states.len() <= 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_never_answers_stops_nobody_for_long() {
        let buckets = Buckets::default();
        let _lost = buckets.take(POST, &["1"]).unwrap();
        assert!(buckets.take(POST, &["1"]).is_err());
        tokio::time::advance(ANSWER).await;
        assert!(buckets.take(POST, &["1"]).is_ok());
    }
}
