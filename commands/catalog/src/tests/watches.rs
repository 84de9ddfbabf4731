//! Watches: understood, tested on the past, kept once, removed with a way back.

use super::catalogue::buttons_work;
use super::world::{World, now};
use crate::WatchBook;
use bellhop_core::access::Access;
use bellhop_core::alert::{Alert, AlertInput, AlertSignal, apply};
use bellhop_core::card::Block;
use bellhop_core::chart::{ChartKind, SeriesStyle};
use bellhop_core::watch::{Check, Look, Standing, Verdict, Watch};
use bellhop_core::{Address, CommandError, Timestamp};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// Ten signups a day for a hundred days, three of them on each of these days back.
fn world(low: &[i64]) -> World {
    let world = World::new();
    for back in 1..=100 {
        let each = if low.contains(&back) { 3 } else { 10 };
        for number in 0..each {
            let at = (now() - TimeDelta::days(back)).to_rfc3339();
            world.source.add("signups", &format!("p{number}"), &at, &[("country", "de".into())]);
        }
    }
    world
}

fn kept(world: &World) -> Vec<Watch> {
    futures::executor::block_on(WatchBook::new(world.services.records.clone()).all()).unwrap().watches
}

const FACE: &str = "watch add \"events.signups < 80% of same weekday median for 2 checks\" --every 15m --to #ops";

