//! What becomes of answers: saved, stored, posted, drawn; and several sources beside one another.

use super::catalogue::buttons_work;
use super::world::{World, now};
use bellhop_core::card::{Block, Card};
use bellhop_core::chart::{Chart, ChartKind, SeriesStyle, XAxis};
use bellhop_core::{Access, Audience, CommandError, Effect};
use serde_json::json;

fn chart(card: &Card) -> &Chart {
    card.blocks.iter().find_map(|block| if let Block::Chart(chart) = block { Some(chart) } else { None }).expect("a chart")
}

/// Four weeks of views at two hours of the day, and a few that buy.
fn shop() -> World {
    let world = World::new();
    for day in 1..=23 {
        for (hour, count) in [(9, day % 7 + 1), (15, 2)] {
            for number in 0..count {
                let country = if number % 2 == 0 { "DE" } else { "US" };
                let time = format!("2026-11-{day:02}T{hour:02}:0{number}:00Z");
                if time.as_str() < super::world::NOW {
                    world.source.add("page_view", &format!("p{number}"), &time, &[("country", json!(country))]);
                }
            }
        }
    }
    world.source.add("signup", "p0", "2026-11-20T16:00:00Z", &[]);
    world.source.add("signup", "p1", "2026-11-20T16:00:00Z", &[]);
    world.source.add("purchase", "p0", "2026-11-21T16:00:00Z", &[("revenue", json!(20))]);
    world.source.add("purchase", "p1", "2026-11-08T16:00:00Z", &[("revenue", json!(30))]);
    world
}

#[test]
fn a_question_is_saved_asked_again_listed_and_removed() {
    let world = shop();
    assert!(world.run("saved list").contains("There are no saved reports yet"));
    let card = world.reply("report page_view 7d --compare previous --save Weekly").card;
    buttons_work(&world, &card);
    assert!(world.text(&card).contains("Saved as Weekly: report Weekly asks it again."), "{}", world.text(&card));
    let said = |line: &str| world.run(line).split("\n→").next().unwrap_or_default().to_owned();
    assert_eq!(said("report weekly"), said("report page_view 7d --compare previous"));
    // What is typed beside the name takes the place of what was kept.
    assert_eq!(said("report weekly 14d --by country"), said("report page_view 14d --compare previous --by country"));
    assert_eq!(said("report weekly --last 14d"), said("report page_view 14d --compare previous"));
    for list in ["saved list", "report list", "report saved"] {
        let card = world.reply(list).card;
        buttons_work(&world, &card);
        let text = world.text(&card);
        assert!(text.contains("1 saved report") && text.contains("report page_view 7d --compare previous"), "{text}");
    }
    assert_eq!(world.complete("report", "metric", "wee"), ["Weekly"]);
    assert_eq!(world.complete("saved remove", "name", ""), ["Weekly"]);
    // The same once more is the same; another question under that name is not.
    world.run("report page_view 7d --compare previous --save weekly");
    assert!(matches!(world.error("report page_view 30d --save weekly"), CommandError::Refused(why) if why.contains("saved remove Weekly")));
    world.run("schedule add \"0 9 * * 1\" report weekly");
    assert!(
        matches!(world.error("saved remove weekyl"), CommandError::NotFound { what: "saved report", nearest: Some(near), .. } if near == "Weekly")
    );
    let gone = world.reply("saved remove weekly").card;
    assert!(world.text(&gone).contains("1 schedule still asks for it"), "{}", world.text(&gone));
    assert!(matches!(world.error("report weekly"), CommandError::Refused(why) if why.contains("never counted")));
}

#[test]
fn names_that_would_be_misread_are_refused() {
    let world = shop();
    for name in ["page_view", "Signup", "list", "all", " ", "-x"] {
        let line = format!("report page_view --save=\"{name}\"");
        assert!(matches!(world.error(&line), CommandError::Invalid { argument: "save", .. }), "{name:?}");
    }
    let long = format!("report page_view --save {}", "x".repeat(61));
    assert!(matches!(world.error(&long), CommandError::Invalid { argument: "save", .. }));
}

#[test]
fn other_questions_are_saved_too() {
    let world = shop();
    world.run("funnel page_view signup purchase --period 30d --save buying");
    assert!(world.run("funnel buying").contains("page_view → signup → purchase, last 30 days"));
    assert!(world.run("funnel buying --last 7d").contains("page_view → signup → purchase, last 7 days"));
    assert!(world.run("report buying").contains("went all the way"));
    assert!(matches!(world.error("report buying --sum revenue"), CommandError::Refused(why) if why.contains("has no --sum")));
    assert_eq!(world.complete("funnel", "steps", "buy"), ["buying"]);
    world.run("retention signup any --save loyal");
    assert!(world.run("report loyal").contains("Back for anything after signup"));
    world.run("revenue 30d --save money");
    assert!(world.run("report money").contains("50 EUR"));
    world.run("segment page_view --by country --save lands");
    assert!(world.run("report lands").contains("country"));
    assert!(world.run("saved list").contains("4 saved reports"));
}

