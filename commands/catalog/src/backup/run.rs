//! `file backup run`: makes a backup. What fails in the middle leaves no run, and is cleared away by the next one.

use super::archive::{Kind, Manifest, Run, RunWriter, Watch, discard, fresh_run};
use super::book::{Note, Plan, State};
use super::source::Source;
use super::{Backup, BackupArgs, channel, gather, watch};
use crate::wording::{code, count};
use bellhop_core::card::{Block, Field};
use bellhop_core::error::PortErrorKind;
use bellhop_core::ports::FileStore;
use bellhop_core::{Call, Card, CommandError, Reply, Span, Tone, text};
use std::sync::Arc;

impl Backup {
    pub(super) async fn make(&self, call: &Call, args: &BackupArgs) -> Result<Reply, CommandError> {
        let plan = self.plan_of(call, args.name()?).await?;
        let store = self.store(&plan)?;
        let notes = self.book.notes(&plan.name).await?;
        // The bot died after it was done and before it could say so: it is done.
        if let Some(note) = notes.iter().rev().find(|note| note.call == call.id && note.state == State::Done) {
            let run = self.open(&plan, &note.run).await?;
            return Ok(Reply::new(made(&plan, note, &run.manifest, 0, None)));
        }
        self.clear(call, &plan, &store, &notes).await?;
        let run = fresh_run(self.book.now())?;
        let note = Note::begun(&run, &call.id, self.book.now());
        self.book.keep(&plan.name, &note).await?;
        let manifest = match self.write(call, &plan, &*store, &note).await {
            Ok(manifest) => manifest,
            Err(error) => return Err(self.give_up(call, &plan, &*store, note, error).await),
        };
        let note = note.done(&manifest);
        self.book.keep(&plan.name, &note).await?;
        let (gone, kept_why) = self.prune(call, &plan, &*store, note.clone()).await?;
        let note = self.book.note(&plan.name, &run).await?.unwrap_or(note);
        Ok(Reply::new(made(&plan, &note, &manifest, gone, kept_why.as_deref())))
    }

    /// Clears away what runs that ended in the middle left. One that has its manifest is a run, whatever its note says: the bot died
    /// just then, or the note comes from the very backup that it was restored from.
    async fn clear(&self, call: &Call, plan: &Plan, store: &Arc<dyn FileStore>, notes: &[Note]) -> Result<(), CommandError> {
        let (dead, rest): (Vec<&Note>, Vec<&Note>) = notes.iter().partition(|note| note.dead(self.book.now(), &call.id));
        let watch = watch(call, format!("Clearing away what an earlier run of {} left", plan.name), None);
        for note in dead {
            if note.state == State::Running && self.is_whole(plan, store, note).await? {
                continue;
            }
            // Noted first: were it not dead after all, it must not finish over what is being removed.
            self.book.keep(&plan.name, &Note { state: State::Failed, ..note.clone() }).await?;
            discard(&**store, &plan.base(&note.run), &watch).await?;
            self.book.forget(&plan.name, &note.run).await?;
        }
        let alive = rest.iter().any(|note| note.state == State::Running);
        Ok(self.book.clear_uploads(&**store, alive).await?)
    }

