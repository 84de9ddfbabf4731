//! Asks a condition's source, as far back as it answers, for what is shown when a watch is made and when it is tested.

use crate::analytics::asking::{able, question};
use crate::wording::line;
use bellhop_core::analytics::Query;
use bellhop_core::error::PortErrorKind;
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Span, midnight};
use bellhop_core::ports::Sources;
use bellhop_core::watch::{Backtest, Condition, History, MARGIN, Per, Verdict, backtest, evaluate};
use bellhop_core::{Call, CommandError, Timestamp};
use chrono::Days;
use chrono_tz::Tz;

/// How many days back a condition is tested: the most that its source gives of these.
const DAYS: [u32; 4] = [90, 30, 7, 1];

/// What a source says about a condition.
pub(super) struct Looked {
    /// The figures.
    pub history: History,
    /// What would be found now.
    pub verdict: Verdict,
    /// What would have been found.
    pub past: Backtest,
    /// How many days back that goes, and from when.
    pub days: u32,
    pub from: Timestamp,
}

/// Asks. The condition's source is filled in, so that it stays the same when another becomes the default.
pub(super) async fn look(
    sources: &dyn Sources,
    condition: &mut Condition,
    every: Span,
    zone: Tz,
    call: &Call,
    most: Option<u32>,
) -> Result<Looked, CommandError> {
    let source = match (condition.per, sources.source(condition.source.as_ref())) {
        (Per::Hour, Ok(source)) if !source.capabilities().hourly => {
            let other = able(sources, condition.source.as_ref(), "figures by hour", |can| can.hourly).err();
            let hint = other.map_or_else(String::new, |error| format!("{error}; or "));
            return Err(CommandError::Refused(format!("{hint}write `per day` to look at days")));
        }
        (_, Ok(source)) => source,
        (_, Err(error)) => return Err(no_source(sources, condition, error)),
    };
    condition.source = Some(source.name().clone());
    let stretches = DAYS.into_iter().filter(|days| most.is_none_or(|most| *days <= most)).chain(most);
    let mut stretches: Vec<u32> = stretches.collect();
    stretches.sort_unstable_by(|a, b| b.cmp(a));
    stretches.dedup();
    let mut refused = None;
    for days in stretches {
        let asked = condition.question(call.now, zone, days + MARGIN);
        match question(&*source, &Query::Trend(asked.clone()), &[condition.metric.as_str()]).await {
            Ok(answer) => {
                let history = History::of(&asked, &answer, call.now);
                let verdict = evaluate(condition, &history);
                let today = call.now.with_timezone(&history.zone).date_naive();
                let from = midnight(today - Days::new(u64::from(days)), history.zone);
                let past = backtest(condition, &history, every, from, call.now);
                return Ok(Looked { history, verdict, past, days, from });
            }
            // It gives no figures of so long ago: of less long, perhaps.
            Err(CommandError::Port(error))
                if matches!(error.kind, PortErrorKind::Invalid | PortErrorKind::Unsupported | PortErrorKind::TooLarge) =>
            {
                refused = refused.or(Some(error));
            }
            Err(CommandError::NotFound { name, nearest, .. }) => {
                return Err(CommandError::NotFound { what: "metric", name, nearest });
            }
            Err(error) => return Err(error),
        }
    }
    Err(refused.map_or_else(|| CommandError::Refused("the source gave no figures".to_owned()), CommandError::from))
}

/// What stands before the dot is no source: it may belong to the metric's name.
fn no_source(sources: &dyn Sources, condition: &Condition, error: CommandError) -> CommandError {
    let (CommandError::NotFound { nearest: None, .. }, Some(written)) = (&error, &condition.source) else { return error };
    let names: Vec<String> = sources.names().iter().map(SourceName::to_string).collect();
    let default = names.first().cloned().unwrap_or_default();
    CommandError::invalid(
        "condition",
        format!(
            "there is no source `{}`; there {} {}. A metric with a dot in its name is written in quotes: {default}.'{}.{}'",
            line(written.as_str()),
            if names.len() == 1 { "is" } else { "are" },
            names.join(", "),
            line(written.as_str()),
            line(&condition.metric)
        ),
    )
}
