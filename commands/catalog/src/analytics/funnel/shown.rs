//! The card of a funnel: words, a chart and a table. Pure.

use crate::analytics::asking::{percentage, share};
use crate::analytics::number;
use crate::wording::{line, table};
use bellhop_core::analytics::FunnelGroup;
use bellhop_core::card::{Block, Table};
use bellhop_core::chart::{Chart, ChartKind, Series, SeriesStyle, XAxis};
use bellhop_core::{Card, Span};
use std::fmt::Write as _;

/// How many groups have bars of their own.
const DRAWN: usize = 4;

/// Groups of people and how far they got, and how they are shown.
pub(super) struct View<'a> {
    pub title: String,
    /// Each with its name: a source, a value, a period.
    pub columns: Vec<(String, FunnelGroup)>,
    /// What the names are, where there is more than one group.
    pub heading: Option<&'a str>,
    pub drawn: Option<ChartKind>,
    /// How many groups have rows.
    pub top: usize,
    /// When the group called `before` was, where there is one.
    pub when: Option<&'static str>,
}

impl View<'_> {
    pub fn card(&self) -> Card {
        let card = Card::titled(self.title.clone());
        let Some((_, first)) = self.columns.first().filter(|(_, group)| !group.steps.is_empty()) else {
            return card.and_text("Nobody did the first step in this period.");
        };
        let shown = if self.heading.is_some() { DRAWN.min(self.top) } else { 1 };
        let mut words: Vec<String> = Vec::new();
        for (name, group) in self.columns.iter().take(shown) {
            let who = if self.heading.is_some() { format!("{name}: ") } else { String::new() };
            words.push(format!("{who}{}", told(group)));
        }
        words.extend(self.change());
        let card = card.and_text(words.join("\n"));
        if self.columns.iter().all(|(_, group)| group.steps.first().is_none_or(|step| step.people == 0.0)) {
            return card;
        }
        let names: Vec<String> = first.steps.iter().enumerate().map(|(at, step)| format!("{}. {}", at + 1, line(&step.name))).collect();
        let series = self.columns.iter().take(shown.max(1)).map(|(name, group)| Series {
            name: name.clone(),
            values: (0..names.len()).map(|at| group.steps.get(at).map(|step| step.people).filter(|people| people.is_finite())).collect(),
            style: SeriesStyle::Solid,
        });
        let card = match self.drawn {
            Some(kind) => card.block(Block::Chart(Chart {
                kind,
                series: series.collect(),
                x: XAxis::Category(names),
                unit: "people".to_owned(),
                last_incomplete: false,
                alt: format!("{} of {}. {}", kind.called(), self.title, words.join(" ")),
                title: self.title.clone(),
            })),
            None => card,
        };
        let card = card.block(Block::Table(self.rows()));
        if self.columns.len() > self.top {
            card.and_text(format!("The largest {} of {} values are shown.", self.top, self.columns.len()))
        } else {
            card
        }
    }

    /// How the share that gets through compares with the period before.
    fn change(&self) -> Option<String> {
        let when = self.when?;
        let [(_, now), (_, before)] = self.columns.as_slice() else { return None };
        let whole = |group: &FunnelGroup| {
            let (first, last) = (group.steps.first()?.people, group.steps.last()?.people);
            (first > 0.0).then(|| last / first * 100.0).filter(|share| share.is_finite())
        };
        let (now, before) = (whole(now)?, whole(before)?);
        let points = now - before;
        let how = if points.abs() < 0.05 {
            return Some(format!("The share that went all the way is as it was {when}."));
        } else if points > 0.0 {
            "more"
        } else {
            "less"
        };
        Some(format!("That is {} percentage points {how} than {when} ({} %).", percentage(points.abs()), percentage(before)))
    }

    fn rows(&self) -> Table {
        let mut rows = Vec::new();
        for (name, group) in self.columns.iter().take(self.top) {
            let start = group.steps.first().map_or(0.0, |step| step.people);
            for (at, step) in group.steps.iter().enumerate() {
                let before = at.checked_sub(1).and_then(|at| group.steps.get(at));
                let mut row: Vec<Vec<Span>> = Vec::new();
                if self.heading.is_some() {
                    row.push(vec![name.clone().into()]);
                }
                row.extend([
                    vec![format!("{}. {}", at + 1, line(&step.name)).into()],
                    vec![number(step.people).into()],
                    vec![share(step.people, start).into()],
                    vec![before.map_or_else(|| "–".to_owned(), |before| share(step.people, before.people)).into()],
                    vec![step.median_seconds.filter(|_| at > 0).map_or_else(|| "–".to_owned(), duration).into()],
                ]);
                rows.push(row);
            }
        }
        let mut headings = vec!["Step", "People#", "Of the first#", "Of the one before#", "Median time#"];
        let heading = self.heading.map(line);
        if let Some(heading) = &heading {
            headings.insert(0, heading);
        }
        table(self.title.clone(), &headings, rows)
    }
}

/// How many get through, and where most are lost.
fn told(group: &FunnelGroup) -> String {
    let (Some(first), Some(last)) = (group.steps.first(), group.steps.last()) else { return "nobody.".to_owned() };
    if first.people == 0.0 {
        return format!("Nobody did {} in this period.", line(&first.name));
    }
    let mut said =
        format!("{} of {} people ({}) went all the way.", number(last.people), number(first.people), share(last.people, first.people));
    let lost = group.steps.windows(2).map(|pair| (pair[0].people - pair[1].people, pair));
    if let Some((lost, [from, to])) = lost.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(lost, _)| *lost > 0.0) {
        let part = share(lost, from.people);
        let _ = write!(
            said,
            " Most are lost between {} and {}: {} of {} ({part}).",
            line(&from.name),
            line(&to.name),
            number(lost),
            number(from.people)
        );
    }
    said
}

/// A length of time for people: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`.
fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".to_owned();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and a cast ends at the largest number")]
    let whole = seconds.round() as u64;
    let pair = |large: u64, of: &str, small: u64, what: &str| {
        if small == 0 { format!("{large} {of}") } else { format!("{large} {of} {small} {what}") }
    };
    match whole {
        0..120 => format!("{whole} s"),
        120..7200 => format!("{} min", whole / 60),
        7200..172_800 => pair(whole / 3600, "h", whole % 3600 / 60, "min"),
        _ => pair(whole / 86_400, "d", whole % 86_400 / 3600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn lengths_of_time_are_short() {
        for (seconds, text) in [
            (0.4, "0 s"),
            (119.0, "119 s"),
            (600.0, "10 min"),
            (12_000.0, "3 h 20 min"),
            (7200.0, "2 h"),
            (187_200.0, "2 d 4 h"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
