//! Lanes of events: what gets in with the event that is kept, one process at a time sends, only its word counts.

use crate::world::{LEASE, World, on_both};
use bellhop_core::analytics::NewEvent;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource as _, UsageBook as _};
use bellhop_store::{Effects, Events, FeedClaim, FeedSettlement};
use chrono::TimeDelta;
use serde_json::json;
use std::time::Duration;

fn web() -> SourceName {
    "web".into()
}

fn event(world: &World, id: &str) -> NewEvent {
    let properties = [("plan".to_owned(), json!("pro\0"))].into_iter().collect();
    NewEvent { event: "signup".into(), distinct_id: "ann".into(), time: world.now(), insert_id: id.into(), properties }
}

async fn claim(world: &World, owner: &str) -> Option<FeedClaim> {
    world.store.claim_feed(&web(), owner, 10, LEASE).await.unwrap()
}

fn ids(claim: &FeedClaim) -> Vec<&str> {
    claim.events.iter().map(|fed| fed.event.insert_id.as_str()).collect()
}

on_both! {
    async fn what_is_kept_is_in_the_lanes_and_what_came_before_is_not_again(world: World) {
        let plain = Events::new(world.store.clone());
        plain.track(vec![event(&world, "old")]).await.unwrap();
        let events = Events::new(world.store.clone()).feeding(["web".into(), "other".into()]);
        let sample = NewEvent { properties: [("sample".to_owned(), json!(true))].into_iter().collect(), ..event(&world, "sample") };
        let wrong = NewEvent { event: " ".into(), ..event(&world, "wrong") };
        let batch = vec![event(&world, "old"), event(&world, "a"), sample, wrong, event(&world, "a"), event(&world, "b")];
        let taken = events.track(batch).await.unwrap();
        assert_eq!((taken.taken, taken.duplicates, taken.refused.len()), (3, 2, 1));
        let found = claim(&world, "p").await.unwrap();
        assert_eq!(ids(&found), ["a", "b"]);
        assert_eq!(found.events[0].event.properties["plan"], json!("pro\u{fffd}"));
        let lanes = world.store.feed_lanes().await.unwrap();
        assert_eq!(lanes.iter().map(|lane| (lane.sink.as_str(), lane.waiting)).collect::<Vec<_>>(), [("other", 2), ("web", 2)]);
    }

    async fn one_process_at_a_time_sends_and_only_its_word_counts(world: World) {
        let events = Events::new(world.store.clone()).feeding([web()]);
        events.track(vec![event(&world, "a"), event(&world, "b"), event(&world, "c")]).await.unwrap();
        let first = claim(&world, "p").await.unwrap();
        assert!(claim(&world, "q").await.is_none(), "p holds it");
        assert_eq!(world.store.feed_due(&web(), "q").await.unwrap(), Some(world.now() + TimeDelta::from_std(LEASE).unwrap()));
        world.clock.advance(LEASE / 2);
        assert!(world.store.renew_feed(&web(), "p", first.epoch, LEASE).await.unwrap());
        world.clock.advance(LEASE / 2 + Duration::from_secs(1));
        assert!(claim(&world, "q").await.is_none(), "it was renewed");
        world.clock.advance(LEASE);
        let second = claim(&world, "q").await.unwrap();
        assert_eq!(ids(&second), ["a", "b", "c"]);
        // Too late: q has taken over.
        let sent = FeedSettlement { sent: first.events.iter().map(|fed| fed.seq).collect(), ..FeedSettlement::default() };
        assert!(!world.store.settle_feed(&web(), "p", first.epoch, sent).await.unwrap());
        assert!(!world.store.renew_feed(&web(), "p", first.epoch, LEASE).await.unwrap());
        let seqs: Vec<i64> = second.events.iter().map(|fed| fed.seq).collect();
        let until = world.now() + TimeDelta::seconds(30);
        let settled = FeedSettlement {
            sent: vec![seqs[0]],
            refused: vec![(seqs[1], "its name is reserved".into())],
            rest: Some((until, "come back later".into(), true)),
        };
        assert!(world.store.settle_feed(&web(), "q", second.epoch, settled).await.unwrap());
        assert_eq!(world.store.feed_due(&web(), "q").await.unwrap(), Some(until));
        assert!(claim(&world, "q").await.is_none(), "not before it is time");
        let lane = world.store.feed_lanes().await.unwrap().remove(0);
        assert_eq!((lane.waiting, lane.refused, lane.error.as_deref()), (1, 1, Some("come back later")));
        world.clock.advance(Duration::from_secs(31));
        let third = claim(&world, "p").await.unwrap();
        assert_eq!((ids(&third), third.attempts), (vec!["c"], 1));
        let sent = FeedSettlement { sent: vec![third.events[0].seq], ..FeedSettlement::default() };
        assert!(world.store.settle_feed(&web(), "p", third.epoch, sent).await.unwrap());
        assert_eq!(world.store.feed_due(&web(), "p").await.unwrap(), None);
        let refused = world.store.refused_events(Some(&web()), 10).await.unwrap();
        assert_eq!((refused[0].event.insert_id.as_str(), refused[0].reason.as_str()), ("b", "its name is reserved"));
        assert_eq!(world.store.resend_refused(&web()).await.unwrap(), 1);
        let again = claim(&world, "p").await.unwrap();
        assert_eq!((ids(&again), again.attempts), (vec!["b"], 0));
        let counted = world.store.usage(world.now()).await.unwrap();
        let sent = counted.iter().find(|row| row.what == "source.sent").unwrap();
        assert_eq!((sent.which.as_str(), sent.done, sent.failed), ("web", 2, 1));
    }

    async fn the_oldest_go_where_there_is_no_room_but_not_while_they_are_sent(world: World) {
        let events = Events::new(world.store.clone()).feeding([web()]);
        events.track((0..12).map(|number| event(&world, &format!("e{number:02}"))).collect()).await.unwrap();
        let held = claim(&world, "p").await.unwrap();
        assert_eq!(world.store.trim_feed(&web(), "q", 5).await.unwrap(), 0);
        assert!(world.store.settle_feed(&web(), "p", held.epoch, FeedSettlement::default()).await.unwrap());
        assert_eq!(world.store.trim_feed(&web(), "q", 5).await.unwrap(), 7);
        assert_eq!(world.store.trim_feed(&web(), "q", 5).await.unwrap(), 0);
        assert_eq!(ids(&claim(&world, "p").await.unwrap()), ["e07", "e08", "e09", "e10", "e11"]);
        let lane = world.store.feed_lanes().await.unwrap().remove(0);
        assert_eq!((lane.dropped, lane.dropped_at), (7, Some(world.now())));
    }

    async fn the_bots_own_use_is_on_its_way_to_own_events_with_what_it_is_about(world: World) {
        let own = SourceName::new("events");
        world.store.commit(Effects { events: vec![event(&world, "command-1")], ..Effects::default() }).await.unwrap();
        let claim = world.store.claim_feed(&own, "p", 10, LEASE).await.unwrap().unwrap();
        assert_eq!(ids(&claim), ["command-1"]);
    }
}
