//! What is said when a copy or a move is over: what was done, how it was checked, and what was not done and why.

use super::Ends;
use super::job::{Done, How, Job, Trouble};
use super::notes::KEPT_HOURS;
use super::run::{Tally, moved_info, of_all};
use crate::file::{short_sum, size};
use crate::wording::{code, count, line, table};
use bellhop_core::card::{Block, Field, FileBlock, FileSource, Table};
use bellhop_core::{Card, CommandError, Reply, Span, Tone, plain, text};
use std::sync::Arc;

/// How many files are listed in the card itself.
const SHOWN: usize = 20;

/// The answer.
pub(super) async fn answer(job: &Job, ends: &Ends, tally: Tally) -> Result<Reply, CommandError> {
    if tally.stopped {
        return Err(CommandError::Cancelled(Box::new(cancelled(job, ends, &tally))));
    }
    if tally.moved_before {
        return Ok(Reply::new(moved_before(job, ends).await));
    }
    if !ends.many {
        return one(job, ends, tally);
    }
    let card = many(job, ends, &tally);
    if tally.failed > 0 || tally.cut_off.is_some() {
        return Err(CommandError::Partly(Box::new(card)));
    }
    Ok(Reply::new(card))
}

fn verb(job: &Job) -> &'static str {
    if job.moving { "Moved" } else { "Copied" }
}

fn arrow(ends: &Ends) -> Vec<Span> {
    vec![code(&ends.from.spelled), " → ".into(), code(&ends.to.spelled)]
}

async fn moved_before(job: &Job, ends: &Ends) -> Card {
    let mut spans = arrow(ends);
    match moved_info(job).await {
        Some(info) => spans.push(format!(", {}. It was copied and checked before the bot was stopped.", size(info.size).text()).into()),
        None => spans.push(". Everything had been copied and checked before the bot was stopped.".into()),
    }
    Card::titled(format!("Moved {}", line(&ends.from.spelled))).tone(Tone::Good).and_spans(spans)
}

fn one(job: &Job, ends: &Ends, tally: Tally) -> Result<Reply, CommandError> {
    let Some(done) = tally.last else {
        let to = &ends.to.spelled;
        return Err(match tally.trouble {
            Some(Trouble::There) => CommandError::Refused(format!(
                "there is another file {to} already, and its store keeps no versions; add --replace to lose it, or choose another name"
            )),
            Some(trouble) => of_all(trouble),
            None => CommandError::Refused("nothing was copied".to_owned()),
        });
    };
    let mut spans = arrow(ends);
    spans.push(format!(", {}.", size(done.source.size).text()).into());
    if job.dry {
        spans.push(
            match (done.how, done.replaced) {
                (How::Before, _) => " It is there already, with the same checksum: nothing would be copied.",
                (_, true) if job.ports.to.versioned() => " It would replace what is there, which is kept as a version.",
                (_, true) => " It would replace what is there.",
                (_, false) => " It would be copied.",
            }
            .into(),
        );
        return Ok(Reply::new(Card::titled("Nothing was changed").and_spans(spans)));
    }
    if done.replaced {
        let versioned = job.ports.to.versioned();
        spans.push(if versioned { " What was there is kept as a version." } else { " What was there is replaced." }.into());
    }
    if done.untagged {
        spans.push(" The target doesn't take its tags, which were left behind.".into());
    }
    let title = format!("{} {}", verb(job), line(&ends.from.name));
    Ok(Reply::new(Card::titled(title).tone(Tone::Good).and_spans(spans).and_spans(checked(&done))))
}

/// How it is known that the target has what the source has.
fn checked(done: &Done) -> Vec<Span> {
    match (done.how, &done.info.sha256) {
        (How::Told, Some(sum)) => {
            vec!["Checked: the target says that it has the SHA-256 of what was read, ".into(), short_sum(sum), ".".into()]
        }
        (How::Told, None) => vec!["Checked: the target has the SHA-256 of what was read.".into()],
        (How::ReadBack, _) => vec!["Checked: it was read back, and has the SHA-256 of what was sent.".into()],
        (How::Parts(1), _) => vec!["Checked: its only part was read back, and has the SHA-256 of what was sent.".into()],
        (How::Parts(parts), _) => {
            let parts = count(parts as usize, "part");
            vec![format!("Checked: it was read back in {parts}, each with the SHA-256 of what was sent.").into()]
        }
        (How::ByStore(true), _) => vec!["The store copied it by itself, and gives the same checksum of both.".into()],
        (How::ByStore(false), _) => vec!["The store copied it by itself, with the same size; it gives no checksum of its files.".into()],
        (How::Before, _) => vec!["It was there already, with the same size and checksum: nothing was sent.".into()],
        (How::Planned, _) => Vec::new(),
    }
}

fn files(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "file")
}

