//! A whole bot in this process, with chats in memory beside the embedded one.

use crate::double::Double;
use bellhop::alerts::shapes;
use bellhop::app::{App, Options};
use bellhop::config::Config;
use bellhop::outbox::{Pace, Payload, notice};
use bellhop::secrets::Redaction;
use bellhop::wiring::{Chat, Parts};
use bellhop_core::alert::{Alert, AlertState};
use bellhop_core::call::Audience;
use bellhop_core::card::Card;
use bellhop_core::ids::{CardKey, DeliveryKey};
use bellhop_core::ports::{AlertFilter, ChatPlatform, Incoming, Said};
use bellhop_core::{Address, UserRef};
use bellhop_kit::wait::until;
use bellhop_store::{Effects, InboxKind, NewDelivery, NewInbox, Store};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Far more than anything takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// Looks for nothing by itself: whoever wakes has a reason.
pub const NO_POLL: Pace = Pace {
    quarantine: Duration::from_millis(20),
    lease: Duration::from_mins(1),
    in_flight: 64,
    poll: Duration::from_hours(1),
    tries: 20,
    progress: Duration::from_millis(60),
    look: Duration::from_millis(30),
};

pub struct Bot {
    pub store: Store,
    pub parts: Parts,
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinSet<()>,
}

/// Options with these chats; what adapters are built from is kept for the test.
pub fn options(chats: &[&Arc<Double>], kept: &Arc<Mutex<Option<Parts>>>) -> Options {
    let chats: Vec<Arc<Double>> = chats.iter().map(|chat| Arc::clone(chat)).collect();
    let kept = kept.clone();
    let more = move |parts: &Parts| {
        *kept.lock().unwrap() = Some(parts.clone());
        let chat =
            |chat: &Arc<Double>| Chat { platform: chat.clone() as Arc<dyn ChatPlatform>, routes: axum::Router::new(), console: None };
        chats.iter().map(chat).collect()
    };
    // Where the poll is so long, what other processes put in isn't found: tests have only one.
    Options { pace: NO_POLL, chats: Some(Arc::new(more)), ..Options::default() }
}

pub fn config(folder: &Path, text: &str) -> Config {
    Config::parse(&format!("[server]\nlisten = \"127.0.0.1:0\"\n{text}"), folder, "the test", &Redaction::default()).unwrap()
}

impl Bot {
    pub async fn start(folder: &Path, text: &str, chats: &[&Arc<Double>]) -> Self {
        Self::start_with(folder, text, chats, |_| ()).await
    }

    pub async fn start_with(folder: &Path, text: &str, chats: &[&Arc<Double>], tune: impl FnOnce(&mut Options)) -> Self {
        let kept = Arc::default();
        let mut options = options(chats, &kept);
        tune(&mut options);
        let app = App::build(config(folder, text), options, true).await.unwrap();
        let store = app.store().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, running_now) = oneshot::channel::<SocketAddr>();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let stop = async {
                let _ = stopped.await;
            };
            app.run(stop, move |running| {
                let _ = started.send(running.address);
            })
            .await
            .unwrap();
        });
        let address = running_now.await.expect("the bot starts");
        let parts = kept.lock().unwrap().take().unwrap();
        Self { store, parts, address, stop: Some(stop), running }
    }

    pub async fn stop(mut self) {
        drop(self.stop.take());
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
    }

    pub async fn queue(&self, deliveries: Vec<NewDelivery>) {
        self.store.commit(Effects { outbox: deliveries, ..Effects::default() }).await.unwrap();
    }

    /// Has a person say something in a channel, or press a button there.
    pub async fn hear(&self, channel: &str, said: Said) {
        let incoming = Incoming {
            key: self.parts.ids.next().into(),
            from: person(),
            name: "Ann".into(),
            zone: None,
            at: Address::channel("work", "T1", channel),
            said,
            attachments: Vec::new(),
            groups: None,
            reply: None,
            received: self.parts.clock.now(),
        };
        self.parts.inbox.accept(incoming).await.unwrap();
    }

    /// Reports an alert in the generic shape.
    pub async fn report(&self, body: &str) {
        let signal = shapes::generic(body.as_bytes(), self.parts.clock.now()).unwrap().remove(0);
        let row = NewInbox {
            source: "alerts.generic".into(),
            key: self.parts.ids.next(),
            kind: InboxKind::Alert,
            body: serde_json::to_string(&signal).unwrap(),
        };
        self.store.accept(vec![row]).await.unwrap();
    }

    pub async fn alerts(&self) -> Vec<Alert> {
        let all = self.store.alerts(&AlertFilter { states: Vec::new(), limit: 100 }).await.unwrap();
        all.into_iter().map(|kept| kept.value).collect()
    }

    /// Waits for an alert whose name has this in it to stand there.
    pub async fn alert(&self, name: &str, state: AlertState) -> Alert {
        let found = async || self.alerts().await.into_iter().find(|alert| alert.signal.name.contains(name) && alert.state == state);
        until(SOON, &format!("{name} {}", state.word()), found).await
    }

    /// What the embedded chat shows in a channel, as text.
    pub async fn console(&self, channel: &str) -> String {
        let mut text = String::new();
        for record in self.parts.records.after(&format!("console.console.messages/{channel}"), None, 1000).await.unwrap() {
            text.push_str(&record.value.to_string());
        }
        text
    }

    /// Waits until nothing is to be delivered.
    pub async fn quiet(&self) {
        let quiet = async || {
            let depth = self.store.outbox_depth().await.unwrap();
            (depth.ready + depth.leased + depth.ambiguous == 0).then_some(())
        };
        until(SOON, "everything to be delivered", quiet).await;
    }
}

pub fn person() -> UserRef {
    UserRef { chat: "work".into(), workspace: "T1".into(), user: "U1".into() }
}

pub fn delivery(channel: &str, key: &str, card: Card) -> NewDelivery {
    NewDelivery {
        key: DeliveryKey::new(key),
        to: Address::channel("work", "T1", channel),
        card_key: None,
        payload: serde_json::to_value(notice(card)).unwrap(),
        not_before: None,
    }
}

pub fn keyed(channel: &str, key: &str, card_key: &str, card: Card) -> NewDelivery {
    NewDelivery { card_key: Some(CardKey::new(card_key)), ..delivery(channel, key, card) }
}

pub fn private(channel: &str, key: &str, card: Card) -> NewDelivery {
    let payload = Payload { audience: Audience::Caller, answers: Some(person()), ..notice(card) };
    NewDelivery { payload: serde_json::to_value(payload).unwrap(), ..delivery(channel, key, Card::default()) }
}