    /// Whether a run whose note says that it isn't over has its manifest; the note then says so, too.
    pub(super) async fn is_whole(&self, plan: &Plan, store: &Arc<dyn FileStore>, note: &Note) -> Result<bool, CommandError> {
        match Run::open(store.clone(), &plan.base(&note.run), &plan.name, &note.run, self.keys(plan)?.as_ref()).await {
            Ok(run) => {
                self.book.keep(&plan.name, &note.clone().done(&run.manifest)).await?;
                Ok(true)
            }
            Err(error) if error.kind == PortErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn write(&self, call: &Call, plan: &Plan, store: &dyn FileStore, note: &Note) -> Result<Manifest, CommandError> {
        let keys = self.keys(plan)?;
        let beat = self.book.beat(&plan.name, note);
        let what = format!("Backing up {}", plan.source);
        let watch = Watch::beating(what, None, call.progress.clone(), call.stop.clone(), Some(beat.clone()));
        let kind = match &plan.source {
            Source::Database => Kind::Database,
            Source::Files { .. } => Kind::Files,
            Source::Channel { .. } => Kind::Channel,
        };
        let mut writer = RunWriter::new(
            store,
            &self.book,
            plan.base(&note.run),
            (&plan.name, &note.run),
            keys.as_ref(),
            (plan.source.to_string(), kind),
            watch,
            self.book.now(),
        )?;
        match &plan.source {
            Source::Database => gather::database(&mut writer, &*self.database).await?,
            Source::Files { store, prefix } => gather::files(&mut writer, plan, &*self.stores.store(Some(store))?, prefix).await?,
            Source::Channel { at, .. } => {
                let platform = self.platforms.platform(&at.chat).ok_or_else(|| CommandError::not_found("chat", at.chat.as_str()))?;
                channel::messages(&mut writer, &*platform, at).await?;
            }
        }
        Ok(writer.finish(self.book.now(), beat.still_ours()).await?)
    }

    /// Nothing of a run that failed stays, as far as the store lets us.
    async fn give_up(&self, call: &Call, plan: &Plan, store: &dyn FileStore, note: Note, error: CommandError) -> CommandError {
        let quiet = Watch::new("Clearing away", None, call.progress.clone(), bellhop_core::ports::Stop::new());
        let failed = Note { state: State::Failed, ended: Some(self.book.now()), why: Some(error.to_string()), ..note };
        if discard(store, &plan.base(&failed.run), &quiet).await.is_ok() {
            // Where even that fails, the note still says that it runs, and a later run clears it away once it is old enough.
            let _ = self.book.keep(&plan.name, &failed).await;
        }
        match error {
            CommandError::Port(error) if error.service == super::archive::SERVICE => {
                CommandError::Refused(format!("the backup {} was not made: {}", plan.name, error.message))
            }
            error => error,
        }
    }

    /// Removes the oldest complete runs, beyond as many as stay. What goes first is only what a later run stands in for that was
    /// read back whole and lacks nothing.
    async fn prune(&self, call: &Call, plan: &Plan, store: &dyn FileStore, newest: Note) -> Result<(usize, Option<String>), CommandError> {
        let Some(keep) = plan.keep else { return Ok((0, None)) };
        let done: Vec<Note> = self.book.notes(&plan.name).await?.into_iter().filter(|note| note.state == State::Done).collect();
        let surplus = done.len().saturating_sub(keep as usize);
        if surplus == 0 {
            return Ok((0, None));
        }
        let why = if newest.lacking { Some("lacks something") } else { (newest.files == 0).then_some("is empty") };
        if let Some(why) = why {
            return Ok((0, Some(format!("no older run was removed, since this one {why}"))));
        }
        let opened = self.open(plan, &newest.run).await?;
        let watch = watch(call, format!("Checking the backup {}", plan.name), Some(newest.size));
        let damages = opened.verify(&watch).await?;
        let checked = Note { verified: Some(self.book.now()), damaged: damages.len() as u64, ..newest };
        self.book.keep(&plan.name, &checked).await?;
        if let Some(damage) = damages.first() {
            let why =
                format!("no older run was removed, since this one did not read back as it was written: {} ({})", damage.object, damage.why);
            return Ok((0, Some(why)));
        }
        let watch = super::watch(call, format!("Removing old runs of {}", plan.name), None);
        for old in done.iter().filter(|note| note.run != checked.run).take(surplus) {
            discard(store, &plan.base(&old.run), &watch).await?;
            self.book.forget(&plan.name, &old.run).await?;
        }
        Ok((surplus, None))
    }
}

/// What was made.
fn made(plan: &Plan, note: &Note, manifest: &Manifest, gone: usize, kept_why: Option<&str>) -> Card {
    let field = |name: &str, value: Span| Field { name: name.to_owned(), value: vec![value] };
    let objects = usize::try_from(manifest.files).unwrap_or(usize::MAX);
    let fields = vec![
        field("Run", code(&note.run)),
        field("Of", code(&manifest.source)),
        field("Holds", format!("{}, {}", count(objects, "object"), text::bytes(manifest.size)).into()),
        field("Takes", format!("{} in {}", text::bytes(manifest.stored), plan.place()).into()),
        field("Encrypted", if plan.plain { "no" } else { "yes" }.into()),
    ];
    let sound = manifest.left_out == 0 && kept_why.is_none();
    let mut card = Card::titled(format!("The backup {} is made", plan.name)).tone(if sound { Tone::Good } else { Tone::Warning });
    card = card.block(Block::Fields(fields));
    card = left_out(card, manifest);
    if let Some(why) = kept_why {
        card = card.and_text(text::shorten(&format!("Note: {why}."), 500));
    }
    if note.verified.is_some() && note.damaged == 0 {
        card = card.and_text("It was read back, and is whole.");
    }
    if gone > 0 {
        card = card.and_text(format!("{} removed, as --keep says.", count(gone, "older run")));
    }
    card
}

/// What is not in a run although it was meant to be.
pub(super) fn left_out(mut card: Card, manifest: &Manifest) -> Card {
    if manifest.left_out == 0 {
        return card;
    }
    card = card.and_text(format!(
        "{} could not be read and is not in it:",
        count(usize::try_from(manifest.left_out).unwrap_or(usize::MAX), "thing")
    ));
    for left_out in manifest.first_left_out.iter().take(5) {
        card = card.and_spans(vec![code(&left_out.path), format!(": {}", text::shorten(&left_out.why, 200)).into()]);
    }
    card
}
