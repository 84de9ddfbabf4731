//! Discord's limits on calls: buckets by route and top-level resource, a global one, and the shutting out of those who get too many
//! refusals. Who is told to wait and calls all the same is noted in the ledger.
//!
//! <https://docs.discord.com/developers/topics/rate-limits>

use super::ids::Id;
use super::ledger::{Ledger, Scope};
use super::settings::Limits;
use crate::time::mix;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Microseconds of the world's time.
pub(super) type Micros = i64;
pub(super) const SECOND: Micros = 1_000_000;
/// The span in which refusals are counted.
const TEN_MINUTES: Micros = 600 * SECOND;

/// What has been called.
#[derive(Debug, Default)]
pub(super) struct Meter {
    windows: BTreeMap<String, Window>,
    global: BTreeMap<Id, Window>,
    blocked: BTreeMap<String, Block>,
    refusals: VecDeque<Micros>,
    renames: BTreeMap<Id, VecDeque<Micros>>,
    begun: Option<Micros>,
    /// The windows of new messages that were opened: whose, when, how many calls in what span.
    pub opened: Vec<(String, Micros, u32, Micros)>,
}

#[derive(Clone, Debug)]
struct Window {
    hash: String,
    limit: u32,
    used: u32,
    ends: Micros,
    /// Since when the app knows that nothing is left.
    told: Option<Micros>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    until: Micros,
    since: Micros,
    scope: Scope,
}

/// What the headers say.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub bucket: String,
    pub limit: u32,
    pub remaining: u32,
    pub ends: Micros,
}

/// A call that is one too many.
#[derive(Clone, Debug)]
pub(super) struct TooMany {
    pub wait: Micros,
    pub scope: Scope,
    pub shown: Option<Shown>,
}

/// A route's bucket: its name, which several routes may share, and its numbers.
fn rule(limits: &Limits, route: &str, age: Micros) -> (&'static str, u32, Micros, u64) {
    let fixed = |name: &'static str, limit: u32, span: Micros| (name, limit, span, 0);
    match route {
        "POST /channels/{channel}/messages" => {
            let every = i64::try_from(limits.messages.every.as_micros()).unwrap_or(i64::MAX);
            let turn = u64::try_from(age / every.max(1)).unwrap_or(0);
            let steps = &limits.messages.steps;
            let at = usize::try_from(turn).unwrap_or(0) % steps.len().max(1);
            let (limit, span) = steps.get(at).copied().unwrap_or((5, Duration::from_secs(5)));
            ("messages", limit, i64::try_from(span.as_micros()).unwrap_or(i64::MAX), turn)
        }
        "PATCH /channels/{channel}/messages/{message}" => fixed("edits", 5, 5 * SECOND),
        "DELETE /channels/{channel}/messages/{message}" => fixed("deletes", 5, SECOND),
        "POST /channels/{channel}/typing" => fixed("typing", 5, 5 * SECOND),
        "GET /gateway/bot" => fixed("gateway", 2, 5 * SECOND),
        _ if route.contains("/reactions/") => fixed("reactions", 4, SECOND),
        _ if route.contains("/webhooks/{webhook}/{token}") => fixed("executed", 5, 2 * SECOND),
        _ if route.starts_with("GET ") => fixed("reads", 20, 2 * SECOND),
        _ if route.contains("/commands") => fixed("commands", 5, 10 * SECOND),
        _ if route.contains("/members/") => fixed("members", 10, 10 * SECOND),
        _ if route.contains("/threads") => fixed("threads", 10, 10 * SECOND),
        _ => fixed("others", 10, 5 * SECOND),
    }
}

