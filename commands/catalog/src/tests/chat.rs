//! Chats in memory: one whose channels can be changed, and one whose can't.

use async_trait::async_trait;
use bellhop_core::ids::{ChatName, DeliveryKey, MessageId};
use bellhop_core::ports::{
    ByteStream, Channel, Channels, ChatPlatform, HistoryPage, Meetings, PastMessage, Places, Platforms, PortResult, Post, Upload,
};
use bellhop_core::{Address, Attachment, Capabilities, CommandError, PlaceRef, PortError, PortErrorKind, Timestamp, UserRef};
use std::sync::{Arc, Mutex};

/// The places, and a platform whose channels can be changed (`console`) beside one whose can't (`mute`).
#[derive(Default)]
pub(super) struct Chat(pub Arc<Mutex<Vec<String>>>);
impl Chat {
    fn all() -> Vec<Channel> {
        let channel = |chat: &str, workspace: &str, name: &str, private: bool, archived: bool| Channel {
            address: Address::channel(chat, workspace, name),
            name: name.into(),
            topic: String::new(),
            private,
            archived,
        };
        vec![
            channel("console", "main", "general", false, false),
            channel("console", "main", "secret", true, false),
            channel("console", "main", "old", false, true),
            channel("mute", "T1", "ops", false, false),
        ]
    }
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}
#[async_trait]
impl Places for Chat {
    async fn resolve(&self, place: &PlaceRef, _: &Address) -> Result<Address, CommandError> {
        Self::all()
            .into_iter()
            .find(|channel| channel.name == place.name)
            .map(|channel| channel.address)
            .ok_or_else(|| CommandError::not_found("channel", place.to_string()))
    }
    async fn spell(&self, address: &Address) -> String {
        format!("{}:{}/#{}", address.chat, address.workspace, address.channel)
    }
    async fn channels(&self) -> Result<Vec<Channel>, CommandError> {
        Ok(Self::all())
    }
}
impl Platforms for Chat {
    fn platform(&self, chat: &ChatName) -> Option<Arc<dyn ChatPlatform>> {
        ["console", "mute", "loud", "small"].contains(&chat.as_str()).then(|| Arc::new(Platform(chat.clone(), Self(self.0.clone()))) as _)
    }
    fn names(&self) -> Vec<ChatName> {
        vec!["console".into(), "mute".into()]
    }
}

/// How many messages were said in `#general`.
const SAID: usize = 450;

fn said(text: &str, minute: usize, thread: &str) -> PastMessage {
    PastMessage {
        id: format!("m-{text}").into(),
        from: None,
        name: "Ann".into(),
        at: super::world::now() + chrono::TimeDelta::minutes(i64::try_from(minute).unwrap()),
        text: text.into(),
        card: None,
        attachments: Vec::new(),
        thread: Some(thread.into()),
        replies: 0,
        edited: None,
    }
}

fn file(name: &str) -> Attachment {
    let handle = bellhop_core::call::Handle(serde_json::Value::Null);
    Attachment { id: name.into(), name: name.into(), content_type: "text/plain".into(), size: None, handle }
}

