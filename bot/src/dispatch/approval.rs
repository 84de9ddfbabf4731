//! Commands that destroy: proposed first, frozen as they are, and run once by someone who may.

use super::{Dispatch, Ended, Failure, Outcome, PROPOSAL_MINUTES, run};
use crate::explain;
use async_trait::async_trait;
use bellhop_core::call::{Call, Invoke, Reply};
use bellhop_core::card::{Action, Card};
use bellhop_core::command::AnyCommand;
use bellhop_core::error::{CommandError, PortError};
use bellhop_core::ports::Approvals;
use bellhop_core::registry::Registry;
use bellhop_store::{Approval, Effects};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Weak};

impl Dispatch {
    /// Shows what the command would do and keeps it to be confirmed.
    pub(super) async fn propose(
        &self,
        registry: &Registry,
        call: &Call,
        command: &Arc<dyn AnyCommand>,
        invoke: Invoke,
        line: &str,
    ) -> Result<Outcome, PortError> {
        let about = command.about();
        let (ready, args) = (command.clone(), invoke.args.clone());
        let planned = run::guarded(call.clone(), self.deadline, async move |call: Call| ready.plan(&call, &args).await).await;
        let plan = match self.answered(registry, call, about, &invoke, planned) {
            Ok(plan) => plan,
            Err(Failure { reply, ended, detail }) => return Ok(self.outcome(reply, ended, call, line, about.name, &detail)),
        };
        // Short enough to type, and drawn from the end of a random identifier, where the time is not.
        let fresh = self.ids.next();
        let id = fresh[fresh.len().saturating_sub(8)..].to_owned();
        let minutes = chrono::TimeDelta::minutes(i64::try_from(PROPOSAL_MINUTES).unwrap_or(10));
        let approval = Approval {
            id: id.clone(),
            hash: frozen_hash(&invoke),
            invoke,
            line: line.to_owned(),
            owner: call.caller.user.clone(),
            place: call.at.clone(),
            expires: self.clock.now() + minutes,
        };
        self.store.propose(&approval).await?;
        let button = |word: &str| Invoke { command: word.to_owned(), args: serde_json::json!({ "id": id }) };
        let approve = Action::invoke(format!("Yes, {}", about.name), button("approve"));
        let decline = Action::invoke("No, leave it", button("decline"));
        let reply = Reply::new(explain::proposed(plan, line, approve, decline, &id, PROPOSAL_MINUTES));
        Ok(self.outcome(reply, Ended::Proposed, call, line, about.name, &format!("approve {id}")))
    }

    async fn approve(&self, call: &Call, id: &str) -> Result<Reply, CommandError> {
        let registry = self.registry()?.clone();
        let frozen = self.pending(id).await?;
        let Some(command) = registry.get(&frozen.invoke.command) else {
            return Err(CommandError::Refused(format!("`{}` no longer exists", frozen.invoke.command)));
        };
        let decision = self.permissions.decide(&call.caller.user, call.caller.access, &command.weighed(&frozen.invoke.args));
        if !decision.allowed {
            return Ok(Reply { undone: true, ..Reply::private(explain::denied(command.about(), &decision)) });
        }
        if frozen.hash != frozen_hash(&frozen.invoke) {
            return Err(CommandError::Refused("the proposal was changed after it was made, and is not run; propose it anew".into()));
        }
        // Only one of those who approve at the same moment gets it.
        let Some(frozen) = self.store.take_approval(id, &call.caller.user.to_string()).await? else {
            return Err(CommandError::not_found("proposal", id));
        };
        let because = format!("proposed by {}, approved by {}", frozen.owner, call.caller.user);
        let decision = bellhop_core::ports::Decision { allowed: true, because };
        // What names leave out is taken from where it was proposed, as the plan did, wherever it is approved.
        let there = Call { at: frozen.place.clone(), ..call.clone() };
        let outcome = self.run_allowed(&registry, &there, command, &frozen.invoke, &frozen.line, &decision).await?;
        self.store.commit(outcome.effects).await?;
        Ok(Reply { undone: outcome.ended != Ended::Done, ..outcome.reply })
    }

    async fn decline(&self, call: &Call, id: &str) -> Result<Reply, CommandError> {
        let frozen = self.pending(id).await?;
        if self.store.take_approval(id, &call.caller.user.to_string()).await?.is_none() {
            return Err(CommandError::not_found("proposal", id));
        }
        self.store.commit(Effects { audit: vec![Self::audit(call, &frozen.line, "refused", "declined")], ..Effects::default() }).await?;
        Ok(Reply::new(Card::titled("Left as it is").and_text(format!("`{}` was not run.", frozen.line))))
    }

    async fn pending(&self, id: &str) -> Result<Approval, CommandError> {
        let found = self.store.approval(id).await?.filter(|approval| approval.expires > self.clock.now());
        found.ok_or_else(|| CommandError::Refused(format!("there is no open proposal `{id}`: it was confirmed or declined before, or its {PROPOSAL_MINUTES} minutes are over; type the command anew")))
    }
}

fn frozen_hash(invoke: &Invoke) -> String {
    // A struct of strings and plain JSON always serialises.
    hex::encode(Sha256::digest(serde_json::to_vec(invoke).unwrap_or_default()))
}

/// What the `approve` and `decline` commands use. It holds the dispatch weakly, since the dispatch holds the commands.
pub struct ApprovalDesk(Weak<Dispatch>);

impl ApprovalDesk {
    /// The desk of this dispatch.
    pub fn new(dispatch: &Arc<Dispatch>) -> Self {
        Self(Arc::downgrade(dispatch))
    }

    fn dispatch(&self) -> Result<Arc<Dispatch>, CommandError> {
        self.0.upgrade().ok_or_else(|| CommandError::Refused("the bot is stopping; try again in a moment".into()))
    }
}

#[async_trait]
impl Approvals for ApprovalDesk {
    async fn approve(&self, call: &Call, id: &str) -> Result<Reply, CommandError> {
        self.dispatch()?.approve(call, id).await
    }

    async fn decline(&self, call: &Call, id: &str) -> Result<Reply, CommandError> {
        self.dispatch()?.decline(call, id).await
    }
}
