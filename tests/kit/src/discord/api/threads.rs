//! Threads. <https://docs.discord.com/developers/resources/channel#start-thread-from-message>

use super::call::Body;
use super::{Answer, Author, Draft, Fault, fault, made, nothing, ok, unknown};
use crate::discord::check::Problems;
use crate::discord::check::message::{For, message};
use crate::discord::ids::Id;
use crate::discord::permissions::permission::{CREATE_PRIVATE_THREADS, CREATE_PUBLIC_THREADS, MANAGE_THREADS, SEND_MESSAGES};
use crate::discord::records::Channel;
use crate::discord::settings::Kind;
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

fn checked(body: &Value) -> Result<(String, u64), Fault> {
    let mut problems = Problems::default();
    let name = problems.text(body, "name", 1, 100, true).unwrap_or_default().to_owned();
    problems.number(body, "rate_limit_per_user", 0, 21_600);
    problems.choice(body, "auto_archive_duration", &[60, 1440, 4320, 10_080], false);
    problems.done()?;
    Ok((name, body["auto_archive_duration"].as_u64().unwrap_or(4320)))
}

impl State {
    pub(in crate::discord) fn open_thread(&mut self, home: &Channel, id: Id, kind: Kind, name: &str, keep: u64, owner: Id) {
        let thread = Channel {
            guild: home.guild,
            name: name.to_owned(),
            parent: Some(home.id),
            owner: Some(owner),
            thread_members: [owner].into(),
            auto_archive: keep,
            ..Channel::new(id, kind)
        };
        self.channels.insert(id, thread);
        self.tell_channel("THREAD_CREATE", id);
    }
}

pub(super) fn on_message(state: &mut State, me: Id, channel: &Channel, message: Id, body: &Value) -> Answer {
    let (name, keep) = checked(body)?;
    if !matches!(channel.kind, Kind::Text | Kind::Announcement) {
        return Err(fault(StatusCode::BAD_REQUEST, 50024, "Cannot execute action on this channel type"));
    }
    state.need(me, channel, CREATE_PUBLIC_THREADS)?;
    if state.message(channel.id, message).is_none() {
        return Err(unknown(10008, "Message"));
    }
    if state.channels.contains_key(&message) {
        return Err(fault(StatusCode::BAD_REQUEST, 160_004, "A thread has already been created for this message"));
    }
    let bot = state.app(me).map_or(0, |app| app.bot);
    // A thread that hangs on a message has its id.
    state.open_thread(channel, message, Kind::PublicThread, &name, keep, bot);
    if let Some(found) = state.message_mut(channel.id, message) {
        found.thread = Some(message);
        found.flags |= 32;
    }
    state.tell_message("MESSAGE_UPDATE", channel.id, message);
    Ok(made(&state.channels.get(&message).map(|thread| state.channel_json(thread)).unwrap_or_default()))
}

