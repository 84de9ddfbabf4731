//! The bot's own use as events: which commands people run, what becomes of alerts and deliveries. Off unless the configuration
//! says otherwise. Never what was said: no arguments, no text, no names of files, places or alerts.

use bellhop_core::Call;
use bellhop_core::alert::Alert;
use bellhop_core::analytics::NewEvent;
use bellhop_core::clock::Timestamp;
use bellhop_store::{Claimed, Outcome, Settlement};
use serde_json::{Value, json};

/// The person that stands for the bot itself.
const BOT: &str = "bellhop";

/// Whether, and how, the bot's own use is noted.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnUse {
    wanted: bool,
}

fn event(name: &str, who: String, time: Timestamp, id: String, properties: &Value) -> NewEvent {
    let properties = properties.as_object().cloned().unwrap_or_default().into_iter().filter(|(_, value)| !value.is_null()).collect();
    NewEvent { event: name.to_owned(), distinct_id: who, time, insert_id: id, properties }
}

impl OwnUse {
    /// Noted or not.
    #[must_use]
    pub const fn new(wanted: bool) -> Self {
        Self { wanted }
    }

    /// Whether it is noted.
    #[must_use]
    pub const fn wanted(self) -> bool {
        self.wanted
    }

    /// A command that was run: its name, how it ended, by whom. However often the call is tried, it is one event.
    #[must_use]
    pub fn command(self, call: &Call, command: &str, outcome: &str) -> Vec<NewEvent> {
        let properties =
            json!({ "command": command, "outcome": outcome, "chat": call.at.chat.as_str(), "access": call.caller.access.to_string() });
        let noted = || event("bellhop_command", call.caller.user.to_string(), call.now, format!("command-{}", call.id), &properties);
        self.wanted.then(noted).into_iter().collect()
    }

    /// A change of an alert, in the step that has this id.
    #[must_use]
    pub fn alert(self, alert: &Alert, now: Timestamp, id: &str) -> Vec<NewEvent> {
        // A sender may write anything there; only the usual words say nothing else.
        let usual = ["critical", "error", "warning", "info", "none"];
        let severity = usual.iter().find(|word| alert.signal.severity.eq_ignore_ascii_case(word)).unwrap_or(&"other");
        let properties = json!({ "state": alert.state.word(), "severity": severity, "source": alert.signal.source });
        self.wanted.then(|| event("bellhop_alert", BOT.to_owned(), now, format!("alert-{id}"), &properties)).into_iter().collect()
    }

    /// A delivery that was done or given up.
    #[must_use]
    pub fn delivery(self, row: &Claimed, settlement: &Settlement, now: Timestamp) -> Vec<NewEvent> {
        let outcome = match &settlement.outcome {
            Outcome::Done { .. } => "done",
            Outcome::Dead { .. } => "given up",
            Outcome::Retry { .. } | Outcome::Ambiguous { .. } => return Vec::new(),
        };
        let seconds = (now - row.created_at).num_milliseconds().max(0);
        #[expect(clippy::cast_precision_loss, reason = "ages of messages are far below what a float holds exactly")]
        let properties = json!({ "chat": row.to.chat.as_str(), "outcome": outcome, "seconds": seconds as f64 / 1000.0 });
        // A row that was given up may be queued once more under the same key.
        let id = format!("delivery-{}-{}", row.key, row.epoch);
        self.wanted.then(|| event("bellhop_delivery", BOT.to_owned(), now, id, &properties)).into_iter().collect()
    }
}
