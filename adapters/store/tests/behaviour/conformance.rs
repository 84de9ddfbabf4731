//! The contracts of the ports that the database implements, from the test kit.

use crate::world::World;
use bellhop_kit::conformance::{analytics, records, schedule};
use bellhop_store::Events;
use std::cell::RefCell;
use std::sync::Arc;

/// Keeps the worlds of a suite's cases until it has ended.
macro_rules! suites {
    ($($database:ident),*) => { $(
        mod $database {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn records_keep_their_contract() {
                let worlds = RefCell::new(Vec::new());
                records::suite(|| async {
                    let world = World::$database().await;
                    let store = world.store.clone();
                    worlds.borrow_mut().push(world);
                    Arc::new(store) as Arc<_>
                })
                .await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn schedules_keep_their_contract() {
                let worlds = RefCell::new(Vec::new());
                schedule::suite(|| async {
                    let world = World::$database().await;
                    let store = world.store.clone();
                    worlds.borrow_mut().push(world);
                    Arc::new(store) as Arc<_>
                })
                .await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn events_keep_the_contract_of_analytics() {
                let worlds = RefCell::new(Vec::new());
                analytics::suite(|| async {
                    let world = World::$database().await;
                    let events = Events::new(world.store.clone());
                    worlds.borrow_mut().push(world);
                    Arc::new(events) as Arc<_>
                })
                .await;
            }
        }
    )* };
}

suites!(sqlite, postgres);
