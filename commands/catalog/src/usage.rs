//! `usage`: what the bot itself has been doing.

use crate::analytics::number;
use crate::wording::{code, line, local, table};
use bellhop_core::analytics::Quota;
use bellhop_core::card::Block;
use bellhop_core::period::Period;
use bellhop_core::ports::{SourceUsage, UsageBook};
use bellhop_core::text::grouped;
use bellhop_core::{Call, Card, Command, CommandError, Reply, Span};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `usage`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct UsageArgs {
    /// Since when, such as 24h, 7d or today; 7d unless told
    pub period: Option<Period>,
}

/// Figures about the bot.
pub struct Usage {
    usage: Arc<dyn UsageBook>,
}

impl Usage {
    /// With the book.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { usage: services.usage.clone() }
    }
}

impl Command for Usage {
    const NAME: &'static str = "usage";
    const SUMMARY: &'static str = "Shows what the bot has been doing";
    const EXAMPLES: &'static [&'static str] = &["usage", "usage 24h"];
    type Args = UsageArgs;

    async fn run(&self, call: &Call, args: UsageArgs) -> Result<Reply, CommandError> {
        let since = args.period.unwrap_or(Period::Days(7)).resolve(call.now, call.caller.zone).from;
        if since > call.now {
            return Err(CommandError::invalid("period", "that has not begun yet; give a period that has"));
        }
        let rows = self.usage.usage(since).await?;
        let sources = self.usage.sources(since).await?;
        let card = Card::titled("Usage").and_text(format!("Since {}.", local(since, call.caller.zone)));
        let asked = sources.iter().any(|one| one.calls + one.kept + one.sent + one.refused > 0 || !one.quotas.is_empty());
        if rows.is_empty() && !asked {
            return Ok(Reply::new(card.and_text("Nothing has been done yet.")));
        }
        let cells = rows
            .iter()
            .map(|row| {
                vec![
                    vec![line(&row.what).into()],
                    vec![line(&row.which).into()],
                    vec![grouped(row.done).into()],
                    vec![grouped(row.failed).into()],
                ]
            })
            .collect();
        let mut card = card;
        if !rows.is_empty() {
            card = card.block(Block::Table(table("usage", &["What", "Which", "Done#", "Failed#"], cells)));
        }
        if !sources.is_empty() {
            let headings = ["Source", "Calls#", "Errors#", "Kept answers#", "Cost", "Sent on#", "Refused#", "Left"];
            let rows = sources.iter().map(|one| of_source(one, call.caller.zone)).collect();
            card = card.block(Block::Table(table("sources of analytics", &headings, rows)));
        }
        Ok(Reply::new(card))
    }
}

/// A source's row.
fn of_source(one: &SourceUsage, zone: Tz) -> Vec<Vec<Span>> {
    let cost = one.cost.iter().map(|(unit, spent)| format!("{} {unit}", number(*spent))).collect::<Vec<_>>();
    let mut left: Vec<String> = one.rests.iter().map(|(why, until)| format!("not asked before {}: {why}", local(*until, zone))).collect();
    left.extend(one.quotas.iter().map(|quota| quota_left(quota, zone)));
    let or_dash = |all: Vec<String>| if all.is_empty() { "–".to_owned() } else { all.join("; ") };
    let count = |number: i64| -> Vec<Span> { vec![grouped(number).into()] };
    vec![
        vec![code(one.source.as_str())],
        count(one.calls),
        count(one.errors),
        count(one.kept),
        vec![line(&or_dash(cost)).into()],
        count(one.sent),
        count(one.refused),
        vec![line(&or_dash(left)).into()],
    ]
}

/// What is left of an allowance: `40 of 60 questions per hour, more at 2026-11-23 12:00`.
fn quota_left(quota: &Quota, zone: Tz) -> String {
    let renews = quota.renews.map(|at| format!(", more at {}", local(at, zone))).unwrap_or_default();
    match quota.limit {
        Some(limit) => format!("{} of {} {}{renews}", number((limit - quota.used).max(0.0)), number(limit), quota.what),
        None => format!("{} {} used{renews}", number(quota.used), quota.what),
    }
}
