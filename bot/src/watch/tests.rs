//! Watches checked with a clock that the test moves and a source that says what the test wants; and a whole bot.

use super::*;
use crate::alerts::routes::Routes;
use crate::whole::{PATIENCE, Whole};
use async_trait::async_trait;
use bellhop_core::alert::{Alert, AlertState};
use bellhop_core::analytics::{AnalyticsCapabilities, Answer, Basis, Figures, Metric, NewEvent, Taken, TrendFigures, TrendRow};
use bellhop_core::error::{CommandError, PortError, PortErrorKind};
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Range, Span, intervals};
use bellhop_core::ports::{AlertFilter, AnalyticsSource};
use bellhop_core::{Address, UserRef};
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::wait;
use bellhop_store::{Events, Store};
use chrono::TimeDelta;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Counts the same in every hour, and 1 in those that are `low`.
#[derive(Default)]
struct Tap {
    name: Option<SourceName>,
    low_from: Mutex<Option<Timestamp>>,
    /// What is wrong with its answers.
    trouble: Mutex<Trouble>,
    asked: AtomicUsize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Trouble {
    #[default]
    None,
    Down,
    Sampled,
    Incomplete,
    /// The last hours are still being counted.
    Settling(i64),
}

#[async_trait]
impl AnalyticsSource for Tap {
    fn name(&self) -> &SourceName {
        self.name.as_ref().unwrap()
    }
    fn capabilities(&self) -> AnalyticsCapabilities {
        AnalyticsCapabilities { hourly: true, ..AnalyticsCapabilities::default() }
    }
    async fn metrics(&self) -> PortResult<Vec<Metric>> {
        Ok(Vec::new())
    }
    async fn properties(&self, _: &str) -> PortResult<Vec<String>> {
        Ok(Vec::new())
    }
    async fn track(&self, _: Vec<NewEvent>) -> PortResult<Taken> {
        Err(self.cannot("track", "it only counts"))
    }
    async fn query(&self, query: &Query) -> PortResult<Answer> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        // Others come in between.
        tokio::task::yield_now().await;
        let trouble = *self.trouble.lock().unwrap();
        if trouble == Trouble::Down {
            return Err(PortError::new(PortErrorKind::Unavailable, "analytics.tap", "query", "it is being repaired"));
        }
        let Query::Trend(trend) = query else { return Err(self.cannot("query", "trends only")) };
        let low = *self.low_from.lock().unwrap();
        let row = |start: &Timestamp| {
            let value = if low.is_some_and(|low| *start >= low) { 1.0 } else { 50.0 };
            TrendRow { at: Some(*start), group: None, value }
        };
        let starts = intervals(Range { from: trend.from, to: trend.to }, trend.interval.unwrap(), trend.zone);
        let figures = TrendFigures { rows: starts.iter().map(row).collect(), unit: String::new(), total: 0.0 };
        let mut basis = Basis::whole(self.name().clone(), trend.zone);
        match trouble {
            Trouble::Sampled => basis.sampled = 0.3,
            Trouble::Incomplete => basis.complete = false,
            Trouble::Settling(hours) => {
                basis.complete = false;
                basis.settling_from = Some(trend.to - TimeDelta::hours(hours));
            }
            Trouble::None | Trouble::Down => {}
        }
        Ok(Answer { figures: Figures::Trend(figures), basis })
    }
}

struct One(Arc<Tap>);
impl Sources for One {
    fn source(&self, _: Option<&SourceName>) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
        Ok(self.0.clone())
    }
    fn names(&self) -> Vec<SourceName> {
        vec!["tap".into()]
    }
}

