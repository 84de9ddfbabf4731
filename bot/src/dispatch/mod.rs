//! From what a person said to one answer: allowed? -> confirm? -> quota -> deadline -> run -> audit and answer.
//!
//! This runs one thing that was said and returns its answer; taking things from the inbox and posting answers is
//! `inbox.rs`, and `say` prints the answer instead.

mod approval;
mod quota;
mod run;

pub use approval::ApprovalDesk;
pub use quota::Quota;

use crate::explain;
use crate::sources::OwnUse;
use bellhop_core::access::{Access, Effect};
use bellhop_core::call::{Call, Caller, Invoke, Reply};
use bellhop_core::card::Progress;
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::command::{About, AnyCommand};
use bellhop_core::error::{CommandError, PortError};
use bellhop_core::grammar::Misunderstood;
use bellhop_core::ids::CallId;
use bellhop_core::ports::{Decision, Incoming, Permissions, Said, Stop};
use bellhop_core::registry::Registry;
use bellhop_store::{Effects, NewAudit, Store, UsageCount};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Something that was said, about to be run.
pub struct Ask {
    /// Its name; the same when it is tried again after a crash.
    pub id: CallId,
    /// What was said.
    pub incoming: Incoming,
    /// A role that counts instead of the person's own (`say --role`).
    pub access: Option<Access>,
    /// Where to say how far it is.
    pub progress: Arc<dyn Fn(Progress) + Send + Sync>,
    /// Ends when someone cancels it.
    pub stop: Stop,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was done.
    Done,
    /// It failed.
    Failed,
    /// It was not allowed.
    Refused,
    /// It waits for someone to confirm it.
    Proposed,
    /// It was not understood.
    NotUnderstood,
    /// It was cancelled, or the bot stops.
    Cancelled,
}

impl Ended {
    /// The word in the audit log and in metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Proposed => "proposed",
            Self::NotUnderstood => "not understood",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The answer, and what is to be written down together with it.
pub struct Outcome {
    /// What is said back.
    pub reply: Reply,
    /// How it ended.
    pub ended: Ended,
    /// Rows that belong into the same transaction as the answer.
    pub effects: Effects,
    /// What has to be confirmed in place of what was asked, where that was seen only now.
    confirm: Option<Invoke>,
}

/// The answer of a command that came to nothing.
struct Failure {
    reply: Reply,
    ended: Ended,
    detail: String,
}

/// Runs commands.
pub struct Dispatch {
    registry: OnceLock<Arc<Registry>>,
    permissions: Arc<dyn Permissions>,
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    quota: Quota,
    deadline: Duration,
    own_use: OnceLock<OwnUse>,
}

/// How long a proposal can be confirmed.
pub(crate) const PROPOSAL_MINUTES: u64 = 10;

impl Dispatch {
    /// A dispatch without commands yet: [`Dispatch::learn`] gives them, since some of them need the dispatch itself.
    pub fn new(
        permissions: Arc<dyn Permissions>,
        store: Store,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        per_minute: u32,
        deadline: Duration,
    ) -> Arc<Self> {
        let quota = Quota::new(per_minute, clock.clone());
        Arc::new(Self { registry: OnceLock::new(), permissions, store, clock, ids, quota, deadline, own_use: OnceLock::new() })
    }

    /// Says, once, whether commands are noted as events; they are not unless told.
    pub fn note(&self, own_use: OwnUse) {
        let _ = self.own_use.set(own_use);
    }

    /// Gives the commands, once.
    pub fn learn(&self, registry: Arc<Registry>) {
        let _ = self.registry.set(registry);
    }

    /// The commands.
    ///
    /// # Errors
    /// While the bot is still being built.
    pub fn registry(&self) -> Result<&Arc<Registry>, CommandError> {
        self.registry.get().ok_or_else(|| CommandError::Refused("the bot is still starting; try again in a moment".into()))
    }

