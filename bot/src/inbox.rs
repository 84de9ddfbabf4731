//! Takes what chat platforms heard, keeps it, runs it, and puts the answer into the outbox together with the audit.

use crate::dispatch::{Ask, Dispatch, Outcome};
use crate::outbox::{Payload, notice};
use crate::tasks::Tasks;
use async_trait::async_trait;
use bellhop_core::call::{Audience, Reply};
use bellhop_core::card::{Block, Card, Progress};
use bellhop_core::error::{PortError, PortErrorKind};
use bellhop_core::ids::{CallId, CardKey, DeliveryKey};
use bellhop_core::ports::{Accepted, Inbox, Incoming, PortResult, Said, Stop};
use bellhop_store::{Effects, InboxKind, InboxRow, InboxSettled, NewDelivery, NewInbox, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// The inbox that adapters are given: durable once it answers.
pub struct DurableInbox {
    store: Store,
}

impl DurableInbox {
    /// An inbox over this database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Inbox for DurableInbox {
    async fn accept(&self, incoming: Incoming) -> PortResult<Accepted> {
        let source = format!("chat.{}", incoming.at.chat);
        let body = serde_json::to_string(&incoming)
            .map_err(|error| PortError::new(PortErrorKind::Broken, "inbox", "accept", error.to_string()))?;
        let row = NewInbox { source: source.clone(), key: incoming.key.to_string(), kind: InboxKind::Command, body };
        let accepted = self.store.accept(vec![row]).await?.pop().unwrap_or(Accepted::Seen);
        if accepted == Accepted::New {
            metrics::counter!("bellhop_events_accepted_total", "source" => source).increment(1);
        }
        Ok(accepted)
    }
}

/// How many commands run at once.
const AT_ONCE: usize = 64;
/// How long a claimed command belongs to this process. Long, since commands may carry large files.
const LEASE: Duration = Duration::from_hours(1);
/// After how long without an answer something is shown, and how often it is renewed.
const SHOW_AFTER: Duration = Duration::from_secs(1);
/// How often a command that crashed the process is tried again before it is given up.
const TRIES: i64 = 3;

/// Runs what is in the inbox.
#[derive(Clone)]
pub struct InboxWorker {
    /// Where rows come from and go to.
    pub store: Store,
    /// What runs them.
    pub dispatch: Arc<Dispatch>,
    /// Who claims.
    pub owner: String,
    /// How often to look for what other processes have put in.
    pub poll: Duration,
}

impl InboxWorker {
    /// Runs commands until told to stop; those under way are finished.
    pub async fn run(self, tasks: Tasks) {
        let stop = tasks.stop();
        let free = Arc::new(Semaphore::new(AT_ONCE));
        let wake = self.store.inbox_wake(InboxKind::Command);
        while !stop.is_cancelled() {
            let room = free.available_permits();
            let rows = if room == 0 { Ok(Vec::new()) } else { self.store.claim_inbox(InboxKind::Command, &self.owner, room, LEASE).await };
            match rows {
                Ok(rows) if rows.is_empty() => {
                    tokio::select! {
                        () = wake.notified() => {}
                        () = tokio::time::sleep(self.poll) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Ok(rows) => {
                    for row in rows {
                        let Ok(permit) = free.clone().acquire_owned().await else { return };
                        let worker = self.clone();
                        tasks.start("command", async move {
                            worker.run_row(row).await;
                            drop(permit);
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the inbox can't reach the database; trying again");
                    tokio::time::sleep(self.poll).await;
                }
            }
        }
    }

    async fn run_row(&self, row: InboxRow) {
        let effects = match self.effects_of(&row).await {
            Ok(effects) => effects,
            Err(error) => {
                tracing::warn!(%error, seq = row.seq, "a command could not be run and is tried again");
                Effects { settle: vec![InboxSettled { seq: row.seq, done: false, error: Some(error.to_string()) }], ..Effects::default() }
            }
        };
        // What the command did is done: its answer must not get lost because the database was busy for a moment.
        let mut pause = Duration::from_millis(100);
        while let Err(error) = self.store.commit(effects.clone()).await {
            tracing::warn!(%error, seq = row.seq, "the answer of a command can't be kept yet");
            // Another worker has settled the row: what it did is written.
            if error.kind == PortErrorKind::Conflict || pause > Duration::from_secs(20) {
                return;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn effects_of(&self, row: &InboxRow) -> PortResult<Effects> {
        let settled = |error: Option<String>| vec![InboxSettled { seq: row.seq, done: true, error }];
        let incoming: Incoming = match serde_json::from_str(&row.body) {
            Ok(incoming) => incoming,
            Err(error) => {
                tracing::error!(%error, seq = row.seq, "a row of the inbox can't be read and is put aside");
                return Ok(Effects { settle: settled(Some(format!("can't be read: {error}"))), ..Effects::default() });
            }
        };
        let call = CallId::new(format!("c{}", row.seq));
        let answers = Address { incoming: incoming.clone(), call: call.clone() };
        if row.attempts > TRIES {
            tracing::error!(seq = row.seq, "a command ended the process more than once and is not tried again");
            let card = Card::titled("That command was given up")
                .tone(bellhop_core::Tone::Bad)
                .and_text("The bot stopped each time it was tried. The log has the details.");
            return Ok(Effects {
                outbox: vec![answers.delivery(&Reply::private(card), "", None)],
                settle: settled(Some("given up".into())),
                ..Effects::default()
            });
        }
        let (report, progress) = watch::channel(None::<Progress>);
        let ask = Ask {
            id: call,
            incoming: incoming.clone(),
            access: None,
            progress: Arc::new(move |now| {
                report.send_replace(Some(now));
            }),
            stop: Stop::new(),
        };
        let mut running = std::pin::pin!(self.dispatch.execute(ask));
        let mut shown = 0_u32;
        let outcome: Outcome = loop {
            tokio::select! {
                outcome = &mut running => break outcome?,
                () = tokio::time::sleep(SHOW_AFTER) => {
                    let card = progress_card(&incoming.said, progress.borrow().clone());
                    let step = answers.delivery(&Reply::new(card), &format!(".p{}-{shown}", row.attempts), Some(answers.card_key()));
                    shown += 1;
                    if let Err(error) = self.store.commit(Effects { outbox: vec![step], ..Effects::default() }).await {
                        tracing::debug!(%error, "progress could not be shown");
                    }
                }
            }
        };
        let mut effects = outcome.effects;
        let public = outcome.reply.audience == Audience::Everyone;
        let turned = outcome.reply.turns.as_ref().filter(|_| public).map(card_key);
        let in_place = turned.is_some();
        effects.outbox.push(answers.delivery(&outcome.reply, "", public.then(|| turned.unwrap_or_else(|| answers.card_key()))));
        if shown > 0 && in_place {
            let card = Card::text("Done; the message above shows it.");
            effects.outbox.push(answers.delivery(&Reply::new(card), ".end", Some(answers.card_key())));
        } else if shown > 0 && !public {
            let card = Card::text(format!("Finished. The answer was shown to {} only.", incoming.name));
            effects.outbox.push(answers.delivery(&Reply::new(card), ".end", Some(answers.card_key())));
        }
        effects.settle = settled(None);
        Ok(effects)
    }
}

/// What the answer of a call is known by, so that it can be changed.
fn card_key(call: &CallId) -> CardKey {
    CardKey::new(format!("call:{call}"))
}

/// Where the answers of one call go.
struct Address {
    incoming: Incoming,
    call: CallId,
}

impl Address {
    fn card_key(&self) -> CardKey {
        card_key(&self.call)
    }

    fn delivery(&self, reply: &Reply, suffix: &str, card_key: Option<CardKey>) -> NewDelivery {
        let payload = Payload {
            audience: reply.audience,
            answers: Some(self.incoming.from.clone()),
            reply: self.incoming.reply.clone(),
            ..notice(reply.card.clone())
        };
        NewDelivery {
            key: DeliveryKey::new(format!("{}{suffix}", self.call)),
            to: self.incoming.at.clone(),
            card_key,
            // Cards are plain data: they always serialise.
            payload: serde_json::to_value(payload).unwrap_or_default(),
            not_before: None,
        }
    }
}

fn progress_card(said: &Said, progress: Option<Progress>) -> Card {
    let what = match said {
        Said::Line(line) => bellhop_core::text::shorten(&bellhop_core::text::one_line(line), 80),
        Said::Invoke(invoke) => invoke.command.clone(),
        Said::Form { command, .. } => command.clone(),
    };
    let card = Card::titled(format!("Working on {} …", what.trim_start_matches('/')));
    match progress {
        Some(progress) => card.block(Block::Progress(progress)),
        None => card,
    }
}
