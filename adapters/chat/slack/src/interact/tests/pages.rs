//! The home page, the description of links, and what changes at Slack.

use super::{World, block_ids};
use crate::interact::{introduce, lifecycle};
use crate::parse::{Heard, Kind, Lifecycle, delivery};
use bellhop_core::address::Address;
use bellhop_core::clock::{Clock as _, Timestamp};
use bellhop_core::ids::{StoreName, WorkspaceId};
use bellhop_core::ports::LinkFacts;
use bellhop_kit::wait;
use serde_json::json;

fn ann(world: &World) {
    let user = json!({ "id": "U0ANN", "name": "ann", "tz": "Europe/Berlin", "profile": { "display_name": "Ann" } });
    world.api.answers("users.info", &[json!({ "ok": true, "user": user })]);
}

#[tokio::test]
async fn the_home_page_is_published_for_its_visitor() {
    let world = World::new().await;
    ann(&world);
    assert_eq!(world.answer(Kind::Event, "app_home_opened").await.unwrap(), None);
    let published = world.call("views.publish").await;
    assert_eq!((&published["user_id"], &published["view"]["type"]), (&json!("U0ANN"), &json!("home")));
    assert!(published["view"].to_string().contains("All is well"));
    let visitors = world.house.visitors.lock().unwrap().clone();
    assert_eq!(
        (visitors[0].name.as_str(), visitors[0].zone, visitors[0].at.channel.as_str()),
        ("Ann", Some(chrono_tz::Europe::Berlin), "D0ANN")
    );
    assert!(block_ids(&published["view"]).len() <= 100);
}

fn facts(world: &World, url: &str, name: &str, made_in: Option<Address>) {
    let facts = LinkFacts {
        store: StoreName::from("main"),
        name: name.to_owned(),
        size: 2048,
        content_type: "application/pdf".to_owned(),
        expires: Timestamp::from_timestamp(1_793_624_400, 0).unwrap(),
        made_in,
    };
    world.house.facts.lock().unwrap().insert(url.to_owned(), facts);
}

#[tokio::test]
async fn our_links_are_described_where_they_were_made() {
    let world = World::new().await;
    let (here, first) = (Address::channel("work", "T0WORK", "C0OPS"), "https://bellhop.example.com/files/abc?sig=1&x=2");
    facts(&world, first, "november.pdf", Some(here));
    facts(&world, "https://bellhop.example.com/files/def", "salaries.pdf", Some(Address::channel("work", "T0WORK", "C0BOARD")));
    assert_eq!(world.answer(Kind::Event, "link_shared").await.unwrap(), None);
    let unfurled = world.call("chat.unfurl").await;
    assert_eq!((&unfurled["channel"], &unfurled["ts"]), (&json!("C0OPS"), &json!("1793620798.001000")));
    // The link is spelled as Slack spelled it.
    let keys: Vec<&String> = unfurled["unfurls"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["https://bellhop.example.com/files/abc?sig=1&amp;x=2"]);
    assert!(unfurled.to_string().contains("november.pdf") && !unfurled.to_string().contains("salaries"));
}

#[tokio::test]
async fn other_channels_are_told_nothing() {
    let world = World::new().await;
    let url = "https://bellhop.example.com/files/def";
    for made_in in [
        None,
        Some(Address::channel("work", "T0WORK", "C0BOARD")),
        Some(Address::channel("work", "T0OTHER", "C0OPS")),
        Some(Address::channel("other", "T0WORK", "C0OPS")),
    ] {
        facts(&world, url, "salaries.pdf", made_in);
        let interaction = match delivery(Kind::Event, &world.payload("link_shared", |_| ()), &world.desk.name, world.clock.now()) {
            Ok(Heard::Interact(interaction)) => *interaction,
            other => panic!("{other:?}"),
        };
        let crate::interact::Wants::Unfurl { message, urls } = interaction.wants else { panic!("links are looked at") };
        crate::interact::unfurl::unfurl(world.desk.clone(), interaction.origin, message, urls).await;
    }
    assert_eq!(world.api.called(), Vec::<String>::new());
}

#[tokio::test]
async fn people_are_introduced_and_forgotten() {
    let world = World::new().await;
    ann(&world);
    let heard = || match delivery(Kind::Event, &world.payload("app_mention", |_| ()), &world.desk.name, world.clock.now()) {
        Ok(Heard::Accept(incoming)) => *incoming,
        other => panic!("{other:?}"),
    };
    let mut incoming = heard();
    introduce(&world.desk, &mut incoming).await;
    assert_eq!((incoming.name.as_str(), incoming.zone), ("Ann", Some(chrono_tz::Europe::Berlin)));
    let left = world.payload("channel_rename", |payload| payload["event"]["type"] = "user_change".into());
    let changed = match delivery(Kind::Event, &left, &world.desk.name, world.clock.now()) {
        Ok(Heard::Lifecycle(changed)) => changed,
        other => panic!("{other:?}"),
    };
    // Someone who isn't known any more keeps the name that the event had.
    world.api.answers("users.info", &[json!({ "ok": false, "error": "user_not_found" })]);
    lifecycle(&world.desk, changed).await.unwrap();
    let mut incoming = heard();
    introduce(&world.desk, &mut incoming).await;
    assert_eq!((incoming.name.as_str(), incoming.zone), ("U0ANN", None));
    let ended = Lifecycle::Ended { installations: vec![WorkspaceId::from("T0WORK")], at: world.clock.now() };
    lifecycle(&world.desk, ended).await.unwrap();
}

#[tokio::test]
async fn a_page_that_slack_refuses_stops_nothing() {
    let world = World::new().await;
    world.api.answers("views.publish", &[json!({ "ok": false, "error": "not_enabled" })]);
    world.answer(Kind::Event, "app_home_opened").await.unwrap();
    world.call("views.publish").await;
    world.api.answers("views.publish", &[json!({ "ok": true })]);
    world.answer(Kind::Event, "app_home_opened").await.unwrap();
    let twice = async || (world.api.calls("views.publish").len() == 2).then_some(());
    wait::until(super::SOON, "a second page", twice).await;
}