    /// Runs one thing that was said. Failures of commands are answers; an error here means that the database failed, and
    /// that the whole should be tried again.
    pub async fn execute(&self, ask: Ask) -> Result<Outcome, PortError> {
        let Ok(registry) = self.registry().cloned() else {
            return Err(PortError::new(bellhop_core::PortErrorKind::Unavailable, "bellhop", "dispatch", "the bot is still starting"));
        };
        if let Some(groups) = &ask.incoming.groups {
            self.permissions.seen(&ask.incoming.from, groups);
        }
        let access = ask.access.unwrap_or_else(|| self.permissions.access(&ask.incoming.from));
        let caller = Caller {
            user: ask.incoming.from.clone(),
            name: ask.incoming.name.clone(),
            access,
            zone: ask.incoming.zone.unwrap_or(chrono_tz::Tz::UTC),
        };
        let call = Call {
            id: ask.id,
            caller,
            at: ask.incoming.at.clone(),
            now: self.clock.now(),
            attachments: ask.incoming.attachments,
            progress: ask.progress,
            stop: ask.stop,
        };
        let understood = match &ask.incoming.said {
            Said::Line(line) => registry.parse(line).map(|u| (u.invoke, u.confirmed)),
            Said::Invoke(invoke) => Ok((invoke.clone(), false)),
            Said::Form { command, answers } => registry.parse_answers(command, answers).map(|invoke| (invoke, false)),
        };
        match understood {
            Ok((invoke, confirmed)) => self.run_understood(&registry, &call, invoke, confirmed).await,
            Err(why) => Ok(Self::not_understood(&registry, &why)),
        }
    }

    async fn run_understood(&self, registry: &Registry, call: &Call, invoke: Invoke, confirmed: bool) -> Result<Outcome, PortError> {
        let Some(command) = registry.get(&invoke.command).cloned() else {
            return Ok(Self::not_understood(registry, &Misunderstood::Name { typed: invoke.command, corrected: None }));
        };
        let about = command.weighed(&invoke.args);
        let about = &*about;
        let line = registry.line(&invoke);
        let decision = self.permissions.decide(&call.caller.user, call.caller.access, about);
        if !decision.allowed {
            let reply = Reply::private(explain::denied(about, &decision));
            return Ok(self.outcome(reply, Ended::Refused, call, &line, about.name, &decision.because));
        }
        if let Err(wait) = self.quota.take(&call.caller.user) {
            let reply = Reply::private(explain::too_many(self.quota.per_minute(), wait));
            return Ok(self.outcome(reply, Ended::Refused, call, &line, about.name, "over the quota"));
        }
        if about.effect == Effect::Destroys && !confirmed {
            return self.propose(registry, call, &command, invoke, &line).await;
        }
        let mut outcome = self.run_allowed(registry, call, &command, &invoke, &line, &decision).await?;
        // Only while it ran it was seen that something would be lost: that is asked for as what destroys.
        let Some(invoke) = outcome.confirm.take() else { return Ok(outcome) };
        let line = registry.line(&invoke);
        if !confirmed {
            return self.propose(registry, call, &command, invoke, &line).await;
        }
        self.run_allowed(registry, call, &command, &invoke, &line, &decision).await
    }

    /// Runs a command that may be run. What changes anything is written down first.
    async fn run_allowed(
        &self,
        registry: &Registry,
        call: &Call,
        command: &Arc<dyn AnyCommand>,
        invoke: &Invoke,
        line: &str,
        decision: &Decision,
    ) -> Result<Outcome, PortError> {
        let about = command.weighed(&invoke.args);
        let about = &*about;
        if about.effect != Effect::Reads {
            self.store.commit(Effects { audit: vec![Self::audit(call, line, "allowed", &decision.because)], ..Effects::default() }).await?;
        }
        let started = self.clock.now();
        let (ready, args) = (command.clone(), invoke.args.clone());
        let ran = run::guarded(call.clone(), self.deadline, async move |call: Call| ready.run(&call, &args).await).await;
        let took = (self.clock.now() - started).to_std().unwrap_or_default();
        metrics::histogram!("bellhop_command_seconds", "command" => about.name).record(took.as_secs_f64());
        let confirm = match &ran {
            run::Ran::Answered(Err(CommandError::Confirm(invoke))) => Some((**invoke).clone()),
            _ => None,
        };
        let (reply, ended, detail) = match self.answered(registry, call, about, invoke, ran) {
            Ok(reply) if reply.undone => (reply, Ended::Failed, "not done".to_owned()),
            Ok(reply) => (reply, Ended::Done, String::new()),
            Err(Failure { reply, ended, detail }) => (reply, ended, detail),
        };
        Ok(Outcome { confirm, ..self.outcome(reply, ended, call, line, about.name, &detail) })
    }

