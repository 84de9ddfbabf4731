//! What a person sees of the world's messages.

use super::state::WireMessage;
use crate::conformance::chat::Seen;
use bellhop_core::card::{Block, Card, Does, Span};

/// The message as a reader sees it, but for the bytes of its file.
pub(super) fn seen(message: &WireMessage) -> Seen {
    let mut seen = Seen { id: message.id.clone(), text: bellhop_core::plain::card(&message.card, &|_| String::new()), ..Seen::default() };
    for span in spans(&message.card) {
        match span {
            Span::Link { url, .. } if ["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme)) => {
                seen.links.push(url.clone());
            }
            Span::Mention { user, .. } => seen.notified.push(user.user.to_string()),
            _ => {}
        }
    }
    for action in message.card.actions() {
        seen.actions.push(action.label.clone());
        if let Does::Open(url) = &action.does {
            seen.links.push(url.clone());
        }
    }
    seen
}

fn spans(card: &Card) -> Vec<&Span> {
    let mut all = Vec::new();
    for block in &card.blocks {
        match block {
            Block::Text(spans) => all.extend(spans),
            Block::Fields(fields) => all.extend(fields.iter().flat_map(|field| &field.value)),
            Block::Table(table) => all.extend(table.rows.iter().flatten().flatten()),
            _ => {}
        }
    }
    all
}
