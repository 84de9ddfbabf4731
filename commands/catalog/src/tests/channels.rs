//! Channels: changed where a bot may, and words where it may not.

use super::catalogue::buttons_work;
use super::world::World;
use bellhop_core::access::Access;
use bellhop_core::{Audience, CommandError, Timestamp};

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
    assert!(
        matches!(world.error("channel create incident-43 --shared"), CommandError::Port(error) if error.message.contains("no shared channels"))
    );
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
    world.run("channel unarchive --in #old");
    world.run("channel delete --in #old");
    world.run("channel purpose \"Releases\nand rollbacks\"");
    world.run("channel join --in #general");
    assert_eq!(
        *world.channels.0.lock().unwrap(),
        [
            "topic console:main/general On call: Ann",
            "topic console:main/general - dash",
            "rename console:main/general operations",
            "invite console:main/general [\"bob\", \"eve\"]",
            "archive console:main/general",
            "unarchive console:main/old",
            "delete console:main/old",
            "purpose console:main/general Releases\nand rollbacks",
            "join console:main/general",
        ]
    );
    assert!(matches!(world.error("channel topic \" \""), CommandError::Invalid { argument: "text", .. }));
    for line in ["channel unarchive --in #ops", "channel purpose x --in #ops", "channel join --in #ops"] {
        assert!(matches!(world.error(line), CommandError::Port(error) if error.message.contains("doesn't let a bot")), "{line}");
    }
    assert!(matches!(world.error(&format!("channel purpose {}", "x".repeat(1001))), CommandError::Invalid { argument: "text", .. }));
    assert_eq!(world.complete("channel unarchive", "in", ""), ["#old"]);
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

#[test]
fn a_post_for_later_is_kept_here_or_left_to_the_platform() {
    let world = World::new();
    let reply = world.reply("channel post Stand-up soon --at \"tomorrow 9:25\"");
    assert_eq!(reply.audience, Audience::Caller);
    buttons_work(&world, &reply.card);
    let kept = world.schedules.0.lock().unwrap()[0].clone();
    let next: Timestamp = "2026-11-24T09:25:00Z".parse().unwrap();
    assert_eq!((kept.next, kept.once(), kept.line.as_str()), (next, true, "channel post Stand-up soon"));
    assert_eq!(world.registry.parse(&kept.line).unwrap().invoke, kept.invoke);
    assert_eq!(
        world.text(&reply.card),
        format!(
            "✓ Planned\nPosted to console:main/#general on Tue 2026-11-24 09:25 UTC.\nId: {}\n→ Remove: schedule remove {}",
            kept.id, kept.id
        )
    );
    assert!(world.said.0.lock().unwrap().is_empty(), "nothing is said before its time");
    assert!(world.run("schedule list").contains("once"));
    let gone = world.run(&format!("schedule remove {}", kept.id));
    let again = gone.lines().last().unwrap().split_once(": /").unwrap().1;
    assert_eq!(again, "channel post --at \"2026-11-24 09:25\" Stand-up soon");
    world.run(again);
    assert_eq!(world.schedules.0.lock().unwrap()[0].next, next);

    let text = world.run("channel post The build is frozen --in #ops --at 2h");
    assert!(text.contains("on Mon 2026-11-23 12:30 UTC") && text.contains("The chat itself keeps it"), "{text}");
    assert_eq!(world.schedules.0.lock().unwrap().len(), 1);
    let noted = world.channels.0.lock().unwrap().join("\n");
    assert!(noted.starts_with("later mute:T1/ops 2026-11-23 12:30:00 UTC") && noted.contains("frozen"), "{noted}");
}

#[test]
fn the_same_call_plans_one_post_and_the_past_is_refused() {
    let world = World::new();
    let mut call = world.call(Access::Operator);
    call.caller.zone = chrono_tz::Europe::Berlin;
    for _ in 0..2 {
        let reply = world.try_call(&call, "channel post hi --at 15:00").unwrap();
        assert!(world.text(&reply.card).contains("Mon 2026-11-23 15:00 CET"), "the caller's own clock");
    }
    assert_eq!(world.schedules.0.lock().unwrap().len(), 1);
    assert!(matches!(world.error("channel post hi --at 10:30"), CommandError::Invalid { argument: "at", why } if why.contains("is past")));
    assert!(world.registry.parse("channel post hi --at soon").is_err());
    // What a platform would have to split is posted from here.
    world.run(&format!("channel post {} --in #ops --at 2h", "x ".repeat(3000)));
    assert_eq!(world.schedules.0.lock().unwrap().len(), 2);
}
