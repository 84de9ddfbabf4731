//! Pages and pieces of pages: what there is to read, and who reads it.

use super::{Problem, Shared};
use crate::Desk;
use crate::address::{MessageRef, direct};
use crate::message::{Author, Message, Replies, Room};
use crate::pages::{self, Conversation, Entry, Shown, Thread};
use crate::session::{Visitor, set_cookie};
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use bellhop_core::ids::{ChannelId, ThreadId, UserId};
use bellhop_core::ports::PortResult;
use serde::Deserialize;
use std::sync::Arc;

/// How many messages are loaded at a time.
const PAGE: usize = 50;
/// How many replies of a thread are shown.
const REPLIES: usize = 200;
/// How many unread messages are counted.
const COUNTED: usize = 120;

pub(super) async fn home(State(desk): Shared, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(visitor) = desk.visitor(&headers).await.map_err(|e| Problem::from(e).into_page())? else {
        return Ok(Html(pages::login(None).into_string()).into_response());
    };
    let rooms = desk.rooms().await.map_err(|e| Problem::from(e).into_page())?;
    let first = rooms
        .into_iter()
        .find(|room| !room.archived && room.open_to(&visitor.person.id))
        .map_or_else(|| direct(&visitor.person.id).to_string(), |room| room.id);
    show(&desk, &visitor, &first, None).await
}

pub(super) async fn channel(State(desk): Shared, headers: HeaderMap, Path(channel): Path<String>) -> Result<Response, Problem> {
    let Some(visitor) = desk.visitor(&headers).await.map_err(|e| Problem::from(e).into_page())? else { return Ok(door()) };
    show(&desk, &visitor, &channel, None).await
}

pub(super) async fn thread(
    State(desk): Shared,
    headers: HeaderMap,
    Path((channel, thread)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let Some(visitor) = desk.visitor(&headers).await.map_err(|e| Problem::from(e).into_page())? else { return Ok(door()) };
    show(&desk, &visitor, &channel, Some(&thread)).await
}

fn door() -> Response {
    (StatusCode::UNAUTHORIZED, Html(pages::login(None).into_string())).into_response()
}

async fn show(desk: &Arc<Desk>, visitor: &Visitor, channel: &str, thread: Option<&str>) -> Result<Response, Problem> {
    let page = async {
        // First the number, then what it counts: what happens in between is sent again rather than missed.
        let newest = desk.book.last_number().await?;
        let room = desk.seen_room(visitor, channel).await?;
        let is_direct = channel.starts_with('@');
        let (messages, more) = desk.shown_page(visitor, &room, None).await?;
        let thread = match thread {
            Some(begins) => Some(desk.shown_thread(visitor, &room, begins).await?),
            None => None,
        };
        let entries = desk.entries(visitor, &room.id).await?;
        let page = Conversation {
            viewer: &visitor.person,
            people: &desk.config.people,
            entries: &entries,
            room: &room,
            direct: is_direct,
            messages: &messages,
            more,
            thread: thread.as_ref(),
            newest,
        };
        Ok(Html(pages::chat(&page).into_string()).into_response())
    };
    page.await.map_err(Problem::into_page)
}

#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    token: String,
}

pub(super) async fn log_in(
    State(desk): Shared,
    method: Method,
    headers: HeaderMap,
    Query(Token { token }): Query<Token>,
) -> Result<Response, Problem> {
    // A program that only looks whether the address answers must not use the link up.
    if method == Method::HEAD {
        return Ok(StatusCode::OK.into_response());
    }
    if let Some(secret) = desk.log_in(crate::parse::pass(&token)).await.map_err(|e| Problem::from(e).into_page())? {
        let cookie = set_cookie(&headers, &secret);
        return Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response());
    }
    // The link was used already, and this browser is in: nothing to complain about.
    if desk.visitor(&headers).await.map_err(|e| Problem::from(e).into_page())?.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let words = if token.trim().is_empty() { None } else { Some("This link was used already, or it is older than a day.") };
    let status = if words.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    Ok((status, Html(pages::login(words).into_string())).into_response())
}

