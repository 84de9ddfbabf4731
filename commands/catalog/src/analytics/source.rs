//! `source show`, `source report` and `source export`: what a source of analytics is set up for and has left, a report that was
//! made and saved at the source itself, and its raw events. What is counted here is asked by `report` and its like.

use super::asking::{able, periods, rests, spoken};
use super::{complete_metric, complete_source, number};
use crate::wording::{code, count, line, table, zones};
use bellhop_core::analytics::{Answer, FrameCell, Query, Saved, SavedKind, Window};
use bellhop_core::card::{Block, FileBlock, FileSource};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::nearest::nearest;
use bellhop_core::period::Period;
use bellhop_core::ports::{AnalyticsSource, Sources};
use bellhop_core::{Access, Call, Card, Command, CommandError, PortErrorKind, Reply, Span, Tone};
use chrono_tz::Tz;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The most rows that are shown; the file has all.
const SHOWN: usize = 50;
/// The most bytes of raw events that one file has.
const EXPORTED: usize = 16 * 1024 * 1024;

/// Arguments of `source show`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ShowArgs {
    /// The source; the default one unless told
    pub source: Option<SourceName>,
}

/// `source show`: looks whether a source is set up as it should be, and what is left of its allowances.
pub struct Show {
    sources: Arc<dyn Sources>,
}

impl Show {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }
}

impl Command for Show {
    const NAME: &'static str = "source show";
    const SUMMARY: &'static str = "Shows how a source of analytics is set up, and what is left of its allowances";
    const EXAMPLES: &'static [&'static str] = &["source show", "source show events"];
    const COMPLETES: &'static [&'static str] = &["source"];
    type Args = ShowArgs;

    async fn run(&self, _call: &Call, args: ShowArgs) -> Result<Reply, CommandError> {
        let source = self.sources.source(args.source.as_ref())?;
        let findings = source.check().await?;
        let saved = source.saved().await?;
        let quotas = source.quotas().await?;
        let good = findings.iter().all(|finding| finding.good);
        let mut card = Card::titled(format!("The source {}", source.name())).tone(if good { Tone::Good } else { Tone::Warning });
        for finding in &findings {
            card = card.and_text(format!("{} {}.", if finding.good { "✓" } else { "✗" }, line(&finding.text)));
        }
        if findings.is_empty() {
            card = card.and_text("There is nothing to set up.");
        }
        if !quotas.is_empty() {
            let rows = quotas.iter().map(|quota| {
                vec![
                    vec![line(&quota.what).into()],
                    vec![number(quota.used).into()],
                    vec![quota.limit.map_or_else(|| "–".to_owned(), number).into()],
                    vec![quota.limit.map_or_else(|| "–".to_owned(), |limit| number((limit - quota.used).max(0.0))).into()],
                    vec![quota.renews.map_or_else(|| "–".into(), Span::Time)],
                ]
            });
            card = card.block(Block::Table(table("Allowances", &["Allowance", "Used#", "Of#", "Left#", "More"], rows.collect())));
        }
        if !saved.is_empty() {
            let kind = |saved: &Saved| if saved.kind == SavedKind::Funnel { "funnel NAME" } else { "source report ID" };
            let rows = saved.iter().take(SHOWN).map(|one| vec![vec![line(&one.name).into()], vec![code(&one.id)], vec![code(kind(one))]]);
            card = card.block(Block::Table(table("Saved there", &["Name", "Id", "Asked by"], rows.collect())));
        }
        Ok(Reply::new(card))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        complete_source(&*self.sources, typed)
    }
}

/// Arguments of `source report`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct SavedArgs {
    /// The report's id or name at the source
    pub report: String,
    /// When, where the report takes a period: 7d, 24h, 4w or 2026-11-01..2026-11-07; 30d unless told
    pub period: Option<Period>,
    /// The source; the one that has saved reports unless told
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

/// `source report`: a report that was made at the source.
pub struct SavedReport {
    sources: Arc<dyn Sources>,
}

impl SavedReport {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }
}

impl Command for SavedReport {
    const NAME: &'static str = "source report";
    const SUMMARY: &'static str = "Shows a report that was saved at a source of analytics";
    const EXAMPLES: &'static [&'static str] = &["source report 4242", "source report 4242 30d --csv"];
    const COMPLETES: &'static [&'static str] = &["report", "period", "source", "tz"];
    type Args = SavedArgs;

    async fn run(&self, call: &Call, args: SavedArgs) -> Result<Reply, CommandError> {
        let source = one_that(&*self.sources, args.source.as_ref(), "saved reports", |can| can.saved)?;
        let zone = args.tz.unwrap_or(call.caller.zone);
        let period = args.period.clone().unwrap_or(Period::Days(30));
        let range = period.resolve(call.now, zone);
        let window = Window { from: range.from, to: range.to, zone };
        let saved = source.saved().await?;
        let known = saved.iter().find(|one| one.id == args.report || one.name.eq_ignore_ascii_case(&args.report));
        let id = known.map_or_else(|| args.report.clone(), |one| one.id.clone());
        let answer = match source.query(&Query::Saved { id, window }).await {
            Err(error) if error.kind == PortErrorKind::NotFound => {
                let nearest = nearest(&args.report, saved.iter().map(|one| one.name.as_str())).map(str::to_owned);
                return match nearest {
                    Some(near) => Err(CommandError::NotFound { what: "saved report", name: line(&args.report), nearest: Some(near) }),
                    None => Err(error.into()),
                };
            }
            answer => answer?,
        };
        let name = known.map_or(&args.report, |one| &one.name);
        let mut card = framed(format!("{}, {}", line(name), spoken(&period)), &answer);
        if args.csv {
            card = card.block(super::asking::attached(&answer, &format!("report-{}", args.report)));
        }
        Ok(Reply::new(card.and_fields(rests(&answer.basis, &period, range, zone))))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "period" => periods(typed),
            "source" => complete_source(&*self.sources, typed),
            "tz" => zones(typed),
            _ => match one_that(&*self.sources, None, "saved reports", |can| can.saved) {
                Ok(source) => {
                    let saved = source.saved().await.unwrap_or_default();
                    crate::wording::suggest(typed, saved.into_iter().map(|one| (one.id, one.name)))
                }
                Err(_) => Vec::new(),
            },
        }
    }
}

