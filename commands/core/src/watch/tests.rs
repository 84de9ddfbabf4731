//! Conditions read, figures judged, checks counted; and what holds of all of them.

mod evaluating;
mod properties;
mod reading;

use super::{Condition, History, Per, Point, Series};
use crate::clock::Timestamp;
use crate::period::{Range, intervals};
use chrono::TimeDelta;
use chrono_tz::Tz;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn condition(text: &str) -> Condition {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// Figures of the days or hours from a moment on, all of them settled.
fn history(per: Per, zone: Tz, from: Timestamp, values: &[Option<f64>]) -> History {
    let far = from + TimeDelta::days(i64::try_from(values.len()).unwrap() + 3);
    let starts = intervals(Range { from, to: far }, per.interval(), zone);
    let points: Vec<Point> =
        starts.windows(2).zip(values).map(|(pair, value)| Point { from: pair[0], to: pair[1], value: *value }).collect();
    let settled = points.last().map_or(from, |point| point.to);
    let series = vec![Series::new(None, points, zone)];
    History { series, zone, source: "events".into(), settled, behind: TimeDelta::zero(), doubt: None }
}
