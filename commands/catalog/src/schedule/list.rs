//! `schedule list`: what runs by itself.

use super::remove::{Remove, RemoveArgs};
use crate::wording::{code, count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::NoArgs;
use bellhop_core::ports::{Places, Schedule, ScheduleBook};
use bellhop_core::{Action, Call, Card, Command, CommandError, Invoke, Reply};
use std::sync::Arc;

/// How many schedules get a button.
const BUTTONS: usize = 5;

/// Lists schedules.
pub struct List {
    schedules: Arc<dyn ScheduleBook>,
    places: Arc<dyn Places>,
}

impl List {
    /// With the schedules and the places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { schedules: services.schedules.clone(), places: services.places.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "schedule list";
    const SUMMARY: &'static str = "Lists the commands that run by themselves";
    const EXAMPLES: &'static [&'static str] = &["schedule list"];
    type Args = NoArgs;

    async fn run(&self, _call: &Call, _args: NoArgs) -> Result<Reply, CommandError> {
        let schedules = self.schedules.list().await?;
        if schedules.is_empty() {
            let example = Action::prefill("Schedule a report", "/schedule add \"0 9 * * 1-5\" report page_views 7d");
            return Ok(Reply::new(Card::titled("Schedules").and_text("Nothing runs by itself yet.").and_actions(vec![example])));
        }
        let mut rows = Vec::new();
        for schedule in &schedules {
            rows.push(vec![
                vec![code(&schedule.id)],
                vec![code(&schedule.line)],
                vec![if schedule.once() { Schedule::ONCE.into() } else { format!("{} ({})", schedule.cron, schedule.zone.name()).into() }],
                vec![local(schedule.next, schedule.zone).into()],
                vec![code(self.places.spell(&schedule.to).await)],
                vec![line(&schedule.owner_name).into()],
            ]);
        }
        let actions = schedules
            .iter()
            .take(BUTTONS)
            .map(|schedule| {
                Action::invoke(format!("Remove {}", schedule.id), Invoke::of::<Remove>(&RemoveArgs { id: schedule.id.clone() }))
            })
            .collect();
        let table = table("schedules", &["Id", "Runs", "When", "Next", "Answers to", "Owner"], rows);
        Ok(Reply::new(
            Card::titled("Schedules")
                .and_text(format!("{}.", count(schedules.len(), "schedule")))
                .block(Block::Table(table))
                .and_actions(actions),
        ))
    }
}
