//! Bringing people into a channel: by names, ids, mentions and addresses, a hundred at a time.

use crate::Desk;
use crate::wire::{Failure, Method, WireResult};
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use bellhop_core::ports::PortResult;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const INVITE: Method = Method { name: "conversations.invite", operation: "invite", per_minute: 50, safe: true };

/// The most people of one call (<https://docs.slack.dev/reference/methods/conversations.invite>).
const BATCH: usize = 100;

/// What leaves everything as it should be.
const FINE: [&str; 2] = ["already_in_channel", "cant_invite_self"];

/// Brings people in. All who can be brought in are, and the error names the others.
pub(super) async fn invite(desk: &Desk, at: &Address, people: &[String]) -> PortResult<()> {
    // By id, with the name that was written for it.
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut unknown = Vec::new();
    for written in people {
        let name = bare(written);
        match desk.directory.find_person(&at.workspace, name).await? {
            Some(person) => drop(found.insert(person.id.clone(), person.handle.clone())),
            None => unknown.push(format!("`{}`", bellhop_core::text::shorten(&bellhop_core::text::one_line(name), 60))),
        }
    }
    if !unknown.is_empty() {
        let message = format!("there is nobody called {} here; nobody was brought in", unknown.join(", "));
        return Err(desk.error(PortErrorKind::NotFound, "invite", message));
    }
    let ids: Vec<&str> = found.keys().map(String::as_str).collect();
    let mut refused: Vec<(String, String)> = Vec::new();
    for batch in ids.chunks(BATCH) {
        bring(desk, at, batch, &mut refused).await?;
    }
    if refused.is_empty() {
        return Ok(());
    }
    let each = |(id, code): &(String, String)| format!("@{} ({})", found.get(id).unwrap_or(id), reason(code));
    let named: Vec<String> = refused.iter().map(each).collect();
    Err(desk.error(PortErrorKind::Denied, "invite", format!("Slack didn't let these in: {}", named.join(", "))))
}

/// Brings one batch in; who is refused is noted.
async fn bring(desk: &Desk, at: &Address, batch: &[&str], refused: &mut Vec<(String, String)>) -> PortResult<()> {
    match call(desk, at, batch).await {
        Ok(answer) => {
            let errors = answer.get("errors").and_then(Value::as_array).into_iter().flatten();
            refused.extend(errors.filter_map(|error| {
                let code = error.get("error")?.as_str()?;
                (!FINE.contains(&code)).then(|| (error.get("user").and_then(Value::as_str).unwrap_or("?").to_owned(), code.to_owned()))
            }));
            Ok(())
        }
        Err(failure) if failure.is(&FINE) && batch.len() == 1 => Ok(()),
        Err(failure) if personal(&failure) && batch.len() > 1 => {
            // One of them stands in the way of all: each for themselves, then.
            for one in batch {
                match call(desk, at, &[one]).await {
                    Ok(_) => {}
                    Err(failure) if failure.is(&FINE) => {}
                    Err(failure) if personal(&failure) => refused.push(((*one).to_owned(), failure.code.unwrap_or_default())),
                    Err(failure) => return Err(failure.error),
                }
            }
            Ok(())
        }
        Err(failure) if personal(&failure) => {
            refused.push((batch.concat(), failure.code.unwrap_or_default()));
            Ok(())
        }
        Err(failure) => Err(failure.error),
    }
}

async fn call(desk: &Desk, at: &Address, batch: &[&str]) -> WireResult<Value> {
    // `force` lets in who may come, whoever else is in the list.
    desk.change(at, INVITE, json!({ "users": batch.join(","), "force": true })).await
}

/// Whether a refusal is about the people rather than the channel or the bot.
fn personal(failure: &Failure) -> bool {
    failure.is(&FINE)
        || failure.is(&[
            "cant_invite",
            "user_not_found",
            "no_user",
            "user_is_restricted",
            "ura_max_channels",
            "org_user_not_in_team",
            "invitee_cant_see_channel",
            "no_external_invite_permission",
            "user_disabled",
            "user_not_visible",
        ])
}

fn reason(code: &str) -> &str {
    match code {
        "user_is_restricted" => "a guest, whom only an administrator can bring in",
        "ura_max_channels" => "a guest of one channel, who can't be in a second",
        "user_not_found" | "no_user" | "user_disabled" => "no longer there",
        "org_user_not_in_team" => "not in this workspace",
        other => other,
    }
}

/// What is meant by `<@U1|ann>`, `<mailto:a@b.c|a@b.c>`, `@ann`.
fn bare(written: &str) -> &str {
    let text = written.trim();
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
    let inner = inner.split('|').next().unwrap_or(inner);
    inner.trim_start_matches("mailto:").trim_start_matches('@')
}