#[test]
fn figures_go_to_a_store_and_answers_to_a_channel() {
    let world = shop();
    let text = world.run("report page_view 7d --store local");
    assert!(text.contains("The figures are stored as local:reports/page_view-events-2026-11-17-to-2026-11-23.csv."), "{text}");
    assert!(world.run("file list reports/").contains("page_view-events-2026-11-17-to-2026-11-23.csv"));
    assert!(world.run("report page_view 7d --source all --store local:week.csv").contains("local:week-page_view-web-"));
    assert!(world.run("funnel page_view signup --store local:funnels/").contains("local:funnels/funnel-page_view-signup-events-"));
    assert!(world.run("retention signup any --store plain:back.csv").contains("plain:back.csv"));
    assert!(matches!(world.error("report page_view --store lokal"), CommandError::NotFound { .. }));
    assert!(matches!(world.error("report page_view --store local:../up.csv"), CommandError::Invalid { argument: "store", .. }));
    // Posted elsewhere, the answer stands there, and here only that it does.
    let reply = world.reply("report page_view 7d --to #ops");
    assert_eq!(reply.audience, Audience::Caller);
    assert!(world.text(&reply.card).contains("Posted to"), "{}", world.text(&reply.card));
    let said = world.said.0.lock().unwrap();
    let (_, posted, _) = said.last().unwrap();
    assert!(world.text(posted).contains("page_view, last 7 days") && world.text(posted).contains("asked by Ann"));
    chart(posted);
}

#[test]
fn only_what_leaves_something_behind_needs_more_than_reading() {
    let world = shop();
    let weight = |line: &str| {
        let understood = world.registry.parse(line).unwrap();
        let about = world.registry.get(&understood.invoke.command).unwrap().weighed(&understood.invoke.args).into_owned();
        (about.access, about.effect)
    };
    for line in ["report page_view", "report page_view --csv", "segment page_view --by country", "funnel a b", "retention a b", "revenue"] {
        assert_eq!(weight(line), (Access::Member, Effect::Reads), "{line}");
        for option in ["--save x", "--store local", "--to #ops"] {
            assert_eq!(weight(&format!("{line} {option}")), (Access::Operator, Effect::Writes), "{line} {option}");
        }
    }
    assert_eq!(weight("track signup --validate"), (Access::Member, Effect::Reads));
    assert_eq!(weight("track signup"), (Access::Member, Effect::Writes));
}

#[test]
fn every_kind_of_chart_where_it_makes_sense() {
    let world = shop();
    let kind = |line: &str| chart(&world.reply(line).card).kind;
    assert_eq!(kind("report page_view 7d --chart area"), ChartKind::Area);
    assert_eq!(kind("report page_view 7d --by day,country --chart area"), ChartKind::Area);
    assert_eq!(kind("report page_view 7d --by day,country --chart heat"), ChartKind::Heat);
    assert_eq!(kind("revenue 30d --chart area"), ChartKind::Area);
    assert_eq!(kind("funnel page_view signup"), ChartKind::Funnel);
    assert_eq!(kind("funnel page_view signup --chart bar"), ChartKind::Bar);
    assert_eq!(kind("retention signup any"), ChartKind::Heat);
    for line in [
        "report page_view 7d --by country --chart heat",
        "report page_view 7d --by country --chart area",
        "report page_view 7d --chart funnel",
        "report page_view 7d --by day --chart heat",
        "report page_view 7d --chart heat --compare previous",
        "report page_view 7d --average x --chart heat",
        "report page_view 7d --by day,country --unique --chart area",
        "report page_view 7d --source all --chart area",
        "funnel page_view signup --chart heat",
        "retention signup any --chart funnel",
        "retention signup any --source all --chart heat",
    ] {
        assert!(matches!(world.error(line), CommandError::Invalid { argument: "chart", .. }), "{line}");
    }
    for line in ["report page_view --chart none", "funnel page_view signup --chart none", "retention signup any --chart none"] {
        assert!(!world.run(line).contains("[chart"), "{line}");
    }
}

