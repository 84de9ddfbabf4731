//! What people type, click and fill in, on its way to the inbox. A button names a message and a place in it; what it does
//! is looked up there, so a forged click can only press what is there and visible to the one who clicks.

use super::{Problem, Shared};
use crate::Desk;
use crate::address::{MessageRef, WORKSPACE};
use crate::message::{Author, Body, Kept, Message, Room};
use crate::parse::{self, Typed};
use crate::session::Visitor;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::Json;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Handle;
use bellhop_core::card::{Block, Does};
use bellhop_core::ids::{ChannelId, EventKey, ThreadId, UserId};
use bellhop_core::ports::{Incoming, Said};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most files that go with one message.
const FILES: usize = 20;

#[derive(Deserialize)]
struct Sent {
    channel: String,
    #[serde(default)]
    thread: Option<String>,
    text: String,
    key: String,
    #[serde(default)]
    uploads: Vec<String>,
    #[serde(default)]
    zone: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Taken {
    id: String,
    html: String,
    command: bool,
}

/// Takes a message. The same key is the same message, however often it is sent.
pub(super) async fn say(State(desk): Shared, visitor: Visitor, body: Result<Bytes, BytesRejection>) -> Result<Json<Taken>, Problem> {
    let body = body.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This message is over 2 MiB, and a message may be 64 KiB. Attach long text as a file instead.",
        )
    })?;
    let body = std::str::from_utf8(&body)
        .map_err(|e| Problem::bad(format!("The message is not valid UTF-8 from byte {} on.", e.valid_up_to())))?;
    let sent: Sent = serde_json::from_str(body).map_err(|e| Problem::bad(format!("The message can't be read: {e}.")))?;
    let room = desk.open_room(&visitor, &sent.channel).await?;
    let text = parse::message_text(&sent.text).map_err(|why| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, why))?;
    let person = &visitor.person.id;
    let key = parse::event_key(person.as_str(), &sent.key).map_err(Problem::bad)?;
    let thread = desk.open_thread(&visitor, &room, sent.thread.as_deref()).await?;
    let files = desk.attached(person, &sent.uploads).await?;
    if text.is_empty() && files.is_empty() {
        return Err(Problem::bad("The message is empty."));
    }
    let channel = ChannelId::from(room.id.as_str());
    // The place is taken before the command runs, so that its answer comes after it.
    let at = desk.book.claim(&channel, thread.as_ref(), &format!("said/{key}")).await?.at;
    let typed = if text.is_empty() { Typed::Talk } else { parse::typed(&text, room.id.starts_with('@')) };
    let command = matches!(typed, Typed::Command(_));
    let files = match typed {
        Typed::Command(line) => {
            let attachments = files.iter().map(Desk::attachment).collect();
            let incoming = Incoming { attachments, ..desk.incoming(&visitor, key, &at, Said::Line(line), sent.zone.as_deref()) };
            desk.inbox.accept(Incoming { reply: Some(answer_to(&at)), ..incoming }).await?;
            files
        }
        Typed::Talk => {
            let mut kept = Vec::new();
            for file in files {
                kept.push(desk.keep_upload(file).await?);
            }
            kept
        }
    };
    let message = Message {
        id: at.id.clone(),
        from: Author::Person(person.clone()),
        at: desk.book.clock.now(),
        only_for: None,
        body: Body::Said { text, command, files },
        revision: 0,
        gone: false,
        answers: None,
    };
    desk.book.post(&at, &message).await?;
    if at.thread.is_none() {
        desk.book.mark(person, &channel, &at.id).await?;
    }
    let html = desk.shown(at.clone(), message, None).html(person).into_string();
    Ok(Json(Taken { id: at.id, html, command }))
}

/// What the bot's answer carries back, so that the page knows which line was answered.
fn answer_to(at: &MessageRef) -> Handle {
    Handle(json!({ "message": at.id }))
}

#[derive(Deserialize)]
pub(super) struct Press {
    message: String,
    action: usize,
    revision: u32,
    key: String,
    #[serde(default)]
    zone: Option<String>,
}

