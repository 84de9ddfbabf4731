//! What goes out.

use crate::world::{LEASE, SOON, World, card, done, keys, message, on_both, settled};
use bellhop_core::PortErrorKind;
use bellhop_store::{Depth, NewDelivery, Outcome, Settlement};
use std::collections::BTreeSet;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);

fn retry(world: &World, counts: bool) -> Outcome {
    Outcome::Retry { not_before: world.now() + MINUTE, error: "busy".into(), counts, parts: vec![] }
}

on_both! {
    async fn each_lane_is_first_in_first_out_with_one_on_its_way(world: World) {
        world.queue(vec![message("a", "a1"), message("b", "b1"), message("a", "a2")]).await;
        world.queue(vec![message("a", "a3"), message("b", "b2")]).await;
        // The same key again brings nothing.
        world.queue(vec![message("a", "a1"), message("c", "a2")]).await;
        let first = world.claim(10).await;
        assert_eq!(keys(&first), ["a1", "b1"]);
        assert!(world.claim(10).await.is_empty(), "one message of a lane at a time");
        let next = world.store.settle_and_claim("a", vec![done(&first[0], &["m1"])], 10, LEASE).await.unwrap();
        assert_eq!(keys(&next), ["a2"]);
        let next = world.store.settle_and_claim("a", vec![done(&next[0], &[]), done(&first[1], &[])], 1, LEASE).await.unwrap();
        assert_eq!(next.len(), 1, "no more than there is room for");
        let last = world.claim(10).await;
        assert_eq!(keys(&next).into_iter().chain(keys(&last)).collect::<BTreeSet<_>>(), BTreeSet::from(["a3", "b2"]));
        assert_eq!(world.store.outbox_depth().await.unwrap(), Depth { leased: 2, ..Depth::default() });
        world.store.settle_and_claim("a", vec![done(&next[0], &[]), done(&last[0], &[])], 0, LEASE).await.unwrap();
        assert_eq!((world.store.next_due().await.unwrap(), world.store.oldest_waiting().await.unwrap()), (None, None));
    }

    async fn a_message_waits_for_its_time(world: World) {
        let later = world.now() + MINUTE;
        world.queue(vec![NewDelivery { not_before: Some(later), ..message("a", "a1") }, message("a", "a2")]).await;
        assert!(world.claim(10).await.is_empty(), "the first of the lane holds up the second");
        assert_eq!(world.store.next_due().await.unwrap(), Some(later));
        assert_eq!(world.store.oldest_waiting().await.unwrap(), Some(world.now()));
        world.clock.advance(MINUTE);
        assert_eq!(keys(&world.claim(10).await), ["a1"]);
    }

    async fn what_waits_is_tried_at_once_when_nothing_is_in_its_way_any_more(world: World) {
        world.queue(vec![message("a", "a1"), message("b", "b1")]).await;
        for row in world.claim(10).await {
            let settlement = Settlement { block_lane_until: Some(world.now() + MINUTE), ..settled(&row, retry(&world, false)) };
            world.settle(settlement).await;
        }
        world.store.hurry(&message("a", "a2").to).await.unwrap();
        assert_eq!(keys(&world.claim(10).await), ["a1"], "the others go on waiting");
        world.store.hurry(&message("c", "c1").to).await.unwrap();
    }

    async fn a_failed_message_is_tried_again_before_the_next(world: World) {
        world.queue(vec![message("a", "a1"), message("a", "a2")]).await;
        let first = world.claim(1).await;
        assert_eq!((first[0].attempts, first[0].ambiguous, first[0].created_at), (0, false, world.now()));
        let begun = world.now();
        world.settle(settled(&first[0], retry(&world, true))).await;
        assert!(world.claim(1).await.is_empty());
        world.clock.advance(MINUTE);
        let again = world.claim(1).await;
        assert_eq!((keys(&again), again[0].attempts, again[0].created_at), (vec!["a1"], 1, begun));
        assert!(again[0].epoch > first[0].epoch);
        // A rate limit is no attempt.
        world.settle(settled(&again[0], retry(&world, false))).await;
        world.clock.advance(MINUTE);
        assert_eq!(world.claim(1).await[0].attempts, 1);
    }

    async fn a_blocked_lane_rests(world: World) {
        world.queue(vec![message("a", "a1"), message("a", "a2"), message("b", "b1")]).await;
        let claimed = world.claim(10).await;
        let until = world.now() + MINUTE;
        world.settle(Settlement { block_lane_until: Some(until), ..done(&claimed[0], &[]) }).await;
        assert!(world.claim(10).await.is_empty());
        assert_eq!(world.store.next_due().await.unwrap(), Some(until));
        // What is queued meanwhile doesn't lift the block, and neither does a shorter one.
        world.queue(vec![message("a", "a3")]).await;
        world.settle(Settlement { block_lane_until: Some(world.now()), ..done(&claimed[1], &[]) }).await;
        assert!(world.claim(10).await.is_empty());
        world.clock.advance(MINUTE);
        assert_eq!(keys(&world.claim(10).await), ["a2"]);
    }

    async fn an_empty_blocked_lane_stays_blocked(world: World) {
        world.queue(vec![message("a", "a1")]).await;
        let claimed = world.claim(1).await;
        world.settle(Settlement { block_lane_until: Some(world.now() + MINUTE), ..done(&claimed[0], &[]) }).await;
        world.queue(vec![message("a", "a2")]).await;
        assert!(world.claim(1).await.is_empty());
        world.clock.advance(MINUTE);
        assert_eq!(keys(&world.claim(1).await), ["a2"]);
    }

    async fn the_last_state_of_a_card_takes_the_place_of_the_first(world: World) {
        let later = world.now() + MINUTE;
        world.queue(vec![NewDelivery { not_before: Some(later), ..card("a", "k1", "alert-1") }, message("a", "other"), card("b", "b1", "alert-1")]).await;
        world.queue(vec![card("a", "k2", "alert-1"), card("a", "k3", "alert-1"), card("a", "k4", "alert-2")]).await;
        // Handed in again, an older state doesn't come back: the key is known as long as it stands in the queue.
        world.queue(vec![card("a", "k3", "alert-1")]).await;
        world.clock.advance(MINUTE);
        let first = world.claim(10).await;
        assert_eq!(keys(&first).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(["k3", "b1"]));
        let first = first.into_iter().find(|claimed| claimed.key.as_str() == "k3").unwrap();
        assert_eq!(first.payload["says"], "k3");
        assert!(first.parts.is_empty());
        // On its way it is left alone; the next state queues behind, and finds the message that was posted.
        world.queue(vec![card("a", "k5", "alert-1"), card("a", "k6", "alert-1")]).await;
        let mut order = Vec::new();
        let mut next = world.store.settle_and_claim("a", vec![done(&first, &["m1", "m2"])], 1, LEASE).await.unwrap();
        while let Some(claimed) = next.pop() {
            order.push((claimed.key.as_str().to_owned(), claimed.parts.clone()));
            next = world.store.settle_and_claim("a", vec![done(&claimed, &["m9"])], 1, LEASE).await.unwrap();
        }
        let parts = vec!["m1".into(), "m2".into()];
        assert_eq!(order, [("other".to_owned(), vec![]), ("k4".to_owned(), vec![]), ("k6".to_owned(), parts)]);
    }

    async fn a_rate_limited_state_of_a_card_can_still_be_replaced(world: World) {
        world.queue(vec![card("a", "k1", "c")]).await;
        let first = world.claim(1).await;
        world.settle(settled(&first[0], retry(&world, false))).await;
        world.queue(vec![card("a", "k2", "c")]).await;
        world.clock.advance(MINUTE);
        let second = world.claim(1).await;
        assert_eq!((keys(&second), second[0].seq), (vec!["k2"], first[0].seq));
        // One that failed is not: part of it may be posted.
        world.settle(settled(&second[0], retry(&world, true))).await;
        world.queue(vec![card("a", "k3", "c")]).await;
        world.clock.advance(MINUTE);
        assert_eq!(keys(&world.claim(1).await), ["k2"]);
        assert_eq!(world.store.outbox_depth().await.unwrap().ready, 1);
    }

    async fn only_the_holder_of_the_lease_settles(world: World) {
        world.queue(vec![message("a", "a1"), message("a", "a2")]).await;
        let stale = world.claim(1).await;
        world.clock.advance(LEASE);
        assert_eq!(world.store.recover(MINUTE).await.unwrap().deliveries, 1);
        world.clock.advance(MINUTE);
        let fresh = world.store.settle_and_claim("b", vec![], 1, LEASE).await.unwrap();
        assert_eq!((fresh[0].seq, fresh[0].ambiguous), (stale[0].seq, true));
        // The old owner, another owner with the right epoch, and an unknown number change nothing.
        let block = Some(world.now() + MINUTE);
        for (owner, epoch) in [("a", stale[0].epoch), ("a", fresh[0].epoch), ("b", stale[0].epoch)] {
            let settlement = Settlement { epoch, block_lane_until: block, ..done(&stale[0], &["wrong"]) };
            assert!(world.store.settle_and_claim(owner, vec![settlement], 5, LEASE).await.unwrap().is_empty());
        }
        let next = world.store.settle_and_claim("b", vec![done(&fresh[0], &[]), Settlement { seq: 999, ..done(&fresh[0], &[]) }], 5, LEASE).await.unwrap();
        assert_eq!(keys(&next), ["a2"]);
    }

    async fn a_doubtful_message_is_told_apart_until_it_is_settled(world: World) {
        world.queue(vec![message("a", "a1"), message("a", "a2")]).await;
        let first = world.claim(1).await;
        let outcome = Outcome::Ambiguous { not_before: world.now() + MINUTE, error: "no answer".into(), parts: vec!["m1".into()] };
        world.settle(settled(&first[0], outcome)).await;
        assert_eq!(world.store.outbox_depth().await.unwrap(), Depth { ready: 1, ambiguous: 1, ..Depth::default() });
        assert!(world.claim(5).await.is_empty(), "it is not looked up before its time, and nothing overtakes it");
        world.clock.advance(MINUTE);
        let again = world.claim(5).await;
        assert_eq!((keys(&again), again[0].ambiguous, again[0].attempts, again[0].parts.clone()), (vec!["a1"], true, 1, vec!["m1".into()]));
        // Looked up, and not found: it is surely not posted.
        world.settle(settled(&again[0], retry(&world, true))).await;
        world.clock.advance(MINUTE);
        let last = world.claim(5).await;
        assert_eq!((last[0].ambiguous, last[0].attempts, last[0].parts.clone()), (false, 2, vec!["m1".into()]));
    }

    async fn dead_letters_are_kept_and_can_be_sent_again(world: World) {
        world.queue(vec![message("a", "a1"), message("a", "a2")]).await;
        let first = world.claim(1).await;
        world.settle(settled(&first[0], Outcome::Dead { error: "no such channel".into(), parts: vec![] })).await;
        let second = world.claim(1).await;
        assert_eq!(keys(&second), ["a2"]);
        let dead = world.store.dead_letters(10).await.unwrap();
        assert_eq!((dead.len(), dead[0].error.as_str(), dead[0].key.as_str(), dead[0].payload["says"].as_str()), (1, "no such channel", "a1", Some("a1")));
        assert_eq!(world.store.redrive(999).await.unwrap_err().kind, PortErrorKind::NotFound);
        let wake = world.store.outbox_wake();
        let woken = wake.notified();
        let number = world.store.redrive(dead[0].seq).await.unwrap();
        tokio::time::timeout(SOON, woken).await.expect("the outbox is woken");
        assert!(world.claim(5).await.is_empty(), "its lane has a message on its way");
        assert_eq!(world.store.redrive(dead[0].seq).await.unwrap_err().kind, PortErrorKind::NotFound);
        let again = world.store.settle_and_claim("a", vec![done(&second[0], &[])], 5, LEASE).await.unwrap();
        assert_eq!((keys(&again), again[0].seq, again[0].attempts), (vec!["a1"], number, 0));
        assert!(world.store.dead_letters(10).await.unwrap().is_empty());
    }

    async fn a_long_delivery_can_keep_its_lease(world: World) {
        world.queue(vec![message("a", "a1"), message("b", "b1")]).await;
        let claimed = world.claim(2).await;
        world.clock.advance(LEASE / 2);
        world.store.renew_claims("a", &[(claimed[0].seq, claimed[0].epoch), (claimed[1].seq, 99)], LEASE).await.unwrap();
        world.clock.advance(LEASE / 2);
        assert_eq!(world.store.recover(MINUTE).await.unwrap().deliveries, 1, "only the one that was not renewed");
    }

    async fn what_has_served_its_time_goes(world: World) {
        world.queue(vec![card("a", "a1", "c"), message("a", "a2")]).await;
        let claimed = world.claim(1).await;
        world.settle(done(&claimed[0], &["m1"])).await;
        world.clock.advance(Duration::from_hours(25));
        let swept = world.store.sweep().await.unwrap();
        assert_eq!((swept.outbox, swept.more), (1, false));
        assert_eq!(keys(&world.claim(5).await), ["a2"], "what waits stays");
        world.queue(vec![card("a", "a3", "c")]).await;
        assert_eq!(world.store.sweep().await.unwrap().outbox, 0);
    }
}
