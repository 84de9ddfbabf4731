//! `report`: how much of something, over time and by property, in words, as a chart and as a table.
//!
//! This file reads the question and asks the sources; what they answer becomes figures in `grid` and a card in `answer`.

mod answer;
pub(crate) mod condition;
mod grid;
mod now;
mod read;

use super::asking::{able, astray, attached, dimensions, periods};
use super::{OWN, complete_metric, complete_source, has_events, properties};
use crate::analytics::sample::{Sample, SampleArgs};
use crate::wording::{code, suggest, zones};
pub(crate) use grid::named;

use answer::Failed;
use bellhop_core::analytics::{Answer, Basis, Figures, Measure, Query, Trend, TrendFigures};
use bellhop_core::card::ActionStyle;
use bellhop_core::chart::{ChartKind, Interval};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Period, Range};
use bellhop_core::ports::{AnalyticsSource, PortResult, Sources};
use bellhop_core::{Action, Call, Card, Command, CommandError, Invoke, PortError, PortErrorKind, Reply, Timestamp, Tone};
use chrono_tz::Tz;
use condition::Condition;
use read::read;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most sources side by side.
const MOST_SOURCES: usize = 5;

/// Arguments of `report`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that is typed or not")]
pub struct ReportArgs {
    /// What to count: `page_views`, `sessions`, `users`, `key_events`, or an event's name
    pub metric: String,
    /// When: 7d, 24h, 4w, today, yesterday or 2026-11-01..2026-11-07; 7d unless told
    pub period: Option<Period>,
    /// By hour, day, week or month, by a property, or both
    #[arg(long, value_name = "DIM", value_delimiter = ',')]
    #[serde(default)]
    pub by: Vec<String>,
    /// Adds a property up instead of counting, such as revenue
    #[arg(long, value_name = "PROPERTY")]
    pub sum: Option<String>,
    /// Counts people instead of events
    #[arg(long)]
    #[serde(default)]
    pub unique: bool,
    /// Only where a property has a value: country=DE, or country!=DE
    #[arg(long, value_name = "NAME=VALUE")]
    #[serde(default)]
    pub r#where: Vec<Condition>,
    /// Averages a property instead of counting, such as duration
    #[arg(long, value_name = "PROPERTY")]
    #[serde(default)]
    pub average: Option<String>,
    /// Compares with the period before, or the same one a year before
    #[arg(long, value_enum)]
    pub compare: Option<Compare>,
    /// How many values of the property are shown; the others are added up
    #[arg(long, value_name = "N")]
    #[serde(default)]
    pub top: Option<u32>,
    /// The period, as an option
    #[arg(long, value_name = "PERIOD")]
    #[serde(default)]
    pub last: Option<Period>,
    /// What happens right now: the last half hour
    #[arg(long)]
    #[serde(default)]
    pub now: bool,
    /// Adds the figures as a file
    #[arg(long)]
    #[serde(default)]
    pub csv: bool,
    /// The time zone that days are cut in, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    pub tz: Option<Tz>,
    /// The source, or several side by side: events,web, or all
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(default)]
    pub source: Vec<SourceName>,
    /// How it is drawn; as suits the question unless told
    #[arg(long, value_enum, value_name = "KIND")]
    pub chart: Option<Drawn>,
    /// Asks the source anew, even where its last answer is still good
    #[arg(long)]
    #[serde(default)]
    pub fresh: bool,
}

impl ReportArgs {
    /// Just a metric.
    pub(crate) fn of(metric: &str) -> Self {
        Self {
            metric: metric.to_owned(),
            period: None,
            by: Vec::new(),
            sum: None,
            unique: false,
            r#where: Vec::new(),
            average: None,
            compare: None,
            top: None,
            last: None,
            now: false,
            csv: false,
            tz: None,
            source: Vec::new(),
            chart: None,
            fresh: false,
        }
    }
}

/// What a period is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// The period of the same length just before
    Previous,
    /// The same period a year before
    Year,
}

/// How figures are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drawn {
    /// Lines over time
    Line,
    /// Bars
    Bar,
    /// Not at all: words and the table only
    None,
}

/// The question, read.
#[derive(Clone, Debug)]
struct Asked {
    metric: String,
    measure: Measure,
    period: Period,
    range: Range,
    previous: Option<Range>,
    zone: Tz,
    interval: Option<Interval>,
    by: Option<String>,
    conditions: Vec<Condition>,
    drawn: Option<ChartKind>,
    compare: Option<Compare>,
    top: Option<usize>,
    fresh: bool,
    now: Timestamp,
}

/// What one source answered.
#[derive(Clone, Debug)]
struct Answered {
    source: SourceName,
    frame: TrendFigures,
    basis: Basis,
    previous: Option<TrendFigures>,
}

impl Answered {
    fn whole(&self) -> Answer {
        Answer { figures: Figures::Trend(self.frame.clone()), basis: self.basis.clone() }
    }
}

/// Answers questions about figures.
pub struct Report {
    sources: Arc<dyn Sources>,
}

impl Report {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }
}

