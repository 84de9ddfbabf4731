//! Charts of every kind, drawn; and any chart at all.

use crate::{ChartError, Theme, WIDEST, WIDTH, png, svg};
use bellhop_core::Timestamp;
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use chrono::TimeDelta;
use proptest::prelude::*;
use resvg::usvg::roxmltree::Document;

fn series(name: &str, values: Vec<Option<f64>>) -> Series {
    Series { name: name.into(), values, style: SeriesStyle::Solid }
}

fn days(count: usize) -> XAxis {
    every(count, TimeDelta::days(1), Interval::Day, "2026-10-01T00:00:00Z", "UTC")
}

fn every(count: usize, step: TimeDelta, interval: Interval, from: &str, zone: &str) -> XAxis {
    let from: Timestamp = from.parse().unwrap();
    XAxis::Time { at: (0..i32::try_from(count).unwrap()).map(|at| from + step * at).collect(), zone: zone.into(), interval }
}

fn chart(kind: ChartKind, x: XAxis, series: Vec<Series>) -> Chart {
    Chart { title: "Page views".into(), kind, x, unit: String::new(), series, last_incomplete: false, alt: "Views rose.".into() }
}

/// The texts of a drawing, in order.
fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    document.descendants().filter(|n| n.has_tag_name("text")).map(|n| n.text().unwrap_or_default().to_owned()).collect()
}

fn count(svg: &str, tag: &str, has: &str) -> usize {
    svg.split('<').filter(|part| part.starts_with(tag) && part.contains(has)).count()
}

#[test]
fn a_chart_says_what_it_is_for_those_who_do_not_see_it() {
    let drawn = svg(&chart(ChartKind::Line, days(3), vec![series("a", vec![Some(1.0), Some(2.0), Some(3.0)])]), Theme::Light);
    let document = Document::parse(&drawn).unwrap();
    let said = |tag: &str| document.descendants().find(|n| n.has_tag_name(tag)).and_then(|n| n.text()).map(str::to_owned);
    assert_eq!(said("title").as_deref(), Some("Page views"));
    assert_eq!(said("desc").as_deref(), Some("Views rose."));
    assert_eq!(document.root_element().attribute("role"), Some("img"));
    assert_eq!(texts(&drawn), ["Page views", "0", "1", "2", "3", "1 Oct", "2 Oct", "3 Oct", "1 Oct – 3 Oct 2026 · daily · UTC"]);
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "<script>alert(1)</script>&\"'\u{202e}]]>";
    let mut c = chart(
        ChartKind::Bar,
        XAxis::Category(vec![hostile.into(), "b".into()]),
        vec![series(hostile, vec![Some(1.0), Some(2.0)]), series("b", vec![])],
    );
    c.title = hostile.into();
    c.alt = hostile.into();
    c.unit = "\u{0}\u{ffff}<".into();
    let drawn = svg(&c, Theme::Auto);
    let document = Document::parse(&drawn).unwrap();
    assert!(document.descendants().all(|n| !n.has_tag_name("script")));
    assert!(!drawn.contains('\u{202e}') && !drawn.contains('\u{ffff}'));
    assert!(texts(&drawn).iter().any(|t| t.starts_with("<script>alert(1)")));
    // Megabytes are cut.
    c.title = "x".repeat(5 << 20);
    assert!(svg(&c, Theme::Light).len() < 20_000);
}

#[test]
fn gaps_are_gaps_and_never_zero() {
    let values = vec![Some(1.0), Some(2.0), None, Some(3.0), Some(f64::NAN), Some(4.0), Some(5.0), Some(f64::INFINITY)];
    let drawn = svg(&chart(ChartKind::Line, days(8), vec![series("a", values)]), Theme::Light);
    assert_eq!(count(&drawn, "path", "fill=\"none\""), 3, "three stretches of line");
    assert_eq!(count(&drawn, "circle", ""), 5, "a dot for each value, none for what is missing");
    for missing in ["NaN", "inf"] {
        assert!(!drawn.contains(missing));
    }
}

