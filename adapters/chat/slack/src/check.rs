//! Stand-in until the checks are merged.

use crate::Desk;
use bellhop_core::ports::{Finding, PortResult};
use std::sync::Arc;

/// What Slack says about the connection.
pub(crate) async fn check(desk: &Arc<Desk>) -> PortResult<Vec<Finding>> {
    let known = desk.workspaces.all().await?;
    Ok(known.into_iter().map(|workspace| Finding { good: true, text: workspace.name }).collect())
}
