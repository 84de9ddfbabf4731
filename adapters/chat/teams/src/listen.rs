//! How activities arrive: as requests with a token, at `POST /chat/NAME`. What was said is in the inbox before Teams is told that
//! it arrived, and what an activity means is read by `parse`.

mod http;
mod take;

use crate::{Desk, Teams, files};
use axum::Router;
use bellhop_core::ports::{PortResult, Stop};
use std::sync::Arc;

impl Teams {
    /// The routes of this connection: `/chat/NAME`, where Teams delivers, and the pictures of its cards below it.
    pub fn router(&self) -> Router {
        http::router(self.desk.clone())
    }
}

/// The listener does the listening; here what was agreed to before a restart is carried out.
pub(crate) async fn listen(desk: &Arc<Desk>, stop: Stop) -> PortResult<()> {
    if desk.config.bot.is_some() {
        stop.run_until_cancelled(Box::pin(files::resume(desk))).await;
    }
    stop.cancelled().await;
    Ok(())
}
