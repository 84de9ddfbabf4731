//! The console's durable notes, typed: messages, threads, the log of changes, read markers. Everything lies in
//! [`Records`]; nothing is kept only in memory, so another process may write to the same records.
//!
//! The log of changes is numbered without gaps: number n+1 is written only by someone who saw that n is taken. So a
//! reader that knows n misses nothing by asking for what comes after it, whoever wrote it.

use crate::address::MessageRef;
use crate::message::{Change, Message, Replies};
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ids::{ChannelId, ChatName, ThreadId, UserId};
use bellhop_core::ports::{PortResult, Record, Records};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

/// How many changes are kept for readers that come back.
const KEPT_CHANGES: u64 = 4096;
/// How often the records are asked for what another process wrote, at most.
const POLL: Duration = Duration::from_secs(1);

pub(crate) struct Book {
    pub records: Arc<dyn Records>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    chat: ChatName,
    /// Held by who numbers a change or changes a message, so that this process does not compete with itself.
    turn: Mutex<()>,
    newest: watch::Sender<u64>,
    polled: Mutex<Option<Instant>>,
}

/// The place where a message is to be written, taken under a key of the sender's.
pub(crate) struct Claim {
    pub at: MessageRef,
}

impl Book {
    pub fn new(chat: ChatName, records: Arc<dyn Records>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { records, clock, ids, chat, turn: Mutex::new(()), newest: watch::Sender::new(0), polled: Mutex::new(None) }
    }

    pub fn chat(&self) -> &ChatName {
        &self.chat
    }

    /// A collection's name: the connection's own, so that two consoles don't mix.
    pub fn collection(&self, what: &str) -> String {
        format!("console.{}.{what}", self.chat)
    }

    fn messages(&self, channel: &ChannelId, thread: Option<&ThreadId>) -> String {
        match thread {
            Some(thread) => self.collection(&format!("messages/{channel}/{thread}")),
            None => self.collection(&format!("messages/{channel}")),
        }
    }

    pub fn broken(&self, operation: &'static str, why: impl Into<String>) -> PortError {
        PortError::new(PortErrorKind::Broken, format!("chat.{}", self.chat), operation, why)
    }

    pub fn error(&self, kind: PortErrorKind, operation: &'static str, why: impl Into<String>) -> PortError {
        PortError::new(kind, format!("chat.{}", self.chat), operation, why)
    }

    pub async fn get<T: DeserializeOwned>(&self, collection: &str, key: &str) -> PortResult<Option<T>> {
        let value = self.records.get(&self.collection(collection), key).await?;
        value.map(|value| self.read(value)).transpose()
    }

    pub async fn put<T: Serialize>(&self, collection: &str, key: &str, value: &T) -> PortResult<()> {
        self.records.put(&self.collection(collection), key, &self.write(value)?).await
    }

    /// Keeps a value unless the key is taken; says what is kept, and whether it is this one.
    pub async fn put_new<T: Serialize + DeserializeOwned>(&self, collection: &str, key: &str, value: &T) -> PortResult<(T, bool)> {
        let (kept, new) = self.records.put_new(&self.collection(collection), key, &self.write(value)?).await?;
        Ok((self.read(kept)?, new))
    }

    pub async fn remove(&self, collection: &str, key: &str) -> PortResult<()> {
        self.records.remove(&self.collection(collection), key).await
    }

    pub fn read<T: DeserializeOwned>(&self, value: Value) -> PortResult<T> {
        serde_json::from_value(value).map_err(|e| {
            self.broken("read", format!("a record of the console can't be understood ({e}); was it written by a newer version?"))
        })
    }

    fn write<T: Serialize>(&self, value: &T) -> PortResult<Value> {
        serde_json::to_value(value).map_err(|e| self.broken("write", format!("this can't be kept: {e}")))
    }

    /// Takes a place for the message with this key; the same key in the same channel always gives the same place.
    pub async fn claim(&self, channel: &ChannelId, thread: Option<&ThreadId>, key: &str) -> PortResult<Claim> {
        let wanted = MessageRef { channel: channel.clone(), thread: thread.cloned(), id: self.ids.next() };
        let (kept, _) = self.put_new("keys", &format!("{channel}/{key}"), &wanted.to_string()).await?;
        let at = MessageRef::parse(&kept).ok_or_else(|| self.broken("claim", format!("`{kept}` is no message reference")))?;
        Ok(Claim { at })
    }

