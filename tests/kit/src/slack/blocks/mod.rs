//! Block Kit, checked against every limit of its reference, and as Slack stores it.
//!
//! <https://docs.slack.dev/reference/block-kit>

mod elements;
mod rich;
mod shape;
mod stored;

#[cfg(test)]
mod tests;

pub(super) use elements::check_suggestions;
pub(super) use stored::{held, initial, stored, stored_view};

use super::state::Refusal;
use serde_json::Value;
use shape::Checker;

/// Where blocks are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    Message,
    Modal,
    Home,
}

/// Checks blocks.
///
/// # Errors
/// `invalid_blocks`, with messages that say what and where.
pub(super) fn check(blocks: &[Value], surface: Surface) -> Result<(), Refusal> {
    let mut checker = Checker::new(surface);
    checker.blocks(blocks);
    let wrong = checker.wrong();
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::messages("invalid_blocks", &wrong)) }
}