#[test]
fn what_is_not_complete_is_drawn_so() {
    let mut line = chart(ChartKind::Line, days(4), vec![series("a", (1..=4).map(|v| Some(f64::from(v))).collect())]);
    line.last_incomplete = true;
    let drawn = svg(&line, Theme::Light);
    assert_eq!(count(&drawn, "path", "stroke-dasharray"), 1);
    assert_eq!(count(&drawn, "circle", "ring"), 1);
    assert!(texts(&drawn).contains(&"Dashed: the last day is not over yet".into()));
    line.kind = ChartKind::Bar;
    let drawn = svg(&line, Theme::Light);
    assert_eq!(count(&drawn, "rect", "url(#h0)"), 1);
    assert!(texts(&drawn).contains(&"Hatched: the last day is not over yet".into()));
}

#[test]
fn the_period_before_is_dashed_and_in_the_legend() {
    let before = Series { style: SeriesStyle::Previous, ..series("Before", vec![Some(2.0); 40]) };
    let drawn = svg(&chart(ChartKind::Line, days(40), vec![series("Now", vec![Some(1.0); 40]), before]), Theme::Light);
    // Once in the plot and once in the legend.
    assert_eq!(count(&drawn, "path", "stroke-dasharray") + count(&drawn, "line", "stroke-dasharray"), 2);
    assert!(["Now", "Before"].iter().all(|name| texts(&drawn).contains(&(*name).to_owned())));
}

#[test]
fn themes_follow_the_reader() {
    let c = chart(ChartKind::Line, days(3), vec![series("a", vec![Some(1.0); 3])]);
    assert!(svg(&c, Theme::Auto).contains("@media (prefers-color-scheme:dark)"));
    assert!(!svg(&c, Theme::Light).contains("@media"));
    assert_ne!(svg(&c, Theme::Light), svg(&c, Theme::Dark));
}

#[test]
fn times_are_those_of_the_zone() {
    // Berlin put its clocks back in this night: 25 hours, and no label twice at one place.
    let hours = every(25, TimeDelta::hours(1), Interval::Hour, "2026-10-24T22:00:00Z", "Europe/Berlin");
    let drawn = svg(&chart(ChartKind::Line, hours, vec![series("a", vec![Some(1.0); 25])]), Theme::Light);
    let labels = texts(&drawn);
    assert!(labels.contains(&"00:00".into()) && labels.contains(&"12:00".into()), "{labels:?}");
    assert!(labels.contains(&"25 Oct 2026 · hourly · Europe/Berlin".into()), "{labels:?}");
    // A zone that nobody knows is UTC, and said to be.
    let odd = every(3, TimeDelta::days(1), Interval::Day, "2026-10-24T00:00:00Z", "Mars/Olympus");
    assert!(texts(&svg(&chart(ChartKind::Line, odd, vec![series("a", vec![Some(1.0); 3])]), Theme::Light)).concat().ends_with("UTC"));
}

#[test]
fn labels_under_the_axis_never_touch() {
    let steps = [
        (Interval::Hour, TimeDelta::hours(1)),
        (Interval::Day, TimeDelta::days(1)),
        (Interval::Week, TimeDelta::weeks(1)),
        (Interval::Month, TimeDelta::days(31)),
    ];
    for (interval, step) in steps {
        for length in [1, 2, 3, 7, 24, 48, 100, 365, 1000, 3000] {
            for kind in [ChartKind::Line, ChartKind::Bar] {
                let x = every(length, step, interval, "2001-03-17T05:00:00Z", "Asia/Kolkata");
                let drawn = svg(&chart(kind, x, vec![series("a", vec![Some(1.0); length])]), Theme::Light);
                let document = Document::parse(&drawn).unwrap();
                let mut last = f64::NEG_INFINITY;
                let mut labels = 0;
                for node in document.descendants().filter(|n| {
                    n.has_tag_name("text") && n.attribute("text-anchor") == Some("middle") && n.attribute("font-size") == Some("13")
                }) {
                    let x: f64 = node.attribute("x").unwrap().parse().unwrap();
                    let half = crate::canvas::width(node.text().unwrap(), 13.0) / 2.0;
                    assert!(x - half > last, "{interval:?} {length} {kind:?}: {:?}", node.text());
                    last = x + half;
                    labels += 1;
                }
                assert!(labels > 0 && last <= f64::from(WIDTH), "{interval:?} {length} {kind:?}: {labels} labels");
            }
        }
    }
}

