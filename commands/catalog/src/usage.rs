//! `usage`: what the bot itself has been doing.

use crate::wording::{line, local, table};
use bellhop_core::card::Block;
use bellhop_core::period::Period;
use bellhop_core::ports::UsageBook;
use bellhop_core::text::grouped;
use bellhop_core::{Call, Card, Command, CommandError, Reply};
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
        let card = Card::titled("Usage").and_text(format!("Since {}.", local(since, call.caller.zone)));
        if rows.is_empty() {
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
        Ok(Reply::new(card.block(Block::Table(table("usage", &["What", "Which", "Done#", "Failed#"], cells)))))
    }
}
