//! The adapter to the world: a [`ChatPlatform`] over HTTP like any other, through `adapters/http`.

use super::routes::{Found, NewMessage, NewRoom, Posted, RoomChange};
use super::state::Room;
use async_trait::async_trait;
use bellhop_core::call::{Attachment, Audience};
use bellhop_core::capabilities::Lookup;
use bellhop_core::ids::{ChatName, DeliveryKey, MessageId};
use bellhop_core::ports::{ByteStream, Channel, Channels, ChatPlatform, PortResult, Post, Upload};
use bellhop_core::{About, Address, Capabilities, PortError};
use bellhop_http::{Client, Limits, Method, Request};
use serde_json::Value;

/// The workspace of every place in the world.
pub const WORKSPACE: &str = "wire";

/// A connection to a world.
#[derive(Debug)]
pub struct WireChat {
    name: ChatName,
    client: Client,
    url: String,
    token: String,
    lookup: Lookup,
}

impl WireChat {
    /// The connection configured as `name`, to the world at `url`. `lookup` is what it declares; give the world the same.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(name: &str, url: &str, lookup: Lookup, limits: Limits) -> PortResult<Self> {
        let token = super::Settings::new(lookup).token;
        Ok(Self {
            name: name.into(),
            client: Client::new(format!("chat.{name}"), limits)?,
            url: url.trim_end_matches('/').to_owned(),
            token,
            lookup,
        })
    }

    fn request(&self, method: Method, operation: &'static str, route: &'static str, parts: &[&str]) -> Request {
        let request = self.client.request(method, operation, route, &self.url).bearer(&self.token).path("api");
        parts.iter().fold(request, |request, part| request.path(part))
    }

    fn address(&self, id: &str) -> Address {
        Address::channel(self.name.clone(), WORKSPACE, id)
    }

    fn channel(&self, room: Room) -> Channel {
        Channel { address: self.address(&room.id), name: room.name, topic: room.topic, private: room.private, archived: room.archived }
    }

    async fn change(&self, operation: &'static str, at: &Address, change: RoomChange) -> PortResult<Channel> {
        let request = self.request(Method::PATCH, operation, "/channels/{id}", &["channels", at.channel.as_str()]);
        Ok(self.channel(request.idempotent().json(&change).receive().await?))
    }
}

#[async_trait]
impl ChatPlatform for WireChat {
    fn name(&self) -> &ChatName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { lookup: self.lookup, ..Capabilities::default() }
    }

    async fn announce(&self, commands: &[About]) -> PortResult<()> {
        let names: Vec<&str> = commands.iter().map(|about| about.name).collect();
        self.request(Method::PUT, "announce", "/commands", &["commands"]).json(&names).send().await?;
        Ok(())
    }

    async fn deliver(&self, post: &Post) -> PortResult<MessageId> {
        let only = post.answers.as_ref().filter(|_| post.audience == Audience::Caller).map(|person| person.user.to_string());
        let new = NewMessage { key: post.key.to_string(), card: post.card.clone(), only };
        let request = self.request(Method::POST, "deliver", "/channels/{id}/messages", &["channels", post.to.channel.as_str(), "messages"]);
        let posted: Posted = request.json(&new).receive().await?;
        Ok(posted.id.into())
    }

    async fn revise(&self, message: &MessageId, post: &Post) -> PortResult<()> {
        let parts = ["channels", post.to.channel.as_str(), "messages", message.as_str()];
        self.request(Method::PUT, "revise", "/channels/{id}/messages/{id}", &parts).json(&post.card).receive::<Value>().await?;
        Ok(())
    }

    async fn retract(&self, at: &Address, message: &MessageId) -> PortResult<()> {
        let parts = ["channels", at.channel.as_str(), "messages", message.as_str()];
        self.request(Method::DELETE, "retract", "/channels/{id}/messages/{id}", &parts).receive::<Value>().await?;
        Ok(())
    }

    async fn find(&self, at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>> {
        let request = self.request(Method::GET, "find", "/channels/{id}/messages", &["channels", at.channel.as_str(), "messages"]);
        let found: Found = request.query(&[("key", key.as_str())]).receive().await?;
        Ok(found.id.map(MessageId::from))
    }

    async fn fetch(&self, attachment: &Attachment) -> PortResult<ByteStream> {
        let id = attachment
            .handle
            .0
            .as_str()
            .ok_or_else(|| PortError::not_found(self.client.service(), "fetch", "the attachment is not of this platform"))?;
        Ok(self.request(Method::GET, "fetch", "/files/{id}", &["files", id]).send().await?.stream())
    }

    async fn upload(&self, file: Upload) -> PortResult<MessageId> {
        let size = file.size.to_string();
        let query = [("key", file.key.as_str()), ("name", file.name.as_str()), ("size", size.as_str())];
        let request = self.request(Method::POST, "upload", "/channels/{id}/files", &["channels", file.to.channel.as_str(), "files"]);
        let posted: Posted = request.query(&query).stream(&file.content_type, Some(file.size), file.bytes).receive().await?;
        Ok(posted.id.into())
    }

    async fn locate(&self, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>> {
        if workspace.is_some_and(|given| given != WORKSPACE) {
            return Ok(None);
        }
        let direct = direct.to_string();
        let found: Found =
            self.request(Method::GET, "locate", "/places", &["places"]).query(&[("name", name), ("direct", &direct)]).receive().await?;
        Ok(found.id.map(|id| self.address(&id)))
    }

    fn channels(&self) -> Option<&dyn Channels> {
        Some(self)
    }
}

#[async_trait]
impl Channels for WireChat {
    async fn list(&self) -> PortResult<Vec<Channel>> {
        let rooms: Vec<Room> = self.request(Method::GET, "list", "/channels", &["channels"]).receive().await?;
        Ok(rooms.into_iter().map(|room| self.channel(room)).collect())
    }

    async fn create(&self, name: &str, private: bool) -> PortResult<Channel> {
        let new = NewRoom { name: name.to_owned(), private };
        Ok(self.channel(self.request(Method::POST, "create", "/channels", &["channels"]).json(&new).receive().await?))
    }

    async fn archive(&self, at: &Address) -> PortResult<()> {
        self.change("archive", at, RoomChange { archived: Some(true), ..RoomChange::default() }).await.map(drop)
    }

    async fn rename(&self, at: &Address, name: &str) -> PortResult<Channel> {
        self.change("rename", at, RoomChange { name: Some(name.to_owned()), ..RoomChange::default() }).await
    }

    async fn set_topic(&self, at: &Address, topic: &str) -> PortResult<()> {
        self.change("set topic", at, RoomChange { topic: Some(topic.to_owned()), ..RoomChange::default() }).await.map(drop)
    }

    async fn invite(&self, at: &Address, people: &[String]) -> PortResult<()> {
        let request = self.request(Method::POST, "invite", "/channels/{id}/members", &["channels", at.channel.as_str(), "members"]);
        request.idempotent().json(people).receive::<Value>().await?;
        Ok(())
    }
}
