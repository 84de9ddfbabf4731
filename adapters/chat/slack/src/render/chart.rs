//! Charts that Slack draws itself, as data.

use super::CHART;
use super::rich::line;
use bellhop_core::chart::{Chart, ChartKind, Interval, XAxis};
use bellhop_core::clock::Timestamp;
use chrono::{DateTime, Datelike as _};
use chrono_tz::Tz;
use serde_json::{Number, Value, json};

/// A chart block (<https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block>), where the chart keeps its
/// limits and every value is a number.
pub(super) fn block(chart: &Chart) -> Option<Value> {
    if !CHART.hold(chart) || chart.series.iter().any(|series| series.values.len() != chart.x.len()) {
        return None;
    }
    let labels = unique(labels(chart));
    let names = unique(chart.series.iter().map(|series| line(&series.name, CHART.label, "Value")).collect());
    let mut series = Vec::new();
    for (row, name) in chart.series.iter().zip(names) {
        let mut data = Vec::new();
        for (value, label) in row.values.iter().zip(&labels) {
            data.push(json!({ "label": label, "value": number((*value)?)? }));
        }
        series.push(json!({ "name": name, "data": data }));
    }
    let mut axis = json!({ "categories": labels });
    if let XAxis::Time { zone, interval: Interval::Hour, .. } = &chart.x {
        axis["x_label"] = json!(zoned(zone).name());
    }
    if !chart.unit.trim().is_empty() {
        axis["y_label"] = json!(line(&chart.unit, 50, ""));
    }
    let kind = match chart.kind {
        ChartKind::Line => "line",
        ChartKind::Bar => "bar",
        ChartKind::Area | ChartKind::Heat | ChartKind::Funnel => return None,
    };
    let drawn = json!({ "type": kind, "series": series, "axis_config": axis });
    Some(json!({ "type": "data_visualization", "title": line(&chart.title, CHART.title, "Chart"), "chart": drawn }))
}

/// What is said under the chart.
pub(super) fn about(chart: &Chart) -> String {
    let still = if chart.last_incomplete { " The last value (\u{2026}) is still growing." } else { "" };
    format!("{}{still}", chart.alt.trim())
}

/// A finite number, whole where it is.
fn number(value: f64) -> Option<Number> {
    // Every whole number up to here is one in a float, too.
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return format!("{value:.0}").parse::<i64>().ok().map(Number::from);
    }
    Number::from_f64(value)
}

fn labels(chart: &Chart) -> Vec<String> {
    let mut labels = match &chart.x {
        XAxis::Category(names) => names.iter().map(|name| line(name, CHART.label, "(none)")).collect(),
        XAxis::Time { at, zone, interval } => moments(at, zoned(zone), *interval),
    };
    if let Some(last) = labels.last_mut().filter(|_| chart.last_incomplete) {
        *last = ended(last, "\u{2026}");
    }
    labels
}

fn zoned(zone: &str) -> Tz {
    zone.parse().unwrap_or(Tz::UTC)
}

/// Moments in the chart's zone, as short as they can be told apart.
fn moments(at: &[Timestamp], zone: Tz, interval: Interval) -> Vec<String> {
    let local: Vec<DateTime<Tz>> = at.iter().map(|at| at.with_timezone(&zone)).collect();
    let one = |same: fn(&DateTime<Tz>) -> (i32, u32)| local.windows(2).all(|pair| same(&pair[0]) == same(&pair[1]));
    let one_day = one(|at| (at.year(), at.ordinal()));
    let one_year = one(|at| (at.year(), 0));
    let format = match interval {
        Interval::Hour if one_day => "%H:%M",
        Interval::Hour if one_year => "%-d %b %H:%M",
        Interval::Hour => "%Y-%m-%d %H:%M",
        Interval::Day | Interval::Week if one_year => "%-d %b",
        Interval::Day | Interval::Week => "%-d %b %Y",
        Interval::Month if one_year => "%b",
        Interval::Month => "%b %Y",
    };
    local.iter().map(|at| line(&at.format(format).to_string(), CHART.label, "-")).collect()
}

