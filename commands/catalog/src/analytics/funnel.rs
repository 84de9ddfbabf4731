//! `funnel`: how many people do one thing after another, and where most of them are lost.

use super::asking::{able, astray, attached, periods, question, rests, share, spoken};
use super::report::condition::Condition;
use super::{complete_metric, complete_source, number, properties};
use crate::wording::{line, suggest, table, zones};
use bellhop_core::analytics::{
    Answer, EventMatch, Figures, Funnel, FunnelFigures, FunnelGroup, Query, Saved, SavedKind, StepOrder, Window,
};
use bellhop_core::card::{Block, Table};
use bellhop_core::chart::{Chart, ChartKind, Series, SeriesStyle, XAxis};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::period::{Period, Span as Length};
use bellhop_core::ports::{AnalyticsSource, Sources};
use bellhop_core::{Call, Card, Command, CommandError, Reply, Span};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// How many groups have bars of their own, and how many have rows.
const DRAWN: usize = 4;
const SHOWN: usize = 12;
/// The most steps of a funnel.
const MOST_STEPS: usize = 20;

/// Arguments of `funnel`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct FunnelArgs {
    /// The steps in their order, each an event's name; or one name of a funnel kept at the source
    #[arg(value_name = "STEP", required = true)]
    pub steps: Vec<String>,
    /// When the first step was done: 7d, 4w, 2026-11-01..2026-11-07; 30d unless told
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<Period>,
    /// How long after the first step the others count, such as 2h; 7d unless told
    #[arg(long, value_name = "LENGTH")]
    pub within: Option<Length>,
    /// What may be between the steps; anything unless told
    #[arg(long, value_enum)]
    pub order: Option<Order>,
    /// By the values of a property in the first step
    #[arg(long, value_name = "PROPERTY")]
    pub by: Option<String>,
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

/// What may be between steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Nothing: each step is the very next thing that the person does
    Strict,
    /// The steps come in any order
    Any,
}

/// Follows people through steps.
pub struct Funnels {
    sources: Arc<dyn Sources>,
}

impl Funnels {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }
}

impl Command for Funnels {
    const NAME: &'static str = "funnel";
    const SUMMARY: &'static str = "Shows how many people do one thing after another";
    const EXAMPLES: &'static [&'static str] = &[
        "funnel page_view signup purchase",
        "funnel signup purchase --period 4w --within 2h",
        "funnel signup purchase --by plan --where country=DE --order any",
    ];
    const COMPLETES: &'static [&'static str] = &["steps", "period", "by", "where", "source", "tz"];
    type Args = FunnelArgs;

    async fn run(&self, call: &Call, args: FunnelArgs) -> Result<Reply, CommandError> {
        if args.steps.iter().any(|step| step.trim().is_empty()) || args.steps.len() > MOST_STEPS {
            return Err(CommandError::invalid("steps", format!("write the names of 2 to {MOST_STEPS} events, such as signup purchase")));
        }
        let zone = args.tz.unwrap_or(call.caller.zone);
        let period = args.period.clone().unwrap_or(Period::Days(30));
        let range = period.resolve(call.now, zone);
        let window = Window { from: range.from, to: range.to, zone };
        let (source, name, answer) = if let [name] = args.steps.as_slice() {
            let source =
                able(&*self.sources, args.source.as_ref(), "saved funnels, and a funnel needs two steps at least", |can| can.saved)?;
            let saved = saved(&*source, name).await?;
            if args.within.is_some() || args.order.is_some() || args.by.is_some() || !args.r#where.is_empty() {
                return Err(CommandError::invalid(
                    "steps",
                    "a saved funnel is asked as it was saved: leave --within, --order, --by and --where out",
                ));
            }
            let answer = source.query(&Query::Saved { id: saved.id, window }).await?;
            (source, line(&saved.name), answer)
        } else {
            let source = able(&*self.sources, args.source.as_ref(), "funnels", |can| can.funnels)?;
            let events: Vec<&str> = args.steps.iter().map(String::as_str).collect();
            let answer = question(&*source, &Query::Funnel(read(&args, window)?), &events).await?;
            (source, events.iter().map(|event| line(event)).collect::<Vec<_>>().join(" → "), answer)
        };
        let Figures::Funnel(figures) = &answer.figures else { return Err(astray(source.name()).into()) };
        let title = format!("{name}, {}", spoken(&period));
        let mut card = shown(title, figures, args.by.as_deref());
        if args.csv {
            card = card.block(attached(&answer, &format!("funnel-{}", args.steps.join("-"))));
        }
        Ok(Reply::new(card.and_fields(fields(&args, &answer, &period, range, zone))))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "steps" => {
                let mut all = complete_metric(&*self.sources, None, typed).await;
                if let Ok(source) = self.sources.source(None) {
                    let saved = source.saved().await.unwrap_or_default().into_iter().filter(|one| one.kind == SavedKind::Funnel);
                    all.extend(suggest(typed, saved.map(|one| (one.name, "a saved funnel".to_owned()))));
                }
                all
            }
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

