//! Arguments of a report, read as a question. Nothing is asked here.

use super::{Asked, Drawn, ReportArgs};
use crate::analytics::asking::{begun, word};
use bellhop_core::analytics::Measure;
use bellhop_core::chart::{ChartKind, Interval};
use bellhop_core::period::{Period, intervals};
use bellhop_core::{Call, CommandError};

/// The most positions that a chart and its table have.
const MOST_INTERVALS: usize = 2500;
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
    begun(&period, range, call.now, zone)?;
    if let Some(interval) = interval {
        let many = intervals(range, interval, zone).len();
        if many > MOST_INTERVALS {
            return Err(CommandError::invalid(
                "by",
                format!("{period} has {many} of these, too many to read; choose a longer stretch than {}", word(interval)),
            ));
        }
    }
    let drawn = drawn(args, &measure, interval, by.as_ref())?;
    let previous = args.compare.map(|compare| compare.range(&period, call.now, zone));
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

/// How it is drawn: as was asked, where that can be, or as suits the question.
fn drawn(args: &ReportArgs, measure: &Measure, interval: Option<Interval>, by: Option<&String>) -> Result<Option<ChartKind>, CommandError> {
    let wrong = |why: &str| Err(CommandError::invalid("chart", why));
    let additive = matches!(measure, Measure::Count | Measure::Sum(_));
    match (args.chart, interval) {
        (Some(Drawn::None), _) => Ok(None),
        (Some(Drawn::Line | Drawn::Area | Drawn::Heat), None) => wrong("it needs time to run along; add --by day, or draw bars"),
        (Some(Drawn::Funnel), _) => {
            wrong("a funnel follows people from step to step, as in `funnel page_view signup`; here, draw a line or bars")
        }
        (Some(Drawn::Area), Some(_)) if by.is_some() && !additive => {
            wrong("areas lie on top of one another, and people or averages of several values can't be added up; draw a line")
        }
        (Some(Drawn::Heat), Some(_)) if args.compare.is_some() => {
            wrong("one field of shades shows one period; leave --compare out, or draw a line")
        }
        (Some(Drawn::Heat), Some(_)) if matches!(measure, Measure::Average(_)) => {
            wrong("averages of hours can't be averaged again; draw a line")
        }
        (Some(Drawn::Heat), Some(interval)) if by.is_none() && interval != Interval::Hour => wrong(
            "a field of shades shows the hours of the week, or values of a property over time; leave --by out, or add a property to it",
        ),
        (Some(asked), Some(_)) => Ok(asked.kind()),
        (Some(Drawn::Bar) | None, None) => Ok(Some(ChartKind::Bar)),
        (None, Some(_)) => Ok(Some(ChartKind::Line)),
    }
}
