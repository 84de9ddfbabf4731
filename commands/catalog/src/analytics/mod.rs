//! Analytics: what its commands share.

pub(crate) mod asking;
pub(crate) mod cohort;
pub(crate) mod funnel;
pub(crate) mod person;
pub(crate) mod report;
pub(crate) mod retention;
pub(crate) mod revenue;
pub(crate) mod sample;
pub(crate) mod segment;
pub(crate) mod source;
pub(crate) mod track;

use crate::wording::suggest;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource, PortResult, Sources};
use bellhop_core::text::grouped;
use std::collections::BTreeSet;

/// The name of the bot's own source.
pub(crate) const OWN: &str = "events";
/// How many events are asked for their properties while a property's name is typed.
const LOOKED_AT: usize = 5;

/// Whether a source has seen any event at all: one that has not offers no metric.
pub(crate) async fn has_events(source: &dyn AnalyticsSource) -> PortResult<bool> {
    Ok(!source.metrics().await?.is_empty())
}

/// A figure in full: whole numbers grouped, others with two decimals. What is no number is a dash.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value.abs() >= 9e15 {
        return format!("{value:e}");
    }
    let cents = (value * 100.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "checked above to be within a whole number's range")]
    let (whole, rest) =
        if value.abs() < 9e13 { ((cents / 100.0).trunc() as i64, (cents % 100.0).abs() as i64) } else { (value.round() as i64, 0) };
    let sign = if whole == 0 && cents < 0.0 { "-" } else { "" };
    if rest == 0 { grouped(whole) } else { format!("{sign}{}.{rest:02}", grouped(whole)) }
}

/// Sources to propose.
pub(crate) fn complete_source(sources: &dyn Sources, typed: &str) -> Vec<Suggestion> {
    // After a comma another source is being typed; what stands before it stays.
    let (before, last) = typed.rfind(',').map_or(("", typed), |at| typed.split_at(at + 1));
    let names = sources.names().into_iter().map(|name| (name.to_string(), String::new()));
    suggest(last, names).into_iter().map(|one| Suggestion { value: format!("{before}{}", one.value), about: one.about }).collect()
}

/// Metrics and events to propose.
pub(crate) async fn complete_metric(sources: &dyn Sources, source: Option<&SourceName>, typed: &str) -> Vec<Suggestion> {
    let Ok(source) = sources.source(source) else { return Vec::new() };
    let Ok(metrics) = source.metrics().await else { return Vec::new() };
    suggest(typed, metrics.into_iter().map(|metric| (metric.name, metric.about)))
}

/// Names of properties, as far as the default source's first events tell.
pub(crate) async fn properties(sources: &dyn Sources) -> BTreeSet<String> {
    let Ok(source) = sources.source(None) else { return BTreeSet::new() };
    let Ok(metrics) = source.metrics().await else { return BTreeSet::new() };
    let mut names = BTreeSet::new();
    for metric in metrics.iter().take(LOOKED_AT) {
        names.extend(source.properties(&metric.name).await.unwrap_or_default());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn figures_are_written_in_full() {
        for (value, text) in [
            (0.0, "0"),
            (1234.0, "1\u{202f}234"),
            (-1234.5, "-1\u{202f}234.50"),
            (-0.25, "-0.25"),
            (0.004, "0"),
            (0.999, "1"),
            (19.99, "19.99"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
            (1e20, "1e20"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
    }
}
