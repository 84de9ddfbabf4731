//! Text as Slack's markup, where a place takes nothing else: escaping, typed references, and marks that must not mark.

use bellhop_core::address::{Address, UserRef};
use bellhop_core::card::{Field, Span};
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::{ChatName, WorkspaceId};
use bellhop_core::text::{one_line, shorten, visible};
use serde_json::{Value, json};
use std::fmt::Write as _;
use url::Url;

/// How a moment is written, in each reader's own zone (<https://docs.slack.dev/messaging/formatting-message-text>).
pub(super) const MOMENT: &str = "{date_short_pretty} {time}";

/// Text in which nothing is a reference: the three characters that could begin or end one are escaped
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push_escaped(&mut out, c));
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        c => out.push(c),
    }
}

/// The text escaped, and cut so that the result has at most `most` characters; never inside an entity.
pub(super) fn escaped_within(text: &str, most: usize) -> String {
    let escaped = escape(text);
    if escaped.chars().count() <= most {
        return escaped;
    }
    let (mut used, mut kept) = (1, 0);
    for c in text.chars() {
        used += match c {
            '&' => 5,
            '<' | '>' => 4,
            _ => 1,
        };
        if used > most {
            break;
        }
        kept += 1;
    }
    // `shorten` cuts between what a reader sees as characters.
    escape(&shorten(text, kept + 1))
}

/// Spans as `mrkdwn`. What would be taken for a mark is written with a character that looks like it. People of other
/// connections are named.
#[cfg(test)]
pub(crate) fn mrkdwn(spans: &[Span], chat: &ChatName) -> String {
    Marked::of(spans, chat, None).text
}

/// A field as `mrkdwn`, where that says exactly the same within Slack's 2,000 characters.
pub(super) fn field(field: &Field, at: &Address) -> Option<Value> {
    let mut spans = vec![Span::Bold(one_line(&field.name)), Span::Plain("\n".into())];
    spans.extend(field.value.iter().cloned());
    let marked = Marked::of(&spans, &at.chat, Some(&at.workspace));
    let fits = marked.exact && marked.text.chars().count() <= 2000 && !marked.text.trim().is_empty();
    // Verbatim: neither addresses nor names in it are looked for.
    fits.then(|| json!({ "type": "mrkdwn", "text": marked.text.trim_end(), "verbatim": true }))
}

/// The id of a person who can be mentioned in this chat and, where given, workspace.
pub(super) fn mentioned<'a>(user: &'a UserRef, chat: &ChatName, workspace: Option<&WorkspaceId>) -> Option<&'a str> {
    let id = user.user.as_str();
    let here = user.chat == *chat && workspace.is_none_or(|workspace| user.workspace == *workspace);
    let rest = id.strip_prefix(['U', 'W'])?;
    let shaped = !rest.is_empty() && id.len() <= 32 && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (here && shaped).then_some(id)
}

/// An address that Slack may open, as it can stand in a link: absolute, `http`, `https` or `mailto`, at most 3,000
/// characters, without anything that ends a link early.
pub(super) fn address(url: &str) -> Option<String> {
    let parsed = Url::parse(url.trim()).ok()?;
    let leads = match parsed.scheme() {
        "http" | "https" => parsed.has_host(),
        "mailto" => !parsed.path().is_empty(),
        _ => false,
    };
    if !leads {
        return None;
    }
    let mut safe = String::with_capacity(url.len());
    for c in parsed.as_str().chars() {
        match c {
            '|' => safe.push_str("%7C"),
            '<' => safe.push_str("%3C"),
            '>' => safe.push_str("%3E"),
            '"' => safe.push_str("%22"),
            '`' => safe.push_str("%60"),
            ' ' => safe.push_str("%20"),
            c => safe.push(c),
        }
    }
    (safe.chars().count() <= 3000).then_some(safe)
}

/// Unix seconds of a moment that Slack can show.
pub(super) fn moment(at: &Timestamp) -> Option<i64> {
    // From 1970 to the year 9999.
    Some(at.timestamp()).filter(|seconds| (1..253_402_300_800).contains(seconds))
}

/// Markup being written, and whether it says exactly what the spans say.
struct Marked<'a> {
    text: String,
    exact: bool,
    chat: &'a ChatName,
    workspace: Option<&'a WorkspaceId>,
}