#[test]
fn the_hours_of_the_week_are_a_field() {
    let world = shop();
    let card = world.reply("report page_view 14d --chart heat --tz Europe/Berlin").card;
    buttons_work(&world, &card);
    let field = chart(&card);
    assert_eq!((field.series.len(), field.x.len(), field.unit.as_str()), (7, 24, "an hour, Berlin"));
    // Tuesday the 10th has 4 views at 9 UTC and the 17th has 4: 10:00 in Berlin.
    assert_eq!(field.series[1].values[10], Some(4.0));
    let text = world.text(&card);
    assert!(text.contains("On average, the most in an hour was"), "{text}");
    let row = text.lines().find(|line| line.starts_with("10:00")).unwrap();
    assert_eq!(row.split_whitespace().count(), 8, "{row}");
    assert!(text.lines().filter(|line| line.contains(":00 ")).count() >= 24);
}

#[test]
fn funnels_and_revenue_stand_beside_one_another() {
    let world = shop();
    let card = world.reply("funnel page_view signup purchase --source all --csv").card;
    buttons_work(&world, &card);
    assert_eq!(chart(&card).series.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["events", "web"]);
    let text = world.text(&card);
    assert!(text.contains("events: 1 of") && text.contains("web: 1 of") && text.contains("Who is a person differs"), "{text}");
    let card = world.reply("funnel page_view signup --compare previous --period 7d").card;
    assert_eq!(chart(&card).series.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["this period", "before"]);
    assert!(world.text(&card).contains("The share that went all the way is as it was in the period before."), "{}", world.text(&card));
    assert!(matches!(world.error("funnel page_view signup --by country --source all"), CommandError::Invalid { argument: "by", .. }));
    assert_eq!(world.run("funnel page_view signup --by country --top 1").lines().filter(|line| line.contains("1. page_view")).count(), 1);
    let card = world.reply("revenue 7d --compare previous").card;
    assert!(world.text(&card).contains("20 EUR revenue."), "{}", world.text(&card));
    assert_eq!(chart(&card).series.len(), 1 + 1);
    let card = world.reply("revenue 30d --source all --csv").card;
    assert_eq!((chart(&card).series.len(), chart(&card).unit.as_str()), (2, "EUR"));
    let card = world.reply("retention signup any 7d --by day --source all").card;
    assert_eq!((chart(&card).kind, chart(&card).series.len()), (ChartKind::Line, 2));
    assert!(world.text(&card).contains("web: 2 people began"), "{}", world.text(&card));
}

#[test]
fn a_source_that_fails_does_not_stop_the_others() {
    let world = shop();
    *world.source.limited.lock().unwrap() = true;
    let text = world.run("funnel page_view signup --source all");
    assert!(text.contains("events did not answer: it has no funnels.") && text.contains("web: 2 of"), "{text}");
    let text = world.run("revenue --source all");
    assert!(text.contains("events did not answer: it has no revenue.") && text.contains("50 EUR"), "{text}");
}

#[test]
fn what_may_still_grow_is_drawn_so() {
    let world = shop();
    let mut basis = bellhop_core::analytics::Basis::whole("events".into(), chrono_tz::UTC);
    basis.settling_from = Some(now() - chrono::TimeDelta::days(2));
    *world.source.basis.lock().unwrap() = Some(basis);
    let card = world.reply("report page_view 7d").card;
    assert_eq!(chart(&card).series[0].style, SeriesStyle::Open(3));
    assert!(world.text(&card).contains("figures from 2026-11-21 10:30 on may still grow"));
}

#[test]
fn bad_questions_are_answered_with_what_would_be_right() {
    let world = shop();
    for line in [
        "report page_view 2027-01-01..2027-01-07",
        "funnel page_view signup --period 2027-01-01",
        "retention signup any 2027-01-01",
        "revenue 2027-01-01",
    ] {
        assert!(
            matches!(world.error(line), CommandError::Invalid { argument: "period", why } if why.contains("has not begun yet: today is 2026-11-23")),
            "{line}"
        );
    }
    let reversed = format!("{:?}", world.registry.parse("report page_view 2026-11-07..2026-11-01").unwrap_err());
    assert!(reversed.contains("2026-11-01..2026-11-07"), "{reversed}");
    assert!(
        matches!(world.error("report page_view --by contry"), CommandError::NotFound { what: "property", nearest: Some(near), .. } if near == "country")
    );
    assert!(
        matches!(world.error("report page_view --where contry=DE"), CommandError::NotFound { what: "property", nearest: Some(near), .. } if near == "country")
    );
    // Nothing there is no empty picture.
    let card = world.reply("report page_view 2026-10-01..2026-10-07").card;
    assert!(
        !card.blocks.iter().any(|block| matches!(block, Block::Chart(_))) && world.text(&card).contains("No page_view in this period.")
    );
    assert!(matches!(world.error("track signup --validate"), CommandError::Refused(why) if why.contains("without keeping them")));
    let card = world.reply("report page_view --by country --source all").card;
    assert!(matches!(&chart(&card).x, XAxis::Category(names) if *names == ["DE", "US"]));
}
