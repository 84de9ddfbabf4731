//! `schedule list`: what runs by itself.

use super::remove::{Remove, RemoveArgs};
use crate::wording::{code, count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::ports::{Places, Schedule, ScheduleBook};
use bellhop_core::{Action, Call, Card, Command, CommandError, Invoke, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many schedules get a button.
const BUTTONS: usize = 5;

/// Arguments of `schedule list`.
#[derive(Clone, Copy, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct ListArgs {
    /// Only your own
    #[arg(long)]
    #[serde(default)]
    pub mine: bool,
}

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
    const EXAMPLES: &'static [&'static str] = &["schedule list", "schedule list --mine"];
    type Args = ListArgs;

    async fn run(&self, call: &Call, args: ListArgs) -> Result<Reply, CommandError> {
        let mut schedules = self.schedules.list().await?;
        let all = schedules.len();
        schedules.retain(|schedule| !args.mine || schedule.owner == call.caller.user);
        let title = if args.mine { "Your schedules" } else { "Schedules" };
        if schedules.is_empty() && all > 0 {
            let others = format!("Nothing of yours runs by itself; of others {}.", count(all, "schedule"));
            return Ok(Reply::new(Card::titled(title).and_text(others)));
        }
        if schedules.is_empty() {
            let example = Action::prefill("Schedule a report", "/schedule add \"0 9 * * 1-5\" report page_views 7d");
            return Ok(Reply::new(Card::titled(title).and_text("Nothing runs by itself yet.").and_actions(vec![example])));
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
            Card::titled(title)
                .and_text(format!("{}.", count(schedules.len(), "schedule")))
                .block(Block::Table(table))
                .and_actions(actions),
        ))
    }
}
