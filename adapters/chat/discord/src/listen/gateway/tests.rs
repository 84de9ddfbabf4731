//! The gateway against the strict world: what is heard, and that nothing is missed however a connection ends.

use super::{Pace, listen};
use crate::testbed::Bed;
use bellhop_core::ports::{PortResult, Said, Stop};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_kit::discord::{GatewaySettings, Person, Settings};
use bellhop_kit::wait;
use std::time::Duration;
use tokio::task::JoinHandle;

const LONG: Duration = Duration::from_secs(20);

fn quick() -> Pace {
    Pace {
        pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(100),
        save: Duration::from_millis(50),
        identify: Duration::from_millis(20),
        silence: Duration::from_millis(500),
        ..Pace::default()
    }
}

/// A bot that listens.
struct Listening {
    bed: Bed,
    stop: Stop,
    task: JoinHandle<PortResult<()>>,
}

impl Listening {
    async fn new() -> Self {
        Self::on(Bed::new("").await).await
    }

    async fn on(bed: Bed) -> Self {
        let stop = Stop::new();
        let desk = bed.discord.desk.clone();
        #[expect(clippy::disallowed_methods, reason = "the test ends it")]
        let task = tokio::spawn(listen(desk, quick(), stop.clone()));
        let listening = Self { bed, stop, task };
        listening.session().await;
        listening
    }

    async fn session(&self) -> String {
        wait::until(LONG, "a session", async || {
            self.bed.world.sessions().into_iter().find(|session| session.connected).map(|session| session.id)
        })
        .await
    }

    async fn stop(self) -> Bed {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        self.bed
    }

    fn ann(&self) -> Person {
        self.bed.world.person("ann")
    }

    /// Waits until this line was heard, and that it was heard once.
    async fn hears(&self, line: &str) {
        hears(&self.bed, line).await;
    }
}

async fn hears(bed: &Bed, line: &str) {
    let heard = std::sync::Mutex::new(Vec::new());
    wait::until(LONG, line, || async {
        let mut heard = heard.lock().unwrap();
        heard.extend(bed.said().into_iter().map(|said| said.said));
        heard.contains(&Said::Line(line.to_owned())).then_some(())
    })
    .await;
    let heard = heard.into_inner().unwrap();
    assert_eq!(heard.iter().filter(|said| **said == Said::Line(line.to_owned())).count(), 1, "{line}");
}

