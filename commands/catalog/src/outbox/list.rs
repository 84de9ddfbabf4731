//! `outbox list`: the messages that were given up, and why.

use super::retry::{Retry, RetryArgs};
use crate::wording::{code, count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::NoArgs;
use bellhop_core::ports::{DeadLetters, Places};
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Invoke, Reply, Tone};
use std::sync::Arc;

/// How many are shown.
const MOST: usize = 50;
/// How many get a button.
const BUTTONS: usize = 5;

/// Lists the dead letters.
pub struct List {
    letters: Arc<dyn DeadLetters>,
    places: Arc<dyn Places>,
}

impl List {
    /// With the dead letters and the places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { letters: services.dead_letters.clone(), places: services.places.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "outbox list";
    const SUMMARY: &'static str = "Lists messages that could not be delivered";
    const ACCESS: Access = Access::Operator;
    const EXAMPLES: &'static [&'static str] = &["outbox list"];
    type Args = NoArgs;

    async fn run(&self, call: &Call, _args: NoArgs) -> Result<Reply, CommandError> {
        let letters = self.letters.list(MOST).await?;
        if letters.is_empty() {
            return Ok(Reply::private(Card::titled("Outbox").tone(Tone::Good).and_text("Everything could be delivered.")));
        }
        let mut rows = Vec::new();
        for letter in &letters {
            rows.push(vec![
                vec![code(letter.number.to_string())],
                vec![line(&letter.about).into()],
                vec![code(self.places.spell(&letter.to).await)],
                vec![local(letter.since, call.caller.zone).into()],
                vec![line(&letter.why).into()],
            ]);
        }
        let again = letters
            .iter()
            .take(BUTTONS)
            .map(|letter| {
                Action::invoke(format!("Send {} again", letter.number), Invoke::of::<Retry>(&RetryArgs { number: letter.number }))
            })
            .collect();
        Ok(Reply::private(
            Card::titled("Outbox")
                .tone(Tone::Warning)
                .and_text(format!("{} could not be delivered. Mend the reason, then send them again.", count(letters.len(), "message")))
                .block(Block::Table(table("messages that were given up", &["Number", "About", "To", "Given up", "Why"], rows)))
                .and_actions(again),
        ))
    }
}
