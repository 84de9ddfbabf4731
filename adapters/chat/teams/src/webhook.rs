//! Messages without a bot: by the webhooks of Workflows, which an organisation makes itself. They go one way: nothing is heard,
//! nothing can be changed, and an answer only says that the Workflow has been started. What it makes of it, nobody tells.
//!
//! <https://support.microsoft.com/office/create-incoming-webhooks-with-workflows-for-microsoft-teams>

use crate::Desk;
use crate::address::MessageRef;
use crate::pace::Kind;
use crate::pictures;
use crate::render::{self, Scene};
use bellhop_core::address::Address;
use bellhop_core::capabilities::{Capabilities, Charts, Lookup};
use bellhop_core::card::{Action, Block, Card, Does};
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{PortResult, Post};
use bellhop_core::{PortErrorKind, Retry};
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// The name of the workspace that has the webhooks' places.
const WORKSPACE: &str = "workflows";
/// The largest message: 28 KB, with room for what surrounds the card. In bytes as they are sent.
const LARGEST: usize = 26_000;

/// What can be shown by a webhook.
pub(crate) fn capabilities() -> Capabilities {
    Capabilities {
        blocks: 20,
        text: 2000,
        title: 200,
        message: 4000,
        fields: 20,
        actions: 6,
        label: 60,
        table: None,
        charts: Charts::PngWithin(1024),
        images: true,
        upload: 0,
        stored_files: false,
        edits: false,
        private: false,
        forms: false,
        threads: false,
        lookup: Lookup::None,
        pause: Duration::from_millis(250),
    }
}

/// A webhook's place by its name.
pub(crate) fn locate(desk: &Desk, workspace: Option<&str>, name: &str, direct: bool) -> Option<Address> {
    let here = workspace.is_none_or(|workspace| workspace == WORKSPACE);
    (!direct && here && desk.config.webhooks.contains_key(name)).then(|| Address::channel(desk.name.clone(), WORKSPACE, name))
}

/// Starts the Workflow of a place with a card.
pub(crate) async fn deliver(desk: &Desk, post: &Post) -> PortResult<MessageId> {
    let name = post.to.channel.as_str();
    let Some(url) = desk.config.webhooks.get(name) else {
        return Err(desk.error(PortErrorKind::NotFound, "deliver", format!("there is no webhook `{name}` in the configuration")));
    };
    if let Err(wait) = desk.pace.take(&[(Kind::Webhook, name)]).await {
        let message = "the Workflow takes no more just now";
        return Err(desk.error(PortErrorKind::RateLimited, "deliver", message).after(wait.wait));
    }
    let card = one_way(&post.card);
    let before = pictures::before(desk);
    let nobody = HashMap::new();
    let scene = Scene { at: &post.to, people: &nobody, pictures: Some(&before), key: post.key.as_str(), refresh: false };
    // What is counted here is bytes: half of what they are as UTF-16, or more where they are not ASCII.
    let mut message = render::message(&card, &scene, LARGEST * 2);
    if message.activity().to_string().len() > LARGEST {
        message = render::smaller(&card, &scene);
    }
    for picture in &message.pictures {
        pictures::keep(desk, picture).await?;
    }
    let body = json!({
        "type": "message",
        "attachments": [{ "contentType": render::CONTENT_TYPE, "contentUrl": null, "content": message.card }],
    });
    let answer = desk.client.post("deliver", "Workflow's webhook", url.expose_secret()).json(&body).exchange().await?;
    if answer.status().is_success() {
        return Ok(MessageRef::Webhook(post.key.to_string()).id());
    }
    let mut error = answer.refusal();
    if matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Denied | PortErrorKind::Unauthenticated) {
        error.kind = PortErrorKind::Denied;
        error.retry = Retry::No;
        error.message = format!(
            "{}; the Workflow was switched off or its owner is gone: make it anew and put its address into `webhooks`",
            error.message
        );
    }
    if error.kind == PortErrorKind::RateLimited
        && let Retry::After(pause) = error.retry
    {
        desk.pace.block(Kind::Webhook, name, pause).await;
    }
    Err(error)
}

/// What a card says to those who can't answer: buttons that run something become the words that would.
fn one_way(card: &Card) -> Card {
    let mut shown = card.clone();
    for block in &mut shown.blocks {
        if let Block::Actions(actions) = block {
            actions.retain(|action: &Action| matches!(action.does, Does::Open(_)));
        }
    }
    shown.blocks.retain(|block| !matches!(block, Block::Actions(actions) if actions.is_empty()) && !matches!(block, Block::Form(_)));
    shown
}
