//! `watch resume`: a paused watch is checked again, and begins anew: what was found before the pause counts no more.

use super::pause::Pause;
use super::{WatchBook, WatchRef, find, names};
use crate::wording::{code, line, local};
use bellhop_core::command::Suggestion;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Tone};

/// Resumes a watch.
pub struct Resume {
    book: WatchBook,
}

impl Resume {
    /// With the watches.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { book: WatchBook::new(services.records.clone()) }
    }
}

impl Command for Resume {
    const NAME: &'static str = "watch resume";
    const SUMMARY: &'static str = "Checks a paused watch again";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["watch resume signups"];
    const COMPLETES: &'static [&'static str] = &["name"];
    type Args = WatchRef;

    async fn run(&self, call: &Call, args: WatchRef) -> Result<Reply, CommandError> {
        let mut watch = find(&self.book, &args.name).await?;
        if watch.paused.take().is_none() {
            let card = Card::titled(format!("The watch {} is not paused", line(&watch.name)));
            let pause = Action::invoke("Pause", Invoke::of::<Pause>(&args));
            return Ok(Reply::new(card.and_text(format!("It is checked every {}.", watch.every)).and_actions(vec![pause])));
        }
        watch.since = call.now;
        self.book.put(&watch).await?;
        let next = local(watch.first_due(), call.caller.zone);
        let card = Card::titled(format!("The watch {} is resumed", line(&watch.name)))
            .tone(Tone::Good)
            .and_spans(vec![code(watch.condition.to_string()), format!(" is checked every {}, first {next}.", watch.every).into()]);
        Ok(Reply::new(card))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        names(&self.book, typed, |watch| watch.paused.is_some()).await
    }
}
