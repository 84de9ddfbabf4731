//! An answer as a table of typed columns: what is saved, sent as CSV and watched.

use super::{Answer, Figures, FunnelFigures, RetentionFigures, RevenueFigures, TrendFigures};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// A table of typed columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The columns.
    pub columns: Vec<FrameColumn>,
    /// Rows, each with a cell per column.
    pub rows: Vec<Vec<FrameCell>>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameColumn {
    /// Its name, in snake case.
    pub name: String,
    /// The unit of its numbers, or empty.
    pub unit: String,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FrameCell {
    /// Nothing is known.
    None,
    /// A moment.
    Time(Timestamp),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl From<Option<f64>> for FrameCell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::None, Self::Number)
    }
}

impl From<Option<Timestamp>> for FrameCell {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(Self::None, Self::Time)
    }
}

impl From<&Option<String>> for FrameCell {
    fn from(text: &Option<String>) -> Self {
        text.clone().map_or(Self::None, Self::Text)
    }
}

impl Frame {
    /// As CSV (RFC 4180) with a line of names, times in RFC 3339. A text that a spreadsheet would take for a formula gets an
    /// apostrophe before it.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut out = String::new();
        let names: Vec<String> = self.columns.iter().map(|column| cell(&FrameCell::Text(column.name.clone()))).collect();
        out.push_str(&names.join(","));
        out.push_str("\r\n");
        for row in &self.rows {
            out.push_str(&row.iter().map(cell).collect::<Vec<_>>().join(","));
            out.push_str("\r\n");
        }
        out
    }
}

fn cell(cell: &FrameCell) -> String {
    match cell {
        FrameCell::None => String::new(),
        FrameCell::Time(at) => at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        FrameCell::Number(number) => number.to_string(),
        FrameCell::Text(text) => {
            let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
            let text = if formula { format!("'{text}") } else { text.clone() };
            if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
        }
    }
}

fn columns(names: &[(&str, &str)]) -> Vec<FrameColumn> {
    names.iter().map(|(name, unit)| FrameColumn { name: (*name).to_owned(), unit: (*unit).to_owned() }).collect()
}

impl Answer {
    /// The answer as a table.
    #[must_use]
    pub fn frame(&self) -> Frame {
        match &self.figures {
            Figures::Trend(figures) => trend(figures),
            Figures::Funnel(figures) => funnel(figures),
            Figures::Retention(figures) => retention(figures),
            Figures::Revenue(figures) => revenue(figures),
            Figures::Cohorts(figures) => Frame {
                columns: columns(&[("id", ""), ("name", ""), ("size", "people"), ("at", "")]),
                rows: figures
                    .cohorts
                    .iter()
                    .map(|cohort| {
                        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
                        let size = cohort.size.map(|size| size as f64);
                        vec![FrameCell::Text(cohort.id.clone()), FrameCell::Text(cohort.name.clone()), size.into(), cohort.at.into()]
                    })
                    .collect(),
            },
        }
    }
}

fn trend(figures: &TrendFigures) -> Frame {
    Frame {
        columns: columns(&[("at", ""), ("group", ""), ("value", &figures.unit)]),
        rows: figures.rows.iter().map(|row| vec![row.at.into(), (&row.group).into(), FrameCell::Number(row.value)]).collect(),
    }
}

fn funnel(figures: &FunnelFigures) -> Frame {
    let rows = figures.groups.iter().flat_map(|group| {
        group.steps.iter().enumerate().map(|(number, step)| {
            #[expect(clippy::cast_precision_loss, reason = "a funnel has a few steps")]
            let number = (number + 1) as f64;
            vec![
                (&group.group).into(),
                FrameCell::Number(number),
                FrameCell::Text(step.name.clone()),
                FrameCell::Number(step.people),
                step.median_seconds.into(),
            ]
        })
    });
    Frame {
        columns: columns(&[("group", ""), ("step", ""), ("name", ""), ("people", "people"), ("median_seconds", "s")]),
        rows: rows.collect(),
    }
}

fn retention(figures: &RetentionFigures) -> Frame {
    let mut names = columns(&[("start", ""), ("group", ""), ("size", "people")]);
    names.extend(figures.columns.iter().map(|column| FrameColumn { name: format!("back_{column}"), unit: "people".to_owned() }));
    let rows = figures.cohorts.iter().map(|cohort| {
        let mut row = vec![FrameCell::Time(cohort.start), (&cohort.group).into(), FrameCell::Number(cohort.size)];
        row.extend(cohort.cells.iter().map(|cell| FrameCell::from(cell.map(|cell| cell.people))));
        row
    });
    Frame { rows: rows.collect(), columns: names }
}

fn revenue(figures: &RevenueFigures) -> Frame {
    Frame {
        columns: columns(&[
            ("at", ""),
            ("group", ""),
            ("revenue", &figures.unit),
            ("payments", ""),
            ("paying", "people"),
            ("active", "people"),
        ]),
        rows: figures
            .rows
            .iter()
            .map(|row| {
                vec![
                    row.at.into(),
                    (&row.group).into(),
                    FrameCell::Number(row.revenue),
                    row.payments.into(),
                    row.paying.into(),
                    row.active.into(),
                ]
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_safe_for_spreadsheets() {
        let frame = Frame {
            columns: columns(&[("group", ""), ("value", "")]),
            rows: vec![
                vec![FrameCell::Text("=1+1".into()), FrameCell::Number(-2.5)],
                vec![FrameCell::Text("a \"b\", c".into()), FrameCell::None],
                vec![FrameCell::Text("-3".into()), FrameCell::Number(1e3)],
            ],
        };
        assert_eq!(frame.csv(), "group,value\r\n'=1+1,-2.5\r\n\"a \"\"b\"\", c\",\r\n-3,1000\r\n");
    }
}