fn clean(bed: &Bed) {
    assert_eq!(bed.world.ledger().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn commands_are_acknowledged_after_they_are_kept_and_messages_are_heard() {
    let listening = Listening::new().await;
    let ann = listening.ann();
    let taken = ann.slash("/status", "#ops").await.unwrap();
    assert_eq!((taken.kind, listening.bed.said().len()), (5, 1), "it is kept by the time that it is acknowledged");
    ann.mention("#ops", "file list reports/").unwrap();
    listening.hears("file list reports/").await;
    ann.dm("status").unwrap();
    listening.hears("status").await;
    ann.say("#ops", "nothing to the bot").unwrap();
    let offered = ann.suggest("/file get name:rep", "#ops").await.unwrap();
    assert_eq!(offered.len(), 1, "{offered:?}");
    assert!(listening.bed.said().is_empty());
    clean(&listening.stop().await);
}

#[tokio::test]
async fn a_restart_resumes_and_misses_nothing() {
    let listening = Listening::new().await;
    let ann = listening.ann();
    ann.mention("#ops", "one").unwrap();
    listening.hears("one").await;
    let bed = listening.stop().await;
    ann.mention("#ops", "while nobody listened").unwrap();
    let listening = Listening::on(bed.again("").await).await;
    listening.hears("while nobody listened").await;
    ann.mention("#ops", "afterwards").unwrap();
    listening.hears("afterwards").await;
    let ledger = listening.bed.world.ledger();
    assert_eq!((ledger.identifies.len(), ledger.resumes), (1, 1));
    clean(&listening.stop().await);
}

#[tokio::test]
async fn a_crash_resumes_and_runs_nothing_twice() {
    let listening = Listening::new().await;
    let ann = listening.ann();
    ann.mention("#ops", "one").unwrap();
    listening.hears("one").await;
    listening.task.abort();
    let _ = listening.task.await;
    ann.mention("#ops", "two").unwrap();
    let listening = Listening::on(listening.bed.again("").await).await;
    listening.hears("two").await;
    assert_eq!(listening.bed.world.ledger().identifies.len(), 1);
    assert!(listening.bed.said().is_empty(), "`one` was told again, and dropped by its key");
    clean(&listening.stop().await);
}

#[tokio::test]
async fn every_end_of_a_connection_is_survived() {
    let listening = Listening::new().await;
    let ann = listening.ann();
    let world = listening.bed.world.clone();
    for (at, what) in ["reconnect", "resumable", "reset", "4000", "4002", "4008", "4009", "over", "4007", "garbage"].into_iter().enumerate()
    {
        let session = listening.session().await;
        let before = world.ledger();
        match what {
            "reconnect" => world.reconnect(&session),
            "resumable" => world.invalidate(&session, true),
            "over" => world.invalidate(&session, false),
            "reset" => world.reset(&session),
            "garbage" => {
                world.send_over_gateway(&session, "{ no frame");
                world.ask_for_beat(&session);
            }
            code => world.close(&session, code.parse().unwrap()),
        }
        ann.mention("#ops", &format!("line {at}")).unwrap();
        // What was said while a new session was begun is missed at Discord, too; what is said afterwards is not.
        let anew = matches!(what, "4007" | "4009" | "over");
        if anew {
            wait::until(LONG, what, async || (world.ledger().identifies.len() > before.identifies.len()).then_some(())).await;
            listening.session().await;
            ann.mention("#ops", &format!("again {at}")).unwrap();
            listening.hears(&format!("again {at}")).await;
        } else {
            listening.hears(&format!("line {at}")).await;
            assert_eq!(world.ledger().identifies.len(), before.identifies.len(), "{what}: it was resumed");
        }
    }
    clean(&listening.stop().await);
}

#[tokio::test]
async fn a_connection_that_nobody_answers_is_given_up() {
    let gateway = GatewaySettings { heartbeat: Duration::from_millis(300), ..GatewaySettings::default() };
    let listening = Listening::on(Bed::with(Settings { gateway, ..Settings::default() }.unlimited(), "").await).await;
    let session = listening.session().await;
    listening.bed.world.silence(&session);
    listening.ann().mention("#ops", "still there?").unwrap();
    listening.hears("still there?").await;
    assert_eq!(listening.bed.world.ledger().identifies.len(), 1);
    clean(&listening.stop().await);
}

#[tokio::test]
async fn what_could_not_be_kept_is_told_again() {
    let listening = Listening::new().await;
    listening.bed.inbox.fail(true);
    listening.ann().mention("#ops", "kept in the end").unwrap();
    wait::until(LONG, "a resumed session", async || (listening.bed.world.ledger().resumes > 0).then_some(())).await;
    listening.bed.inbox.fail(false);
    listening.hears("kept in the end").await;
    clean(&listening.stop().await);
}

async fn ends(bed: &Bed, code: u16) -> PortError {
    let session = wait::until(LONG, "a session", async || bed.world.sessions().into_iter().find(|one| one.connected)).await;
    bed.world.close(&session.id, code);
    PortError::new(PortErrorKind::Broken, "x", "x", "x")
}

#[tokio::test]
async fn codes_that_nothing_mends_end_listening_with_what_to_do() {
    for (code, says) in [(4004, "Reset Token"), (4010, "shards"), (4012, "newer"), (4013, "newer"), (4014, "Privileged Gateway Intents")] {
        let bed = Bed::new("").await;
        let listening = listen(bed.discord.desk.clone(), quick(), Stop::new());
        let (ended, _) = tokio::join!(tokio::time::timeout(LONG, listening), ends(&bed, code));
        let error = ended.unwrap().unwrap_err();
        assert_eq!(error.retry, Retry::No, "{code}");
        assert!(error.message.contains(says), "{code}: {}", error.message);
    }
}

#[tokio::test]
async fn a_refused_token_and_a_closed_gateway_are_told() {
    let bed = Bed::new("").await;
    let _new = bed.world.reset_token();
    let error = tokio::time::timeout(LONG, listen(bed.discord.desk.clone(), quick(), Stop::new())).await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.retry), (PortErrorKind::Unauthenticated, Retry::No));
    let bed = Bed::new("").await;
    bed.world.gateway_closed(true);
    let error = tokio::time::timeout(LONG, listen(bed.discord.desk.clone(), quick(), Stop::new())).await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.retry), (PortErrorKind::Unavailable, Retry::Backoff), "{error}");
    assert!(bed.world.ledger().identifies.is_empty());
}

#[tokio::test]
async fn of_two_processes_one_listens_and_the_other_takes_over() {
    let first = Listening::new().await;
    let second = Listening::on(first.bed.again("").await).await;
    let ann = first.ann();
    ann.mention("#ops", "to one").unwrap();
    second.hears("to one").await;
    // The first one stands by; when the second is gone, it goes on.
    second.task.abort();
    let _ = second.task.await;
    ann.mention("#ops", "to the other").unwrap();
    first.hears("to the other").await;
    assert_eq!(first.bed.world.ledger().identifies.len(), 1);
    clean(&first.stop().await);
}

#[tokio::test]
async fn servers_are_spread_over_as_many_connections_as_discord_proposes() {
    let gateway = GatewaySettings { shards: 3, max_concurrency: 3, ..GatewaySettings::default() };
    let bed = Bed::with(Settings { gateway, ..Settings::default() }.unlimited(), "").await;
    let listening = Listening::on(bed).await;
    let world = listening.bed.world.clone();
    wait::until(LONG, "three sessions", async || (world.sessions().iter().filter(|one| one.connected).count() == 3).then_some(())).await;
    let mut shards: Vec<_> = world.ledger().identifies.iter().map(|one| one.shard).collect();
    shards.sort_unstable();
    assert_eq!(shards, [(0, 3), (1, 3), (2, 3)]);
    assert!(world.ledger().identifies.iter().all(|one| one.intents == 1 | 1 << 9 | 1 << 12), "no privileged intent");
    listening.ann().mention("#ops", "to all").unwrap();
    listening.hears("to all").await;
    clean(&listening.stop().await);
}
