//! `file backup verify`: reads a run from its first byte to its last.

use super::book::Note;
use super::run::left_out;
use super::{Backup, BackupArgs, watch};
use crate::wording::{code, count, local};
use bellhop_core::error::PortErrorKind;
use bellhop_core::{Call, Card, CommandError, Reply, Span, Tone, text};

/// How many damages an answer names.
const NAMED: usize = 20;

impl Backup {
    pub(super) async fn verify(&self, call: &Call, args: &BackupArgs) -> Result<Reply, CommandError> {
        let plan = self.plan_of(call, args.name()?).await?;
        let note = self.complete(&plan, args.run.as_deref()).await?;
        let run = match self.open(&plan, &note.run).await {
            Ok(run) => run,
            Err(CommandError::Port(error)) if matches!(error.kind, PortErrorKind::Broken | PortErrorKind::NotFound) => {
                self.book.keep(&plan.name, &Note { verified: Some(self.book.now()), damaged: 1, ..note.clone() }).await?;
                let card = Card::titled(format!("The backup {} is damaged", plan.name)).tone(Tone::Bad);
                return Ok(Reply::new(card.and_spans(vec!["The run ".into(), code(&note.run), format!(": {}.", error.message).into()])));
            }
            Err(error) => return Err(error),
        };
        let damages = run.verify(&watch(call, format!("Checking the backup {}", plan.name), Some(run.manifest.size))).await?;
        let now = self.book.now();
        self.book.keep(&plan.name, &Note { verified: Some(now), damaged: damages.len() as u64, ..note.clone() }).await?;
        let objects = count(usize::try_from(run.manifest.files).unwrap_or(usize::MAX), "object");
        if damages.is_empty() {
            let card = Card::titled(format!("The backup {} is whole", plan.name)).tone(Tone::Good).and_spans(vec![
                "The run ".into(),
                code(&note.run),
                format!(
                    " of {}: {objects}, {}, each of them read and compared with its checksum.",
                    local(run.manifest.began, call.caller.zone),
                    text::bytes(run.manifest.size)
                )
                .into(),
            ]);
            return Ok(Reply::new(left_out(card, &run.manifest)));
        }
        let mut card = Card::titled(format!("The backup {} is damaged", plan.name)).tone(Tone::Bad).and_spans(vec![
            "The run ".into(),
            code(&note.run),
            format!(" has {objects}, and {} not as they were written:", damages.len()).into(),
        ]);
        for damage in damages.iter().take(NAMED) {
            let mut spans: Vec<Span> = vec![code(&damage.object)];
            if let Some(path) = &damage.path {
                spans.extend([" (".into(), code(path), ")".into()]);
            }
            spans.push(format!(": {}", damage.why).into());
            card = card.and_spans(spans);
        }
        if damages.len() > NAMED {
            card = card.and_text(format!("and {} more", damages.len() - NAMED));
        }
        Ok(Reply::new(card))
    }
}
