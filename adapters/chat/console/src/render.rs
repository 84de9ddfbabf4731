//! Cards as HTML. Everything is escaped by construction: text from outside is only ever a text node or an attribute's
//! value, links lead nowhere but to `http`, `https` and `mailto`, and nothing carries a script or a style.

mod block;

pub(crate) use block::is_picture;

use crate::address::MessageRef;
use crate::message::{Author, Body, Kept, Message, Replies};
use bellhop_core::Timestamp;
use bellhop_core::card::{Block, Card, Span, Tone};
use bellhop_core::ids::UserId;
use bellhop_core::text;
use maud::{Markup, PreEscaped, html};

/// What a message is shown in: which one it is, and who looks.
pub(crate) struct Frame<'a> {
    pub at: &'a MessageRef,
    pub revision: u32,
    pub viewer: &'a UserId,
    /// Whether this is the beginning of the open thread, which the conversation beside it shows too.
    pub root: bool,
}

impl Frame<'_> {
    /// An element's id that no other message has, nor the same message elsewhere on the page.
    fn id(&self, what: &str) -> String {
        format!("{what}-{}{}", if self.root { "root-" } else { "" }, self.at.id)
    }
}

/// A whole message. `name` is its author's.
pub(crate) fn message(message: &Message, frame: &Frame<'_>, name: &str, replies: Option<&Replies>) -> Markup {
    let (kind, author) = match &message.from {
        Author::Bot => ("bot", "bot"),
        Author::Person(person) => ("person", person.as_str()),
    };
    let byline = frame.id("by");
    html! {
        article.message.(kind).private[message.only_for.is_some()] id=(frame.id("m")) aria-labelledby=(byline)
            data-ref=(frame.at) data-id=(message.id) data-author=(author) data-at=(message.at.to_rfc3339()) data-revision=(message.revision)
            data-answers=[message.answers.as_deref()] {
            (avatar(&message.from, name))
            div.content {
                p.byline id=(byline) {
                    span.author { bdi { (name) } }
                    @if message.from == Author::Bot { " " span.badge { "bot" } }
                    " " (time(message.at))
                    @if message.only_for.is_some() {
                        " " span.only { (icon("eye")) "Only visible to you" }
                    }
                }
                (body(&message.body, frame))
                @if frame.at.thread.is_none() && !frame.root { (thread_link(frame.at, replies)) }
            }
        }
    }
}

fn avatar(from: &Author, name: &str) -> Markup {
    match from {
        Author::Bot => html! { div.avatar.bell aria-hidden="true" { (icon("bell")) } },
        Author::Person(person) => {
            let hue = person.as_str().bytes().fold(0_usize, |sum, b| sum.wrapping_mul(31).wrapping_add(usize::from(b))) % 6;
            let first: String =
                text::one_line(name).chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().collect()).unwrap_or_default();
            html! { div.avatar.{ "hue-" (hue) } aria-hidden="true" { (first) } }
        }
    }
}

/// The way into the thread of a message: how many replies there are, or on approach the offer to begin one.
pub(crate) fn thread_link(at: &MessageRef, replies: Option<&Replies>) -> Markup {
    let count = replies.map_or(0, |replies| replies.count);
    let place = format!("/c/{}/{}", at.channel, at.id);
    html! {
        a.thread-link.empty[count == 0] id={ "r-" (at.id) } href=(place) hx-get=(place) hx-select="#thread" hx-target="#thread" hx-swap="outerHTML" hx-push-url="true" {
            (icon("thread"))
            @if count == 0 {
                span { "Reply in thread" }
            } @else {
                span { (count) @if count == 1 { " reply" } @else { " replies" } }
                @if let Some(last) = replies.and_then(|replies| replies.last) { span.faint { "last " (time(last)) } }
            }
        }
    }
}

fn body(body: &Body, frame: &Frame<'_>) -> Markup {
    match body {
        Body::Said { text, command, files } => html! {
            @if *command {
                p.said { code.line dir="auto" { (text) } }
            } @else if !text.is_empty() {
                p.said dir="auto" { (linked(text)) }
            }
            @for (at, file) in files.iter().enumerate() { (kept(file, at, frame)) }
        },
        Body::Card(shown) => card(shown, frame),
        Body::File(file) => kept(file, 0, frame),
    }
}

fn kept(file: &Kept, number: usize, frame: &Frame<'_>) -> Markup {
    let address = file.stays.then(|| format!("/console/file/{}/{number}", frame.at));
    block::file(&file.name, &file.content_type, file.size, address.as_deref())
}

/// A card.
pub(crate) fn card(card: &Card, frame: &Frame<'_>) -> Markup {
    let sentence = card.title.is_empty() && card.tone == Tone::Neutral && card.blocks.iter().all(|block| matches!(block, Block::Text(_)));
    let (tone, sign, word) = match card.tone {
        Tone::Neutral => ("neutral", None, ""),
        Tone::Good => ("good", Some("check"), "Done: "),
        Tone::Warning => ("warning", Some("warning"), "Warning: "),
        Tone::Bad => ("bad", Some("cross"), "Problem: "),
    };
    html! {
        div.card.sentence[sentence].{ "tone-" (tone) } {
            @if !card.title.is_empty() || sign.is_some() {
                h2.title {
                    @if let Some(sign) = sign { span.sign { (icon(sign)) } span.hidden { (word) } }
                    bdi { (text::one_line(&card.title)) }
                }
            }
            @for (at, part) in card.blocks.iter().enumerate() { (block::block(part, at, card, frame)) }
        }
    }
}

