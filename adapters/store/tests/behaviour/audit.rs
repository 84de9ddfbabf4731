//! The audit log and its chain.

use crate::world::{World, on_both};
use bellhop_core::ports::{AuditFilter, AuditTrail as _};
use bellhop_store::{AuditChain, Effects, NewAudit, Store};
use std::time::Duration;

fn row(who: &str, line: &str) -> NewAudit {
    NewAudit {
        who: who.into(),
        name: who.to_uppercase(),
        place: "work:T1/ops".into(),
        line: line.into(),
        outcome: "done".into(),
        detail: "why \0 \u{202e}".into(),
    }
}

async fn fill(world: &World, rows: usize) {
    for number in 0..rows {
        world.clock.advance(Duration::from_secs(1));
        world.store.commit(Effects { audit: vec![row("work:U1", &format!("file put {number}"))], ..Effects::default() }).await.unwrap();
    }
}

async fn broken_at(store: &Store) -> Option<i64> {
    match store.audit_verify().await.unwrap() {
        AuditChain::Whole { .. } => None,
        AuditChain::Broken { seq, .. } => Some(seq),
    }
}

on_both! {
    async fn an_honest_log_is_whole(world: World) {
        assert_eq!(world.store.audit_verify().await.unwrap(), AuditChain::Whole { rows: 0, head: String::new() });
        fill(&world, 3).await;
        let audit = (0..7000).map(|number| row("work:U2", &format!("report {number}"))).collect();
        world.store.commit(Effects { audit, ..Effects::default() }).await.unwrap();
        let AuditChain::Whole { rows, head } = world.store.audit_verify().await.unwrap() else { panic!("the log is whole") };
        assert_eq!((rows, head.len()), (7003, 64));
    }

    async fn many_writers_make_one_chain(world: World) {
        let other = world.another().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..40 {
            let store = if number % 2 == 0 { world.store.clone() } else { other.clone() };
            tasks.spawn(async move { store.commit(Effects { audit: vec![row("a", "one"), row("a", "two")], ..Effects::default() }).await.unwrap() });
        }
        tasks.join_all().await;
        assert!(matches!(world.store.audit_verify().await.unwrap(), AuditChain::Whole { rows: 80, .. }));
        other.close().await;
    }

    async fn any_change_of_a_row_is_found(world: World) {
        fill(&world, 6).await;
        let texts = ["who", "name", "place", "line", "outcome", "detail", "hash"];
        let mut tampers = texts.iter().flat_map(|column| {
            let other = if *column == "hash" { "upper(hash)".to_owned() } else { format!("{column} || ' '") };
            let first = format!("chr_(65) || substr({column}, 2)");
            [(format!("{column} = {other}"), *column), (format!("{column} = {first}"), *column), (format!("{column} = ''"), *column)]
        }).collect::<Vec<_>>();
        tampers.push(("at = at + 1".to_owned(), "at"));
        let char_of = if world.url.starts_with("sqlite") { "char" } else { "chr" };
        for (change, column) in tampers {
            let change = change.replace("chr_", char_of);
            world.execute("CREATE TABLE was AS SELECT * FROM audit_log WHERE seq = 4").await;
            world.execute(&format!("UPDATE audit_log SET {change} WHERE seq = 4")).await;
            assert_eq!(broken_at(&world.store).await, Some(4), "{change}");
            world.execute(&format!("UPDATE audit_log SET {column} = (SELECT {column} FROM was) WHERE seq = 4")).await;
            world.execute("DROP TABLE was").await;
            assert_eq!(broken_at(&world.store).await, None, "restored after {change}");
        }
    }

    async fn removed_moved_added_and_cut_off_rows_are_found(world: World) {
        fill(&world, 6).await;
        world.execute("CREATE TABLE was AS SELECT * FROM audit_log").await;
        let cases: [(&[&str], i64); 8] = [
            (&["DELETE FROM audit_log WHERE seq = 3"], 3),
            (&["DELETE FROM audit_log WHERE seq = 1"], 1),
            (&["DELETE FROM audit_log WHERE seq = 6"], 6),
            (&["DELETE FROM audit_log"], 1),
            (&["UPDATE audit_log SET seq = 99 WHERE seq = 2", "UPDATE audit_log SET seq = 2 WHERE seq = 3", "UPDATE audit_log SET seq = 3 WHERE seq = 99"], 2),
            (&["DELETE FROM audit_log WHERE seq = 3", "UPDATE audit_log SET seq = 3 WHERE seq = 4", "UPDATE audit_log SET seq = 4 WHERE seq = 5", "UPDATE audit_log SET seq = 5 WHERE seq = 6"], 3),
            (&["INSERT INTO audit_log SELECT 7, at, who, name, place, line, outcome, detail, hash FROM audit_log WHERE seq = 6"], 7),
            (&["INSERT INTO audit_log SELECT 0, at, who, name, place, line, outcome, detail, hash FROM audit_log WHERE seq = 6"], 7),
        ];
        for (statements, seq) in cases {
            for statement in statements {
                world.execute(statement).await;
            }
            assert_eq!(broken_at(&world.store).await, Some(seq), "{statements:?}");
            world.execute("DELETE FROM audit_log").await;
            world.execute("INSERT INTO audit_log SELECT * FROM was").await;
            assert_eq!(broken_at(&world.store).await, None, "restored after {statements:?}");
        }
        for tamper in ["UPDATE audit_head SET hash = upper(hash)", "UPDATE audit_head SET seq = 5", "UPDATE audit_head SET seq = 7", "DELETE FROM audit_head"] {
            world.execute("CREATE TABLE head AS SELECT * FROM audit_head").await;
            world.execute(tamper).await;
            assert!(broken_at(&world.store).await.is_some(), "{tamper}");
            world.execute("DELETE FROM audit_head").await;
            world.execute("INSERT INTO audit_head SELECT * FROM head").await;
            world.execute("DROP TABLE head").await;
        }
        // A log without its head takes no rows, and says why.
        world.execute("DELETE FROM audit_head").await;
        let refused = world.store.commit(Effects { audit: vec![row("a", "b")], ..Effects::default() }).await.unwrap_err();
        assert!(refused.message.contains("audit verify"), "{refused}");
    }

    async fn the_log_is_searched(world: World) {
        fill(&world, 3).await;
        let since = world.now();
        let audit = vec![row("work:U9", "file delete 100%_done"), row("work:U1", "status")];
        world.store.commit(Effects { audit, ..Effects::default() }).await.unwrap();
        let find = |about: Option<&str>, since, limit| {
            let (store, filter) = (world.store.clone(), AuditFilter { about: about.map(str::to_owned), since, limit });
            async move { store.rows(&filter).await.unwrap().into_iter().map(|row| row.line).collect::<Vec<_>>() }
        };
        assert_eq!(find(None, None, 2).await, ["status", "file delete 100%_done"]);
        assert_eq!(find(Some("FILE PUT"), None, 10).await, ["file put 2", "file put 1", "file put 0"]);
        assert_eq!(find(Some("u9"), None, 10).await, ["file delete 100%_done"]);
        assert_eq!(find(Some("100%_d"), None, 10).await, ["file delete 100%_done"]);
        assert_eq!(find(Some("1%d"), None, 10).await, [""; 0]);
        assert_eq!(find(Some("t1/ops"), Some(since), 10).await, ["status", "file delete 100%_done", "file put 2"]);
    }
}