    /// The message posted under a key, where there is one.
    pub async fn claimed(&self, channel: &ChannelId, key: &str) -> PortResult<Option<MessageRef>> {
        let kept: Option<String> = self.get("keys", &format!("{channel}/{key}")).await?;
        Ok(kept.and_then(|kept| MessageRef::parse(&kept)))
    }

    /// Writes a message into the place that was claimed for it, and tells the readers. When it is there already, as after
    /// a retry, nothing is written but the readers are told again: the first attempt may have stopped in between.
    pub async fn post(&self, at: &MessageRef, message: &Message) -> PortResult<()> {
        let collection = self.messages(&at.channel, at.thread.as_ref());
        let (_, new) = self.records.put_new(&collection, &at.id, &self.write(message)?).await?;
        if at.thread.is_some() {
            self.count_replies(at).await?;
        }
        let at = at.to_string();
        self.log(&if new { Change::Posted(at) } else { Change::Revised(at) }).await
    }

    pub async fn message(&self, at: &MessageRef) -> PortResult<Option<Message>> {
        let kept = self.records.get(&self.messages(&at.channel, at.thread.as_ref()), &at.id).await?;
        kept.map(|value| self.read(value)).transpose()
    }

    /// Changes a message that is there; `None` when it is not. `change` says whether there is anything to write.
    pub async fn change(&self, at: &MessageRef, change: impl FnOnce(&mut Message) -> bool + Send) -> PortResult<Option<()>> {
        let turn = self.turn.lock().await;
        let Some(mut message) = self.message(at).await? else { return Ok(None) };
        if change(&mut message) {
            message.revision += 1;
            let value = self.write(&message)?;
            self.records.put(&self.messages(&at.channel, at.thread.as_ref()), &at.id, &value).await?;
            drop(turn);
            if at.thread.is_some() && message.gone {
                self.count_replies(at).await?;
            }
            self.log(&Change::Revised(at.to_string())).await?;
        }
        Ok(Some(()))
    }

    /// Messages before `before` (or the newest), newest first, as many as `want` that `show` lets through; and whether
    /// there are more.
    pub async fn page(
        &self,
        channel: &ChannelId,
        thread: Option<&ThreadId>,
        before: Option<&str>,
        want: usize,
        show: impl Fn(&Message) -> bool,
    ) -> PortResult<(Vec<Message>, bool)> {
        let collection = self.messages(channel, thread);
        let mut cursor = before.map(str::to_owned);
        let mut page = Vec::new();
        loop {
            let records = self.records.before(&collection, cursor.as_deref(), want + 1).await?;
            let last = records.len() <= want;
            for Record { key, value } in records {
                if page.len() == want {
                    return Ok((page, true));
                }
                cursor = Some(key);
                let message: Message = self.read(value)?;
                if !message.gone && show(&message) {
                    page.push(message);
                }
            }
            if last {
                return Ok((page, false));
            }
        }
    }

    /// Messages of a thread after `after` (or the first), the oldest first, whatever they are.
    pub async fn thread_after(
        &self,
        channel: &ChannelId,
        thread: Option<&ThreadId>,
        after: Option<&str>,
        most: usize,
    ) -> PortResult<Vec<Message>> {
        let records = self.records.after(&self.messages(channel, thread), after, most).await?;
        records.into_iter().map(|record| self.read(record.value)).collect()
    }

    /// How many messages after `marker` `show` lets through, counted up to `most`.
    pub async fn count_after(
        &self,
        channel: &ChannelId,
        marker: Option<&str>,
        most: usize,
        show: impl Fn(&Message) -> bool,
    ) -> PortResult<usize> {
        let records = self.records.after(&self.messages(channel, None), marker, most).await?;
        let mut count = 0;
        for record in records {
            let message: Message = self.read(record.value)?;
            count += usize::from(!message.gone && show(&message));
        }
        Ok(count)
    }

    async fn count_replies(&self, at: &MessageRef) -> PortResult<()> {
        let Some(thread) = &at.thread else { return Ok(()) };
        let mut replies = Replies::default();
        for record in self.records.after(&self.messages(&at.channel, Some(thread)), None, 1000).await? {
            let message: Message = self.read(record.value)?;
            if !message.gone && message.only_for.is_none() {
                replies.count += 1;
                replies.last = Some(message.at);
            }
        }
        self.put(&format!("threads/{}", at.channel), thread.as_str(), &replies).await
    }

