//! The home page, published anew whenever someone opens it. <https://docs.slack.dev/surfaces/app-home>

use super::Origin;
use crate::Desk;
use crate::render;
use crate::send;
use crate::wire::Method;
use bellhop_core::ports::{PortResult, Visitor};
use serde_json::{Value, json};
use std::sync::Arc;

const VIEWS_PUBLISH: Method = Method { name: "views.publish", operation: "publish home", per_minute: 100, safe: true };

pub(super) async fn publish(desk: Arc<Desk>, origin: Origin) {
    if let Err(error) = published(&desk, origin).await {
        tracing::warn!(chat = %desk.name, %error, "a home page could not be published");
    }
}

async fn published(desk: &Arc<Desk>, origin: Origin) -> PortResult<()> {
    let person = desk.directory.user(&origin.from.workspace, origin.from.user.as_str()).await;
    let (name, zone) = person.map_or((String::new(), None), |person| (person.name.clone(), person.zone));
    let name = if name.is_empty() { origin.name } else { name };
    let visitor = Visitor { user: origin.from, name, zone, at: origin.at };
    let cards = desk.ports.front.page(&visitor).await;
    let (view, kept) = render::home_view(&cards, &visitor.at);
    send::post_clicks(desk, &kept).await?;
    let args = json!({ "user_id": visitor.user.user.as_str(), "view": view });
    desk.api.call::<Value>(&visitor.at.workspace, VIEWS_PUBLISH, &args).await?;
    Ok(())
}