#[test]
fn a_watch_says_what_it_understood_and_what_it_would_have_done() {
    let world = world(&[20, 21, 40]);
    let reply = world.reply(FACE);
    buttons_work(&world, &reply.card);
    let text = world.text(&reply.card);
    insta::assert_snapshot!(text, @r#"
    ✓ Watching signups
    Fires when signups in the last finished day is below 80 % of the median of the same weekday in the 8 weeks before, found by 2 checks in a row.
    Now:       10 on Sun 2026-11-22, not below 8, which is 80 % of 10 (median on Sundays in 8 weeks): quiet
    Looks at:  the last day that is over, UTC
    Checked:   every 15m, first Mon 2026-11-23 10:30 UTC
    Alert:     warning, shown in mute:T1/#ops
    Name:      signups
    Condition: events.signups < 80% of same weekday median over 8 weeks per day for 2 checks
    It would have fired twice in 90 days.
    In 14 % of that time it could not have told, as there are 2 figures on Fridays in the 8 weeks before, and 3 are the fewest to tell what is usual.
    There is a new figure once a day and a check every 15m, so 2 checks mostly see the same one. For 2 days in a row write for 2 days.
    [chart: signups per day from 2026-08-25 to 2026-11-22 between 3 and 10 and the limit at which the watch fires. It would have fired 2 times, last on 2026-11-03, 2026-10-15.]
    Fired                     For   Because
    ────────────────────────  ────  ───────────────────────────────────────────────────────────────────────────────────
    Tue 2026-11-03 00:15 UTC  47 h  3 on Mon 2026-11-02, below 8, which is 80 % of 10 (median on Mondays in 8 weeks)
    Thu 2026-10-15 00:15 UTC  23 h  3 on Wed 2026-10-14, below 8, which is 80 % of 10 (median on Wednesdays in 8 weeks)
    → All watches: watch list
    → Remove: watch remove signups
    "#);
    let chart = reply.card.blocks.iter().find_map(|block| if let Block::Chart(chart) = block { Some(chart) } else { None }).unwrap();
    assert_eq!((chart.kind, chart.x.len(), chart.series.len()), (ChartKind::Line, 90, 3));
    assert_eq!(chart.series[1].values.iter().flatten().count(), 2, "the moments are marked");
    assert_eq!((chart.series[2].style, chart.series[2].values.last().copied().flatten()), (SeriesStyle::Previous, Some(8.0)));
    assert!(chart.alt.contains("It would have fired 2 times"), "{}", chart.alt);
    let watch = kept(&world).remove(0);
    assert_eq!((watch.name.as_str(), watch.to.channel.as_str(), watch.owner_name.as_str()), ("signups", "ops", "Ann"));
}

#[test]
fn the_past_is_tested_without_watching() {
    let world = world(&[20, 21, 40]);
    let reply = world.reply("watch test \"events.signups < 5 per day\" --every 1h");
    buttons_work(&world, &reply.card);
    insta::assert_snapshot!(world.text(&reply.card), @r#"
    Test of a condition
    It would have fired twice in 90 days.
    Fires when signups in the last finished day is below 5.
    Now it is quiet: 10 on Sun 2026-11-22, not below 5.
    [chart: signups per day from 2026-08-25 to 2026-11-22 between 3 and 10 and the limit at which the watch fires. It would have fired 2 times, last on 2026-11-03, 2026-10-15.]
    Fired                     For   Because
    ────────────────────────  ────  ────────────────────────────
    Tue 2026-11-03 00:00 UTC  2 d   3 on Mon 2026-11-02, below 5
    Thu 2026-10-15 00:00 UTC  24 h  3 on Wed 2026-10-14, below 5
    Checked:   every 1h, days of UTC
    Condition: events.signups < 5 per day
    → Watch this: watch add "events.signups < 5 per day" --every 1h
    "#);
    assert!(kept(&world).is_empty());
    assert!(world.run("watch test events.signups < 5 per day --last 30d").contains("It would have fired once in 30 days"));
    assert!(world.run("watch test \"signups < 1 per day\"").contains("It would not have fired in 90 days"));
    assert!(world.run("watch test \"signups > 1 per day\"").contains("once in 90 days, and would be firing now"));
    assert!(world.run("watch test \"signups no data for 2d\"").contains("It would not have fired"));
    assert!(world.run("watch test \"signups by country < 5 per day\"").contains("de: 3 on"));
    let pressed = world.press(&reply.card, "Watch this");
    assert!(world.text(&pressed.card).contains("Watching signups"));
    assert_eq!(kept(&world).len(), 1);
    assert!(world.run("watch test signups").starts_with("Test of the watch signups"));
}

#[test]
fn conditions_may_be_typed_without_quotes() {
    let world = world(&[]);
    for line in [
        "watch add \"events.signups < 80% of same weekday median for 2 checks\" --every 15m --to #ops",
        "watch add events.signups < 80% of same weekday median for 2 checks --every 15m --to #ops",
        "watch add --every 15m --to #ops events.signups < 80% of same weekday median for 2 checks",
        "watch add 'signups < 80% of same weekday median over 8 weeks per day for 2 checks' --every 15m --to #ops",
    ] {
        world.run(line);
        let watch = kept(&world).remove(0);
        assert_eq!(watch.condition.to_string(), "events.signups < 80% of same weekday median over 8 weeks per day for 2 checks", "{line}");
        world.run("watch remove signups");
    }
}

#[test]
fn a_call_makes_one_watch_and_names_are_found() {
    let world = world(&[]);
    let call = world.call(Access::Operator);
    for _ in 0..2 {
        world.try_call(&call, FACE).unwrap();
    }
    assert_eq!(kept(&world).len(), 1);
    world.run(FACE);
    let names: Vec<String> = kept(&world).into_iter().map(|watch| watch.name).collect();
    assert_eq!(names, ["signups", "signups-2"]);
    assert!(
        matches!(world.error(&format!("{FACE} --name signups")), CommandError::Refused(why) if why.contains("a watch signups already"))
    );
    world.run(&format!("{FACE} --name growth --severity critical"));
    assert_eq!(kept(&world)[0].severity, "critical");
}

#[test]
fn what_can_not_be_watched_is_refused_now() {
    let world = world(&[]);
    let said = |line: &str| world.error(line).to_string();
    for (line, why) in [
        ("watch add \"events.signups\"", "write what is tested"),
        ("watch add \"events.signups < 80%\"", "`of` is expected here"),
        ("watch add \"events.signups no data for 90m\"", "whole hours"),
        ("watch add \"signups < 5\" --every 0s", "too short"),
        ("watch add \"signups < 5\" --every 90d", "too long"),
        ("watch add \"signups < 5\" --name \"a b\"", "can't be a watch's name"),
        ("watch add \"checkout.done < 5\"", "events.'checkout.done'"),
        ("watch add \"   \"", "is empty"),
        ("watch test \"signups < 5\" --last 24h", "can't be tested"),
        ("watch test \"signups < 5\" --last 900d", "up to 400d"),
    ] {
        let text = said(line);
        assert!(text.contains(why), "{line}: {text}");
    }
    assert!(
        matches!(world.error("watch add \"events.signup < 5\""), CommandError::NotFound { what: "metric", nearest: Some(near), .. } if near == "signups")
    );
    assert!(matches!(world.error("watch test signups"), CommandError::NotFound { what: "watch", .. }));
    assert!(matches!(world.error("watch remove nothing"), CommandError::NotFound { what: "watch", .. }));
    // A mistyped word has a button.
    let reply = world.reply("watch add \"events.signups < 80% of same weekday mediam\" --every 5m");
    assert!(reply.undone && kept(&world).is_empty());
    insta::assert_snapshot!(world.text(&reply.card), @r#"
    ! That condition is not understood
    mediam, after … of same weekday: did you mean median?
    The whole would be events.signups < 80% of same weekday median.
    → Yes, that: watch add "events.signups < 80% of same weekday median" --every 5m
    "#);
    world.press(&reply.card, "Yes, that");
    assert_eq!(kept(&world)[0].every.to_string(), "5m");
}

#[test]
fn watches_are_listed_as_they_stand() {
    let world = world(&[]);
    let empty = world.reply("watch list");
    assert!(world.text(&empty.card).contains("Nothing is watched yet"));
    for (name, minutes) in [("a-new", 0), ("b-quiet", 3), ("c-counts", 4), ("d-fires", 5), ("e-blind", 6), ("f-paused", 7)] {
        world.run(&format!("watch add \"signups < 5 per day for 3 checks\" --name {name}"));
        let look = Look { from: now(), to: now(), group: None, value: 7.0, low: None, high: None, why: format!("{minutes} on a day") };
        let at = now() - TimeDelta::minutes(minutes);
        let (verdict, standing) = match &name[..1] {
            "b" => (Verdict::Quiet(look), Standing::default()),
            "c" => (Verdict::Firing(look), Standing { streak: 2, ..Standing::default() }),
            "d" => (Verdict::Firing(look), Standing { streak: 9, firing_since: Some(at - TimeDelta::hours(5)), ..Standing::default() }),
            "e" => (Verdict::Unknown("nobody answers".into()), Standing { unknown: 1, ..Standing::default() }),
            _ => continue,
        };
        let book = WatchBook::new(world.services.records.clone());
        let watch = futures::executor::block_on(book.get(name)).unwrap().unwrap();
        let watch = Watch { since: now() - TimeDelta::days(1), ..watch };
        futures::executor::block_on(book.put(&watch)).unwrap();
        futures::executor::block_on(book.keep(&watch, &Check { due: at, at, verdict, standing })).unwrap();
    }
    world.run("watch pause f-paused");
    let reply = world.reply("watch list");
    buttons_work(&world, &reply.card);
    insta::assert_snapshot!(world.text(&reply.card), @r#"
    Watches
    6 watches, 1 firing.
    Watch                                             State                      Last figure     Checked                Alert to
    ────────────────────────────────────────────────  ─────────────────────────  ──────────────  ─────────────────────  ─────────────────────
    a-new events.signups < 5 per day for 3 checks     new                                        not yet; next 10:30    console:main/#general
    b-quiet events.signups < 5 per day for 3 checks   quiet                      3 on a day      3 min ago; next 10:30  console:main/#general
    c-counts events.signups < 5 per day for 3 checks  holds, 2 of 3 checks       4 on a day      4 min ago; next 10:30  console:main/#general
    d-fires events.signups < 5 per day for 3 checks   firing for 5 h             5 on a day      5 min ago; next 10:30  console:main/#general
    e-blind events.signups < 5 per day for 3 checks   can't tell                 nobody answers  6 min ago; next 10:30  console:main/#general
    f-paused events.signups < 5 per day for 3 checks  paused for under a minute                  not yet                console:main/#general
    → Test a-new: watch test a-new
    → Remove a-new: watch remove a-new
    → Test b-quiet: watch test b-quiet
    → Remove b-quiet: watch remove b-quiet
    → Test c-counts: watch test c-counts
    → Remove c-counts: watch remove c-counts
    → Test d-fires: watch test d-fires
    → Remove d-fires: watch remove d-fires
    "#);
}

fn fire(world: &World, watch: &Watch) {
    let signal = AlertSignal {
        fingerprint: watch.fingerprint(),
        source: "watch".into(),
        firing: true,
        name: watch.name.clone(),
        severity: "warning".into(),
        summary: String::new(),
        description: String::new(),
        labels: BTreeMap::new(),
        url: String::new(),
        starts_at: now(),
        ends_at: None,
        received: now(),
        to: vec![Address::channel("console", "main", "general")],
    };
    let (alert, _) = apply(None, AlertInput::Signal(signal));
    world.desk.0.lock().unwrap().push(Alert { id: watch.fingerprint().to_string(), ..alert.unwrap() });
}

#[test]
fn removing_ends_the_alert_and_can_be_undone() {
    let world = world(&[]);
    world.run(&format!("{FACE} --severity critical --tz Europe/Berlin"));
    let before = kept(&world).remove(0);
    fire(&world, &before);
    let reply = world.reply("watch remove signups");
    buttons_work(&world, &reply.card);
    assert!(world.text(&reply.card).contains("Its alert was on, and is ended."));
    assert_eq!(world.desk.0.lock().unwrap()[0].state.word(), "resolved");
    assert!(kept(&world).is_empty());
    world.press(&reply.card, "Undo");
    let after = kept(&world).remove(0);
    assert_eq!(
        (&after.condition, &after.to, after.every, &after.severity, after.zone, &after.name),
        (&before.condition, &before.to, before.every, &before.severity, before.zone, &before.name)
    );
    assert_ne!(after.id, before.id, "its alert is another one");
}

#[test]
fn a_pause_is_a_new_beginning() {
    let world = world(&[]);
    world.run(FACE);
    let watch = kept(&world).remove(0);
    fire(&world, &watch);
    let reply = world.reply("watch pause signups");
    buttons_work(&world, &reply.card);
    assert!(world.text(&reply.card).contains("is ended") && kept(&world)[0].paused.is_some());
    assert!(world.run("watch pause signups").contains("It has been for"));
    assert!(world.run("watch resume signups").contains("is checked every 15m"));
    assert!(kept(&world)[0].paused.is_none());
    let again = world.reply("watch resume signups");
    buttons_work(&world, &again.card);
    assert!(world.text(&again.card).contains("is not paused"));
}

#[test]
fn conditions_are_proposed_while_they_are_typed() {
    let world = world(&[]);
    let proposed = |typed: &str| world.complete("watch add", "condition", typed);
    assert_eq!(proposed("")[0], "events.signups");
    assert_eq!(proposed("sig"), ["events.signups", "web.signups"]);
    assert_eq!(proposed("web."), ["web.signups"]);
    assert_eq!(proposed("users of ev"), ["users of events.signups"]);
    assert_eq!(proposed("events.signups by c"), ["events.signups by country"]);
    assert_eq!(proposed("events.signups where c"), ["events.signups where country="]);
    assert_eq!(proposed("events.signups < 80% of same w"), ["events.signups < 80% of same weekday"]);
    assert!(proposed("events.signups ").contains(&"events.signups anomaly".to_owned()));
    world.run(FACE);
    assert!(world.complete("watch test", "what", "sig").starts_with(&["signups".to_owned(), "events.signups".to_owned()]));
}

#[test]
fn what_can_not_be_read_is_said_and_can_be_removed() {
    let world = world(&[]);
    world.run(FACE);
    let future = serde_json::json!({"name": "new", "condition": "events.signups dances"});
    world.records.0.lock().unwrap().insert(("watch".into(), "new".into()), future);
    let listed = world.run("watch list");
    assert!(listed.contains("The watch new can't be read") && listed.contains("1 watch"), "{listed}");
    assert!(world.run("watch remove new").contains("could not be read"));
    assert!(!world.run("watch list").contains("new can't"));
}

#[test]
fn days_of_another_zone_and_late_figures_are_told() {
    let world = world(&[]);
    let text = world.run("watch add \"web.signups < 5 per day\"");
    assert!(text.contains("America/New_York") && text.contains("estimates it from 50 %"), "{text}");
    assert_eq!(kept(&world)[0].zone, chrono_tz::America::New_York);
    let settling: Timestamp = now() - TimeDelta::hours(48);
    let basis = bellhop_core::analytics::Basis {
        settling_from: Some(settling),
        ..bellhop_core::analytics::Basis::whole("events".into(), chrono_tz::UTC)
    };
    *world.source.basis.lock().unwrap() = Some(basis);
    let text = world.run("watch add \"events.signups < 5 per day\" --name late");
    assert!(text.contains("events goes on counting for about 48 hours") && text.contains("on Fri 2026-11-20"), "{text}");
}
