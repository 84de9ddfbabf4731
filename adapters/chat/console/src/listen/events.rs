//! Live changes, as server-sent events. Each reader reads the log of changes itself, at its own pace: a slow one holds
//! nothing in memory but its place. Events carry the number of their change, so a reconnect continues where it stopped.

use super::{Problem, Shared};
use crate::Desk;
use crate::address::MessageRef;
use crate::message::{Author, Change};
use crate::pages;
use crate::render::thread_link;
use crate::session::Visitor;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use bellhop_core::ports::PortResult;
use serde::Deserialize;
use serde_json::json;
use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How many changes are read at a time.
const BATCH: usize = 100;
/// How often a reader looks for what other processes wrote; the book asks the records once for all of them.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is checked that the reader is still logged in.
const CHECK: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
pub(super) struct From {
    after: Option<u64>,
}

pub(super) async fn events(
    State(desk): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Query(From { after }): Query<From>,
) -> Result<Response, Problem> {
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let newest = desk.book.last_number().await?;
    let last: u64 = resumed.or(after).unwrap_or(newest);
    // Too long away, or from before the records were replaced: the page is loaded anew.
    let anew = last > newest || desk.book.first_number().await?.is_some_and(|first| first > last + 1);
    let reader = Reader { woken: desk.book.watch(), desk, visitor, headers, last, queue: VecDeque::new(), anew, checked: Instant::now() };
    let stream =
        futures::stream::unfold(reader, |mut reader| async move { reader.next().await.map(|event| (Ok::<_, Infallible>(event), reader)) });
    let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)));
    // A proxy in front must not collect events before passing them on.
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response())
}

struct Reader {
    desk: Arc<Desk>,
    visitor: Visitor,
    headers: HeaderMap,
    woken: watch::Receiver<u64>,
    last: u64,
    queue: VecDeque<(u64, Change)>,
    anew: bool,
    checked: Instant,
}

impl Reader {
    /// The next event, or nothing when the page has to connect anew.
    async fn next(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.anew) {
            self.last = self.desk.book.last_number().await.ok()?;
            return Some(Event::default().event("reload").id(self.last.to_string()).data("{}"));
        }
        loop {
            while let Some((number, change)) = self.queue.pop_front() {
                self.last = number;
                match self.event(&change).await {
                    Ok(Some(event)) => return Some(event.id(number.to_string())),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(%error, "a live change could not be shown; the page connects anew");
                        return None;
                    }
                }
            }
            match self.desk.book.changes(self.last, BATCH).await {
                Ok(changes) if changes.is_empty() => self.wait().await?,
                Ok(changes) => self.queue = latest(changes),
                Err(error) => {
                    tracing::warn!(%error, "the changes can't be read; the page connects anew");
                    return None;
                }
            }
        }
    }

    /// Waits until there may be something, or ends.
    async fn wait(&mut self) -> Option<()> {
        loop {
            if *self.woken.borrow_and_update() > self.last {
                return Some(());
            }
            tokio::select! {
                () = self.desk.closing.cancelled() => return None,
                changed = self.woken.changed() => changed.ok()?,
                () = tokio::time::sleep(LOOK) => {
                    if let Err(error) = self.desk.book.poll().await {
                        tracing::debug!(%error, "the records can't be asked for changes just now");
                    }
                }
            }
            if self.checked.elapsed() > CHECK {
                self.checked = Instant::now();
                self.desk.visitor(&self.headers).await.ok()??;
            }
        }
    }

    async fn event(&self, change: &Change) -> PortResult<Option<Event>> {
        let (text, fresh) = match change {
            Change::Posted(text) => (text, true),
            Change::Revised(text) => (text, false),
            Change::Channels => {
                let entries = self.desk.entries(&self.visitor, "").await?;
                return Ok(Some(Event::default().event("channels").data(pages::rooms(&entries, "").into_string())));
            }
        };
        let Some(at) = MessageRef::parse(text) else { return Ok(None) };
        let viewer = &self.visitor.person.id;
        let open = self.desk.room_of(&at).await?.is_some_and(|room| room.open_to(viewer));
        let Some(message) = self.desk.book.message(&at).await?.filter(|message| open && message.shown_to(viewer)) else { return Ok(None) };
        let root = match &at.thread {
            Some(thread) => {
                let root = MessageRef { channel: at.channel.clone(), thread: None, id: thread.to_string() };
                let replies = self.desk.book.replies(&at.channel, &root.id).await?;
                Some(thread_link(&root, Some(&replies)).into_string())
            }
            None => None,
        };
        let replies = match &at.thread {
            None => Some(self.desk.book.replies(&at.channel, &at.id).await?),
            Some(_) => None,
        };
        let mut data = json!({
            "channel": at.channel,
            "thread": at.thread,
            "id": at.id,
            "fresh": fresh,
            "mine": message.from == Author::Person(viewer.clone()),
            "gone": message.gone,
            "root": root,
        });
        if !message.gone {
            data["html"] = self.desk.shown(at, message, replies).html(viewer).into_string().into();
        }
        Ok(Some(Event::default().event("message").data(data.to_string())))
    }
}

/// The last change of each message only: what came before it would not be seen. A message that is new stays new.
fn latest(changes: Vec<(u64, Change)>) -> VecDeque<(u64, Change)> {
    let fresh: HashSet<String> =
        changes.iter().filter_map(|(_, change)| if let Change::Posted(at) = change { Some(at.clone()) } else { None }).collect();
    let mut seen = HashSet::new();
    let mut kept = VecDeque::new();
    for (number, change) in changes.into_iter().rev() {
        let (key, change) = match change {
            Change::Revised(at) if fresh.contains(&at) => (at.clone(), Change::Posted(at)),
            Change::Posted(at) | Change::Revised(at) if at.is_empty() => continue,
            Change::Posted(at) => (at.clone(), Change::Posted(at)),
            Change::Revised(at) => (at.clone(), Change::Revised(at)),
            Change::Channels => (String::new(), Change::Channels),
        };
        if seen.insert(key) {
            kept.push_front((number, change));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_change_of_a_message_is_shown() {
        let posted = |at: &str| Change::Posted(at.into());
        let revised = |at: &str| Change::Revised(at.into());
        let kept = latest(vec![
            (1, posted("a")),
            (2, revised("b")),
            (3, Change::Channels),
            (4, revised("a")),
            (5, revised("b")),
            (6, Change::Channels),
        ]);
        assert_eq!(kept, [(4, posted("a")), (5, revised("b")), (6, Change::Channels)]);
    }
}
