//! Describes our own links under messages, where the link was made: the file's name and size are nobody else's business. In
//! other channels a link is just a link. <https://docs.slack.dev/messaging/unfurling-links-in-messages>

use super::Origin;
use crate::Desk;
use crate::parse::unescape;
use crate::render;
use crate::wire::Method;
use bellhop_core::address::Address;
use bellhop_core::card::{Block, Card, Field, Span};
use bellhop_core::ports::LinkFacts;
use bellhop_core::text::{bytes, one_line};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const UNFURL: Method = Method { name: "chat.unfurl", operation: "unfurl", per_minute: 50, safe: true };
/// The most links of one message that are looked at.
const MOST: usize = 10;

pub(super) async fn unfurl(desk: Arc<Desk>, origin: Origin, message: String, urls: Vec<String>) {
    let mut unfurls = Map::new();
    for url in urls.into_iter().take(MOST) {
        match desk.ports.links.facts(&unescape(&url)).await {
            Ok(Some(facts)) if made_here(&facts, &origin.at) => {
                let shown = render::message(&described(&facts), &origin.at);
                unfurls.insert(url, json!({ "blocks": shown.blocks }));
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(chat = %desk.name, %error, "a link could not be looked up"),
        }
    }
    if unfurls.is_empty() {
        return;
    }
    let args = json!({ "channel": origin.at.channel.as_str(), "ts": message, "unfurls": unfurls });
    if let Err(failure) = desk.api.call::<Value>(&origin.at.workspace, UNFURL, &args).await {
        tracing::warn!(chat = %desk.name, error = %failure.error, "a link could not be described");
    }
}

/// Whoever reads this channel could read where the link was made.
fn made_here(facts: &LinkFacts, at: &Address) -> bool {
    facts.made_in.as_ref().is_some_and(|made| made.chat == at.chat && made.workspace == at.workspace && made.channel == at.channel)
}

fn described(facts: &LinkFacts) -> Card {
    let field = |name: &str, value: Span| Field { name: name.to_owned(), value: vec![value] };
    Card::titled(one_line(&facts.name)).block(Block::Fields(vec![
        field("Size", bytes(facts.size).into()),
        field("Type", facts.content_type.clone().into()),
        field("Store", facts.store.to_string().into()),
        field("Expires", Span::Time(facts.expires)),
    ]))
}
