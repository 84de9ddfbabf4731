//! The smaller books: schedules, figures, links, proposals, keys.

use crate::world::{SOON, on_both, place};
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{ScheduleBook as _, UsageBook as _, UsageRow};
use bellhop_core::{Invoke, PortErrorKind, UserRef};
use bellhop_kit::conformance::schedule::sample;
use bellhop_kit::wait::until;
use bellhop_store::{Approval, Effects, LinkRow, LinkWish, NewAudit, ScheduleAdvance, UsageCount};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

fn ann() -> UserRef {
    UserRef { chat: "work".into(), workspace: "T1".into(), user: "U1".into() }
}

on_both! {
    async fn replicas_run_a_schedule_once(world: World) {
        let store = &world.store;
        store.add(&sample("s1", 0)).await.unwrap();
        store.add(&sample("s2", 5)).await.unwrap();
        assert_eq!(store.add(&sample("s1", 9)).await.unwrap_err().kind, PortErrorKind::Conflict);
        let due = store.due_schedules(world.now()).await.unwrap();
        assert_eq!(due.iter().map(|schedule| schedule.id.as_str()).collect::<Vec<_>>(), ["s1"]);
        let (was, next) = (due[0].next, due[0].next + MINUTE);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let (store, now) = (store.clone(), world.now());
            tasks.spawn(async move { store.advance_schedule("s1", was, next, now).await.unwrap() });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|ran| *ran).count(), 1);
        let kept = store.list().await.unwrap();
        assert_eq!((kept[0].next, kept[0].last), (next, Some(world.now())));
        // In one step with what it does: the loser does nothing.
        let step = |expected_next| Effects {
            advance: vec![ScheduleAdvance { id: "s1".into(), expected_next, new_next: next + MINUTE, ran_at: next }],
            audit: vec![NewAudit::default()],
            ..Effects::default()
        };
        assert_eq!(store.commit(step(was)).await.unwrap_err().kind, PortErrorKind::Conflict);
        store.commit(step(next)).await.unwrap();
        assert!(matches!(store.audit_verify().await.unwrap(), bellhop_store::AuditChain::Whole { rows: 1, .. }));
    }

    async fn figures_add_up(world: World) {
        let count = |which: &str, done, failed| UsageCount { what: "commands".into(), which: which.into(), done, failed };
        world.store.commit(Effects { usage: vec![count("file put", 2, 0), count("file put", 1, 1), count("help", 1, 0)], ..Effects::default() }).await.unwrap();
        let later = world.now() + 90 * MINUTE;
        world.clock.advance(90 * MINUTE);
        world.store.count_usage(vec![count("help", 5, 0)]).await.unwrap();
        let row = |which: &str, done, failed| UsageRow { what: "commands".into(), which: which.into(), done, failed };
        assert_eq!(world.store.usage(world.now() - Duration::from_hours(24)).await.unwrap(), [row("file put", 3, 1), row("help", 6, 0)]);
        assert_eq!(world.store.usage(later).await.unwrap(), [row("help", 5, 0)]);
        let facts = world.store.health().await.unwrap();
        assert!(facts.iter().any(|(name, value)| name == "database" && value.contains("SQL")), "{facts:?}");
    }

    async fn a_link_ends(world: World) {
        let store = &world.store;
        let link = LinkRow {
            id: "abc".into(),
            store: StoreName::new("local"),
            name: "a/b c.txt".into(),
            version: Some("v1".into()),
            made_by: "work:U1".into(),
            made_at: world.now(),
            expires: world.now() + MINUTE,
            uses: 0,
            made_in: None,
            most_uses: None,
            policy: None,
            revoked: None,
        };
        store.add_link(&link).await.unwrap();
        assert_eq!(store.add_link(&link).await.unwrap_err().kind, PortErrorKind::Conflict);
        assert_eq!(store.link("abc").await.unwrap().as_ref(), Some(&link));
        assert_eq!(store.link("abd").await.unwrap(), None);
        assert!(store.count_link_use("abc").await.unwrap());
        assert!(!store.count_link_use("nobody's").await.unwrap());
        assert_eq!(store.link("abc").await.unwrap().unwrap().uses, 1);
        store.add_link(&LinkRow { id: "revoked".into(), ..link.clone() }).await.unwrap();
        assert!(store.revoke_link("revoked").await.unwrap());
        assert!(!store.revoke_link("revoked").await.unwrap());
        assert_eq!(store.link("revoked").await.unwrap(), None);
        assert!(store.any_link("revoked").await.unwrap().unwrap().revoked.is_some(), "that it was revoked can be said");
        assert!(!store.count_link_use("revoked").await.unwrap());
        world.clock.advance(MINUTE);
        assert_eq!(store.link("abc").await.unwrap(), None);
        assert!(store.any_link("abc").await.unwrap().is_some_and(|link| !link.works(world.now())));
        assert!(!store.count_link_use("abc").await.unwrap());
        world.clock.advance(Duration::from_hours(48));
        assert_eq!(store.sweep().await.unwrap().others, 0, "why they don't work can still be said");
        world.clock.advance(Duration::from_hours(6 * 24));
        assert_eq!(store.sweep().await.unwrap().others, 2);
        assert_eq!(store.any_link("abc").await.unwrap(), None);
    }

    async fn a_link_is_good_for_so_many_downloads_and_listed_while_it_works(world: World) {
        let store = &world.store;
        let link = |id: &str, by: &str, name: &str, most: Option<i64>| LinkRow {
            id: id.into(),
            store: StoreName::new("local"),
            name: name.into(),
            version: None,
            made_by: by.into(),
            made_at: world.now(),
            expires: world.now() + MINUTE,
            uses: 0,
            made_in: Some(place("ops")),
            most_uses: most,
            policy: Some("partners".into()),
            revoked: None,
        };
        let all = [link("aaaaaa1", "work:U1", "a", Some(1)), link("aaaaab2", "work:U1", "b", None), link("bbbbbb3", "work:U2", "a", None)];
        for one in &all {
            store.add_link(one).await.unwrap();
        }
        let ids = async |wish: LinkWish| {
            let mut ids: Vec<String> = store.links(&wish).await.unwrap().into_iter().map(|link| link.id).collect();
            ids.sort();
            ids
        };
        let wish = || LinkWish { limit: 10, ..LinkWish::default() };
        assert_eq!(ids(wish()).await.len(), 3);
        assert_eq!(ids(LinkWish { limit: 2, ..wish() }).await.len(), 2);
        assert_eq!(ids(LinkWish { made_by: Some("work:U1".into()), ..wish() }).await, ["aaaaaa1", "aaaaab2"]);
        let of = Some((StoreName::new("local"), "a".to_owned()));
        assert_eq!(ids(LinkWish { file: of.clone(), ..wish() }).await, ["aaaaaa1", "bbbbbb3"]);
        assert_eq!(ids(LinkWish { made_by: Some("work:U2".into()), file: of, ..wish() }).await, ["bbbbbb3"]);
        assert_eq!(ids(LinkWish { begins: Some("aaaaab".into()), ..wish() }).await, ["aaaaab2"]);
        assert!(ids(LinkWish { begins: Some("%".into()), ..wish() }).await.is_empty());
        assert_eq!(store.any_link("aaaaaa1").await.unwrap().as_ref(), Some(&all[0]));
        // Of many who come at once exactly one is let through.
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let store = store.clone();
            tasks.spawn(async move { store.count_link_use("aaaaaa1").await.unwrap() });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|let_through| *let_through).count(), 1);
        assert!(store.any_link("aaaaaa1").await.unwrap().unwrap().used_up());
        assert_eq!(store.link("aaaaaa1").await.unwrap(), None);
        assert_eq!(ids(wish()).await, ["aaaaab2", "bbbbbb3"]);
    }

    async fn a_proposal_is_taken_once(world: World) {
        let store = &world.store;
        let approval = Approval {
            id: "7f3a".into(),
            invoke: Invoke { command: "file delete".into(), args: json!({ "name": "x" }) },
            hash: "h".into(),
            owner: ann(),
            place: place("ops"),
            expires: world.now() + MINUTE,
            line: "file delete x".into(),
        };
        store.propose(&approval).await.unwrap();
        assert_eq!(store.propose(&approval).await.unwrap_err().kind, PortErrorKind::Conflict);
        assert_eq!(store.approval("7f3a").await.unwrap().as_ref(), Some(&approval));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let store = store.clone();
            tasks.spawn(async move { store.take_approval("7f3a", "work:U2").await.unwrap() });
        }
        let won = tasks.join_all().await.into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(won.as_slice(), std::slice::from_ref(&approval));
        assert_eq!(store.approval("7f3a").await.unwrap(), None);
        store.propose(&Approval { id: "late".into(), ..approval }).await.unwrap();
        world.clock.advance(MINUTE);
        assert_eq!(store.take_approval("late", "work:U2").await.unwrap(), None);
    }

    async fn keys_are_checked_and_revoked(world: World) {
        let (store, other) = (&world.store, world.another().await);
        let made = store.add_key("ci", &["alerts".to_owned()]).await.unwrap();
        assert!(made.secret.starts_with(&format!("bh_{}_", made.key.id)));
        assert!(!format!("{made:?}").contains(&made.secret[20..]), "a key doesn't print itself");
        for store in [store, &other] {
            assert_eq!(store.check_key(&made.secret).await.unwrap(), Some(made.key.clone()));
            let wrong = format!("{}{}", &made.secret[..made.secret.len() - 1], if made.secret.ends_with('0') { '1' } else { '0' });
            for bad in [wrong.as_str(), "", "bh_", "bh__", "bh_000000000000_00", &made.secret.to_uppercase(), &format!("bh_000000000000_{}", &made.secret[16..])] {
                assert_eq!(store.check_key(bad).await.unwrap(), None, "{bad}");
            }
        }
        assert!(store.revoke_key(&made.key.id).await.unwrap());
        assert!(!store.revoke_key(&made.key.id).await.unwrap());
        assert_eq!(store.check_key(&made.secret).await.unwrap(), None, "at once where it was revoked");
        until(SOON, "the other process to see the revocation", || async { other.check_key(&made.secret).await.unwrap().is_none().then_some(()) }).await;
        let kept = store.keys().await.unwrap();
        assert_eq!((kept.len(), kept[0].name.as_str(), kept[0].revoked_at), (1, "ci", Some(world.now())));
        other.close().await;
    }
}