/// A label with an ending, within what Slack takes.
fn ended(label: &str, ending: &str) -> String {
    format!("{}{ending}", bellhop_core::text::shorten(label, CHART.label - ending.chars().count()))
}

/// The same with a number after what was there before: a series finds its values by the label, so each may stand once.
fn unique(labels: Vec<String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::with_capacity(labels.len());
    for label in labels {
        let mut name = label.clone();
        let mut count = 2;
        while seen.contains(&name) {
            name = ended(&label, &format!(" ({count})"));
            count += 1;
        }
        seen.push(name);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::chart::{Series, SeriesStyle};

    fn chart(x: XAxis, values: Vec<Option<f64>>) -> Chart {
        let series = vec![Series { name: "a".into(), values, style: SeriesStyle::Solid }];
        Chart { title: "t".into(), kind: ChartKind::Bar, x, unit: String::new(), series, last_incomplete: false, alt: "alt".into() }
    }

    fn hours(from: &str, count: i64) -> XAxis {
        let from: Timestamp = from.parse().unwrap();
        let at = (0..count).map(|hour| from + chrono::Duration::hours(hour)).collect();
        XAxis::Time { at, zone: "Europe/Berlin".into(), interval: Interval::Hour }
    }

    #[test]
    fn an_hour_that_comes_twice_has_two_labels() {
        let drawn = block(&chart(hours("2026-10-25T00:00:00Z", 3), vec![Some(1.0); 3])).unwrap();
        assert_eq!(drawn["chart"]["axis_config"], json!({ "categories": ["02:00", "02:00 (2)", "03:00"], "x_label": "Europe/Berlin" }));
    }

    #[test]
    fn the_day_and_the_year_stand_in_a_label_where_they_differ() {
        let labels = |from: &str| block(&chart(hours(from, 2), vec![Some(1.0); 2])).unwrap()["chart"]["axis_config"]["categories"].clone();
        assert_eq!(labels("2026-11-23T22:00:00Z"), json!(["23 Nov 23:00", "24 Nov 00:00"]));
        assert_eq!(labels("2026-12-31T22:00:00Z"), json!(["2026-12-31 23:00", "2027-01-01 00:00"]));
    }

    #[test]
    fn what_slack_would_not_draw_is_left_to_words() {
        let names = |count: usize| XAxis::Category((0..count).map(|at| at.to_string()).collect());
        assert!(block(&chart(names(20), vec![Some(-1.5); 20])).is_some());
        for (x, values) in [
            (names(21), vec![Some(1.0); 21]),
            (names(0), vec![]),
            (names(2), vec![Some(1.0), None]),
            (names(2), vec![Some(1.0), Some(f64::NAN)]),
            (names(2), vec![Some(1.0)]),
            (XAxis::Category(vec!["x".repeat(21)]), vec![Some(1.0)]),
        ] {
            assert_eq!(block(&chart(x, values)), None);
        }
    }

    #[test]
    fn what_is_neither_lines_nor_bars_comes_as_a_picture() {
        for kind in [ChartKind::Area, ChartKind::Heat, ChartKind::Funnel] {
            let drawn = Chart { kind, ..chart(hours("2026-11-23T00:00:00Z", 3), vec![Some(1.0); 3]) };
            assert!(!CHART.hold(&drawn));
            assert_eq!(block(&drawn), None);
        }
    }

    #[test]
    fn names_that_are_the_same_or_nothing_get_a_number() {
        let long = "x".repeat(20);
        let drawn = block(&chart(XAxis::Category(vec![" ".into(), String::new(), long.clone(), long]), vec![Some(1.0); 4])).unwrap();
        assert_eq!(
            drawn["chart"]["axis_config"]["categories"],
            json!(["(none)", "(none) (2)", "xxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxx\u{2026} (2)"])
        );
    }
}