struct World {
    clock: Arc<StoppedClock>,
    store: Store,
    tap: Arc<Tap>,
    engine: Arc<Engine>,
    book: WatchBook,
    stop: Stop,
    _tasks: Tasks,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, ids) = (Arc::new(StoppedClock::default()), Arc::new(CountedIds::default()));
        let store = Store::open(&format!("sqlite:{}/watch.db", folder.path().display()), clock.clone(), ids.clone()).await.unwrap();
        let engine = Arc::new(Engine::new(store.clone(), clock.clone(), ids));
        engine.route(Routes::default());
        let tasks = Tasks::default();
        tasks.start("alerts", engine.clone().run("test".into(), Duration::from_millis(20), tasks.clone()));
        let tap = Arc::new(Tap { name: Some("tap".into()), ..Tap::default() });
        let book = WatchBook::new(Arc::new(store.clone()));
        Self { clock, store, tap, engine, book, stop: Stop::new(), _tasks: tasks, _folder: folder }
    }

    /// A process that checks watches, as one that has just been started.
    fn watcher(&self, owner: &str) -> Watcher {
        Watcher::new(self.book.clone(), Arc::new(One(self.tap.clone())), self.engine.clone(), self.clock.clone(), owner.into())
    }

    async fn add(&self, condition: &str) -> Watch {
        let now = self.clock.now();
        let watch = Watch {
            id: "f00d".into(),
            name: "visits".into(),
            condition: condition.parse().unwrap(),
            every: Span(Duration::from_mins(15)),
            zone: chrono_tz::UTC,
            severity: "critical".into(),
            to: Address::channel("console", "local", "growth"),
            owner: UserRef { chat: "console".into(), workspace: "local".into(), user: "you".into() },
            owner_name: "You".into(),
            made: now,
            since: now,
            paused: None,
            by: "call".into(),
        };
        self.book.add(&watch).await.unwrap();
        watch
    }

    fn later(&self, minutes: u64) {
        self.clock.advance(Duration::from_mins(minutes));
    }

    async fn alerts(&self) -> Vec<Alert> {
        let all = self.store.alerts(&AlertFilter { states: Vec::new(), limit: 10 }).await.unwrap();
        all.into_iter().map(|kept| kept.value).collect()
    }

    async fn alert(&self, name: &str, state: AlertState) -> Alert {
        let found = async || self.alerts().await.into_iter().find(|alert| alert.signal.name == name && alert.state == state);
        wait::until(PATIENCE, &format!("{name} to be {}", state.word()), found).await
    }

    async fn standing(&self, watch: &Watch) -> (u32, bool) {
        let last = self.book.last(watch).await.unwrap().unwrap();
        (last.standing.streak, last.standing.firing_since.is_some())
    }
}

#[tokio::test]
async fn it_fires_after_two_checks_and_resolves() {
    let world = World::new().await;
    let watch = world.add("tap.visits < 80% of previous day per hour for 2 checks").await;
    let watcher = world.watcher("a");
    world.later(1);
    watcher.look(&world.stop).await.unwrap();
    assert_eq!(world.standing(&watch).await, (0, false));
    // Not due: nobody is asked.
    watcher.look(&world.stop).await.unwrap();
    assert_eq!(world.tap.asked.load(Ordering::SeqCst), 1);
    *world.tap.low_from.lock().unwrap() = Some(world.clock.now() - TimeDelta::hours(2));
    world.later(15);
    watcher.look(&world.stop).await.unwrap();
    assert_eq!(world.standing(&watch).await, (1, false));
    assert!(world.alerts().await.is_empty());
    world.later(15);
    watcher.look(&world.stop).await.unwrap();
    let alert = world.alert("visits", AlertState::Firing).await;
    assert_eq!(
        alert.signal.summary,
        "visits: 1 in the hour from Mon 2026-11-02 11:00, below 40, which is 80 % of 50 the same hour of the day before."
    );
    assert_eq!((alert.signal.severity.as_str(), alert.signal.source.as_str()), ("critical", "watch"));
    assert_eq!(alert.signal.to, [Address::channel("console", "local", "growth")]);
    assert_eq!(alert.signal.labels["metric"], "tap.visits");
    // It goes on firing, as the same.
    world.later(60);
    watcher.look(&world.stop).await.unwrap();
    *world.tap.low_from.lock().unwrap() = None;
    world.later(15);
    watcher.look(&world.stop).await.unwrap();
    let alert = world.alert("visits", AlertState::Resolved).await;
    assert_eq!((alert.times, world.alerts().await.len()), (1, 1));
    // And again, as the same alert.
    *world.tap.low_from.lock().unwrap() = Some(world.clock.now() - TimeDelta::hours(2));
    for _ in 0..2 {
        world.later(15);
        watcher.look(&world.stop).await.unwrap();
    }
    assert_eq!(world.alert("visits", AlertState::Firing).await.times, 2);
}

