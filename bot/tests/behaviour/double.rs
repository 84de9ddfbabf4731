//! A chat platform in memory that remembers what was asked of it and when, and fails as it is told.

use async_trait::async_trait;
use bellhop_core::call::Attachment;
use bellhop_core::ids::{ChatName, DeliveryKey, MessageId};
use bellhop_core::ports::{ByteStream, ChatPlatform, Finding, PortResult, Post, Stop, Upload};
use bellhop_core::{Address, Capabilities, PortError, PortErrorKind};
use futures::TryStreamExt as _;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Something that was done at the platform.
#[derive(Clone, Debug)]
pub enum Done {
    Posted { id: MessageId, post: Post },
    Revised { post: Post },
    Uploaded { key: DeliveryKey, to: Address, name: String, alt: String },
}

/// When it was begun and answered.
#[derive(Clone, Debug)]
pub struct Event {
    pub begun: Instant,
    pub answered: Instant,
    pub done: Done,
}

impl Event {
    pub fn channel(&self) -> String {
        let at = match &self.done {
            Done::Posted { post, .. } | Done::Revised { post } => &post.to,
            Done::Uploaded { to, .. } => to,
        };
        at.channel.to_string()
    }
}

/// What a platform knows of a name.
#[derive(Clone, Debug)]
pub enum Names {
    /// Every name is an id.
    All,
    /// No name is known.
    None,
    /// It can't be asked.
    Fail(PortError),
}

pub struct Double {
    name: ChatName,
    pub caps: Mutex<Capabilities>,
    log: Mutex<Vec<Event>>,
    fails: Mutex<HashMap<&'static str, VecDeque<(PortError, bool)>>>,
    pub names: Mutex<Names>,
    /// What every post is refused with, while there is something.
    pub refuses: Mutex<Option<PortError>>,
    /// How listening ends, one time after the other; then it goes on until the stop.
    pub listens: Mutex<VecDeque<PortError>>,
    pub listened: Mutex<Vec<Instant>>,
    pub findings: Mutex<Vec<Finding>>,
    /// Uploads stop half way until this is true.
    gate: watch::Sender<bool>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

pub fn error(kind: PortErrorKind, text: &str) -> PortError {
    PortError::new(kind, "chat.work", "deliver", text)
}

impl Double {
    pub fn new(name: &str, caps: Capabilities) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            caps: Mutex::new(caps),
            log: Mutex::default(),
            fails: Mutex::default(),
            names: Mutex::new(Names::All),
            refuses: Mutex::default(),
            listens: Mutex::default(),
            listened: Mutex::default(),
            findings: Mutex::default(),
            gate: watch::Sender::new(true),
        })
    }

    /// The next call of this operation fails so; `done` says whether its effect is there all the same.
    pub fn fail(&self, operation: &'static str, error: PortError, done: bool) {
        held(&self.fails).entry(operation).or_default().push_back((error, done));
    }

    pub fn close_gate(&self, closed: bool) {
        self.gate.send_replace(!closed);
    }

    pub fn log(&self) -> Vec<Event> {
        held(&self.log).clone()
    }

    pub fn posts(&self) -> Vec<Post> {
        self.log().into_iter().filter_map(|event| if let Done::Posted { post, .. } = event.done { Some(post) } else { None }).collect()
    }

    pub fn revisions(&self) -> Vec<Post> {
        self.log().into_iter().filter_map(|event| if let Done::Revised { post } = event.done { Some(post) } else { None }).collect()
    }

    /// Key, channel, name, alt of each upload.
    pub fn uploads(&self) -> Vec<(String, String, String, String)> {
        let uploads = self.log().into_iter().filter_map(|event| match event.done {
            Done::Uploaded { key, to, name, alt, .. } => Some((key.to_string(), to.channel.to_string(), name, alt)),
            _ => None,
        });
        uploads.collect()
    }

    /// Notes what was done, or fails.
    fn ended(&self, operation: &'static str, begun: Instant, done: Done) -> PortResult<()> {
        let failure = held(&self.fails).get_mut(operation).and_then(VecDeque::pop_front);
        if failure.as_ref().is_none_or(|(_, done)| *done) {
            held(&self.log).push(Event { begun, answered: Instant::now(), done });
        }
        failure.map_or(Ok(()), |(error, _)| Err(error))
    }
}

#[async_trait]
impl ChatPlatform for Double {
    fn name(&self) -> &ChatName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        held(&self.caps).clone()
    }

    async fn listen(&self, stop: Stop) -> PortResult<()> {
        held(&self.listened).push(Instant::now());
        let failure = held(&self.listens).pop_front();
        if let Some(error) = failure {
            return Err(error);
        }
        stop.cancelled().await;
        Ok(())
    }

    async fn deliver(&self, post: &Post) -> PortResult<MessageId> {
        if let Some(error) = held(&self.refuses).clone() {
            return Err(error);
        }
        let id = MessageId::new(format!("m-{}", post.key));
        self.ended("deliver", Instant::now(), Done::Posted { id: id.clone(), post: post.clone() })?;
        Ok(id)
    }

    async fn revise(&self, _message: &MessageId, post: &Post) -> PortResult<()> {
        if let Some(error) = held(&self.refuses).clone() {
            return Err(error);
        }
        self.ended("revise", Instant::now(), Done::Revised { post: post.clone() })
    }

    async fn retract(&self, _at: &Address, _message: &MessageId) -> PortResult<()> {
        Ok(())
    }

    async fn find(&self, _at: &Address, key: &DeliveryKey) -> PortResult<Option<MessageId>> {
        let found = self.log().into_iter().find_map(|event| match event.done {
            Done::Posted { id, post } if post.key == *key => Some(id),
            Done::Uploaded { key: uploaded, .. } if uploaded == *key => Some(MessageId::new(format!("u-{key}"))),
            _ => None,
        });
        Ok(found)
    }

    async fn fetch(&self, _attachment: &Attachment) -> PortResult<ByteStream> {
        Err(PortError::unsupported("chat.work", "fetch", "no files here"))
    }

    async fn upload(&self, file: Upload) -> PortResult<MessageId> {
        let (begun, Upload { key, to, name, size, alt, mut bytes, .. }) = (Instant::now(), file);
        let mut came = 0;
        while let Some(chunk) = bytes.try_next().await? {
            came += chunk.len() as u64;
            if came > size / 2 {
                let _ = self.gate.subscribe().wait_for(|open| *open).await;
            }
        }
        assert_eq!(came, size, "the stream has the length that was said");
        let id = MessageId::new(format!("u-{key}"));
        self.ended("upload", begun, Done::Uploaded { key, to, name, alt })?;
        Ok(id)
    }

    async fn locate(&self, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>> {
        if workspace.is_some_and(|given| given != "T1") {
            return Ok(None);
        }
        match held(&self.names).clone() {
            Names::All => Ok(Some(Address::channel(self.name.clone(), "T1", if direct { format!("D-{name}") } else { name.to_owned() }))),
            Names::None => Ok(None),
            Names::Fail(error) => Err(error),
        }
    }

    async fn check(&self) -> PortResult<Vec<Finding>> {
        Ok(held(&self.findings).clone())
    }
}

/// Every gap between an answer and the next beginning, channel by channel.
pub fn gaps(log: &[Event]) -> Vec<Duration> {
    let mut by_channel: HashMap<String, Vec<&Event>> = HashMap::new();
    for event in log {
        by_channel.entry(event.channel()).or_default().push(event);
    }
    let gaps = by_channel.values().flat_map(|events| events.windows(2).map(|two| two[1].begun.saturating_duration_since(two[0].answered)));
    gaps.collect()
}
