//! Questions about people: funnels, retention, cohorts, revenue, persons, on a source that really counts.

use super::catalogue::buttons_work;
use super::world::World;
use bellhop_core::card::{Block, Card, FileSource};
use bellhop_core::chart::{Chart, ChartKind, SeriesStyle, XAxis};
use bellhop_core::{Access, CommandError, Effect};
use serde_json::json;

fn chart(card: &Card) -> &Chart {
    card.blocks.iter().find_map(|block| if let Block::Chart(chart) = block { Some(chart) } else { None }).expect("a chart")
}

/// The CSV files of a card, by name.
fn files(card: &Card) -> Vec<(String, String)> {
    let file = |block: &Block| match block {
        Block::File(file) => {
            let FileSource::Inline(bytes) = &file.source else { panic!("it is inline") };
            assert_eq!(file.size, bytes.len() as u64);
            Some((file.name.clone(), String::from_utf8(bytes.to_vec()).unwrap()))
        }
        _ => None,
    };
    card.blocks.iter().filter_map(file).collect()
}

/// Four people look, three sign up, one of them buys at once; another one bought before.
fn shop() -> World {
    let world = World::new();
    for (event, person, time, properties) in [
        ("purchase", "b", "2026-11-10T08:00:00Z", vec![("revenue", json!(30)), ("plan", json!("team"))]),
        ("page_view", "a", "2026-11-20T08:00:00Z", vec![("country", json!("DE"))]),
        ("page_view", "b", "2026-11-20T08:00:00Z", vec![("country", json!("DE"))]),
        ("page_view", "c", "2026-11-20T08:00:00Z", vec![("country", json!("US"))]),
        ("page_view", "d", "2026-11-20T08:00:00Z", vec![("country", json!("US"))]),
        ("signup", "a", "2026-11-20T09:00:00Z", vec![]),
        ("signup", "b", "2026-11-20T09:00:00Z", vec![]),
        ("signup", "c", "2026-11-20T11:00:00Z", vec![]),
        ("purchase", "a", "2026-11-20T10:00:00Z", vec![("revenue", json!(10)), ("plan", json!("pro"))]),
        ("page_view", "b", "2026-11-21T08:00:00Z", vec![]),
        ("page_view", "c", "2026-11-22T08:00:00Z", vec![]),
        ("page_view", "a", "2026-11-23T10:20:00Z", vec![]),
    ] {
        world.source.add(event, person, time, &properties);
    }
    world
}

#[test]
fn a_funnel_says_where_people_are_lost() {
    let world = shop();
    let card = world.reply("funnel page_view signup purchase --csv").card;
    buttons_work(&world, &card);
    let text = world.text(&card);
    assert!(text.contains("page_view → signup → purchase, last 30 days"), "{text}");
    assert!(text.contains("1 of 4 people (25 %) went all the way. Most are lost between signup and purchase: 2 of 3 (66.7 %)."), "{text}");
    let row = text.lines().find(|line| line.starts_with("2. signup")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>().join(" "), "2. signup 3 75 % 75 % 60 min");
    let row = text.lines().find(|line| line.starts_with("3. purchase")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>().join(" "), "3. purchase 1 25 % 33.3 % 60 min");
    assert_eq!(chart(&card).series[0].values, [Some(4.0), Some(3.0), Some(1.0)]);
    let files = files(&card);
    assert_eq!(files[0].0, "funnel-page_view-signup-purchase-events-2026-10-25-to-2026-11-23.csv");
    assert!(files[0].1.contains(",2,signup,3,3600\r\n"), "{}", files[0].1);
}

