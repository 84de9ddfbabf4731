//! Whether a webhook's place takes messages. Asked of the platform now and then, not for every request; where it doesn't
//! answer, the place is taken to be open, and what can't be shown goes to the dead letters.

use crate::platforms::ChatDirectory;
use bellhop_core::Address;
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::ids::ChatName;
use chrono::TimeDelta;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long what was asked counts, and how long to wait for an answer.
const FRESH: TimeDelta = TimeDelta::seconds(15);
const PATIENCE: Duration = Duration::from_secs(1);

/// The closed channels of a chat, and when they were asked for.
type Closed = (Timestamp, HashSet<String>);

/// What is known about places.
pub(super) struct OpenPlaces {
    chats: Arc<ChatDirectory>,
    clock: Arc<dyn Clock>,
    closed: Mutex<HashMap<ChatName, Closed>>,
}

impl OpenPlaces {
    pub fn new(chats: Arc<ChatDirectory>, clock: Arc<dyn Clock>) -> Self {
        Self { chats, clock, closed: Mutex::default() }
    }

    /// Whether a place is open; `None` where its chat is no longer connected.
    pub async fn is_open(&self, at: &Address) -> Option<bool> {
        let platform = self.chats.get(&at.chat)?;
        let Some(channels) = platform.channels() else { return Some(true) };
        if self.is_due(&at.chat)
            && let Ok(Ok(list)) = tokio::time::timeout(PATIENCE, channels.list()).await
        {
            let closed = list.into_iter().filter(|channel| channel.archived).map(|channel| channel.address.to_string()).collect();
            self.closed.lock().unwrap_or_else(PoisonError::into_inner).insert(at.chat.clone(), (self.clock.now(), closed));
        }
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        Some(!closed.get(&at.chat).is_some_and(|(_, closed)| closed.contains(&at.to_string())))
    }

    /// Whether to ask now. Who is told so asks for all who come meanwhile.
    fn is_due(&self, chat: &ChatName) -> bool {
        let now = self.clock.now();
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        match closed.get_mut(chat) {
            Some((asked, _)) if now - *asked < FRESH => false,
            Some((asked, _)) => {
                *asked = now;
                true
            }
            None => true,
        }
    }
}
