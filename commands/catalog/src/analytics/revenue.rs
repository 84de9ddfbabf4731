//! `revenue`: what people pay, per person who was there and per person who paid, over time and by property.

mod shown;

use super::asking::{Compare, astray, dates, periods, rests, spoken};
use super::beside::{many, pick};
use super::drawn::Drawn;
use super::outcome::{Found, Outcome, Outlet};
use super::report::condition::Condition;
use super::report::{ReportArgs, questioned};
use super::{complete_sources, properties};
use crate::wording::{line, suggest, zones};
use bellhop_core::analytics::{Figures, Query, Revenue, Window};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Period, Range};
use bellhop_core::{Access, Call, Command, CommandError, Effect, Registry, Reply};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::sync::Weak;

/// Arguments of `revenue`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct RevenueArgs {
    /// When: 7d, 24h, 4w, today, yesterday or 2026-11-01..2026-11-07; 30d unless told
    pub period: Option<Period>,
    /// By hour, day, week or month, by a property, or both
    #[arg(long, value_name = "DIM", value_delimiter = ',')]
    #[serde(default)]
    pub by: Vec<String>,
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
    /// Compares with the period before, or the same one a year before
    #[arg(long, value_enum)]
    #[serde(default)]
    pub compare: Option<Compare>,
    /// How many values of the property are shown; the others are added up
    #[arg(long, value_name = "N")]
    #[serde(default)]
    pub top: Option<u32>,
    /// The period, as an option
    #[arg(long, value_name = "PERIOD")]
    #[serde(default)]
    pub last: Option<Period>,
    /// How it is drawn; as suits the question unless told
    #[arg(long, value_enum, value_name = "KIND")]
    #[serde(default)]
    pub chart: Option<Drawn>,
    /// What becomes of the answer
    #[command(flatten)]
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Adds up what people pay.
pub struct Takings {
    outlet: Outlet,
}

impl Takings {
    /// With the sources, and the ways that answers take.
    pub(crate) fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self { outlet: Outlet::new(services, registry) }
    }
}

impl Command for Takings {
    const NAME: &'static str = "revenue";
    const SUMMARY: &'static str = "Shows what people pay, in all and per person";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["revenue", "revenue 30d --by plan", "revenue 12w --by week --where country=DE"];
    const COMPLETES: &'static [&'static str] = &["period", "last", "by", "where", "source", "tz", "store", "to"];
    type Args = RevenueArgs;

    fn weight(args: &RevenueArgs) -> (Access, Effect) {
        args.outcome.weight()
    }

    async fn run(&self, call: &Call, args: RevenueArgs) -> Result<Reply, CommandError> {
        self.outlet.ready::<Self>(call, &args.outcome, &args, &[]).await?;
        let found = self.found(call, &args).await?;
        self.outlet.give::<Self>(call, &args.outcome, &args, found).await
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let sources = &*self.outlet.sources;
        match argument {
            "period" | "last" => periods(typed),
            "source" => complete_sources(sources, typed),
            "store" | "to" => self.outlet.complete(call, argument, typed).await,
            "tz" => zones(typed),
            "by" => {
                let mut all = suggest(typed, ["day", "hour", "week", "month"].map(|name| (name.to_owned(), String::new())));
                all.extend(suggest(typed, properties(sources).await.into_iter().map(|name| (name, "a property".to_owned()))));
                all
            }
            "where" if !typed.contains('=') => {
                suggest(typed, properties(sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            _ => Vec::new(),
        }
    }
}

impl Takings {
    async fn found(&self, call: &Call, args: &RevenueArgs) -> Result<Found, CommandError> {
        let sources = &*self.outlet.sources;
        let report = ReportArgs {
            period: Some(match (&args.period, &args.last) {
                (Some(_), Some(_)) => return Err(CommandError::invalid("last", "the period is there already; leave one of the two out")),
                (Some(period), None) | (None, Some(period)) => period.clone(),
                (None, None) => Period::Days(30),
            }),
            by: args.by.clone(),
            r#where: args.r#where.clone(),
            compare: args.compare,
            top: args.top,
            tz: args.tz,
            source: args.source.clone(),
            chart: args.chart,
            ..ReportArgs::of("revenue")
        };
        let asked = questioned(&report, call)?;
        let query = |range: Range| {
            Query::Revenue(Revenue {
                window: Window { from: range.from, to: range.to, zone: asked.zone },
                interval: asked.interval,
                by: asked.by.clone(),
                filters: args.r#where.iter().map(Condition::filter).collect(),
            })
        };
        // Beside others, before and after, and drawn in a way of one's own, it is a report like any other: of revenue alone.
        if many(&args.source) || args.compare.is_some() || args.top.is_some() || args.chart.is_some_and(|drawn| drawn != Drawn::None) {
            return super::report::of_revenue(sources, &args.source, &asked, &query).await;
        }
        let picked = pick(sources, &args.source, "revenue", |can| can.revenue)?;
        let Some(source) = picked.sources.first() else { return Err(CommandError::Missing(vec!["source"])) };
        let answer = source.query(&query(asked.range)).await?;
        let Figures::Revenue(figures) = &answer.figures else { return Err(astray(source.name()).into()) };
        let view = shown::View {
            figures,
            interval: asked.interval,
            by: asked.by.as_deref(),
            zone: answer.basis.zone,
            title: format!("Revenue, {}", spoken(&asked.period)),
            drawn: asked.drawn.is_some(),
            filling: asked.now < asked.range.to,
        };
        let mut fields = Vec::new();
        if !args.r#where.is_empty() {
            fields.push(("Only", args.r#where.iter().map(|condition| line(&condition.to_string())).collect::<Vec<_>>().join(", ")));
        }
        fields.extend(rests(&answer.basis, &asked.period, asked.range, asked.zone));
        let stem = format!("revenue-{}-{}", source.name(), dates(&asked.period, asked.range, asked.zone));
        Ok(Found::of(view.card().and_fields(fields), &answer, &stem))
    }
}
