//! Reports, events and samples, on a source that really counts.

use super::catalogue::buttons_work;
use super::world::World;
use bellhop_core::CommandError;
use bellhop_core::card::{Block, Card};
use bellhop_core::chart::{Chart, ChartKind, SeriesStyle, XAxis};
use serde_json::json;

fn chart(card: &Card) -> &Chart {
    card.blocks.iter().find_map(|block| if let Block::Chart(chart) = block { Some(chart) } else { None }).expect("a chart")
}

/// A week of views: one more every day, today being Monday the 23rd.
fn views() -> World {
    let world = World::new();
    for (day, count) in [(10, 9), (17, 1), (18, 2), (19, 3), (20, 9), (21, 5), (22, 6), (23, 2)] {
        for number in 0..count {
            let country = if number % 3 == 0 { "DE" } else { "US" };
            let person = format!("p{}", number % 4);
            world.source.add(
                "page_view",
                &person,
                &format!("2026-11-{day}T08:0{number}:00Z"),
                &[("country", json!(country)), ("revenue", json!(1.5))],
            );
        }
    }
    world
}

#[test]
fn a_week_in_words_chart_and_table() {
    let world = views();
    let card = world.reply("report page_views").card;
    buttons_work(&world, &card);
    insta::assert_snapshot!(world.text(&card), @r"
    page_views, last 7 days
    28 page_views.
    The most was 9 on Fri 2026-11-20.
    [chart: Line chart of page_views by day, last 7 days: 28 in all. The most was 9 on Fri 2026-11-20.]
    Day                      page_views
    ───────────────────────  ──────────
    2026-11-17 Tue                    1
    2026-11-18 Wed                    2
    2026-11-19 Thu                    3
    2026-11-20 Fri                    9
    2026-11-21 Sat                    5
    2026-11-22 Sun                    6
    2026-11-23 Mon (so far)           2
    Period:  2026-11-17 to 2026-11-23, UTC
    Counted: how often it happened
    Data:    the last day is still filling up
    Source:  events
    → Compare with before: report page_views --compare previous
    → Last 30 days: report page_views 30d
    ");
    let chart = chart(&card);
    assert_eq!(chart.kind, ChartKind::Line);
    assert!(chart.last_incomplete && chart.x.len() == 7);
    assert_eq!(chart.series[0].values.last().unwrap(), &Some(2.0));
}

#[test]
fn the_period_before_is_dashed() {
    let world = views();
    let card = world.reply("report page_views 7d --compare previous").card;
    buttons_work(&world, &card);
    insta::assert_snapshot!(world.text(&card), @r"
    page_views, last 7 days
    28 page_views. So far: up 211.1 % from 9 in the period before.
    The most was 9 on Fri 2026-11-20.
    [chart: Line chart of page_views by day, last 7 days: 28 in all. The most was 9 on Fri 2026-11-20.]
    Day                      page_views  page_views, before   Change
    ───────────────────────  ──────────  ──────────────────  ───────
    2026-11-17 Tue                    1                   9  -88.9 %
    2026-11-18 Wed                    2                   0        –
    2026-11-19 Thu                    3                   0        –
    2026-11-20 Fri                    9                   0        –
    2026-11-21 Sat                    5                   0        –
    2026-11-22 Sun                    6                   0        –
    2026-11-23 Mon (so far)           2                   0        –
    Period:  2026-11-17 to 2026-11-23, UTC
    Before:  2026-11-10 to 2026-11-16
    Counted: how often it happened
    Data:    the last day is still filling up
    Source:  events
    → Last 30 days: report page_views 30d --compare previous
    ");
    let chart = chart(&card);
    assert_eq!(chart.series.iter().map(|series| series.style).collect::<Vec<_>>(), [SeriesStyle::Solid, SeriesStyle::Previous]);
    // Where the period reaches into the future, the one before is shown whole and this one stops now.
    let card = world.reply("report page_views today --compare previous").card;
    let today = self::chart(&card);
    assert_eq!(today.x.len(), 24);
    assert!(!today.last_incomplete && today.series[0].values[11].is_none() && today.series[1].values[11].is_some());
    let card = world.reply("report page_views today").card;
    assert_eq!(self::chart(&card).x.len(), 11);
}

#[test]
fn bars_by_property_and_lines_by_both() {
    let world = views();
    let card = world.reply("report page_views 7d --by country").card;
    insta::assert_snapshot!(world.text(&card), @r"
    page_views, last 7 days
    28 page_views.
    Most: US 17 (60.7 %), DE 11 (39.3 %).
    [chart: Bar chart of page_views by country, last 7 days: 28 in all. Most: US 17 (60.7 %), DE 11 (39.3 %).]
    country  this period
    ───────  ───────────
    US                17
    DE                11
    Period:  2026-11-17 to 2026-11-23, UTC
    Counted: how often it happened
    Data:    the period is still filling up
    Source:  events
    → Compare with before: report page_views 7d --by country --compare previous
    → Last 30 days: report page_views 30d --by country
    ");
    assert!(matches!(&chart(&card).x, XAxis::Category(names) if names == &["US", "DE"]));
    let card = world.reply("report page_views 7d --by day --by country").card;
    assert_eq!((chart(&card).kind, chart(&card).series.len()), (ChartKind::Line, 2));
    let card = world.reply("report page_views 7d --by day,country --compare previous").card;
    assert!(world.text(&card).contains("from 9 in the period before"));
    for number in 0..20 {
        world.source.add("visit", "p", "2026-11-22T08:00:00Z", &[("page", json!(format!("/{number}")))]);
    }
    let card = world.reply("report visit --by page").card;
    let XAxis::Category(names) = &chart(&card).x else { panic!() };
    assert_eq!((names.len(), names[12].as_str()), (13, "other (8)"));
    assert_eq!(chart(&card).series[0].values[12], Some(8.0));
    assert_eq!(chart(&world.reply("report visit --by page --by week").card).series.len(), 7);
}

#[test]
fn measures_and_conditions() {
    let world = views();
    assert!(world.run("report page_views 7d --unique").contains("4 people with page_views."));
    assert!(world.run("report page_views 7d --sum revenue").contains("42 is the sum of revenue over page_views."));
    assert!(world.run("report page_views 7d --where country=DE").contains("Only:    country=DE"));
    assert!(
        world.run("report page_views 7d --where country!=DE --chart none").contains("US")
            || !world.run("report page_views 7d --chart none").contains("[chart")
    );
    assert!(world.run("report page_views 7d --where country=XX").contains("No page_views in this period."));
    assert_eq!(chart(&world.reply("report page_views 7d --chart bar").card).kind, ChartKind::Bar);
    assert!(world.run("report page_views 7d --tz Europe/Berlin").contains("Europe/Berlin"));
    assert!(world.run("report page_views 24h").contains("in the hour from Mon 2026-11-23 08:00"));
    assert!(world.run("report page_views 12w --by month").contains("2026-11 (so far)"));
}

#[test]
fn sources_stand_side_by_side() {
    let world = views();
    let card = world.reply("report page_views 7d --source events,web").card;
    buttons_work(&world, &card);
    let names: Vec<&str> = chart(&card).series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["events", "web"]);
    assert!(world.text(&card).contains("web: 28 page_views."));
    assert_eq!(chart(&world.reply("report page_views --source web --source events --by country --compare previous").card).series.len(), 4);
    assert!(matches!(world.error("report page_views --source events,web --by day,country"), CommandError::Invalid { argument: "by", .. }));
    assert!(matches!(world.error("report page_views --source nope"), CommandError::NotFound { what: "source", .. }));
}

#[test]
fn wrong_questions_get_their_reason() {
    let world = views();
    assert!(
        matches!(world.error("report page_veiws"), CommandError::NotFound { what: "metric", nearest: Some(near), .. } if near == "page_view")
    );
    assert!(
        matches!(world.error("report zebra"), CommandError::Refused(why) if why == "events has never counted `zebra`; it has page_view")
    );
    for (line, argument) in [
        ("report page_views --by day --by hour", "by"),
        ("report page_views --by country --by plan", "by"),
        ("report page_views 400d --by hour", "by"),
        ("report page_views --sum revenue --unique", "unique"),
        ("report page_views --by country --chart line", "chart"),
        ("report \" \"", "metric"),
    ] {
        assert!(matches!(world.error(line), CommandError::Invalid { argument: at, .. } if at == argument), "{line}");
    }
    for bad in
        ["report", "report x 7x", "report x --compare next", "report x --where country", "report x --tz Nowhere", "report x --chart pie"]
    {
        assert!(world.registry.parse(bad).is_err(), "{bad}");
    }
    assert!(format!("{:?}", world.registry.parse("report x --where =DE").unwrap_err()).contains("country=DE"));
}

#[test]
fn a_newcomer_is_offered_samples_and_sees_a_chart() {
    let world = World::new();
    let card = world.reply("report page_views").card;
    buttons_work(&world, &card);
    assert!(world.text(&card).contains("→ Load sample events: sample"));
    let loaded = world.reply("sample").card;
    buttons_work(&world, &loaded);
    assert!(world.text(&loaded).contains("→ report page_views 30d: report page_views 30d"));
    let before = world.source.events.lock().unwrap().len();
    assert!(world.run("sample").contains("were there already"));
    assert_eq!(world.source.events.lock().unwrap().len(), before);
    let card = world.reply("report page_views 30d").card;
    assert_eq!(chart(&card).x.len(), 30);
    assert_eq!(chart(&world.reply("report purchase 30d --sum revenue --by plan").card).x.len(), 3);
    // Real events are not mixed with samples unasked.
    let world = views();
    assert!(matches!(world.error("sample"), CommandError::Refused(why) if why.contains("--anyway")));
    world.run("sample --anyway");
}

#[test]
fn an_event_is_tracked_once_with_its_types() {
    let world = World::new();
    let call = world.call(bellhop_core::Access::Member);
    for _ in 0..2 {
        world.try_call(&call, "track purchase @bob plan=pro revenue=49.90 first=true zip=01234").unwrap();
    }
    world.run("track signup plan=pro");
    let events = world.source.events.lock().unwrap().clone();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].distinct_id, "bob");
    assert_eq!(json!(events[0].properties), json!({ "plan": "pro", "revenue": 49.9, "first": true, "zip": "01234" }));
    assert_eq!((events[1].distinct_id.as_str(), &events[1].properties["plan"]), ("console:ann", &json!("pro")));
    assert!(matches!(world.error("track plan=pro"), CommandError::Invalid { argument: "event", .. }));
    assert!(matches!(world.error("track x bob oops"), CommandError::Invalid { argument: "properties", .. }));
    assert!(matches!(world.error(&format!("track {}", "x".repeat(200))), CommandError::Refused(why) if why.contains("100 characters")));
    assert_eq!(world.complete("track", "properties", "pl"), ["plan="]);
    assert_eq!(world.complete("report", "by", "co"), Vec::<String>::new());
    assert_eq!(world.complete("report", "by", "pl"), ["plan"]);
    assert_eq!(world.complete("report", "source", "events,w"), ["events,web"]);
    assert_eq!(world.complete("report", "tz", "berl"), ["Europe/Berlin"]);
}
