//! A copy of the database: what was copied from either kind is taken back by either, and nothing is posted or run twice.

use crate::world::{World, card, done, message, on_both, place};
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{ByteStream, OwnDatabase as _, PortResult, Records as _};
use bellhop_core::{Clock as _, PortErrorKind};
use bellhop_kit::clock::CountedIds;
use bellhop_kit::peers::postgres::Postgres;
use bellhop_store::{AuditChain, Effects, InboxKind, LinkRow, NewAudit, NewInbox, Restored, Restoring, Store, Waiting, restore};
use bytes::Bytes;
use futures::TryStreamExt as _;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const HELD: Restoring = Restoring { waiting: Waiting::Held, replace: false };

/// Something of everything.
async fn fill(world: &World) {
    let store = &world.store;
    for n in 0..3 {
        let audit = NewAudit {
            who: "console:you".into(),
            name: "You".into(),
            place: "general".into(),
            line: format!("help {n} \u{1f600} ü"),
            outcome: "done".into(),
            detail: String::new(),
        };
        store.commit(Effects { audit: vec![audit], ..Effects::default() }).await.unwrap();
    }
    world.queue(vec![message("a", "posted")]).await;
    let posted = world.claim(1).await.remove(0);
    world.settle(done(&posted, &["1.2"])).await;
    world.queue(vec![message("b", "waits"), card("c", "card waits", "card")]).await;
    let row = |key: &str, kind| NewInbox::new("chat.work", key, kind, &json!({ "said": key }));
    store.accept(vec![row("command", InboxKind::Command), row("report", InboxKind::Alert)]).await.unwrap();
    for n in 0..1500 {
        store.put("notes", &format!("{n:05}"), &json!({ "n": n, "text": "x".repeat(n % 700), "deep": [null, 1.5, "é\n"] })).await.unwrap();
    }
    let link = LinkRow {
        id: "abc".into(),
        store: StoreName::new("local"),
        name: "a b.txt".into(),
        version: None,
        made_by: "you".into(),
        made_at: world.now(),
        uses: 3,
        expires: world.now() + Duration::from_hours(1),
        made_in: Some(place("a")),
        most_uses: None,
        policy: None,
        revoked: None,
    };
    store.add_link(&link).await.unwrap();
    for real in ["0.1", "1e-308", "12345678.900000001"] {
        let properties = if world.url.starts_with("sqlite") { "'{\"a\":1}'" } else { "CAST('{\"a\":1}' AS JSONB)" };
        world
            .execute(&format!(
                "INSERT INTO event (insert_id, name, at, person, revenue, is_key, properties) VALUES ('i{real}', 'buy', 1, NULL, {real}, 0, {properties})"
            ))
            .await;
    }
}

async fn copied(store: &Store) -> Vec<u8> {
    let copy = store.copy().await.unwrap();
    assert!(copy.tables >= 2);
    copy.bytes.try_collect::<Vec<Bytes>>().await.unwrap().concat()
}

fn stream(bytes: &[u8]) -> ByteStream {
    let pieces: Vec<PortResult<Bytes>> = bytes.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(futures::stream::iter(pieces))
}

/// What a copy says, without what may differ between the kinds.
fn lines(copy: &[u8]) -> Vec<serde_json::Value> {
    use std::io::Read as _;
    let mut text = String::new();
    flate2::read::GzDecoder::new(copy).read_to_string(&mut text).unwrap();
    let mut lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        if let Some(columns) = line.get_mut("columns").and_then(|columns| columns.as_array_mut()) {
            for column in columns {
                if column["kind"] == "json" {
                    column["kind"] = json!("text");
                }
            }
        }
        if line.get("bellhop_database").is_some() {
            line["kind"] = json!("any");
        }
        if let Some(row) = line.as_array_mut() {
            for cell in row {
                // JSONB has spaces of its own.
                if let Some(inner) = cell.as_str().filter(|text| text.starts_with('{')).and_then(|text| serde_json::from_str(text).ok()) {
                    *cell = inner;
                }
            }
        }
    }
    // Rows come in no order.
    lines.sort_by_key(ToString::to_string);
    lines
}

