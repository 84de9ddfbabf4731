//! `retention`: how many people come back after they did something for the first time. The same table serves `cohort EVENT`.

mod answer;

use super::asking::{astray, begun, dates, periods, question, rest_together, spoken};
use super::beside::{self, Failed, pick};
use super::drawn::Drawn;
use super::outcome::{Found, Outcome, Outlet};
use super::report::condition::Condition;
use super::{complete_metric, complete_sources, properties};
use crate::wording::{line, suggest, zones};
use bellhop_core::analytics::{Answer, EventMatch, Figures, Query, Retention, RetentionKind, Window};
use bellhop_core::chart::Interval;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Period, intervals};
use bellhop_core::ports::Sources;
use bellhop_core::{Access, Call, Command, CommandError, Effect, Registry, Reply};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::sync::Weak;

/// The most rows, and the most columns, of a table.
const MOST_COHORTS: usize = 100;
const MOST_PERIODS: u32 = 60;
/// How many units are looked at unless told.
const PERIODS: u32 = 12;
/// The word for any event.
const ANY: &str = "any";

/// Arguments of `retention`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct RetentionArgs {
    /// What they did first: an event's name, or any
    pub first: String,
    /// What counts as coming back: an event's name, or any
    pub back: String,
    /// When they did it first: 14d, 8w, 2026-11-01..2026-11-07; 8w unless told
    pub period: Option<Period>,
    /// What is counted in; as suits the period unless told
    #[arg(long, value_enum, value_name = "UNIT")]
    pub by: Option<Unit>,
    /// How many units after the first are looked at
    #[arg(long, value_name = "N")]
    pub periods: Option<u32>,
    /// Who counts: those who came back in a unit, or in it or later
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,
    /// Units taken together, such as 0-0,1-3,4-7
    #[arg(long, value_name = "BRACKETS")]
    pub brackets: Option<String>,
    /// Only where a property has a value: country=DE, or country!=DE
    #[arg(long, value_name = "NAME=VALUE")]
    #[serde(default)]
    pub r#where: Vec<Condition>,
    /// The source, or several side by side: events,web, or all
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(default)]
    pub source: Vec<SourceName>,
    /// The time zone that days are cut in, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    pub tz: Option<Tz>,
    /// How it is drawn: as a field of shades, or as lines where sources are compared
    #[arg(long, value_enum, value_name = "KIND")]
    #[serde(default)]
    pub chart: Option<Drawn>,
    /// The period, as an option
    #[arg(long, value_name = "PERIOD")]
    #[serde(default)]
    pub last: Option<Period>,
    /// What becomes of the answer
    #[command(flatten)]
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Days
    Day,
    /// Weeks
    Week,
    /// Months
    Month,
}

/// Who counts in a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Those who came back in exactly that one
    InUnit,
    /// Those who came back in that one or in any later one
    Unbounded,
}

/// Counts who comes back.
pub struct Retained {
    outlet: Outlet,
}

impl Retained {
    /// With the sources, and the ways that answers take.
    pub(crate) fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self { outlet: Outlet::new(services, registry) }
    }
}

