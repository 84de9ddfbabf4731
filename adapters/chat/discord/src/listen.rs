//! How deliveries arrive: over the gateway, or as signed requests. Either way what was said is in the inbox before Discord is told that it
//! arrived, and what a delivery means is read by `parse`.

mod gateway;
mod http;
mod page;

pub(crate) use gateway::GATEWAY;

use crate::config::Transport;
use crate::{Desk, Discord};
use axum::Router;
use bellhop_core::ports::{PortResult, Stop};
use std::sync::Arc;

impl Discord {
    /// The route that Discord calls: `/chat/NAME`. Give it to the listener whatever the transport is.
    pub fn router(&self) -> Router {
        http::router(self.desk.clone())
    }
}

/// Listens until told to stop. With HTTP the listener does; here the gateway is kept.
pub(crate) async fn listen(desk: &Arc<Desk>, stop: Stop) -> PortResult<()> {
    match desk.config.transport {
        Transport::Gateway => gateway::listen(desk.clone(), gateway::Pace::default(), stop).await,
        Transport::Http => {
            stop.cancelled().await;
            Ok(())
        }
    }
}
