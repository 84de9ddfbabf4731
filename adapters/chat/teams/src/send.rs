//! Sending: a card becomes a message, by the way that reaches whom it is for. What a card looks like is decided in `render`.
//!
//! Teams has no way to find out whether a message was posted whose answer got lost. What was answered is written down under the
//! delivery's key, so that only what was on its way at that very moment can be shown twice.

mod change;
mod ways;

pub(crate) use change::{find, permalink, retract, revise};
pub(crate) use ways::{deliver, service};

use crate::Desk;
use crate::address::{conversation, is_channel};
use crate::click::{Kept, collection};
use crate::pictures;
use crate::render::{self, Message, Named, Scene};
use bellhop_core::address::Address;
use bellhop_core::card::{Block, Card, Does, Span};
use bellhop_core::ports::{PortResult, Post};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How often something was said in which conversation: who waits for an answer sees whether one came.
#[derive(Default)]
pub(crate) struct Answered(Mutex<HashMap<String, u64>>);

/// How many conversations are counted; beyond that it begins anew.
const COUNTED: usize = 10_000;

impl Answered {
    pub fn count(&self, channel: &str) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(channel).copied().unwrap_or_default()
    }

    fn more(&self, channel: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTED {
            counts.clear();
        }
        *counts.entry(channel.to_owned()).or_default() += 1;
    }
}

/// Keeps what buttons refer to, before the message with them is sent.
pub(crate) async fn keep_clicks(desk: &Desk, kept: &[Kept]) -> PortResult<()> {
    let collection = collection(desk.name.as_str());
    for one in kept {
        // Plain data always serialises.
        let click = serde_json::to_value(&one.click).unwrap_or_default();
        desk.ports.records.put(&collection, &one.key, &click).await?;
    }
    Ok(())
}

/// Shows that something is being worked on. That it can't be shown is no failure.
pub(crate) async fn typing(desk: &Desk, at: &Address) {
    let said = async {
        let service = service(desk, at).await?;
        desk.connector.send(&service, &conversation(at), None, false, &json!({ "type": "typing" })).await?;
        Ok::<(), crate::connector::Failure>(())
    };
    if let Err(failure) = said.await {
        tracing::debug!(error = %failure.error, "that something is being worked on could not be shown");
    }
}

/// One card on its way.
struct Sending<'a> {
    desk: &'a Desk,
    post: &'a Post,
    people: HashMap<String, Named>,
    pictures: String,
}

impl<'a> Sending<'a> {
    async fn new(desk: &'a Desk, post: &'a Post) -> PortResult<Self> {
        Ok(Self { desk, post, people: people(desk, &post.card, &post.to).await?, pictures: pictures::before(desk) })
    }

    /// Whether the card goes on changing: what nobody asked for and can be acted on, such as an alert.
    fn changes(&self) -> bool {
        self.post.answers.is_none() && self.post.card.actions().any(|action| matches!(action.does, Does::Invoke(_)))
    }

    fn scene(&self) -> Scene<'_> {
        let pictures = Some(self.pictures.as_str());
        Scene { at: &self.post.to, people: &self.people, pictures, key: self.post.key.as_str(), refresh: self.changes() }
    }

    /// The card as a message, with everything kept that it refers to.
    async fn drawn(&self, smaller: bool) -> PortResult<Message> {
        let scene = self.scene();
        let message =
            if smaller { render::smaller(&self.post.card, &scene) } else { render::message(&self.post.card, &scene, render::LARGEST) };
        keep_clicks(self.desk, &message.kept).await?;
        for picture in &message.pictures {
            pictures::keep(self.desk, picture).await?;
        }
        Ok(message)
    }
}

/// How Teams calls the people whom a card mentions.
async fn people(desk: &Desk, card: &Card, at: &Address) -> PortResult<HashMap<String, Named>> {
    let mut named = HashMap::new();
    let mut mentioned = Vec::new();
    for block in &card.blocks {
        match block {
            Block::Text(spans) => mentioned.extend(spans),
            Block::Fields(fields) => mentioned.extend(fields.iter().flat_map(|field| &field.value)),
            _ => {}
        }
    }
    for span in mentioned {
        let Span::Mention { user, name } = span else { continue };
        let id = user.user.as_str();
        if user.chat != at.chat || user.workspace != at.workspace || named.contains_key(id) {
            continue;
        }
        let known = desk.references.person(id).await?.filter(|person| person.tenant == at.workspace.as_str());
        let shaped = crate::address::is_guid(id) || crate::address::is_connector_id(id);
        let called = match known {
            Some(person) => Named { id: if person.id.is_empty() { id.to_owned() } else { person.id }, name: person.name },
            None if shaped => Named { id: id.to_owned(), name: name.clone() },
            None => continue,
        };
        named.insert(id.to_owned(), called);
    }
    Ok(named)
}

/// Whether a conversation is one of two: the bot and a person.
async fn is_personal(desk: &Desk, channel: &str) -> PortResult<bool> {
    if is_channel(channel) {
        return Ok(false);
    }
    Ok(match desk.references.conversation(channel).await? {
        Some(known) => known.kind == "personal",
        None => !channel.starts_with("19:"),
    })
}