impl Command for Retained {
    const NAME: &'static str = "retention";
    const SUMMARY: &'static str = "Shows how many people come back";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "retention signup purchase",
        "retention signup any 14d --by day --periods 7",
        "retention signup page_view 30d --by day --brackets 0-0,1-3,4-7",
        "retention signup any 12w --kind unbounded",
    ];
    const COMPLETES: &'static [&'static str] = &["first", "back", "period", "last", "where", "source", "tz", "store", "to"];
    type Args = RetentionArgs;

    fn weight(args: &RetentionArgs) -> (Access, Effect) {
        args.outcome.weight()
    }

    async fn run(&self, call: &Call, args: RetentionArgs) -> Result<Reply, CommandError> {
        self.outlet.ready::<Self>(call, &args.outcome, &args, &[&args.first, &args.back]).await?;
        let found = table(&*self.outlet.sources, call, &args).await?;
        self.outlet.give::<Self>(call, &args.outcome, &args, found).await
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let sources = &*self.outlet.sources;
        match argument {
            "first" | "back" => {
                let mut all = suggest(typed, [(ANY.to_owned(), "any event".to_owned())]);
                all.extend(complete_metric(sources, None, typed).await);
                all
            }
            "period" | "last" => periods(typed),
            "source" => complete_sources(sources, typed),
            "store" | "to" => self.outlet.complete(call, argument, typed).await,
            "tz" => zones(typed),
            "where" if !typed.contains('=') => {
                suggest(typed, properties(sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            _ => Vec::new(),
        }
    }
}

/// Asks, and shows the answer.
pub(crate) async fn table(sources: &dyn Sources, call: &Call, args: &RetentionArgs) -> Result<Found, CommandError> {
    for (argument, event) in [("first", &args.first), ("back", &args.back)] {
        if event.trim().is_empty() {
            return Err(CommandError::invalid(argument, "it is empty; write an event's name, or any"));
        }
    }
    let zone = args.tz.unwrap_or(call.caller.zone);
    let unit = unit(args);
    if args.period.is_some() && args.last.is_some() {
        return Err(CommandError::invalid("last", "the period is there already; leave one of the two out"));
    }
    let period = args.period.clone().or_else(|| args.last.clone()).unwrap_or(match unit {
        Interval::Hour | Interval::Day => Period::Days(14),
        Interval::Week => Period::Weeks(8),
        Interval::Month => Period::Weeks(26),
    });
    let range = period.resolve(call.now, zone);
    begun(&period, range, call.now, zone)?;
    let cohorts = intervals(range, unit, zone).len();
    if cohorts > MOST_COHORTS {
        return Err(CommandError::invalid("by", format!("{period} has {cohorts} rows of these, too many to read; choose a longer unit")));
    }
    let (kind, periods) = columns(args, cohorts)?;
    let matched = |event: &str| EventMatch {
        event: (event != ANY).then(|| event.to_owned()),
        filters: args.r#where.iter().map(Condition::filter).collect(),
    };
    let picked = pick(sources, &args.source, "retention", |can| can.retention)?;
    let several = picked.several();
    let usual = if several { Drawn::Line } else { Drawn::Heat };
    let these: &[Drawn] = if several { &[Drawn::Line, Drawn::Bar] } else { &[Drawn::Heat, Drawn::Line, Drawn::Bar] };
    let why = if several {
        "sources beside one another are drawn as lines or bars"
    } else {
        "retention is drawn as a field of shades (heat), a line or bars"
    };
    let drawn = Drawn::among(args.chart, usual, these, why)?;
    let query = Query::Retention(Retention {
        first: matched(&args.first),
        back: matched(&args.back),
        window: Window { from: range.from, to: range.to, zone },
        unit,
        kind: kind.clone(),
        periods,
        by: None,
    });
    let events: Vec<&str> = [&args.first, &args.back].into_iter().map(String::as_str).filter(|event| *event != ANY).collect();
    let (query, asked) = (&query, &events);
    let mut failures = Vec::new();
    let (mut answered, mut failed): (Vec<Answer>, Vec<Failed>) = (Vec::new(), picked.unable.clone());
    let results =
        futures::future::join_all(picked.sources.iter().map(|source| async move { question(&**source, query, asked).await })).await;
    for (source, result) in picked.sources.iter().zip(results) {
        match result {
            Ok(answer) => answered.push(answer),
            Err(error) => {
                failed.push(Failed::of(source.name(), &error));
                failures.push(error);
            }
        }
    }
    if answered.is_empty() {
        return Err(failures.into_iter().next().unwrap_or(CommandError::Missing(vec!["source"])));
    }
    let mut columns = Vec::new();
    for answer in &answered {
        let Figures::Retention(figures) = &answer.figures else { return Err(astray(&answer.basis.source).into()) };
        columns.push((answer.basis.source.clone(), figures));
    }
    let spelled = |event: &str| if event == ANY { "anything".to_owned() } else { line(event) };
    let title = format!("Back for {} after {}, {}", spelled(&args.back), spelled(&args.first), spoken(&period));
    let card = match columns.as_slice() {
        [(_, figures)] if !several => answer::card(title, figures, answered[0].basis.zone, drawn),
        columns => answer::beside(title, columns, drawn),
    };
    let mut fields = vec![("Counted", answer::counted(&kind, unit))];
    if !args.r#where.is_empty() {
        fields.push(("Only", args.r#where.iter().map(|condition| line(&condition.to_string())).collect::<Vec<_>>().join(", ")));
    }
    fields.extend(rest_together(&answered.iter().map(|answer| &answer.basis).collect::<Vec<_>>(), &period, range, zone));
    let tables = answered.iter().map(|answer| {
        (format!("retention-{}-{}-{}-{}", args.first, args.back, answer.basis.source, dates(&period, range, zone)), answer.clone())
    });
    Ok(Found { card: beside::told(card, &failed).and_fields(fields), tables: tables.collect() })
}

/// What is counted in: as told, or as suits the period.
fn unit(args: &RetentionArgs) -> Interval {
    match (args.by, args.period.as_ref().or(args.last.as_ref())) {
        (Some(Unit::Day), _) => Interval::Day,
        (Some(Unit::Week), _) | (None, None) => Interval::Week,
        (Some(Unit::Month), _) => Interval::Month,
        (None, Some(period)) => {
            let days = match period {
                Period::Hours(hours) => i64::from(*hours) / 24,
                Period::Days(days) => i64::from(*days),
                Period::Weeks(weeks) => i64::from(*weeks) * 7,
                Period::Between(first, last) => (*last - *first).num_days() + 1,
                Period::Today | Period::Yesterday => 1,
            };
            match (period, days) {
                (Period::Weeks(2..=26), _) | (_, 32..=182) => Interval::Week,
                (_, ..32) => Interval::Day,
                _ => Interval::Month,
            }
        }
    }
}

/// Who counts in which columns.
fn columns(args: &RetentionArgs, cohorts: usize) -> Result<(RetentionKind, u32), CommandError> {
    if args.periods.is_some_and(|periods| !(1..=MOST_PERIODS).contains(&periods)) {
        return Err(CommandError::invalid("periods", format!("write a number from 1 to {MOST_PERIODS}")));
    }
    let Some(text) = &args.brackets else {
        let fits = u32::try_from(cohorts.saturating_sub(1)).unwrap_or(PERIODS).clamp(1, PERIODS);
        let kind = if args.kind == Some(Kind::Unbounded) { RetentionKind::Unbounded } else { RetentionKind::InUnit };
        return Ok((kind, args.periods.unwrap_or(fits)));
    };
    if args.kind.is_some() || args.periods.is_some() {
        return Err(CommandError::invalid("brackets", "brackets say which units count: leave --kind and --periods out"));
    }
    let wrong =
        || CommandError::invalid("brackets", format!("`{}` are no brackets; write 0-0,1-3,4-7, each after the one before", line(text)));
    let mut brackets: Vec<(u32, u32)> = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.trim().split_once('-').unwrap_or((part.trim(), part.trim()));
        let (first, last): (u32, u32) = (first.trim().parse().map_err(|_| wrong())?, last.trim().parse().map_err(|_| wrong())?);
        if last < first || brackets.last().is_some_and(|(_, before)| first <= *before) {
            return Err(wrong());
        }
        if last > MOST_PERIODS {
            return Err(CommandError::invalid("brackets", format!("they end after {last} units; {MOST_PERIODS} at most")));
        }
        brackets.push((first, last));
    }
    let last = brackets.last().map_or(0, |(_, last)| *last).max(1);
    Ok((RetentionKind::Brackets(brackets), last))
}
