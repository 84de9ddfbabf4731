//! Stand-in until the listening side is merged.

use crate::{Desk, Slack};
use bellhop_core::ports::{PortResult, Stop};
use std::sync::Arc;

impl Slack {
    /// What Slack calls over HTTP.
    pub fn router(&self) -> axum::Router {
        axum::Router::new()
    }
}

/// Listens until told to stop.
pub(crate) async fn listen(_desk: &Arc<Desk>, stop: Stop) -> PortResult<()> {
    stop.cancelled().await;
    Ok(())
}