fn many(job: &Job, ends: &Ends, tally: &Tally) -> Card {
    let whole = tally.failed == 0 && tally.cut_off.is_none();
    let title = match (job.dry, whole) {
        (true, _) => "Nothing was changed".to_owned(),
        (false, true) => format!("{} {}", verb(job), line(&ends.from.spelled)),
        (false, false) => format!("{} not all of {}", verb(job), line(&ends.from.spelled)),
    };
    let mut card = Card::titled(title).tone(match (whole, job.dry) {
        (false, _) => Tone::Warning,
        (true, true) => Tone::Neutral,
        (true, false) => Tone::Good,
    });
    card = card.and_spans(arrow(ends));
    let mut fields = Vec::new();
    let mut field = |name: &str, value: String| fields.push(Field { name: name.to_owned(), value: vec![value.into()] });
    let amount = |files_: u64, bytes: u64| format!("{}, {}", files(files_), text::bytes(bytes));
    field(if job.dry { "Would be copied" } else { verb(job) }, amount(tally.copied.files, tally.copied.bytes));
    if tally.same.files > 0 {
        field("There already", amount(tally.same.files, tally.same.bytes));
    }
    if tally.replaced > 0 {
        let kept = if job.ports.to.versioned() { ", what was there is kept as versions" } else { "" };
        field(if job.dry { "Of these replacing" } else { "Replaced" }, format!("{}{kept}", files(tally.replaced)));
    }
    if tally.untagged > 0 {
        field("Without their tags", format!("{}: the target doesn't take them", files(tally.untagged)));
    }
    if tally.failed > 0 {
        field(if job.dry { "Would fail" } else { "Not copied" }, files(tally.failed));
    }
    let how = how(tally);
    if !how.is_empty() {
        field("Checked", how);
    }
    card = card.block(Block::Fields(fields));
    if let Some(why) = &tally.cut_off {
        card = card.and_text(why.clone());
    }
    if !tally.rows.is_empty() {
        let rows = tally.rows.iter().map(|(from, row)| {
            vec![vec![code(from)], vec![code(&row.to)], vec![text::bytes(row.size).into()], vec![row.what.into()]]
        });
        card = listed(card, table("What would be done", &["File", "To", "Size#", "What"], rows.collect()), "plan.csv", tally.copied.files + tally.same.files);
    }
    if !tally.failures.is_empty() {
        let rows = tally.failures.iter().map(|(name, why)| vec![vec![code(name)], vec![why.as_str().into()]]);
        card = listed(card, table("Not copied", &["File", "Why"], rows.collect()), "not-copied.csv", tally.failed);
        if !job.dry {
            card = card.and_text("Run it again to copy what is missing: what is there already is not sent again.");
        }
    }
    card
}

/// The first rows as a table, and all of them as a file where they are more.
fn listed(card: Card, mut table: Table, name: &str, all: u64) -> Card {
    if table.rows.len() <= SHOWN {
        return card.block(Block::Table(table));
    }
    let whole = plain::csv(&table);
    let kept = table.rows.len();
    table.rows.truncate(SHOWN);
    table.caption = format!("{}, the first {SHOWN} of {}", table.caption, files(all));
    let attached = if u64::try_from(kept).is_ok_and(|kept| kept < all) { format!("The first {kept} are in the file.") } else { String::new() };
    let bytes: Arc<[u8]> = whole.into_bytes().into();
    let file = FileBlock {
        name: name.to_owned(),
        content_type: "text/csv".to_owned(),
        size: bytes.len() as u64,
        source: FileSource::Inline(bytes),
    };
    let card = card.block(Block::Table(table)).block(Block::File(file));
    if attached.is_empty() { card } else { card.and_text(attached) }
}

/// How the copies were checked, in a phrase.
fn how(tally: &Tally) -> String {
    let parts = [
        (tally.told, "by the target's SHA-256"),
        (tally.read_back, "read back"),
        (tally.by_store, "copied by the store itself, same checksum"),
        (tally.by_store_unsummed, "copied by the store itself, same size"),
    ];
    let some: Vec<String> = parts.iter().filter(|(number, _)| *number > 0).map(|(number, how)| format!("{} {how}", files(*number))).collect();
    some.join("; ")
}

fn cancelled(job: &Job, ends: &Ends, tally: &Tally) -> Card {
    let done = tally.copied.files + tally.same.files;
    let verb = if job.moving { "moved" } else { "copied" };
    let title = match (ends.many, job.meter.whole()) {
        (true, Some(whole)) => {
            format!("Cancelled: {} of {} were {verb}", text::grouped(i64::try_from(done).unwrap_or(i64::MAX)), files(whole.files))
        }
        (true, None) => format!("Cancelled: {} were {verb}", files(done)),
        (false, _) => format!("Cancelled: {} was not {verb}", line(&ends.from.name)),
    };
    let card = Card::titled(title).tone(Tone::Warning).and_spans(arrow(ends));
    let card = if tally.failed > 0 { card.and_text(format!("{} failed.", files(tally.failed))) } else { card };
    card.and_text(format!(
        "Run it again to go on: what has arrived is not sent again. Parts of large files are kept for {KEPT_HOURS} hours."
    ))
}
