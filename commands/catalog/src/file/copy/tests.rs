//! Copies with small parts between stores that fail in every way they can: what arrives is what was there, whatever happened on
//! the way, and nothing is left over.

mod store;

use super::job::{Job, Ports};
use super::{Ends, FromTo, answer, ends, notes, run};
use async_trait::async_trait;
use bellhop_core::card::{Block, Progress};
use bellhop_core::clock::Clock;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{FileStore, Stop, Stores};
use bellhop_core::{Access, Address, Call, Caller, Card, CommandError, PortErrorKind, Reply, Timestamp, UserRef, plain};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{Notebook, PART, Power, TestStore, broken};

/// More than the tests' parts, so that files of it go in parts.
const LARGE: usize = 20;

struct Hand(Mutex<Timestamp>);
impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

struct Two(Arc<TestStore>, Arc<TestStore>);
#[async_trait]
impl Stores for Two {
    fn store(&self, name: Option<&StoreName>) -> Result<Arc<dyn FileStore>, CommandError> {
        Ok(if name == Some(self.1.name()) { self.1.clone() } else { self.0.clone() })
    }
    fn names(&self) -> Vec<StoreName> {
        vec![self.0.name().clone(), self.1.name().clone()]
    }
    async fn seen_from(self: Arc<Self>, _: &Address) -> Arc<dyn Stores> {
        self
    }
}

struct World {
    power: Arc<Power>,
    a: Arc<TestStore>,
    b: Arc<TestStore>,
    stores: Two,
    notebook: Arc<Notebook>,
    clock: Arc<Hand>,
    stop: Stop,
    said: Arc<Mutex<Vec<Progress>>>,
}

impl World {
    fn new(tune: impl FnOnce(&mut TestStore, &mut TestStore)) -> Self {
        let power = Power::new();
        let (mut a, mut b) = (TestStore::new("a", &power), TestStore::new("b", &power));
        tune(&mut a, &mut b);
        let (a, b) = (Arc::new(a), Arc::new(b));
        let clock = Arc::new(Hand(Mutex::new(Timestamp::UNIX_EPOCH + TimeDelta::days(1))));
        let stores = Two(a.clone(), b.clone());
        Self { notebook: Notebook::new(&power), power, a, b, stores, clock, stop: Stop::new(), said: Arc::default() }
    }

    async fn run(&self, from: &str, to: &str, args: &[&str], moving: bool) -> Result<Reply, CommandError> {
        let said = self.said.clone();
        let call = Call {
            id: "c1".into(),
            caller: Caller {
                user: UserRef { chat: "c".into(), workspace: "w".into(), user: "u".into() },
                name: "u".into(),
                access: Access::Operator,
                zone: chrono_tz::Tz::UTC,
            },
            at: Address::channel("c", "w", "x"),
            now: self.clock.now(),
            attachments: Vec::new(),
            progress: Arc::new(move |progress| said.lock().unwrap().push(progress)),
            stop: self.stop.clone(),
        };
        let args = FromTo {
            from: from.into(),
            to: to.into(),
            replace: args.contains(&"--replace"),
            dry_run: args.contains(&"--dry-run"),
            parallel: 3,
            no_tags: false,
            store: None,
        };
        let ends: Ends = ends(&self.stores, &args)?;
        let (records, clock) = (self.notebook.clone(), self.clock.clone());
        let ports = Ports { from: ends.from.store.clone(), to: ends.to.store.clone(), records, clock };
        let mut job = Job::new(&call, ports, &ends, &args, moving);
        job.large = LARGE as u64;
        let job = Arc::new(job);
        let tally = run::run(&job, &ends).await?;
        answer::answer(&job, &ends, tally).await
    }

    async fn copied(&self, from: &str, to: &str, args: &[&str]) -> String {
        text(&self.run(from, to, args, false).await.unwrap().card)
    }

    /// Some files: two large ones, an empty one, small ones.
    fn filled(self) -> Self {
        self.a.keep("d/big", &content(1, 100));
        self.a.keep("d/e/big", &content(2, LARGE));
        self.a.keep("d/empty", b"");
        for n in 0..5 {
            self.a.keep(&format!("d/small{n}"), &content(n, 7));
        }
        self.a.keep("elsewhere", b"no");
        self
    }
}

fn content(seed: u8, size: usize) -> Vec<u8> {
    (0..size).map(|at| seed.wrapping_mul(31).wrapping_add(u8::try_from(at % 251).unwrap())).collect()
}

fn text(card: &Card) -> String {
    plain::card(card, &|invoke| invoke.command.clone())
}

