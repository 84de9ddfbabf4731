//! Slack's own markup into spans. What it marks up stays, what would notify becomes text, what is no markup stays as it was
//! typed. Emoji shortcodes stay as they are.
//!
//! Source: <https://docs.slack.dev/messaging/formatting-message-text>.

use bellhop_core::card::{Block, Card, Span};
use chrono::DateTime;

/// How deep marks may stand within marks.
const DEEPEST: usize = 4;

/// The beginning of a text that stands still, or a block of code.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// A run of text.
    Text(Vec<Span>),
    /// Between two lines of three backticks.
    Code(String),
}

/// Adds a text to a card: paragraphs, and blocks of code. Without `marked` only links and escapes are read.
pub(super) fn add(card: &mut Card, text: &str, marked: bool) {
    for piece in pieces(text, marked) {
        card.blocks.push(match piece {
            Piece::Text(spans) => Block::Text(spans),
            Piece::Code(code) => Block::Code(code),
        });
    }
}

/// A text in its pieces, none of them blank.
pub(super) fn pieces(text: &str, marked: bool) -> Vec<Piece> {
    let paragraph = |text: &str| {
        let text = text.trim_matches(['\n', '\r']);
        (!text.trim().is_empty()).then(|| Piece::Text(spans(text, marked)))
    };
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("```").filter(|_| marked) {
        let Some((code, after)) = after.split_once("```") else { break };
        all.extend(paragraph(before));
        let code = written(code.trim_matches(['\n', '\r']));
        if !code.trim().is_empty() {
            all.push(Piece::Code(code));
        }
        rest = after;
    }
    all.extend(paragraph(rest));
    all
}

/// A text within a paragraph.
pub(super) fn spans(text: &str, marked: bool) -> Vec<Span> {
    let mut run = Run::default();
    run.read(text, marked, DEEPEST);
    run.end()
}

/// A text with its marks left out, for where nothing can be marked up: titles, buttons, code.
pub(super) fn written(text: &str) -> String {
    spans(text, false).iter().map(shown).collect()
}

/// The same for a text that may be marked up.
pub(super) fn unmarked(text: &str) -> String {
    spans(text, true).iter().map(shown).collect()
}

fn shown(span: &Span) -> String {
    match span {
        Span::Link { text, .. } => text.clone(),
        other => other.text(),
    }
}

