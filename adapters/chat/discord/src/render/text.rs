//! Text as Discord's Markdown: what could be taken for a mark is escaped with a backslash, which takes any sign that is no letter, digit
//! or space literally. <https://docs.discord.com/developers/reference#message-formatting>

use crate::address::is_id;
use bellhop_core::address::UserRef;
use bellhop_core::card::Span;
use bellhop_core::ids::ChatName;
use bellhop_core::text::{one_line, visible};
use url::Url;

/// The longest address of a link.
const ADDRESS: usize = 1500;

/// Markdown being written, and the people whom it mentions.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) mentions: Vec<String>,
}

/// Spans as Markdown.
pub(crate) fn markdown(spans: &[Span], chat: &ChatName) -> Written {
    let mut written = Written::default();
    for span in spans {
        written.push(span, chat);
    }
    written
}

/// Text in which nothing is a mark.
pub(super) fn escaped(text: &str) -> String {
    let mut written = Written::default();
    written.plain(&visible(text));
    written.text
}

/// Text in a fixed-width face; plain where it has what would end that.
pub(super) fn code_block(text: &str) -> String {
    let text = visible(text);
    let text = text.trim_end_matches('\n');
    // A mark of its own at the end would join the closing one.
    if text.contains("```") || text.ends_with('`') || text.trim().is_empty() {
        return escaped(text);
    }
    format!("```\n{text}\n```")
}

/// The id of a person who can be mentioned in this chat.
fn mentioned<'a>(user: &'a UserRef, chat: &ChatName) -> Option<&'a str> {
    (user.chat == *chat && is_id(user.user.as_str())).then(|| user.user.as_str())
}

/// An address that Discord may open, as it can stand in a link.
pub(super) fn address(url: &str) -> Option<String> {
    let parsed = Url::parse(url.trim()).ok()?;
    let leads = match parsed.scheme() {
        "http" | "https" => parsed.has_host() && url.trim().get(parsed.scheme().len()..).is_some_and(|rest| rest.starts_with("://")),
        "mailto" => !parsed.path().is_empty(),
        _ => false,
    };
    if !leads {
        return None;
    }
    let mut safe = String::with_capacity(url.len());
    for c in parsed.as_str().chars() {
        match c {
            '(' => safe.push_str("%28"),
            ')' => safe.push_str("%29"),
            '<' => safe.push_str("%3C"),
            '>' => safe.push_str("%3E"),
            '\\' => safe.push_str("%5C"),
            '`' => safe.push_str("%60"),
            '"' => safe.push_str("%22"),
            '|' => safe.push_str("%7C"),
            c if c.is_whitespace() => safe.push_str("%20"),
            c => safe.push(c),
        }
    }
    (safe.chars().count() <= ADDRESS).then_some(safe)
}

impl Written {
    fn push(&mut self, span: &Span, chat: &ChatName) {
        match span {
            Span::Plain(text) => self.plain(&visible(text)),
            Span::Bold(text) => self.bold(&visible(text)),
            Span::Code(text) => self.code(&visible(text)),
            Span::Link { text, url } => self.link(text, url),
            Span::Mention { user, name } => match mentioned(user, chat) {
                Some(id) => {
                    self.text.push_str("<@");
                    self.text.push_str(id);
                    self.text.push('>');
                    if !self.mentions.iter().any(|one| one == id) {
                        self.mentions.push(id.to_owned());
                    }
                }
                None => self.plain(&visible(&format!("@{name}"))),
            },
            Span::Time(at) => {
                // From 1970 to the year 9999.
                if (1..253_402_300_800).contains(&at.timestamp()) {
                    self.text.push_str("<t:");
                    self.text.push_str(&at.timestamp().to_string());
                    self.text.push_str(":f>");
                } else {
                    self.plain(&span.text());
                }
            }
        }
    }

    fn at_line_start(&self) -> bool {
        self.text.rsplit('\n').next().is_none_or(|line| line.trim().is_empty())
    }

    fn plain(&mut self, text: &str) {
        let mut rest = text.chars();
        let mut number = self.at_line_start();
        while let Some(c) = rest.next() {
            let after = rest.as_str();
            let mark = match c {
                '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '<' => true,
                // Headings, lists, quotes and small print begin a line.
                '#' | '-' | '+' | '>' => self.at_line_start(),
                '.' | ')' => number && !self.at_line_start(),
                // Addresses, and names of emoji.
                ':' => after.starts_with("//") || names_emoji(after),
                '@' => after.starts_with("everyone") || after.starts_with("here"),
                _ => false,
            };
            number = match c {
                '\n' => true,
                c if c.is_ascii_digit() || c == ' ' => number,
                _ => false,
            };
            if mark {
                self.text.push('\\');
            }
            self.text.push(c);
        }
    }

    fn bold(&mut self, text: &str) {
        if text.trim().is_empty()
            || self.text.ends_with('*')
            || text.starts_with(char::is_whitespace)
            || text.ends_with(char::is_whitespace)
        {
            return self.plain(text);
        }
        self.text.push_str("**");
        self.plain(text);
        self.text.push_str("**");
    }

    fn code(&mut self, text: &str) {
        let fits = !text.contains(['`', '\n']) && !text.is_empty() && text.trim() == text && !self.text.ends_with('`');
        if !fits {
            return self.plain(text);
        }
        self.text.push('`');
        self.text.push_str(text);
        self.text.push('`');
    }

    fn link(&mut self, text: &str, url: &str) {
        // Discord opens no mail addresses: they are shown.
        let Some(to) = address(url).filter(|to| to.starts_with("http")) else {
            return self.plain(&visible(&Span::Link { text: text.to_owned(), url: url.to_owned() }.text()));
        };
        let label = one_line(text);
        let label = if label.trim().is_empty() { url.trim() } else { label.trim() };
        self.text.push('[');
        self.plain(label);
        self.text.push_str("](");
        self.text.push_str(&to);
        self.text.push(')');
    }
}

/// Whether what follows a colon completes an emoji's name.
fn names_emoji(rest: &str) -> bool {
    let name = rest.bytes().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'+' | b'~')).count();
    name > 0 && rest.as_bytes().get(name) == Some(&b':')
}