/// A funnel that was made at the source, by its name or id.
async fn saved(source: &dyn AnalyticsSource, name: &str) -> Result<Saved, CommandError> {
    let mut all = source.saved().await?;
    all.retain(|one| one.kind == SavedKind::Funnel);
    if let Some(found) = all.iter().find(|one| one.id == name).or_else(|| all.iter().find(|one| one.name.eq_ignore_ascii_case(name))) {
        return Ok(found.clone());
    }
    let nearest = bellhop_core::nearest::nearest(name, all.iter().map(|one| one.name.as_str())).map(str::to_owned);
    Err(CommandError::NotFound { what: "saved funnel", name: name.to_owned(), nearest })
}

fn read(args: &FunnelArgs, window: Window) -> Result<Funnel, CommandError> {
    let within = within(args);
    if within.as_secs() == 0 {
        return Err(CommandError::invalid("within", "it is under a second; write 30m, 2h or 7d"));
    }
    if args.by.as_ref().is_some_and(|by| by.trim().is_empty()) {
        return Err(CommandError::invalid("by", "it is empty; write a property's name"));
    }
    Ok(Funnel {
        steps: args.steps.iter().map(|event| EventMatch { event: Some(event.clone()), filters: Vec::new() }).collect(),
        window,
        within: within.as_secs(),
        order: match args.order {
            None => StepOrder::Ordered,
            Some(Order::Strict) => StepOrder::Strict,
            Some(Order::Any) => StepOrder::Any,
        },
        by: args.by.clone(),
        filters: args.r#where.iter().map(Condition::filter).collect(),
    })
}

fn within(args: &FunnelArgs) -> Duration {
    args.within.map_or(Duration::from_hours(7 * 24), |length| length.0)
}

/// What the figures rest on.
fn fields(
    args: &FunnelArgs,
    answer: &Answer,
    period: &Period,
    range: bellhop_core::period::Range,
    zone: Tz,
) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if args.steps.len() > 1 {
        let order = match args.order {
            None => "in this order",
            Some(Order::Strict) => "in this order with nothing between",
            Some(Order::Any) => "in any order",
        };
        fields.push(("Counted", format!("each person once, {order}, within {} of the first step", Length(within(args)))));
    }
    if !args.r#where.is_empty() {
        fields.push(("Only", args.r#where.iter().map(|condition| line(&condition.to_string())).collect::<Vec<_>>().join(", ")));
    }
    fields.extend(rests(&answer.basis, period, range, zone));
    fields
}

/// Words, chart and table.
fn shown(title: String, figures: &FunnelFigures, by: Option<&str>) -> Card {
    let card = Card::titled(title.clone());
    let groups = &figures.groups;
    let Some(first) = groups.first().filter(|group| !group.steps.is_empty()) else {
        return card.and_text("Nobody did the first step in this period.");
    };
    let mut words = Vec::new();
    for group in groups.iter().take(if by.is_some() { DRAWN } else { 1 }) {
        let who = if by.is_some() { format!("{}: ", named(group)) } else { String::new() };
        words.push(format!("{who}{}", told(group)));
    }
    let card = card.and_text(words.join("\n"));
    if groups.iter().all(|group| group.steps.first().is_none_or(|step| step.people == 0.0)) {
        return card;
    }
    let names: Vec<String> = first.steps.iter().enumerate().map(|(at, step)| format!("{}. {}", at + 1, line(&step.name))).collect();
    let series = groups.iter().take(DRAWN).map(|group| Series {
        name: if by.is_some() { named(group) } else { "people".to_owned() },
        values: (0..names.len()).map(|at| group.steps.get(at).map(|step| step.people).filter(|people| people.is_finite())).collect(),
        style: SeriesStyle::Solid,
    });
    let chart = Chart {
        kind: ChartKind::Bar,
        series: series.collect(),
        x: XAxis::Category(names),
        unit: "people".to_owned(),
        last_incomplete: false,
        alt: format!("Bar chart of the funnel {title}. {}", words.join(" ")),
        title: title.clone(),
    };
    let card = card.block(Block::Chart(chart)).block(Block::Table(rows(title, figures, by)));
    if groups.len() > SHOWN { card.and_text(format!("The largest {SHOWN} of {} values are shown.", groups.len())) } else { card }
}

fn named(group: &FunnelGroup) -> String {
    super::report::named(group.group.as_deref())
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

fn rows(title: String, figures: &FunnelFigures, by: Option<&str>) -> Table {
    let mut rows = Vec::new();
    for group in figures.groups.iter().take(SHOWN) {
        let start = group.steps.first().map_or(0.0, |step| step.people);
        for (at, step) in group.steps.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| group.steps.get(at));
            let mut row: Vec<Vec<Span>> = Vec::new();
            if by.is_some() {
                row.push(vec![named(group).into()]);
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
    let by = by.map(line);
    if let Some(by) = &by {
        headings.insert(0, by);
    }
    table(title, &headings, rows)
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
