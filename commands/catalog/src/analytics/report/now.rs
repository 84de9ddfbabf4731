//! `report --now`: what happens in these minutes. No period, no comparison: there is only the present.

use super::ReportArgs;
use super::grid::named;
use crate::analytics::asking::{able, astray, cost, question};
use crate::analytics::number;
use crate::analytics::outcome::Found;
use crate::wording::{line, table};
use bellhop_core::analytics::{Figures, Now, Query};
use bellhop_core::card::Block;
use bellhop_core::ports::Sources;
use bellhop_core::{Call, Card, CommandError, Span};

/// How many minutes back.
const MINUTES: u32 = 30;

/// Asks one source.
pub(super) async fn answer(sources: &dyn Sources, call: &Call, args: &ReportArgs) -> Result<Found, CommandError> {
    let other = args.period.is_some() || args.last.is_some() || args.compare.is_some() || args.sum.is_some() || args.average.is_some();
    if other || args.unique || args.top.is_some() || args.chart.is_some() || !args.r#where.is_empty() {
        return Err(CommandError::invalid("now", "the present is asked for with --by, --source and --csv alone; leave the others out"));
    }
    if args.source.len() > 1 || args.by.len() > 1 {
        return Err(CommandError::invalid("now", "one source and one property at a time"));
    }
    let source = able(sources, args.source.first(), "figures of these minutes", |can| can.now)?;
    let query = Query::Now(Now { metric: args.metric.clone(), minutes: MINUTES, by: args.by.first().cloned() });
    let answer = question(&*source, &query, &[&args.metric]).await?;
    let Figures::Trend(figures) = &answer.figures else { return Err(astray(source.name()).into()) };
    let metric = line(&args.metric);
    let mut card = Card::titled(format!("{metric}, the last {MINUTES} minutes"))
        .and_spans(vec![Span::Bold(number(figures.total)), format!(" {metric}.").into()]);
    if !figures.rows.is_empty() && figures.rows.iter().any(|row| row.group.is_some() || row.at.is_some()) {
        let zone = args.tz.unwrap_or(call.caller.zone);
        let rows = figures.rows.iter().map(|row| {
            let at = row.at.map(|at| at.with_timezone(&zone).format("%H:%M").to_string());
            let heading = match (at, args.by.is_empty()) {
                (Some(at), true) => at,
                (Some(at), false) => format!("{at} {}", named(row.group.as_deref())),
                (None, _) => named(row.group.as_deref()),
            };
            vec![vec![heading.into()], vec![number(row.value).into()]]
        });
        let heading = args.by.first().map_or_else(|| "Time".to_owned(), |by| line(by));
        card = card.block(Block::Table(table(format!("{metric}, now"), &[&heading, "Now#"], rows.collect())));
    }
    let mut fields = vec![("Source", source.name().to_string())];
    if !answer.basis.notes.is_empty() {
        fields.push(("Note", answer.basis.notes.iter().map(|note| line(note)).collect::<Vec<_>>().join("; ")));
    }
    fields.extend(cost(&answer.basis).map(|cost| ("Cost", cost)));
    Ok(Found::of(card.and_fields(fields), &answer, &format!("{}-now-{}", args.metric, source.name())))
}
