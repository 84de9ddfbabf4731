//! Channels: changed where a bot may, and words where it may not.

use super::catalogue::buttons_work;
use super::world::World;
use bellhop_core::access::Access;
use bellhop_core::{Audience, CommandError};

#[test]
fn private_channels_are_shown_to_those_who_may_see_them() {
    let world = World::new();
    let text = world.run("channel list");
    assert!(text.contains("#general") && text.contains("#ops") && !text.contains("secret") && !text.contains("#old"), "{text}");
    let reply = world.reply("channel list --private --archived");
    assert_eq!(reply.audience, Audience::Caller);
    let text = world.text(&reply.card);
    assert!(text.contains("secret") && text.contains("#old"), "{text}");
    let member = world.call(Access::Member);
    assert!(matches!(world.try_call(&member, "channel list --private"), Err(CommandError::Refused(_))));
    assert!(!world.run("channel list --chat console").contains("#ops"));
    assert!(matches!(world.error("channel list --chat consol"), CommandError::NotFound { nearest: Some(near), .. } if near == "console"));
}

#[test]
fn channels_are_changed_where_it_was_asked_or_said() {
    let world = World::new();
    assert!(world.run("channel create #incident-42 --private").contains("Created #incident-42"));
    assert!(matches!(world.error("channel create general"), CommandError::Refused(why) if why.contains("already")));
    for bad in ["\"a b\"", "#", "a/b", "@x", &"x".repeat(101)] {
        assert!(matches!(world.error(&format!("channel create {bad}")), CommandError::Invalid { argument: "name", .. }), "{bad}");
    }
    assert!(
        matches!(world.error("channel create x --chat mute"), CommandError::Port(error) if error.message.contains("doesn't let a bot"))
    );
    world.run("channel topic On call: Ann --in #general");
    world.run("channel topic \"- dash\"");
    world.run("channel rename #operations");
    world.run("channel invite @bob,eve bob");
    world.run("channel archive");
    assert_eq!(
        *world.channels.0.lock().unwrap(),
        [
            "topic console:main/general On call: Ann",
            "topic console:main/general - dash",
            "rename console:main/general operations",
            "invite console:main/general [\"bob\", \"eve\"]",
            "archive console:main/general",
        ]
    );
    assert!(matches!(world.error("channel topic \" \""), CommandError::Invalid { argument: "text", .. }));
    assert!(matches!(world.error("channel invite @"), CommandError::Invalid { argument: "people", .. }));
    assert!(world.text(&world.plan("channel archive --in #old").unwrap()).contains("for everyone in it"));
    assert!(world.plan("channel archive --in #nowhere").is_err());
}

#[test]
fn a_post_says_where_it_went_and_who_had_it_said() {
    let world = World::new();
    let reply = world.reply("channel post - **first** <@everyone> item --in #ops");
    assert_eq!(world.text(&reply.card), "✓ Posted to mute:T1/#ops.");
    buttons_work(&world, &reply.card);
    world.run("channel post --in #ops -- --dashes");
    world.run("channel post \"-x two\nlines\" --in #ops");
    let said: Vec<String> = world.said.0.lock().unwrap().iter().map(|(_, card, _)| world.text(card)).collect();
    assert_eq!(said, ["- **first** <@everyone> item\n— Ann", "--dashes\n— Ann", "-x two\nlines\n— Ann"]);
    assert!(matches!(world.error("channel post \"\u{200b} \""), CommandError::Invalid { .. }));
    assert!(matches!(world.error("channel post hi --in #nowhere"), CommandError::NotFound { .. }));
    assert!(world.registry.parse("channel post hi --inn #ops").is_err());
    assert!(world.registry.parse("channel post").is_err());
}