impl Meter {
    /// Counts a call of an app on a route with this top-level resource.
    pub(super) fn call(
        &mut self,
        limits: &Limits,
        (app, route, major): (Id, &str, &str),
        now: Micros,
        ledger: &mut Ledger,
    ) -> Result<Option<Shown>, TooMany> {
        let exempt = route.contains("/interactions/") || route.contains("/webhooks/{webhook}/{token}");
        let key = format!("{app} {} {major}", rule(limits, route, 0).0);
        for name in [&key, &format!("{app} global")].into_iter().take(if exempt { 1 } else { 2 }) {
            self.check(name, route, limits, now, ledger)?;
        }
        if limits.global > 0 && !exempt {
            let window = self.global.entry(app).or_insert_with(|| Window::new(String::new(), limits.global, now + SECOND));
            if now >= window.ends {
                *window = Window::new(String::new(), limits.global, now + SECOND);
            }
            if window.used >= window.limit {
                let wait = window.ends - now;
                window.early(route, limits, now, ledger);
                return Err(TooMany { wait, scope: Scope::Global, shown: None });
            }
            window.used += 1;
        }
        if !limits.buckets || route.contains("/interactions/") {
            return Ok(None);
        }
        let begun = *self.begun.get_or_insert(now);
        let (name, limit, span, turn) = rule(limits, route, now - begun);
        let hash = || {
            let seed = name.bytes().fold(turn, |seed, byte| mix(seed ^ u64::from(byte)));
            format!("{:016x}{:016x}", mix(seed), mix(seed ^ 1))
        };
        let opened = key.clone();
        let window = self.windows.entry(key).or_insert_with(|| Window::new(hash(), 0, now));
        if now >= window.ends {
            *window = Window::new(hash(), limit, now + span);
            if name == "messages" {
                self.opened.push((opened, now, limit, span));
            }
        }
        if window.used >= window.limit {
            window.early(route, limits, now, ledger);
            return Err(TooMany { wait: window.ends - now, scope: Scope::User, shown: Some(window.shown()) });
        }
        window.used += 1;
        Ok(Some(window.shown()))
    }

    /// Whether somebody was told to wait, for no other reason than a test's wish.
    fn check(&mut self, key: &str, route: &str, limits: &Limits, now: Micros, ledger: &mut Ledger) -> Result<(), TooMany> {
        let Some(block) = self.blocked.get(key).copied() else { return Ok(()) };
        if now >= block.until {
            self.blocked.remove(key);
            return Ok(());
        }
        if now - block.since > i64::try_from(limits.on_the_way.as_micros()).unwrap_or(0) {
            ledger.early.push(format!("{route}: {} ms before the end of its pause", (block.until - now) / 1000));
        }
        Err(TooMany { wait: block.until - now, scope: block.scope, shown: None })
    }

    /// The answer that says so has been given.
    pub(super) fn told(&mut self, limits: &Limits, (app, route, major): (Id, &str, &str), now: Micros, global: bool) {
        let key = format!("{app} {} {major}", rule(limits, route, 0).0);
        if let Some(window) = self.windows.get_mut(&key).filter(|window| window.used >= window.limit) {
            window.told.get_or_insert(now);
        }
        if global && let Some(window) = self.global.get_mut(&app) {
            window.told.get_or_insert(now);
        }
    }

    /// How many new messages the buckets allowed between two moments. A bucket that nobody uses goes on at the rate that it had.
    pub(super) fn allowed(&self, from: Micros, to: Micros) -> f64 {
        let mut total = 0.0;
        for (n, (key, start, limit, span)) in self.opened.iter().enumerate() {
            let next = self.opened[n + 1..].iter().find(|(other, ..)| other == key).map_or(to, |(_, start, ..)| *start);
            let (begin, end) = ((*start).max(from), next.min(to));
            if end > begin {
                #[expect(clippy::cast_precision_loss, reason = "spans of a test")]
                let share = (end - begin) as f64 / *span as f64;
                total += f64::from(*limit) * share;
            }
        }
        total
    }

    /// Tells a caller to wait.
    pub(super) fn refuse(&mut self, limits: &Limits, (app, route, major): (Id, &str, &str), wait: Micros, now: Micros, scope: Scope) {
        let key = match scope {
            Scope::User | Scope::Shared => format!("{app} {} {major}", rule(limits, route, 0).0),
            Scope::Global | Scope::Cloudflare => format!("{app} global"),
        };
        self.blocked.insert(key, Block { until: now + wait, since: now, scope });
    }

    /// Counts a refusal.
    pub(super) fn refused(&mut self, now: Micros) {
        self.refusals.push_back(now);
    }