impl<'a> Marked<'a> {
    fn of(spans: &[Span], chat: &'a ChatName, workspace: Option<&'a WorkspaceId>) -> Self {
        let mut marked = Self { text: String::new(), exact: true, chat, workspace };
        for (at, span) in spans.iter().enumerate() {
            let next = spans[at + 1..].iter().find_map(first);
            marked.push(span, next);
        }
        marked
    }

    fn push(&mut self, span: &Span, next: Option<char>) {
        match span {
            Span::Plain(text) => self.plain(&visible(text), next),
            Span::Bold(text) => self.bold(&visible(text), next),
            Span::Code(text) => self.code(&visible(text), next),
            Span::Link { text, url } => self.link(text, url, next),
            Span::Mention { user, name } => match mentioned(user, self.chat, self.workspace) {
                Some(id) => {
                    self.text.push_str("<@");
                    self.text.push_str(id);
                    self.text.push('>');
                }
                None => self.plain(&visible(&format!("@{name}")), next),
            },
            Span::Time(at) => match moment(at) {
                Some(seconds) => self.put(format_args!("<!date^{seconds}^{MOMENT}|{}>", span.text())),
                None => self.plain(&span.text(), next),
            },
        }
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string has no way to fail.
        let _ = self.text.write_fmt(text);
    }

    /// Text without any mark in it.
    fn plain(&mut self, text: &str, next: Option<char>) {
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let before = self.text.chars().next_back();
            let after = rest.clone().next().or(next);
            // Marks count at the edge of a word only; inside one they are just characters.
            let edge = !(before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric));
            let alike = match c {
                '`' => Some('\u{2cb}'),
                '*' if edge => Some('\u{2217}'),
                '_' if edge => Some('\u{2cd}'),
                '~' if edge => Some('\u{223c}'),
                '>' if self.at_line_start() => Some('\u{203a}'),
                ':' if names_emoji(rest.as_str()) => Some('\u{2236}'),
                _ => None,
            };
            self.exact &= alike.is_none();
            push_escaped(&mut self.text, alike.unwrap_or(c));
        }
    }

    fn bold(&mut self, text: &str, next: Option<char>) {
        if text.is_empty() {
            return;
        }
        let marks = text.contains(['*', '_', '~', '`', '\n']) || text.starts_with('>') || emoji_in(text);
        if marks || !self.stands_alone(text, next) {
            self.exact = false;
            self.plain(text, next);
        } else {
            self.put(format_args!("*{}*", escape(text)));
        }
    }

    fn code(&mut self, text: &str, next: Option<char>) {
        if text.is_empty() {
            return;
        }
        if !self.stands_alone(text, next) {
            self.exact = false;
            self.plain(text, next);
            return;
        }
        self.exact &= !text.contains(['`', '\n']);
        let text = text.replace('`', "\u{2cb}").replace('\n', " ");
        self.put(format_args!("`{}`", escape(&text)));
    }

    fn link(&mut self, text: &str, url: &str, next: Option<char>) {
        let Some(url) = address(url) else {
            self.plain(&visible(&Span::Link { text: text.to_owned(), url: url.to_owned() }.text()), next);
            return;
        };
        let mut label = Self { text: String::new(), exact: true, chat: self.chat, workspace: self.workspace };
        label.plain(&one_line(text).replace('|', "\u{a6}"), None);
        self.exact &= label.exact && !text.contains(['|', '\n']);
        let url = escape(&url);
        if label.text.trim().is_empty() {
            self.put(format_args!("<{url}>"));
        } else {
            self.put(format_args!("<{url}|{}>", label.text));
        }
    }

    /// Whether a mark around this text is read as one: nothing of a word beside it, and no space just inside.
    fn stands_alone(&self, text: &str, next: Option<char>) -> bool {
        text.trim() == text
            && !self.text.chars().next_back().is_some_and(|c| c.is_alphanumeric() || "*_~`".contains(c))
            && !next.is_some_and(|c| c.is_alphanumeric() || "*_~`".contains(c))
    }

    fn at_line_start(&self) -> bool {
        self.text.rsplit('\n').next().is_none_or(|line| line.trim().is_empty())
    }
}

