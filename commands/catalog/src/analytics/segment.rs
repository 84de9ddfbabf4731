//! `segment`: how an event divides over the values of a property. It is a report without time, asked for by its own name.

use super::asking::{Compare, periods};
use super::drawn::Drawn;
use super::outcome::{Outcome, Outlet};
use super::report::condition::Condition;
use super::report::{Report, ReportArgs};
use super::{complete_metric, complete_sources, properties};
use crate::wording::{suggest, zones};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::period::Period;
use bellhop_core::{Access, Action, Call, Command, CommandError, Effect, Invoke, Registry, Reply};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::sync::Weak;

/// Arguments of `segment`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct SegmentArgs {
    /// What to divide: an event's name
    pub event: String,
    /// When: 7d, 24h, 4w, today, yesterday or 2026-11-01..2026-11-07; 7d unless told
    pub period: Option<Period>,
    /// The property
    #[arg(long, value_name = "PROPERTY")]
    pub by: String,
    /// Counts people instead of events
    #[arg(long)]
    #[serde(default)]
    pub unique: bool,
    /// How many values are shown; the others are added up
    #[arg(long, value_name = "N")]
    #[serde(default)]
    pub top: Option<u32>,
    /// Only where a property has a value: country=DE, or country!=DE
    #[arg(long, value_name = "NAME=VALUE")]
    #[serde(default)]
    pub r#where: Vec<Condition>,
    /// The period, as an option
    #[arg(long, value_name = "PERIOD")]
    #[serde(default)]
    pub last: Option<Period>,
    /// Compares with the period before, or the same one a year before
    #[arg(long, value_enum)]
    #[serde(default)]
    pub compare: Option<Compare>,
    /// The source, or several side by side: events,web, or all
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    #[serde(default)]
    pub source: Vec<SourceName>,
    /// The time zone that days are cut in, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    pub tz: Option<Tz>,
    /// How it is drawn
    #[arg(long, value_enum, value_name = "KIND")]
    pub chart: Option<Drawn>,
    /// What becomes of the answer
    #[command(flatten)]
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Divides events by a property.
pub struct Segment {
    outlet: Outlet,
}

impl Segment {
    /// With the sources, and the ways that answers take.
    pub(crate) fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self { outlet: Outlet::new(services, registry) }
    }
}

impl Command for Segment {
    const NAME: &'static str = "segment";
    const SUMMARY: &'static str = "Divides an event by the values of a property";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "segment purchase 30d --by plan",
        "segment page_views --by country --top 5 --unique",
        "segment signup 4w --by plan --where country=DE",
    ];
    const COMPLETES: &'static [&'static str] = &["event", "period", "last", "by", "where", "tz", "source", "store", "to"];
    type Args = SegmentArgs;

    fn weight(args: &SegmentArgs) -> (Access, Effect) {
        args.outcome.weight()
    }

    async fn run(&self, call: &Call, args: SegmentArgs) -> Result<Reply, CommandError> {
        if args.by.trim().is_empty() {
            return Err(CommandError::invalid("by", "it is empty; write a property's name"));
        }
        self.outlet.ready::<Self>(call, &args.outcome, &args, &[&args.event]).await?;
        let report = ReportArgs {
            period: args.period.clone(),
            unique: args.unique,
            top: args.top,
            r#where: args.r#where.clone(),
            source: args.source.clone(),
            tz: args.tz,
            chart: args.chart,
            last: args.last.clone(),
            compare: args.compare,
            ..ReportArgs::of(&args.event)
        };
        // Here a property may well be called `day`.
        let mut found = super::report::divided(&*self.outlet.sources, call, &report, &args.by).await?;
        let mut actions = Vec::new();
        if super::asking::width(&args.by).is_none() {
            let by = vec!["day".to_owned(), args.by.clone()];
            let over_time = ReportArgs { by, source: args.source.iter().take(1).cloned().collect(), chart: None, ..report };
            actions.push(Action::invoke("Over time", Invoke::of::<Report>(&over_time)));
        }
        found.card = found.card.and_actions(actions);
        self.outlet.give::<Self>(call, &args.outcome, &args, found).await
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let sources = &*self.outlet.sources;
        match argument {
            "event" => complete_metric(sources, None, typed).await,
            "period" | "last" => periods(typed),
            "source" => complete_sources(sources, typed),
            "store" | "to" => self.outlet.complete(call, argument, typed).await,
            "tz" => zones(typed),
            "by" => suggest(typed, properties(sources).await.into_iter().map(|name| (name, String::new()))),
            "where" if !typed.contains('=') => {
                suggest(typed, properties(sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            _ => Vec::new(),
        }
    }
}