struct Platform(ChatName, Chat);
#[async_trait]
impl ChatPlatform for Platform {
    fn name(&self) -> &ChatName {
        &self.0
    }
    fn capabilities(&self) -> Capabilities {
        let all = Capabilities { private: self.0.as_str() != "loud", text: 2000, message: 4000, ..Capabilities::default() };
        if self.0.as_str() == "small" { Capabilities { actions: 10, images: false, ..all } } else { all }
    }
    async fn deliver(&self, _: &Post) -> PortResult<MessageId> {
        Err(PortError::unsupported("chat", "deliver", "not here"))
    }
    async fn revise(&self, _: &MessageId, _: &Post) -> PortResult<()> {
        Ok(())
    }
    async fn retract(&self, _: &Address, _: &MessageId) -> PortResult<()> {
        Ok(())
    }
    async fn find(&self, _: &Address, _: &DeliveryKey) -> PortResult<Option<MessageId>> {
        Ok(None)
    }
    async fn fetch(&self, attachment: &Attachment) -> PortResult<ByteStream> {
        if attachment.name != "a.txt" {
            return Err(PortError::not_found("chat", "fetch", "it was deleted"));
        }
        Ok(Box::pin(futures::stream::iter([Ok("the bytes of ".into()), Ok("a.txt".into())])))
    }
    async fn history(&self, at: &Address, from: Option<&str>, limit: usize) -> PortResult<HistoryPage> {
        if self.0.as_str() != "console" {
            return Err(PortError::unsupported("chat", "history", "not here"));
        }
        let (before, first) = (from.map_or(SAID, |from| from.parse().unwrap()), at.thread.is_none());
        if !first {
            return Ok(HistoryPage { messages: (0..2).map(|n| said(&format!("reply {n}"), n, "3")).collect(), next: None });
        }
        let end = before.saturating_sub(limit);
        let told = |n: usize| PastMessage {
            replies: if n == 3 { 2 } else { 0 },
            attachments: match n {
                5 => vec![file("a.txt")],
                6 => vec![file("gone.bin")],
                _ => Vec::new(),
            },
            ..said(&format!("number {n}"), n, &n.to_string())
        };
        Ok(HistoryPage { messages: (end..before).rev().map(told).collect(), next: (end > 0).then(|| end.to_string()) })
    }
    async fn upload(&self, _: Upload) -> PortResult<MessageId> {
        Err(PortError::unsupported("chat", "upload", "not here"))
    }
    async fn locate(&self, _: Option<&str>, _: &str, _: bool) -> PortResult<Option<Address>> {
        Ok(None)
    }
    async fn post_later(&self, post: &Post, at: Timestamp) -> PortResult<MessageId> {
        if self.0.as_str() != "mute" {
            return Err(PortError::unsupported("chat", "post_later", "not here"));
        }
        self.1.note(format!("later {} {at} {:?}", post.to, post.card.blocks.first()));
        Ok("later".into())
    }
    fn channels(&self) -> Option<&dyn Channels> {
        (self.0.as_str() == "console").then_some(&self.1 as &dyn Channels)
    }
    fn meetings(&self) -> Option<&dyn Meetings> {
        (self.0.as_str() == "console").then_some(&self.1 as &dyn Meetings)
    }
    async fn email(&self, person: &UserRef) -> PortResult<Option<String>> {
        let known = ["ann", "bob"].contains(&person.user.as_str());
        Ok(known.then(|| format!("{}@acme.example", person.user)))
    }
}
#[async_trait]
impl Channels for Chat {
    async fn list(&self) -> PortResult<Vec<Channel>> {
        Ok(Self::all())
    }
    async fn create(&self, name: &str, private: bool) -> PortResult<Channel> {
        if name == "general" {
            return Err(PortError::new(PortErrorKind::Conflict, "chat.console", "create", "taken"));
        }
        Ok(Channel {
            address: Address::channel("console", "main", name),
            name: name.into(),
            topic: String::new(),
            private,
            archived: false,
        })
    }
    async fn delete(&self, at: &Address) -> PortResult<()> {
        self.note(format!("delete {at}"));
        Ok(())
    }
    async fn archive(&self, at: &Address) -> PortResult<()> {
        self.note(format!("archive {at}"));
        Ok(())
    }
    async fn rename(&self, at: &Address, name: &str) -> PortResult<Channel> {
        self.note(format!("rename {at} {name}"));
        Ok(Channel { address: at.clone(), name: name.into(), topic: String::new(), private: false, archived: false })
    }
    async fn set_topic(&self, at: &Address, topic: &str) -> PortResult<()> {
        self.note(format!("topic {at} {topic}"));
        Ok(())
    }
    async fn unarchive(&self, at: &Address) -> PortResult<()> {
        self.note(format!("unarchive {at}"));
        Ok(())
    }
    async fn set_purpose(&self, at: &Address, purpose: &str) -> PortResult<()> {
        self.note(format!("purpose {at} {purpose}"));
        Ok(())
    }
    async fn join(&self, at: &Address) -> PortResult<()> {
        self.note(format!("join {at}"));
        Ok(())
    }
    async fn invite(&self, at: &Address, people: &[String]) -> PortResult<()> {
        self.note(format!("invite {at} {people:?}"));
        Ok(())
    }
}
