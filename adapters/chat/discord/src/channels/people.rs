//! Bringing people into a channel or a thread. In a channel that all see there is nobody to be brought in; who isn't in the server at
//! all can be sent a link.

use super::{SEND, VIEW};
use crate::Desk;
use crate::directory::{Known, Person};
use crate::wire::{Route, WireResult};
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten};
use serde_json::{Value, json};
use std::fmt::Write as _;

const ALLOW: Route = Route::put("/channels/{}/permissions/{}", "invite");
const ADD: Route = Route::put("/channels/{}/thread-members/{}", "invite");
const LINK: Route = Route::post("/channels/{}/invites", "invite");

/// How long a link lets people in, in seconds.
const LINKED: u64 = 24 * 3600;
/// The most people for whom a channel can have a rule of its own.
const RULES: usize = 100;

/// Brings people in.
pub(super) async fn invite(desk: &Desk, at: &Address, people: &[String]) -> PortResult<()> {
    let known = desk.known(at, "invite").await?;
    let mut found: Vec<Person> = Vec::new();
    let mut unknown = Vec::new();
    for written in people {
        match desk.directory.person(&known.guild, written).await? {
            Some(person) => found.push(person),
            None => unknown.push(format!("`{}`", shorten(one_line(written).trim_start_matches('@'), 60))),
        }
    }
    if !unknown.is_empty() {
        let mut message = format!("there is nobody called {} in this server; nobody was brought in", unknown.join(", "));
        if let Some(link) = link(desk, &known).await {
            // Writing to a string has no way to fail.
            let _ = write!(message, ". Whom you send this link can join for a day: {link}");
        }
        return Err(desk.error(PortErrorKind::NotFound, "invite", message));
    }
    for person in found {
        bring(desk, &known, &person).await?;
    }
    desk.directory.forget_channel(&known.guild, &known.id).await;
    Ok(())
}

async fn bring(desk: &Desk, known: &Known, person: &Person) -> PortResult<()> {
    if known.is_thread() {
        let added: WireResult<Value> = desk.api.get(ADD, &[&known.id, &person.id], &[]).await;
        return added.map(|_| ()).map_err(|failure| desk.not_changed(failure, "Send Messages in Threads"));
    }
    let hidden = known.overwrites.iter().any(|one| {
        let denied = one.get("deny").and_then(Value::as_str).and_then(|bits| bits.parse::<u64>().ok()).unwrap_or_default();
        one.get("id").and_then(Value::as_str) == Some(known.guild.as_str()) && denied & VIEW != 0
    });
    let already = known.overwrites.iter().any(|one| one.get("id").and_then(Value::as_str) == Some(person.id.as_str()));
    if !hidden || already {
        return Ok(());
    }
    if known.overwrites.len() >= RULES {
        let message = "the channel has a hundred rules for people and roles, which is all it can have; give a role access to it instead";
        return Err(desk.error(PortErrorKind::Full, "invite", message));
    }
    let rule = json!({ "type": 1, "allow": (VIEW | SEND).to_string(), "deny": "0" });
    let allowed: WireResult<Value> = desk.api.call(ALLOW, &[&known.id, &person.id], rule).await;
    allowed.map(|_| ()).map_err(|failure| desk.not_changed(failure, "Manage Roles"))
}

/// A link that lets people into the server, where the bot may make one.
async fn link(desk: &Desk, known: &Known) -> Option<String> {
    let channel = if known.is_thread() { known.parent.as_deref()? } else { known.id.as_str() };
    let made: WireResult<Value> = desk.api.call(LINK, &[channel], json!({ "max_age": LINKED, "max_uses": 10, "unique": true })).await;
    let code = made.ok()?.get("code")?.as_str()?.to_owned();
    Some(format!("https://discord.gg/{code}"))
}