    /// What a command's work gave, or the answer that says why it gave nothing.
    fn answered<T>(&self, registry: &Registry, call: &Call, about: &About, invoke: &Invoke, ran: run::Ran<T>) -> Result<T, Failure> {
        let (card, ended, detail) = match ran {
            run::Ran::Answered(Ok(given)) => return Ok(given),
            run::Ran::Answered(Err(error)) => {
                if let CommandError::Port(port) = &error {
                    tracing::warn!(command = about.name, call = %call.id, %port, "a command failed at a service");
                }
                let card = explain::failed(registry, about, invoke, &error, &call.id);
                // What was done in part is everyone's to see, where the progress was.
                match error {
                    CommandError::Partly(_) => {
                        return Err(Failure { reply: Reply::new(card), ended: Ended::Failed, detail: error.to_string() });
                    }
                    CommandError::Cancelled(_) => {
                        return Err(Failure { reply: Reply::new(card), ended: Ended::Cancelled, detail: error.to_string() });
                    }
                    CommandError::Missing(_) => (card, Ended::NotUnderstood, error.to_string()),
                    _ => (card, Ended::Failed, error.to_string()),
                }
            }
            run::Ran::Cancelled => {
                return Err(Failure { reply: Reply::new(explain::cancelled(about)), ended: Ended::Cancelled, detail: String::new() });
            }
            run::Ran::TimedOut => (explain::timed_out(about, self.deadline, &call.id), Ended::Failed, "took too long".to_owned()),
            run::Ran::Panicked(why) => {
                metrics::counter!("bellhop_panics_total", "command" => about.name).increment(1);
                tracing::error!(command = about.name, call = %call.id, %why, "a command panicked");
                (explain::broke(about, &call.id), Ended::Failed, "failed inside".to_owned())
            }
        };
        Err(Failure { reply: Reply::private(card), ended, detail })
    }

    fn not_understood(registry: &Registry, why: &Misunderstood) -> Outcome {
        let reply = Reply::private(explain::misunderstood(registry, why));
        Outcome { reply, ended: Ended::NotUnderstood, effects: Self::usage("", Ended::NotUnderstood), confirm: None }
    }

    fn outcome(&self, reply: Reply, ended: Ended, call: &Call, line: &str, command: &'static str, detail: &str) -> Outcome {
        let mut effects = Self::usage(command, ended);
        effects.events = self.own_use.get().map(|own_use| own_use.command(call, command, ended.word())).unwrap_or_default();
        effects.audit.push(Self::audit(call, line, ended.word(), detail));
        Outcome { reply, ended, effects, confirm: None }
    }

    fn usage(command: &'static str, ended: Ended) -> Effects {
        metrics::counter!("bellhop_commands_total", "command" => command, "outcome" => ended.word()).increment(1);
        let ok = matches!(ended, Ended::Done | Ended::Proposed);
        let count = UsageCount { what: "commands".into(), which: command.into(), done: i64::from(ok), failed: i64::from(!ok) };
        Effects { usage: vec![count], ..Effects::default() }
    }

    pub(crate) fn audit(call: &Call, line: &str, outcome: &str, detail: &str) -> NewAudit {
        NewAudit {
            who: call.caller.user.to_string(),
            name: call.caller.name.clone(),
            place: call.at.to_string(),
            line: bellhop_core::text::shorten(line, 2_000),
            outcome: outcome.to_owned(),
            detail: bellhop_core::text::shorten(detail, 500),
        }
    }
}
