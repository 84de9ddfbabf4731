//! Commands that take long: they keep their row while they run, end when they are told to, and go on after a stop.

use bellhop::calls::CallBook;
use bellhop::dispatch::Dispatch;
use bellhop::inbox::{DurableInbox, InboxWorker};
use bellhop::roles::Roles;
use bellhop::tasks::Tasks;
use bellhop_core::card::{Card, Progress};
use bellhop_core::command::{Command, NoArgs, Registered};
use bellhop_core::ids::CallId;
use bellhop_core::ports::{Calls as _, Inbox as _, Incoming, Said, Stop};
use bellhop_core::{Access, Address, Call, Caller, CommandError, Registry, Reply};
use bellhop_kit::wait::until;
use bellhop_store::{InboxKind, Store};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOON: Duration = Duration::from_mins(1);
const LEASE: Duration = Duration::from_secs(4);
/// Less than really passes each time.
const STEP: Duration = Duration::from_millis(40);

/// What the command does and what was seen of it.
#[derive(Default)]
struct Seen {
    runs: Mutex<Vec<CallId>>,
    /// How many runs are under way.
    under_way: AtomicI64,
    done: AtomicU64,
    /// Whether it answers at once.
    finish: std::sync::atomic::AtomicBool,
}

struct Long(Arc<Seen>);

struct Gone(Arc<Seen>);
impl Drop for Gone {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Command for Long {
    const NAME: &'static str = "long";
    const SUMMARY: &'static str = "Takes long";
    type Args = NoArgs;

    async fn run(&self, call: &Call, _: NoArgs) -> Result<Reply, CommandError> {
        self.0.runs.lock().unwrap().push(call.id.clone());
        self.0.under_way.fetch_add(1, Ordering::SeqCst);
        let _gone = Gone(self.0.clone());
        let done = self.0.done.fetch_add(1, Ordering::SeqCst) + 1;
        (call.progress)(Progress::items("Working", done, Some(100)));
        if self.0.finish.load(Ordering::SeqCst) {
            return Ok(Card::text("all done").into());
        }
        call.stop.cancelled().await;
        Err(CommandError::Cancelled(Box::new(Card::titled(format!("Cancelled: {done} of 100 things")))))
    }
}

struct Bench {
    _folder: tempfile::TempDir,
    store: Store,
    seen: Arc<Seen>,
    dispatch: Arc<Dispatch>,
    calls: Arc<CallBook>,
    clock: Arc<bellhop_kit::clock::StoppedClock>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(bellhop_kit::clock::StoppedClock::default());
        let ids = Arc::new(bellhop::clock::RandomIds);
        let url = format!("sqlite:{}", folder.path().join("b.db").display());
        let store = Store::open(&url, clock.clone(), ids.clone()).await.unwrap();
        let roles = Arc::new(Roles::new(Vec::new(), Vec::new()));
        let dispatch = Dispatch::new(roles, store.clone(), clock.clone(), ids, 0, Duration::from_mins(1));
        let seen = Arc::<Seen>::default();
        dispatch.learn(Arc::new(Registry::new(vec![Arc::new(Registered::new(Long(seen.clone())))])));
        let calls = Arc::new(CallBook::new(Arc::new(store.clone())));
        Self { _folder: folder, store, seen, dispatch, calls, clock }
    }

    fn work(&self, owner: &str) -> Tasks {
        let tasks = Tasks::default();
        let worker = InboxWorker {
            store: self.store.clone(),
            dispatch: self.dispatch.clone(),
            owner: owner.to_owned(),
            poll: Duration::from_millis(50),
            calls: self.calls.clone(),
            clock: self.clock.clone(),
            lease: LEASE,
        };
        tasks.start("inbox", worker.run(tasks.clone()));
        tasks
    }

    async fn ask(&self) {
        let incoming = Incoming {
            key: "k1".into(),
            from: crate::bot::person(),
            name: "Ann".into(),
            zone: None,
            at: Address::channel("work", "T1", "c"),
            said: Said::Line("long".into()),
            attachments: Vec::new(),
            groups: None,
            reply: None,
            received: bellhop_core::clock::Clock::now(&*self.clock),
        };
        DurableInbox::new(self.store.clone()).accept(incoming).await.unwrap();
    }