/// Takes a click on a button.
pub(super) async fn press(State(desk): Shared, visitor: Visitor, Form(press): Form<Press>) -> Result<StatusCode, Problem> {
    let (at, message) = desk.unchanged(&visitor, &press.message, press.revision).await?;
    let Body::Card(card) = &message.body else { return Err(Problem::missing("This message has no buttons.")) };
    let action = card.actions().nth(press.action).ok_or_else(|| Problem::missing("This message has no such button."))?;
    let Does::Invoke(invoke) = &action.does else { return Err(Problem::bad("This button runs no command.")) };
    let key = parse::event_key(visitor.person.id.as_str(), &press.key).map_err(Problem::bad)?;
    let incoming = desk.incoming(&visitor, key, &at, Said::Invoke(invoke.clone()), press.zone.as_deref());
    desk.inbox.accept(Incoming { reply: Some(answer_to(&at)), ..incoming }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a form.
pub(super) async fn form(State(desk): Shared, visitor: Visitor, Form(fields): Form<Vec<(String, String)>>) -> Result<StatusCode, Problem> {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
    let number =
        |name: &str| field(name).parse::<usize>().map_err(|_| Problem::bad("The form can't be read; reload the page and try again."));
    let revision = u32::try_from(number("revision")?).unwrap_or(u32::MAX);
    let (at, message) = desk.unchanged(&visitor, field("message"), revision).await?;
    let block = match &message.body {
        Body::Card(card) => card.blocks.get(number("block")?),
        _ => None,
    };
    let Some(Block::Form(form)) = block else { return Err(Problem::missing("This message has no such form.")) };
    let key = parse::event_key(visitor.person.id.as_str(), field("key")).map_err(Problem::bad)?;
    for (name, value) in &fields {
        parse::message_text(value).map_err(|_| {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The answer to `{name}` is over 64 KiB; give a shorter one."))
        })?;
    }
    let said = Said::Form { command: form.command.clone(), answers: parse::answers(form, &fields) };
    let zone = field("zone");
    let incoming = desk.incoming(&visitor, key, &at, said, Some(zone));
    desk.inbox.accept(Incoming { reply: Some(answer_to(&at)), ..incoming }).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(super) struct Begun {
    channel: String,
    #[serde(default)]
    thread: Option<String>,
    line: String,
}

/// What could be typed next, with the place in the line where it goes, counted as the browser counts.
pub(super) async fn complete(State(desk): Shared, visitor: Visitor, Query(asked): Query<Begun>) -> Result<Json<Value>, Problem> {
    let nothing = json!({ "from": 0, "suggestions": [], "usage": "", "summary": "" });
    if asked.line.len() > 4096 {
        return Ok(Json(nothing));
    }
    let room = desk.seen_room(&visitor, &asked.channel).await?;
    let line = asked.line.trim_start();
    let command = match line.strip_prefix('/') {
        Some(rest) => rest,
        None if line.len() > "@bellhop ".len()
            && line.is_char_boundary("@bellhop ".len())
            && line[.."@bellhop ".len()].eq_ignore_ascii_case("@bellhop ") =>
        {
            &line["@bellhop ".len()..]
        }
        None if room.id.starts_with('@') => line,
        None => return Ok(Json(nothing)),
    };
    let at = Address { thread: asked.thread.filter(|thread| crate::config::is_id(thread)).map(ThreadId::from), ..desk.room_address(&room) };
    let found = desk.completer.complete(&desk.user(&visitor), &at, command).await;
    let keeps = command.len().checked_sub(found.replaces).filter(|keeps| command.is_char_boundary(*keeps)).unwrap_or(command.len());
    let units = |text: &str| text.encode_utf16().count();
    let from = units(&asked.line) - units(&command[keeps..]);
    Ok(Json(json!({ "from": from, "suggestions": found.suggestions, "usage": found.usage, "summary": found.summary })))
}

impl Desk {
    fn user(&self, visitor: &Visitor) -> UserRef {
        UserRef { chat: self.book.chat().clone(), workspace: WORKSPACE.into(), user: visitor.person.id.clone() }
    }

    fn room_address(&self, room: &Room) -> Address {
        Address::channel(self.book.chat().clone(), WORKSPACE, room.id.as_str())
    }

    fn incoming(&self, visitor: &Visitor, key: EventKey, at: &MessageRef, said: Said, zone: Option<&str>) -> Incoming {
        Incoming {
            key,
            from: self.user(visitor),
            name: visitor.person.name.clone(),
            zone: zone.and_then(|zone| zone.parse().ok()),
            at: at.address(self.book.chat()),
            said,
            attachments: Vec::new(),
            groups: None,
            reply: None,
            received: self.book.clock.now(),
        }
    }

    /// A channel in which something may be said.
    async fn open_room(&self, visitor: &Visitor, channel: &str) -> Result<Room, Problem> {
        let room = self.seen_room(visitor, channel).await?;
        if room.archived {
            return Err(Problem::new(StatusCode::CONFLICT, format!("#{} is closed; say it in another channel.", room.name)));
        }
        Ok(room)
    }

    async fn open_thread(&self, visitor: &Visitor, room: &Room, thread: Option<&str>) -> Result<Option<ThreadId>, Problem> {
        let Some(thread) = thread else { return Ok(None) };
        self.seen_message(visitor, &format!("{}:{thread}", room.id)).await?;
        Ok(Some(ThreadId::from(thread)))
    }

    async fn attached(&self, person: &UserId, ids: &[String]) -> Result<Vec<Kept>, Problem> {
        if ids.len() > FILES {
            return Err(Problem::bad(format!("At most {FILES} files go with one message; send the others with the next one.")));
        }
        let mut files = Vec::new();
        for id in ids {
            files.push(
                self.waiting(person, id).await?.ok_or_else(|| Problem::missing("An attached file is no longer here; attach it again."))?,
            );
        }
        Ok(files)
    }

    /// A message as the one who clicks saw it: not one that changed since.
    async fn unchanged(&self, visitor: &Visitor, text: &str, revision: u32) -> Result<(MessageRef, Message), Problem> {
        let (at, message) = self.seen_message(visitor, text).await?;
        if message.revision != revision {
            return Err(Problem::new(StatusCode::CONFLICT, "This message has changed meanwhile. Look at it again, and then choose."));
        }
        Ok((at, message))
    }
}
