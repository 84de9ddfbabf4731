//! One connection: it says hello, the session is resumed or begun, heartbeats are answered, and what comes is handed on in its order. What
//! was said is kept before the session's number goes past it, so that what a crash cuts off is told again.

use super::Gateway;
use super::close::{Next, after};
use super::events::{Event, Work};
use super::opening::{Socket, chance, passing, words};
use super::session::{Session, Standing};
use bellhop_core::PortErrorKind;
use futures::{SinkExt as _, StreamExt as _};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const DISPATCH: u64 = 0;
const HEARTBEAT: u64 = 1;
const IDENTIFY: u64 = 2;
const RESUME: u64 = 6;
const RECONNECT: u64 = 7;
const INVALID: u64 = 9;
const HELLO: u64 = 10;
const HEARD: u64 = 11;

/// Servers, messages in them, direct messages.
const INTENTS: u64 = 1 | 1 << 9 | 1 << 12;
/// The text of messages that don't mention the bot.
const CONTENT: u64 = 1 << 15;
/// A code that keeps the session: 1000 and 1001 would end it.
const KEEPS: u16 = 4000;
/// The most frames that are sent within a minute; Discord takes 120.
const SENT: usize = 100;
/// How long a closed connection waits for the other side to close, too.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Frame {
    op: u64,
    #[serde(default)]
    d: Value,
    #[serde(default)]
    s: Option<u64>,
    #[serde(default)]
    t: Option<String>,
}

/// How a connection's time ended.
pub(super) struct Served {
    /// What is done next.
    pub(super) next: Next,
    /// Whether a session stood.
    pub(super) worked: bool,
}

struct Running<'a> {
    gateway: &'a Arc<Gateway>,
    standing: &'a mut Standing,
    socket: Socket,
    work: Work,
    /// The number of the last event that came, which heartbeats tell.
    last: Option<u64>,
    interval: Duration,
    next_beat: Instant,
    answered: bool,
    worked: bool,
    sent: std::collections::VecDeque<Instant>,
}

/// Serves a connection until it ends.
pub(super) async fn serve(gateway: &Arc<Gateway>, standing: &mut Standing, socket: Socket) -> Served {
    let bot = standing.session.as_ref().map(|session| session.bot.clone());
    let done = standing.session.as_ref().map_or(0, |session| session.seq);
    let work = Work::start(gateway, bot, done);
    let last = standing.session.as_ref().map(|session| session.seq);
    let now = Instant::now();
    let mut running = Running {
        gateway,
        standing,
        socket,
        work,
        last,
        interval: Duration::ZERO,
        next_beat: now,
        answered: true,
        worked: false,
        sent: std::collections::VecDeque::new(),
    };
    let next = running.run().await;
    let worked = running.worked;
    if worked {
        running.gauge(-1.0);
    }
    running.end(next).await
}

