//! What the property has, and what it comes to: dimensions of an event, and metrics over some.

use super::ZONE;
use crate::analytics::{Happened, figure};
use std::collections::{BTreeMap, BTreeSet};

/// Dimensions that the property has.
pub(super) const DIMENSIONS: [&str; 18] = [
    "date",
    "dateHour",
    "isoYearIsoWeek",
    "yearMonth",
    "eventName",
    "country",
    "pagePath",
    "pageTitle",
    "cohort",
    "cohortNthDay",
    "cohortNthWeek",
    "cohortNthMonth",
    "isKeyEvent",
    "itemName",
    "unifiedScreenName",
    "customEvent:plan",
    "customEvent:price",
    "customEvent:env",
];
/// Metrics that the property has.
pub(super) const METRICS: [&str; 21] = [
    "eventCount",
    "screenPageViews",
    "totalUsers",
    "activeUsers",
    "sessions",
    "engagedSessions",
    "averageSessionDuration",
    "bounceRate",
    "keyEvents",
    "sessionKeyEventRate",
    "userKeyEventRate",
    "totalRevenue",
    "transactions",
    "totalPurchasers",
    "eventValue",
    "itemRevenue",
    "itemsPurchased",
    "cohortActiveUsers",
    "cohortTotalUsers",
    "customEvent:price",
    "averageCustomEvent:price",
];
/// The type of a metric's values.
pub(super) fn kind(metric: &str) -> &'static str {
    match metric {
        "totalRevenue" | "itemRevenue" => "TYPE_CURRENCY",
        "averageSessionDuration" => "TYPE_SECONDS",
        "bounceRate"
        | "sessionKeyEventRate"
        | "userKeyEventRate"
        | "eventValue"
        | "funnelStepCompletionRate"
        | "funnelStepAbandonmentRate" => "TYPE_FLOAT",
        name if name.contains(':') => "TYPE_FLOAT",
        _ => "TYPE_INTEGER",
    }
}

/// The value of a dimension of an event.
pub(super) fn dimension(one: &Happened, name: &str) -> String {
    let local = one.at.with_timezone(&ZONE);
    let property = |name: &str| one.property(name).unwrap_or_else(|| "(not set)".to_owned());
    match name {
        "date" => local.format("%Y%m%d").to_string(),
        "dateHour" => local.format("%Y%m%d%H").to_string(),
        "isoYearIsoWeek" => local.format("%G%V").to_string(),
        "yearMonth" => local.format("%Y%m").to_string(),
        "eventName" => one.name.clone(),
        "isKeyEvent" => key(one).to_string(),
        "pagePath" | "pageTitle" | "unifiedScreenName" => property("page"),
        "itemName" => property("item"),
        name => property(name.rsplit(':').next().unwrap_or(name)),
    }
}

fn key(one: &Happened) -> bool {
    matches!(one.name.as_str(), "signup" | "purchase")
}

fn price(one: &Happened) -> f64 {
    one.number("price").or_else(|| one.number("value")).unwrap_or(0.0)
}

/// A metric over some events.
pub(super) fn metric(name: &str, events: &[&Happened]) -> f64 {
    let people = |fits: fn(&Happened) -> bool| {
        figure(events.iter().filter(|one| fits(one)).map(|one| one.person.as_str()).collect::<BTreeSet<_>>().len())
    };
    let count = |fits: fn(&Happened) -> bool| figure(events.iter().filter(|one| fits(one)).count());
    let bought = |one: &Happened| one.name == "purchase";
    let mut sessions: BTreeMap<(String, i64), Vec<&Happened>> = BTreeMap::new();
    for one in events {
        sessions.entry(one.session()).or_default().push(one);
    }
    let visits = figure(sessions.len());
    let engaged = figure(sessions.values().filter(|all| all.len() > 1 || all.iter().any(|one| key(one))).count());
    let length = |all: &Vec<&Happened>| all.last().zip(all.first()).map_or(0, |(last, first)| (last.at - first.at).num_seconds());
    let part = |some: f64, of: f64| if of > 0.0 { some / of } else { 0.0 };
    match name {
        "eventCount" => figure(events.len()),
        "screenPageViews" => count(|one| one.name == "page_view"),
        "totalUsers" | "activeUsers" => people(|_| true),
        "sessions" => visits,
        "engagedSessions" => engaged,
        "bounceRate" => 1.0 - part(engaged, visits),
        #[expect(clippy::cast_precision_loss, reason = "seconds of a few sessions")]
        "averageSessionDuration" => part(sessions.values().map(length).sum::<i64>() as f64, visits),
        "keyEvents" => count(key),
        "sessionKeyEventRate" => part(figure(sessions.values().filter(|all| all.iter().any(|one| key(one))).count()), visits),
        "userKeyEventRate" => part(people(key), people(|_| true)),
        "totalRevenue" => events.iter().filter(|one| bought(one)).map(|one| price(one)).sum(),
        "transactions" => count(bought),
        "totalPurchasers" => people(bought),
        "eventValue" => events.iter().filter_map(|one| one.number("value")).sum(),
        "customEvent:price" => events.iter().filter_map(|one| one.number("price")).sum(),
        "averageCustomEvent:price" => {
            part(events.iter().filter_map(|one| one.number("price")).sum(), count(|one| one.number("price").is_some()))
        }
        _ => 0.0,
    }
}