#[tokio::test]
async fn what_is_partial_late_or_missing_never_fires() {
    let world = World::new().await;
    let watch = world.add("tap.visits < 10").await;
    let watcher = world.watcher("a");
    *world.tap.low_from.lock().unwrap() = Some(world.clock.now() - TimeDelta::hours(3));
    for trouble in [Trouble::Settling(4), Trouble::Sampled, Trouble::Incomplete, Trouble::Down] {
        *world.tap.trouble.lock().unwrap() = trouble;
        world.later(15);
        watcher.look(&world.stop).await.unwrap();
        assert_eq!(world.standing(&watch).await, (0, false));
    }
    // Not in those four checks, nor because of them: three could not tell, which is not said yet.
    assert!(world.alerts().await.is_empty());
    for _ in 0..3 {
        world.later(15);
        watcher.look(&world.stop).await.unwrap();
    }
    let blind = world.alert("visits can't be checked", AlertState::Firing).await;
    assert_eq!(blind.signal.severity, "warning");
    assert!(blind.signal.summary.contains("tap did not answer: it is being repaired"), "{}", blind.signal.summary);
    assert_eq!((world.alerts().await.len(), blind.times), (1, 1));
    // It answers: the figure fires, and the other trouble is over.
    *world.tap.trouble.lock().unwrap() = Trouble::None;
    world.later(15);
    watcher.look(&world.stop).await.unwrap();
    world.alert("visits can't be checked", AlertState::Resolved).await;
    world.alert("visits", AlertState::Firing).await;
    // While it fires, not knowing changes nothing.
    *world.tap.trouble.lock().unwrap() = Trouble::Down;
    world.later(15);
    watcher.look(&world.stop).await.unwrap();
    assert_eq!(world.standing(&watch).await, (1, true));
    world.alert("visits", AlertState::Firing).await;
}

#[tokio::test]
async fn one_check_is_made_by_one_of_two_replicas() {
    let world = World::new().await;
    let watch = world.add("tap.visits > 10 for 3 checks").await;
    let (a, b) = (world.watcher("a"), world.watcher("b"));
    for round in 1..=3 {
        world.later(15);
        let (one, other) = tokio::join!(a.look(&world.stop), b.look(&world.stop));
        one.unwrap();
        other.unwrap();
        assert_eq!(world.tap.asked.load(Ordering::SeqCst), round);
        assert_eq!(world.standing(&watch).await.0, u32::try_from(round).unwrap());
    }
    let alert = world.alert("visits", AlertState::Firing).await;
    assert_eq!(alert.signal.starts_at, world.clock.now());
    // One of them dies: the other goes on, and counts on.
    drop(a);
    world.later(15);
    b.look(&world.stop).await.unwrap();
    assert_eq!(world.standing(&watch).await, (4, true));
    assert_eq!(world.alert("visits", AlertState::Firing).await.times, 1);
}

#[tokio::test]
async fn a_stop_is_caught_up_once() {
    let world = World::new().await;
    let watch = world.add("tap.visits > 10 for 2 checks").await;
    world.later(1);
    world.watcher("a").look(&world.stop).await.unwrap();
    // Down for two days.
    world.later(2 * 24 * 60);
    let again = world.watcher("b");
    for _ in 0..3 {
        again.look(&world.stop).await.unwrap();
    }
    assert_eq!(world.tap.asked.load(Ordering::SeqCst), 2);
    assert_eq!(world.standing(&watch).await, (2, true));
    world.alert("visits", AlertState::Firing).await;
    let last = world.book.last(&watch).await.unwrap().unwrap();
    assert!(watch.due(Some(&last)) > world.clock.now());
}

#[tokio::test]
async fn what_was_found_before_a_crash_is_told_after_it() {
    let world = World::new().await;
    let watch = world.add("tap.visits > 10").await;
    world.later(1);
    let now = world.clock.now();
    // Killed between keeping the check and reporting it, and before that in the middle of another.
    let verdict = world.watcher("dead").verdict(&watch, now).await;
    let due = watch.first_due();
    assert!(world.book.claim(&watch, due, "dead", now).await.unwrap());
    let standing = bellhop_core::watch::Standing::default().after(&verdict, 1, now);
    world.book.keep(&watch, &Check { due, at: now, verdict, standing }).await.unwrap();
    assert!(world.alerts().await.is_empty());
    world.watcher("b").look(&world.stop).await.unwrap();
    world.alert("visits", AlertState::Firing).await;
    // A check that somebody began and never ended is theirs for two minutes.
    world.later(15);
    let last = world.book.last(&watch).await.unwrap();
    let due = watch.due(last.as_ref());
    assert!(world.book.claim(&watch, due, "dead", world.clock.now()).await.unwrap());
    let watcher = world.watcher("c");
    watcher.look(&world.stop).await.unwrap();
    assert_eq!(world.book.last(&watch).await.unwrap(), last);
    world.later(3);
    watcher.look(&world.stop).await.unwrap();
    assert_eq!(world.book.last(&watch).await.unwrap().unwrap().due, due);
}

