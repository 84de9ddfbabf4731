//! Stand-in until the listening side is merged.

use crate::Desk;
use bellhop_core::ports::{PortResult, Stop};
use std::sync::Arc;

/// What Slack calls over HTTP.
pub(crate) fn router(_desk: Arc<Desk>) -> axum::Router {
    axum::Router::new()
}

/// Listens until told to stop.
pub(crate) async fn listen(_desk: Arc<Desk>, stop: Stop) -> PortResult<()> {
    stop.cancelled().await;
    Ok(())
}
