//! Meetings: made where they can be, announced where it was asked, changed and called off in place.

use super::world::World;
use bellhop_core::access::Access;
use bellhop_core::card::Does;
use bellhop_core::{Call, CommandError};

/// The id that the answer to `meet create` shows.
fn made(world: &World, line: &str) -> String {
    let card = world.reply(line).card;
    let cancel = card.actions().find_map(|action| match &action.does {
        Does::Invoke(invoke) if invoke.command == "meet cancel" => invoke.args["id"].as_str().map(str::to_owned),
        _ => None,
    });
    cancel.unwrap()
}

#[test]
fn a_meeting_is_made_on_the_callers_clock_and_announced() {
    let world = World::new();
    let id = made(&world, "meet create \"Incident 42\" --at \"tomorrow 9:00\" --for 1h --with ann@acme.example,@bob --to #ops");
    let meetings = world.channels.meetings();
    let kept = &meetings[0];
    assert_eq!(
        (kept.title.as_str(), kept.attendees.as_slice()),
        ("Incident 42", &["ann@acme.example".to_owned(), "bob@acme.example".to_owned()][..])
    );
    assert_eq!(kept.ends - kept.starts, chrono::TimeDelta::hours(1));
    assert_eq!(kept.starts.with_timezone(&kept.zone).format("%Y-%m-%d %H:%M").to_string(), "2026-11-24 09:00");
    let said = world.said.0.lock().unwrap().len();
    assert_eq!(said, 1, "announced at #ops besides");
    let text = world.run("meet list");
    assert!(text.contains("Incident 42") && text.contains(&id) && text.contains("https://meet.example/"), "{text}");
    world.run(&format!("meet change {id} --at \"tomorrow 10:00\" --with cem@acme.example"));
    let changed = world.channels.meetings()[0].clone();
    assert_eq!((changed.starts - kept.starts, changed.attendees.len()), (chrono::TimeDelta::hours(1), 3));
    world.run(&format!("meet cancel {id}"));
    assert!(world.channels.meetings().is_empty());
    // Both cards change: where it was asked, and where it was announced.
    assert_eq!(world.said.0.lock().unwrap().len(), said + 4);
    assert!(world.run("meet list").contains("There is none to come"));
}

#[test]
fn what_can_not_be_meant_is_said() {
    let world = World::new();
    for (line, argument) in [
        ("meet create x --at \"2020-01-01 09:00\"", "at"),
        ("meet create x --at 2h --for 2d", "for"),
        ("meet create \" \" --at 2h", "title"),
        ("meet create x --at 2h --with nobody", "with"),
    ] {
        assert!(matches!(world.error(line), CommandError::Invalid { argument: found, .. } if found == argument), "{line}");
    }
    assert!(matches!(world.error("meet cancel 123456"), CommandError::NotFound { what: "meeting", .. }));
    assert!(
        matches!(world.error("meet create x --at 2h --chat consol"), CommandError::NotFound { nearest: Some(near), .. } if near == "console")
    );
    assert!(matches!(world.error("meet create x --at 2h --chat mute"), CommandError::Port(error) if error.message.contains("no meetings")));
}

#[test]
fn another_ones_meeting_is_left_alone_by_members() {
    let world = World::new();
    let id = made(&world, "meet create x --at 2h");
    let mut member = world.call(Access::Member);
    member.caller.user.user = "U-other".into();
    assert!(matches!(world.try_call(&member, &format!("meet change {id} --title y")), Err(CommandError::Refused(_))));
}

#[test]
fn meetings_that_are_over_are_forgotten() {
    let world = World::new();
    made(&world, "meet create x --at 2h");
    let mut later = world.call(Access::Member);
    later.now += chrono::TimeDelta::days(2);
    let said = |call: &Call| world.text(&world.try_call(call, "meet list").unwrap().card);
    assert!(said(&later).contains("There is none to come"));
    // It is gone for good, not only left out.
    assert!(said(&world.call(Access::Member)).contains("There is none to come"));
}
