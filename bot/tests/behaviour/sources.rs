//! What stands before the services that count: one question is asked once, answers serve for as long as they are good, and the
//! last one serves where there is no other.

use crate::bot::SOON;
use crate::source_double::{SourceDouble, error, event, trend};
use bellhop::sources::{CALLS, COST, KEPT, Kept, Patience, resting};
use bellhop_core::analytics::{Answer, Now, Query};
use bellhop_core::clock::Clock as _;
use bellhop_core::error::{PortError, PortErrorKind, Retry};
use bellhop_core::ports::{AnalyticsSource as _, PortResult, UsageBook as _};
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::peers::postgres::Postgres;
use bellhop_kit::wait::until;
use bellhop_store::Store;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

struct World {
    clock: Arc<StoppedClock>,
    store: Store,
    source: Arc<SourceDouble>,
    kept: Kept,
    url: String,
    _folder: tempfile::TempDir,
}

const PATIENCE: Patience = Patience { short: Duration::from_millis(50), long: Duration::from_secs(20), whole: Duration::from_secs(60) };

impl World {
    async fn at(url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = url.unwrap_or_else(|| format!("sqlite:{}/b.db", folder.path().display()));
        let clock = Arc::new(StoppedClock::default());
        let store = Store::open(&url, clock.clone(), Arc::new(CountedIds::default())).await.unwrap();
        let source = SourceDouble::new("web");
        let kept = Kept::new(source.clone(), &store, clock.clone(), PATIENCE);
        Self { clock, store, source, kept, url, _folder: folder }
    }

    async fn new() -> Self {
        Self::at(None).await
    }

    async fn postgres() -> Self {
        let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap();
        Self::at(Some(server.fresh_database())).await
    }

    /// The week that the clock stands in, which is still filling.
    fn week(&self) -> Query {
        let today = self.clock.now().date_naive();
        trend(&format!("{}T00:00:00Z", today - chrono::Days::new(6)), &format!("{}T00:00:00Z", today + chrono::Days::new(1)))
    }

    async fn usage(&self, what: &str, which: &str) -> (i64, i64) {
        let rows = self.store.usage(bellhop_core::Timestamp::UNIX_EPOCH).await.unwrap();
        rows.iter().find(|row| row.what == what && row.which == which).map_or((0, 0), |row| (row.done, row.failed))
    }
}

fn total(answer: &Answer) -> f64 {
    answer.trend().unwrap().total
}

fn noted(answer: &Answer, part: &str) -> bool {
    answer.basis.notes.iter().any(|note| note.contains(part))
}