#[test]
fn long_or_many_names_lie() {
    let upright = XAxis::Category(["Free", "Team"].map(str::to_owned).to_vec());
    let drawn = svg(&chart(ChartKind::Bar, upright, vec![series("a", vec![Some(1.0); 2])]), Theme::Light);
    assert!(drawn.contains(&format!("viewBox=\"0 0 {WIDTH} 340\"")));
    let many = XAxis::Category((0..500).map(|n| format!("/page/{n}")).collect());
    let drawn = svg(&chart(ChartKind::Bar, many, vec![series("a", vec![Some(1.0); 500])]), Theme::Light);
    assert!(texts(&drawn).last().unwrap().ends_with("of 500 are shown"));
    assert!(Document::parse(&drawn).unwrap().root_element().attribute("height").unwrap().parse::<f64>().unwrap() <= 900.0);
}

#[test]
fn nothing_to_show_says_so() {
    for x in [days(0), days(5), XAxis::Category(vec![])] {
        assert!(
            texts(&svg(&chart(ChartKind::Bar, x, vec![series("a", vec![None, Some(f64::NAN)])]), Theme::Light))
                .contains(&"No data in this period".into())
        );
    }
}

#[test]
fn a_png_has_the_width_asked_for() {
    let c = chart(ChartKind::Line, days(3), vec![series("a", vec![Some(1.0); 3])]);
    let drawn = png(&c, Theme::Dark, 2 * WIDTH).unwrap();
    assert_eq!(&drawn[1..4], b"PNG");
    assert_eq!((&drawn[16..20], &drawn[20..24]), (&1120_u32.to_be_bytes()[..], &680_u32.to_be_bytes()[..]));
    assert_eq!(png(&c, Theme::Dark, 0), Err(ChartError::Width(0)));
    assert_eq!(png(&c, Theme::Dark, WIDEST + 1), Err(ChartError::Width(WIDEST + 1)));
    assert_eq!(png(&c, Theme::Light, 100), png(&c, Theme::Auto, 100));
}

#[test]
fn areas_lie_on_top_of_one_another() {
    let rows = vec![series("a", vec![Some(3.0), Some(3.0), Some(3.0)]), series("b", vec![Some(4.0), Some(4.0), Some(4.0)])];
    let mut c = chart(ChartKind::Area, days(3), rows);
    let drawn = svg(&c, Theme::Light);
    // The scale holds the sum.
    assert!(texts(&drawn).contains(&"7".to_owned()) || texts(&drawn).contains(&"8".to_owned()), "{:?}", texts(&drawn));
    assert_eq!(count(&drawn, "path", "fill-opacity=\"0.72\""), 2);
    c.last_incomplete = true;
    assert_eq!(count(&svg(&c, Theme::Light), "path", "fill-opacity=\"0.28\""), 2);
    // Where one is missing there is no sum.
    c.last_incomplete = false;
    c.series[1].values[1] = None;
    assert_eq!(count(&svg(&c, Theme::Light), "path", "fill-opacity"), 0);
    // What is below nothing can't be stacked: lines are drawn.
    c.series[1].values[1] = Some(-4.0);
    let drawn = svg(&c, Theme::Light);
    assert_eq!((count(&drawn, "path", "fill-opacity"), count(&drawn, "path", "fill=\"none\"")), (0, 2));
}

