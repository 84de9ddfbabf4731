//! The card of revenue of one source: in all and per person, over time or by property. Pure.

use crate::analytics::asking::word;
use crate::analytics::number;
use crate::analytics::report::named;
use crate::wording::{line, table};
use bellhop_core::analytics::{RevenueFigures, RevenueRow};
use bellhop_core::card::{Block, Span, Table};
use bellhop_core::chart::{Chart, ChartKind, Interval, Series, SeriesStyle, XAxis};
use bellhop_core::{Card, Timestamp};
use chrono_tz::Tz;
use std::collections::BTreeSet;

/// The most lines and the most bars.
const LINES: usize = 6;
const BARS: usize = 12;

/// Figures, and how they were asked for.
pub(super) struct View<'a> {
    pub figures: &'a RevenueFigures,
    pub interval: Option<Interval>,
    pub by: Option<&'a str>,
    pub zone: Tz,
    pub title: String,
    /// Whether there is a chart.
    pub drawn: bool,
    /// Whether the period is not over.
    pub filling: bool,
}

impl View<'_> {
    pub fn card(&self) -> Card {
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
        if let Some(chart) = self.chart().filter(|_| self.drawn) {
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
                name: if self.by.is_some() { named(group.as_deref()) } else { "revenue".to_owned() },
                values: at.iter().map(|start| sum(&|row| row.at == Some(*start) && row.group == **group)).collect(),
                style: SeriesStyle::Solid,
            });
            let series = series.collect::<Vec<_>>();
            (XAxis::Time { at, zone: self.zone.name().to_owned(), interval }, series, ChartKind::Bar)
        } else {
            groups.truncate(BARS);
            let names = groups.iter().map(|group| named(group.as_deref())).collect();
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
            last_incomplete: self.filling && self.interval.is_some(),
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
                cells.push(vec![named(row.group.as_deref()).into()]);
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
