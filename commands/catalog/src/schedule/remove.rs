//! `schedule remove`: stops a command from running by itself. The answer has the line that adds it again.

use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Places, ScheduleBook};
use bellhop_core::tokenise::quote;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `schedule remove`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct RemoveArgs {
    /// The schedule's id, from `schedule list`
    pub id: String,
}

/// Removes a schedule.
pub struct Remove {
    schedules: Arc<dyn ScheduleBook>,
    places: Arc<dyn Places>,
}

impl Remove {
    /// With the schedules and the places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { schedules: services.schedules.clone(), places: services.places.clone() }
    }
}

impl Command for Remove {
    const NAME: &'static str = "schedule remove";
    const SUMMARY: &'static str = "Stops a command from running by itself";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["schedule remove 3f9a1c"];
    const COMPLETES: &'static [&'static str] = &["id"];
    type Args = RemoveArgs;

    async fn run(&self, _call: &Call, args: RemoveArgs) -> Result<Reply, CommandError> {
        let id = args.id.trim();
        let Some(gone) = self.schedules.remove(id).await? else {
            let known: Vec<String> = self.schedules.list().await?.into_iter().map(|schedule| schedule.id).collect();
            let nearest = bellhop_core::nearest::nearest(id, known.iter().map(String::as_str)).map(str::to_owned);
            return Err(CommandError::NotFound { what: "schedule", name: id.to_owned(), nearest });
        };
        let to = self.places.spell(&gone.to).await;
        let again = if gone.once() {
            let at = gone.next.with_timezone(&gone.zone).format("%Y-%m-%d %H:%M");
            let rest = gone.line.strip_prefix(gone.invoke.command.as_str()).unwrap_or_default();
            format!("/{} --at \"{at}\"{rest}", gone.invoke.command)
        } else {
            format!("/schedule add {} --tz {} --to {} -- {}", quote(&gone.cron), gone.zone.name(), quote(&to), gone.line)
        };
        let card = Card::titled("Schedule removed")
            .tone(Tone::Good)
            .and_spans(vec![code(&gone.line), " no longer runs by itself.".into()])
            .and_actions(vec![Action::prefill("Add it again", again)]);
        Ok(Reply::new(card))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        let Ok(schedules) = self.schedules.list().await else { return Vec::new() };
        crate::wording::suggest(typed, schedules.into_iter().map(|schedule| (schedule.id, schedule.line)))
    }
}