    /// The replies of one message.
    pub async fn replies(&self, channel: &ChannelId, root: &str) -> PortResult<Replies> {
        Ok(self.get(&format!("threads/{channel}"), root).await?.unwrap_or_default())
    }

    /// The replies of the messages from `first` on, by message.
    pub async fn replies_from(
        &self,
        channel: &ChannelId,
        first: &str,
        most: usize,
    ) -> PortResult<std::collections::HashMap<String, Replies>> {
        let collection = self.collection(&format!("threads/{channel}"));
        let mut found = std::collections::HashMap::new();
        found.insert(first.to_owned(), self.replies(channel, first).await?);
        for record in self.records.after(&collection, Some(first), most).await? {
            found.insert(record.key, self.read(record.value)?);
        }
        Ok(found)
    }

    /// Up to where a person has read a channel.
    pub async fn marker(&self, person: &UserId, channel: &ChannelId) -> PortResult<Option<String>> {
        self.get("read", &format!("{person}/{channel}")).await
    }

    /// Remembers that a person has read up to here; never goes back.
    pub async fn mark(&self, person: &UserId, channel: &ChannelId, id: &str) -> PortResult<()> {
        if self.marker(person, channel).await?.is_none_or(|before| before.as_str() < id) {
            self.put("read", &format!("{person}/{channel}"), &id).await?;
        }
        Ok(())
    }

    /// Adds to the log of changes and wakes the readers.
    pub async fn log(&self, change: &Change) -> PortResult<()> {
        let _turn = self.turn.lock().await;
        let collection = self.collection("changes");
        let value = self.write(change)?;
        let mut number = match *self.newest.borrow() {
            0 => 0,
            known => known + 1,
        };
        if number == 0 {
            number = self.last_number().await? + 1;
        }
        while !self.records.put_new(&collection, &key(number), &value).await?.1 {
            // Someone else wrote: start after what is there now.
            number = number.max(self.last_number().await?) + 1;
        }
        self.saw(number);
        Ok(())
    }

    fn saw(&self, number: u64) {
        self.newest.send_if_modified(|newest| {
            let later = number > *newest;
            *newest = number.max(*newest);
            later
        });
    }

    /// The number of the newest change that is kept, 0 without any.
    pub async fn last_number(&self) -> PortResult<u64> {
        let last = self.records.before(&self.collection("changes"), None, 1).await?;
        let number = last.first().and_then(|record| record.key.parse().ok()).unwrap_or(0);
        self.saw(number);
        Ok(number)
    }

    /// The number of the oldest change that is kept, where there is one.
    pub async fn first_number(&self) -> PortResult<Option<u64>> {
        let first = self.records.after(&self.collection("changes"), None, 1).await?;
        Ok(first.first().and_then(|record| record.key.parse().ok()))
    }

    /// Changes after this number, oldest first.
    pub async fn changes(&self, after: u64, most: usize) -> PortResult<Vec<(u64, Change)>> {
        let records = self.records.after(&self.collection("changes"), Some(&key(after)), most).await?;
        records
            .into_iter()
            .map(|record| Ok((record.key.parse().map_err(|_| self.broken("read", "a change without a number"))?, self.read(record.value)?)))
            .collect()
    }

    /// Tells when there may be changes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Looks for what other processes wrote, at most once a second however many ask.
    pub async fn poll(&self) -> PortResult<()> {
        {
            let Ok(mut polled) = self.polled.try_lock() else { return Ok(()) };
            let now = Instant::now();
            if polled.is_some_and(|at| now.duration_since(at) < POLL) {
                return Ok(());
            }
            *polled = Some(now);
        }
        self.last_number().await.map(|_| ())
    }

    /// Forgets changes that nobody will ask for: some at a time.
    pub async fn trim(&self) -> PortResult<()> {
        let end = self.last_number().await?.saturating_sub(KEPT_CHANGES);
        let collection = self.collection("changes");
        for record in self.records.after(&collection, None, 500).await? {
            if record.key.parse::<u64>().is_ok_and(|number| number < end) {
                self.records.remove(&collection, &record.key).await?;
            }
        }
        Ok(())
    }
}

fn key(number: u64) -> String {
    format!("{number:020}")
}