async fn opened(world: &World, url: &str) -> Store {
    Store::open(url, world.clock.clone(), Arc::new(CountedIds::default())).await.unwrap()
}

fn fresh(world: &World) -> [String; 2] {
    [format!("sqlite:{}", world.folder.path().join("new/restored.db").display()), Postgres::shared().fresh_database()]
}

on_both! {
    async fn a_copy_is_taken_back_by_either_kind(world: World) {
        fill(&world).await;
        let copy = copied(&world.store).await;
        let targets = tokio::task::block_in_place(|| fresh(&world));
        for url in targets {
            let goes_on = Restoring { waiting: Waiting::GoesOn, replace: false };
            let restored = restore(&url, world.clock.as_ref(), stream(&copy), goes_on).await.unwrap();
            assert!(restored.rows > 1500 && restored.messages == 0, "{restored:?}");
            let store = opened(&world, &url).await;
            assert_eq!(lines(&copied(&store).await), lines(&copy), "{url}");
            assert!(matches!(store.audit_verify().await.unwrap(), AuditChain::Whole { rows: 3, .. }));
            // What waited goes on, and what comes is numbered after what was.
            let claimed = store.settle_and_claim("x", vec![], 10, Duration::from_mins(1)).await.unwrap();
            assert_eq!(crate::world::keys(&claimed), ["waits", "card waits"]);
            assert_eq!(store.inbox_depth(InboxKind::Command).await.unwrap(), 1);
            store.commit(Effects { outbox: vec![message("z", "new")], ..Effects::default() }).await.unwrap();
            let new = store.settle_and_claim("x", vec![], 10, Duration::from_mins(1)).await.unwrap().remove(0);
            assert!(claimed.iter().all(|one| one.seq < new.seq));
            store.close().await;
        }
    }

    async fn what_waited_is_held_and_let_go_by_hand(world: World) {
        fill(&world).await;
        let copy = copied(&world.store).await;
        let [url, _] = tokio::task::block_in_place(|| fresh(&world));
        let restored = restore(&url, world.clock.as_ref(), stream(&copy), HELD).await.unwrap();
        assert_eq!((restored.messages, restored.commands, restored.reports), (2, 1, 1), "{restored:?}");
        let store = opened(&world, &url).await;
        assert!(store.settle_and_claim("x", vec![], 10, Duration::from_mins(1)).await.unwrap().is_empty(), "nothing is posted by itself");
        assert!(store.claim_inbox(InboxKind::Command, "x", 10, Duration::from_mins(1)).await.unwrap().is_empty());
        assert!(store.claim_inbox(InboxKind::Alert, "x", 10, Duration::from_mins(1)).await.unwrap().is_empty());
        let dead = store.dead_letters(10).await.unwrap();
        assert_eq!(dead.len(), 2);
        assert!(dead[0].error.contains("backup"), "{}", dead[0].error);
        // One that is let go is looked up before it is posted.
        store.redrive(dead[1].seq).await.unwrap();
        let claimed = store.settle_and_claim("x", vec![], 10, Duration::from_mins(1)).await.unwrap();
        assert_eq!(crate::world::keys(&claimed), ["waits"]);
        assert!(claimed[0].ambiguous);
        // The same event, told once more by its platform, is known.
        let again = NewInbox::new("chat.work", "command", InboxKind::Command, &json!({}));
        assert_eq!(store.accept(vec![again]).await.unwrap(), [bellhop_core::ports::Accepted::Seen]);
        store.close().await;
    }

    async fn the_copy_is_of_one_moment(world: World) {
        fill(&world).await;
        let mut copy = world.store.copy().await.unwrap().bytes;
        let first = copy.try_next().await.unwrap().unwrap();
        // Written while it is read.
        for n in 0..50 {
            world.store.put("notes", &format!("later {n}"), &json!(n)).await.unwrap();
            world.store.put("notes", "00007", &json!("changed")).await.unwrap();
        }
        let rest = copy.try_collect::<Vec<Bytes>>().await.unwrap().concat();
        let text = lines(&[&first[..], &rest].concat()).iter().map(ToString::to_string).collect::<String>();
        assert!(!text.contains("later") && !text.contains("changed"));
        // One that nobody reads to its end holds nothing up.
        for _ in 0..20 {
            drop(world.store.copy().await.unwrap());
        }
        world.store.put("notes", "after", &json!(1)).await.unwrap();
        assert!(!copied(&world.store).await.is_empty());
    }

    async fn a_database_in_use_is_not_overwritten(world: World) {
        fill(&world).await;
        let copy = copied(&world.store).await;
        world.store.put("notes", "newer", &json!(1)).await.unwrap();
        let guard = world.store.try_run("bot").await.unwrap().unwrap();
        let replacing = Restoring { replace: true, ..HELD };
        for how in [HELD, replacing] {
            let error = restore(&world.url, world.clock.as_ref(), stream(&copy), how).await.unwrap_err();
            assert_eq!(error.kind, PortErrorKind::Conflict, "{error}");
        }
        guard.release().await;
        let error = restore(&world.url, world.clock.as_ref(), stream(&copy), HELD).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Conflict && error.message.contains("--replace"), "{error}");
        assert!(world.store.get("notes", "newer").await.unwrap().is_some(), "nothing was changed");
        world.store.close().await;
        world.clock.advance(Duration::from_mins(1));
        let Restored { kept, .. } = restore(&world.url, world.clock.as_ref(), stream(&copy), replacing).await.unwrap();
        let kept = kept.unwrap();
        let store = opened(&world, &world.url).await;
        assert!(store.get("notes", "newer").await.unwrap().is_none() && store.get("notes", "00007").await.unwrap().is_some());
        store.close().await;
        // What was there is still there.
        if world.url.starts_with("sqlite") {
            let old = opened(&world, &format!("sqlite:{kept}")).await;
            assert!(old.get("notes", "newer").await.unwrap().is_some());
            old.close().await;
        } else {
            let schema = kept.rsplit(' ').next().unwrap();
            assert_eq!(world.execute(&format!("DELETE FROM \"{schema}\".record WHERE key = 'newer'")).await, 1);
        }
    }

    async fn a_copy_that_is_not_whole_changes_nothing(world: World) {
        fill(&world).await;
        let copy = copied(&world.store).await;
        let [url, _] = tokio::task::block_in_place(|| fresh(&world));
        let target = if world.url.starts_with("sqlite") { url } else { tokio::task::block_in_place(|| Postgres::shared().fresh_database()) };
        for cut in [0, 10, copy.len() / 2, copy.len() - 9, copy.len() - 1] {
            let error = restore(&target, world.clock.as_ref(), stream(&copy[..cut]), HELD).await.unwrap_err();
            assert_eq!(error.kind, PortErrorKind::Broken, "cut at {cut}: {error}");
        }
        let broken: ByteStream = Box::pin(futures::stream::iter([
            Ok(Bytes::copy_from_slice(&copy[..5000])),
            Err(bellhop_core::PortError::new(PortErrorKind::Unavailable, "files.s3", "read", "the line broke")),
        ]));
        assert_eq!(restore(&target, world.clock.as_ref(), broken, HELD).await.unwrap_err().kind, PortErrorKind::Unavailable);
        for (line, kind) in [
            (json!({ "bellhop_database": 1, "version": 99, "kind": "sqlite" }), PortErrorKind::Unsupported),
            (json!({ "bellhop_database": 2, "version": 1, "kind": "sqlite" }), PortErrorKind::Unsupported),
            (json!({ "bellhop_database": 1, "version": 2, "kind": "sqlite" }), PortErrorKind::Broken),
        ] {
            use std::io::Write as _;
            let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            writeln!(zip, "{line}").unwrap();
            let error = restore(&target, world.clock.as_ref(), stream(&zip.finish().unwrap()), HELD).await.unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
        }
        // After all that it is still empty, and takes a sound one.
        restore(&target, world.clock.as_ref(), stream(&copy), HELD).await.unwrap();
        assert!(world.clock.now() == world.now());
    }
}
