//! `report`: how much of something, over time and by property, in words, as a chart and as a table.
//!
//! This file reads the question and asks the sources; what they answer becomes figures in `grid` and a card in `answer`.

mod answer;
mod ask;
pub(crate) mod condition;
mod grid;
mod now;
mod read;
mod week;

use super::asking::{Compare, dimensions, periods};
use super::drawn::Drawn;
use super::outcome::{Found, Outcome, Outlet};
use super::{complete_metric, complete_sources, properties};
use crate::wording::{suggest, zones};
pub(crate) use grid::named;

pub(crate) use ask::of_revenue;
use ask::{elsewhere, found};
use bellhop_core::analytics::{Answer, Basis, Figures, Measure, TrendFigures};
use bellhop_core::chart::{ChartKind, Interval};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Period, Range};
use bellhop_core::ports::Sources;
use bellhop_core::{Access, Action, Call, Command, CommandError, Effect, Invoke, Registry, Reply, Timestamp};
use chrono_tz::Tz;
use condition::Condition;
use read::read;
use serde::{Deserialize, Serialize};
use std::sync::Weak;

/// Words that list the saved reports, where nothing of that name is counted.
const LISTS: [&str; 2] = ["list", "saved"];

/// Arguments of `report`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ReportArgs {
    /// What to count: `page_views`, `sessions`, `users`, an event's name; or a saved report's name
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
    /// What becomes of the answer
    #[command(flatten)]
    #[serde(flatten)]
    pub outcome: Outcome,
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
            tz: None,
            source: Vec::new(),
            chart: None,
            fresh: false,
            outcome: Outcome::default(),
        }
    }
}

/// The question, read.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    metric: String,
    measure: Measure,
    pub(crate) period: Period,
    pub(crate) range: Range,
    previous: Option<Range>,
    pub(crate) zone: Tz,
    pub(crate) interval: Option<Interval>,
    pub(crate) by: Option<String>,
    conditions: Vec<Condition>,
    pub(crate) drawn: Option<ChartKind>,
    compare: Option<Compare>,
    top: Option<usize>,
    pub(crate) fresh: bool,
    pub(crate) now: Timestamp,
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
    outlet: Outlet,
}

impl Report {
    /// With the sources, and the ways that answers take.
    pub(crate) fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self { outlet: Outlet::new(services, registry) }
    }
}

impl Command for Report {
    const NAME: &'static str = "report";
    const SUMMARY: &'static str = "Counts and draws what people do, over time or by property";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "report page_views 7d",
        "report page_views 30d --by country",
        "report page_views 4w --by week --compare previous",
        "report page_views --now",
        "report purchase 30d --sum revenue --by plan",
        "report page_views 7d --unique --where country=DE --tz Europe/Berlin",
        "report page_views 4w --chart heat",
        "report page_views 7d --compare previous --save weekly",
    ];
    const COMPLETES: &'static [&'static str] =
        &["metric", "period", "last", "by", "sum", "average", "where", "tz", "source", "store", "to"];
    type Args = ReportArgs;

    fn weight(args: &ReportArgs) -> (Access, Effect) {
        args.outcome.weight()
    }

    async fn run(&self, call: &Call, args: ReportArgs) -> Result<Reply, CommandError> {
        if let Some(kept) = self.outlet.saved(&args.metric).await? {
            return self.outlet.again::<Self>(call, kept, &args, &["metric"]).await;
        }
        let sources = &*self.outlet.sources;
        self.outlet.ready::<Self>(call, &args.outcome, &args, &[&args.metric]).await?;
        if args.now {
            let found = now::answer(sources, call, &args).await?;
            return self.outlet.give::<Self>(call, &args.outcome, &args, found).await;
        }
        let asked = questioned(&args, call)?;
        // What a button asks leaves nothing behind.
        let shown = ReportArgs { outcome: args.outcome.only_shown(), ..args.clone() };
        let mut actions = Vec::new();
        if args.compare.is_none() {
            let compared = ReportArgs { compare: Some(Compare::Previous), ..shown.clone() };
            actions.push(Action::invoke("Compare with before", Invoke::of::<Self>(&compared)));
        }
        if asked.period == Period::Days(7) {
            let longer = ReportArgs { period: Some(Period::Days(30)), last: None, ..shown };
            actions.push(Action::invoke("Last 30 days", Invoke::of::<Self>(&longer)));
        }
        let Some(mut found) = found(sources, &args, &asked).await? else {
            if LISTS.contains(&args.metric.as_str()) {
                return Ok(Reply::new(super::saved::listed(self.outlet.records()).await?));
            }
            return Ok(Reply::new(elsewhere(sources, call, &args, &asked).await?));
        };
        if args.compare.is_some() || asked.drawn != Some(ChartKind::Heat) {
            found.card = found.card.and_actions(actions);
        }
        self.outlet.give::<Self>(call, &args.outcome, &args, found).await
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let sources = &*self.outlet.sources;
        let of = |names: &[&str]| suggest(typed, names.iter().map(|name| ((*name).to_owned(), String::new())));
        match argument {
            "metric" => {
                let mut all = self.outlet.complete_saved(typed, None).await;
                all.extend(complete_metric(sources, None, typed).await);
                all
            }
            "period" | "last" => periods(typed),
            "source" => complete_sources(sources, typed),
            "store" | "to" => self.outlet.complete(call, argument, typed).await,
            "tz" => zones(typed),
            "by" => {
                let mut all = of(&["day", "hour", "week", "month"]);
                all.extend(suggest(typed, properties(sources).await.into_iter().map(|name| (name, "a property".to_owned()))));
                all
            }
            "sum" | "average" => suggest(typed, properties(sources).await.into_iter().map(|name| (name, String::new()))),
            "where" if !typed.contains('=') => {
                suggest(typed, properties(sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            _ => Vec::new(),
        }
    }
}

/// Reads the arguments as a question.
pub(crate) fn questioned(args: &ReportArgs, call: &Call) -> Result<Asked, CommandError> {
    let period = period(args.period.as_ref(), args.last.as_ref())?;
    let (mut interval, by) = dimensions(&args.by)?;
    if interval.is_none() && by.is_none() {
        // A field of shades shows the hours of the week.
        interval = Some(if args.chart == Some(Drawn::Heat) { Interval::Hour } else { period.interval() });
    }
    read(args, call, period, interval, by)
}

/// A breakdown without time.
pub(crate) async fn divided(known: &dyn Sources, call: &Call, args: &ReportArgs, by: &str) -> Result<Found, CommandError> {
    let period = period(args.period.as_ref(), args.last.as_ref())?;
    let asked = read(args, call, period, None, Some(by.to_owned()))?;
    match found(known, args, &asked).await? {
        Some(found) => Ok(found),
        None => Ok(Found { card: elsewhere(known, call, args, &asked).await?, tables: Vec::new() }),
    }
}

/// The period of an argument, or of `--last`.
pub(crate) fn period(period: Option<&Period>, last: Option<&Period>) -> Result<Period, CommandError> {
    match (period, last) {
        (Some(_), Some(_)) => Err(CommandError::invalid("last", "the period is there already; leave one of the two out")),
        (Some(period), None) | (None, Some(period)) => Ok(period.clone()),
        (None, None) => Ok(Period::Days(7)),
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
