//! Whatever a source answers, the card can be read: nothing panics, nothing is out of line.

use super::*;
use crate::analytics::asking::width;
use crate::analytics::beside::Failed;
use bellhop_core::PortError;
use bellhop_core::analytics::TrendRow;
use bellhop_core::card::Block;
use proptest::prelude::*;

/// A mark that would reorder text.
const HIDDEN: char = '\u{202e}';

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..1e6_f64, Just(0.0), Just(-3.25), any::<f64>()]
}

fn frames() -> impl Strategy<Value = (TrendFigures, Basis)> {
    let row = (prop::option::of(-40_i64..20), prop::option::of(".{0,30}"), value());
    (prop::collection::vec(row, 0..60), ".{0,6}", value(), any::<bool>(), 0.0..1.5_f64).prop_map(
        |(rows, unit, total, complete, sampled)| {
            (
                TrendFigures {
                    rows: rows
                        .into_iter()
                        .map(|(days, group, value)| TrendRow {
                            at: days.map(|days| at("2026-11-23T00:00:00Z") + chrono::TimeDelta::days(days)),
                            group,
                            value,
                        })
                        .collect(),
                    unit,
                    total,
                },
                Basis { complete, sampled, as_of: Some(at("2026-11-23T10:00:00Z")), ..Basis::whole("s".into(), Tz::UTC) },
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_answer_is_a_readable_card(
        answers in prop::collection::vec((frames(), prop::option::of(frames())), 1..4),
        period in prop::sample::select(vec!["7d", "24h", "today", "4w", "yesterday", "2026-11-20..2026-12-05", "400d"]),
        by in prop::sample::select(vec!["", "day", "country", "day,country", "month", "week,country"]),
        measure in 0_usize..3,
        kind in prop::sample::select(vec![ChartKind::Line, ChartKind::Bar, ChartKind::Area, ChartKind::Heat]),
    ) {
        let compared = answers.iter().all(|(_, previous)| previous.is_some());
        let period: Period = period.parse().unwrap();
        let (mut interval, mut property) = (None, None);
        for dimension in by.split(',').filter(|dimension| !dimension.is_empty()) {
            match width(dimension) {
                Some(width) => interval = Some(width),
                None => property = Some(dimension.to_owned()),
            }
        }
        if interval.is_none() && property.is_none() {
            interval = Some(period.interval());
        }
        let now = at("2026-11-23T10:30:00Z");
        let asked = Asked {
            fresh: false,
            metric: "page_views".into(),
            measure: [Measure::Count, Measure::Users, Measure::Sum("revenue".into())][measure].clone(),
            range: period.resolve(now, Tz::UTC),
            previous: compared.then(|| period.previous(now, Tz::UTC)),
            period,
            zone: Tz::UTC,
            interval,
            by: property,
            conditions: Vec::new(),
            compare: compared.then_some(Compare::Previous),
            top: None,
            drawn: Some(kind),
            now,
        };
        let answered: Vec<Answered> = answers
            .into_iter()
            .enumerate()
            .map(|(number, ((frame, basis), previous))| Answered {
                source: format!("s{number}").into(), frame, basis, previous: previous.filter(|_| compared).map(|(frame, _)| frame),
            })
            .collect();
        let failed = [Failed::at(&"web".into(), &PortError::not_found("web", "query", "no\nsuch \u{202e}thing"))];
        let card = answer::card(&asked, &answered, &failed);
        for block in &card.blocks {
            match block {
                Block::Chart(chart) => {
                    prop_assert!(!chart.alt.is_empty() && !chart.series.is_empty());
                    for series in &chart.series {
                        prop_assert_eq!(series.values.len(), chart.x.len());
                        prop_assert!(series.values.iter().flatten().all(|value| value.is_finite()));
                    }
                    if let bellhop_core::chart::XAxis::Category(names) = &chart.x {
                        let most = if chart.kind == ChartKind::Heat { 24 } else { 13 };
                        prop_assert!(names.len() <= most);
                    }
                }
                Block::Table(table) => {
                    prop_assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
                    prop_assert!(table.columns.len() <= 20);
                }
                _ => {}
            }
        }
        let text = bellhop_core::plain::card(&card, &|_| String::new());
        prop_assert!(!text.contains(HIDDEN));
        let caps = bellhop_core::Capabilities::default();
        prop_assert!(!bellhop_core::fit::fit(&card, &caps).is_empty());
    }
}
