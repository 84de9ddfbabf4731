//! What an interaction needs in its acknowledgement: the least that listening needs, until the whole of it stands here.

use crate::Desk;
use crate::parse::Lifecycle;
use bellhop_core::ports::{Incoming, PortResult};
use serde_json::{Value, json};
use std::sync::Arc;

/// A click, a shortcut, a form.
pub(crate) struct Interaction(pub(crate) Value);

/// The body of its acknowledgement.
#[expect(clippy::unused_async, reason = "the whole of it waits")]
pub(crate) async fn answer(_desk: &Arc<Desk>, interaction: Interaction) -> PortResult<Option<Value>> {
    Ok((interaction.0["type"] == "block_suggestion").then(|| json!({ "options": [] })))
}

/// Notes what changed at Slack.
pub(crate) async fn lifecycle(desk: &Arc<Desk>, lifecycle: Lifecycle) -> PortResult<()> {
    match lifecycle {
        Lifecycle::Ended { installations, at } => {
            for installation in installations {
                desk.workspaces.end(&installation, at).await?;
            }
        }
        Lifecycle::Changed => {}
    }
    Ok(())
}

/// Fills in who said something.
#[expect(clippy::unused_async, reason = "the whole of it waits")]
pub(crate) async fn introduce(_desk: &Desk, _incoming: &mut Incoming) {}
