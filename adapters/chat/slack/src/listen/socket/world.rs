//! The other end of the sockets, for tests: it does what a test says, and notes what it saw, in order.

use crate::listen::testing::SOON;
use bellhop_kit::wait::until;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

/// What stands in the sockets' address like a password.
pub(super) const TICKET: &str = "t1cket";

/// What happened, in order. Sockets are numbered as they come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    Opened(usize),
    SaidHello(usize),
    Text(usize, Value),
    Closed(usize, Option<u16>),
}

pub(super) enum Do {
    Say(Value),
    Raw(Message),
    /// Reads nothing and says nothing any more, as a machine behind a cut cable.
    Freeze,
    /// Ends the connection without a word.
    Drop,
}

/// The other end of the sockets.
#[derive(Clone, Default)]
pub(super) struct World {
    seen: Arc<Mutex<Vec<Seen>>>,
    sockets: Arc<Mutex<Vec<mpsc::UnboundedSender<Do>>>>,
    /// Whether sockets say hello by themselves.
    pub(super) mute: Arc<AtomicBool>,
}

impl World {
    fn see(&self, seen: Seen) {
        self.seen.lock().unwrap().push(seen);
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn has(&self, wanted: &Seen) -> bool {
        self.seen().contains(wanted)
    }

    pub(super) fn tell(&self, socket: usize, what: Do) {
        let _ = self.sockets.lock().unwrap()[socket].send(what);
    }

    pub(super) fn say(&self, socket: usize, what: Value) {
        self.tell(socket, Do::Say(what));
    }

    pub(super) fn hello(&self, socket: usize) {
        self.say(socket, json!({ "type": "hello", "num_connections": 1, "connection_info": { "app_id": "A1" } }));
    }

    pub(super) async fn until(&self, what: &str, wanted: impl Fn(&[Seen]) -> bool) {
        until(SOON, what, || {
            let there = wanted(&self.seen());
            async move { there.then_some(()) }
        })
        .await;
    }

    pub(super) async fn acknowledged(&self, socket: usize, id: &str) -> Value {
        until(SOON, &format!("the acknowledgement of {id} over socket {socket}"), || {
            let found = self.acknowledgement(socket, id);
            async move { found }
        })
        .await
    }

    pub(super) fn acknowledgement(&self, socket: usize, id: &str) -> Option<Value> {
        self.seen().into_iter().find_map(|seen| match seen {
            Seen::Text(number, text) if number == socket && text["envelope_id"] == id => Some(text),
            _ => None,
        })
    }

    pub(super) fn opened(&self) -> usize {
        self.seen().iter().filter(|seen| matches!(seen, Seen::Opened(_))).count()
    }

    /// Serves sockets until the returned set is dropped.
    pub(super) async fn start(&self) -> (String, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ws://{}/link/?ticket={TICKET}", listener.local_addr().unwrap());
        let (world, mut serving) = (self.clone(), JoinSet::new());
        serving.spawn(async move {
            let mut sockets = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (tell, told) = mpsc::unbounded_channel();
                let number = {
                    let mut all = world.sockets.lock().unwrap();
                    all.push(tell);
                    all.len() - 1
                };
                sockets.spawn(world.clone().serve(number, stream, told));
            }
        });
        (address, serving)
    }

    async fn serve(self, number: usize, stream: tokio::net::TcpStream, mut told: mpsc::UnboundedReceiver<Do>) {
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
        self.see(Seen::Opened(number));
        if !self.mute.load(Ordering::SeqCst) {
            self.hello(number);
        }
        loop {
            tokio::select! {
                what = told.recv() => match what {
                    Some(Do::Say(text)) => {
                        if text["type"] == "hello" {
                            self.see(Seen::SaidHello(number));
                        }
                        let _ = socket.send(Message::text(text.to_string())).await;
                    }
                    Some(Do::Raw(message)) => {
                        let _ = socket.send(message).await;
                    }
                    Some(Do::Freeze) => std::future::pending().await,
                    Some(Do::Drop) | None => return,
                },
                frame = socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => self.see(Seen::Text(number, serde_json::from_str(&text).unwrap())),
                    Some(Ok(Message::Close(frame))) => self.see(Seen::Closed(number, frame.map(|frame| frame.code.into()))),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => {
                        if !self.seen().iter().any(|seen| matches!(seen, Seen::Closed(closed, _) if *closed == number)) {
                            self.see(Seen::Closed(number, None));
                        }
                        return;
                    }
                },
            }
        }
    }
}