    fn person(&self) -> Call {
        Call {
            id: "other".into(),
            caller: Caller { user: crate::bot::person(), name: "Ann".into(), access: Access::Member, zone: chrono_tz::Tz::UTC },
            at: Address::channel("work", "T1", "c"),
            now: bellhop_core::clock::Clock::now(&*self.clock),
            attachments: Vec::new(),
            progress: Arc::new(|_| ()),
            stop: Stop::new(),
        }
    }

    async fn known(&self) -> CallId {
        let known = async || self.calls.running(&self.person()).await.unwrap().first().map(|running| running.id.clone());
        until(SOON, "the call to be known", known).await
    }

    async fn over(&self) {
        let over = async || (self.store.inbox_depth(InboxKind::Command).await.unwrap() == 0).then_some(());
        until(SOON, "the call to be over", over).await;
    }
}

#[tokio::test]
async fn a_long_command_keeps_its_row_and_can_be_cancelled_by_its_caller() {
    let bench = Bench::new().await;
    let tasks = bench.work("one");
    bench.ask().await;
    let id = bench.known().await;
    // More than twice its lease passes, and nobody else gets it.
    let steps = AtomicU64::new(0);
    let kept = async || {
        bench.clock.advance(STEP);
        let passed = STEP * u32::try_from(steps.fetch_add(1, Ordering::SeqCst)).unwrap();
        assert_eq!(bench.store.recover(Duration::ZERO).await.unwrap().inbox, 0, "after {passed:?}");
        (passed > LEASE * 2).then_some(())
    };
    until(SOON, "two leases to pass", kept).await;
    assert_eq!(bench.seen.runs.lock().unwrap().len(), 1);
    bench.calls.cancel(&bench.person(), &id).await.unwrap();
    bench.over().await;
    assert_eq!(bench.seen.under_way.load(Ordering::SeqCst), 0);
    assert!(bench.calls.cancel(&bench.person(), &id).await.is_err(), "it is over, and isn't known any more");
    tasks.finish(SOON).await;
}

#[tokio::test]
async fn a_command_whose_row_was_lost_is_stopped_and_leaves_the_answer_to_the_other() {
    let bench = Bench::new().await;
    let tasks = bench.work("one");
    bench.ask().await;
    bench.known().await;
    bench.clock.advance(Duration::from_hours(1));
    let taken = async || {
        bench.store.recover(Duration::ZERO).await.unwrap();
        bench.store.claim_inbox(InboxKind::Command, "two", 1, Duration::from_hours(9)).await.unwrap().pop()
    };
    // The first may renew its lease before it is looked at: an hour more, then.
    let row = until(SOON, "the row to be taken over", async || {
        let taken = taken().await;
        if taken.is_none() {
            bench.clock.advance(Duration::from_hours(1));
        }
        taken
    });
    assert_eq!(row.await.attempts, 2);
    until(SOON, "the first to stop", async || (bench.seen.under_way.load(Ordering::SeqCst) == 0).then_some(())).await;
    assert_eq!(bench.store.inbox_depth(InboxKind::Command).await.unwrap(), 1, "nothing was settled by the first");
    tasks.finish(SOON).await;
}

#[tokio::test]
async fn a_stop_puts_long_commands_back_as_often_as_it_takes() {
    let bench = Bench::new().await;
    bench.ask().await;
    for round in 0..6 {
        let tasks = bench.work(&format!("w{round}"));
        until(SOON, "it to run", async || (bench.seen.under_way.load(Ordering::SeqCst) == 1).then_some(())).await;
        bench.known().await;
        tasks.finish(SOON).await;
        assert_eq!(bench.seen.under_way.load(Ordering::SeqCst), 0);
        assert_eq!(bench.store.inbox_depth(InboxKind::Command).await.unwrap(), 1, "it is put back");
    }
    bench.seen.finish.store(true, Ordering::SeqCst);
    let tasks = bench.work("last");
    bench.over().await;
    tasks.finish(SOON).await;
    let runs = bench.seen.runs.lock().unwrap().clone();
    assert!(runs.len() == 7 && runs.iter().all(|id| *id == runs[0]), "{runs:?}");
    assert_eq!(bench.calls.running(&bench.person()).await.unwrap(), []);
}
