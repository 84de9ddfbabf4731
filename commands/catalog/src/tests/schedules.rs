//! Schedules: read when they are made, kept once, removed with a way back.

use super::catalogue::buttons_work;
use super::world::World;
use crate::next_runs;
use bellhop_core::access::Access;
use bellhop_core::{CommandError, Timestamp};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_command_is_scheduled_and_removed() {
    let world = World::new();
    assert!(world.run("schedule list").contains("Nothing runs by itself yet."));
    let reply = world.reply("schedule add \"0 9 * * 1-5\" --tz Europe/Berlin --to #ops -- report page_views 7d --by country");
    buttons_work(&world, &reply.card);
    insta::assert_snapshot!(world.text(&reply.card), @r"
    ✓ Scheduled
    Runs:       report page_views 7d --by country
    When:       0 9 * * 1-5 (Europe/Berlin)
    Next:       Tue 2026-11-24 09:00 CET
                Wed 2026-11-25 09:00 CET
                Thu 2026-11-26 09:00 CET
    Answers to: mute:T1/#ops
    Id:         3ba8dc
    → Remove: schedule remove 3ba8dc
    ");
    let kept = world.schedules.0.lock().unwrap()[0].clone();
    assert_eq!(kept.next, at("2026-11-24T08:00:00Z"));
    assert_eq!(kept.line, "report page_views 7d --by country");
    assert_eq!(world.registry.parse(&kept.line).unwrap().invoke, kept.invoke);
    let listed = world.reply("schedule list");
    buttons_work(&world, &listed.card);
    assert!(world.run("schedule list --mine").contains(&kept.id));
    let mut others = world.call(Access::Member);
    others.caller.user.user = "U-other".into();
    let none = world.text(&world.try_call(&others, "schedule list --mine").unwrap().card);
    assert!(none.contains("of others 1 schedule") && !none.contains(&kept.id), "{none}");
    let gone = world.reply(&format!("schedule remove {}", kept.id));
    let again = world.text(&gone.card).lines().last().unwrap().split_once(": /").unwrap().1.to_owned();
    assert!(world.registry.parse(&again).is_ok(), "{again}");
    assert!(matches!(world.error(&format!("schedule remove {}", kept.id)), CommandError::NotFound { what: "schedule", .. }));
}

#[test]
fn it_may_be_written_in_several_ways() {
    let world = World::new();
    for line in [
        "schedule add \"0 9 * * 1-5\" report page_views 7d --by country",
        "schedule add \"0 9 * * 1-5\" -- report page_views 7d --by country",
        "schedule add \"0 9 * * 1-5\" \"report page_views 7d --by country\"",
        "schedule add 0 9 * * 1-5 report page_views 7d --by country",
        "schedule add 0 9 * * 1-5 -- /report page_views 7d --by country",
        "schedule add \" 0  9 * * 1-5 \" report page_views 7d --by country",
    ] {
        world.run(line);
        let kept = world.schedules.0.lock().unwrap().pop().unwrap();
        assert_eq!((kept.cron.as_str(), kept.line.as_str()), ("0 9 * * 1-5", "report page_views 7d --by country"), "{line}");
        let invoke = world.registry.parse(line).unwrap().invoke;
        assert_eq!(world.registry.parse(&world.registry.line(&invoke)).unwrap().invoke, invoke, "{line}");
    }
    world.run("schedule add @daily status");
}

#[test]
fn the_same_call_adds_one_schedule() {
    let world = World::new();
    let call = world.call(Access::Operator);
    for _ in 0..2 {
        world.try_call(&call, "schedule add \"0 9 * * *\" status").unwrap();
    }
    assert_eq!(world.schedules.0.lock().unwrap().len(), 1);
    world.run("schedule add \"0 9 * * *\" status");
    assert_eq!(world.schedules.0.lock().unwrap().len(), 2);
}

#[test]
fn what_can_not_run_is_refused_now() {
    let world = World::new();
    let said = |line: &str| world.error(line).to_string();
    for (line, why) in [
        ("schedule add \"0 9 * *\" status", "has 4 fields"),
        ("schedule add \"0 9 * * * *\" status", "has 6 fields"),
        ("schedule add \"61 9 * * *\" status", "is no cron line"),
        ("schedule add \"0 9 30 2 *\" status", "never due"),
        ("schedule add \"@sometimes\" status", "is no cron line"),
        ("schedule add \"0 9 * * *\" stauts", "did you mean `status`?"),
        ("schedule add \"0 9 * * *\" file", "needs a verb"),
        ("schedule add \"0 9 * * *\" file lsit", "did you mean `file list`?"),
        ("schedule add \"0 9 * * *\" file get", "needs NAME"),
        ("schedule add \"0 9 * * *\" report x 7x", "no period"),
        ("schedule add \"0 9 * * *\" report x --bye day", "--bye"),
        ("schedule add \"0 9 * * *\" file delete a.txt", "destroys"),
        ("schedule add \"0 9 * * *\" -- status --yes", "asks a person"),
        ("schedule add \"0 9 * * *\" approve k7f2m", "needs the person"),
        ("schedule add \"0 9 * * *\" schedule add \"* * * * *\" status", "needs the person"),
        ("schedule add \"0 9 * * *\" \"report 'x\"", "never closed"),
    ] {
        let text = said(line);
        assert!(text.contains(why), "{line}: {text}");
    }
    let operator = world.call(Access::Operator);
    let error = world.try_call(&operator, "schedule add \"0 9 * * *\" audit").unwrap_err().to_string();
    assert!(error.contains("needs the role admin"), "{error}");
    for bad in ["schedule add", "schedule add \"0 9 * * *\"", "schedule add --tz Mars/Olympus \"0 9 * * *\" status"] {
        assert!(world.registry.parse(bad).is_err(), "{bad}");
    }
    assert!(format!("{:?}", world.registry.parse("schedule add --tz berlin \"0 9 * * *\" status").unwrap_err()).contains("Europe/Berlin"));
    assert!(world.schedules.0.lock().unwrap().is_empty());
}

#[test]
fn clocks_that_change_skip_and_repeat_nothing() {
    let zone: chrono_tz::Tz = "Europe/Berlin".parse().unwrap();
    // 02:30 does not exist on 2026-03-29 and exists twice on 2026-10-25.
    let spring = next_runs("30 2 * * *", zone, at("2026-03-28T12:00:00Z"), 2).unwrap();
    assert_eq!(spring, [at("2026-03-29T01:00:00Z"), at("2026-03-30T00:30:00Z")]);
    let autumn = next_runs("30 2 * * *", zone, at("2026-10-24T12:00:00Z"), 2).unwrap();
    assert_eq!(autumn, [at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")]);
    assert!(next_runs("0 0 30 2 *", zone, at("2026-10-24T12:00:00Z"), 2).unwrap().is_empty());
}
