//! Analytics: what its commands share.

pub(crate) mod asking;
pub(crate) mod beside;
pub(crate) mod cohort;
mod drawn;
pub(crate) mod funnel;
pub(crate) mod outcome;
pub(crate) mod person;
pub(crate) mod report;
pub(crate) mod retention;
pub(crate) mod revenue;
pub(crate) mod sample;
pub(crate) mod saved;
pub(crate) mod segment;
pub(crate) mod source;
pub(crate) mod track;

use crate::wording::suggest;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource, PortResult, Sources};
use bellhop_core::text::grouped;
use std::collections::BTreeSet;
use std::time::Duration;

/// The name of the bot's own source.
pub(crate) const OWN: &str = "events";
/// How many events are asked for their properties while a property's name is typed.
const LOOKED_AT: usize = 5;
/// How long a source is waited for while something is typed.
const PATIENCE: Duration = Duration::from_millis(1200);

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

/// Sources to propose, where one can be asked.
pub(crate) fn complete_source(sources: &dyn Sources, typed: &str) -> Vec<Suggestion> {
    suggest(typed, sources.names().into_iter().map(|name| (name.to_string(), String::new())))
}

/// Sources to propose, where several can be asked beside one another.
pub(crate) fn complete_sources(sources: &dyn Sources, typed: &str) -> Vec<Suggestion> {
    // After a comma another source is being typed; what stands before it stays.
    let (before, last) = typed.rfind(',').map_or(("", typed), |at| typed.split_at(at + 1));
    let mut names = sources.names();
    names.retain(|name| !before.split(',').any(|one| one == name.as_str()));
    let all = (before.is_empty() && names.len() > 1).then(|| ("all".to_owned(), "all of them beside one another".to_owned()));
    let names = names.into_iter().map(|name| (name.to_string(), String::new())).chain(all);
    suggest(last, names).into_iter().map(|one| Suggestion { value: format!("{before}{}", one.value), about: one.about }).collect()
}

/// Metrics and events to propose, those of the default source first. Where what is typed so far doesn't tell which source will be
/// asked, all of them propose theirs; one that is slow or down holds up nobody.
pub(crate) async fn complete_metric(sources: &dyn Sources, source: Option<&SourceName>, typed: &str) -> Vec<Suggestion> {
    let names = source.map_or_else(|| sources.names(), |source| vec![source.clone()]);
    let asked = names.iter().filter_map(|name| sources.source(Some(name)).ok()).map(|source| async move {
        let metrics = tokio::time::timeout(PATIENCE, source.metrics()).await.ok().and_then(Result::ok).unwrap_or_default();
        (source.name().clone(), metrics)
    });
    let found = futures::future::join_all(asked).await;
    let mut known = BTreeSet::new();
    let mut all = Vec::new();
    for (at, (source, metrics)) in found.into_iter().enumerate() {
        for metric in metrics.into_iter().filter(|metric| known.insert(metric.name.clone())) {
            let about = if at == 0 { metric.about } else { format!("{source}: {}", metric.about) };
            all.push((metric.name, about));
        }
    }
    suggest(typed, all)
}

/// Names of properties, as far as the first events of each source tell: many of the default source, and one of each other, whose
/// questions may be counted.
pub(crate) async fn properties(sources: &dyn Sources) -> BTreeSet<String> {
    let names = sources.names();
    let asked = names.iter().filter_map(|name| sources.source(Some(name)).ok()).enumerate().map(|(at, source)| async move {
        let found = async {
            let mut found = BTreeSet::new();
            for metric in source.metrics().await.unwrap_or_default().iter().take(if at == 0 { LOOKED_AT } else { 1 }) {
                found.extend(source.properties(&metric.name).await.unwrap_or_default());
            }
            found
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_default()
    });
    futures::future::join_all(asked).await.into_iter().flatten().collect()
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
