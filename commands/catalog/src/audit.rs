//! `audit`: who did what, from the audit log. It reads; nothing here can change a row.

use crate::wording::{code, count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::period::{Period, Span};
use bellhop_core::ports::{AuditFilter, AuditTrail};
use bellhop_core::{Access, Call, Card, Command, CommandError, Reply, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const SHOWN: u32 = 50;
const MOST: u32 = 1000;

/// Arguments of `audit`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct AuditArgs {
    /// A person, command or file it is about, then `since 24h`; `who touched` may stand before
    pub about: Vec<String>,
    /// How many rows to show at most; 50 unless told
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST)))]
    pub limit: Option<u32>,
}

/// Reads the audit log.
pub struct Audit {
    audit: Arc<dyn AuditTrail>,
}

impl Audit {
    /// With the log.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { audit: services.audit.clone() }
    }
}

impl Command for Audit {
    const NAME: &'static str = "audit";
    const SUMMARY: &'static str = "Shows who did what, where and when";
    const ACCESS: Access = Access::Admin;
    const EXAMPLES: &'static [&'static str] =
        &["audit", "audit who touched report.pdf since 24h", "audit file delete since 7d", "audit since today"];
    type Args = AuditArgs;

    async fn run(&self, call: &Call, args: AuditArgs) -> Result<Reply, CommandError> {
        let asked = read(&args.about, call)?;
        let limit = args.limit.unwrap_or(SHOWN) as usize;
        let filter = AuditFilter { about: asked.about.clone(), since: asked.since, limit: limit + 1 };
        let mut rows = self.audit.rows(&filter).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let mut what = match &asked.about {
            Some(about) => format!("about “{}”", line(about)),
            None => String::new(),
        };
        if let Some(since) = asked.since {
            what = format!("{what} since {}", local(since, call.caller.zone));
        }
        let what = what.trim();
        let gap = if what.is_empty() { "" } else { " " };
        if rows.is_empty() {
            return Ok(Reply::private(Card::titled("Audit").and_text(format!("Nothing is logged{gap}{what}."))));
        }
        let shown = count(rows.len(), "row");
        let said = if more { format!("The newest {shown}{gap}{what}; there are more.") } else { format!("{shown}{gap}{what}.") };
        let cells = rows
            .iter()
            .map(|row| {
                let outcome = if row.detail.is_empty() { row.outcome.clone() } else { format!("{}: {}", row.outcome, row.detail) };
                let who = if row.name.is_empty() || row.name == row.who { row.who.clone() } else { format!("{} ({})", row.name, row.who) };
                vec![
                    vec![row.seq.to_string().into()],
                    vec![local(row.at, call.caller.zone).into()],
                    vec![line(&who).into()],
                    vec![line(&row.place).into()],
                    vec![code(&row.line)],
                    vec![line(&outcome).into()],
                ]
            })
            .collect();
        let table = table("audit log", &["Row#", "When", "Who", "Where", "What", "Outcome"], cells);
        Ok(Reply::private(Card::titled("Audit").and_text(said).block(Block::Table(table))))
    }
}

struct Asked {
    about: Option<String>,
    since: Option<Timestamp>,
}

/// Reads `who touched X since 24h`, of which every part may be missing.
fn read(words: &[String], call: &Call) -> Result<Asked, CommandError> {
    let is = |at: usize, word: &str| words.get(at).is_some_and(|typed| typed.eq_ignore_ascii_case(word));
    let from = if is(0, "who") && (is(1, "touched") || is(1, "did")) { 2 } else { 0 };
    let mut words = &words[from..];
    let mut since = None;
    if let Some(at) = words.iter().rposition(|word| word.eq_ignore_ascii_case("since")) {
        match &words[at + 1..] {
            [] if at + 1 == words.len() && words.len() > 1 => {
                return Err(CommandError::invalid("about", "`since` needs a length of time, such as since 24h"));
            }
            [] => return Err(CommandError::invalid("about", "since when? Write since 24h, since 7d or since 2026-11-01")),
            [span] => {
                since = Some(moment(span, call)?);
                words = &words[..at];
            }
            // `since` in the middle is part of what it is about.
            _ => {}
        }
    }
    let about = words.join(" ");
    Ok(Asked { about: Some(about).filter(|about| !about.is_empty()), since })
}

fn moment(text: &str, call: &Call) -> Result<Timestamp, CommandError> {
    if let Ok(span) = text.parse::<Span>() {
        return Ok(chrono::TimeDelta::from_std(span.0)
            .ok()
            .and_then(|span| call.now.checked_sub_signed(span))
            .unwrap_or(Timestamp::UNIX_EPOCH));
    }
    let period: Period = text.parse().map_err(|_| {
        CommandError::invalid("about", format!("`{}` is no time to count from; write since 24h, 7d, today or 2026-11-01", line(text)))
    })?;
    Ok(period.resolve(call.now, call.caller.zone).from)
}
