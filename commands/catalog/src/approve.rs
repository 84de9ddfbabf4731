//! `approve` and `decline`: the two answers to a command that asks before it destroys. What is approved runs with the
//! permissions of the one who approves; that is checked where the proposals are kept.

use bellhop_core::ports::Approvals;
use bellhop_core::{Call, Command, CommandError, Effect, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A proposal.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ProposalRef {
    /// The proposal's id, as its card says
    pub id: String,
}

/// Runs what was proposed.
pub struct Approve {
    approvals: Arc<dyn Approvals>,
}

impl Approve {
    /// With the proposals.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { approvals: services.approvals.clone() }
    }
}

impl Command for Approve {
    const NAME: &'static str = "approve";
    const SUMMARY: &'static str = "Runs a command that waits for confirmation";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["approve k7f2m"];
    type Args = ProposalRef;

    async fn run(&self, call: &Call, args: ProposalRef) -> Result<Reply, CommandError> {
        self.approvals.approve(call, args.id.trim()).await
    }
}

/// Drops what was proposed.
pub struct Decline {
    approvals: Arc<dyn Approvals>,
}

impl Decline {
    /// With the proposals.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { approvals: services.approvals.clone() }
    }
}

impl Command for Decline {
    const NAME: &'static str = "decline";
    const SUMMARY: &'static str = "Drops a command that waits for confirmation";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["decline k7f2m"];
    type Args = ProposalRef;

    async fn run(&self, call: &Call, args: ProposalRef) -> Result<Reply, CommandError> {
        self.approvals.decline(call, args.id.trim()).await
    }
}
