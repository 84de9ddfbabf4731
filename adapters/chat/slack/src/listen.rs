//! How deliveries arrive: over sockets that the bot opens, or as signed requests. Either way what was said is in the inbox
//! before Slack is told that it arrived, and what a delivery means is read by `parse`.

mod http;
mod install;
mod page;
mod socket;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use socket::{OPEN, refused};

use crate::config::Transport;
use crate::interact;
use crate::parse::{self, Heard, Kind};
use crate::{Desk, Slack};
use axum::Router;
use bellhop_core::ports::{PortResult, Stop};
use serde_json::Value;
use std::sync::Arc;

impl Slack {
    /// The routes that Slack calls: `/chat/NAME` and the pages that connect workspaces. Give them to the listener whatever
    /// the transport is.
    pub fn router(&self) -> Router {
        http::router(self.desk.clone())
    }
}

/// Listens until told to stop. With HTTP the listener does; here the sockets are kept.
pub(crate) async fn listen(desk: &Arc<Desk>, stop: Stop) -> PortResult<()> {
    match desk.config.transport {
        Transport::Socket => socket::listen(desk.clone(), socket::Pace::default(), stop).await,
        Transport::Http => {
            stop.cancelled().await;
            Ok(())
        }
    }
}

/// What to answer to a delivery that was taken.
#[derive(Debug, PartialEq)]
enum Taken {
    /// An empty body.
    Empty,
    /// This.
    Answer(Value),
    /// It could not be read, and will not be when it comes again.
    Unreadable,
}

/// Takes a delivery. What has to survive is kept durably when this returns.
async fn take(desk: &Arc<Desk>, kind: Kind, payload: &Value) -> PortResult<Taken> {
    match parse::delivery(kind, payload, &desk.name, desk.ports.clock.now()) {
        Ok(Heard::Accept(mut incoming)) => {
            // Events name nobody. Who it was is known, or asked for within a moment; commands and clicks don't wait for it.
            if kind == Kind::Event {
                interact::introduce(desk, &mut incoming).await;
            }
            desk.ports.inbox.accept(*incoming).await.map(|_| Taken::Empty)
        }
        Ok(Heard::Interact(interaction)) => Ok(Box::pin(interact::answer(desk, *interaction)).await?.map_or(Taken::Empty, Taken::Answer)),
        Ok(Heard::Lifecycle(lifecycle)) => interact::lifecycle(desk, lifecycle).await.map(|()| Taken::Empty),
        Ok(Heard::Nothing) => Ok(Taken::Empty),
        Err(unreadable) => {
            tracing::warn!(chat = %desk.name, %unreadable, "a delivery could not be read and is left");
            Ok(Taken::Unreadable)
        }
    }
}

/// Slack delivers no more events for a while, since there were too many
/// (<https://docs.slack.dev/apis/events-api/#rate-limiting>).
fn rate_limited(desk: &Desk, payload: &Value) {
    let team = payload.get("team_id").and_then(Value::as_str).unwrap_or("?");
    tracing::warn!(chat = %desk.name, workspace = team, "Slack withholds events: there were more than 30,000 within an hour");
    metrics::counter!("bellhop_events_withheld_total", "chat" => desk.name.to_string()).increment(1);
}
