//! Listens to a chat for as long as the bot runs: again after a failure that may pass, with growing pauses, and not after
//! one that only people can mend. Both are told through what still works.

use crate::alerts::Own;
use crate::alerts::own::{listening_key, not_listening};
use bellhop_core::error::{PortError, Retry};
use bellhop_core::ports::{ChatPlatform, Stop};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait before listening again, and when to trust that it works.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub most: Duration,
    /// After how long without a failure listening is taken to work.
    pub well: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), most: Duration::from_mins(5), well: Duration::from_secs(30) }
    }
}

/// Listens until told to stop, or until nothing but people can mend it.
pub async fn listen(chat: Arc<dyn ChatPlatform>, own: Arc<Own>, stop: Stop, patience: Patience) {
    let name = chat.name().clone();
    let mut pause = patience.first;
    while !stop.is_cancelled() {
        let mut listening = std::pin::pin!(chat.listen(stop.clone()));
        let ended = if let Ok(ended) = tokio::time::timeout(patience.well, &mut listening).await {
            ended
        } else {
            own.over(&listening_key(&name)).await;
            pause = patience.first;
            listening.await
        };
        if stop.is_cancelled() {
            return;
        }
        let again = match &ended {
            Err(PortError { retry: Retry::No, .. }) => None,
            Ok(()) | Err(PortError { retry: Retry::Backoff, .. }) => Some(pause),
            Err(PortError { retry: Retry::After(least), .. }) => Some(pause.max(*least)),
        };
        let why = ended.err().map_or_else(|| format!("chat.{name} stopped listening without saying why"), |error| error.to_string());
        tracing::warn!(chat = %name, why, again = again.is_some(), "this chat is not listened to");
        own.raise(not_listening(&name, &why, again.is_some())).await;
        let Some(wait) = again else { return };
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return;
        }
        pause = (pause * 2).min(patience.most);
    }
}