/// Arguments of `source export`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ExportArgs {
    /// When: 7d, 24h, yesterday or 2026-11-01..2026-11-07
    pub period: Period,
    /// Only events of this name
    #[arg(long, value_name = "NAME")]
    pub event: Option<String>,
    /// The source; the one that gives raw events out unless told
    #[arg(long, value_name = "NAME")]
    pub source: Option<SourceName>,
    /// The time zone that days are cut in, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    pub tz: Option<Tz>,
}

/// `source export`: raw events as a file.
pub struct Export {
    sources: Arc<dyn Sources>,
}

impl Export {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }
}

impl Command for Export {
    const NAME: &'static str = "source export";
    const SUMMARY: &'static str = "Takes the raw events of a period out of a source, as lines of JSON";
    // Raw events say what single people did.
    const ACCESS: Access = Access::Operator;
    const EXAMPLES: &'static [&'static str] = &["source export yesterday", "source export 7d --event purchase"];
    const COMPLETES: &'static [&'static str] = &["period", "event", "source", "tz"];
    type Args = ExportArgs;

    async fn run(&self, call: &Call, args: ExportArgs) -> Result<Reply, CommandError> {
        let source = one_that(&*self.sources, args.source.as_ref(), "way out for raw events", |can| can.export)?;
        let zone = args.tz.unwrap_or(call.caller.zone);
        let range = args.period.resolve(call.now, zone);
        let mut stream = source.export(&Window { from: range.from, to: range.to, zone }, args.event.as_deref()).await?;
        let mut bytes: Vec<u8> = Vec::new();
        while let Some(part) = stream.next().await {
            bytes.extend_from_slice(&part?);
            if bytes.len() > EXPORTED {
                let why = "that is over 16 MB of events, too much for one file; ask for a shorter period, or one --event";
                return Err(CommandError::Refused(why.to_owned()));
            }
        }
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        let title = format!("{}, {}", count(lines, "event"), spoken(&args.period));
        if lines == 0 {
            return Ok(Reply::new(Card::text(format!("The source {} has no such event in this period.", source.name()))));
        }
        let file = FileBlock {
            name: format!("{}-events.jsonl", source.name()),
            content_type: "application/x-ndjson".to_owned(),
            size: bytes.len() as u64,
            source: FileSource::Inline(bytes.into()),
        };
        Ok(Reply::new(Card::titled(title).block(Block::File(file)).and_fields(vec![("Source", source.name().to_string())])))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "period" => periods(typed),
            "source" => complete_source(&*self.sources, typed),
            "tz" => zones(typed),
            "event" => complete_metric(&*self.sources, None, typed).await,
            _ => Vec::new(),
        }
    }
}

/// The source of this name; without a name the first that can.
fn one_that(
    sources: &dyn Sources,
    name: Option<&SourceName>,
    what: &str,
    can: fn(&bellhop_core::analytics::AnalyticsCapabilities) -> bool,
) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
    if name.is_none() {
        let first = sources.names().into_iter().find(|name| sources.source(Some(name)).is_ok_and(|source| can(&source.capabilities())));
        if let Some(first) = first {
            return sources.source(Some(&first));
        }
    }
    able(sources, name, what, can)
}

/// An answer of any shape as a table.
fn framed(title: String, answer: &Answer) -> Card {
    let frame = answer.frame();
    let zone = answer.basis.zone;
    let numeric = |at: usize| frame.rows.iter().all(|row| matches!(row.get(at), Some(FrameCell::Number(_) | FrameCell::None)));
    let headings: Vec<String> = frame
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let unit = if column.unit.is_empty() { String::new() } else { format!(", {}", line(&column.unit)) };
            format!("{}{unit}{}", line(&column.name.replace('_', " ")), if numeric(at) { "#" } else { "" })
        })
        .collect();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let cell = |cell: &FrameCell| -> Vec<Span> {
        vec![match cell {
            FrameCell::None => "–".into(),
            FrameCell::Time(at) => at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string().into(),
            FrameCell::Number(value) => number(*value).into(),
            FrameCell::Text(text) => line(text).into(),
        }]
    };
    let rows: Vec<Vec<Vec<Span>>> = frame.rows.iter().take(SHOWN).map(|row| row.iter().map(cell).collect()).collect();
    let card = Card::titled(title.clone());
    if rows.is_empty() {
        return card.and_text("The report has no rows.");
    }
    let card = card.block(Block::Table(table(title, &headings, rows)));
    if frame.rows.len() > SHOWN {
        card.and_text(format!("The first {SHOWN} of {} rows are shown; --csv has all.", frame.rows.len()))
    } else {
        card
    }
}
