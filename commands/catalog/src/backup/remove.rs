//! `file backup remove`: forgets a backup; with `--files` what it has stored goes, too.

use super::archive::discard;
use super::book::{Plan, State};
use super::{Backup, BackupArgs, watch};
use crate::wording::{code, count};
use bellhop_core::{Call, Card, CommandError, Reply, Span, Tone, text};

impl Backup {
    pub(super) async fn remove(&self, call: &Call, args: &BackupArgs) -> Result<Reply, CommandError> {
        let plan = self.plan_of(call, args.name()?).await?;
        if let Some(id) = &plan.schedule {
            self.schedules.remove(id).await?;
        }
        let notes = self.book.notes(&plan.name).await?;
        let card = Card::titled(format!("The backup {} is removed", plan.name)).tone(Tone::Good);
        if !args.files {
            self.book.remove(&plan.name).await?;
            let runs = notes.iter().filter(|note| note.state == State::Done).count();
            let stay =
                format!("{} stay in {}; a backup of the same name to the same place finds them again.", count(runs, "run"), plan.place());
            return Ok(Reply::new(if runs == 0 { card } else { card.and_text(stay) }));
        }
        let store = self.store(&plan)?;
        let gone = discard(&*store, &plan.folder(), &watch(call, format!("Deleting the backup {}", plan.name), None)).await?;
        self.book.remove(&plan.name).await?;
        Ok(Reply::new(card.and_text(format!(
            "{} deleted from {}.",
            count(usize::try_from(gone).unwrap_or(usize::MAX), "object"),
            plan.place()
        ))))
    }

    pub(super) async fn remove_plan(&self, call: &Call, args: &BackupArgs) -> Result<Card, CommandError> {
        let plan: Plan = self.plan_of(call, args.name()?).await?;
        let notes = self.book.notes(&plan.name).await?;
        let done = || notes.iter().filter(|note| note.state == State::Done);
        Ok(Card::titled(format!("Delete the backup {}?", plan.name)).tone(Tone::Warning).and_spans(vec![
            "This would delete everything in ".into(),
            code(plan.place()),
            format!(": {}, {}. ", count(done().count(), "run"), text::bytes(done().map(|note| note.stored).sum())).into(),
            Span::Bold("What is backed up there is gone then.".into()),
        ]))
    }
}
