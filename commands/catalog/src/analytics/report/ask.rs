//! A report asked of its sources: what they answer, and what is said where they have never counted such a thing.

use super::condition::Condition;
use super::{Answered, Asked, ReportArgs, answer};
use crate::analytics::asking::{astray, dates, spoken};
use crate::analytics::beside::pick;
use crate::analytics::outcome::Found;
use crate::analytics::sample::{Sample, SampleArgs};
use crate::analytics::{OWN, has_events};
use crate::wording::{code, line};
use bellhop_core::analytics::{Answer, Figures, Filter, Measure, Query, Saved, SavedKind, Trend, TrendFigures, TrendRow, Window};
use bellhop_core::card::ActionStyle;
use bellhop_core::chart::{ChartKind, Interval};
use bellhop_core::ids::SourceName;
use bellhop_core::nearest::nearest;
use bellhop_core::period::Range;
use bellhop_core::ports::{AnalyticsSource, PortResult, Sources};
use bellhop_core::{Action, Call, Card, CommandError, Invoke, PortErrorKind, Timestamp, Tone};
use std::sync::Arc;

/// Asks the sources, and shows what they answer; nothing where the only source has never seen such a metric.
pub(super) async fn found(known: &dyn Sources, args: &ReportArgs, asked: &Asked) -> Result<Option<Found>, CommandError> {
    let picked = if asked.interval == Some(Interval::Hour) {
        pick(known, &args.source, "figures by hour", |can| can.hourly)?
    } else {
        pick(known, &args.source, "figures", |_| true)?
    };
    let several = picked.several();
    if several && asked.interval.is_some() && asked.by.is_some() {
        return Err(CommandError::invalid(
            "by",
            "with several sources, choose between time and a property: one chart can't show all three",
        ));
    }
    if several && matches!(asked.drawn, Some(ChartKind::Area | ChartKind::Heat)) {
        return Err(CommandError::invalid(
            "chart",
            "several sources count the same things, and this would add them up or hide one behind the other; draw a line or bars",
        ));
    }
    let first = picked.sources.first().cloned();
    let (answered, failed, error) = picked.ask(|source| async move { ask(&*source, asked).await }).await;
    let answered: Vec<Answered> = answered.into_iter().map(|(_, answer)| answer).collect();
    if answered.is_empty() {
        return match error {
            Some(error) if error.kind == PortErrorKind::NotFound && !several => Ok(None),
            Some(error) if error.kind == PortErrorKind::NotFound => {
                let why: Vec<String> = failed.iter().map(|one| format!("{}: {}", one.source, one.why)).collect();
                Err(CommandError::Refused(format!("no source has counted `{}`. {}", line(&args.metric), why.join("; "))))
            }
            Some(error) => Err(error.into()),
            None => Err(CommandError::Missing(vec!["source"])),
        };
    }
    if let (Some(source), false) = (first, several) {
        known_properties(&*source, asked, &answered[0]).await?;
    }
    let card = answer::card(asked, &answered, &failed);
    let tables = answered.iter().map(|one| (format!("{}-{}-{}", asked.metric, one.source, days(asked)), one.whole()));
    Ok(Some(Found { card, tables: tables.collect() }))
}

/// The days that were asked for, for the name of a file.
fn days(asked: &Asked) -> String {
    dates(&asked.period, asked.range, asked.zone)
}

/// Where nothing has the property that was asked for, it may have been mistyped: the nearest one is told.
async fn known_properties(source: &dyn AnalyticsSource, asked: &Asked, answer: &Answered) -> Result<(), CommandError> {
    let nothing = answer.frame.rows.iter().all(|row| row.value == 0.0);
    let grouped = !nothing && answer.frame.rows.iter().any(|row| row.group.is_some());
    let mut doubtful: Vec<&str> = Vec::new();
    doubtful.extend(asked.by.as_deref().filter(|_| !grouped));
    let conditions: Vec<Filter> = asked.conditions.iter().map(Condition::filter).collect();
    doubtful.extend(conditions.iter().filter(|_| nothing).map(|filter| filter.property.as_str()));
    if doubtful.is_empty() {
        return Ok(());
    }
    let known = source.properties(&asked.metric).await.unwrap_or_default();
    for name in doubtful {
        if !known.iter().any(|one| one == name)
            && let Some(near) = nearest(name, known.iter().map(String::as_str))
        {
            return Err(CommandError::NotFound { what: "property", name: name.to_owned(), nearest: Some(near.to_owned()) });
        }
    }
    Ok(())
}

/// The source has never seen the metric. It may be the name of a report that was made there. Where the source has seen nothing at
/// all, it is for a newcomer to try it.
pub(super) async fn elsewhere(known: &dyn Sources, call: &Call, args: &ReportArgs, asked: &Asked) -> Result<Card, CommandError> {
    let source = known.source(args.source.first())?;
    if source.name().as_str() == OWN && !has_events(&*source).await? {
        let card = Card::titled("There are no events yet")
            .tone(Tone::Warning)
            .and_spans(vec![
                "Nothing has been tracked, so there is no ".into(),
                code(&args.metric),
                " to report. Send events to ".into(),
                code("/v1/events"),
                ", note one with ".into(),
                code("track"),
                ", or load sample events to see what a report looks like.".into(),
            ])
            .and_actions(vec![
                Action::invoke("Load sample events", Invoke::of::<Sample>(&SampleArgs::default())).style(ActionStyle::Primary),
                Action::prefill("Track an event", "/track "),
            ]);
        return Ok(card);
    }
    let made = if source.capabilities().saved { source.saved().await? } else { Vec::new() };
    let same = |one: &&Saved| one.id == args.metric || one.name.eq_ignore_ascii_case(&args.metric);
    if let Some(saved) = made.iter().filter(|one| one.kind == SavedKind::Report).find(same) {
        return theirs(&*source, saved, call, asked).await;
    }
    let metrics = source.metrics().await?;
    let names = metrics.iter().map(|metric| metric.name.as_str()).chain(made.iter().map(|one| one.name.as_str()));
    let near = nearest(&args.metric, names).map(str::to_owned);
    if near.is_some() {
        return Err(CommandError::NotFound { what: "metric", name: args.metric.clone(), nearest: near });
    }
    // Nothing is near: what there is, is told.
    let some: Vec<String> = metrics.iter().take(8).map(|metric| line(&metric.name)).collect();
    Err(CommandError::Refused(format!(
        "{} has never counted `{}`; it has {}{}",
        source.name(),
        line(&args.metric),
        some.join(", "),
        if metrics.len() > some.len() { format!(" and {} more", metrics.len() - some.len()) } else { String::new() }
    )))
}

