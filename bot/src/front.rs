//! The page that a person sees who opens the bot itself: what the commands themselves would answer this person now.
//!
//! Nothing is asked but commands that only read, and not through the dispatch: a look at the page is no act, so it is
//! neither written into the audit log nor counted.

use crate::explain;
use async_trait::async_trait;
use bellhop_core::access::Effect;
use bellhop_core::call::{Call, Caller};
use bellhop_core::card::{Card, Tone};
use bellhop_core::clock::Clock;
use bellhop_core::ids::CallId;
use bellhop_core::ports::{Front, Permissions, Visitor};
use bellhop_core::registry::Registry;
use futures::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What the page shows, in reading order: lines as people type them, each of a command that reads.
const SECTIONS: [&str; 4] = ["status", "alert list --limit 10", "schedule list --mine", "file list --recent --limit 5"];
/// How long a section may take: nobody waits longer for a page.
const PATIENCE: Duration = Duration::from_secs(2);

/// The page, from the registry. The registry comes later, since adapters are built before the commands.
pub struct FrontPage {
    registry: OnceLock<Arc<Registry>>,
    permissions: Arc<dyn Permissions>,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl FrontPage {
    /// A page that knows no commands yet.
    pub fn new(permissions: Arc<dyn Permissions>, clock: Arc<dyn Clock>) -> Self {
        Self { registry: OnceLock::new(), permissions, clock, patience: PATIENCE }
    }

    /// The same with another patience.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Gives the commands, once.
    pub fn learn(&self, registry: Arc<Registry>) {
        let _ = self.registry.set(registry);
    }

    /// What one line answers this person; nothing where the person may not ask.
    async fn section(&self, registry: &Registry, call: &Call, line: &str) -> Option<Card> {
        let invoke = match registry.parse(line) {
            Ok(understood) => understood.invoke,
            // A registry without this command has nothing to show of it.
            Err(why) => {
                tracing::debug!(line, ?why, "a section of the front page is left out");
                return None;
            }
        };
        let command = registry.get(&invoke.command)?;
        let about = &*command.weighed(&invoke.args);
        if about.effect != Effect::Reads || !self.permissions.decide(&call.caller.user, call.caller.access, about).allowed {
            return None;
        }
        // Dropped when it takes too long: what only reads leaves nothing half done.
        let running = AssertUnwindSafe(command.run(call, &invoke.args)).catch_unwind();
        Some(match tokio::time::timeout(self.patience, running).await {
            Ok(Ok(Ok(reply))) => reply.card,
            Ok(Ok(Err(error))) => {
                tracing::debug!(command = about.name, %error, "a section of the front page could not be found out");
                explain::failed(registry, about, &invoke, &error, &call.id)
            }
            Ok(Err(_)) => {
                metrics::counter!("bellhop_panics_total", "command" => about.name).increment(1);
                tracing::error!(command = about.name, "a command panicked while the front page was made");
                explain::broke(about, &call.id)
            }
            Err(_) => explain::timed_out(about, self.patience, &call.id),
        })
    }
}

#[async_trait]
impl Front for FrontPage {
    async fn page(&self, visitor: &Visitor) -> Vec<Card> {
        let Some(registry) = self.registry.get() else {
            return vec![Card::titled("One moment").tone(Tone::Neutral).and_text("The bot is still starting; look again in a moment.")];
        };
        let call = Call {
            id: CallId::new("front"),
            caller: Caller {
                user: visitor.user.clone(),
                name: visitor.name.clone(),
                access: self.permissions.access(&visitor.user),
                zone: visitor.zone.unwrap_or(chrono_tz::Tz::UTC),
            },
            at: visitor.at.clone(),
            now: self.clock.now(),
            attachments: Vec::new(),
            progress: Arc::new(|_| ()),
            stop: bellhop_core::ports::Stop::new(),
        };
        let sections = SECTIONS.iter().map(|line| self.section(registry, &call, line));
        futures::future::join_all(sections).await.into_iter().flatten().collect()
    }
}
