//! `file backup restore`: brings what a run holds into a store, or a channel's messages as a file to a place. Nothing that is there
//! is destroyed unless --replace says so. The bot's own database is not brought back from here: a bot that runs on it can't.

use super::archive::{Entry, Kind, Piece, Run};
use super::book::Plan;
use super::source::{Typed, read};
use super::{Backup, BackupArgs, channel, watch};
use crate::wording::{code, count, line, local};
use bellhop_core::card::{Block, FileBlock, FileSource};
use bellhop_core::error::PortErrorKind;
use bellhop_core::ports::{FileInfo, FileStore, NewFile, file_name};
use bellhop_core::{Audience, Call, Card, CommandError, PlaceRef, Reply, Span, Tone, text};
use futures::TryStreamExt as _;
use std::sync::Arc;

/// The largest transcript that is posted.
const POSTED: usize = 4 << 20;
/// How many names an answer has.
const NAMED: usize = 10;

/// What would be brought back, and what is in the way.
#[derive(Default)]
struct Survey {
    new: u64,
    same: u64,
    other: u64,
    /// The first of those in the way.
    named: Vec<String>,
}

/// What is made of a channel's messages: its name, its type, and whether it is for reading.
const TOLD: [(&str, &str, bool); 2] =
    [("messages.ndjson", "application/x-ndjson", false), ("transcript.txt", "text/plain; charset=utf-8", true)];