/// A report that was made at the source, as it was made there.
async fn theirs(source: &dyn AnalyticsSource, saved: &Saved, call: &Call, asked: &Asked) -> Result<Card, CommandError> {
    let window = Window { from: asked.range.from, to: asked.range.to, zone: asked.zone };
    let answer = source.query(&Query::Saved { id: saved.id.clone(), window }).await?;
    let title = format!("{}, {}", line(&saved.name), spoken(&asked.period));
    let Figures::Trend(figures) = answer.figures else {
        return Ok(Card::titled(title)
            .and_text(format!("It is no report of figures over time; a funnel is asked for with `funnel \"{}\"`.", line(&saved.name))));
    };
    let timed: Vec<Timestamp> = figures.rows.iter().filter_map(|row| row.at).collect();
    let shown = Asked {
        metric: saved.name.clone(),
        measure: Measure::Count,
        previous: None,
        interval: (!timed.is_empty()).then(|| asked.interval.unwrap_or(Interval::Day)),
        by: figures.rows.iter().any(|row| row.group.is_some()).then(|| "series".to_owned()),
        conditions: Vec::new(),
        drawn: Some(if timed.is_empty() { ChartKind::Bar } else { ChartKind::Line }),
        compare: None,
        now: call.now,
        zone: answer.basis.zone,
        ..asked.clone()
    };
    let answered = Answered { source: source.name().clone(), frame: figures, basis: answer.basis, previous: None };
    Ok(answer::card(&shown, std::slice::from_ref(&answered), &[]))
}

/// Asks one source, about the period before too where it is compared with.
async fn ask(source: &dyn AnalyticsSource, asked: &Asked) -> PortResult<Answered> {
    let query = |range: Range| {
        Query::Trend(Trend {
            metric: asked.metric.clone(),
            measure: asked.measure.clone(),
            from: range.from,
            to: range.to,
            zone: asked.zone,
            interval: asked.interval,
            by: asked.by.clone(),
            filters: asked.conditions.iter().map(Condition::filter).collect(),
        })
    };
    let figures = |answer: Answer| match answer.figures {
        Figures::Trend(figures) => Ok((figures, answer.basis)),
        _ => Err(astray(source.name())),
    };
    let answer = async |range: Range| {
        let query = query(range);
        if asked.fresh { source.query_anew(&query).await } else { source.query(&query).await }
    };
    let (frame, basis) = figures(answer(asked.range).await?)?;
    let previous = match asked.previous {
        Some(range) => Some(figures(answer(range).await?)?.0),
        None => None,
    };
    Ok(Answered { source: source.name().clone(), frame, basis, previous })
}

/// Revenue of several sources, of two periods or drawn otherwise: a report of the sums.
pub(crate) async fn of_revenue(
    known: &dyn Sources,
    names: &[SourceName],
    asked: &Asked,
    query: &(dyn Fn(Range) -> Query + Sync),
) -> Result<Found, CommandError> {
    let picked = pick(known, names, "revenue", |can| can.revenue)?;
    if picked.several() && asked.interval.is_some() && asked.by.is_some() {
        return Err(CommandError::invalid(
            "by",
            "with several sources, choose between time and a property: one chart can't show all three",
        ));
    }
    if picked.several() && matches!(asked.drawn, Some(ChartKind::Area | ChartKind::Heat)) {
        return Err(CommandError::invalid("chart", "several sources count the same money, and this would add it up; draw a line or bars"));
    }
    let one = |source: Arc<dyn AnalyticsSource>| async move {
        let sums = |answer: &Answer| match &answer.figures {
            Figures::Revenue(figures) => Ok(TrendFigures {
                rows: figures.rows.iter().map(|row| TrendRow { at: row.at, group: row.group.clone(), value: row.revenue }).collect(),
                unit: figures.unit.clone(),
                total: figures.total.revenue,
            }),
            _ => Err(astray(source.name())),
        };
        let answer = source.query(&query(asked.range)).await?;
        let previous = match asked.previous {
            Some(range) => Some(sums(&source.query(&query(range)).await?)?),
            None => None,
        };
        let answered = Answered { source: source.name().clone(), frame: sums(&answer)?, basis: answer.basis.clone(), previous };
        Ok((answered, answer))
    };
    let (answered, failed, error) = picked.ask(one).await;
    if let (Some(error), true) = (error, answered.is_empty()) {
        return Err(error.into());
    }
    let stem = |source: &SourceName| format!("revenue-{source}-{}", days(asked));
    let tables = answered.iter().map(|(source, (_, answer))| (stem(source), answer.clone())).collect();
    let answered: Vec<Answered> = answered.into_iter().map(|(_, (answered, _))| answered).collect();
    Ok(Found { card: answer::card(asked, &answered, &failed), tables })
}
