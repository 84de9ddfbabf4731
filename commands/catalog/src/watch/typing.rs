//! Conditions proposed while they are typed: sources and their metrics first, then the words that may follow.

use crate::analytics::{complete_metric, complete_source};
use crate::wording::{SUGGESTIONS, suggest};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::Sources;
use bellhop_core::watch::continuations;

/// What conditions are made of beside names and numbers.
const WORDS: [&str; 25] = [
    "of",
    "same",
    "weekday",
    "hour",
    "median",
    "average",
    "previous",
    "day",
    "week",
    "yesterday",
    "drops",
    "rises",
    "by",
    "against",
    "no",
    "data",
    "for",
    "checks",
    "absent",
    "anomaly",
    "per",
    "over",
    "weeks",
    "where",
    "sensitivity",
];

/// Conditions that begin as typed.
pub(super) async fn conditions(sources: &dyn Sources, typed: &str) -> Vec<Suggestion> {
    let (at, words) = continuations(typed);
    let (before, last) = typed.split_at(at);
    let whole = |value: &str| format!("{before}{value}");
    let previous = before.split_whitespace().next_back().unwrap_or_default().to_lowercase();
    let mut out = Vec::new();
    if before.trim().is_empty() || previous == "of" && !before.contains(['<', '>', '%']) && !before.contains(" by ") {
        out.extend(subjects(sources, last).await);
    } else if previous == "by"
        && !before.contains("drops")
        && !before.contains("rises")
        && !before.contains("falls")
        && !before.contains("grows")
    {
        let known = crate::analytics::properties(sources).await;
        out.extend(suggest(last, known.into_iter().map(|name| (name, "a property".to_owned()))));
    } else if matches!(previous.as_str(), "where" | "and") {
        let known = crate::analytics::properties(sources).await;
        out.extend(suggest(last, known.into_iter().map(|name| (format!("{name}="), "a property".to_owned()))));
    }
    out.extend(words.into_iter().map(|value| Suggestion { value, about: String::new() }));
    out.truncate(SUGGESTIONS);
    for one in &mut out {
        one.value = whole(&one.value);
    }
    out
}

/// Words of conditions, for those who go on typing without quotes: what stands before them isn't known here.
pub(super) fn words(typed: &str) -> Vec<Suggestion> {
    suggest(typed, WORDS.into_iter().map(|word| (word.to_owned(), String::new())))
        .into_iter()
        .filter(|one| one.value.starts_with(typed))
        .collect()
}

/// `SOURCE.METRIC` of all sources, or of the one that is typed already.
async fn subjects(sources: &dyn Sources, typed: &str) -> Vec<Suggestion> {
    let (source, metric) = typed.split_once('.').map_or((None, typed), |(source, metric)| (Some(source), metric));
    let metric = metric.trim_start_matches(['\'', '"', '`']);
    let names = match source {
        Some(name) => vec![SourceName::new(name)],
        None => sources.names(),
    };
    let mut out = Vec::new();
    for name in names {
        // Typed without a dot, it may be the source or the metric.
        let wanted = if source.is_none() && name.as_str().starts_with(typed) { "" } else { metric };
        for found in complete_metric(sources, Some(&name), wanted).await {
            let plain = found.value.chars().all(|c| c.is_alphanumeric() || "_$/:+-#".contains(c));
            let metric = if plain { found.value } else { format!("'{}'", found.value) };
            out.push(Suggestion { value: format!("{name}.{metric}"), about: found.about });
        }
    }
    if out.is_empty() && source.is_none() {
        out = complete_source(sources, typed).into_iter().map(|one| Suggestion { value: format!("{}.", one.value), ..one }).collect();
    }
    out
}