#[test]
fn funnels_have_order_time_and_groups() {
    let world = shop();
    assert!(world.run("funnel signup page_view --order any").contains("3 of 4 people (75 %)"));
    assert!(world.run("funnel page_view purchase --order strict").contains("0 of 4 people (0 %)"));
    assert!(world.run("funnel page_view signup --within 30m").contains("within 30m of the first step"));
    assert!(world.run("funnel page_view signup --within 30m").contains("0 of 4 people (0 %)"));
    let card = world.reply("funnel page_view signup --by country --period 2026-11-20").card;
    assert_eq!(chart(&card).series.len(), 2);
    assert!(world.text(&card).contains("US: 1 of 2 people (50 %)"));
    assert!(world.run("funnel page_view signup --where country=DE").contains("0 of 2 people (0 %)"));
    assert!(world.run("funnel signup page_view --period 2020-01-01").contains("Nobody did the first step"));
    assert!(
        matches!(world.error("funnel page_veiw signup"), CommandError::NotFound { what: "event", name, nearest: Some(near) } if name == "page_veiw" && near == "page_view")
    );
    assert!(matches!(world.error("funnel page_view signup --within 0s"), CommandError::Invalid { argument: "within", .. }));
    assert!(matches!(world.error("funnel page_view \" \""), CommandError::Invalid { argument: "steps", .. }));
    assert!(world.registry.parse("funnel").is_err());
    assert!(world.registry.parse("funnel a b --order sideways").is_err());
}

#[test]
fn a_saved_funnel_is_asked_by_its_name() {
    let world = shop();
    world.source.saved.lock().unwrap().insert("path".into(), vec!["page_view".into(), "signup".into()]);
    assert!(world.run("funnel Path").contains("3 of 4 people (75 %)"));
    assert!(world.run("funnel path --period 7d").contains("PATH, last 7 days"));
    assert!(
        matches!(world.error("funnel paht"), CommandError::NotFound { what: "saved funnel", nearest: Some(near), .. } if near == "PATH")
    );
    assert!(matches!(world.error("funnel path --within 1d"), CommandError::Invalid { argument: "steps", .. }));
    assert_eq!(world.complete("funnel", "steps", "pa"), ["page_view", "PATH"]);
}

#[test]
fn retention_is_a_heated_table_and_a_line() {
    let world = shop();
    let card = world.reply("retention signup any 7d --by day --periods 3 --csv").card;
    buttons_work(&world, &card);
    let text = world.text(&card);
    assert!(text.contains("Back for anything after signup, last 7 days"), "{text}");
    assert!(
        text.contains("3 people began. Of those who had the time for it, 33.3 % came back in day 1, 33.3 % came back in day 2."),
        "{text}"
    );
    let row = text.lines().find(|line| line.starts_with("2026-11-20")).unwrap();
    let row = row.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(row, "2026-11-20 3 ▒ 33.3 % (1) ▒ 33.3 % (1) ▒ 33.3 % (1) ▒ 33.3 % (1)*");
    let all = text.lines().find(|line| line.starts_with("All")).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(all, "All 3 ▒ 33.3 % (1) ▒ 33.3 % (1) ▒ 33.3 % (1) –");
    assert!(text.contains("* The time for it is not over yet"));
    let chart = chart(&card);
    assert!(matches!(&chart.x, XAxis::Category(names) if names.len() == 4));
    // The last of the row is not over yet, and is drawn so.
    assert_eq!((chart.kind, chart.series[0].name.as_str()), (ChartKind::Heat, "2026-11-20"));
    assert!(chart.series[0].values.iter().all(Option::is_some));
    assert_eq!(chart.series[0].style, SeriesStyle::Open(1));
    let line = world.reply("retention signup any 7d --by day --periods 3 --chart line").card;
    assert_eq!(self::chart(&line).series[0].values[3], None);
    assert!(files(&card)[0].1.starts_with("start,group,size,back_0,back_1,back_2,back_3\r\n"));
}