/// What stands next to what is before a span.
fn first(span: &Span) -> Option<char> {
    match span {
        Span::Bold(text) if !text.is_empty() => Some('*'),
        Span::Code(text) if !text.is_empty() => Some('`'),
        Span::Link { .. } | Span::Mention { .. } | Span::Time(_) => Some('<'),
        Span::Plain(text) => visible(text).chars().next(),
        _ => None,
    }
}

/// Whether what follows a colon completes an emoji's name.
fn names_emoji(rest: &str) -> bool {
    let name = rest.split(':').next().unwrap_or_default();
    let shaped = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '\'');
    name.len() < rest.len() && !name.is_empty() && name.chars().all(shaped)
}

fn emoji_in(text: &str) -> bool {
    text.char_indices().any(|(at, c)| c == ':' && names_emoji(&text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(spans: &[Span]) -> (String, bool) {
        let chat = ChatName::new("work");
        let marked = Marked::of(spans, &chat, None);
        (marked.text, marked.exact)
    }

    #[test]
    fn what_means_nothing_stays_as_it_is() {
        for text in ["report_2026_final.csv", "2*3", "a > b & c", "https://example.org/x", "a~b", "5: 6", "@here #general"] {
            assert_eq!(marked(&[text.into()]), (escape(text), true));
        }
    }

    #[test]
    fn what_would_be_a_mark_is_written_alike_and_not_called_exact() {
        for (text, written) in [
            ("*a*", "\u{2217}a\u{2217}"),
            ("_a_", "\u{2cd}a\u{2cd}"),
            ("~a~", "\u{223c}a\u{223c}"),
            ("`a`", "\u{2cb}a\u{2cb}"),
            ("> a", "\u{203a} a"),
            ("a\n  > b", "a\n  \u{203a} b"),
            (":tada:", "\u{2236}tada:"),
        ] {
            assert_eq!(marked(&[text.into()]), (written.to_owned(), false), "{text}");
        }
    }

    #[test]
    fn marks_are_written_where_they_are_read_as_marks() {
        assert_eq!(marked(&[Span::Bold("a".into()), " ".into(), Span::Code("b<c".into())]), ("*a* `b&lt;c`".into(), true));
        assert_eq!(marked(&[Span::Bold("a".into()), "b".into()]), ("ab".into(), false));
        assert_eq!(marked(&["a".into(), Span::Code("b".into())]), ("ab".into(), false));
        assert!(!marked(&[Span::Code("`\n".into())]).1);
        assert_eq!(marked(&[Span::Bold("a*b".into())]), ("a*b".into(), false));
    }

    #[test]
    fn links_end_where_they_should() {
        let link = |text: &str, url: &str| marked(&[Span::Link { text: text.into(), url: url.into() }]).0;
        assert_eq!(link("a", "https://example.org/?a=1&b=<|>"), "<https://example.org/?a=1&amp;b=%3C%7C%3E|a>");
        assert_eq!(link("a|b>\nc", "https://example.org"), "<https://example.org/|a\u{a6}b&gt; c>");
        assert_eq!(link(" ", "mailto:ann@example.org"), "<mailto:ann@example.org>");
        assert_eq!(link("a", "javascript:alert(1)"), "a (javascript:alert(1))");
    }

    #[test]
    fn only_addresses_that_lead_somewhere_are_links() {
        for bad in ["", "example.org", "/a", "ftp://example.org", "https://", "data:text/html,x", "mailto:", "https://\u{202e}.example"] {
            assert_eq!(address(bad), None, "{bad}");
        }
        assert_eq!(address(&format!("https://example.org/{}", "x".repeat(3000))), None);
        assert_eq!(address("HTTPS://Example.org/ä\u{202e}b").unwrap(), "https://example.org/%C3%A4%E2%80%AEb");
    }

    #[test]
    fn people_are_mentioned_at_home_only() {
        let ann = |chat: &str, id: &str| Span::Mention {
            user: UserRef { chat: chat.into(), workspace: "T1".into(), user: id.into() },
            name: "<ann>".into(),
        };
        assert_eq!(mrkdwn(&[ann("work", "U1")], &"work".into()), "<@U1>");
        assert_eq!(mrkdwn(&[ann("other", "U1")], &"work".into()), "@&lt;ann&gt;");
        assert_eq!(mrkdwn(&[ann("work", "U1> <!here")], &"work".into()), "@&lt;ann&gt;");
    }
}
