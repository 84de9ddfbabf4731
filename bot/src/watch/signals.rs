//! What a check reports to the alert engine. Pure: the same check reports the same, whoever reads it.

use super::SOURCE;
use bellhop_core::alert::AlertSignal;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::Fingerprint;
use bellhop_core::watch::{Check, Verdict, Watch};
use std::collections::BTreeMap;

/// What a check reports: that the watch fires, or fires no more; and that it can't tell for long, or can again.
pub(super) fn of(watch: &Watch, check: &Check) -> Vec<AlertSignal> {
    let standing = &check.standing;
    let mut signals = Vec::new();
    if let (Some(since), Verdict::Firing(look)) = (standing.firing_since, &check.verdict) {
        signals.push(firing(watch, check, since, &look.why));
    }
    if let Some(since) = standing.quieted {
        signals.push(over(firing(watch, check, since, check.verdict.why()), check.at));
    }
    if let (Some(since), Verdict::Unknown(why)) = (standing.blind_since, &check.verdict) {
        signals.push(blind(watch, check, since, why));
    }
    if let Some(since) = standing.seeing {
        signals.push(over(blind(watch, check, since, ""), check.at));
    }
    signals
}

/// The end of whatever is on, of a watch that was removed while it was checked.
pub(super) fn ended(watch: &Watch, check: &Check) -> Vec<AlertSignal> {
    let standing = &check.standing;
    let fires = standing.firing_since.map(|since| over(firing(watch, check, since, check.verdict.why()), check.at));
    let blind = standing.blind_since.map(|since| over(blind(watch, check, since, ""), check.at));
    fires.into_iter().chain(blind).collect()
}

fn firing(watch: &Watch, check: &Check, since: Timestamp, why: &str) -> AlertSignal {
    let condition = &watch.condition;
    AlertSignal {
        fingerprint: watch.fingerprint(),
        name: watch.name.clone(),
        severity: watch.severity.clone(),
        summary: format!("{}: {why}.", condition.subject()),
        description: format!("{} Times are those of {}.", condition.sentence(), watch.zone.name()),
        ..plain(watch, check, since, watch.fingerprint())
    }
}

fn blind(watch: &Watch, check: &Check, since: Timestamp, why: &str) -> AlertSignal {
    AlertSignal {
        name: format!("{} can't be checked", watch.name),
        severity: "warning".to_owned(),
        summary: format!("The watch can't tell whether its condition holds: {why}. It is tried again every {}.", watch.every),
        ..plain(watch, check, since, watch.blind_fingerprint())
    }
}

fn plain(watch: &Watch, check: &Check, since: Timestamp, fingerprint: Fingerprint) -> AlertSignal {
    let condition = &watch.condition;
    let metric = condition.source.as_ref().map_or_else(|| condition.metric.clone(), |source| format!("{source}.{}", condition.metric));
    AlertSignal {
        fingerprint,
        source: SOURCE.to_owned(),
        firing: true,
        name: String::new(),
        severity: String::new(),
        summary: String::new(),
        description: String::new(),
        labels: BTreeMap::from([("metric".to_owned(), metric), ("watch".to_owned(), watch.name.clone())]),
        url: String::new(),
        starts_at: since,
        ends_at: None,
        received: check.at,
        to: vec![watch.to.clone()],
    }
}

fn over(signal: AlertSignal, at: Timestamp) -> AlertSignal {
    AlertSignal { firing: false, ends_at: Some(at), ..signal }
}
