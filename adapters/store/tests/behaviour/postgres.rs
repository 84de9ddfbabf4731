//! What only a server can do: drop a connection, go away.

use crate::world::{LEASE, SOON, World, message};
use bellhop_core::PortErrorKind;
use bellhop_kit::peers::postgres::Postgres;
use bellhop_kit::wait::until;
use bellhop_store::{InboxKind, NewInbox, Tuning};
use serde_json::json;
use std::time::Duration;

fn row(key: &str) -> NewInbox {
    NewInbox::new("test", key, InboxKind::Alert, &json!(key))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_ends_are_made_anew() {
    let world = World::postgres().await;
    let mut accepted = 0;
    for round in 0..10 {
        world
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
        until(SOON, "the store to have connections again", || async {
            world.store.accept(vec![row(&round.to_string())]).await.is_ok().then_some(())
        })
        .await;
        accepted += 1;
        world.queue(vec![message("a", &format!("k{round}"))]).await;
    }
    assert_eq!(world.store.inbox_depth(InboxKind::Alert).await.unwrap(), accepted);
    assert_eq!(world.store.outbox_depth().await.unwrap().ready, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_said() {
    let mut server = tokio::task::spawn_blocking(|| Postgres::start().unwrap()).await.unwrap();
    let tuning = Tuning { busy_timeout: Duration::from_secs(2), ..Tuning::default() };
    let world = World::at(server.fresh_database(), tempfile::tempdir().unwrap(), &tuning).await;
    world.store.accept(vec![row("1")]).await.unwrap();
    server.stop();
    for refused in [
        world.store.accept(vec![row("2")]).await.unwrap_err(),
        world.store.ping().await.unwrap_err(),
        world.store.settle_and_claim("a", vec![], 1, LEASE).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind, PortErrorKind::Unavailable, "{refused}");
    }
    world.store.close().await;
}