/// Runs of text. Where there are several, each is isolated, so that text from right to left does not turn its neighbours
/// around; one that is alone decides for its whole paragraph.
pub(crate) fn spans(spans: &[Span], viewer: &UserId) -> Markup {
    if let [Span::Plain(plain)] = spans {
        return html! { (text::visible(plain)) };
    }
    html! { @for span in spans { (one_span(span, viewer)) } }
}

fn one_span(span: &Span, viewer: &UserId) -> Markup {
    match span {
        Span::Plain(plain) => html! { bdi { (text::visible(plain)) } },
        Span::Bold(bold) => html! { strong { bdi { (text::visible(bold)) } } },
        Span::Code(code) => html! { code { bdi { (text::visible(code)) } } },
        Span::Link { text: shown, url } => {
            safe_url(url).map_or_else(|| html! { bdi { (text::visible(&span.text())) } }, |url| link(&text::visible(shown), url))
        }
        Span::Mention { user, name } => {
            html! { span.mention.me[user.user == *viewer] data-user=(user.user) { bdi { "@" (text::one_line(name)) } } }
        }
        Span::Time(at) => time(*at),
    }
}

fn link(shown: &str, url: &str) -> Markup {
    html! { a href=(url) target="_blank" rel="noopener noreferrer" title=(url) { bdi { (shown) } } }
}

/// An address that may be followed, or nothing.
pub(crate) fn safe_url(url: &str) -> Option<&str> {
    let starts = |scheme: &str| url.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    let plain = !url.chars().any(|c| c.is_control() || c.is_whitespace() || text::is_hidden(c));
    (plain && ["https://", "http://", "mailto:"].into_iter().any(starts)).then_some(url)
}

/// What a person typed, with its addresses as links that show where they lead.
fn linked(said: &str) -> Markup {
    let mut out = Vec::new();
    let mut rest = said;
    while let Some(at) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`')).unwrap_or(from.len());
        let url = from[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'', '\u{2019}']);
        out.push(html! { bdi { (before) } });
        // A bare scheme is no address.
        out.push(safe_url(url).filter(|url| url.len() > "https://".len()).map_or_else(|| html! { bdi { (url) } }, |url| link(url, url)));
        rest = &from[url.len()..];
    }
    if out.is_empty() {
        return html! { (said) };
    }
    html! { @for part in &out { (part) } bdi { (rest) } }
}

/// A sentence of ours for people, with what stands between backticks in a fixed-width face.
pub(crate) fn quoted(words: &str) -> Markup {
    let words = text::visible(words);
    let parts: Vec<&str> = words.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return html! { (words) };
    }
    html! {
        @for (at, part) in parts.iter().enumerate() {
            @if at % 2 == 0 { (part) } @else { code { bdi { (part) } } }
        }
    }
}

/// A moment: in the page's script the reader's own zone takes its place.
pub(crate) fn time(at: Timestamp) -> Markup {
    html! { time datetime=(at.to_rfc3339()) title=(at.format("%Y-%m-%d %H:%M:%S UTC")) { (at.format("%Y-%m-%d %H:%M UTC")) } }
}

/// A small picture of ours; it says nothing that the words beside it don't say.
pub(crate) fn icon(name: &str) -> Markup {
    let path = match name {
        "bell" => "M12 9V6.2m-1.9 0h3.8M4.5 16.5a7.5 7.5 0 0 1 15 0zM3 19.5h18",
        "check" => "m5 12.5 4.5 4.5L19 7.5",
        "warning" => "M12 9v4.5m0 3v.1M10.3 4.3 2.9 17.2A2 2 0 0 0 4.6 20h14.8a2 2 0 0 0 1.7-2.8L13.7 4.3a2 2 0 0 0-3.4 0z",
        "cross" => "M12 7.5v5.5m0 3.2v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
        "close" => "M6 6l12 12M18 6 6 18",
        "eye" => "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
        "thread" => "M20 11.5a7.5 7.5 0 0 1-11 6.6L4 19.5l1.5-4.6A7.5 7.5 0 1 1 20 11.5z",
        "file" => "M13.5 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5zM13.5 3v5.5H19",
        "download" => "M12 4v11m-4.5-4 4.5 4.5 4.5-4.5M5 19.5h14",
        "clip" => "m19.5 11.5-7.8 7.8a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-8 8a1.5 1.5 0 0 1-2.2-2.2l7.3-7.2",
        "send" => "M5 12h13M12.5 5.5 19 12l-6.5 6.5",
        "menu" => "M4 7h16M4 12h16M4 17h16",
        "sun" => {
            "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2.5v2m0 15v2m9.5-9.5h-2m-15 0h-2M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4m13.4 0-1.4-1.4M6.7 6.7 5.3 5.3"
        }
        "hash" => "M9.5 4 7.5 20m9-16-2 16M4.5 9h16m-17 6h16",
        "lock" => "M6.5 11h11a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
        "down" => "M12 5v14m-6-6 6 6 6-6",
        "open" => "M14 5h5v5m0-5-8 8M11 6H6a1 1 0 0 0-1 1v11a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1v-5",
        "exit" => "M10 4.5H6a1 1 0 0 0-1 1v13a1 1 0 0 0 1 1h4m4.5-11.5L19 12l-4.5 4M19 12H9.5",
        _ => "",
    };
    html! { svg.icon viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d=(PreEscaped(path)) {} } }
}

#[cfg(test)]
mod tests;
