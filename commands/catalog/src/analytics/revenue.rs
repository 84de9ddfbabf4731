//! `revenue`: what people pay, per person who was there and per person who paid, over time and by property.

use super::asking::{able, astray, attached, dates, dimensions, periods, rests, spoken, word};
use super::report::condition::Condition;
use super::{complete_source, number, properties};
use crate::wording::{line, suggest, table, zones};
use bellhop_core::analytics::{Figures, Query, Revenue, RevenueFigures, RevenueRow, Window};
use bellhop_core::card::{Block, Span, Table};
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Period, intervals};
use bellhop_core::ports::Sources;
use bellhop_core::{Call, Card, Command, CommandError, Reply, Timestamp};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most positions in time, the most lines and the most bars.
const MOST_INTERVALS: usize = 1500;
const LINES: usize = 6;
const BARS: usize = 12;

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
    /// The source, where it isn't the default one
    #[arg(long, value_name = "NAME")]
    pub source: Option<SourceName>,
    /// The time zone that days are cut in, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    pub tz: Option<Tz>,
    /// Adds the figures as a file
    #[arg(long)]
    #[serde(default)]
    pub csv: bool,
}

/// Adds up what people pay.
pub struct Takings {
    sources: Arc<dyn Sources>,
}

impl Takings {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }
}

