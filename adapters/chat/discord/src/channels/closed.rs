//! Closing and opening. A channel that is closed stands in a category of its own, where nobody but administrators may speak; what it was
//! before is kept in the records.

use super::SEND;
use crate::Desk;
use crate::directory::{CATEGORY, Known};
use crate::wire::{Route, WireResult};
use bellhop_core::address::Address;
use bellhop_core::ports::PortResult;
use serde_json::{Value, json};

const CREATE: Route = Route::post("/guilds/{}/channels", "archive");

/// How many channels a category holds.
const FULL: usize = 50;
/// Speaking in threads, and beginning them.
const THREADS: u64 = 1 << 38 | 1 << 35 | 1 << 36;

fn collection(desk: &Desk) -> String {
    format!("discord/{}/archived", desk.name)
}

/// The category of closed channels, where there is one.
pub(super) fn category(desk: &Desk, known: &[Known]) -> Option<String> {
    let named = known.iter().filter(|one| one.kind == CATEGORY && one.name.eq_ignore_ascii_case(&desk.config.archive_category));
    let with = |one: &&Known| known.iter().filter(|channel| channel.parent.as_deref() == Some(one.id.as_str())).count();
    named.filter(|one| with(one) < FULL).map(|one| one.id.clone()).next()
}

/// Closes a channel or thread.
pub(super) async fn close(desk: &Desk, at: &Address) -> PortResult<()> {
    let known = desk.known(at, "archive").await?;
    if known.is_thread() {
        return if known.closed { Ok(()) } else { desk.change(&known, json!({ "archived": true }), "archive").await.map(|_| ()) };
    }
    let all = desk.directory.channels(&known.guild).await?;
    let archive = match category(desk, &all) {
        Some(archive) if known.parent.as_deref() == Some(archive.as_str()) => return Ok(()),
        Some(archive) => archive,
        None => make_category(desk, &known.guild).await?,
    };
    let before = json!({ "parent_id": known.parent, "permission_overwrites": known.overwrites });
    desk.ports.records.put(&collection(desk), &known.id, &before).await?;
    let overwrites = locked(&known.overwrites, &known.guild);
    desk.change(&known, json!({ "parent_id": archive, "permission_overwrites": overwrites }), "archive").await.map(|_| ())
}

/// Opens it again, as it was.
pub(super) async fn open(desk: &Desk, at: &Address) -> PortResult<()> {
    let known = desk.known(at, "unarchive").await?;
    if known.is_thread() {
        return if known.closed { desk.change(&known, json!({ "archived": false }), "unarchive").await.map(|_| ()) } else { Ok(()) };
    }
    let all = desk.directory.channels(&known.guild).await?;
    let archive = category(desk, &all);
    if archive.is_none() || known.parent != archive {
        return Ok(());
    }
    let kept = desk.ports.records.get(&collection(desk), &known.id).await?;
    let body = match kept {
        Some(before) => {
            let parent = before.get("parent_id").and_then(Value::as_str).filter(|parent| all.iter().any(|one| one.id == *parent));
            json!({ "parent_id": parent, "permission_overwrites": before.get("permission_overwrites").cloned().unwrap_or_default() })
        }
        // Someone else has closed it: only what closes it is taken away.
        None => json!({ "parent_id": null, "permission_overwrites": unlocked(&known.overwrites, &known.guild) }),
    };
    desk.change(&known, body, "unarchive").await?;
    desk.ports.records.remove(&collection(desk), &known.id).await
}

async fn make_category(desk: &Desk, guild: &str) -> PortResult<String> {
    let body = json!({ "name": desk.config.archive_category, "type": CATEGORY });
    let made: WireResult<Value> = desk.api.call(CREATE, &[guild], body).await;
    let made = made.map_err(|failure| desk.not_changed(failure, "Manage Channels"))?;
    desk.directory.forget(guild).await;
    crate::parse::id(&made, "/id").ok_or_else(|| {
        desk.error(bellhop_core::PortErrorKind::Broken, "archive", "Discord's answer doesn't say which category it made").maybe_done()
    })
}

fn bits(overwrite: &Value, name: &str) -> u64 {
    overwrite.get(name).and_then(Value::as_str).and_then(|bits| bits.parse().ok()).unwrap_or_default()
}

fn is_everyone(overwrite: &Value, guild: &str) -> bool {
    overwrite.get("id").and_then(Value::as_str) == Some(guild)
}

/// The same rules, and nobody may speak: not everyone, and none of those who were let in by name.
fn locked(overwrites: &[Value], guild: &str) -> Vec<Value> {
    let speech = SEND | THREADS;
    let mut all: Vec<Value> = overwrites
        .iter()
        .map(|one| {
            let deny = if is_everyone(one, guild) { bits(one, "deny") | speech } else { bits(one, "deny") };
            json!({ "id": one.get("id"), "type": one.get("type"), "allow": (bits(one, "allow") & !speech).to_string(), "deny": deny.to_string() })
        })
        .collect();
    if !all.iter().any(|one| is_everyone(one, guild)) {
        all.push(json!({ "id": guild, "type": 0, "allow": "0", "deny": speech.to_string() }));
    }
    all
}

fn unlocked(overwrites: &[Value], guild: &str) -> Vec<Value> {
    let each = |one: &Value| {
        let deny = if is_everyone(one, guild) { bits(one, "deny") & !(SEND | THREADS) } else { bits(one, "deny") };
        json!({ "id": one.get("id"), "type": one.get("type"), "allow": bits(one, "allow").to_string(), "deny": deny.to_string() })
    };
    overwrites.iter().map(each).collect()
}