async fn a_crowd(world: World) {
    world.source.shut();
    let mut people = JoinSet::new();
    let mut first = JoinSet::new();
    let (kept, week) = (world.kept.clone(), world.week());
    first.spawn(async move { kept.query(&week).await });
    until(SOON, "the first question", async || (world.source.asked() == 1).then_some(())).await;
    for _ in 0..19 {
        let (kept, week) = (world.kept.clone(), world.week());
        people.spawn(async move { kept.query(&week).await });
    }
    // The one who asked first goes away; the others get the answer all the same.
    first.abort_all();
    while first.join_next().await.is_some() {}
    world.source.open();
    let answers: Vec<PortResult<Answer>> = people.join_all().await;
    assert_eq!(answers.len(), 19);
    for answer in answers {
        assert!((total(&answer.unwrap()) - 1.0).abs() < f64::EPSILON);
    }
    // A replica, or `say`, has it from the database, and is told from when it is.
    let another = Store::open(&world.url, world.clock.clone(), Arc::new(CountedIds::default())).await.unwrap();
    let other = Kept::new(world.source.clone(), &another, world.clock.clone(), PATIENCE);
    let asked_at = world.clock.now();
    world.clock.advance(Duration::from_secs(60));
    let answer = other.query(&world.week()).await.unwrap();
    assert_eq!((answer.basis.as_of, answer.basis.cost.clone(), world.source.asked()), (Some(asked_at), None, 1));
    assert_eq!(world.usage(CALLS, "web").await, (1, 0));
    assert_eq!(world.usage(COST, "web/tokens").await, (2500, 0));
    assert!(world.usage(KEPT, "web").await.0 >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_people_cost_one_call_on_sqlite() {
    a_crowd(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_people_cost_one_call_on_postgres() {
    a_crowd(World::postgres().await).await;
}

#[tokio::test]
async fn an_answer_is_good_for_minutes_while_its_period_fills_and_for_hours_after() {
    let world = World::new().await;
    let (week, past) = (world.week(), trend("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"));
    let present = Query::Now(Now { metric: "signup".into(), minutes: 30, by: None });
    for query in [&week, &past, &present] {
        assert_eq!(world.kept.query(query).await.unwrap().basis.as_of, None, "asked just now");
        assert!(world.kept.query(query).await.unwrap().basis.as_of.is_some());
    }
    assert_eq!(world.source.asked(), 3);
    world.clock.advance(Duration::from_secs(21));
    world.kept.query(&present).await.unwrap();
    world.kept.query(&week).await.unwrap();
    assert_eq!(world.source.asked(), 4, "only the present is another one");
    world.clock.advance(Duration::from_secs(301));
    for query in [&week, &past] {
        world.kept.query(query).await.unwrap();
    }
    assert_eq!(world.source.asked(), 5, "the past is the same");
    // Asked for anew, it is asked anew; and what was sent in by hand counts at once.
    assert_eq!(world.kept.query_anew(&past).await.unwrap().basis.as_of, None);
    assert_eq!(world.source.asked(), 6);
    world.clock.advance(Duration::from_secs(1));
    world.kept.track(vec![event("1", "signup", "ann", world.clock.now())]).await.unwrap();
    for query in [&week, &past] {
        world.kept.query(query).await.unwrap();
    }
    assert_eq!(world.source.asked(), 7);
}

#[tokio::test]
async fn where_the_source_is_down_its_last_answer_is_given_with_its_age() {
    let world = World::new().await;
    let week = world.week();
    world.source.fail(error(PortErrorKind::Unavailable, "it can't be reached"));
    let refused = world.kept.query(&week).await.unwrap_err();
    assert_eq!((refused.kind, refused.retry), (PortErrorKind::Unavailable, Retry::Backoff), "there is nothing to show");
    let first = world.clock.now();
    world.kept.query(&week).await.unwrap();
    for (kind, part) in [
        (PortErrorKind::Unavailable, "it can't be reached"),
        (PortErrorKind::TimedOut, "no answer"),
        (PortErrorKind::Broken, "a page of HTML"),
    ] {
        world.clock.advance(Duration::from_secs(600));
        world.source.fail(error(kind, part));
        let last = world.kept.query(&week).await.unwrap();
        assert_eq!((total(&last), last.basis.as_of), (2.0, Some(first)), "{kind:?}");
        let age = (world.clock.now() - first).num_minutes();
        assert!(noted(&last, part) && noted(&last, &format!("{age} min old")), "{:?}", last.basis.notes);
    }
    // What would be no better later is said: nobody mends a key who isn't told.
    for kind in [PortErrorKind::Unauthenticated, PortErrorKind::Denied, PortErrorKind::NotFound] {
        world.source.fail(error(kind, "no"));
        assert_eq!(world.kept.query(&week).await.unwrap_err().kind, kind);
    }
    assert_eq!(world.usage(CALLS, "web").await, (1, 7));
    // About the present there is no last answer.
    let present = Query::Now(Now { metric: "signup".into(), minutes: 30, by: None });
    world.kept.query(&present).await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    world.source.fail(error(PortErrorKind::Unavailable, "it can't be reached"));
    assert_eq!(world.kept.query(&present).await.unwrap_err().kind, PortErrorKind::Unavailable);
}

#[tokio::test]
async fn a_slow_source_keeps_nobody_and_its_answer_is_there_for_the_next() {
    let world = World::new().await;
    let week = world.week();
    world.kept.query(&week).await.unwrap();
    world.clock.advance(Duration::from_secs(600));
    world.source.shut();
    let last = world.kept.query(&week).await.unwrap();
    assert!(noted(&last, "ask again in a moment") && noted(&last, "10 min old"), "{:?}", last.basis.notes);
    assert!((total(&last) - 1.0).abs() < f64::EPSILON);
    // It is still being asked: the next waits for the same.
    world.source.open();
    let next = async || {
        let answer = world.kept.query(&week).await.unwrap();
        ((total(&answer) - 2.0).abs() < f64::EPSILON).then_some(())
    };
    until(SOON, "the answer that came late", next).await;
    assert_eq!(world.source.asked(), 2);
}

fn out(wait: Duration) -> PortError {
    error(PortErrorKind::RateLimited, "the allowance is used up").after(wait)
}

#[tokio::test]
async fn a_source_that_is_out_of_quota_is_not_asked_before_it_has_more() {
    let world = World::new().await;
    let (week, past) = (world.week(), trend("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"));
    world.kept.query(&week).await.unwrap();
    world.clock.advance(Duration::from_secs(600));
    world.source.fail(out(Duration::from_secs(3600)));
    let last = world.kept.query(&week).await.unwrap();
    assert!(noted(&last, "used up") && noted(&last, "ask again from") && noted(&last, "10 min old"), "{:?}", last.basis.notes);
    assert_eq!(world.source.asked(), 2);
    // Another one of the kind is refused with when to come back, by another process too, and nobody asks.
    let another = Store::open(&world.url, world.clock.clone(), Arc::new(CountedIds::default())).await.unwrap();
    let other = Kept::new(world.source.clone(), &another, world.clock.clone(), PATIENCE);
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(600));
        let refused = other.query(&past).await.unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::RateLimited);
        let Retry::After(wait) = refused.retry else { panic!("{refused:?}") };
        assert!(wait <= Duration::from_secs(3000) && refused.message.contains("not asked before"), "{refused:?}");
        world.kept.query_anew(&week).await.unwrap();
    }
    assert_eq!(world.source.asked(), 2);
    let (why, at) = resting(&world.store, world.source.name(), world.clock.now()).await.unwrap().unwrap();
    assert!(why.contains("used up") && at > world.clock.now());
    // A smaller question may fit into what is left, and what is of another kind has its own allowance.
    let day = trend("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    world.kept.query(&day).await.unwrap();
    world.kept.query(&Query::Now(Now { metric: "signup".into(), minutes: 30, by: None })).await.unwrap();
    assert_eq!(world.source.asked(), 4);
    assert!(other.query(&past).await.is_err(), "that a smaller one went well says nothing about this one");
    world.clock.advance(Duration::from_secs(3600));
    world.kept.query(&past).await.unwrap();
    assert_eq!(world.source.asked(), 5);
    assert!(resting(&world.store, world.source.name(), world.clock.now()).await.unwrap().is_none());
}

#[tokio::test]
async fn names_are_known_for_ten_minutes_and_old_ones_are_better_than_none() {
    let world = World::new().await;
    let listed = || *world.source.listed.lock().unwrap();
    for _ in 0..3 {
        assert_eq!(world.kept.metrics().await.unwrap()[0].name, "signup");
        assert_eq!(world.kept.properties("signup").await.unwrap(), ["signup_plan"]);
        assert_eq!(world.kept.properties("other").await.unwrap(), ["other_plan"]);
    }
    assert_eq!(listed(), 3);
    world.clock.advance(Duration::from_secs(601));
    world.source.fail(error(PortErrorKind::Unavailable, "it can't be reached"));
    assert_eq!(world.kept.metrics().await.unwrap()[0].name, "signup");
    assert_eq!(listed(), 4);
    // Not while there were never any.
    world.source.fail(error(PortErrorKind::Unavailable, "it can't be reached"));
    assert_eq!(world.kept.properties("third").await.unwrap_err().kind, PortErrorKind::Unavailable);
}
