//! Meetings that people join over a link: what their commands share. On which connection they are made, who is asked to come, and
//! what is remembered of them, so that they can be changed and called off where they were announced.

pub(crate) mod cancel;
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod list;

use crate::wording::{code, line, local};
use bellhop_core::call::Invoke;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{CardKey, ChatName};
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{ChatPlatform, Meeting, NewMeeting, Platforms, Records};
use bellhop_core::{Action, Address, Call, Card, CommandError, PortError, Span, Timestamp, Tone, UserRef};
use cancel::{Cancel, CancelArgs};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The collection of what is remembered.
const BOOK: &str = "meetings";
/// How many are read at a time.
const PAGE: usize = 200;
/// The most people who are asked to one meeting.
const MOST: usize = 100;

/// A meeting as it is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    /// The connection that it was made on.
    chat: ChatName,
    /// What was asked for.
    wanted: NewMeeting,
    /// What the platform made of it.
    made: Meeting,
    /// Who asked.
    by: UserRef,
    by_name: String,
    /// Where it was announced, and under which card.
    shown: Vec<(Address, CardKey)>,
}

/// The short name of a meeting, made of the call that asked for it: the same however often it is tried.
fn short(call: &Call) -> String {
    hex::encode(&Sha256::digest(format!("meeting {}", call.id).as_bytes())[..3])
}

/// The card under which the answer to a call is shown.
fn answer_of(call: &Call) -> CardKey {
    CardKey::new(format!("call:{}", call.id))
}

async fn kept(records: &dyn Records) -> Result<Vec<(String, Kept)>, CommandError> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = records.after(BOOK, after.as_deref(), PAGE).await?;
        let more = page.len() == PAGE;
        after = page.last().map(|record| record.key.clone());
        all.extend(page.into_iter().filter_map(|record| Some((record.key, serde_json::from_value(record.value).ok()?))));
        if !more {
            return Ok(all);
        }
    }
}

async fn keep(records: &dyn Records, id: &str, meeting: &Kept) -> Result<(), CommandError> {
    // Plain data always serialises.
    records.put(BOOK, id, &serde_json::to_value(meeting).unwrap_or_default()).await?;
    Ok(())
}

/// A meeting by its short name; only who asked for it and those who may do more change it.
async fn named(records: &dyn Records, id: &str, call: &Call) -> Result<Kept, CommandError> {
    let id = id.trim();
    let found = records.get(BOOK, id).await?.and_then(|value| serde_json::from_value::<Kept>(value).ok());
    let Some(meeting) = found else {
        let known: Vec<String> = kept(records).await?.into_iter().map(|(id, _)| id).collect();
        let nearest = nearest(id, known.iter().map(String::as_str)).map(str::to_owned);
        return Err(CommandError::NotFound { what: "meeting", name: id.to_owned(), nearest });
    };
    if meeting.by != call.caller.user && call.caller.access < bellhop_core::Access::Operator {
        return Err(CommandError::Refused(format!("this meeting is {}'s: ask them, or an operator", line(&meeting.by_name))));
    }
    Ok(meeting)
}

async fn complete_id(records: &dyn Records, typed: &str) -> Vec<Suggestion> {
    let all = kept(records).await.unwrap_or_default();
    crate::wording::suggest(typed, all.into_iter().map(|(id, meeting)| (id, meeting.wanted.title)))
}

