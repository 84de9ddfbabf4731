//! `meet list`: the meetings to come that were made here.

use super::kept;
use crate::wording::{code, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::NoArgs;
use bellhop_core::ports::Records;
use bellhop_core::{Call, Card, Command, CommandError, Reply, Span};
use std::sync::Arc;

/// Lists meetings.
pub struct List {
    records: Arc<dyn Records>,
}

impl List {
    /// With the book of meetings.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { records: services.records.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "meet list";
    const SUMMARY: &'static str = "Lists the meetings to come";
    const EXAMPLES: &'static [&'static str] = &["meet list"];
    type Args = NoArgs;

    async fn run(&self, call: &Call, _args: NoArgs) -> Result<Reply, CommandError> {
        let mut meetings = Vec::new();
        for (id, meeting) in kept(&*self.records).await? {
            if meeting.wanted.ends > call.now {
                meetings.push((id, meeting));
            } else {
                // It is over: nobody asks for it any more.
                self.records.remove(super::BOOK, &id).await?;
            }
        }
        meetings.sort_by_key(|(_, meeting)| meeting.wanted.starts);
        let card = Card::titled("Meetings");
        if meetings.is_empty() {
            return Ok(Reply::new(card.and_text("There is none to come that was made here.")));
        }
        let rows = meetings.iter().map(|(id, meeting)| {
            vec![
                vec![Span::Plain(local(meeting.wanted.starts, call.caller.zone))],
                vec![Span::Link { text: line(&meeting.wanted.title), url: meeting.made.join_url.clone() }],
                vec![Span::Plain(line(&meeting.by_name))],
                vec![code(id)],
            ]
        });
        Ok(Reply::new(card.block(Block::Table(table("meetings to come", &["When", "What", "Asked by", "Id"], rows.collect())))))
    }
}
