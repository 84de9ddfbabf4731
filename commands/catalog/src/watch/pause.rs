//! `watch pause`: a watch is not checked for a while. An alert that is on is ended: nobody would notice when it is over.

use super::resume::Resume;
use super::{WatchBook, WatchRef, end_alerts, find, names};
use crate::wording::{ago, code, line};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::AlertDesk;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Tone};
use std::sync::Arc;

/// Pauses a watch.
pub struct Pause {
    book: WatchBook,
    alerts: Arc<dyn AlertDesk>,
}

impl Pause {
    /// With the watches and the desk of alerts.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { book: WatchBook::new(services.records.clone()), alerts: services.alerts.clone() }
    }
}

impl Command for Pause {
    const NAME: &'static str = "watch pause";
    const SUMMARY: &'static str = "Stops checking a watch until it is resumed";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["watch pause signups"];
    const COMPLETES: &'static [&'static str] = &["name"];
    type Args = WatchRef;

    async fn run(&self, call: &Call, args: WatchRef) -> Result<Reply, CommandError> {
        let mut watch = find(&self.book, &args.name).await?;
        let title = Card::titled(format!("The watch {} is paused", line(&watch.name)));
        let resume = Action::invoke("Resume", Invoke::of::<Resume>(&args));
        if let Some(since) = watch.paused {
            return Ok(Reply::new(title.and_text(format!("It has been for {}.", ago(since, call.now))).and_actions(vec![resume])));
        }
        watch.paused = Some(call.now);
        self.book.put(&watch).await?;
        let was_on = end_alerts(&*self.alerts, call, &watch).await?;
        let mut card =
            title.tone(Tone::Good).and_spans(vec![code(watch.condition.to_string()), " is not checked until it is resumed.".into()]);
        if was_on {
            card = card.and_text("Its alert was on, and is ended.");
        }
        Ok(Reply::new(card.and_actions(vec![resume])))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        names(&self.book, typed, |watch| watch.paused.is_none()).await
    }
}
