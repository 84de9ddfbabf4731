//! Schedules: commands that run by themselves. This part keeps them; when they are due, the bot runs them.

pub(crate) mod add;
pub(crate) mod cron;
pub(crate) mod list;
pub(crate) mod remove;

use bellhop_core::ports::{Schedule, ScheduleBook};
use bellhop_core::{Call, CommandError};
use sha2::{Digest as _, Sha256};

/// How many letters an id has.
const ID: usize = 6;

/// Keeps a schedule under an id that follows from the call, so that a call that is run again finds its schedule instead of
/// adding a second. Returns what is kept.
pub(crate) async fn keep(book: &dyn ScheduleBook, call: &Call, mut schedule: Schedule) -> Result<Schedule, CommandError> {
    let hash = hex::encode(Sha256::digest(call.id.as_str()));
    let mut known = book.list().await?;
    let same = |known: &Schedule| {
        known.invoke == schedule.invoke && known.cron == schedule.cron && known.owner == schedule.owner && known.to == schedule.to
    };
    let mut length = ID;
    while let Some(at) = known.iter().position(|known| known.id == hash[..length]) {
        if same(&known[at]) || length >= hash.len() {
            return Ok(known.swap_remove(at));
        }
        length += 2;
    }
    hash[..length].clone_into(&mut schedule.id);
    book.add(&schedule).await?;
    Ok(schedule)
}
