//! `watch remove`: stops watching. An alert that is on is ended, and the answer has the button that makes the watch again.

use super::add::{Add, AddArgs, Severity};
use super::{WatchBook, WatchRef, end_alerts, find, names, unknown};
use crate::wording::{code, line};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{AlertDesk, Places};
use bellhop_core::watch::Watch;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Tone};
use std::sync::Arc;

/// Removes a watch.
pub struct Remove {
    book: WatchBook,
    alerts: Arc<dyn AlertDesk>,
    places: Arc<dyn Places>,
}

impl Remove {
    /// With the watches, the desk of alerts and the places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { book: WatchBook::new(services.records.clone()), alerts: services.alerts.clone(), places: services.places.clone() }
    }
}

impl Command for Remove {
    const NAME: &'static str = "watch remove";
    const SUMMARY: &'static str = "Stops watching a metric";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["watch remove signups"];
    const COMPLETES: &'static [&'static str] = &["name"];
    type Args = WatchRef;

    async fn run(&self, call: &Call, args: WatchRef) -> Result<Reply, CommandError> {
        let name = args.name.trim();
        let kept = self.book.all().await?;
        if kept.unreadable.iter().any(|unreadable| unreadable == name) {
            self.book.remove(name).await?;
            let card = Card::titled(format!("The watch {} is removed", line(name))).tone(Tone::Good);
            return Ok(Reply::new(card.and_text("It could not be read, so it can't be made again from here.")));
        }
        let watch = find(&self.book, name).await?;
        if !self.book.remove(name).await? {
            return Err(unknown(&self.book, name).await);
        }
        let was_on = end_alerts(&*self.alerts, call, &watch).await?;
        let again = self.again(&watch, call).await;
        let mut card = Card::titled(format!("The watch {} is removed", line(&watch.name)))
            .tone(Tone::Good)
            .and_spans(vec![code(watch.condition.to_string()), " is not checked any more.".into()]);
        if was_on {
            card = card.and_text("Its alert was on, and is ended.");
        }
        Ok(Reply::new(card.and_actions(vec![Action::invoke("Undo", again)])))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        names(&self.book, typed, |_| true).await
    }
}

impl Remove {
    /// What makes the watch again.
    async fn again(&self, watch: &Watch, call: &Call) -> Invoke {
        let to = if watch.to == call.at { None } else { self.places.spell(&watch.to).await.parse().ok() };
        let severity = match watch.severity.as_str() {
            "critical" => Severity::Critical,
            "info" => Severity::Info,
            _ => Severity::Warning,
        };
        Invoke::of::<Add>(&AddArgs {
            condition: watch.condition.to_string(),
            rest: Vec::new(),
            every: Some(watch.every),
            to,
            name: Some(watch.name.clone()),
            severity: Some(severity),
            tz: Some(watch.zone),
        })
    }
}