/// Whether an address may stand behind a link.
pub(super) fn leads_somewhere(url: &str) -> bool {
    let lower: String = url.chars().take(8).collect::<String>().to_ascii_lowercase();
    let rest = ["https://", "http://", "mailto:"].iter().find_map(|scheme| lower.starts_with(scheme).then_some(scheme.len()));
    rest.is_some_and(|length| url.len() > length) && url.len() <= 3000 && !url.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Spans under way.
#[derive(Default)]
struct Run {
    spans: Vec<Span>,
    plain: String,
}

impl Run {
    fn end(mut self) -> Vec<Span> {
        self.flush();
        self.spans
    }

    fn flush(&mut self) {
        if !self.plain.is_empty() {
            self.spans.push(Span::Plain(std::mem::take(&mut self.plain)));
        }
    }

    fn push(&mut self, span: Span) {
        match span {
            Span::Plain(text) => self.plain.push_str(&text),
            other => {
                self.flush();
                self.spans.push(other);
            }
        }
    }

    fn read(&mut self, text: &str, marked: bool, depth: usize) {
        let mut at = 0;
        // Up to where it is known that a mark is not closed: looked for once, so that hostile text costs no more than its length.
        let mut open_until = [0_usize; 3];
        while let Some(c) = text[at..].chars().next() {
            let rest = &text[at + c.len_utf8()..];
            let before = text[..at].chars().next_back();
            let step = match c {
                '<' => self.angle(rest),
                '&' => self.entity(rest),
                '`' | '*' | '_' if marked && depth > 0 && at >= open_until[mark(c)] => match closed(rest, before, c) {
                    Closed::At(end) => {
                        self.mark(&rest[..end], c, depth);
                        Some(end + 1)
                    }
                    Closed::Never => {
                        open_until[mark(c)] = at + 1 + rest.find('\n').unwrap_or(rest.len());
                        None
                    }
                    Closed::NoMark => None,
                },
                _ => None,
            };
            if step.is_none() {
                self.plain.push(c);
            }
            at += c.len_utf8() + step.unwrap_or_default();
        }
    }

    /// What stands between two marks.
    fn mark(&mut self, inner: &str, mark: char, depth: usize) {
        if mark == '`' {
            return self.push(Span::Code(written(inner)));
        }
        let mut within = Self::default();
        within.read(inner, true, depth - 1);
        for span in within.end() {
            self.push(match span {
                Span::Plain(text) if mark == '*' => Span::Bold(text),
                other => other,
            });
        }
    }

    /// What stands in angle brackets; how much of the rest it takes, or nothing where they are just brackets.
    fn angle(&mut self, rest: &str) -> Option<usize> {
        let end = rest.find(['<', '>']).filter(|end| rest.as_bytes().get(*end) == Some(&b'>'))?;
        let inner = rest.get(..end)?;
        let (what, label) = inner.split_once('|').map_or((inner, None), |(what, label)| (what, Some(label)));
        let label = label.map(unescaped).filter(|label| !label.trim().is_empty());
        let named = |mark: char, id: &str| {
            let name = label.clone().unwrap_or_else(|| id.to_owned());
            Span::Plain(if name.starts_with(mark) { name } else { format!("{mark}{name}") })
        };
        match what.split_at_checked(1)? {
            ("@", id) if is_id(id) => self.push(named('@', id)),
            ("#", id) if is_id(id) => self.push(named('#', id)),
            ("!", special) => match special.split('^').collect::<Vec<_>>().as_slice() {
                ["date", at, form, more @ ..] => self.date(at, form, more.first().copied(), label.as_deref()),
                ["subteam", id] => self.push(named('@', id)),
                [word] if is_id(word) => self.push(named('@', word)),
                _ => return None,
            },
            _ => {
                let url = unescaped(what);
                if leads_somewhere(&url) {
                    let text = label.unwrap_or_else(|| url.strip_prefix("mailto:").unwrap_or(&url).to_owned());
                    self.push(Span::Link { text, url });
                } else {
                    let number = url.strip_prefix("tel:")?;
                    self.plain.push_str(label.as_deref().unwrap_or(number));
                }
            }
        }
        Some(end + 1)
    }

    /// A moment in the reader's zone, with what its form says around it.
    fn date(&mut self, at: &str, form: &str, link: Option<&str>, fallback: Option<&str>) {
        let moment = at.trim().parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let (Some(moment), Some(first), Some(last)) = (moment, form.find('{'), form.rfind('}')) else {
            self.plain.push_str(fallback.unwrap_or(form));
            return;
        };
        if let Some(url) = link.map(unescaped).filter(|url| leads_somewhere(url)) {
            let text = fallback.map_or_else(|| Span::Time(moment).text(), str::to_owned);
            return self.push(Span::Link { text, url });
        }
        self.plain.push_str(&unescaped(form.get(..first).unwrap_or_default()));
        self.push(Span::Time(moment));
        self.plain.push_str(&unescaped(form.get(last + 1..).unwrap_or_default()));
    }

    fn entity(&mut self, rest: &str) -> Option<usize> {
        let (word, c) = ENTITIES.iter().find(|(word, _)| rest.starts_with(word))?;
        self.plain.push(*c);
        Some(word.len())
    }
}

const ENTITIES: [(&str, char); 3] = [("lt;", '<'), ("gt;", '>'), ("amp;", '&')];

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn mark(c: char) -> usize {
    match c {
        '`' => 0,
        '*' => 1,
        _ => 2,
    }
}

enum Closed {
    At(usize),
    /// No such mark is closed on the rest of this line.
    Never,
    /// This is no mark at all.
    NoMark,
}

/// Where a mark that was opened is closed: on the same line, with no space inside of either, and no letter outside.
fn closed(rest: &str, before: Option<char>, mark: char) -> Closed {
    let first = rest.chars().next();
    if mark != '`' && before.is_some_and(char::is_alphanumeric) || first.is_none_or(|c| c.is_whitespace() || c == mark) {
        return Closed::NoMark;
    }
    let mut previous = mark;
    let mut within = false;
    let mut letters = rest.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        match c {
            '\n' => break,
            '<' if mark != '`' => within = true,
            '>' => within = false,
            c if c == mark && !within && at > 0 => {
                let next = letters.peek().map(|(_, c)| *c);
                if mark == '`' || !previous.is_whitespace() && !next.is_some_and(char::is_alphanumeric) {
                    return Closed::At(at);
                }
            }
            _ => {}
        }
        previous = c;
    }
    Closed::Never
}
