//! Arguments of a report, read as a question. Nothing is asked here.

use super::{Asked, Compare, Drawn, ReportArgs};
use crate::analytics::asking::word;
use bellhop_core::analytics::Measure;
use bellhop_core::chart::{ChartKind, Interval};
use bellhop_core::period::{Period, Range, intervals, midnight};
use bellhop_core::{Call, CommandError, Timestamp};
use chrono_tz::Tz;

/// The most positions that a chart and its table have.
const MOST_INTERVALS: usize = 1500;
/// The most values of a property that are shown one by one.
const MOST_GROUPS: usize = 30;

/// Reads the arguments; what it is split by is known already.
pub(super) fn read(
    args: &ReportArgs,
    call: &Call,
    period: Period,
    interval: Option<Interval>,
    by: Option<String>,
) -> Result<Asked, CommandError> {
    let measure = match (&args.sum, &args.average, args.unique) {
        (Some(_), _, true) => return Err(CommandError::invalid("unique", "choose one of --sum and --unique: people can't be added up")),
        (None, Some(_), true) => return Err(CommandError::invalid("unique", "choose one of --average and --unique")),
        (Some(_), Some(_), false) => return Err(CommandError::invalid("average", "choose one of --sum and --average")),
        (Some(property), None, false) => Measure::Sum(property.clone()),
        (None, Some(property), false) => Measure::Average(property.clone()),
        (None, None, true) => Measure::Users,
        (None, None, false) => Measure::Count,
    };
    if args.metric.trim().is_empty() {
        return Err(CommandError::invalid("metric", "it is empty; name what to count, such as page_views"));
    }
    let top = args.top.map(|top| top as usize);
    if top.is_some_and(|top| !(1..=MOST_GROUPS).contains(&top)) {
        return Err(CommandError::invalid("top", format!("write a number from 1 to {MOST_GROUPS}")));
    }
    if top.is_some() && by.is_none() {
        return Err(CommandError::invalid("top", "there is nothing to choose from; add --by and a property"));
    }
    let zone = args.tz.unwrap_or(call.caller.zone);
    let range = period.resolve(call.now, zone);
    if let Some(interval) = interval {
        let many = intervals(range, interval, zone).len();
        if many > MOST_INTERVALS {
            return Err(CommandError::invalid(
                "by",
                format!("{period} has {many} of these, too many to read; choose a longer stretch than {}", word(interval)),
            ));
        }
    }
    let drawn = match (args.chart, interval) {
        (Some(Drawn::None), _) => None,
        (Some(Drawn::Line), None) => {
            return Err(CommandError::invalid("chart", "a line needs time to run along; add --by day, or draw bars"));
        }
        (Some(Drawn::Line) | None, Some(_)) => Some(ChartKind::Line),
        (Some(Drawn::Bar), _) | (None, None) => Some(ChartKind::Bar),
    };
    let previous = args.compare.map(|compare| match compare {
        Compare::Previous => period.previous(call.now, zone),
        Compare::Year => year_before(&period, range, zone),
    });
    Ok(Asked {
        metric: args.metric.clone(),
        measure,
        range,
        previous,
        period,
        zone,
        interval,
        by,
        conditions: args.r#where.clone(),
        drawn,
        compare: args.compare,
        top,
        fresh: args.fresh,
        now: call.now,
    })
}

/// The same days a year before; the same days of the week, 52 weeks before, where hours or weeks were asked for.
fn year_before(period: &Period, range: Range, zone: Tz) -> Range {
    if matches!(period, Period::Hours(_)) {
        let year = chrono::TimeDelta::weeks(52);
        return Range { from: range.from - year, to: range.to - year };
    }
    let before = |at: Timestamp| {
        let day = at.with_timezone(&zone).date_naive();
        let day = match period {
            Period::Weeks(_) => day - chrono::Days::new(364),
            _ => day - chrono::Months::new(12),
        };
        midnight(day, zone)
    };
    Range { from: before(range.from), to: before(range.to) }
}
