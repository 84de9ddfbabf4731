//! Socket Mode: tickets, sockets, envelopes and their acknowledgements.
//!
//! <https://docs.slack.dev/apis/events-api/using-socket-mode>

use super::delivery::{Kind, Taken};
use super::server::World;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// The most sockets of an app at a time.
const MOST: usize = 10;
/// How long a ticket may be used, in seconds.
const TICKET: i64 = 30;
/// How long an event waits for a socket to come, where there is none.
const PATIENCE: Duration = Duration::from_secs(30);

/// Something that happened to a socket, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// The app has opened it.
    Opened(u64),
    /// The world has told it why it should go (`disconnect`).
    Told(u64),
    /// It is closed, by the app where that is true.
    Closed(u64, bool),
}

/// An acknowledgement as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Acknowledged {
    /// The socket that it came on.
    pub socket: u64,
    /// Whether the envelope had been sent there, was waiting, and not yet acknowledged.
    pub expected: bool,
    /// The envelope.
    pub envelope_id: String,
    /// What came with it.
    pub payload: Option<Value>,
}

enum Order {
    Send(String),
    Close,
    Reset,
    /// Nothing is read or written any more, and the connection stays.
    Silence,
}

struct Open {
    id: u64,
    orders: mpsc::UnboundedSender<Order>,
    /// It has been told to go: nothing new is sent there.
    leaving: bool,
}

struct Waiting {
    socket: u64,
    accepts: bool,
    done: oneshot::Sender<Option<Value>>,
}

#[derive(Default)]
pub(super) struct Hub(Mutex<Sockets>);

#[derive(Default)]
struct Sockets {
    open: Vec<Open>,
    last: u64,
    turn: usize,
    waiting: BTreeMap<String, Waiting>,
    events: Vec<SocketEvent>,
    acks: Vec<Acknowledged>,
}

impl Sockets {
    /// The next socket in turn.
    fn next(&mut self) -> Option<u64> {
        let good: Vec<u64> = self.open.iter().filter(|open| !open.leaving).map(|open| open.id).collect();
        self.turn += 1;
        good.get(self.turn % good.len().max(1)).copied()
    }

    fn order(&self, id: u64, order: Order) -> bool {
        self.open.iter().find(|open| open.id == id).is_some_and(|open| open.orders.send(order).is_ok())
    }
}

