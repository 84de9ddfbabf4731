//! Channels by Graph: listed, made, renamed, described, closed, joined.

use super::{Office, calm, hears, ranks};
use bellhop_kit::teams::{Behaviour, Settings, TeamsWorld};

fn channel(world: &TeamsWorld, name: &str) -> Option<(String, String, bool, String)> {
    world.channels("Acme").into_iter().find(|one| one.0 == name)
}

#[tokio::test]
async fn channels_are_made_changed_and_closed() {
    let office = Office::knowing(calm(), ranks).await;
    let bob = office.person("bob");
    bob.dm("channel list").await.unwrap();
    let list = hears(&bob, "@bellhop", "random").await;
    assert!(list.text.contains("ops") && list.text.contains("General"), "{}", list.text);
    bob.dm("channel create incident-7").await.unwrap();
    hears(&bob, "@bellhop", "incident-7").await;
    assert_eq!(channel(&office.world, "incident-7").map(|one| one.1), Some("standard".to_owned()));
    bob.dm("channel topic \"Where it burns\" --in #incident-7").await.unwrap();
    hears(&bob, "@bellhop", "Where it burns").await;
    assert_eq!(channel(&office.world, "incident-7").unwrap().3, "Where it burns");
    bob.mention("#incident-7", "channel rename incident-8").await.unwrap();
    bellhop_kit::wait::until(bellhop_e2e::PATIENCE, "the new name", || async { channel(&office.world, "incident-8") }).await;
    bob.dm("channel post \"all hands\" --in #incident-8").await.unwrap();
    hears(&office.person("ann"), "#incident-8", "all hands").await;
    bob.dm("channel archive --in #incident-8 --yes").await.unwrap();
    bellhop_kit::wait::until(bellhop_e2e::PATIENCE, "the end of it", || async { channel(&office.world, "incident-8").filter(|one| one.2) })
        .await;
    office.proper();
}

#[tokio::test]
async fn a_private_channel_is_made_with_its_owner_and_people_are_brought_in() {
    let office = Office::knowing(calm(), ranks).await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    bob.dm("channel create warroom --private").await.unwrap();
    hears(&bob, "@bellhop", "warroom").await;
    assert_eq!(channel(&office.world, "warroom").map(|one| one.1), Some("private".to_owned()));
    assert!(bob.place("#warroom").is_ok(), "whoever asked is in it");
    assert!(ann.place("#warroom").is_err());
    bob.dm("channel invite ann --in #warroom").await.unwrap();
    bellhop_kit::wait::until(bellhop_e2e::PATIENCE, "ann in the channel", || async { ann.place("#warroom").ok() }).await;
    office.proper();
}

#[tokio::test]
async fn what_the_administrator_has_not_consented_to_is_named() {
    let office = Office::knowing(calm().without("Channel.Create"), ranks).await;
    let bob = office.person("bob");
    bob.dm("channel create incident-7").await.unwrap();
    let told = hears(&bob, "@bellhop", "Channel.Create").await;
    assert!(
        told.links.iter().any(|link| link.contains("adminconsent")) || told.text.contains("adminconsent"),
        "the administrator's link: {told:?}"
    );
    assert_eq!(channel(&office.world, "incident-7"), None);
}

#[tokio::test]
async fn a_resource_specific_permission_is_enough() {
    let settings = Settings { resource_permissions: vec!["Channel.Create.Group".into()], ..calm().without("Channel.Create") };
    let office = Office::knowing(settings, ranks).await;
    let bob = office.person("bob");
    bob.dm("channel create incident-7").await.unwrap();
    hears(&bob, "@bellhop", "incident-7").await;
    assert!(channel(&office.world, "incident-7").is_some());
}

#[tokio::test]
async fn names_that_are_taken_or_impossible_are_said() {
    let office = Office::knowing(calm(), ranks).await;
    let bob = office.person("bob");
    bob.dm("channel create ops").await.unwrap();
    let told = hears(&bob, "@bellhop", "ops").await;
    assert!(told.text.to_lowercase().contains("already") || told.text.contains("taken") || told.text.contains("there is"), "{}", told.text);
    bob.dm("channel create what?*").await.unwrap();
    hears(&bob, "@bellhop", "what?*").await;
    bob.mention("#General", "channel rename lobby").await.unwrap();
    hears(&bob, "@bellhop", "can't be renamed").await;
    assert!(channel(&office.world, "lobby").is_none());
}

#[tokio::test]
async fn graph_in_a_hurry_or_out_of_order_is_waited_for() {
    let office = Office::knowing(calm(), ranks).await;
    let bob = office.person("bob");
    for (n, behaviour) in [
        Behaviour { refuse: Some(429), retry_after: Some(1), times: Some(1), ..Behaviour::default() },
        Behaviour { refuse: Some(503), retry_after: Some(1), times: Some(1), ..Behaviour::default() },
        Behaviour { garbage: true, times: Some(1), ..Behaviour::default() },
    ]
    .into_iter()
    .enumerate()
    {
        office.world.behave(Behaviour { call: Some("graph/channels".into()), ..behaviour });
        bob.dm("channel list").await.unwrap();
        bellhop_kit::wait::until(bellhop_e2e::PATIENCE, "an answer", || async { (bob.hears("@bellhop").len() > n).then_some(()) }).await;
    }
    office.world.behave_well();
    bob.dm("channel create after-all").await.unwrap();
    hears(&bob, "@bellhop", "after-all").await;
    assert!(channel(&office.world, "after-all").is_some());
    assert_eq!(office.world.ledger().early, Vec::<String>::new());
}
