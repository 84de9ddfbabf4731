//! `file backup list`: the backups, or the runs of one.

use super::book::{Note, Plan, State};
use super::{Backup, BackupArgs, Verb, allowed};
use crate::wording::{ago, code, count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::ports::Schedule;
use bellhop_core::{Action, Call, Card, CommandError, Invoke, Reply, Span, Tone, text};

impl Backup {
    pub(super) async fn list(&self, call: &Call, args: &BackupArgs) -> Result<Reply, CommandError> {
        let schedules = self.schedules.list().await?;
        match &args.name {
            None => Ok(Reply::new(self.all(call, &schedules).await?)),
            Some(name) => {
                let plan = self.plan_of(call, name).await?;
                let keys = self.keys(&plan)?;
                self.adopt(call, &plan, keys.as_ref()).await?;
                Ok(Reply::new(self.one(call, &plan, &schedules).await?))
            }
        }
    }

    async fn all(&self, call: &Call, schedules: &[Schedule]) -> Result<Card, CommandError> {
        let plans: Vec<Plan> = self.book.plans().await?.into_iter().filter(|plan| allowed(call, &plan.source).is_ok()).collect();
        if plans.is_empty() {
            return Ok(Card::text("Nothing is backed up yet. `file backup add NAME --from SOURCE --to STORE` sets a backup up."));
        }
        let mut rows = Vec::new();
        for plan in &plans {
            let notes = self.book.notes(&plan.name).await?;
            let last = notes.iter().rev().find(|note| note.state == State::Done);
            let failed = notes.last().filter(|note| note.state != State::Done);
            rows.push(vec![
                vec![code(&plan.name)],
                vec![line(&plan.source.to_string()).into()],
                vec![line(&plan.place()).into()],
                vec![last.map_or("never".to_owned(), |note| format!("{} ago", ago(note.began, call.now))).into()],
                vec![last.map_or(String::new(), |note| text::bytes(note.size)).into()],
                vec![failed.or(last).map_or(String::new(), |note| state(note, call)).into()],
                vec![next(plan, schedules, call).into()],
            ]);
        }
        let headings = ["Name", "Of", "To", "Last", "Size#", "State", "Next"];
        let card = Card::titled("Backups").and_text(count(plans.len(), "backup"));
        Ok(card.block(Block::Table(table("backups", &headings, rows))))
    }

    async fn one(&self, call: &Call, plan: &Plan, schedules: &[Schedule]) -> Result<Card, CommandError> {
        let notes = self.book.notes(&plan.name).await?;
        let mut card = Card::titled(format!("Backup {}", plan.name)).and_spans(vec![
            code(plan.source.to_string()),
            " to ".into(),
            code(plan.place()),
            format!("{}; next run: {}.", if plan.plain { ", not encrypted" } else { ", encrypted" }, next(plan, schedules, call)).into(),
        ]);
        if let Some(keep) = plan.keep {
            card = card.and_text(format!("{} stay.", count(keep as usize, "run")));
        }
        if notes.is_empty() {
            card = card.and_text("It has not run yet.");
        } else {
            let rows = notes.iter().rev().map(|note| row(note, call)).collect();
            let headings = ["Run", "When", "Objects#", "Size#", "Takes#", "State"];
            card = card.block(Block::Table(table(format!("runs of {}", plan.name), &headings, rows)));
        }
        for failed in notes.iter().rev().filter(|note| note.state == State::Failed).take(1) {
            card = card
                .tone(Tone::Warning)
                .and_text(text::shorten(&format!("The last failure: {}", failed.why.as_deref().unwrap_or("unknown")), 500));
        }
        let act = |label: &str, verb| Action::invoke(label, Invoke::of::<Backup>(&BackupArgs::of(verb, &plan.name)));
        let mut actions = vec![act("Run now", Verb::Run)];
        if notes.iter().any(|note| note.state == State::Done) {
            actions.push(act("Verify", Verb::Verify));
        }
        Ok(card.and_actions(actions))
    }
}

fn row(note: &Note, call: &Call) -> Vec<Vec<Span>> {
    let done = note.state == State::Done;
    let figure = |text: String| vec![Span::from(if done { text } else { String::new() })];
    vec![
        vec![code(&note.run)],
        vec![local(note.began, call.caller.zone).into()],
        figure(text::grouped(i64::try_from(note.files).unwrap_or(i64::MAX))),
        figure(text::bytes(note.size)),
        figure(text::bytes(note.stored)),
        vec![state(note, call).into()],
    ]
}

fn state(note: &Note, call: &Call) -> String {
    match (note.state, note.verified) {
        (State::Running, _) if note.dead(call.now, &call.id) => "ended in the middle".to_owned(),
        (State::Running, _) => "running".to_owned(),
        (State::Failed, _) => "failed".to_owned(),
        (State::Done, _) if note.damaged > 0 => "damaged".to_owned(),
        (State::Done, _) if note.lacking => format!("{} left out", note.left_out),
        (State::Done, Some(at)) => format!("verified {} ago", ago(at, call.now)),
        (State::Done, None) => "complete".to_owned(),
    }
}

fn next(plan: &Plan, schedules: &[Schedule], call: &Call) -> String {
    let Some(id) = &plan.schedule else { return "by hand".to_owned() };
    let found = schedules.iter().find(|schedule| schedule.id == *id);
    found.map_or("its schedule was removed".to_owned(), |schedule| local(schedule.next, call.caller.zone))
}