#[test]
fn a_field_has_a_shade_per_value_and_none_for_what_is_missing() {
    let hours = XAxis::Category((0..24).map(|hour| format!("{hour:02}")).collect());
    let rows: Vec<Series> = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        .iter()
        .zip([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
        .map(|(name, day)| series(name, (0..24).map(|hour| (hour != 3).then(|| f64::from(hour) * day)).collect()))
        .collect();
    let drawn = svg(&chart(ChartKind::Heat, hours, rows), Theme::Auto);
    assert_eq!(count(&drawn, "rect", "ax\""), 7 * 23);
    let said = texts(&drawn);
    assert!(said.contains(&"Sun".to_owned()) && said.contains(&"00".to_owned()), "{said:?}");
    assert!(said.iter().all(|text| !text.contains("more series")));
    assert!(drawn.contains(".q8{") && drawn.contains(".w1{"));
    // Sixty rows at most, and a note of the others.
    let rows = (0..100).map(|row| series(&format!("row {row}"), vec![Some(1.0); 5])).collect();
    let drawn = svg(&chart(ChartKind::Heat, days(5), rows), Theme::Light);
    assert!(
        texts(&drawn).last().is_some_and(|last| last.contains("of 60 rows are shown") || last.contains("40 more series")),
        "{:?}",
        texts(&drawn)
    );
    let height: f64 = Document::parse(&drawn).unwrap().root_element().attribute("height").unwrap().parse().unwrap();
    assert!(height <= 900.0, "{height}");
}

#[test]
fn what_still_fills_up_in_a_field_has_a_dashed_border() {
    let weeks = XAxis::Category(["0", "1", "2"].map(str::to_owned).to_vec());
    let row = |name: &str, values, filling| Series { style: SeriesStyle::Open(filling), ..series(name, values) };
    let rows = vec![row("a", vec![Some(100.0), Some(40.0), Some(30.0)], 1), row("b", vec![Some(100.0), Some(20.0), None], 2)];
    let drawn = svg(&Chart { unit: "%".into(), ..chart(ChartKind::Heat, weeks, rows) }, Theme::Dark);
    assert_eq!(count(&drawn, "rect", "stroke-dasharray"), 3);
    assert!(texts(&drawn).contains(&"Dashed: the time for it is not over yet".to_owned()));
}

#[test]
fn a_funnel_shows_what_is_left_and_what_was_lost() {
    let steps = XAxis::Category(["1. view", "2. signup", "3. purchase"].map(str::to_owned).to_vec());
    let rows = vec![series("events", vec![Some(400.0), Some(100.0), Some(50.0)]), series("web", vec![Some(200.0), Some(100.0), None])];
    let drawn = svg(&chart(ChartKind::Funnel, steps, rows), Theme::Light);
    let said = texts(&drawn);
    for text in ["1. view", "400 \u{b7} 100 %", "100 \u{b7} 25 %", "50 \u{b7} 12 %", "100 \u{b7} 50 %", "0 %", "100 %"] {
        assert!(said.contains(&text.to_owned()), "{text}: {said:?}");
    }
    assert_eq!(count(&drawn, "rect", "fill-opacity=\"0.2\""), 4, "the step before stands behind every later one");
    // Nobody at all in the first step is no division by nothing.
    let none = chart(ChartKind::Funnel, XAxis::Category(vec!["a".into(), "b".into()]), vec![series("", vec![Some(0.0), Some(5.0)])]);
    assert!(texts(&svg(&none, Theme::Light)).contains(&"5".to_owned()));
}

#[test]
fn several_values_that_may_grow_are_drawn_so() {
    let row = Series { style: SeriesStyle::Open(3), ..series("a", (1..=10).map(|v| Some(f64::from(v))).collect()) };
    let drawn = svg(&chart(ChartKind::Line, days(10), vec![row]), Theme::Light);
    assert_eq!(count(&drawn, "circle", "ring"), 3);
    assert_eq!(count(&drawn, "path", "stroke-dasharray"), 1);
    assert!(texts(&drawn).contains(&"Dashed: the last 3 may still grow".to_owned()));
}

#[test]
fn letters_can_be_read_in_a_narrow_chat() {
    for kind in [ChartKind::Line, ChartKind::Bar, ChartKind::Area, ChartKind::Heat, ChartKind::Funnel] {
        let drawn = svg(&chart(kind, days(7), vec![series("a", vec![Some(40.0); 7]), series("b", vec![Some(90.0); 7])]), Theme::Light);
        let document = Document::parse(&drawn).unwrap();
        for node in document.descendants().filter(|n| n.has_tag_name("text")) {
            let size: f64 = node.attribute("font-size").unwrap().parse().unwrap();
            assert!(size * 400.0 / f64::from(WIDTH) >= 8.5, "{kind:?}: {:?} is {size} high", node.text());
        }
    }
}

fn number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => (-1000_i32..1000).prop_map(|v| Some(f64::from(v))),
        2 => any::<f64>().prop_map(Some),
        1 => Just(None),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 0.0, -0.0]).prop_map(Some),
    ]
}

