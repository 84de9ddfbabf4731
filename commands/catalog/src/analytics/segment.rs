//! `segment`: how an event divides over the values of a property. It is a report without time, asked for by its own name.

use super::asking::periods;
use super::report::condition::Condition;
use super::report::{Drawn, Report, ReportArgs};
use super::{complete_metric, complete_source, properties};
use crate::wording::{suggest, zones};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::period::Period;
use bellhop_core::ports::Sources;
use bellhop_core::{Action, Call, Command, CommandError, Invoke, Reply};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    /// Adds the figures as a file
    #[arg(long)]
    #[serde(default)]
    pub csv: bool,
}

/// Divides events by a property.
pub struct Segment {
    sources: Arc<dyn Sources>,
}

impl Segment {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }
}

impl Command for Segment {
    const NAME: &'static str = "segment";
    const SUMMARY: &'static str = "Divides an event by the values of a property";
    const EXAMPLES: &'static [&'static str] = &[
        "segment purchase 30d --by plan",
        "segment page_views --by country --top 5 --unique",
        "segment signup 4w --by plan --where country=DE",
    ];
    const COMPLETES: &'static [&'static str] = &["event", "period", "by", "where", "tz", "source"];
    type Args = SegmentArgs;

    async fn run(&self, call: &Call, args: SegmentArgs) -> Result<Reply, CommandError> {
        if args.by.trim().is_empty() {
            return Err(CommandError::invalid("by", "it is empty; write a property's name"));
        }
        let report = ReportArgs {
            period: args.period.clone(),
            unique: args.unique,
            top: args.top,
            r#where: args.r#where.clone(),
            source: args.source.clone(),
            tz: args.tz,
            chart: args.chart,
            csv: args.csv,
            ..ReportArgs::of(&args.event)
        };
        // Here a property may well be called `day`.
        let card = super::report::divided(&*self.sources, call, &report, &args.by).await?;
        let mut actions = Vec::new();
        if super::asking::width(&args.by).is_none() {
            let by = vec!["day".to_owned(), args.by.clone()];
            let over_time = ReportArgs { by, source: args.source.iter().take(1).cloned().collect(), chart: None, csv: false, ..report };
            actions.push(Action::invoke("Over time", Invoke::of::<Report>(&over_time)));
        }
        Ok(Reply::new(card.and_actions(actions)))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "event" => complete_metric(&*self.sources, None, typed).await,
            "period" => periods(typed),
            "source" => complete_source(&*self.sources, typed),
            "tz" => zones(typed),
            "by" => suggest(typed, properties(&*self.sources).await.into_iter().map(|name| (name, String::new()))),
            "where" if !typed.contains('=') => {
                suggest(typed, properties(&*self.sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            _ => Vec::new(),
        }
    }
}