impl Running<'_> {
    async fn run(&mut self) -> Next {
        match self.greeted().await {
            Ok(()) => {}
            Err(next) => return next,
        }
        let end = self.gateway.end.clone();
        let mut save = interval(self.gateway.pace.save);
        save.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let room = self.work.room();
            tokio::select! {
                frame = self.socket.next(), if room => {
                    if let Some(next) = self.frame(frame).await {
                        return next;
                    }
                }
                () = sleep_until(self.next_beat) => {
                    if !self.answered && room {
                        tracing::warn!(chat = %self.gateway.desk.name, "the gateway doesn't answer heartbeats; the connection is given up");
                        return Next::Resume(Duration::ZERO);
                    }
                    if let Err(why) = self.beat().await {
                        return self.lost(&why);
                    }
                }
                _ = save.tick() => {
                    if let Some(next) = self.save().await {
                        return next;
                    }
                }
                () = self.work.failed() => {
                    // It is told again when the session is resumed.
                    return Next::Resume(self.gateway.pace.pause);
                }
                () = end.cancelled() => return Next::Stopped,
            }
        }
    }

    /// Waits for the hello, and resumes the session or begins one.
    async fn greeted(&mut self) -> Result<(), Next> {
        let end = self.gateway.end.clone();
        let (gateway, socket) = (self.gateway, &mut self.socket);
        let hello = timeout(gateway.pace.connect, async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Text(text))) => match serde_json::from_str::<Frame>(&text) {
                        Ok(frame) if frame.op == HELLO => return Ok(frame.d),
                        _ => {}
                    },
                    Some(Ok(Message::Close(frame))) => return Err(closed(gateway, frame.as_ref())),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(Next::Failed(passing(gateway, &words(&error)))),
                    None => return Err(Next::Failed(passing(gateway, "the gateway closed the connection before it said hello"))),
                }
            }
        });
        let hello = match end.run_until_cancelled(hello).await {
            None => return Err(Next::Stopped),
            Some(Err(_)) => return Err(Next::Failed(passing(self.gateway, "the gateway never said hello"))),
            Some(Ok(hello)) => hello?,
        };
        let millis = hello.get("heartbeat_interval").and_then(Value::as_u64).unwrap_or(41_250).clamp(10, 600_000);
        self.interval = Duration::from_millis(millis);
        // The first one after a part of the interval by chance, so that all bots of the world don't beat at once.
        self.next_beat = Instant::now() + self.interval.mul_f64(chance());
        let token = self.gateway.desk.config.bot_token.expose_secret();
        let frame = match &self.standing.session {
            Some(session) => json!({ "op": RESUME, "d": { "token": token, "session_id": session.id, "seq": session.seq } }),
            None => {
                let (shard, of) = (self.standing.shard, self.standing.of);
                match self.gateway.budget.take(shard, of, self.gateway.at_once.load(Ordering::Relaxed)).await {
                    Ok(None) => {}
                    Ok(Some(wait)) => return Err(Next::Anew(wait.min(Duration::from_secs(5)))),
                    Err(error) => return Err(Next::Failed(error)),
                }
                let intents = INTENTS | if self.gateway.desk.config.message_content { CONTENT } else { 0 };
                json!({ "op": IDENTIFY, "d": {
                    "token": token,
                    "intents": intents,
                    "properties": { "os": std::env::consts::OS, "browser": "bellhop", "device": "bellhop" },
                    "large_threshold": 50,
                    "shard": [self.standing.shard, self.standing.of],
                } })
            }
        };
        self.send(&frame).await.map_err(|why| Next::Failed(passing(self.gateway, &why)))
    }

    /// Takes a frame. Returns what is to be done where the connection's time is over.
    async fn frame(&mut self, frame: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> Option<Next> {
        let text = match frame {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => return Some(closed(self.gateway, frame.as_ref())),
            Some(Ok(_)) => return None,
            Some(Err(error)) => return Some(self.lost(&words(&error))),
            None => return Some(self.lost("the other side closed it")),
        };
        let Ok(frame) = serde_json::from_str::<Frame>(&text) else {
            tracing::warn!(chat = %self.gateway.desk.name, "a frame of the gateway can't be read and is left");
            return None;
        };
        match frame.op {
            DISPATCH => return self.dispatch(frame).await,
            HEARTBEAT => {
                // Asked for in such numbers it would get us thrown out.
                if self.may_send()
                    && let Err(why) = self.beat().await
                {
                    return Some(self.lost(&why));
                }
            }
            RECONNECT => {
                tracing::info!(chat = %self.gateway.desk.name, "Discord asks for a new connection");
                return Some(Next::Resume(Duration::ZERO));
            }
            INVALID => {
                let again = frame.d.as_bool().unwrap_or_default();
                tracing::info!(chat = %self.gateway.desk.name, resumable = again, "Discord ends the session");
                let pause = self.gateway.pace.pause.mul_f64(1.0 + chance() * 4.0);
                return Some(if again && self.standing.session.is_some() { Next::Resume(pause) } else { Next::Anew(pause) });
            }
            HEARD => self.answered = true,
            _ => {}
        }
        None
    }

    async fn dispatch(&mut self, frame: Frame) -> Option<Next> {
        let kind = frame.t.unwrap_or_default();
        let seq = frame.s.or(self.last).unwrap_or_default();
        self.last = Some(seq);
        match kind.as_str() {
            "READY" => {
                let text = |path: &str| frame.d.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
                let session = Session { id: text("/session_id"), url: text("/resume_gateway_url"), seq, bot: text("/user/id") };
                self.work.know(&session.bot);
                self.work.begin(seq);
                tracing::info!(chat = %self.gateway.desk.name, shard = self.standing.shard, "a session with the gateway stands");
                self.standing.session = Some(session);
                self.stands();
                return self.save().await;
            }
            "RESUMED" => {
                tracing::info!(chat = %self.gateway.desk.name, shard = self.standing.shard, "a session with the gateway goes on");
                self.stands();
            }
            _ => {}
        }
        self.work.hand(Event { seq, kind, data: frame.d });
        None
    }

    fn stands(&mut self) {
        if !self.worked {
            self.worked = true;
            self.gauge(1.0);
        }
    }

    /// Notes how far it is. Returns where another process has taken the session over.
    async fn save(&mut self) -> Option<Next> {
        if let Some(session) = &mut self.standing.session {
            session.seq = self.work.done();
        }
        match self.gateway.sessions.holds(self.standing).await {
            Ok(false) => return Some(Next::Resume(Duration::ZERO)),
            Ok(true) => {}
            Err(error) => {
                tracing::warn!(chat = %self.gateway.desk.name, %error, "whether another process listens is not known");
                return None;
            }
        }
        if let Err(error) = self.gateway.sessions.save(self.standing).await {
            tracing::warn!(chat = %self.gateway.desk.name, %error, "how far the session is could not be noted");
        }
        None
    }

    async fn beat(&mut self) -> Result<(), String> {
        self.answered = false;
        self.next_beat = Instant::now() + self.interval;
        self.send(&json!({ "op": HEARTBEAT, "d": self.last })).await
    }

    fn may_send(&mut self) -> bool {
        let now = Instant::now();
        while self.sent.front().is_some_and(|first| now.duration_since(*first) >= Duration::from_mins(1)) {
            self.sent.pop_front();
        }
        self.sent.len() < SENT
    }

    async fn send(&mut self, frame: &Value) -> Result<(), String> {
        self.sent.push_back(Instant::now());
        match timeout(self.gateway.pace.write, self.socket.send(Message::text(frame.to_string()))).await {
            Ok(sent) => sent.map_err(|error| words(&error)),
            Err(_) => Err("nothing can be written to it".into()),
        }
    }

    fn lost(&self, why: &str) -> Next {
        tracing::info!(chat = %self.gateway.desk.name, why, "a connection to the gateway is lost");
        Next::Resume(Duration::ZERO)
    }

    /// Lets the connection go: what was heard is kept, how far that is is noted, and the session stays.
    async fn end(mut self, next: Next) -> Served {
        let drain = self.gateway.pace.drain;
        let done = self.work.finish(drain).await;
        if let Some(session) = &mut self.standing.session {
            session.seq = done;
        }
        if let Err(error) = self.gateway.sessions.save(self.standing).await {
            tracing::warn!(chat = %self.gateway.desk.name, %error, "how far the session is could not be noted");
        }
        let farewell = async {
            let frame = CloseFrame { code: CloseCode::from(KEEPS), reason: "".into() };
            if self.socket.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(FAREWELL, farewell).await;
        // A session that was never told of can't be resumed.
        let next = match next {
            Next::Resume(pause) if self.standing.session.is_none() => Next::Failed(
                self.gateway
                    .error(PortErrorKind::Unavailable, "the connection broke before a session stood")
                    .after(pause.max(self.gateway.pace.pause)),
            ),
            next => next,
        };
        Served { next, worked: self.worked }
    }

    fn gauge(&self, by: f64) {
        metrics::gauge!("bellhop_chat_sockets", "chat" => self.gateway.desk.name.to_string()).increment(by);
    }
}

fn closed(gateway: &Gateway, frame: Option<&CloseFrame>) -> Next {
    let code = frame.map_or(1006, |frame| u16::from(frame.code));
    tracing::info!(chat = %gateway.desk.name, code, "the gateway closed the connection");
    after(code, gateway.desk.service(), gateway.desk.config.shards.is_some())
}
