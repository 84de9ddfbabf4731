//! One row of the inbox, from the claim to what is written down together with its answer: run with its progress shown, its
//! lease renewed, cancelled when someone asks for it, and put back when the bot stops.

use super::InboxWorker;
use crate::dispatch::{Ask, Ended, Outcome};
use crate::headway::Headway;
use crate::outbox::{Payload, notice};
use bellhop_core::call::{Audience, Invoke, Reply};
use bellhop_core::card::{Action, Block, Card, Progress};
use bellhop_core::ids::{CallId, CardKey, DeliveryKey};
use bellhop_core::ports::{Incoming, PortResult, RunningCall, Said, Stop};
use bellhop_store::{Effects, InboxRow, InboxSettled, NewDelivery};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often a lease is renewed before it would end.
const RENEWALS: u32 = 6;
/// After how long without an answer something is shown, and how often it is renewed.
const SHOW_AFTER: Duration = Duration::from_secs(1);
/// How often progress has been shown before it can be cancelled by a button: what is over in a moment needs none.
const CANCEL_AFTER: u32 = 3;
/// How often a command that crashed the process is tried again without getting any further before it is given up.
const TRIES: i64 = 3;

/// What becomes of a row.
pub(super) enum Handled {
    /// This is written.
    Written(Box<Effects>),
    /// It is another worker's by now, and left alone.
    Lost,
}

impl InboxWorker {
    /// Runs a row. An error means that the database failed.
    pub(super) async fn handle(&self, row: &InboxRow, stopping: &Stop) -> PortResult<Handled> {
        let settled = |error: Option<String>| vec![InboxSettled { seq: row.seq, done: true, error }];
        let incoming: Incoming = match serde_json::from_str(&row.body) {
            Ok(incoming) => incoming,
            Err(error) => {
                tracing::error!(%error, seq = row.seq, "a row of the inbox can't be read and is put aside");
                let effects = Effects { settle: settled(Some(format!("can't be read: {error}"))), ..Effects::default() };
                return Ok(Handled::Written(Box::new(effects)));
            }
        };
        let call = CallId::new(format!("c{}", row.seq));
        let answers = Address { incoming, call };
        let mut running = Running { worker: self, row, answers: &answers, stop: Stop::new(), shown: 0, noted: false, cancelled: None };
        if row.attempts > 1 {
            // It may have been cancelled while nobody ran it.
            running.look_cancelled().await?;
            running.noted = self.calls.known(&answers.call).await?;
            let tries = self.calls.tries(&answers.call).await?;
            if row.attempts - tries.last_good > TRIES {
                tracing::error!(seq = row.seq, "a command ended the process more than once and is not tried again");
                self.calls.end(&answers.call).await?;
                let card = Card::titled("That command was given up")
                    .tone(bellhop_core::Tone::Bad)
                    .and_text("The bot stopped each time it was tried. The log has the details.");
                let effects = Effects {
                    outbox: vec![answers.delivery(&Reply::private(card), "", None)],
                    settle: settled(Some("given up".into())),
                    ..Effects::default()
                };
                return Ok(Handled::Written(Box::new(effects)));
            }
        }
        let Some(outcome) = running.outcome(stopping).await? else { return Ok(Handled::Lost) };
        let effects = running.over(outcome, stopping).await?;
        Ok(Handled::Written(Box::new(effects)))
    }
}

/// A row that is being run.
struct Running<'a> {
    worker: &'a InboxWorker,
    row: &'a InboxRow,
    answers: &'a Address,
    stop: Stop,
    shown: u32,
    /// Whether others know that it runs.
    noted: bool,
    /// Who asked for its end.
    cancelled: Option<String>,
}

