//! One connection to the gateway, from `hello` to its end.

use super::identify::Outcome;
use super::{GatewayEvent, Order};
use crate::args::pairs;
use crate::discord::server::World;
use flate2::{Compress, Compression, FlushCompress};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// The largest frame of an app, in bytes.
const LARGEST: usize = 4096;

/// Who ended a connection, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    App(Option<u16>),
    World(u16),
    Broken,
}

struct Line {
    socket: WebSocketStream<TcpStream>,
    zlib: Option<Compress>,
}

impl Line {
    async fn send(&mut self, text: String) -> Result<(), End> {
        let frame = match &mut self.zlib {
            None => Frame::text(text),
            Some(zlib) => Frame::binary(deflated(zlib, text.as_bytes())),
        };
        self.socket.send(frame).await.map_err(|_| End::App(None))
    }
}

/// One message of the stream that all messages of a connection are, ended so that it can be read.
fn deflated(zlib: &mut Compress, mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rest.len() / 2 + 64);
    loop {
        let before = zlib.total_in();
        let _ = zlib.compress_vec(rest, &mut out, FlushCompress::Sync);
        let taken = usize::try_from(zlib.total_in() - before).unwrap_or(rest.len());
        rest = &rest[taken.min(rest.len())..];
        if rest.is_empty() && out.len() < out.capacity() {
            return out;
        }
        out.reserve(out.capacity().max(64));
    }
}

/// Serves one connection to its end.
pub(in crate::discord) async fn serve(world: &World, stream: TcpStream, resumed: bool) {
    if world.state().gateway_closed {
        let _ = stream.set_zero_linger();
        return;
    }
    let _ = stream.set_nodelay(true);
    let mut query = Vec::new();
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        query = pairs(request.uri().query().unwrap_or_default().as_bytes());
        Ok(response)
    };
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, look).await else { return };
    let get = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let zlib = (get("compress") == Some("zlib-stream")).then(|| Compress::new(Compression::fast(), true));
    let strange = get("compress").filter(|kind| *kind != "zlib-stream").map(str::to_owned);
    let version = get("v").map(str::to_owned);
    let encoding = get("encoding").map(str::to_owned);
    let number = world.connections.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
    world.note(GatewayEvent::Connected(number, resumed));
    let mut line = Line { socket, zlib };
    let (orders, receiver) = mpsc::unbounded_channel();
    let end = if version.as_deref() != Some("10") {
        End::World(4012)
    } else if encoding.as_deref() != Some("json") || strange.is_some() {
        End::World(4002)
    } else {
        let mut talk = Talk { world, number, resumed, orders, known: false, frames: VecDeque::new(), beat: Instant::now() };
        talk.run(&mut line, receiver).await
    };
    finish(world, number, line, end).await;
}

async fn finish(world: &World, number: u64, mut line: Line, end: End) {
    let over = match end {
        End::App(code) => {
            world.note(GatewayEvent::ClosedByApp(number, code));
            // 1000 and 1001 say goodbye for good.
            matches!(code, Some(1000 | 1001))
        }
        End::World(code) => {
            world.note(GatewayEvent::ClosedByWorld(number, code));
            matches!(code, 4004 | 4007 | 4009..=4014)
        }
        End::Broken => {
            world.note(GatewayEvent::Broken(number));
            false
        }
    };
    world.change(|state| state.parted(number, over));
    match end {
        End::Broken => {
            let _ = line.socket.get_mut().set_zero_linger();
        }
        End::World(code) => {
            let ending = async {
                let frame = CloseFrame { code: code.into(), reason: reason(code).into() };
                let _ = line.socket.close(Some(frame)).await;
                while line.socket.next().await.is_some_and(|frame| frame.is_ok()) {}
            };
            let _ = tokio::time::timeout(Duration::from_secs(2), ending).await;
        }
        End::App(_) => {
            let _ = tokio::time::timeout(Duration::from_secs(1), line.socket.close(None)).await;
        }
    }
}

/// How Discord words its close codes.
fn reason(code: u16) -> &'static str {
    match code {
        4001 => "Unknown opcode.",
        4002 => "Error while decoding payload.",
        4003 => "Not authenticated.",
        4004 => "Authentication failed.",
        4005 => "Already authenticated.",
        4007 => "Invalid seq.",
        4008 => "You are being rate limited.",
        4009 => "Session timed out.",
        4010 => "Invalid shard.",
        4011 => "Sharding required.",
        4012 => "Invalid API version.",
        4013 => "Invalid intent(s).",
        4014 => "Disallowed intent(s).",
        _ => "Unknown error.",
    }
}

