//! Makes a card fit a platform: splits, shortens, turns a table into a file; loses no action.
//!
//! Pure and platform-blind: it knows [`Capabilities`] and nothing else. What a platform's markup adds to a text, and
//! how a file that is too large to upload becomes a link, is for its renderer.
//!
//! - Text, code and facts that are too long go on in further blocks and further cards. Nothing of them is lost.
//! - Titles, labels of actions and the names of files and people are shortened with `…`.
//! - Actions that are too many go to a further card.
//! - A table that is too large keeps the first rows that fit and brings the whole as a CSV file. Where nothing can be
//!   uploaded it goes on in further cards; where there are no tables it is aligned text.
//! - Forms become questions in words where there are none.
//!
//! Characters are counted as a reader without any markup gets them: a link with its address, a picture with its
//! description, a table with its headings and caption, a card with its title. A form takes one action: what opens it.
//!
//! Least limits: `blocks`, `text`, `message`, `actions` and `label` are taken as 1 where they are 0, for nothing could be said
//! otherwise. All others may be 0.

mod measure;
mod pieces;
mod tables;

use crate::capabilities::Capabilities;
use crate::card::{Block, Card};
use crate::text::shorten;
use measure::{Limits, chars};
use pieces::Pieces;

/// The card as one or more cards that keep every limit; a card that keeps them already is returned as it is. Cards
/// after the first repeat the tone and the title, numbered: `Title (2/3)`.
#[must_use]
pub fn fit(card: &Card, caps: &Capabilities) -> Vec<Card> {
    let limits = Limits::of(caps);
    if limits.kept_by(card) {
        return vec![card.clone()];
    }
    // How wide the numbers get is known only when the cards are counted: begin with one digit, and widen.
    let mut digits = 1;
    loop {
        let titles = Titles::new(&card.title, digits, &limits);
        let room = limits.message - titles.room;
        let pieces = Pieces::of(card, limits, room).blocks;
        let filled = fill(pieces, &limits, room);
        let count = filled.len();
        if count.to_string().len() <= digits || titles.title.is_empty() {
            return filled
                .into_iter()
                .enumerate()
                .map(|(at, blocks)| Card { title: titles.of(at + 1, count), tone: card.tone, blocks })
                .collect();
        }
        digits = count.to_string().len();
    }
}

/// The titles of a card and of those that go on from it.
struct Titles<'a> {
    title: &'a str,
    /// The longest a title may get: half a message at most, so that something can be said under it.
    most: usize,
    /// What the longest of them takes of a message.
    room: usize,
    /// The length of ` (2/3)`.
    number: usize,
}

impl<'a> Titles<'a> {
    fn new(title: &'a str, digits: usize, limits: &Limits) -> Self {
        let most = limits.title.min(limits.message / 2);
        let number = 4 + 2 * digits;
        let room = if title.is_empty() { 0 } else { most.min(chars(title) + number) };
        Self { title, most, room, number }
    }

    fn of(&self, at: usize, count: usize) -> String {
        if at == 1 || self.title.is_empty() || self.most <= self.number {
            return shorten(self.title, self.most);
        }
        format!("{} ({at}/{count})", shorten(self.title, self.most - self.number))
    }
}

/// Deals blocks, each of which fits, onto cards in their order.
fn fill(blocks: Vec<Block>, limits: &Limits, room: usize) -> Vec<Vec<Block>> {
    let mut cards = Vec::new();
    let mut here: Vec<Block> = Vec::new();
    let (mut used, mut buttons) = (0_usize, 0_usize);
    let (mut tables, mut charts) = (0_usize, 0_usize);
    for block in blocks {
        let (takes, clicks) = (measure::block(&block), measure::buttons(&block));
        let (table, chart) = (usize::from(matches!(block, Block::Table(_))), usize::from(matches!(block, Block::Chart(_))));
        let full = here.len() >= limits.blocks
            || used.saturating_add(takes) > room
            || buttons + clicks > limits.actions
            || tables + table > limits.tables
            || charts + chart > limits.charts;
        if full && !here.is_empty() {
            // A line across separates; at the end of a card there is nothing left to separate.
            if here.len() > 1 && here.last() == Some(&Block::Divider) {
                here.pop();
            }
            cards.push(std::mem::take(&mut here));
            (used, buttons, tables, charts) = (0, 0, 0, 0);
            if block == Block::Divider {
                continue;
            }
        }
        used += takes;
        buttons += clicks;
        tables += table;
        charts += chart;
        here.push(block);
    }
    if !here.is_empty() || cards.is_empty() {
        cards.push(here);
    }
    cards
}

#[cfg(test)]
#[path = "fit_tests.rs"]
mod tests;