pub(super) fn create(state: &mut State, me: Id, channel: &Channel, body: Body) -> Answer {
    let (body, parts) = body.split();
    let (name, keep) = checked(&body)?;
    let bot = state.app(me).map_or(0, |app| app.bot);
    if channel.kind == Kind::Forum {
        state.need(me, channel, SEND_MESSAGES)?;
        let first = body["message"].clone();
        let mut problems = Problems::default();
        if !first.is_object() {
            problems.required("message");
        }
        let tags = problems.list(&body, "applied_tags", 0, 5).to_vec();
        problems.done()?;
        let careless = message(&first, &parts, For::Create, 0)?;
        state.sizes(&parts)?;
        state.careless("POST /channels/{channel}/threads", careless);
        let id = state.fresh();
        state.open_thread(channel, id, Kind::PublicThread, &name, keep, bot);
        if let Some(thread) = state.channels.get_mut(&id) {
            thread.applied_tags = tags;
        }
        let author = Author { user: bot, app: Some(me), ..Author::default() };
        let message = state.post(id, author, &Draft { body: first, parts });
        // The first message of a post has the post's id.
        if let Some(last) = state.messages.get_mut(&id).and_then(|all| all.iter_mut().find(|one| one.id == message)) {
            last.id = id;
        }
        let mut value = state.channels.get(&id).map(|thread| state.channel_json(thread)).unwrap_or_default();
        value["message"] = state.message(id, id).map(|message| state.message_json(message, me)).unwrap_or_default();
        return Ok(made(&value));
    }
    if !matches!(channel.kind, Kind::Text | Kind::Announcement) {
        return Err(fault(StatusCode::BAD_REQUEST, 50024, "Cannot execute action on this channel type"));
    }
    let mut problems = Problems::default();
    // Where nothing is said, it is a private one.
    let kind = problems.choice(&body, "type", &[10, 11, 12], false).unwrap_or(12);
    problems.done()?;
    let (kind, bit) = if kind == 12 { (Kind::PrivateThread, CREATE_PRIVATE_THREADS) } else { (Kind::PublicThread, CREATE_PUBLIC_THREADS) };
    state.need(me, channel, bit)?;
    let id = state.fresh();
    state.open_thread(channel, id, kind, &name, keep, bot);
    Ok(made(&state.channels.get(&id).map(|thread| state.channel_json(thread)).unwrap_or_default()))
}

/// What of a thread may be changed, and by whom.
pub(super) fn change(state: &mut State, me: Id, thread: &Channel, body: &Value) -> Answer {
    let mut problems = Problems::default();
    problems.text(body, "name", 1, 100, false);
    problems.choice(body, "auto_archive_duration", &[60, 1440, 4320, 10_080], false);
    problems.flag(body, "archived");
    problems.flag(body, "locked");
    problems.done()?;
    let bot = state.app(me).map_or(0, |app| app.bot);
    let manages = state.may(me, thread, MANAGE_THREADS);
    let opens = body["archived"].as_bool() == Some(false);
    if thread.archived && !opens {
        return Err(fault(StatusCode::BAD_REQUEST, 50083, "Thread is archived"));
    }
    if (thread.locked || !body["locked"].is_null()) && !manages {
        return Err(super::no_permission());
    }
    let own = thread.owner == Some(bot) || opens;
    if !own && !manages {
        return Err(super::no_permission());
    }
    if let Some(known) = state.channels.get_mut(&thread.id) {
        if let Some(name) = body["name"].as_str() {
            name.clone_into(&mut known.name);
        }
        known.archived = body["archived"].as_bool().unwrap_or(known.archived);
        known.locked = body["locked"].as_bool().unwrap_or(known.locked);
        known.auto_archive = body["auto_archive_duration"].as_u64().unwrap_or(known.auto_archive);
    }
    state.tell_channel("THREAD_UPDATE", thread.id);
    Ok(ok(&state.channels.get(&thread.id).map(|thread| state.channel_json(thread)).unwrap_or_default()))
}

pub(super) fn members(state: &mut State, me: Id, thread: &Channel, method: &str, rest: &[&str]) -> Answer {
    if !thread.kind.is_thread() {
        return Err(fault(StatusCode::BAD_REQUEST, 50024, "Cannot execute action on this channel type"));
    }
    let bot = state.app(me).map_or(0, |app| app.bot);
    let user = match rest.first() {
        None => {
            let all: Vec<Value> = thread
                .thread_members
                .iter()
                .map(|id| json!({ "id": thread.id.to_string(), "user_id": id.to_string(), "flags": 0 }))
                .collect();
            return Ok(ok(&json!(all)));
        }
        Some(&"@me") => bot,
        Some(user) => super::id(user, "user_id")?,
    };
    if thread.archived {
        return Err(fault(StatusCode::BAD_REQUEST, 50083, "Thread is archived"));
    }
    if let Some(thread) = state.channels.get_mut(&thread.id) {
        match method {
            "PUT" => thread.thread_members.insert(user),
            "DELETE" => thread.thread_members.remove(&user),
            _ => return Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
        };
    }
    Ok(nothing())
}
