//! Stand-in until rendering is merged: enough Block Kit for the tests of sending.

use crate::click::{BUTTON_VALUE, Click, Kept, ViewMeta};
use bellhop_core::Capabilities;
use bellhop_core::address::Address;
use bellhop_core::card::{Block, Card, Does, Span};
use bellhop_core::form::Form;
use serde_json::{Value, json};

/// A card as Slack takes it.
pub struct Message {
    /// For notifications, and where blocks can't be shown.
    pub text: String,
    /// Block Kit.
    pub blocks: Vec<Value>,
    /// What has to be kept before it is sent.
    pub kept: Vec<Kept>,
}

/// Text that stays text.
#[must_use]
pub fn escape(text: &str) -> String {
    bellhop_core::text::visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A card in Block Kit.
#[must_use]
pub fn message(card: &Card, at: &Address) -> Message {
    let mut drawn = plainer(card, at);
    let mut kept = Vec::new();
    for action in card.actions() {
        if let Does::Invoke(invoke) = &action.does {
            let (value, long) = Click::Invoke(invoke.clone()).written(BUTTON_VALUE);
            kept.extend(long);
            let button = json!({ "type": "button", "text": { "type": "plain_text", "text": action.label }, "action_id": "b0", "value": value });
            drawn.blocks.push(json!({ "type": "actions", "elements": [button] }));
        }
    }
    Message { kept, ..drawn }
}

/// The same in sections only.
#[must_use]
pub fn plainer(card: &Card, _at: &Address) -> Message {
    let mut lines = vec![escape(&card.title)];
    for block in &card.blocks {
        match block {
            Block::Text(spans) => lines.push(escape(&spans.iter().map(Span::text).collect::<String>())),
            Block::Code(code) => lines.push(escape(code)),
            Block::Form(form) => lines.push(escape(&form.submit)),
            _ => {}
        }
    }
    lines.retain(|line| !line.is_empty());
    let blocks = lines.iter().map(|line| json!({ "type": "section", "text": { "type": "mrkdwn", "text": line } })).collect();
    Message { text: lines.join("\n"), blocks, kept: Vec::new() }
}

/// A form as a modal.
#[must_use]
pub fn form_view(form: &Form, meta: &ViewMeta, title: &str) -> Value {
    json!({ "type": "modal", "callback_id": "form", "title": { "type": "plain_text", "text": title }, "blocks": [],
            "submit": { "type": "plain_text", "text": form.submit }, "private_metadata": serde_json::to_string(meta).unwrap_or_default() })
}

/// What Slack shows.
#[must_use]
pub fn capabilities(upload_limit: u64) -> Capabilities {
    Capabilities { upload: upload_limit, ..Capabilities::default() }
}