#[test]
fn retention_counts_as_it_is_told() {
    let world = shop();
    let text = world.run("retention signup page_view 7d --brackets 0-0,1-2");
    assert!(text.contains("▓ 66.7 % (2)") && text.contains("in any of those days after the first"), "{text}");
    let text = world.run("retention signup page_view 7d --periods 3 --kind unbounded");
    assert!(text.contains("█ 100 % (3)*"), "{text}");
    assert!(world.run("retention signup purchase").contains("Week from"));
    assert!(world.run("retention signup purchase --by month").contains("2026-11"));
    assert!(world.run("retention signup any 2020-01-01").contains("Nobody began in this period."));
    for (line, argument) in [
        ("retention signup any 400d --by day", "by"),
        ("retention signup any --periods 0", "periods"),
        ("retention signup any --brackets 3-1", "brackets"),
        ("retention signup any --brackets 0-2,2-4", "brackets"),
        ("retention signup any --brackets 0-4294967295", "brackets"),
        ("retention signup any --brackets x", "brackets"),
        ("retention signup any --brackets 0-1 --periods 2", "brackets"),
        ("retention \"\" any", "first"),
    ] {
        assert!(matches!(world.error(line), CommandError::Invalid { argument: at, .. } if at == argument), "{line}");
    }
    assert!(
        matches!(world.error("retention sginup any"), CommandError::NotFound { what: "event", nearest: Some(near), .. } if near == "signup")
    );
    assert_eq!(world.complete("retention", "back", "an"), ["any"]);
}

#[test]
fn revenue_in_all_and_per_person() {
    let world = shop();
    let card = world.reply("revenue --csv").card;
    buttons_work(&world, &card);
    let text = world.text(&card);
    assert!(text.contains("40 EUR in 2 payments by 2 people who paid of 4 who were there."), "{text}");
    assert!(text.contains("Per person (ARPU): 10 EUR") && text.contains("Per payer (ARPPU): 20 EUR"), "{text}");
    assert_eq!((chart(&card).x.len(), chart(&card).unit.as_str()), (30, "EUR"));
    assert_eq!(files(&card)[0].1.lines().count(), 31);
    let card = world.reply("revenue 30d --by plan").card;
    assert_eq!(chart(&card).series[0].values, [Some(30.0), Some(10.0), Some(0.0)]);
    let card = world.reply("revenue 30d --by week,plan").card;
    assert_eq!(chart(&card).series.len(), 3);
    assert!(world.run("revenue 2020-01-01").contains("Nobody paid anything in this period."));
    assert!(world.run("revenue --where plan=pro").contains("Only:"));
    assert!(matches!(world.error("revenue --by plan,country"), CommandError::Invalid { argument: "by", .. }));
    assert!(matches!(world.error("revenue 400d --by hour"), CommandError::Invalid { argument: "by", .. }));
}

#[test]
fn a_person_is_shown_and_set() {
    let world = shop();
    let card = world.reply("person a plan=pro visits+=2 trial=").card;
    buttons_work(&world, &card);
    world.run("person @a visits+=1 old=yes");
    world.run("person a old=");
    let text = world.run("person a");
    assert_eq!(json!(*world.source.profiles.lock().unwrap()), json!({ "a": { "plan": "pro", "visits": 3.0 } }));
    assert!(text.contains("anon-a") && text.contains("plan") && text.contains("revenue=10"), "{text}");
    assert!(!world.run("person a --limit 1").contains("revenue=10"));
    assert!(matches!(world.error("person zoe"), CommandError::Port(_)));
    assert!(matches!(world.error("person a forbidden=1"), CommandError::Refused(why) if why.contains("reserved")));
    assert!(matches!(world.error("person a forbidden=1 visits+=1"), CommandError::Partly(_)));
    assert!(matches!(world.error("person plan=pro"), CommandError::Invalid { argument: "id", .. }));
    assert!(matches!(world.error("person a visits+=many"), CommandError::Invalid { argument: "values", .. }));
    assert!(matches!(world.error("person a --limit 1000"), CommandError::Invalid { argument: "limit", .. }));
    let weight = |line: &str| {
        let understood = world.registry.parse(line).unwrap();
        let about = world.registry.get(&understood.invoke.command).unwrap().weighed(&understood.invoke.args).into_owned();
        (about.access, about.effect)
    };
    assert_eq!(weight("person a"), (Access::Member, Effect::Reads));
    assert_eq!(weight("person a plan=pro"), (Access::Operator, Effect::Writes));
    assert_eq!(weight("cohort list"), (Access::Member, Effect::Reads));
    assert_eq!(weight("cohort make x a"), (Access::Operator, Effect::Writes));
    assert_eq!(weight("cohort make x a --replace"), (Access::Operator, Effect::Destroys));
}