#[tokio::test]
async fn what_is_paused_or_gone_is_not_checked() {
    let world = World::new().await;
    let mut watch = world.add("tap.visits > 10").await;
    watch.paused = Some(world.clock.now());
    world.book.put(&watch).await.unwrap();
    let watcher = world.watcher("a");
    world.later(15);
    watcher.look(&world.stop).await.unwrap();
    assert_eq!(world.tap.asked.load(Ordering::SeqCst), 0);
    watch.paused = None;
    watch.since = world.clock.now();
    world.book.put(&watch).await.unwrap();
    world.later(1);
    watcher.look(&world.stop).await.unwrap();
    world.alert("visits", AlertState::Firing).await;
    assert!(world.book.remove("visits").await.unwrap());
    world.later(15);
    watcher.look(&world.stop).await.unwrap();
    assert_eq!(world.tap.asked.load(Ordering::SeqCst), 1);
    assert_eq!(world.book.last(&watch).await.unwrap(), None);
}

/// Events of one name, so many in each of these hours.
async fn track(bot: &Whole, event: &str, hours: impl Iterator<Item = Timestamp>, each: usize) {
    let source = Events::new(bot.store.clone());
    for hour in hours {
        let events = (0..each).map(|number| NewEvent {
            event: event.into(),
            distinct_id: format!("p{number}"),
            time: hour + TimeDelta::minutes(1),
            insert_id: format!("{event}-{}-{number}", hour.timestamp()),
            properties: std::collections::BTreeMap::new(),
        });
        let taken = source.track(events.collect()).await.unwrap();
        assert_eq!(taken.taken, each);
    }
}

#[tokio::test]
async fn a_whole_bot_watches_its_own_events() {
    let bot = Whole::start().await;
    // Noon of a Monday; the last finished hour is that from 11.
    let noon = bot.clock.now();
    track(&bot, "signup", (1..=48).map(|back| noon - TimeDelta::hours(back)), 6).await;
    bot.said("channel create random").await;
    let added = bot.said("watch add \"events.signup < 50% of previous day per hour for 2 checks\" --every 10m --to #random").await;
    assert!(added.contains("Watching signup") && added.contains("It would not have fired"), "{added}");
    assert!(bot.said("watch list").await.contains("1 watch"));
    bot.clock.advance(Duration::from_mins(2));
    let state = async |wanted: &str| {
        wait::until(PATIENCE, wanted, async || bot.said("watch list").await.contains(wanted).then_some(())).await;
    };
    state("quiet").await;
    // From noon on nobody signs up; it is one when that is known.
    bot.clock.advance(Duration::from_mins(60));
    state("holds, 1 of 2 checks").await;
    assert!(bot.messages("random").await.iter().all(|message| !message.contains("FIRING")));
    bot.clock.advance(Duration::from_mins(10));
    let shown = bot.shown("random", "FIRING: signup", 1).await.remove(0);
    assert!(shown.contains("0 in the hour from Mon 2026-11-02 12:00, below 3"), "{shown}");
    assert!(bot.said("watch list").await.contains("1 firing"));
    assert!(bot.said("alert ack signup").await.contains("You"));
    bot.shown("random", "ACKNOWLEDGED: signup", 1).await;
    track(&bot, "signup", std::iter::once(noon + TimeDelta::hours(1)), 6).await;
    bot.clock.advance(Duration::from_mins(55));
    bot.shown("random", "RESOLVED: signup", 1).await;
    let tested = bot.said("watch test signup").await;
    assert!(tested.contains("It would have fired once in 90 days"), "{tested}");
    assert!(bot.said("watch remove signup").await.contains("is removed"));
    assert!(bot.said("watch list").await.contains("Nothing is watched yet"));
}