fn axis() -> impl Strategy<Value = XAxis> {
    let interval = prop::sample::select(vec![Interval::Hour, Interval::Day, Interval::Week, Interval::Month]);
    let zone = prop_oneof![Just("Europe/Berlin".to_owned()), Just("Pacific/Apia".to_owned()), any::<String>()];
    let at = prop_oneof![
        3 => (any::<i32>(), 0_i64..4_000_000, 0_usize..80).prop_map(|(from, step, count)| {
            (0..i64::try_from(count).unwrap()).map(|at| Timestamp::from_timestamp(i64::from(from) + at * step, 0).unwrap()).collect::<Vec<_>>()
        }),
        1 => prop::collection::vec(prop::sample::select(vec![Timestamp::MIN_UTC, Timestamp::MAX_UTC, Timestamp::UNIX_EPOCH]), 0..5),
    ];
    prop_oneof![
        (at, zone, interval).prop_map(|(at, zone, interval)| XAxis::Time { at, zone, interval }),
        prop::collection::vec(any::<String>(), 0..40).prop_map(XAxis::Category),
    ]
}

fn any_chart() -> impl Strategy<Value = Chart> {
    let style = prop_oneof![
        Just(SeriesStyle::Solid),
        Just(SeriesStyle::Previous),
        any::<u32>().prop_map(SeriesStyle::Open),
        Just(SeriesStyle::Open(2))
    ];
    let row =
        (any::<String>(), prop::collection::vec(number(), 0..80), style).prop_map(|(name, values, style)| Series { name, values, style });
    let kind = prop::sample::select(vec![ChartKind::Line, ChartKind::Bar, ChartKind::Area, ChartKind::Heat, ChartKind::Funnel]);
    (any::<String>(), kind, axis(), "\\PC{0,30}", prop::collection::vec(row, 0..16), any::<bool>(), any::<String>())
        .prop_map(|(title, kind, x, unit, series, last_incomplete, alt)| Chart { title, kind, x, unit, series, last_incomplete, alt })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_chart_is_drawn(c in any_chart(), theme in prop::sample::select(vec![Theme::Light, Theme::Dark, Theme::Auto])) {
        let drawn = svg(&c, theme);
        let document = Document::parse(&drawn).map_err(|e| TestCaseError::fail(e.to_string()))?;
        for attribute in document.descendants().flat_map(|n| n.attributes()) {
            if ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "d", "viewBox"].contains(&attribute.name()) {
                let value = attribute.value();
                prop_assert!(!value.contains("NaN") && !value.contains("inf"), "{value}");
            }
        }
        png(&c, theme, 300).map_err(|e| TestCaseError::fail(e.to_string()))?;
    }
}