/// The connection that makes meetings: the named one, this one, or the only one that does.
fn platform(platforms: &dyn Platforms, named: Option<&ChatName>, call: &Call) -> Result<Arc<dyn ChatPlatform>, CommandError> {
    let all: Vec<Arc<dyn ChatPlatform>> = platforms.names().iter().filter_map(|name| platforms.platform(name)).collect();
    let makes = |platform: &&Arc<dyn ChatPlatform>| platform.meetings().is_some();
    if let Some(name) = named {
        let Some(found) = platforms.platform(name) else {
            let names: Vec<String> = all.iter().map(|platform| platform.name().to_string()).collect();
            let nearest = nearest(name.as_str(), names.iter().map(String::as_str)).map(str::to_owned);
            return Err(CommandError::NotFound { what: "chat connection", name: name.to_string(), nearest });
        };
        return if found.meetings().is_some() { Ok(found) } else { Err(none(name)) };
    }
    if let Some(here) = all.iter().filter(makes).find(|platform| platform.name() == &call.at.chat) {
        return Ok(here.clone());
    }
    match all.iter().filter(makes).collect::<Vec<_>>().as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(none(&call.at.chat)),
        several => {
            let names: Vec<String> = several.iter().map(|platform| platform.name().to_string()).collect();
            Err(CommandError::invalid("chat", format!("several connections make meetings; say --chat {}", names.join(" or --chat "))))
        }
    }
}

fn none(chat: &ChatName) -> CommandError {
    let message = "no meetings can be made there: none of the connected chats that could is configured";
    PortError::unsupported(format!("chat.{chat}"), "make a meeting", message).into()
}

/// The addresses of people as they were typed: addresses as they are, people of this chat by what it knows of them.
async fn addresses(platforms: &dyn Platforms, call: &Call, typed: &[String]) -> Result<Vec<String>, CommandError> {
    let mut found: Vec<String> = Vec::new();
    for person in typed.iter().flat_map(|typed| typed.split(',')) {
        let person = person.trim();
        let name = person.trim_start_matches('@');
        if name.is_empty() {
            continue;
        }
        let address = match name.split_once('@') {
            Some((before, host)) if !before.is_empty() && host.contains('.') && !name.contains(char::is_whitespace) => name.to_owned(),
            _ => {
                let user = UserRef { chat: call.at.chat.clone(), workspace: call.at.workspace.clone(), user: name.into() };
                let platform = platforms.platform(&call.at.chat);
                let known = match &platform {
                    Some(platform) => platform.email(&user).await?,
                    None => None,
                };
                known
                    .ok_or_else(|| CommandError::invalid("with", format!("the address of `{}` isn't known; write it out", line(person))))?
            }
        };
        if !found.iter().any(|known| known.eq_ignore_ascii_case(&address)) {
            found.push(address);
        }
    }
    if found.len() > MOST {
        return Err(CommandError::invalid("with", format!("{} are too many; {MOST} at most", found.len())));
    }
    Ok(found)
}

/// The meeting as people see it.
fn card(id: &str, meeting: &Kept, zone: chrono_tz::Tz) -> Card {
    let wanted = &meeting.wanted;
    let minutes = (wanted.ends - wanted.starts).num_minutes();
    let mut facts: Vec<(&str, Span)> = vec![
        ("When", Span::Time(wanted.starts)),
        ("On your clock", Span::Plain(format!("{}, {minutes} min", local(wanted.starts, zone)))),
        ("Organised by", Span::Plain(line(&meeting.made.organizer))),
    ];
    if !wanted.attendees.is_empty() {
        facts.push(("With", Span::Plain(wanted.attendees.join(", "))));
    }
    facts.push(("Id", code(id)));
    let mut shown = Card::titled(line(&wanted.title)).tone(Tone::Good).and_fields(facts);
    if meeting.made.invited {
        shown = shown.and_text("Those who are to come have been invited.");
    }
    let cancel = Invoke::of::<Cancel>(&CancelArgs { id: id.to_owned() });
    shown.and_actions(vec![Action::open("Join", &meeting.made.join_url), Action::invoke("Cancel\u{2026}", cancel)])
}

/// The times of a meeting.
fn until(starts: Timestamp, length: bellhop_core::period::Span) -> Result<Timestamp, CommandError> {
    let wrong = || CommandError::invalid("for", "a meeting is between a minute and a day long");
    let length = chrono::TimeDelta::from_std(length.0).map_err(|_| wrong())?;
    if length < chrono::TimeDelta::minutes(1) || length > chrono::TimeDelta::days(1) {
        return Err(wrong());
    }
    Ok(starts + length)
}
