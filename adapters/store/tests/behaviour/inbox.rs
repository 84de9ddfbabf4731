//! What comes in.

use crate::world::{LEASE, SOON, on_both};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::Accepted::{New, Seen};
use bellhop_store::{Effects, InboxKind, InboxSettled, NewAudit, NewInbox};
use serde_json::json;
use std::time::Duration;

fn row(key: &str) -> NewInbox {
    NewInbox::new("alerts.generic", key, InboxKind::Alert, &json!({ "is": key }))
}

fn finished(seq: i64) -> InboxSettled {
    InboxSettled { seq, done: true, error: None }
}

on_both! {
    async fn what_comes_twice_is_kept_once(world: World) {
        let store = &world.store;
        assert_eq!(store.accept(vec![row("1"), row("2"), row("1")]).await.unwrap(), [New, New, Seen]);
        assert_eq!(store.accept(vec![row("3"), row("2"), row("3")]).await.unwrap(), [New, Seen, Seen]);
        // Another source may use the same key.
        let other = NewInbox { source: "chat.work".into(), ..row("2") };
        assert_eq!(store.accept(vec![other]).await.unwrap(), [New]);
        assert_eq!(store.accept(vec![]).await.unwrap(), []);
        let claimed = store.claim_inbox(InboxKind::Alert, "a", 10, LEASE).await.unwrap();
        assert_eq!(claimed.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["1", "2", "3", "2"]);
        assert_eq!(claimed[0].body, r#"{"is":"1"}"#);
        assert_eq!(claimed[0].received_at, world.now());
        // What was settled is still known.
        store.commit(Effects { settle: claimed.iter().map(|row| finished(row.seq)).collect(), ..Effects::default() }).await.unwrap();
        assert_eq!(store.accept(vec![row("1")]).await.unwrap(), [Seen]);
        assert!(store.claim_inbox(InboxKind::Alert, "a", 10, LEASE).await.unwrap().is_empty());
    }

    async fn many_callers_each_get_their_own_answer(world: World) {
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..64 {
            let store = world.store.clone();
            // Each key comes from two callers.
            tasks.spawn(async move {
                let mut new = 0;
                for turn in 0..10 {
                    let answers = store.accept(vec![row(&format!("{}-{turn}", caller / 2)), row(&format!("own-{caller}-{turn}"))]).await.unwrap();
                    assert_eq!(answers[1], New);
                    new += usize::from(answers[0] == New);
                }
                new
            });
        }
        let shared: usize = tasks.join_all().await.into_iter().sum();
        assert_eq!(shared, 320, "each shared key is new to exactly one of its two callers");
        assert_eq!(world.store.inbox_depth(InboxKind::Alert).await.unwrap(), 960);
    }

    async fn a_bad_row_is_refused_alone(world: World) {
        for bad in ["", "a\0b", &"x".repeat(1001)] {
            let refused = world.store.accept(vec![row("good"), row(bad)]).await.unwrap_err();
            assert_eq!(refused.kind, PortErrorKind::Invalid, "{bad:?}");
        }
        assert_eq!(world.store.inbox_depth(InboxKind::Alert).await.unwrap(), 0);
        let strange = NewInbox { body: json!("a\0b \u{202e} '; drop table inbox; --").to_string(), ..row("'; --") };
        let body = strange.body.clone();
        assert_eq!(world.store.accept(vec![strange]).await.unwrap(), [New]);
        assert_eq!(world.store.claim_inbox(InboxKind::Alert, "a", 1, LEASE).await.unwrap()[0].body, body);
    }

    async fn kinds_have_their_own_workers_and_order(world: World) {
        let store = &world.store;
        for key in 0..5 {
            store.accept(vec![NewInbox { kind: InboxKind::Command, ..row(&format!("c{key}")) }, row(&format!("a{key}"))]).await.unwrap();
        }
        let first = store.claim_inbox(InboxKind::Command, "a", 2, LEASE).await.unwrap();
        let second = store.claim_inbox(InboxKind::Command, "b", 10, LEASE).await.unwrap();
        assert_eq!(first.iter().chain(&second).map(|row| row.key.as_str()).collect::<Vec<_>>(), ["c0", "c1", "c2", "c3", "c4"]);
        // Given back, it is claimed again, with its attempts.
        store.commit(Effects { settle: vec![InboxSettled { seq: first[1].seq, done: false, error: Some("busy".into()) }], ..Effects::default() }).await.unwrap();
        let again = store.claim_inbox(InboxKind::Command, "b", 10, LEASE).await.unwrap();
        assert_eq!((again[0].seq, again[0].attempts, again.len()), (first[1].seq, 2, 1));
        assert_eq!(store.claim_inbox(InboxKind::Alert, "b", 10, LEASE).await.unwrap().len(), 5);
    }

    async fn what_another_worker_settled_is_not_done_twice(world: World) {
        let store = &world.store;
        store.accept(vec![row("1"), row("2")]).await.unwrap();
        let claimed = store.claim_inbox(InboxKind::Alert, "a", 2, LEASE).await.unwrap();
        let step = |seq| Effects { settle: vec![finished(seq)], audit: vec![NewAudit { line: "alert".into(), ..NewAudit::default() }], ..Effects::default() };
        store.commit(step(claimed[0].seq)).await.unwrap();
        assert_eq!(store.commit(step(claimed[0].seq)).await.unwrap_err().kind, PortErrorKind::Conflict);
        store.commit(step(claimed[1].seq)).await.unwrap();
        let bellhop_store::AuditChain::Whole { rows, .. } = store.audit_verify().await.unwrap() else { panic!("the log is whole") };
        assert_eq!(rows, 2, "the refused step left no trace");
    }

    async fn workers_wake_when_something_comes(world: World) {
        let wake = world.store.inbox_wake(InboxKind::Alert);
        let (store, waiting) = (world.store.clone(), wake.notified());
        store.accept(vec![row("1")]).await.unwrap();
        tokio::time::timeout(SOON, waiting).await.expect("the worker is woken by accept");
        let waiting = wake.notified();
        store.commit(Effects { inbox: vec![row("2"), row("1")], ..Effects::default() }).await.unwrap();
        tokio::time::timeout(SOON, waiting).await.expect("the worker is woken by commit");
        assert_eq!(store.inbox_depth(InboxKind::Alert).await.unwrap(), 2);
    }

    async fn long_work_can_keep_its_rows(world: World) {
        let store = &world.store;
        store.accept(vec![row("1"), row("2")]).await.unwrap();
        let claimed = store.claim_inbox(InboxKind::Alert, "a", 2, LEASE).await.unwrap();
        world.clock.advance(Duration::from_secs(50));
        assert_eq!(store.renew_inbox("a", &[claimed[0].seq], LEASE).await.unwrap(), 1);
        assert_eq!(store.renew_inbox("stranger", &[claimed[1].seq], LEASE).await.unwrap(), 0);
        world.clock.advance(Duration::from_secs(20));
        assert_eq!(store.recover(Duration::ZERO).await.unwrap().inbox, 1);
        let back = store.claim_inbox(InboxKind::Alert, "b", 2, LEASE).await.unwrap();
        assert_eq!(back.iter().map(|row| row.seq).collect::<Vec<_>>(), [claimed[1].seq]);
    }
}