#[test]
fn cohorts_are_made_listed_and_read() {
    let world = shop();
    assert!(world.run("cohort list").contains("keeps no cohort yet"));
    let card = world.reply("cohort make testers a b,c zoe @a").card;
    buttons_work(&world, &card);
    assert!(world.text(&card).contains("3 of 4 people are known to events"), "{}", world.text(&card));
    assert!(world.text(&card).contains("Not known there: zoe."));
    assert!(world.run("cohort list").contains("testers"));
    assert!(world.run("cohort members Testers").contains("3 people."));
    assert!(world.run("cohort members testers --limit 1").contains("The first 1 of 3."));
    assert!(world.run("cohort members testers --limit 2").contains("The first 2 of 3."));
    assert!(matches!(world.error("cohort make testers d"), CommandError::Confirm(_)));
    let plan = world.text(&world.plan("cohort make testers d --replace").unwrap());
    assert!(plan.contains("1 person in place of 3 people"), "{plan}");
    world.run("cohort make testers d --replace");
    assert_eq!(world.source.cohorts.lock().unwrap()["testers"], ["d"]);
    assert!(
        matches!(world.error("cohort members tester"), CommandError::NotFound { what: "cohort", nearest: Some(near), .. } if near == "testers")
    );
    let text = world.run("cohort signup 7d --by day");
    assert!(text.contains("Back for anything after signup, last 7 days") && text.contains("2026-11-20"), "{text}");
    for (line, argument) in [
        ("cohort members", "words"),
        ("cohort make testers", "words"),
        ("cohort list more", "words"),
        ("cohort signup soon", "words"),
        ("cohort signup --limit 3", "limit"),
        ("cohort list --by day", "by"),
        ("cohort signup --replace", "replace"),
        ("cohort members testers --limit 0", "limit"),
    ] {
        assert!(matches!(world.error(line), CommandError::Invalid { argument: at, .. } if at == argument), "{line}");
    }
    assert_eq!(world.complete("cohort", "what", "mem"), ["members"]);
    assert_eq!(world.complete("cohort", "did", "signu"), ["signup"]);
    assert_eq!(world.complete("cohort", "words", "tes"), ["testers"]);
}

#[test]
fn cohorts_are_defined_and_deleted() {
    let world = shop();
    let card = world.reply("cohort define keen --did page_view --not purchase").card;
    buttons_work(&world, &card);
    assert!(world.text(&card).contains("Defined the cohort keen") && world.text(&card).contains("2 rules"), "{}", world.text(&card));
    let members = world.run("cohort members keen");
    assert!(members.contains("Id"), "{members}");
    assert!(matches!(world.error("cohort define keen --did signup"), CommandError::Confirm(_)));
    let plan = world.text(&world.plan("cohort define keen --did signup --replace").unwrap());
    assert!(plan.contains("Replace the cohort keen?"), "{plan}");
    world.run("cohort define keen --did signup --replace");
    let error = world.error("cohort define other --did 'signupp 2 times in 30d'");
    assert!(matches!(error, CommandError::NotFound { what: "event", nearest: Some(ref near), .. } if near == "signup"), "{error:?}");
    let plan = world.text(&world.plan("cohort delete keen").unwrap());
    assert!(plan.contains("Delete the cohort keen?") && plan.contains("They themselves stay"), "{plan}");
    assert!(world.run("cohort delete keen").contains("Deleted the cohort keen"));
    assert!(matches!(world.error("cohort delete keen"), CommandError::NotFound { what: "cohort", .. }));
    for (line, argument) in [
        ("cohort define keen", "did"),
        ("cohort define --did signup", "words"),
        ("cohort define two words --did signup", "words"),
        ("cohort signup --did signup", "did"),
        ("cohort list --where country=DE", "where"),
        ("cohort delete", "words"),
    ] {
        assert!(matches!(world.error(line), CommandError::Invalid { argument: at, .. } if at == argument), "{line}");
    }
}