    /// Whether the address is shut out, and for how long.
    pub(super) fn shut_out(&mut self, limits: &Limits, now: Micros) -> Option<Micros> {
        while self.refusals.front().is_some_and(|at| now - at >= TEN_MINUTES) {
            self.refusals.pop_front();
        }
        (self.refusals.len() >= limits.invalid).then(|| self.refusals.front().map_or(0, |at| at + TEN_MINUTES - now))
    }

    /// Counts a change of a channel's name or topic, which has a limit that no header shows.
    pub(super) fn rename(&mut self, limits: &Limits, channel: Id, now: Micros) -> Result<(), Micros> {
        if limits.renames == 0 {
            return Ok(());
        }
        let window = self.renames.entry(channel).or_default();
        while window.front().is_some_and(|at| now - at >= TEN_MINUTES) {
            window.pop_front();
        }
        if window.len() < limits.renames as usize {
            window.push_back(now);
            return Ok(());
        }
        Err(window.front().map_or(0, |at| at + TEN_MINUTES - now))
    }
}

impl Window {
    fn new(hash: String, limit: u32, ends: Micros) -> Self {
        Self { hash, limit, used: 0, ends, told: None }
    }

    fn shown(&self) -> Shown {
        Shown { bucket: self.hash.clone(), limit: self.limit, remaining: self.limit.saturating_sub(self.used), ends: self.ends }
    }

    fn early(&self, route: &str, limits: &Limits, now: Micros, ledger: &mut Ledger) {
        let on_the_way = i64::try_from(limits.on_the_way.as_micros()).unwrap_or(0);
        if self.told.is_some_and(|told| now - told > on_the_way) {
            ledger.early.push(format!("{route}: {} ms before its bucket is filled again", (self.ends - now) / 1000));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Moving;
    use super::*;

    const POST: (Id, &str, &str) = (1, "POST /channels/{channel}/messages", "7");

    #[test]
    fn a_bucket_is_a_window_that_its_first_call_opens() {
        let (mut meter, mut ledger, limits) = (Meter::default(), Ledger::default(), Limits::default());
        for left in (0..5).rev() {
            let shown = meter.call(&limits, POST, 0, &mut ledger).unwrap().unwrap();
            assert_eq!((shown.limit, shown.remaining, shown.ends), (5, left, 5 * SECOND));
        }
        assert_eq!(meter.call(&limits, POST, SECOND, &mut ledger).unwrap_err().wait, 4 * SECOND);
        assert!(ledger.early.is_empty(), "nobody has told it so far");
        meter.told(&limits, POST, SECOND, false);
        meter.call(&limits, POST, 2 * SECOND, &mut ledger).unwrap_err();
        assert_eq!(ledger.early.len(), 1);
        meter.call(&limits, (1, POST.1, "8"), 2 * SECOND, &mut ledger).unwrap();
        meter.call(&limits, POST, 5 * SECOND, &mut ledger).unwrap();
    }

    #[test]
    fn a_moving_bucket_takes_its_next_numbers_with_its_next_window() {
        let (mut meter, mut ledger) = (Meter::default(), Ledger::default());
        let steps = vec![(2, Duration::from_secs(2)), (10, Duration::from_secs(10))];
        let limits = Limits { messages: Moving { steps, every: Duration::from_secs(3) }, ..Limits::default() };
        let first = meter.call(&limits, POST, 0, &mut ledger).unwrap().unwrap();
        let same = meter.call(&limits, POST, SECOND, &mut ledger).unwrap().unwrap();
        let next = meter.call(&limits, POST, 3 * SECOND, &mut ledger).unwrap().unwrap();
        assert!(first.bucket == same.bucket && next.bucket != first.bucket);
        assert_eq!((next.limit, next.ends), (10, 13 * SECOND));
    }

    #[test]
    fn the_global_limit_spares_interactions() {
        let (mut meter, mut ledger) = (Meter::default(), Ledger::default());
        let limits = Limits { buckets: false, ..Limits::default() };
        assert!((0..50).all(|_| meter.call(&limits, POST, 0, &mut ledger).is_ok()));
        assert_eq!(meter.call(&limits, POST, 1, &mut ledger).unwrap_err().scope, Scope::Global);
        meter.call(&limits, (1, "POST /interactions/{interaction}/{token}/callback", "9"), 1, &mut ledger).unwrap();
        meter.call(&limits, POST, SECOND, &mut ledger).unwrap();
    }
}
