//! Many at once: two processes on one database, and more messages than fit into a glance.

use crate::world::{LEASE, World, done, message, on_both};
use bellhop_core::ports::Accepted;
use bellhop_store::{Effects, InboxKind, InboxSettled, NewDelivery, NewInbox, Store};
use serde_json::json;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Delivers until nothing is left, and returns what was claimed in which order.
async fn deliver(store: Store, owner: &'static str) -> Vec<(String, i64)> {
    let (mut settlements, mut log) = (Vec::new(), Vec::new());
    loop {
        let claimed = store.settle_and_claim(owner, std::mem::take(&mut settlements), 50, LEASE).await.unwrap();
        if claimed.is_empty() && store.outbox_depth().await.unwrap().ready == 0 {
            return log;
        }
        for claimed in claimed {
            log.push((claimed.lane.as_str().to_owned(), claimed.seq));
            settlements.push(done(&claimed, &[]));
        }
    }
}

async fn handle(store: Store, owner: &'static str) -> usize {
    let mut handled = 0;
    loop {
        let rows = store.claim_inbox(InboxKind::Alert, owner, 100, LEASE).await.unwrap();
        if rows.is_empty() {
            return handled;
        }
        let mut step = Effects::default();
        for row in rows {
            handled += 1;
            step.settle.push(InboxSettled { seq: row.seq, done: true, error: None });
            step.outbox.push(message(&format!("c{}", row.seq % 17), &format!("d{}", row.seq)));
        }
        store.commit(step).await.unwrap();
    }
}

on_both! {
    async fn two_processes_share_the_work_and_do_nothing_twice(world: World) {
        let other = world.another().await;
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..16 {
            let store = if caller % 2 == 0 { world.store.clone() } else { other.clone() };
            tasks.spawn(async move {
                let mut new = 0;
                for turn in 0..50 {
                    let row = NewInbox::new("test", format!("{}-{turn}", caller / 2), InboxKind::Alert, &json!(turn));
                    new += store.accept(vec![row]).await.unwrap().iter().filter(|accepted| **accepted == Accepted::New).count();
                }
                new
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), 400);
        let (one, two) = tokio::join!(handle(world.store.clone(), "one"), handle(other.clone(), "two"));
        assert_eq!(one + two, 400);
        let (one, two) = tokio::join!(deliver(world.store.clone(), "one"), deliver(other.clone(), "two"));
        assert_eq!(one.len() + two.len(), 400);
        for log in [one, two] {
            let mut last = HashMap::new();
            for (lane, seq) in log {
                assert!(last.insert(lane, seq).is_none_or(|before| before < seq), "in order within the lane");
            }
        }
        other.close().await;
    }

    async fn a_long_queue_is_no_slower_than_a_short_one(world: World) {
        // Half of them in one lane, half in thousands.
        let messages = (0..30_000).map(|number| {
            let channel = if number % 2 == 0 { "one".to_owned() } else { format!("c{}", number % 5000) };
            message(&channel, &format!("k{number}"))
        });
        let messages = messages.collect::<Vec<NewDelivery>>();
        for chunk in messages.chunks(5000) {
            world.queue(chunk.to_vec()).await;
        }
        let begun = Instant::now();
        let (mut settlements, mut taken) = (Vec::new(), 0);
        for _ in 0..40 {
            let claimed = world.store.settle_and_claim("a", std::mem::take(&mut settlements), 64, LEASE).await.unwrap();
            taken += claimed.len();
            settlements = claimed.iter().map(|claimed| done(claimed, &[])).collect();
        }
        assert_eq!(taken, 40 * 64);
        // A scan of the table for each claim would take many times as long.
        assert!(begun.elapsed() < Duration::from_secs(10), "40 rounds took {:?}", begun.elapsed());
        assert_eq!(world.store.outbox_depth().await.unwrap().leased, 64);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writes_of_another_program_are_noticed() {
    let world = World::sqlite().await;
    let other = world.another().await;
    assert!(world.store.changed().await.unwrap(), "the first time nobody knows");
    assert!(!world.store.changed().await.unwrap());
    world.queue(vec![message("a", "own")]).await;
    assert!(!world.store.changed().await.unwrap(), "what this process writes is no news to it");
    other.commit(Effects { outbox: vec![message("a", "other")], ..Effects::default() }).await.unwrap();
    assert!(world.store.changed().await.unwrap());
    assert!(!world.store.changed().await.unwrap());
    other.close().await;
}
