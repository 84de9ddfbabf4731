//! Whether a question's period can be answered at all, before a service is asked and the answer counted against an allowance.

use bellhop_core::Timestamp;
use bellhop_core::analytics::Query;

/// Why not, and what would be right.
pub(crate) fn wrong(query: &Query, now: Timestamp) -> Option<String> {
    let (from, to) = match query {
        Query::Trend(trend) => (trend.from, trend.to),
        Query::Funnel(funnel) => (funnel.window.from, funnel.window.to),
        Query::Retention(retention) => (retention.window.from, retention.window.to),
        Query::Revenue(revenue) => (revenue.window.from, revenue.window.to),
        Query::Saved { window, .. } => (window.from, window.to),
        Query::Now(_) => return None,
    };
    let shown = |at: Timestamp| at.format("%Y-%m-%d %H:%M").to_string();
    if from >= to {
        return Some(format!("the period ends ({}) before it begins ({}); write its first day first", shown(to), shown(from)));
    }
    (from > now).then(|| format!("the period begins in the future ({} UTC), when nothing has happened yet", shown(from)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::analytics::{Revenue, Window};

    #[test]
    fn periods_of_the_future_and_the_wrong_way_round_are_refused() {
        let now: Timestamp = "2026-11-02T12:00:00Z".parse().unwrap();
        let asked = |from: &str, to: &str| {
            let window = Window { from: from.parse().unwrap(), to: to.parse().unwrap(), zone: chrono_tz::UTC };
            wrong(&Query::Revenue(Revenue { window, interval: None, by: None, filters: Vec::new() }), now)
        };
        assert_eq!(asked("2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z"), None);
        assert!(asked("2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z").is_some_and(|why| why.contains("first day first")));
        assert!(asked("2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z").is_some_and(|why| why.contains("future")));
    }
}