impl Running<'_> {
    /// Runs it; nothing when the row was lost to another worker.
    async fn outcome(&mut self, stopping: &Stop) -> PortResult<Option<Outcome>> {
        let (report, progress) = watch::channel(None::<Progress>);
        let ask = Ask {
            id: self.answers.call.clone(),
            incoming: self.answers.incoming.clone(),
            access: None,
            progress: Arc::new(move |now| {
                report.send_replace(Some(now));
            }),
            stop: self.stop.clone(),
        };
        let dispatch = self.worker.dispatch.clone();
        let mut running = std::pin::pin!(dispatch.execute(ask));
        let mut headway = Headway::default();
        let mut renewed = Instant::now();
        let mut tick = tokio::time::interval_at(Instant::now() + SHOW_AFTER, SHOW_AFTER);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                outcome = &mut running => return outcome.map(Some),
                () = stopping.cancelled(), if progress.borrow().is_some() && !self.stop.is_cancelled() => {
                    // What takes long is cut off where it can be gone on from, and goes on at the next start.
                    self.stop.cancel();
                }
                _ = tick.tick() => {
                    let progress = progress.borrow().clone();
                    if renewed.elapsed() >= self.worker.lease / RENEWALS {
                        match self.worker.store.renew_inbox(&self.worker.owner, &[self.row.seq], self.worker.lease).await {
                            Ok(0) => return Ok(self.lost()),
                            Ok(_) => renewed = Instant::now(),
                            Err(_) if renewed.elapsed() >= self.worker.lease => return Ok(self.lost()),
                            Err(error) => tracing::warn!(%error, seq = self.row.seq, "a running command's lease can't be renewed yet"),
                        }
                    }
                    let progress = progress.map(|progress| headway.seen(progress, self.worker.clock.now()));
                    if let Err(error) = self.show(progress).await {
                        tracing::debug!(%error, "progress could not be shown");
                    }
                }
            }
        }
    }

    fn lost(&self) -> Option<Outcome> {
        tracing::warn!(seq = self.row.seq, "a running command was taken over by another process, and is stopped here");
        None
    }

    async fn look_cancelled(&mut self) -> PortResult<()> {
        if self.cancelled.is_none()
            && let Some(by) = self.worker.calls.cancelled(&self.answers.call).await?
        {
            self.cancelled = Some(by);
            self.stop.cancel();
        }
        Ok(())
    }

    /// Once a second: says how far it is, notes it, and looks whether it is still wanted.
    async fn show(&mut self, progress: Option<Progress>) -> PortResult<()> {
        let (calls, call) = (&self.worker.calls, &self.answers.call);
        if !self.noted {
            calls.begin(&self.answers.running()).await?;
            self.noted = true;
        }
        if let Some(progress) = &progress {
            let mut tries = calls.tries(call).await?;
            if tries.further(self.row.attempts, progress) {
                calls.note(call, &tries).await?;
            }
        }
        self.look_cancelled().await?;
        let card = self.answers.progress_card(progress, self.shown >= CANCEL_AFTER, self.cancelled.is_some());
        let step =
            self.answers.delivery(&Reply::new(card), &format!(".p{}-{}", self.row.attempts, self.shown), Some(self.answers.card_key()));
        self.shown += 1;
        self.worker.store.commit(Effects { outbox: vec![step], ..Effects::default() }).await
    }

    /// What is written when it came to an end.
    async fn over(&mut self, outcome: Outcome, stopping: &Stop) -> PortResult<Effects> {
        let calls = &self.worker.calls;
        // Asked just before the end, it may not have been seen yet.
        self.cancelled = if self.noted { calls.cancelled(&self.answers.call).await? } else { self.cancelled.take() };
        if outcome.ended == Ended::Cancelled && self.cancelled.is_none() && stopping.is_cancelled() {
            // It was the bot that stopped: the row goes back, and this try was none in vain.
            let mut tries = calls.tries(&self.answers.call).await?;
            tries.last_good = self.row.attempts;
            calls.note(&self.answers.call, &tries).await?;
            let settle = vec![InboxSettled { seq: self.row.seq, done: false, error: None }];
            return Ok(Effects { settle, ..Effects::default() });
        }
        if self.noted {
            calls.end(&self.answers.call).await?;
        }
        let Outcome { mut reply, ended, mut effects, .. } = outcome;
        if let Some(by) = self.cancelled.as_ref().filter(|by| ended == Ended::Cancelled && **by != self.answers.incoming.name) {
            reply.card = reply.card.and_text(format!("Cancelled by {by}."));
        }
        let answers = self.answers;
        let public = reply.audience == Audience::Everyone;
        let turned = reply.turns.as_ref().filter(|_| public).map(card_key);
        let in_place = turned.is_some();
        effects.outbox.push(answers.delivery(&reply, "", public.then(|| turned.unwrap_or_else(|| answers.card_key()))));
        // What is noted has been shown, perhaps by an earlier try.
        if self.noted && in_place {
            let card = Card::text("Done; the message above shows it.");
            effects.outbox.push(answers.delivery(&Reply::new(card), ".end", Some(answers.card_key())));
        } else if self.noted && !public {
            let card = Card::text(format!("Finished. The answer was shown to {} only.", answers.incoming.name));
            effects.outbox.push(answers.delivery(&Reply::new(card), ".end", Some(answers.card_key())));
        }
        effects.settle = vec![InboxSettled { seq: self.row.seq, done: true, error: None }];
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

    /// What was said, on one line.
    fn line(&self) -> String {
        let line = match &self.incoming.said {
            Said::Line(line) => bellhop_core::text::shorten(&bellhop_core::text::one_line(line), 80),
            Said::Invoke(invoke) => invoke.command.clone(),
            Said::Form { command, .. } => command.clone(),
        };
        line.trim_start_matches('/').to_owned()
    }

    fn running(&self) -> RunningCall {
        RunningCall {
            id: self.call.clone(),
            from: self.incoming.from.clone(),
            name: self.incoming.name.clone(),
            line: self.line(),
            since: self.incoming.received,
        }
    }

    fn progress_card(&self, progress: Option<Progress>, cancellable: bool, cancelled: bool) -> Card {
        let doing = if cancelled { "Cancelling" } else { "Working on" };
        let card = Card::titled(format!("{doing} {} …", self.line()));
        let card = match progress {
            Some(progress) => card.block(Block::Progress(progress)),
            None => card,
        };
        if !cancellable || cancelled {
            return card;
        }
        let cancel = Invoke { command: "cancel".to_owned(), args: serde_json::json!({ "id": self.call }) };
        card.and_actions(vec![Action::invoke("Cancel", cancel)])
    }
}