impl Command for Report {
    const NAME: &'static str = "report";
    const SUMMARY: &'static str = "Counts and draws what people do, over time or by property";
    const EXAMPLES: &'static [&'static str] = &[
        "report page_views 7d",
        "report page_views 30d --by country",
        "report page_views 4w --by week --compare previous",
        "report page_views --now",
        "report purchase 30d --sum revenue --by plan",
        "report page_views 7d --unique --where country=DE --tz Europe/Berlin",
    ];
    const COMPLETES: &'static [&'static str] = &["metric", "period", "last", "by", "sum", "average", "where", "tz", "source"];
    type Args = ReportArgs;

    async fn run(&self, call: &Call, args: ReportArgs) -> Result<Reply, CommandError> {
        if args.now {
            return now::answer(&*self.sources, call, &args).await;
        }
        let period = period(args.period.as_ref(), args.last.as_ref())?;
        let (mut interval, by) = dimensions(&args.by)?;
        if interval.is_none() && by.is_none() {
            interval = Some(period.interval());
        }
        let asked = read(&args, call, period, interval, by)?;
        let mut actions = Vec::new();
        if args.compare.is_none() {
            let compared = ReportArgs { compare: Some(Compare::Previous), ..args.clone() };
            actions.push(Action::invoke("Compare with before", Invoke::of::<Self>(&compared)));
        }
        if asked.period == Period::Days(7) {
            let longer = ReportArgs { period: Some(Period::Days(30)), last: None, ..args.clone() };
            actions.push(Action::invoke("Last 30 days", Invoke::of::<Self>(&longer)));
        }
        Ok(Reply::new(card(&*self.sources, &args, &asked).await?.and_actions(actions)))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let of = |names: &[&str]| suggest(typed, names.iter().map(|name| ((*name).to_owned(), String::new())));
        match argument {
            "metric" => complete_metric(&*self.sources, None, typed).await,
            "period" | "last" => periods(typed),
            "source" => {
                let mut all = of(&["all"]);
                all.extend(complete_source(&*self.sources, typed));
                all
            }
            "tz" => zones(typed),
            "by" => {
                let mut all = of(&["day", "hour", "week", "month"]);
                all.extend(suggest(typed, properties(&*self.sources).await.into_iter().map(|name| (name, "a property".to_owned()))));
                all
            }
            "sum" | "average" => suggest(typed, properties(&*self.sources).await.into_iter().map(|name| (name, String::new()))),
            "where" if !typed.contains('=') => {
                suggest(typed, properties(&*self.sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            _ => Vec::new(),
        }
    }
}

/// Asks the sources, and shows what they answer.
async fn card(known: &dyn Sources, args: &ReportArgs, asked: &Asked) -> Result<Card, CommandError> {
    let mut sources = Vec::new();
    if args.source.is_empty() {
        sources.push(known.source(None)?);
    }
    let names = known.names();
    for name in &args.source {
        let all = name.as_str() == "all" && !names.contains(name);
        for name in if all { &names } else { std::slice::from_ref(name) } {
            let source = known.source(Some(name))?;
            if !sources.iter().any(|known: &Arc<dyn AnalyticsSource>| known.name() == source.name()) {
                sources.push(source);
            }
        }
    }
    if sources.len() > MOST_SOURCES {
        return Err(CommandError::invalid(
            "source",
            format!("{} sources are too many to read side by side; {MOST_SOURCES} at most", sources.len()),
        ));
    }
    if sources.len() > 1 && asked.interval.is_some() && asked.by.is_some() {
        return Err(CommandError::invalid(
            "by",
            "with several sources, choose between time and a property: one chart can't show all three",
        ));
    }
    if sources.len() == 1 && asked.interval == Some(Interval::Hour) {
        able(known, Some(sources[0].name()), "figures by hour", |can| can.hourly)?;
    }
    let results = futures::future::join_all(sources.iter().map(|source| ask(&**source, asked))).await;
    let (mut answered, mut failed) = (Vec::new(), Vec::new());
    for (source, result) in sources.iter().zip(results) {
        match result {
            Ok(answer) => answered.push(answer),
            Err(error) => failed.push(Failed { source: source.name().clone(), error }),
        }
    }
    if answered.is_empty() {
        let Some(first) = failed.into_iter().next() else { return Err(CommandError::Missing(vec!["source"])) };
        if first.error.kind != PortErrorKind::NotFound {
            return Err(first.error.into());
        }
        return unknown(args, &*sources[0], first.error).await;
    }
    let mut card = answer::card(asked, &answered, &failed);
    if args.csv {
        for one in &answered {
            card = card.block(attached(&one.whole(), &format!("{}-{}", asked.metric, one.source)));
        }
    }
    Ok(card)
}

/// The card of a breakdown without time.
pub(crate) async fn divided(known: &dyn Sources, call: &Call, args: &ReportArgs, by: &str) -> Result<Card, CommandError> {
    let period = period(args.period.as_ref(), args.last.as_ref())?;
    let asked = read(args, call, period, None, Some(by.to_owned()))?;
    card(known, args, &asked).await
}

/// The period of an argument, or of `--last`.
fn period(period: Option<&Period>, last: Option<&Period>) -> Result<Period, CommandError> {
    match (period, last) {
        (Some(_), Some(_)) => Err(CommandError::invalid("last", "the period is there already; leave one of the two out")),
        (Some(period), None) | (None, Some(period)) => Ok(period.clone()),
        (None, None) => Ok(Period::Days(7)),
    }
}

/// The source has never seen the metric. Where it has seen nothing at all, it is for a newcomer to try it.
async fn unknown(args: &ReportArgs, source: &dyn AnalyticsSource, error: PortError) -> Result<Card, CommandError> {
    if source.name().as_str() == OWN && !has_events(source).await? {
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
    let metrics = source.metrics().await?;
    let nearest = bellhop_core::nearest::nearest(&args.metric, metrics.iter().map(|metric| metric.name.as_str())).map(str::to_owned);
    if nearest.is_none() {
        // Nothing is near: the source's own words say what there is.
        return Err(error.into());
    }
    Err(CommandError::NotFound { what: "metric", name: args.metric.clone(), nearest })
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

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
