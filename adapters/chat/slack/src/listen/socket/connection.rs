//! One socket: what comes is handled, several at once, and acknowledged over the same socket after it is kept; whether
//! anybody is there is asked in turn. When another is opened is not decided here.

use super::opening::{Socket, words};
use super::{Sockets, disabled};
use crate::Desk;
use crate::listen::{Taken, rate_limited, take};
use crate::parse::Kind;
use bellhop_core::ports::Stop;
use bytes::Bytes;
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// A hold on a socket that lives in a task of its own.
#[derive(Clone, Default)]
pub(super) struct Connection {
    retire: Stop,
}

impl Connection {
    /// Lets the socket go: what it has in work is acknowledged, then it is closed.
    pub(super) fn retire(&self) {
        self.retire.cancel();
    }
}

/// What the keeper of a socket has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Slack asks for another one; this one goes on until that has said hello.
    Refresh,
    /// It is over.
    Over,
}

/// What comes over a socket. Members that are not listed are of no interest.
#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    envelope_id: Option<String>,
    #[serde(default)]
    accepts_response_payload: Option<bool>,
    #[serde(default)]
    payload: Option<Value>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    num_connections: Option<u32>,
}

/// How a socket's time ended.
enum End {
    /// It was let go.
    Retired,
    /// The other side closed it, or it broke.
    Lost(String),
}

struct Running {
    sockets: Arc<Sockets>,
    socket: Socket,
    work: JoinSet<Option<String>>,
    hello: Option<oneshot::Sender<()>>,
    tell: Option<oneshot::Sender<News>>,
}

/// Serves a socket until it is let go or lost.
pub(super) async fn run(
    sockets: Arc<Sockets>,
    connection: Connection,
    socket: Socket,
    hello: oneshot::Sender<()>,
    tell: oneshot::Sender<News>,
) {
    let mut running = Running { sockets, socket, work: JoinSet::new(), hello: Some(hello), tell: Some(tell) };
    let end = running.serve(&connection.retire).await;
    let counted = running.hello.take().is_none();
    if counted {
        running.gauge(-1.0);
    }
    match end {
        End::Retired => running.close().await,
        End::Lost(why) => {
            if !running.sockets.end.is_cancelled() {
                tracing::info!(chat = %running.sockets.desk.name, why, "a socket is lost");
            }
            running.tell(News::Over);
            // What is in work can't be acknowledged any more, but what was said shall be done if it can.
            let drain = running.sockets.pace.drain;
            let _ = timeout(drain, async { while running.work.join_next().await.is_some() {} }).await;
        }
    }
}

impl Running {
    async fn serve(&mut self, retire: &Stop) -> End {
        let pace = self.sockets.pace;
        let end = self.sockets.end.clone();
        let mut beat = interval(pace.ping);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut leaving: Option<Instant> = None;
        loop {
            if leaving.is_some() && self.work.is_empty() {
                return End::Retired;
            }
            let reading = leaving.is_none() && self.work.len() < pace.at_once;
            tokio::select! {
                frame = self.socket.next(), if reading => {
                    heard = Instant::now();
                    if let Some(end) = self.heard(frame) {
                        return end;
                    }
                }
                done = self.work.join_next(), if !self.work.is_empty() => {
                    let acknowledgement = done.transpose().unwrap_or_else(|error| {
                        tracing::error!(chat = %self.sockets.desk.name, panicked = error.is_panic(), "a delivery could not be handled");
                        None
                    });
                    if let Some(text) = acknowledgement.flatten()
                        && let Err(why) = self.send(Message::text(text)).await
                    {
                        return End::Lost(why);
                    }
                }
                _ = beat.tick() => {
                    if !reading {
                        // Nothing is read just now: that nothing was heard says nothing.
                        heard = Instant::now();
                    }
                    if heard.elapsed() > pace.silence {
                        return End::Lost(format!("nothing was heard for {} s", heard.elapsed().as_secs()));
                    }
                    if let Err(why) = self.send(Message::Ping(Bytes::new())).await {
                        return End::Lost(why);
                    }
                }
                () = retire.cancelled(), if leaving.is_none() => {
                    // What has arrived already is still taken.
                    while let Some(frame) = self.socket.next().now_or_never() {
                        if let Some(end) = self.heard(frame) {
                            return end;
                        }
                    }
                    leaving = Some(Instant::now() + pace.drain);
                }
                () = end.cancelled(), if leaving.is_none() => leaving = Some(Instant::now() + pace.drain),
                () = tokio::time::sleep_until(leaving.unwrap_or(heard)), if leaving.is_some() => return End::Retired,
            }
        }
    }

