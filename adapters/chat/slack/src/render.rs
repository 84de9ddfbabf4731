//! Cards and forms as Block Kit. Pure: nothing is sent or kept here, and nothing is asked of Slack.
//!
//! Text goes out as `rich_text`, whose elements are typed: a run of text is a run of text whatever it holds, so no `*`,
//! backtick, `<!channel>` or `:emoji:` in it can mean anything, nothing has to be escaped, and what a person copies is what
//! was said. People, links and moments are elements of their own, made from typed spans only. Slack recommends it over
//! `mrkdwn` (<https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>), which has no way to escape its marks.
//! `mrkdwn` is left for the fields of a section, which take nothing else, and only where nothing in them could be taken for
//! a mark; otherwise the facts are lines of `rich_text`. Titles, labels and small print are `plain_text`.
//!
//! Limits are Slack's documented ones (<https://docs.slack.dev/reference/block-kit/blocks>). [`capabilities`] asks for cards
//! small enough that what they become stays within all of them; what was not fitted before is shown more plainly.

mod actions;
mod chart;
mod home;
mod rich;
mod sketch;
mod table;
mod text;
mod views;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod snapshots;

pub(crate) use home::home_view;
pub(crate) use text::escape;
#[cfg(test)]
pub(crate) use text::mrkdwn;
pub(crate) use views::{form_view, line_view, options, save_view};

use crate::click::Kept;
use bellhop_core::address::Address;
use bellhop_core::capabilities::{Capabilities, ChartLimits, Charts, Lookup, TableLimits};
use bellhop_core::card::{Block, Card, Table};
use bellhop_core::text::{shorten, visible};
use serde_json::Value;
use sketch::{Sketch, Surface};
use std::time::Duration;

/// The most blocks of a message.
pub(crate) const BLOCKS: usize = 50;
/// The most characters of a message's text that can still be changed: `chat.update` refuses more than 4,000
/// (<https://docs.slack.dev/reference/methods/chat.update>).
pub(crate) const TEXT: usize = 3900;
/// What a chart may have to be drawn by Slack. The page of the block says six series and newer clients twelve; six are
/// taken everywhere (<https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block>).
pub(crate) const CHART: ChartLimits = ChartLimits { title: 50, series: 6, points: 20, label: 20, each: 2 };
/// What a table may have. Slack takes 100 rows with the headings, and 10,000 characters in all cells of a message
/// together, in which each empty cell counts one.
pub(crate) const TABLE: TableLimits = TableLimits { rows: 99, columns: 20, text: 7000, each: 1 };

/// A message as Slack's methods take it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// The whole as text, for notifications and for clients without blocks. Escaped, and never empty.
    pub(crate) text: String,
    /// Its blocks.
    pub(crate) blocks: Vec<Value>,
    /// What has to be kept before it is sent.
    pub(crate) kept: Vec<Kept>,
}

/// What Slack shows and does, with room for what rendering adds.
///
/// Blocks: a card block becomes one or two of Slack's, a title one more, and 25 actions at most five more than that: 46 of
/// 50. Characters: Slack counts all blocks of a message together and refuses from somewhere above 11,000 on, without
/// saying how it counts (`msg_blocks_too_long`); what buttons ask and empty cells come on top of what a card counts.
pub(crate) fn capabilities(upload_limit: u64) -> Capabilities {
    Capabilities {
        blocks: 20,
        text: 2950,
        title: 140,
        message: 7500,
        fields: 10,
        actions: 25,
        label: 75,
        table: Some(TABLE),
        charts: Charts::Within(CHART),
        images: false,
        upload: upload_limit,
        stored_files: false,
        edits: true,
        private: true,
        forms: true,
        threads: true,
        lookup: Lookup::ByKey,
        pause: Duration::from_secs(1),
    }
}

/// A card as a message; mentions of people of this chat and workspace notify them.
pub(crate) fn message(card: &Card, at: &Address) -> Message {
    drawn(card, at, Surface::Message)
}

/// The same with nothing but text and buttons: for when Slack refuses the other with `invalid_blocks`.
pub(crate) fn plainer(card: &Card, at: &Address) -> Message {
    drawn(card, at, Surface::Plain)
}

fn drawn(card: &Card, at: &Address, surface: Surface) -> Message {
    let mut sketch = Sketch::new(at, surface);
    sketch.card(card);
    let (blocks, kept) = sketch.finish(BLOCKS);
    Message { text: fallback(card), blocks, kept }
}

/// The card as text for `text`. People are named, never mentioned: the blocks do that.
fn fallback(card: &Card) -> String {
    let mut card = card.clone();
    for block in &mut card.blocks {
        // Only the beginning can be shown; aligning all of a large table for it would be work for nothing.
        if let Block::Table(Table { rows, .. }) = block {
            rows.truncate(20);
            rows.iter_mut().flatten().for_each(|cell| *cell = vec![shorten(&bellhop_core::plain::spans(cell), 60).into()]);
        }
    }
    let text = bellhop_core::plain::card(&card, &actions::line);
    let text = visible(&text);
    let text = if text.trim().is_empty() { "(nothing to show)" } else { text.trim_end() };
    text::escaped_within(text, TEXT)
}
