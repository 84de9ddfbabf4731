//! What becomes of the work of a process that died.

use crate::world::{LEASE, SOON, keys, message, on_both};
use bellhop_kit::wait::until;
use bellhop_store::{Backend, InboxKind, NewInbox};
use serde_json::json;
use std::time::Duration;

const QUARANTINE: Duration = Duration::from_secs(10);

fn row(key: &str) -> NewInbox {
    NewInbox::new("test", key, InboxKind::Command, &json!(key))
}

on_both! {
    async fn the_work_of_the_dead_is_taken_up(world: World) {
        let dead = world.another().await;
        world.queue(vec![message("a", "a1"), message("a", "a2"), message("b", "b1")]).await;
        world.store.accept(vec![row("1"), row("2")]).await.unwrap();
        assert_eq!(dead.settle_and_claim("dead", vec![], 5, LEASE).await.unwrap().len(), 2);
        assert_eq!(dead.claim_inbox(InboxKind::Command, "dead", 1, LEASE).await.unwrap().len(), 1);
        dead.close().await;
        // On SQLite a new runner is the only one. On PostgreSQL the leases have to end first.
        if world.store.backend() == Backend::Postgres {
            assert_eq!(world.store.recover(QUARANTINE).await.unwrap(), bellhop_store::Recovered::default());
            world.clock.advance(LEASE);
        }
        let recovered = world.store.recover(QUARANTINE).await.unwrap();
        assert_eq!((recovered.deliveries, recovered.inbox), (2, 1));
        assert!(world.claim(5).await.is_empty(), "what may be posted is not touched during the quarantine");
        world.clock.advance(QUARANTINE);
        let again = world.claim(5).await;
        assert_eq!(keys(&again), ["a1", "b1"]);
        assert!(again.iter().all(|claimed| claimed.ambiguous && claimed.attempts == 1));
        let rows = world.store.claim_inbox(InboxKind::Command, "a", 5, LEASE).await.unwrap();
        assert_eq!(rows.iter().map(|row| (row.key.as_str(), row.attempts)).collect::<Vec<_>>(), [("1", 2), ("2", 1)]);
        // What this process itself works on is its own.
        assert_eq!(world.store.recover(QUARANTINE).await.unwrap(), bellhop_store::Recovered::default());
        world.clock.advance(LEASE);
        let recovered = world.store.recover(QUARANTINE).await.unwrap();
        assert_eq!((recovered.deliveries, recovered.inbox), (2, 2), "a lease that has ended is over for everyone");
    }

    async fn others_can_see_that_the_bot_runs(world: World) {
        let other = world.another().await;
        assert!(!other.runner_alive().await.unwrap());
        let guard = world.store.try_run("one").await.unwrap().expect("nobody else runs");
        assert!(other.runner_alive().await.unwrap());
        assert!(world.store.runner_alive().await.unwrap());
        let second = other.try_run("two").await.unwrap();
        assert_eq!(second.is_some(), world.store.backend() == Backend::Postgres, "one file has one runner, a server many");
        if let Some(second) = second {
            second.release().await;
        }
        assert!(other.runner_alive().await.unwrap());
        guard.release().await;
        assert!(!other.runner_alive().await.unwrap());
        drop(other.try_run("two").await.unwrap().expect("the place is free again"));
        until(SOON, "the bot to be gone", || async { (!world.store.runner_alive().await.unwrap()).then_some(()) }).await;
    }
}
