//! Opening databases: addresses, rights, versions.

use crate::world::{World, message, on_both};
use bellhop_core::PortErrorKind;
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_store::{Backend, Effects, Store};
use std::path::Path;
use std::sync::Arc;

async fn open(url: &str) -> Result<Store, bellhop_core::PortError> {
    Store::open(url, Arc::new(StoppedClock::default()), Arc::new(CountedIds::default())).await
}

fn at(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

on_both! {
    async fn a_database_opens_again_with_what_it_had(world: World) {
        world.queue(vec![message("a", "a1")]).await;
        world.store.ping().await.unwrap();
        world.store.close().await;
        world.store.close().await;
        for refused in [world.store.commit(Effects::default()).await.unwrap_err(), world.store.ping().await.unwrap_err()] {
            assert!(refused.kind == PortErrorKind::Unavailable && refused.message.contains("closed"), "{refused}");
        }
        let again = world.another().await;
        assert_eq!(again.outbox_depth().await.unwrap().ready, 1);
        again.close().await;
    }

    async fn closing_waits_for_what_was_handed_in(world: World) {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..200 {
            let store = world.store.clone();
            tasks.spawn(async move { store.commit(Effects { outbox: vec![message("a", &format!("k{number}"))], ..Effects::default() }).await.is_ok() });
        }
        tokio::task::yield_now().await;
        world.store.close().await;
        let done = tasks.join_all().await.into_iter().filter(|done| *done).count();
        let again = world.another().await;
        assert_eq!(again.outbox_depth().await.unwrap().ready, i64::try_from(done).unwrap(), "what was acknowledged is kept, and nothing else");
        again.close().await;
    }

    async fn the_database_of_a_newer_version_is_left_alone(world: World) {
        world.store.close().await;
        world.execute("INSERT INTO migration (version, name, applied_at) VALUES (99, 'future', 0)").await;
        let refused = open(&world.url).await.unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::Unsupported);
        assert!(refused.message.contains("newer Bellhop") && refused.message.contains("99"), "{refused}");
    }

    async fn many_processes_open_a_new_database_at_once(world: World) {
        world.store.close().await;
        let tables = if world.url.starts_with("sqlite") { "SELECT 1" } else { "DROP SCHEMA public CASCADE" };
        world.execute(tables).await;
        if tables == "SELECT 1" {
            std::fs::remove_dir_all(world.folder.path().join("data")).unwrap();
        } else {
            world.execute("CREATE SCHEMA public").await;
        }
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let url = world.url.clone();
            tasks.spawn(async move { open(&url).await.unwrap() });
        }
        for store in tasks.join_all().await {
            store.ping().await.unwrap();
            store.close().await;
        }
    }
}

#[tokio::test]
async fn addresses_that_name_no_database_are_refused_without_their_password() {
    for url in [
        "",
        "bellhop.db",
        "mysql://u:hunter2@h/d",
        "sqlite:",
        "sqlite::memory:",
        "postgres://u:hunter2@[bad/d",
        "postgres://u:hunter2@127.0.0.1:1/d",
        "http://u:hunter2@h",
    ] {
        let refused = open(url).await.unwrap_err();
        assert!(matches!(refused.kind, PortErrorKind::Invalid | PortErrorKind::Unavailable), "{url}: {refused}");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn file_and_folder_are_the_bots_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::sqlite().await;
    assert_eq!(world.store.backend(), Backend::Sqlite);
    let folder = world.folder.path().join("data");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("bellhop.db")), mode(&folder.join("bellhop.db-wal"))), (0o700, 0o600, 0o600));
    drop(world.store.try_run("x").await.unwrap());
    assert_eq!(mode(&folder.join("bellhop.db.run")), 0o600);
}

#[tokio::test]
async fn what_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "just some notes, long enough to be looked at as a database header would be\n".repeat(20)).unwrap();
    let refused = open(&at(&file)).await.unwrap_err();
    assert!(
        refused.kind == PortErrorKind::Broken && refused.message.contains("not a database") && refused.message.contains("notes.txt"),
        "{refused}"
    );
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("just some notes"));
    let refused = open(&at(folder.path())).await.unwrap_err();
    assert!(refused.kind == PortErrorKind::Denied && refused.message.contains("folder"), "{refused}");
    let refused = open(&at(&file.join("below/a.db"))).await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Denied, "{refused}");
}