/// Tells the log-in page that this browser is logged in after all: a session's cookie is not sent with a visit that
/// another site began.
pub(super) async fn session(_visitor: Visitor) -> StatusCode {
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
pub(super) struct Become {
    person: UserId,
}

pub(super) async fn become_person(
    State(desk): Shared,
    visitor: Visitor,
    Form(Become { person }): Form<Become>,
) -> Result<Redirect, Problem> {
    let known = desk.config.people.iter().find(|known| known.id == person);
    let known =
        known.ok_or_else(|| Problem::bad("There is no such person to be; reload the page and choose from the list.").into_page())?;
    desk.become_person(&visitor, &known.id).await.map_err(|e| Problem::from(e).into_page())?;
    Ok(Redirect::to("/"))
}

pub(super) async fn log_out(State(desk): Shared, visitor: Visitor, headers: HeaderMap) -> Result<Response, Problem> {
    desk.log_out(&visitor).await.map_err(|e| Problem::from(e).into_page())?;
    Ok(([(header::SET_COOKIE, set_cookie(&headers, ""))], Redirect::to("/")).into_response())
}

#[derive(Deserialize)]
pub(super) struct Older {
    channel: String,
    before: String,
}

pub(super) async fn older(
    State(desk): Shared,
    visitor: Visitor,
    Query(Older { channel, before }): Query<Older>,
) -> Result<Html<String>, Problem> {
    if !crate::config::is_id(&before) {
        return Err(Problem::bad("This is no message's id; reload the page."));
    }
    let room = desk.seen_room(&visitor, &channel).await?;
    let (messages, more) = desk.shown_page(&visitor, &room, Some(&before)).await?;
    Ok(Html(pages::older(&room, &messages, more, &visitor.person.id).into_string()))
}

#[derive(Deserialize)]
pub(super) struct Read {
    channel: String,
    message: String,
}

pub(super) async fn read(
    State(desk): Shared,
    visitor: Visitor,
    Form(Read { channel, message }): Form<Read>,
) -> Result<StatusCode, Problem> {
    if !crate::config::is_id(&message) {
        return Err(Problem::bad("This is no message's id; reload the page."));
    }
    let room = desk.seen_room(&visitor, &channel).await?;
    desk.book.mark(&visitor.person.id, &ChannelId::from(room.id), &message).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Desk {
    /// The name to show for an author.
    pub(super) fn name_of(&self, author: &Author) -> String {
        match author {
            Author::Bot => "Bellhop".to_owned(),
            Author::Person(id) => self.config.people.iter().find(|p| p.id == *id).map_or_else(|| id.to_string(), |p| p.name.clone()),
        }
    }

    pub(super) fn shown(&self, at: MessageRef, message: Message, replies: Option<Replies>) -> Shown {
        Shown { name: self.name_of(&message.from), at, message, replies }
    }

    /// A page of a channel, oldest first, and whether there is more before it.
    async fn shown_page(&self, visitor: &Visitor, room: &Room, before: Option<&str>) -> PortResult<(Vec<Shown>, bool)> {
        let channel = ChannelId::from(room.id.as_str());
        let viewer = &visitor.person.id;
        let (mut messages, more) = self.book.page(&channel, None, before, PAGE, |message| message.shown_to(viewer)).await?;
        messages.reverse();
        let mut replies = match messages.first() {
            Some(first) => self.book.replies_from(&channel, &first.id, 1000).await?,
            None => std::collections::HashMap::new(),
        };
        let shown = messages.into_iter().map(|message| {
            let at = MessageRef { channel: channel.clone(), thread: None, id: message.id.clone() };
            let replies = replies.remove(&message.id);
            self.shown(at, message, replies)
        });
        Ok((shown.collect(), more))
    }

    async fn shown_thread(&self, visitor: &Visitor, room: &Room, begins: &str) -> Result<Thread, Problem> {
        let (at, message) = self.seen_message(visitor, &format!("{}:{begins}", room.id)).await?;
        let (channel, id) = (ChannelId::from(room.id.as_str()), ThreadId::from(begins));
        let viewer = &visitor.person.id;
        let (mut messages, _) = self.book.page(&channel, Some(&id), None, REPLIES, |message| message.shown_to(viewer)).await?;
        messages.reverse();
        let replies = messages.into_iter().map(|message| {
            let at = MessageRef { channel: channel.clone(), thread: Some(id.clone()), id: message.id.clone() };
            self.shown(at, message, None)
        });
        Ok(Thread { root: self.shown(at, message, None), replies: replies.collect() })
    }

    /// The list of conversations with what is unread in each.
    pub(super) async fn entries(&self, visitor: &Visitor, current: &str) -> PortResult<Vec<Entry>> {
        let viewer = &visitor.person.id;
        let mut entries = Vec::new();
        let mine = self.room(&direct(viewer)).await?;
        for room in
            self.rooms().await?.into_iter().filter(|room| room.open_to(viewer) && (!room.archived || room.id == current)).chain(mine)
        {
            let id = ChannelId::from(room.id.as_str());
            let unread = if room.id == current {
                0
            } else {
                let marker = self.book.marker(viewer, &id).await?;
                let others = |message: &Message| message.shown_to(viewer) && message.from != Author::Person(viewer.clone());
                self.book.count_after(&id, marker.as_deref(), COUNTED, others).await?
            };
            entries.push(Entry { direct: room.id.starts_with('@'), room, unread });
        }
        Ok(entries)
    }
}