impl Command for Takings {
    const NAME: &'static str = "revenue";
    const SUMMARY: &'static str = "Shows what people pay, in all and per person";
    const EXAMPLES: &'static [&'static str] = &["revenue", "revenue 30d --by plan", "revenue 12w --by week --where country=DE"];
    const COMPLETES: &'static [&'static str] = &["period", "by", "where", "source", "tz"];
    type Args = RevenueArgs;

    async fn run(&self, call: &Call, args: RevenueArgs) -> Result<Reply, CommandError> {
        let zone = args.tz.unwrap_or(call.caller.zone);
        let period = args.period.clone().unwrap_or(Period::Days(30));
        let range = period.resolve(call.now, zone);
        let (mut interval, by) = dimensions(&args.by)?;
        if interval.is_none() && by.is_none() {
            interval = Some(period.interval());
        }
        if interval.is_some_and(|interval| intervals(range, interval, zone).len() > MOST_INTERVALS) {
            return Err(CommandError::invalid("by", format!("{period} has too many of these to read; choose a longer stretch of time")));
        }
        let source = able(&*self.sources, args.source.as_ref(), "revenue", |can| can.revenue)?;
        let query = Query::Revenue(Revenue {
            window: Window { from: range.from, to: range.to, zone },
            interval,
            by: by.clone(),
            filters: args.r#where.iter().map(Condition::filter).collect(),
        });
        let answer = source.query(&query).await?;
        let Figures::Revenue(figures) = &answer.figures else { return Err(astray(source.name()).into()) };
        let view = View { figures, interval, by: by.as_deref(), zone: answer.basis.zone, title: format!("Revenue, {}", spoken(&period)) };
        let mut card = view.card();
        if args.csv {
            card = card.block(attached(&answer, &format!("revenue-{}", dates(&period, range, zone))));
        }
        let mut fields = Vec::new();
        if !args.r#where.is_empty() {
            fields.push(("Only", args.r#where.iter().map(|condition| line(&condition.to_string())).collect::<Vec<_>>().join(", ")));
        }
        fields.extend(rests(&answer.basis, &period, range, zone));
        Ok(Reply::new(card.and_fields(fields)))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "period" => periods(typed),
            "source" => complete_source(&*self.sources, typed),
            "tz" => zones(typed),
            "by" => {
                let mut all = suggest(typed, ["day", "hour", "week", "month"].map(|name| (name.to_owned(), String::new())));
                all.extend(suggest(typed, properties(&*self.sources).await.into_iter().map(|name| (name, "a property".to_owned()))));
                all
            }
            "where" if !typed.contains('=') => {
                suggest(typed, properties(&*self.sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            _ => Vec::new(),
        }
    }
}

/// Figures, and how they were asked for.
struct View<'a> {
    figures: &'a RevenueFigures,
    interval: Option<Interval>,
    by: Option<&'a str>,
    zone: Tz,
    title: String,
}

impl View<'_> {
    fn card(&self) -> Card {
        let card = Card::titled(self.title.clone());
        let total = &self.figures.total;
        if total.revenue == 0.0 && self.figures.rows.iter().all(|row| row.revenue == 0.0) {
            return card.and_text("Nobody paid anything in this period.");
        }
        let mut said = vec![Span::Bold(self.money(total.revenue))];
        let mut parts = Vec::new();
        parts.extend(total.payments.map(|payments| format!("in {} payments", number(payments))));
        parts.extend(total.paying.map(|paying| format!("by {} people who paid", number(paying))));
        parts.extend(total.active.map(|active| format!("of {} who were there", number(active))));
        said.push(if parts.is_empty() { ".".to_owned() } else { format!(" {}.", parts.join(" ")) }.into());
        let mut card = card.and_spans(said);
        let mut fields = Vec::new();
        fields.extend(total.per_user().map(|each| ("Per person (ARPU)", self.money(each))));
        fields.extend(total.per_payer().map(|each| ("Per payer (ARPPU)", self.money(each))));
        fields.extend(total.paying.map(|paying| ("Paying people", number(paying))));
        card = card.and_fields(fields);
        if let Some(chart) = self.chart() {
            card = card.block(Block::Chart(chart));
        }
        if self.interval.is_some() || self.by.is_some() {
            card = card.block(Block::Table(self.rows()));
        }
        if !self.figures.ltv.is_empty() {
            let rows =
                self.figures.ltv.iter().map(|one| {
                    vec![vec![one.day.to_string().into()], vec![self.money(one.average).into()], vec![number(one.people).into()]]
                });
            let caption = "What a new person has paid on average (LTV)";
            card = card.and_text(format!("{caption}:")).block(Block::Table(table(
                caption,
                &["Days after#", "Paid by then#", "People#"],
                rows.collect(),
            )));
        }
        card
    }

    fn money(&self, amount: f64) -> String {
        let unit = line(&self.figures.unit);
        if unit.is_empty() { number(amount) } else { format!("{} {unit}", number(amount)) }
    }

    fn heading(&self, at: Timestamp) -> String {
        let format = match self.interval {
            Some(Interval::Hour) => "%Y-%m-%d %H:%M",
            Some(Interval::Month) => "%Y-%m",
            _ => "%Y-%m-%d",
        };
        at.with_timezone(&self.zone).format(format).to_string()
    }

    fn chart(&self) -> Option<Chart> {
        let rows = &self.figures.rows;
        let sum = |fits: &dyn Fn(&&RevenueRow) -> bool| {
            Some(rows.iter().filter(fits).map(|row| row.revenue).sum::<f64>()).filter(|sum: &f64| sum.is_finite())
        };
        let mut groups: Vec<&Option<String>> = Vec::new();
        for row in rows {
            if !groups.contains(&&row.group) {
                groups.push(&row.group);
            }
        }
        let all = |group: &Option<String>| sum(&|row| row.group == *group).unwrap_or(0.0);
        groups.sort_by(|a, b| all(b).total_cmp(&all(a)));
        let (x, series, kind) = if let Some(interval) = self.interval {
            let at: Vec<Timestamp> = rows.iter().filter_map(|row| row.at).collect::<BTreeSet<_>>().into_iter().collect();
            let series = groups.iter().take(LINES).map(|group| Series {
                name: if self.by.is_some() { super::report::named(group.as_deref()) } else { "revenue".to_owned() },
                values: at.iter().map(|start| sum(&|row| row.at == Some(*start) && row.group == **group)).collect(),
                style: SeriesStyle::Solid,
            });
            let series = series.collect::<Vec<_>>();
            (XAxis::Time { at, zone: self.zone.name().to_owned(), interval }, series, ChartKind::Bar)
        } else {
            groups.truncate(BARS);
            let names = groups.iter().map(|group| super::report::named(group.as_deref())).collect();
            let values = groups.iter().map(|group| sum(&|row| row.group == **group)).collect();
            (XAxis::Category(names), vec![Series { name: "revenue".to_owned(), values, style: SeriesStyle::Solid }], ChartKind::Bar)
        };
        let kind = if series.len() > 1 { ChartKind::Line } else { kind };
        let along = match (self.interval, self.by) {
            (Some(interval), Some(by)) => format!("by {} and {}", word(interval), line(by)),
            (Some(interval), None) => format!("by {}", word(interval)),
            (None, by) => format!("by {}", by.map(line).unwrap_or_default()),
        };
        let how = if kind == ChartKind::Line { "Line" } else { "Bar" };
        let alt = format!("{how} chart of revenue {along}: {} in all.", self.money(self.figures.total.revenue));
        (!x.is_empty()).then(|| Chart {
            title: self.title.clone(),
            kind,
            x,
            unit: line(&self.figures.unit),
            series,
            last_incomplete: false,
            alt,
        })
    }

    fn rows(&self) -> Table {
        let figure = |value: Option<f64>| vec![Span::from(value.map_or_else(|| "–".to_owned(), number))];
        let by = self.by.map(line);
        let mut headings = Vec::new();
        let when = self.interval.map(|interval| match interval {
            Interval::Hour => "Hour",
            Interval::Day => "Day",
            Interval::Week => "Week from",
            Interval::Month => "Month",
        });
        headings.extend(when);
        headings.extend(by.as_deref());
        headings.extend(["Revenue#", "Payments#", "Paying#", "ARPU#", "ARPPU#"]);
        let rows = self.figures.rows.iter().map(|row| {
            let mut cells = Vec::new();
            if self.interval.is_some() {
                cells.push(vec![Span::from(row.at.map_or_else(|| "–".to_owned(), |at| self.heading(at)))]);
            }
            if self.by.is_some() {
                cells.push(vec![super::report::named(row.group.as_deref()).into()]);
            }
            cells.extend([
                figure(Some(row.revenue)),
                figure(row.payments),
                figure(row.paying),
                figure(row.per_user()),
                figure(row.per_payer()),
            ]);
            cells
        });
        table(self.title.clone(), &headings, rows.collect())
    }
}