fn partly(error: CommandError) -> String {
    match error {
        CommandError::Partly(card) | CommandError::Cancelled(card) => text(&card),
        other => panic!("{other:?}"),
    }
}

fn under(contents: BTreeMap<String, Vec<u8>>, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    contents.into_iter().filter_map(|(name, bytes)| Some((name.strip_prefix(prefix)?.to_owned(), bytes))).collect()
}

/// However often it is killed and started again, everything arrives, what had arrived isn't sent again, and nothing is left.
async fn survives(moving: bool, versioned: bool) {
    let mut killed = 0;
    for steps in 0.. {
        let world = World::new(|a, b| (a.versioned, b.versioned) = (versioned, versioned)).filled();
        let wanted = under(world.a.contents(), "d/");
        world.power.cut_after(steps);
        let first = tokio::time::timeout(Duration::from_mins(5), world.run("d/", "b:copy/", &[], moving)).await;
        world.power.back();
        let unfinished = world.b.uploads();
        let noted = world.notebook.keys("transfer").len();
        if let Ok(first) = &first {
            assert!(first.is_ok(), "{first:?}");
        } else {
            killed += 1;
            let both: BTreeMap<_, _> = under(world.b.contents(), "copy/").into_iter().chain(under(world.a.contents(), "d/")).collect();
            assert_eq!(both, wanted, "nothing may be lost when it is killed after {steps} steps");
            let again = world.run("d/", "b:copy/", &[], moving).await;
            let again = again.unwrap_or_else(|error| panic!("after {steps} steps: {error:?}"));
            assert!(text(&again.card).contains(if moving { "Moved d/" } else { "Copied d/" }), "{}", text(&again.card));
        }
        assert_eq!(under(world.b.contents(), "copy/"), wanted, "after {steps} steps");
        assert_eq!(under(world.a.contents(), "d/").is_empty(), moving);
        assert_eq!(world.a.contents()["elsewhere"], b"no");
        // Between the beginning of an upload and the note of it there is a moment in which a kill leaves one that nobody knows.
        let unknown = unfinished.saturating_sub(noted);
        assert_eq!(world.b.uploads(), unknown, "after {steps} steps");
        assert!(unknown <= 2);
        // Of 16 parts, those may be sent twice that were under way, or not noted yet.
        let puts = world.b.puts.load(Ordering::SeqCst);
        assert!((16..=16 + 6).contains(&puts), "{puts} parts were sent when it was killed after {steps} steps");
        *world.clock.0.lock().unwrap() += TimeDelta::days(8);
        assert_eq!(notes::tidy(&world.stores, &*world.notebook, &*world.clock).await.unwrap(), 0);
        for collection in ["transfer", "transfer_part", "transfer_move"] {
            assert_eq!(world.notebook.keys(collection), [""; 0], "{collection}");
        }
        if first.is_ok() {
            assert!(killed > 60, "only {killed} steps");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_survives_a_kill_at_any_step() {
    survives(false, false).await;
}

#[tokio::test(start_paused = true)]
async fn a_move_survives_a_kill_at_any_step_and_loses_nothing() {
    survives(true, false).await;
    survives(true, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_prefix_is_compared_before_anything_is_sent() {
    let world = World::new(|a, b| (a.sums, b.sums) = (true, true)).filled();
    world.b.keep("copy/aa", b"a stranger");
    world.b.keep("copy/small1", &content(1, 7));
    world.b.keep("copy/small2", &content(9, 7));
    world.b.keep("copy/zz", b"a stranger");
    let planned = world.copied("d/", "b:copy/", &["--dry-run", "--replace"]).await;
    assert!(planned.contains("Nothing was changed") && planned.contains("there already"), "{planned}");
    assert_eq!(world.b.contents().len(), 4);
    assert_eq!((world.b.uploads(), world.notebook.keys("transfer").len()), (0, 0));
    let failed = partly(world.run("d/", "b:copy/", &[], false).await.unwrap_err());
    assert!(failed.contains("Not copied:    1 file"), "{failed}");
    assert!(failed.contains("d/small2") && failed.contains("--replace"), "{failed}");
    let said = world.copied("d/", "b:copy/", &["--replace"]).await;
    insta::assert_snapshot!(said, @r"
    ✓ Copied d/
    d/ → b:copy/
    Copied:        1 file, 7 B
    There already: 7 files, 148 B
    Replaced:      1 file
    Checked:       1 file by the target's SHA-256
    ");
    let mut wanted = under(world.a.contents(), "d/");
    wanted.extend([("aa".to_owned(), b"a stranger".to_vec()), ("zz".to_owned(), b"a stranger".to_vec())]);
    assert_eq!(under(world.b.contents(), "copy/"), wanted);
    let last = world.said.lock().unwrap().last().cloned().unwrap();
    insta::assert_snapshot!(format!("{}: {}", last.what, last.figures()), @"Copying d/ to b:copy/: 155 B of 155 B, 8 of 8 files");
    // No more than so many streams at once, whether files or parts of them.
    assert_eq!(world.b.most_open.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_a_while_is_tried_again_and_the_rest_goes_on() {
    let world = World::new(|_, _| ()).filled();
    *world.b.fault.lock().unwrap() = Some(Box::new(|operation, name, times| match (operation, name) {
        ("put", "3") | ("write", "copy/small0") if times <= 2 => Some(broken(PortErrorKind::Unavailable)),
        ("write", "copy/small3") => Some(broken(PortErrorKind::Denied)),
        _ => None,
    }));
    let said = partly(world.run("d/", "b:copy/", &[], false).await.unwrap_err());
    assert!(said.contains("d/small3") && said.contains("Denied, said the test") && said.contains("7 files"), "{said}");
    *world.b.fault.lock().unwrap() = None;
    let said = world.copied("d/", "b:copy/", &[]).await;
    assert!(said.contains("1 file, 7 B") && said.contains("There already: 7 files"), "{said}");
    assert_eq!(under(world.b.contents(), "copy/"), under(world.a.contents(), "d/"));
}

#[tokio::test(start_paused = true)]
async fn what_is_hopeless_is_not_tried_for_ever() {
    let world = World::new(|_, _| ());
    for n in 0..200 {
        world.a.keep(&format!("d/{n:03}"), b"x");
    }
    *world.b.fault.lock().unwrap() = Some(Box::new(|operation, _, _| (operation == "write").then(|| broken(PortErrorKind::Denied))));
    let CommandError::Partly(card) = world.run("d/", "b:copy/", &[], false).await.unwrap_err() else { panic!("it failed") };
    assert!(text(&card).contains("The rest was not tried"), "{}", text(&card));
    let csv = card.blocks.iter().find_map(|block| if let Block::File(file) = block { Some(file.clone()) } else { None }).unwrap();
    assert_eq!((csv.name.as_str(), csv.content_type.as_str()), ("not-copied.csv", "text/csv"));
    assert!(world.b.contents().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_changes_is_copied_anew() {
    let world = World::new(|_, _| ()).filled();
    let (a, new) = (world.a.clone(), content(7, 90));
    let put = new.clone();
    *world.b.fault.lock().unwrap() = Some(Box::new(move |operation, name, times| {
        if (operation, name, times) == ("put", "2", 1) {
            a.keep("d/big", &put);
        }
        None
    }));
    let said = world.copied("d/big", "b:big", &[]).await;
    assert!(said.contains("read back in 12 parts"), "{said}");
    assert_eq!((world.b.contents()["big"].clone(), world.b.uploads()), (new, 0));
    // It is noticed before a move deletes it, too.
    let (a, newer) = (world.a.clone(), content(8, 7));
    let put = newer.clone();
    *world.b.fault.lock().unwrap() = Some(Box::new(move |operation, _, times| {
        if operation == "write" && times == 1 {
            a.keep("d/small1", &put);
        }
        None
    }));
    world.run("d/small1", "b:small1", &[], true).await.unwrap();
    assert_eq!(world.b.contents()["small1"], newer);
    assert!(!world.a.contents().contains_key("d/small1"));
}

#[tokio::test(start_paused = true)]
async fn what_arrives_wrong_is_not_left_as_if_it_were_right() {
    for (versioned, name) in [(true, "d/small1"), (true, "d/big"), (false, "d/small1"), (false, "d/big")] {
        let world = World::new(|_, b| b.versioned = versioned).filled();
        world.b.keep("x", b"older");
        *world.b.spoils.lock().unwrap() = u32::MAX;
        let error = world.run(name, "b:x", &["--replace"], true).await.unwrap_err();
        let wanted = if versioned { "the version before was restored" } else { "it was deleted" };
        assert!(error.to_string().contains("other bytes than were sent") && error.to_string().contains(wanted), "{error}");
        assert_eq!(world.b.contents().get("x").map(Vec::as_slice), versioned.then_some(&b"older"[..]), "{name}");
        assert_eq!(world.b.uploads(), 0);
        assert!(world.a.contents().contains_key(name), "what didn't arrive isn't deleted");
        // Once is no failure: it is sent again.
        *world.b.spoils.lock().unwrap() = 1;
        world.run(name, "b:x", &["--replace"], false).await.unwrap();
        assert_eq!(world.b.contents()["x"], world.a.contents()[name]);
    }
}

#[tokio::test(start_paused = true)]
async fn tags_go_along_where_both_have_them() {
    for tagged in [true, false] {
        let world = World::new(|a, b| (a.tagged, b.tagged) = (true, tagged)).filled();
        for name in ["d/small1", "d/big"] {
            world.a.tag(name, ("team", "ops"));
            let said = world.copied(name, "b:", &[]).await;
            assert_eq!(said.contains("doesn't take its tags"), !tagged, "{said}");
        }
        for name in ["small1", "big"] {
            assert_eq!(world.b.kept(name)[0].tags.contains_key("team"), tagged);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_copy_goes_on_when_it_is_run_again_and_is_tidied_when_it_is_not() {
    let mut world = World::new(|_, _| ()).filled();
    let stop = world.stop.clone();
    *world.b.fault.lock().unwrap() = Some(Box::new(move |operation, name, _| {
        if (operation, name) == ("put", "6") {
            stop.cancel();
        }
        None
    }));
    let said = partly(world.run("d/big", "b:big", &[], false).await.unwrap_err());
    assert!(said.contains("Cancelled: d/big was not copied") && said.contains("24 hours"), "{said}");
    let sent = world.b.puts.load(Ordering::SeqCst);
    assert!((3..=5).contains(&sent) && world.b.uploads() == 1);
    // A day later it may still be gone on with.
    *world.b.fault.lock().unwrap() = None;
    *world.clock.0.lock().unwrap() += TimeDelta::hours(23);
    assert_eq!(notes::tidy(&world.stores, &*world.notebook, &*world.clock).await.unwrap(), 0);
    world.stop = Stop::new();
    world.copied("d/big", "b:big", &[]).await;
    assert_eq!(world.b.contents()["big"], world.a.contents()["d/big"]);
    assert!(world.b.puts.load(Ordering::SeqCst) <= 13 + 3, "what was noted isn't sent again");
    // Another one is left alone, and given up.
    world.stop.cancel();
    partly(world.run("d/", "b:copy/", &[], false).await.unwrap_err());
    let upload = bellhop_core::ports::NewFile::new("left", "text/test", Some(100));
    world.stop = Stop::new();
    let stop = world.stop.clone();
    *world.b.fault.lock().unwrap() = Some(Box::new(move |operation, _, _| {
        if operation == "put" {
            stop.cancel();
        }
        None
    }));
    partly(world.run("d/big", &format!("b:{}", upload.name), &[], false).await.unwrap_err());
    assert_eq!(world.b.uploads(), 1);
    *world.clock.0.lock().unwrap() += TimeDelta::hours(25);
    assert_eq!(notes::tidy(&world.stores, &*world.notebook, &*world.clock).await.unwrap(), 1);
    assert_eq!((world.b.uploads(), world.notebook.keys("transfer").len()), (0, 1), "the checked one is remembered for longer");
    *world.clock.0.lock().unwrap() += TimeDelta::days(8);
    notes::tidy(&world.stores, &*world.notebook, &*world.clock).await.unwrap();
    for collection in ["transfer", "transfer_part", "transfer_move"] {
        assert_eq!(world.notebook.keys(collection), [""; 0], "{collection}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_said_before_anything_is_done() {
    let world = World::new(|_, _| ()).filled();
    let why = async |from: &str, to: &str| match world.run(from, to, &[], false).await.unwrap_err() {
        CommandError::Invalid { why, .. } => why,
        CommandError::NotFound { name, .. } => format!("nothing: {name}"),
        CommandError::Partly(card) => text(&card),
        other => panic!("{other:?}"),
    };
    assert!(why("d/", "b:x").await.contains("end it in /"));
    assert!(why("d/", "d/e/").await.contains("within each other"));
    assert!(why("a:", "a:x/").await.contains("within each other"));
    assert_eq!(why("nothing/", "b:x/").await, "nothing: nothing/");
    assert!(why("d/", &format!("b:{}/", "x".repeat(1021))).await.contains("over 1,024 bytes"));
    assert!(world.b.contents().is_empty());
    // Within a store it copies by itself.
    let said = world.copied("d/", "a:other/", &[]).await;
    assert!(said.contains("copied by the store itself"), "{said}");
    assert_eq!(under(world.a.contents(), "other/"), under(world.a.contents(), "d/"));
    assert_eq!(PART, 8);
}
