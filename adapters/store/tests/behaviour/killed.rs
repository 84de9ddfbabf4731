//! A process that is killed in the middle of its work has lost nothing that it acknowledged.

use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_store::{Effects, InboxKind, NewAudit, NewInbox, Store};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Where the child finds its database.
const DATABASE: &str = "BELLHOP_STORE_TEST_DATABASE";
/// What the child writes before each key that it was given as kept.
const KEPT: &str = "kept ";

async fn open(url: &str) -> Store {
    Store::open(url, Arc::new(StoppedClock::default()), Arc::new(CountedIds::default())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("b.db").display());
    let mut kept = BTreeSet::new();
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::the_one_that_is_killed", "--include-ignored", "--nocapture"])
            .env(DATABASE, format!("{round} {url}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let before = kept.len();
        while kept.len() < before + 300 {
            let line = lines.next().expect("the child goes on until it is killed");
            kept.extend(line.strip_prefix(KEPT).map(str::to_owned));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said before the end, and the pipe still holds. The last line may be half.
        kept.extend(lines.filter_map(|line| line.strip_prefix(KEPT).filter(|key| key.ends_with('.')).map(str::to_owned)));
    }
    let store = open(&url).await;
    let rows = store.claim_inbox(InboxKind::Alert, "a", 1_000_000, crate::world::LEASE).await.unwrap();
    let found = rows.into_iter().map(|row| row.key).collect::<BTreeSet<_>>();
    let lost = kept.difference(&found).collect::<Vec<_>>();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert!(matches!(store.audit_verify().await.unwrap(), bellhop_store::AuditChain::Whole { rows: 1.., .. }));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is the child process of the test above, and works until it is killed"]
async fn the_one_that_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "a test process of its own has nothing else to be told by")]
    let Ok(told) = std::env::var(DATABASE) else { return };
    let (round, url) = told.split_once(' ').unwrap();
    let store = open(url).await;
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..8 {
        let (store, round) = (store.clone(), round.to_owned());
        tasks.spawn(async move {
            for turn in 0.. {
                let key = format!("{round}-{caller}-{turn}.");
                store.accept(vec![NewInbox::new("test", &key, InboxKind::Alert, &json!(turn))]).await.unwrap();
                // Lines of one write each: two callers' don't mix.
                std::io::stdout().lock().write_all(format!("\n{KEPT}{key}\n").as_bytes()).unwrap();
                store.commit(Effects { audit: vec![NewAudit { line: key, ..NewAudit::default() }], ..Effects::default() }).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
}