    /// Takes a frame. Returns how the socket's time ended, if it did.
    fn heard(&mut self, frame: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> Option<End> {
        let text = match frame {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(_))) | None => return Some(End::Lost("the other side closed it".into())),
            // Pings are answered by the library.
            Some(Ok(_)) => return None,
            Some(Err(error)) => return Some(End::Lost(words(&error))),
        };
        let Ok(frame) = serde_json::from_str::<Frame>(&text) else {
            tracing::warn!(chat = %self.sockets.desk.name, "a frame of a socket can't be read and is left");
            return None;
        };
        match (frame.kind.as_deref().unwrap_or_default(), frame.envelope_id) {
            ("hello", _) => {
                if let Some(hello) = self.hello.take() {
                    self.gauge(1.0);
                    tracing::info!(chat = %self.sockets.desk.name, sockets = frame.num_connections, "a socket is connected");
                    let _ = hello.send(());
                }
            }
            ("disconnect", _) => return self.disconnect(frame.reason.as_deref().unwrap_or_default()),
            (kind, Some(id)) => {
                let desk = self.sockets.desk.clone();
                let (kind, payload) = (kind.to_owned(), frame.payload.unwrap_or_default());
                let answers = frame.accepts_response_payload.unwrap_or_default();
                self.work.spawn(async move { Box::pin(handle(&desk, &kind, &id, &payload, answers)).await });
            }
            (kind, None) => tracing::debug!(chat = %self.sockets.desk.name, kind, "a frame without an envelope is left"),
        }
        None
    }

    fn disconnect(&mut self, reason: &str) -> Option<End> {
        if reason == "link_disabled" {
            self.sockets.end_for(disabled(&self.sockets.desk));
            return None;
        }
        if self.hello.is_some() {
            return Some(End::Lost(format!("Slack let it go before it said hello: {}", bellhop_core::text::shorten(reason, 40))));
        }
        self.tell(News::Refresh);
        None
    }

    fn tell(&mut self, news: News) {
        if let Some(tell) = self.tell.take() {
            let _ = tell.send(news);
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), String> {
        match timeout(self.sockets.pace.write, self.socket.send(message)).await {
            Ok(sent) => sent.map_err(|error| words(&error)),
            Err(_) => Err("nothing can be written to it".into()),
        }
    }

    async fn close(&mut self) {
        let farewell = async {
            let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            if self.socket.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(self.sockets.pace.farewell, farewell).await;
    }

    fn gauge(&self, by: f64) {
        metrics::gauge!("bellhop_chat_sockets", "chat" => self.sockets.desk.name.to_string()).increment(by);
    }
}

/// Handles a delivery, and returns its acknowledgement: none where it could not be kept, so that Slack brings it again.
async fn handle(desk: &Arc<Desk>, kind: &str, id: &str, payload: &Value, answers: bool) -> Option<String> {
    let taken = match kind {
        "slash_commands" => take(desk, Kind::Command, payload).await,
        "interactive" => take(desk, Kind::Interaction, payload).await,
        "events_api" if payload["type"] == "app_rate_limited" => {
            rate_limited(desk, payload);
            Ok(Taken::Empty)
        }
        "events_api" => take(desk, Kind::Event, payload).await,
        _ => {
            tracing::debug!(chat = %desk.name, kind, "an envelope of an unknown type is acknowledged and left");
            Ok(Taken::Empty)
        }
    };
    let outcome = if taken.is_ok() { "taken" } else { "not_kept" };
    metrics::counter!("bellhop_chat_requests_total", "chat" => desk.name.to_string(), "outcome" => outcome).increment(1);
    match taken {
        Ok(Taken::Answer(answer)) if answers => Some(json!({ "envelope_id": id, "payload": answer }).to_string()),
        Ok(_) => Some(json!({ "envelope_id": id }).to_string()),
        Err(error) => {
            tracing::error!(chat = %desk.name, %error, "a delivery could not be kept and is not acknowledged");
            None
        }
    }
}
