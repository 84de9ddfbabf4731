//! Draws one chart of every kind into a folder, to be looked at after a change:
//! `cargo run -p bellhop-charts --example gallery -- FOLDER`. It judges nothing; the tests do.

use bellhop_charts::{Theme, WIDTH, png, svg};
use bellhop_core::Timestamp;
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use chrono::{DateTime, TimeDelta};
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("which folder?")?);
    std::fs::create_dir_all(&folder)?;
    for (name, chart) in gallery() {
        for (theme, suffix) in [(Theme::Light, ""), (Theme::Dark, "-dark")] {
            std::fs::write(folder.join(format!("{name}{suffix}.png")), png(&chart, theme, WIDTH * 2)?)?;
        }
        std::fs::write(folder.join(format!("{name}.svg")), svg(&chart, Theme::Auto))?;
    }
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "a list of examples")]
fn gallery() -> Vec<(&'static str, Chart)> {
    let days = |count| every(Interval::Day, count, TimeDelta::days(1));
    let wave = |at: usize, high: f64| {
        let at = f64::from(u32::try_from(at).unwrap_or(0));
        (high * (1.2 + (at / 5.0).sin() + 0.4 * (at * 1.7).cos()) / 2.0).round().max(0.0)
    };
    let row = |name: &str, count: usize, high: f64| Series {
        name: name.into(),
        values: (0..count).map(|at| Some(wave(at + name.len(), high))).collect(),
        style: SeriesStyle::Solid,
    };
    let mut gaps = row("Signups", 28, 900.0);
    for at in [6, 7, 8, 15, 17] {
        gaps.values[at] = None;
    }
    let previous = |count: usize, high: f64| Series { style: SeriesStyle::Previous, ..row("Previous period", count, high) };
    let chart = |title: &str, kind, x, series, unit: &str, last_incomplete| Chart {
        title: title.into(),
        kind,
        x,
        unit: unit.into(),
        series,
        last_incomplete,
        alt: "An example.".into(),
    };
    let named = |names: &[&str]| XAxis::Category(names.iter().map(|n| (*n).to_owned()).collect());
    let paths = [
        "/",
        "/pricing",
        "/docs/getting-started/installation",
        "/blog/2026/10/how-we-made-alerts-calm-again-and-why",
        "/about",
        "Übersicht",
        "日本語のページ",
        "صفحة",
    ];
    let change =
        |name: &str| Series { name: name.into(), values: [40.0, -25.0, 12.5, -60.0, 33.0].map(Some).to_vec(), style: SeriesStyle::Solid };
    vec![
        (
            "line-days",
            chart(
                "Page views, last 28 days",
                ChartKind::Line,
                days(28),
                vec![row("Page views", 28, 1480.0), previous(28, 1300.0)],
                "views",
                true,
            ),
        ),
        ("line-one", chart("Signups per day", ChartKind::Line, days(28), vec![gaps], "", true)),
        (
            "line-hours",
            chart(
                "Errors, last 48 hours",
                ChartKind::Line,
                every(Interval::Hour, 48, TimeDelta::hours(1)),
                vec![row("api", 48, 37.0), row("web", 48, 22.0), row("worker", 48, 12.0)],
                "errors",
                true,
            ),
        ),
        (
            "line-1000",
            chart(
                "Requests, hourly",
                ChartKind::Line,
                every(Interval::Hour, 1000, TimeDelta::hours(1)),
                vec![row("Requests", 1000, 3_400_000.0)],
                "requests",
                false,
            ),
        ),
        (
            "line-12",
            chart(
                "Events by country",
                ChartKind::Line,
                days(60),
                [
                    "Germany",
                    "France",
                    "Japan",
                    "Brazil",
                    "United States of America",
                    "India",
                    "Kenya",
                    "Norway",
                    "Chile",
                    "Viet Nam",
                    "Spain",
                    "Italy",
                    "Peru",
                ]
                .iter()
                .enumerate()
                .map(|(at, n)| row(n, 60, f64::from(u32::try_from(at * 90 + 200).unwrap_or(0))))
                .collect(),
                "",
                true,
            ),
        ),
        ("line-point", chart("One day only", ChartKind::Line, days(1), vec![row("Visits", 1, 12.0)], "", false)),
        (
            "line-zero",
            chart(
                "Nothing happened",
                ChartKind::Line,
                days(14),
                vec![Series { name: "Visits".into(), values: vec![Some(0.0); 14], style: SeriesStyle::Solid }],
                "visits",
                false,
            ),
        ),
        ("empty", chart("No such event", ChartKind::Line, days(14), vec![], "", false)),
        ("bar-days", chart("Orders per day", ChartKind::Bar, days(14), vec![row("Orders", 14, 320.0)], "orders", true)),
        (
            "bar-months",
            chart(
                "Revenue",
                ChartKind::Bar,
                every(Interval::Month, 14, TimeDelta::days(30) + TimeDelta::hours(11)),
                vec![row("Shop", 14, 52_000.0), Series { style: SeriesStyle::Previous, ..row("Shop, the year before", 14, 41_000.0) }],
                "EUR",
                true,
            ),
        ),
        (
            "bar-plans",
            chart(
                "Accounts by plan",
                ChartKind::Bar,
                named(&["Free", "Team", "Business", "Enterprise"]),
                vec![row("Accounts", 4, 1250.0), row("Trials", 4, 700.0)],
                "accounts",
                false,
            ),
        ),
        (
            "bar-change",
            chart(
                "Change by region",
                ChartKind::Bar,
                named(&["North", "South", "East", "West", "Middle"]),
                vec![change("Change")],
                "%",
                false,
            ),
        ),
        ("rows", chart("Page views by path", ChartKind::Bar, named(&paths), vec![row("Views", 8, 5400.0)], "views", false)),
        (
            "rows-many",
            chart(
                "Page views by path <script>alert(1)</script> & \"quotes\" with a title that goes on and on and on and on",
                ChartKind::Bar,
                XAxis::Category((0..200).map(|n| format!("/page/{n}")).collect()),
                vec![row("This period", 200, 5400.0), previous(200, 5000.0)],
                "views",
                false,
            ),
        ),
        (
            "rows-change",
            chart(
                "Change by region",
                ChartKind::Bar,
                named(&["The far north of the country", "South", "East", "West", "Middle"]),
                vec![change("Change")],
                "%",
                false,
            ),
        ),
        (
            "area-countries",
            chart(
                "Page views by country",
                ChartKind::Area,
                days(28),
                vec![row("Germany", 28, 900.0), row("France", 28, 500.0), row("Japan", 28, 300.0), row("other (9)", 28, 200.0)],
                "views",
                true,
            ),
        ),
        ("area-one", chart("Signups per day", ChartKind::Area, days(28), vec![row("Signups", 28, 90.0), previous(28, 70.0)], "", true)),
        (
            "heat-hours",
            chart(
                "Page views, hours of the week",
                ChartKind::Heat,
                XAxis::Category((0..24).map(|hour| format!("{hour:02}")).collect()),
                ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].iter().map(|day| row(day, 24, 120.0)).collect(),
                "views an hour",
                false,
            ),
        ),
        (
            "heat-retention",
            chart(
                "Back for anything after signup",
                ChartKind::Heat,
                XAxis::Category((0..9).map(|week| format!("week {week}")).collect()),
                (0..9_u32)
                    .map(|cohort| Series {
                        name: format!("2026-{:02}-{:02}", 9 + cohort / 4, 1 + 7 * (cohort % 4)),
                        values: (0..9_u32)
                            .map(|week| (week + cohort < 9).then(|| 100.0 / (1.0 + f64::from(week) * 1.4) + f64::from(cohort)))
                            .collect(),
                        style: SeriesStyle::Open(1),
                    })
                    .collect(),
                "%",
                false,
            ),
        ),
        (
            "funnel",
            chart(
                "page_view \u{2192} signup \u{2192} purchase, last 30 days",
                ChartKind::Funnel,
                named(&["1. page_view", "2. signup", "3. purchase"]),
                vec![Series { name: "people".into(), values: vec![Some(1234.0), Some(310.0), Some(97.0)], style: SeriesStyle::Solid }],
                "people",
                false,
            ),
        ),
        (
            "funnel-sources",
            chart(
                "page_view \u{2192} signup \u{2192} purchase, last 30 days",
                ChartKind::Funnel,
                named(&["1. page_view", "2. signup", "3. purchase"]),
                vec![
                    Series { name: "events".into(), values: vec![Some(1234.0), Some(310.0), Some(97.0)], style: SeriesStyle::Solid },
                    Series { name: "web".into(), values: vec![Some(1410.0), Some(280.0), Some(60.0)], style: SeriesStyle::Solid },
                ],
                "people",
                false,
            ),
        ),
        (
            "bar-weeks",
            chart(
                "Active people per week",
                ChartKind::Bar,
                every(Interval::Week, 53, TimeDelta::weeks(1)),
                vec![row("People", 53, 830.0)],
                "people",
                true,
            ),
        ),
    ]
}

fn every(interval: Interval, count: usize, step: TimeDelta) -> XAxis {
    let last: Timestamp = DateTime::from_timestamp(1_795_388_400, 0).unwrap_or_default();
    let steps = |at: usize| i32::try_from(count - at).unwrap_or(0);
    XAxis::Time { at: (0..count).map(|at| last - step * steps(at)).collect(), zone: "Europe/Berlin".into(), interval }
}