#[test]
fn what_a_source_has_not_is_refused_with_those_that_have() {
    let world = shop();
    *world.source.limited.lock().unwrap() = true;
    for line in [
        "funnel page_view signup",
        "funnel path",
        "retention signup any",
        "revenue",
        "person a",
        "person a plan=pro",
        "cohort list",
        "cohort make x a",
        "report page_view --now",
    ] {
        assert!(matches!(world.error(line), CommandError::Refused(why) if why.contains("web has: add --source web")), "{line}");
    }
    assert!(world.run("funnel page_view signup --source web").contains("3 of 4 people"));
    assert!(world.run("revenue --source web").contains("America/New_York: the source cuts them in its own zone"));
}

#[test]
fn a_segment_divides() {
    let world = shop();
    let card = world.reply("segment page_view --by country --csv").card;
    buttons_work(&world, &card);
    assert!(world.text(&card).contains("Most: (none) 3 (42.9 %), DE 2 (28.6 %), US 2 (28.6 %)."), "{}", world.text(&card));
    assert_eq!(files(&card)[0].0, "page_view-events-2026-11-17-to-2026-11-23.csv");
    let card = world.reply("segment page_view --by country --top 1").card;
    assert!(matches!(&chart(&card).x, XAxis::Category(names) if *names == ["(none)", "other (2)"]));
    world.press(&card, "Over time");
    assert!(world.run("segment page_view --by country --unique").contains("4 people with page_view."));
    // A property may be called as a stretch of time is.
    world.source.add("visit", "a", "2026-11-22T08:00:00Z", &[("day", json!("first"))]);
    assert!(world.run("segment visit --by day").contains("first"));
    assert!(matches!(world.error("segment page_view --by \"\""), CommandError::Invalid { argument: "by", .. }));
    assert!(matches!(world.error("segment page_view --by country --top 0"), CommandError::Invalid { argument: "top", .. }));
    assert!(matches!(world.error("segment page_veiw --by country"), CommandError::NotFound { what: "metric", .. }));
    assert!(world.registry.parse("segment page_view").is_err());
}

#[test]
fn a_report_averages_looks_a_year_back_and_at_the_present() {
    let world = shop();
    assert!(world.run("report purchase 30d --average revenue").contains("20 is the average of revenue over purchase."));
    // The buttons ask as it was asked; all else is the same.
    let said = |line: &str| world.run(line).split("\n→").next().map(str::to_owned);
    assert_eq!(said("report purchase --last 30d"), said("report purchase 30d"));
    world.source.add("purchase", "e", "2025-11-20T08:00:00Z", &[("revenue", json!(5))]);
    let text = world.run("report purchase 7d --compare year");
    assert!(
        text.contains("from 1 a year before") || text.contains("As a year before") || text.contains("nchanged from 1 a year before"),
        "{text}"
    );
    assert!(text.contains("A year before:") && text.contains("2025-11-17 to 2025-11-23"), "{text}");
    let card = world.reply("report page_view --now --by country --csv").card;
    assert!(world.text(&card).contains("1 page_view."));
    assert_eq!(files(&card).len(), 1);
    for (line, argument) in [
        ("report purchase 7d --last 7d", "last"),
        ("report purchase --sum revenue --average revenue", "average"),
        ("report purchase --unique --average revenue", "unique"),
        ("report purchase --top 3", "top"),
        ("report purchase 7d --now", "now"),
        ("report purchase --now --source events,web", "now"),
    ] {
        assert!(matches!(world.error(line), CommandError::Invalid { argument: at, .. } if at == argument), "{line}");
    }
}

#[test]
fn sources_side_by_side_say_why_they_differ() {
    let world = shop();
    let card = world.reply("report page_view 7d --source all --csv").card;
    buttons_work(&world, &card);
    let text = world.text(&card);
    for told in [
        "Time zone differs:       events: days of UTC; web: days of America/New_York",
        "Sampling differs:        events: all of the data; web: estimated from 50 % of the data",
        "web: rare values are folded",
        "web: 3 tokens, 97 left",
        "Who is a person differs: events: not told; web: a cookie per browser",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let names: Vec<String> = files(&card).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["page_view-events-2026-11-17-to-2026-11-23.csv", "page_view-web-2026-11-17-to-2026-11-23.csv"]);
    // What does not differ is not told.
    assert!(!text.contains("Settling differs"), "{text}");
}
