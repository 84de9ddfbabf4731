//! The hours of the week: what an hour of a weekday has on average, out of a period's hours. The hour that is still filling up
//! is left out. Pure.

use super::Asked;
use super::answer::subject;
use super::grid::{Axis, Grid};
use crate::analytics::asking::spoken;
use crate::analytics::number;
use crate::wording::{line, table};
use bellhop_core::card::Table;
use bellhop_core::chart::{Chart, ChartKind, Series, SeriesStyle, XAxis};
use chrono::{Datelike as _, Timelike as _};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Averages by weekday and hour; `None` for what the period has none of.
pub(super) struct Week {
    averages: [[Option<f64>; 24]; 7],
    zone: String,
    subject: String,
    period: String,
}

impl Week {
    /// Out of the first column of figures by the hour.
    pub fn of(asked: &Asked, grid: &Grid) -> Self {
        let mut sums = [[(0.0_f64, 0_u32); 24]; 7];
        if let (Axis::Time(at), Some(column)) = (&grid.axis, grid.columns.first()) {
            for (position, (at, value)) in at.iter().zip(&column.values).enumerate() {
                let Some(value) = value.filter(|value| value.is_finite() && grid.filling != Some(position)) else { continue };
                let there = at.with_timezone(&asked.zone);
                let (Ok(day), Ok(hour)) = (usize::try_from(there.weekday().num_days_from_monday()), usize::try_from(there.hour())) else {
                    continue;
                };
                let cell = &mut sums[day][hour];
                *cell = (cell.0 + value, cell.1 + 1);
            }
        }
        let averages = sums.map(|day| day.map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))));
        Self { averages, zone: asked.zone.name().to_owned(), subject: subject(asked), period: spoken(&asked.period) }
    }

    /// The busiest and the quietest hour, in words.
    pub fn said(&self) -> String {
        let cells = || {
            let hours =
                |day: usize| self.averages[day].iter().enumerate().filter_map(move |(hour, value)| value.map(|value| (day, hour, value)));
            (0..7).flat_map(hours)
        };
        let Some((day, hour, most)) = cells().max_by(|a, b| a.2.total_cmp(&b.2)) else { return String::new() };
        let named = |day: usize, hour: usize| format!("{} {hour:02}:00", DAYS[day]);
        let mut said = format!("On average, the most in an hour was {} on {}", number(most), named(day, hour));
        if let Some((day, hour, least)) = cells().min_by(|a, b| a.2.total_cmp(&b.2)).filter(|(_, _, least)| *least < most) {
            said = format!("{said}, the least {} on {}", number(least), named(day, hour));
        }
        said.push('.');
        said
    }

    pub fn chart(&self, title: String, unit: &str) -> Chart {
        let series = DAYS.iter().zip(&self.averages).map(|(day, hours)| Series {
            name: (*day).to_owned(),
            values: hours.to_vec(),
            style: SeriesStyle::Solid,
        });
        Chart {
            title,
            kind: ChartKind::Heat,
            x: XAxis::Category((0..24).map(|hour| format!("{hour:02}")).collect()),
            unit: format!("{}an hour, {}", if unit.is_empty() { String::new() } else { format!("{unit} ") }, short(&self.zone)),
            series: series.collect(),
            last_incomplete: false,
            alt: format!("Heat map of {}, {}, by weekday and hour of {}. {}", self.subject, self.period, self.zone, self.said()),
        }
    }

    /// A row per hour and a column per weekday.
    pub fn table(&self, subject: &str) -> Table {
        let rows = (0..24).map(|hour| {
            let cells = self.averages.iter().map(|day| vec![day[hour].map_or_else(|| "–".to_owned(), number).into()]);
            std::iter::once(vec![format!("{hour:02}:00").into()]).chain(cells).collect()
        });
        let mut headings = vec!["Hour".to_owned()];
        headings.extend(DAYS.iter().map(|day| format!("{day}#")));
        let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
        table(format!("{}, average of an hour", line(subject)), &headings, rows.collect())
    }
}

/// A zone's name where a scale has little room: its last part.
fn short(zone: &str) -> String {
    zone.rsplit('/').next().unwrap_or(zone).replace('_', " ")
}
