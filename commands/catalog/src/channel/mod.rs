//! Channels: what their commands share. Which channel is meant, and whether its platform lets a bot change it.

pub(crate) mod archive;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod list;
pub(crate) mod post;
pub(crate) mod purpose;
pub(crate) mod rename;
pub(crate) mod topic;
pub(crate) mod unarchive;

use crate::wording::suggest;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::ChatName;
use bellhop_core::ports::{Channel, Channels, ChatPlatform, Places, Platforms};
use bellhop_core::text::is_hidden;
use bellhop_core::{Address, Call, CommandError, PlaceRef, PortError, PortErrorKind};
use std::sync::Arc;

/// The longest name, topic and purpose, in characters; platforms may allow less and say so.
const LONGEST_NAME: usize = 100;
const LONGEST_TOPIC: usize = 1000;
const LONGEST_PURPOSE: usize = 1000;

/// The channel that is meant: the one named, or where it was asked. Not the thread within it.
async fn meant(places: &dyn Places, place: Option<&PlaceRef>, call: &Call) -> Result<Address, CommandError> {
    let mut address = match place {
        Some(place) => places.resolve(place, &call.at).await?,
        None => call.at.clone(),
    };
    address.thread = None;
    Ok(address)
}

/// The same with the thread that it was asked in, or that was named, where the platform's threads can be changed for themselves.
async fn meant_with_thread(
    places: &dyn Places,
    platforms: &dyn Platforms,
    place: Option<&PlaceRef>,
    call: &Call,
) -> Result<Address, CommandError> {
    let address = match place {
        Some(place) => places.resolve(place, &call.at).await?,
        None => call.at.clone(),
    };
    let platform = platforms.platform(&address.chat);
    let thread = address.thread.clone().filter(|_| platform.is_some_and(|platform| platform.channels().is_some_and(Channels::has_threads)));
    Ok(Address { thread, ..address })
}

/// How a channel, or the thread within it, is called in a sentence.
async fn spelled(places: &dyn Places, at: &Address) -> String {
    let channel = places.spell(at).await;
    if at.thread.is_some() { format!("the thread in {channel}") } else { channel }
}

/// The platform of a connection.
fn platform(platforms: &dyn Platforms, chat: &ChatName) -> Result<Arc<dyn ChatPlatform>, CommandError> {
    platforms.platform(chat).ok_or_else(|| {
        let names: Vec<String> = platforms.names().iter().map(ToString::to_string).collect();
        let nearest = bellhop_core::nearest::nearest(chat.as_str(), names.iter().map(String::as_str)).map(str::to_owned);
        CommandError::NotFound { what: "chat connection", name: chat.to_string(), nearest }
    })
}

/// What is said where a platform has no channels to change.
fn cannot(chat: &ChatName) -> CommandError {
    PortError::unsupported(format!("chat.{chat}"), "channels", "channels can't be changed from here: this platform doesn't let a bot do it")
        .into()
}

/// A channel's name as it is typed, without its mark.
fn channel_name(typed: &str) -> Result<&str, CommandError> {
    let name = typed.strip_prefix('#').unwrap_or(typed);
    let wrong =
        |why: &str| Err(CommandError::invalid("name", format!("`{}` can't be a channel's name: {why}", crate::wording::line(typed))));
    if name.is_empty() {
        return wrong("it is empty");
    }
    if name.chars().count() > LONGEST_NAME {
        return wrong("it is over 100 characters");
    }
    if name.chars().any(|c| c.is_whitespace() || c.is_control() || is_hidden(c)) {
        return wrong("it has spaces or invisible characters; write a hyphen between words");
    }
    if name.contains(['#', '@', '/', ':', ',', '"', '<', '>', '`']) {
        return wrong("leave # @ / : , quotes and brackets out");
    }
    Ok(name)
}

/// A failure to give a name, said in the words of channels.
fn name_taken(error: PortError, name: &str) -> CommandError {
    if error.kind == PortErrorKind::Conflict {
        CommandError::Refused(format!("there is a channel #{} already", crate::wording::line(name)))
    } else {
        error.into()
    }
}

/// Whether a channel may be shown to everyone: private ones only where they are the place of asking.
fn open_to_all(channel: &Channel, call: &Call) -> bool {
    !channel.private || channel.address.lane() == call.at.lane()
}

/// Places to propose while one is typed.
pub(crate) async fn complete_place(places: &dyn Places, call: &Call, typed: &str) -> Vec<Suggestion> {
    complete_channels(places, call, typed, false).await
}

/// Closed channels to propose.
async fn complete_archived(places: &dyn Places, call: &Call, typed: &str) -> Vec<Suggestion> {
    complete_channels(places, call, typed, true).await
}

async fn complete_channels(places: &dyn Places, call: &Call, typed: &str, archived: bool) -> Vec<Suggestion> {
    let Ok(channels) = places.channels().await else { return Vec::new() };
    let mut values = Vec::new();
    for channel in channels.iter().filter(|channel| channel.archived == archived && open_to_all(channel, call)) {
        let here = channel.address.chat == call.at.chat && channel.address.workspace == call.at.workspace;
        let spelled = if here { format!("#{}", channel.name) } else { places.spell(&channel.address).await };
        values.push((spelled, crate::wording::line(&channel.topic)));
    }
    suggest(typed.trim_start_matches('#'), values)
}
