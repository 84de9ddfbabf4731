//! What only a file can do: be full, be locked, be written by one at a time.

use crate::world::{SOON, World, message};
use bellhop_core::PortErrorKind;
use bellhop_core::alert::{AlertInput, AlertSignal, apply};
use bellhop_store::{AlertWrite, AuditChain, Effects, InboxKind, NewAudit, NewInbox, Tuning};
use serde_json::json;
use sqlx::{Connection as _, Executor as _};
use std::time::Duration;

async fn tuned(tuning: &Tuning) -> World {
    let folder = tempfile::tempdir().unwrap();
    World::at(format!("sqlite:{}", folder.path().join("b.db").display()), folder, tuning).await
}

fn row(key: &str, size: usize) -> NewInbox {
    NewInbox::new("test", key, InboxKind::Alert, &json!("x".repeat(size)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_takes_none_of_its_neighbours_with_it() {
    let world = World::sqlite().await;
    let now = world.now();
    // Another program holds the file, so that all of these wait together and go into one transaction.
    let mut holder = sqlx::SqliteConnection::connect(&world.url).await.unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let store = world.store.clone();
        tasks.spawn(async move {
            let mut step = Effects {
                outbox: vec![message("a", &format!("k{number}"))],
                audit: vec![NewAudit { line: number.to_string(), ..NewAudit::default() }],
                ..Effects::default()
            };
            if number % 3 == 0 {
                // Its message would be queued before the alert's version turns out to be wrong, were it not undone.
                let signal = AlertSignal {
                    fingerprint: format!("f{number}").into(),
                    source: "t".into(),
                    firing: true,
                    name: "n".into(),
                    severity: String::new(),
                    summary: String::new(),
                    description: String::new(),
                    labels: std::collections::BTreeMap::new(),
                    url: String::new(),
                    starts_at: now,
                    ends_at: None,
                    received: now,
                    to: Vec::new(),
                };
                let alert = apply(None, AlertInput::Signal(signal)).0.unwrap();
                step.alerts = vec![AlertWrite { alert, expected_version: Some(7) }];
            }
            if number % 3 == 1 {
                // Fails at its very end: the schedule isn't there.
                step.advance = vec![bellhop_store::ScheduleAdvance { id: "none".into(), expected_next: now, new_next: now, ran_at: now }];
            }
            let accepted = store.accept(vec![row(&number.to_string(), 10)]).await.is_ok();
            (number % 3 == 2, store.commit(step).await.is_ok(), accepted)
        });
    }
    tokio::task::yield_now().await;
    holder.execute("COMMIT").await.unwrap();
    for (expected, done, accepted) in tasks.join_all().await {
        assert_eq!((expected, true), (done, accepted));
    }
    assert_eq!(world.store.outbox_depth().await.unwrap().ready, 20);
    assert_eq!(world.store.inbox_depth(InboxKind::Alert).await.unwrap(), 60);
    assert!(matches!(world.store.audit_verify().await.unwrap(), AuditChain::Whole { rows: 20, .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() {
    let world = tuned(&Tuning { max_bytes: Some(1024 * 1024), ..Tuning::default() }).await;
    let mut kept = 0;
    let refused = loop {
        match world.store.accept(vec![row(&kept.to_string(), 4000)]).await {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
        assert!(kept < 1000, "the file grew beyond its limit");
    };
    assert!(refused.kind == PortErrorKind::Full && refused.message.contains("free space"), "{refused}");
    // Whoever writes beside something that doesn't fit is told the truth: done, or not.
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let store = world.store.clone();
        let size = if number % 2 == 0 { 100_000 } else { 10 };
        tasks.spawn(async move { i64::from(store.accept(vec![row(&format!("later-{number}"), size)]).await.is_ok()) });
    }
    let later = tasks.join_all().await.into_iter().sum::<i64>();
    assert_eq!(world.store.inbox_depth(InboxKind::Alert).await.unwrap(), kept + later);
    // With room again it goes on, without a new start.
    world.store.close().await;
    let roomy = world.another().await;
    roomy.accept(vec![row("roomy", 4000)]).await.unwrap();
    assert_eq!(roomy.inbox_depth(InboxKind::Alert).await.unwrap(), kept + later + 1);
    roomy.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_locked_by_another_program_is_said_and_waited_for() {
    let world = tuned(&Tuning { busy_timeout: Duration::from_millis(100), ..Tuning::default() }).await;
    let mut holder = sqlx::SqliteConnection::connect(&world.url).await.unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let refused = world.store.accept(vec![row("1", 10)]).await.unwrap_err();
    assert!(refused.kind == PortErrorKind::Unavailable && refused.message.contains("locked by another program"), "{refused}");
    assert_eq!(world.store.inbox_depth(InboxKind::Alert).await.unwrap(), 0, "readers go on meanwhile");
    holder.execute("COMMIT").await.unwrap();
    world.store.accept(vec![row("1", 10)]).await.unwrap();
    // A patient one waits until the other has done.
    let patient = world.another().await;
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let waiting = patient.accept(vec![row("2", 10)]);
    let (accepted, _) = tokio::join!(tokio::time::timeout(SOON, waiting), holder.execute("COMMIT"));
    accepted.expect("it goes on").unwrap();
    patient.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_is_cut_off_in_the_middle_comes_back() {
    let world = World::sqlite().await;
    world.store.accept(vec![row("1", 10)]).await.unwrap();
    // A statement that no longer has its table fails; the writer lives on, and so does everything else.
    world.execute("ALTER TABLE usage_count RENAME TO gone").await;
    let broken = Effects {
        outbox: vec![message("a", "k1")],
        usage: vec![bellhop_store::UsageCount { what: "x".into(), done: 1, ..Default::default() }],
        ..Effects::default()
    };
    assert_eq!(world.store.commit(broken.clone()).await.unwrap_err().kind, PortErrorKind::Broken);
    assert_eq!(world.store.outbox_depth().await.unwrap().ready, 0);
    world.store.accept(vec![row("2", 10)]).await.unwrap();
    world.execute("ALTER TABLE gone RENAME TO usage_count").await;
    world.store.commit(broken).await.unwrap();
    assert_eq!(world.store.outbox_depth().await.unwrap().ready, 1);
}
