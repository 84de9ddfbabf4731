//! What programs post to Slack's incoming webhooks, read into a card: text, blocks and attachments, in whatever wrapping they
//! come. Pure: where the card goes, who may post and how often is decided elsewhere. Nothing in it notifies anyone: mentions
//! become text.
//!
//! Source: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>,
//! <https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>,
//! <https://docs.slack.dev/reference/block-kit/blocks>.

mod attachment;
mod blocks;
mod mrkdwn;
mod rich;

use bellhop_core::card::{Block, Card, Span, Tone};
use bellhop_core::text::{one_line, shorten, visible};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The most blocks, and the most attachments, of one message. Slack takes 50 and 100; what fits is decided at delivery.
const MOST: usize = 100;
/// The longest name of a sender, in characters.
const NAME: usize = 80;

/// What was posted.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    /// What it says.
    pub card: Card,
    /// The channel that the program named. Slack ignores it for today's webhooks, and so does whoever reads this.
    pub channel: Option<String>,
}

/// Why it was not taken: what Slack answers, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The word, such as `no_text`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
}

impl Refusal {
    const fn bad(code: &'static str) -> Self {
        Self { code, status: 400 }
    }
}

/// Reads a request to an incoming webhook.
///
/// # Errors
/// What Slack would answer: `invalid_payload` for what is no JSON object, `no_text` for one that shows nothing,
/// `invalid_blocks`, `too_many_attachments`.
pub fn card(content_type: &str, body: &[u8]) -> Result<Posted, Refusal> {
    let payload = payload(content_type, body)?;
    let Ok(Value::Object(payload)) = serde_json::from_str::<Value>(&payload) else { return Err(Refusal::bad("invalid_payload")) };
    let mut card = Card::default();
    let marked = payload.get("mrkdwn") != Some(&Value::Bool(false));
    let blocks = list(&payload, "blocks").ok_or(Refusal::bad("invalid_blocks"))?;
    if blocks.len() > MOST {
        return Err(Refusal::bad("invalid_blocks"));
    }
    blocks::add(&mut card, &blocks);
    // With blocks, the text is for notifications only.
    if is_empty(&card)
        && let Some(text) = text(&payload, "text")
    {
        mrkdwn::add(&mut card, &text, marked);
    }
    let attachments = list(&payload, "attachments").ok_or(Refusal::bad("invalid_attachments"))?;
    if attachments.len() > MOST {
        return Err(Refusal::bad("too_many_attachments"));
    }
    for attachment in attachments.iter() {
        attachment::add(&mut card, attachment);
    }
    if is_empty(&card) {
        return Err(Refusal::bad("no_text"));
    }
    if let Some(name) = text(&payload, "username").map(|name| line(&name, NAME)).filter(|name| !name.is_empty()) {
        let mut spans = vec![Span::Bold(name)];
        if let Some(icon) = text(&payload, "icon_emoji").filter(|icon| is_shortcode(icon)) {
            spans.insert(0, Span::Plain(format!("{icon} ")));
        }
        card.blocks.insert(0, Block::Text(spans));
    }
    Ok(Posted { card, channel: text(&payload, "channel") })
}

/// The JSON text within the body. Programs call JSON a form, and forms text, so the body itself is looked at.
fn payload<'a>(content_type: &str, body: &'a [u8]) -> Result<Cow<'a, str>, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::bad("invalid_payload"))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let form = content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
    if text.starts_with("payload=") || form && !text.starts_with('{') {
        let found = url::form_urlencoded::parse(text.as_bytes()).find(|(name, _)| name == "payload");
        return found.map(|(_, value)| value).ok_or(Refusal::bad("invalid_payload"));
    }
    Ok(Cow::Borrowed(text))
}

fn is_empty(card: &Card) -> bool {
    card.title.is_empty() && card.blocks.is_empty()
}

/// A member as text; numbers are taken for it, since programs that build JSON by hand forget the quotes.
fn text(from: &Map<String, Value>, member: &str) -> Option<String> {
    match from.get(member)? {
        Value::String(text) => Some(visible(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
    .filter(|text| !text.trim().is_empty())
}

/// A member as a list, also where the list is written as JSON within a string; empty where there is none.
fn list<'a>(from: &'a Map<String, Value>, member: &str) -> Option<Cow<'a, [Value]>> {
    match from.get(member) {
        None | Some(Value::Null) => Some(Cow::Borrowed(&[])),
        Some(Value::Array(items)) => Some(Cow::Borrowed(items)),
        Some(Value::String(text)) if text.trim().is_empty() => Some(Cow::Borrowed(&[])),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Array(items)) => Some(Cow::Owned(items)),
            _ => None,
        },
        Some(_) => None,
    }
}

/// Text on one line, visible and not too long.
fn line(text: &str, most: usize) -> String {
    shorten(one_line(text).trim(), most)
}

/// An address that a link may lead to.
fn address(from: &Map<String, Value>, member: &str) -> Option<String> {
    text(from, member).map(|url| url.trim().to_owned()).filter(|url| mrkdwn::leads_somewhere(url))
}

/// `:name:`, as emoji are written.
fn is_shortcode(text: &str) -> bool {
    let name = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).unwrap_or_default();
    !name.is_empty() && name.len() <= NAME && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_+-:'".contains(&b))
}

/// The more alarming of two tones.
fn louder(one: Tone, other: Tone) -> Tone {
    let rank = |tone: Tone| match tone {
        Tone::Neutral => 0,
        Tone::Good => 1,
        Tone::Warning => 2,
        Tone::Bad => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

#[cfg(test)]
mod tests;