impl Survey {
    /// Looks at one name. What is to be there is known of what lies in the backup as it is.
    async fn look(&mut self, target: &Target, empty: bool, path: &str, piece: Option<&Piece>) -> Result<(), CommandError> {
        let name = format!("{}{path}", target.prefix);
        file_name(&name)?;
        if empty {
            self.new += 1;
            return Ok(());
        }
        let same = |there: &FileInfo| piece.is_some_and(|piece| there.size == piece.size && there.sha256.as_ref() == Some(&piece.sha256));
        match target.store.head(&name, None).await {
            Ok(there) if same(&there) => self.same += 1,
            Ok(_) => {
                self.other += 1;
                if self.named.len() < NAMED {
                    self.named.push(name);
                }
            }
            Err(error) if error.kind == PortErrorKind::NotFound => self.new += 1,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

struct Target {
    store: Arc<dyn FileStore>,
    prefix: String,
}

impl Backup {
    pub(super) async fn restore(&self, call: &Call, args: &BackupArgs) -> Result<Reply, CommandError> {
        let (plan, run) = self.chosen(call, args).await?;
        let to = args.to.as_deref().ok_or_else(|| CommandError::Missing(vec!["to"]))?;
        let stores = crate::file::stores_at(&self.stores, call).await;
        match read(&*stores, "to", to)? {
            Typed::Place(place) => self.posted(call, &plan, run, &place, args.dry_run).await,
            Typed::Own => Err(CommandError::invalid("to", "write STORE:FOLDER, or a place for a channel's messages")),
            Typed::Files { store, prefix } => {
                let target = Target { store: self.stores.store(Some(&store))?, prefix };
                let survey = self.survey(call, &run, &target).await?;
                if args.dry_run {
                    return Ok(Reply::new(planned(&plan, &run, to, &survey, args.replace)));
                }
                if survey.other > 0 && !args.replace {
                    return Err(in_the_way(to, &survey));
                }
                let written = self.written(call, &plan, &run, &target).await?;
                let card = Card::titled(format!("The backup {} is restored", plan.name)).tone(Tone::Good).and_spans(vec![
                    format!("{} of ", count(usize::try_from(written).unwrap_or(usize::MAX), "file")).into(),
                    local(run.manifest.began, call.caller.zone).into(),
                    " are in ".into(),
                    code(to),
                    format!(", {}, each compared with its checksum.", text::bytes(run.manifest.size)).into(),
                ]);
                let card = if survey.same > 0 {
                    card.and_text(format!("{} were there already as they are in the backup.", survey.same))
                } else {
                    card
                };
                Ok(Reply::new(super::run::left_out(card, &run.manifest)))
            }
        }
    }

    /// What --replace would do.
    pub(super) async fn restore_plan(&self, call: &Call, args: &BackupArgs) -> Result<Card, CommandError> {
        let (plan, run) = self.chosen(call, args).await?;
        let to = args.to.as_deref().ok_or_else(|| CommandError::Missing(vec!["to"]))?;
        let stores = crate::file::stores_at(&self.stores, call).await;
        let Typed::Files { store, prefix } = read(&*stores, "to", to)? else {
            return Err(CommandError::invalid("replace", "--replace goes with a store"));
        };
        let target = Target { store: self.stores.store(Some(&store))?, prefix };
        let survey = self.survey(call, &run, &target).await?;
        Ok(planned(&plan, &run, to, &survey, true))
    }

    async fn chosen(&self, call: &Call, args: &BackupArgs) -> Result<(Plan, Arc<Run>), CommandError> {
        let plan = self.plan_of(call, args.name()?).await?;
        let note = self.complete(&plan, args.run.as_deref()).await?;
        let run = self.open(&plan, &note.run).await?;
        if run.manifest.kind == Kind::Database {
            return Err(CommandError::Refused(format!(
                "the bot's own database is brought back while the bot is stopped: on its machine, run `bellhop restore --from {}{}`",
                plan.place(),
                note.run
            )));
        }
        Ok((plan, run))
    }

    /// Looks at what is there under the names that would be written.
    async fn survey(&self, call: &Call, run: &Run, target: &Target) -> Result<Survey, CommandError> {
        let mut survey = Survey::default();
        let watch = watch(call, "Looking at what is there", None);
        let empty = target.store.list(&target.prefix, None, 1).await?.files.is_empty();
        let channel = run.manifest.kind == Kind::Channel;
        for index in &run.manifest.index {
            for entry in run.entries(index).await?.into_iter().filter(|entry| !channel || !channel::is_messages(entry)) {
                survey.look(target, empty, &entry.path, Some(&entry.piece)).await?;
                watch.step().await?;
            }
        }
        for (name, ..) in if channel { &TOLD[..] } else { &[] } {
            survey.look(target, empty, name, None).await?;
        }
        Ok(survey)
    }

    /// Writes everything; a file that doesn't read as it was backed up is not written.
    async fn written(&self, call: &Call, plan: &Plan, run: &Arc<Run>, target: &Target) -> Result<u64, CommandError> {
        let watch = watch(call, format!("Restoring the backup {}", plan.name), Some(run.manifest.size));
        let (mut written, mut pages) = (0, Vec::new());
        for index in &run.manifest.index {
            for entry in run.entries(index).await? {
                if run.manifest.kind == Kind::Channel && channel::is_messages(&entry) {
                    pages.push(entry);
                    continue;
                }
                let file = NewFile::new(format!("{}{}", target.prefix, entry.path), entry.content_type.clone(), Some(entry.piece.size));
                target.store.write(file, watch.tap(run.content(&entry.piece).await?)).await?;
                watch.step().await?;
                written += 1;
            }
        }
        if run.manifest.kind == Kind::Channel {
            for (name, content_type, readable) in TOLD {
                let file = NewFile::new(format!("{}{name}", target.prefix), content_type, None);
                target.store.write(file, watch.tap(channel::told(run.clone(), pages.clone(), readable))).await?;
                written += 1;
            }
        }
        Ok(written)
    }

    /// Posts a channel's messages, to be read, as one file.
    async fn posted(&self, call: &Call, plan: &Plan, run: Arc<Run>, place: &PlaceRef, dry: bool) -> Result<Reply, CommandError> {
        if run.manifest.kind != Kind::Channel {
            return Err(CommandError::invalid("to", "files go to a store: write STORE:FOLDER, and `file share` what is wanted from there"));
        }
        let to = self.places.resolve(place, &call.at).await?;
        let spelled = self.places.spell(&to).await;
        if dry {
            return Ok(Reply::new(Card::text(format!(
                "The messages of {} would be posted in {spelled} as one file.",
                run.manifest.source
            ))));
        }
        let mut pages: Vec<Entry> = Vec::new();
        for index in &run.manifest.index {
            pages.extend(run.entries(index).await?.into_iter().filter(channel::is_messages));
        }
        let (mut story, mut bytes) = (channel::told(run.clone(), pages, true), Vec::new());
        while let Some(piece) = story.try_next().await? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > POSTED {
                return Err(CommandError::Refused(format!(
                    "what was said is longer than {}: restore it to a store, and `file share` transcript.txt from there",
                    text::bytes(POSTED as u64)
                )));
            }
        }
        let block = Block::File(FileBlock {
            name: format!("{}-transcript.txt", plan.name),
            content_type: "text/plain; charset=utf-8".to_owned(),
            size: bytes.len() as u64,
            source: FileSource::Inline(bytes.into()),
        });
        let card = Card::titled(format!("What was said in {}", run.manifest.source))
            .and_text(format!("Backed up {}.", local(run.manifest.began, call.caller.zone)))
            .block(block);
        self.announcer.announce(&to, card, Audience::Everyone, Some(format!("backup:{}", call.id).into()), call).await?;
        Ok(Reply::new(
            Card::titled(format!("The backup {} is restored", plan.name))
                .tone(Tone::Good)
                .and_text(format!("What was said is posted in {spelled}.")),
        ))
    }
}

fn in_the_way(to: &str, survey: &Survey) -> CommandError {
    let named = survey.named.iter().map(|name| line(name)).collect::<Vec<_>>().join(", ");
    let more = if survey.other > survey.named.len() as u64 { ", ..." } else { "" };
    CommandError::Refused(format!(
        "in {to} there are {} with other content: {named}{more}. Nothing was written; choose another folder, or add --replace",
        count(usize::try_from(survey.other).unwrap_or(usize::MAX), "file")
    ))
}

fn planned(plan: &Plan, run: &Run, to: &str, survey: &Survey, replace: bool) -> Card {
    let mut card = Card::titled(format!("Restore the backup {}?", plan.name)).and_spans(vec![
        "This would write ".into(),
        Span::Bold(count(usize::try_from(survey.new + survey.same + survey.other).unwrap_or(usize::MAX), "file")),
        format!(" ({}) of ", text::bytes(run.manifest.size)).into(),
        code(&run.manifest.source),
        " to ".into(),
        code(to),
        ".".into(),
    ]);
    if survey.same > 0 {
        card = card.and_text(format!("{} are there already as they are in the backup.", survey.same));
    }
    if survey.other > 0 {
        let what = if replace { "would be replaced" } else { "are in the way, and nothing is written without --replace" };
        card = card.tone(Tone::Warning).and_spans(vec![Span::Bold(format!(
            "{} with other content {what}:",
            count(usize::try_from(survey.other).unwrap_or(usize::MAX), "file")
        ))]);
        for name in &survey.named {
            card = card.and_spans(vec![code(name)]);
        }
    }
    card
}
