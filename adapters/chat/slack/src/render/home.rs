//! The bot's own page, App Home.

use super::rich::context;
use super::sketch::{Sketch, Surface};
use crate::click::Kept;
use bellhop_core::address::Address;
use bellhop_core::capabilities::Capabilities;
use bellhop_core::card::Card;
use bellhop_core::fit::fit;
use serde_json::{Value, json};

/// The most blocks of a view.
const BLOCKS: usize = 100;
/// The most bytes of a view; Slack takes 250 KB (<https://docs.slack.dev/reference/methods/views.publish>).
const BYTES: usize = 200_000;

/// The page with each card as a section of it, and what has to be kept before it is published.
pub(crate) fn home_view(cards: &[Card], at: &Address) -> (Value, Vec<Kept>) {
    // The page has no tables and nothing can be uploaded to it: they become text.
    let caps = Capabilities { table: None, ..super::capabilities(0) };
    let parts: Vec<Card> = cards.iter().flat_map(|card| fit(card, &caps)).collect();
    let mut sketch = Sketch::new(at, Surface::Home);
    let mut bytes = 0;
    for (shown, part) in parts.iter().enumerate() {
        let (blocks, kept) = (sketch.blocks.len(), sketch.kept.len());
        if blocks > 0 {
            sketch.push(Some(json!({ "type": "divider" })));
        }
        sketch.card(part);
        bytes += sketch.blocks[blocks..].iter().map(|block| block.to_string().len()).sum::<usize>();
        // One is left for saying that there is more.
        if sketch.blocks.len() >= BLOCKS || bytes > BYTES {
            sketch.blocks.truncate(blocks);
            sketch.kept.truncate(kept);
            sketch.push(context(&format!("\u{2026} and {} more; ask for them by their commands.", parts.len() - shown)));
            break;
        }
    }
    if sketch.blocks.is_empty() {
        sketch.push(context("There is nothing here yet."));
    }
    let (blocks, kept) = sketch.finish(BLOCKS);
    (json!({ "type": "home", "callback_id": "home", "blocks": blocks }), kept)
}