struct Talk<'a> {
    world: &'a World,
    number: u64,
    resumed: bool,
    orders: mpsc::UnboundedSender<Order>,
    known: bool,
    frames: VecDeque<Instant>,
    beat: Instant,
}

impl Talk<'_> {
    async fn run(&mut self, line: &mut Line, mut orders: mpsc::UnboundedReceiver<Order>) -> End {
        let (every, strict) = {
            let state = self.world.state();
            (state.settings.gateway.heartbeat, state.settings.gateway.strict_beats)
        };
        let millis = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        let hello = json!({ "op": 10, "t": null, "s": null, "d": { "heartbeat_interval": millis, "_trace": [] } });
        if let Err(end) = line.send(hello.to_string()).await {
            return end;
        }
        self.beat = Instant::now();
        loop {
            let late = self.beat + every.mul_f64(1.25) + Duration::from_secs(1);
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Send(text)) => {
                        if let Err(end) = line.send(text).await {
                            return end;
                        }
                    }
                    Some(Order::Silence) => return silent(&mut orders).await,
                    Some(Order::Reset) | None => return End::Broken,
                    Some(Order::Close(code)) => return End::World(code),
                },
                frame = line.socket.next() => match frame {
                    Some(Ok(Frame::Close(frame))) => return End::App(frame.map(|frame| frame.code.into())),
                    None | Some(Err(_)) => return End::App(None),
                    Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => {}
                    Some(Ok(frame)) => {
                        let bytes = frame.into_data();
                        match self.heard(&bytes) {
                            Ok(answers) => for answer in answers {
                                if let Err(end) = line.send(answer.to_string()).await {
                                    return end;
                                }
                            },
                            Err(end) => return end,
                        }
                    }
                },
                () = tokio::time::sleep_until(late), if strict => {
                    self.world.state().ledger.gateway.push("no heartbeat came in time".into());
                    return End::Broken;
                }
            }
        }
    }

    /// What is answered to a frame.
    fn heard(&mut self, bytes: &[u8]) -> Result<Vec<Value>, End> {
        let now = Instant::now();
        while self.frames.front().is_some_and(|at| now - *at >= Duration::from_secs(60)) {
            self.frames.pop_front();
        }
        self.frames.push_back(now);
        let mut state = self.world.state();
        if self.frames.len() > state.settings.gateway.sends_a_minute {
            state.ledger.gateway.push("too many frames within a minute".into());
            return Err(End::World(4008));
        }
        if bytes.len() > LARGEST {
            state.ledger.gateway.push(format!("a frame of {} bytes", bytes.len()));
            return Err(End::World(4002));
        }
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Err(End::World(4002)) };
        let Some(op) = value["op"].as_u64() else { return Err(End::World(4001)) };
        let d = &value["d"];
        match op {
            1 => {
                self.beat = now;
                drop(state);
                return Ok(vec![json!({ "op": 11, "t": null, "s": null, "d": null })]);
            }
            2 | 6 if self.known => return Err(End::World(4005)),
            2 => {
                let outcome = state.identify(self.number, d, &self.orders);
                let session = state.sessions.last().map(|session| session.id.clone());
                drop(state);
                if matches!(outcome, Outcome::In) {
                    self.known = true;
                    self.world.note(GatewayEvent::Identified(self.number, session.unwrap_or_default()));
                }
                return answered(&outcome);
            }
            6 => {
                if !self.resumed {
                    state.ledger.careless.push("a session was resumed elsewhere than at its resume_gateway_url".into());
                }
                let (outcome, resumed) = state.resume(self.number, d, &self.orders);
                drop(state);
                match resumed {
                    Some((session, missed)) => {
                        self.known = true;
                        self.world.note(GatewayEvent::Resumed(self.number, session, missed));
                    }
                    None => self.world.note(GatewayEvent::RefusedResume(self.number)),
                }
                return answered(&outcome);
            }
            _ if !self.known => return Err(End::World(4003)),
            3 | 4 => {}
            8 => state.members_asked(self.number, d),
            _ => return Err(End::World(4001)),
        }
        Ok(Vec::new())
    }
}

fn answered(outcome: &Outcome) -> Result<Vec<Value>, End> {
    match outcome {
        Outcome::In => Ok(Vec::new()),
        Outcome::Close(code) => Err(End::World(*code)),
        Outcome::Invalid(resumable) => Ok(vec![json!({ "op": 9, "t": null, "s": null, "d": resumable })]),
    }
}

/// Holds the connection without a word, until it is told to end it.
async fn silent(orders: &mut mpsc::UnboundedReceiver<Order>) -> End {
    loop {
        match orders.recv().await {
            Some(Order::Close(_) | Order::Reset) | None => return End::Broken,
            Some(Order::Send(_) | Order::Silence) => {}
        }
    }
}