impl Hub {
    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self) -> Vec<u64> {
        self.sockets().open.iter().map(|open| open.id).collect()
    }

    pub(super) fn events(&self) -> Vec<SocketEvent> {
        self.sockets().events.clone()
    }

    pub(super) fn acks(&self) -> Vec<Acknowledged> {
        self.sockets().acks.clone()
    }

    /// Tells a socket to go, and sends it nothing new.
    pub(super) fn disconnect(&self, id: u64, reason: &str) {
        let mut sockets = self.sockets();
        if reason != "warning"
            && let Some(open) = sockets.open.iter_mut().find(|open| open.id == id)
        {
            open.leaving = true;
        }
        sockets.events.push(SocketEvent::Told(id));
        sockets.order(id, Order::Send(json!({ "type": "disconnect", "reason": reason, "debug_info": {} }).to_string()));
    }

    pub(super) fn close(&self, id: u64) {
        self.sockets().order(id, Order::Close);
    }

    pub(super) fn reset(&self, id: u64) {
        self.sockets().order(id, Order::Reset);
    }

    pub(super) fn silence(&self, id: u64) {
        self.sockets().order(id, Order::Silence);
    }

    pub(super) fn send(&self, id: u64, text: &str) {
        self.sockets().order(id, Order::Send(text.to_owned()));
    }

    /// Sends an envelope over the next socket in turn and waits for its acknowledgement on that socket.
    pub(super) async fn bring(
        &self,
        world: &World,
        kind: Kind,
        payload: &Value,
        attempt: u32,
        reason: &str,
        limit: Duration,
    ) -> (Result<Taken, String>, Option<u64>) {
        let (envelope_id, limit) = {
            let mut state = world.state();
            let limit = if kind == Kind::Event { state.settings.envelope_retry } else { limit };
            (format!("{}-{}", state.ids.secret(), state.ids.number()), limit)
        };
        let (name, accepts) = match kind {
            Kind::Event => ("events_api", false),
            Kind::Command => ("slash_commands", true),
            Kind::Interaction | Kind::Options => ("interactive", true),
        };
        let mut envelope = json!({ "envelope_id": envelope_id, "type": name, "accepts_response_payload": accepts, "payload": payload });
        if kind == Kind::Event {
            envelope["retry_attempt"] = json!(attempt);
            envelope["retry_reason"] = json!(if reason == "http_timeout" { "timeout" } else { reason });
        }
        let patience = Instant::now() + PATIENCE;
        let (socket, done) = loop {
            let sent = self.dispatch(&envelope_id, accepts, &envelope);
            if let Some(sent) = sent {
                break sent;
            }
            if kind != Kind::Event || Instant::now() >= patience {
                return (Err("no_socket".into()), None);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let started = Instant::now();
        let outcome = match tokio::time::timeout(limit, done).await {
            Ok(Ok(payload)) => {
                let body = payload.as_ref().map(Value::to_string).unwrap_or_default();
                let kind = if payload.is_some() { "application/json" } else { "" };
                Ok(Taken { body, kind: kind.into(), elapsed: started.elapsed() })
            }
            Ok(Err(_)) => Err("connection_failed".into()),
            Err(_) => Err("http_timeout".into()),
        };
        self.sockets().waiting.remove(&envelope_id);
        (outcome, Some(socket))
    }

    fn dispatch(&self, id: &str, accepts: bool, envelope: &Value) -> Option<(u64, oneshot::Receiver<Option<Value>>)> {
        let mut sockets = self.sockets();
        let socket = sockets.next()?;
        let (done, receiver) = oneshot::channel();
        sockets.waiting.insert(id.to_owned(), Waiting { socket, accepts, done });
        sockets.order(socket, Order::Send(envelope.to_string())).then_some((socket, receiver))
    }

    fn enter(&self) -> Result<(u64, usize, mpsc::UnboundedReceiver<Order>), ()> {
        let mut sockets = self.sockets();
        if sockets.open.len() >= MOST {
            return Err(());
        }
        sockets.last += 1;
        let id = sockets.last;
        let (orders, receiver) = mpsc::unbounded_channel();
        sockets.open.push(Open { id, orders, leaving: false });
        sockets.events.push(SocketEvent::Opened(id));
        Ok((id, sockets.open.len(), receiver))
    }

    fn leave(&self, id: u64, by_app: bool) {
        let mut sockets = self.sockets();
        sockets.open.retain(|open| open.id != id);
        sockets.events.push(SocketEvent::Closed(id, by_app));
        // Whoever waits for an acknowledgement from there waits in vain.
        sockets.waiting.retain(|_, waiting| waiting.socket != id);
    }

    fn acknowledged(&self, socket: u64, frame: &Value) {
        let Some(id) = frame["envelope_id"].as_str() else { return };
        let mut sockets = self.sockets();
        let expected = sockets.waiting.get(id).is_some_and(|waiting| waiting.socket == socket);
        let payload = Some(frame["payload"].clone()).filter(|payload| !payload.is_null());
        sockets.acks.push(Acknowledged { socket, expected, envelope_id: id.to_owned(), payload: payload.clone() });
        if expected && let Some(waiting) = sockets.waiting.remove(id) {
            let _ = waiting.done.send(payload.filter(|_| waiting.accepts));
        }
    }
}

/// Serves one socket to its end.
pub(super) async fn serve(world: &World, stream: TcpStream) {
    let mut allowed = false;
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let pairs = super::args::pairs(request.uri().query().unwrap_or_default().as_bytes());
        let ticket = pairs.into_iter().find(|(name, _)| name == "ticket").map(|(_, ticket)| ticket).unwrap_or_default();
        let mut state = world.state();
        // A ticket is good once.
        let made = state.tickets.remove(&ticket);
        allowed = made.is_some_and(|made| state.time.seconds() - made <= TICKET);
        if allowed {
            return Ok(response);
        }
        let mut refused = ErrorResponse::new(Some("the ticket is not good".to_owned()));
        *refused.status_mut() = axum::http::StatusCode::FORBIDDEN;
        Err(refused)
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, look).await else { return };
    let Ok((id, count, orders)) = world.sockets.enter() else {
        let text = json!({ "type": "disconnect", "reason": "too_many_websockets", "debug_info": {} }).to_string();
        let _ = socket.send(Frame::text(text)).await;
        let _ = socket.close(None).await;
        return;
    };
    let (app, seconds, every) = {
        let state = world.state();
        (state.app.id.clone(), state.settings.socket_seconds, state.settings.ping_every)
    };
    let hello = json!({
        "type": "hello",
        "num_connections": count,
        "connection_info": { "app_id": app },
        "debug_info": { "host": "applink-1", "build_number": 1, "approximate_connection_time": seconds },
    });
    let greeted = socket.send(Frame::text(hello.to_string())).await.is_ok();
    let end = if greeted { talk(world, id, &mut socket, orders, every).await } else { End::App };
    world.sockets.leave(id, end == End::App);
    if end == End::Broken {
        // Nothing more is said, and what is unsent is thrown away: the app sees a reset.
        let _ = socket.get_mut().set_zero_linger();
        return;
    }
    let ending = async {
        let _ = socket.close(None).await;
        while socket.next().await.is_some_and(|frame| frame.is_ok()) {}
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), ending).await;
}

/// Who ended a socket, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    App,
    World,
    Broken,
}

/// Talks until one side ends it.
async fn talk(
    world: &World,
    id: u64,
    socket: &mut WebSocketStream<TcpStream>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    every: Duration,
) -> End {
    let mut beat = tokio::time::interval(every);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Send(text)) => {
                    if socket.send(Frame::text(text)).await.is_err() {
                        return End::App;
                    }
                }
                Some(Order::Silence) => return silent(&mut orders).await,
                Some(Order::Reset) => return End::Broken,
                Some(Order::Close) | None => return End::World,
            },
            frame = socket.next() => {
                heard = Instant::now();
                match frame {
                    Some(Ok(Frame::Text(text))) => {
                        if let Ok(value) = serde_json::from_str::<Value>(&text) {
                            world.sockets.acknowledged(id, &value);
                        }
                    }
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return End::App,
                    Some(Ok(_)) => {}
                }
            }
            _ = beat.tick() => {
                if heard.elapsed() > every * 4 {
                    return End::App;
                }
                if socket.send(Frame::Ping(b"ping".as_slice().into())).await.is_err() {
                    return End::App;
                }
            }
        }
    }
}

/// Holds the connection without a word, until it is told to end it.
async fn silent(orders: &mut mpsc::UnboundedReceiver<Order>) -> End {
    loop {
        match orders.recv().await {
            Some(Order::Close | Order::Reset) | None => return End::Broken,
            Some(Order::Send(_) | Order::Silence) => {}
        }
    }
}
