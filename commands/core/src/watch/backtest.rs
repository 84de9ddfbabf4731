//! What a watch would have done: the checks of a stretch of the past, each on what could have been seen then.

use super::history::History;
use super::judge::at;
use super::{Condition, Look, Standing, Verdict};
use crate::clock::Timestamp;
use crate::period::Span;
use chrono::TimeDelta;

/// What would have been.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backtest {
    /// How many checks there would have been.
    pub checks: u64,
    /// How many of them could not have told.
    pub unknown: u64,
    /// Why the last of those could not.
    pub why_unknown: Option<String>,
    /// When it would have fired, oldest first.
    pub fired: Vec<Fired>,
}

/// A time that it would have fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// The check that would have raised the alert.
    pub at: Timestamp,
    /// The check that would have ended it; `None` where it would be on still.
    pub until: Option<Timestamp>,
    /// What that check would have looked at.
    pub look: Look,
}

/// Checks a condition every so often from `from` until `to`, as if the source had always been as far behind as it is now. Late
/// figures that are there now are taken to have been there then.
#[must_use]
pub fn backtest(condition: &Condition, history: &History, every: Span, from: Timestamp, to: Timestamp) -> Backtest {
    let mut out = Backtest::default();
    let every = TimeDelta::from_std(every.0).unwrap_or(TimeDelta::days(1)).max(TimeDelta::seconds(1));
    let needed = condition.checks();
    let mut standing = Standing::default();
    let mut next = from;
    while next <= to {
        let settled = next - history.behind;
        let verdict = at(condition, history, settled);
        // Until another interval is over all checks find the same.
        let changes = history.series.iter().filter_map(|series| series.points().get(series.over(settled))).map(|point| point.to).min();
        let until = changes.map_or(to, |end| (end + history.behind - TimeDelta::nanoseconds(1)).min(to)).max(next);
        let alike = (until - next).num_milliseconds() / every.num_milliseconds() + 1;
        let count = u64::try_from(alike).unwrap_or(1);
        out.checks += count;
        if let Verdict::Unknown(why) = &verdict {
            out.unknown += count;
            out.why_unknown = Some(why.clone());
        }
        for number in 0..alike.min(i64::from(needed)) {
            let check = next + TimeDelta::milliseconds(every.num_milliseconds() * number);
            let before = standing;
            standing = standing.after(&verdict, needed, check);
            if let (None, Some(at), Verdict::Firing(look)) = (before.firing_since, standing.firing_since, &verdict) {
                out.fired.push(Fired { at, until: None, look: look.clone() });
            }
            if standing.quieted.is_some()
                && let Some(last) = out.fired.last_mut()
            {
                last.until = Some(check);
            }
        }
        next += TimeDelta::milliseconds(every.num_milliseconds() * alike);
    }
    out
}
