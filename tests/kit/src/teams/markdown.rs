//! How a person reads the markdown of messages and cards: marks resolved, links found, entities and escapes as what they stand for.
//!
//! Cards know bold, italic, lists and links, and show HTML as it is written; messages know more marks and a few tags.
//! <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format>

/// Where text stands, which says what is a mark in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A `TextBlock` or a fact.
    Card,
    /// A message's own text.
    Message,
}

/// Text as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    pub text: String,
    pub links: Vec<String>,
}

/// Reads markdown. `mentions` are the words that stand for somebody, `<at>Ann</at>`.
pub(super) fn read(markdown: &str, place: Place, mentions: &[String]) -> Read {
    let mut reader = Reader { place, mentions, links: Vec::new() };
    let dated = if place == Place::Card { dates(markdown) } else { markdown.to_owned() };
    let markdown = dated.as_str();
    let lines: Vec<String> = markdown.lines().map(|line| reader.line(line)).collect();
    Read { text: lines.join("\n"), links: reader.links }
}

/// `{{DATE(2026-01-15T12:00:00Z, SHORT)}}` and `{{TIME(..)}}` as somebody in UTC reads them.
fn dates(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let shown = after.find(")}}").and_then(|end| {
            let (name, inner) = after[2..end].split_once('(')?;
            let moment = chrono::DateTime::parse_from_rfc3339(inner.split(',').next()?.trim()).ok()?;
            let shown = match name {
                "DATE" => moment.format("%Y-%m-%d"),
                "TIME" => moment.format("%H:%M"),
                _ => return None,
            };
            Some((shown.to_string(), end + 3))
        });
        let (shown, taken) = shown.unwrap_or(("{{".to_owned(), 2));
        out.push_str(&shown);
        rest = &after[taken..];
    }
    out + rest
}

struct Reader<'a> {
    place: Place,
    mentions: &'a [String],
    links: Vec<String>,
}

/// Characters that a backslash makes plain.
const PUNCTUATION: &str = "\\`*_{}[]()#+-.!~|<>\"'$%&,/:;=?@^";

impl Reader<'_> {
    fn line(&mut self, line: &str) -> String {
        let trimmed = line.trim_start();
        // The mark of a list is a bullet to a reader.
        let (lead, rest) = match trimmed.strip_prefix("- ").or_else(|| trimmed.strip_prefix("* ")) {
            Some(rest) => ("• ", rest),
            None => ("", trimmed),
        };
        let rest = match (self.place, rest.find(|c| c != '#')) {
            (Place::Message, Some(level)) if (1..=6).contains(&level) && rest[level..].starts_with(' ') => rest[level..].trim_start(),
            (Place::Message, _) if rest.starts_with("> ") => &rest[2..],
            _ => rest,
        };
        format!("{lead}{}", self.inline(rest))
    }

    fn inline(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        let mut before = ' ';
        while let Some(c) = rest.chars().next() {
            let (shown, taken) = self.piece(rest, c, before);
            before = rest[..taken].chars().next_back().unwrap_or(' ');
            out.push_str(&shown);
            rest = &rest[taken..];
        }
        out
    }

    /// What stands first in the rest: as it is read, and its length.
    fn piece(&mut self, rest: &str, c: char, before: char) -> (String, usize) {
        match c {
            '\\' => {
                if let Some(next) = rest[1..].chars().next().filter(|next| PUNCTUATION.contains(*next)) {
                    return (next.to_string(), 1 + next.len_utf8());
                }
            }
            '&' => {
                if let Some((shown, taken)) = entity(rest) {
                    return (shown, taken);
                }
            }
            '<' => {
                if let Some(mention) = self.mentions.iter().find(|mention| rest.starts_with(mention.as_str())) {
                    let name = mention.trim_start_matches("<at>").trim_end_matches("</at>");
                    return (format!("@{}", decoded(name)), mention.len());
                }
                if self.place == Place::Message
                    && let Some(taken) = tag(rest)
                {
                    let breaks = ["<br", "<p", "</p", "</li", "</h"].iter().any(|start| rest.starts_with(start));
                    return (if breaks { "\n".into() } else { String::new() }, taken);
                }
            }
            '`' if self.place == Place::Message => {
                if let Some(end) = rest[1..].find('`') {
                    return (rest[1..=end].to_owned(), end + 2);
                }
            }
            '*' | '_' | '~' => return self.emphasis(rest, c, before),
            '!' if rest.starts_with("![") => {
                if let Some((label, _, taken)) = link(&rest[1..]) {
                    return (self.inline(label), taken + 1);
                }
            }
            '[' => {
                if let Some((label, url, taken)) = link(rest) {
                    let shown = self.inline(label);
                    self.links.push(decoded(&plain(url)));
                    return (shown, taken);
                }
            }
            'h' if self.place == Place::Message
                && (rest.starts_with("http://") || rest.starts_with("https://"))
                && !before.is_alphanumeric() =>
            {
                let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(rest.len());
                let url = rest[..end].trim_end_matches(['.', ',', ')', ']', '*', '_']);
                let shown = decoded(&plain(url));
                self.links.push(shown.clone());
                return (shown, url.len());
            }
            _ => {}
        }
        (c.to_string(), c.len_utf8())
    }

    /// `**bold**`, `_italic_` and the like: the marks go, if they are marks.
    fn emphasis(&mut self, rest: &str, c: char, before: char) -> (String, usize) {
        let run = rest.chars().take_while(|one| *one == c).count();
        let wanted = if c == '~' { 2 } else { run.min(3) };
        let mark: String = std::iter::repeat_n(c, wanted).collect();
        let after = &rest[run.min(rest.len())..];
        let opens = run >= wanted && after.chars().next().is_some_and(|next| !next.is_whitespace());
        let inside_word = c == '_' && before.is_alphanumeric();
        if opens && !inside_word && (c != '~' || self.place == Place::Message) {
            let body = &rest[wanted..];
            if let Some(end) = closing(body, &mark) {
                return (self.inline(&body[..end]), wanted + end + wanted);
            }
        }
        (rest[..run].to_owned(), run)
    }
}

/// Where the mark closes: not after a space, not escaped, not within a word for `_`.
fn closing(body: &str, mark: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = body[from..].find(mark) {
        let at = from + found;
        let before = body[..at].chars().next_back()?;
        let escaped = body[..at].chars().rev().take_while(|c| *c == '\\').count() % 2 == 1;
        let after = body[at + mark.len()..].chars().next();
        let same = after.is_some_and(|c| mark.starts_with(c));
        let word = mark.starts_with('_') && after.is_some_and(char::is_alphanumeric);
        if !before.is_whitespace() && !escaped && !same && !word {
            return Some(at);
        }
        from = at + mark.chars().next()?.len_utf8();
    }
    None
}

/// `[label](address)` at the beginning: label, address and length.
fn link(text: &str) -> Option<(&str, &str, usize)> {
    let mut depth = 0_i32;
    let mut escaped = false;
    let mut close = None;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => depth += 1,
            ']' => {
                depth -= 1;
                if depth == 0 {
                    close = Some(at);
                    break;
                }
            }
            _ => {}
        }
    }
    let close = close?;
    let rest = text[close + 1..].strip_prefix('(')?;
    let (mut depth, mut escaped) = (1_i32, false);
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    let url = rest[..at].trim().trim_start_matches('<').trim_end_matches('>');
                    return (!url.is_empty()).then_some((&text[1..close], url, close + 1 + 1 + at + 1));
                }
            }
            _ if c.is_whitespace() && !rest[..at].trim().is_empty() => return None,
            _ => {}
        }
    }
    None
}

/// Without the backslashes that make characters plain.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\'
            && let Some(next) = chars.next_if(|next| PUNCTUATION.contains(*next))
        {
            out.push(next);
        } else {
            out.push(c);
        }
    }
    out
}

/// A tag that a message obeys: its length. What is no tag stays text.
fn tag(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('<')?;
    let name = inner.strip_prefix('/').unwrap_or(inner);
    if !name.chars().next()?.is_ascii_alphabetic() {
        return None;
    }
    inner.find('>').map(|end| end + 2)
}

/// An entity at the beginning, `&lt;` or `&#60;`: what it stands for, and its length.
fn entity(text: &str) -> Option<(String, usize)> {
    let end = text.find(';').filter(|end| *end <= 10)?;
    let name = &text[1..end];
    let shown = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((shown.to_string(), end + 1))
}

/// With its entities resolved, and nothing else.
pub(super) fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((shown, taken)) = entity(rest) {
            out.push_str(&shown);
            rest = &rest[taken..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(text: &str) -> (String, Vec<String>) {
        let read = read(text, Place::Card, &[]);
        (read.text, read.links)
    }

    #[test]
    fn marks_are_resolved_and_escapes_are_not_marks() {
        assert_eq!(card("**a** _b_ *c* ***d***").0, "a b c d");
        assert_eq!(card(r"\*\*a\*\* \_b\_ \[x\](y)").0, "**a** _b_ [x](y)");
        assert_eq!(card("snake_case_name 2 * 3 * 4").0, "snake_case_name 2 * 3 * 4");
        assert_eq!(card("[this page](https://a.example/x?y=1&z)"), ("this page".into(), vec!["https://a.example/x?y=1&z".into()]));
        assert_eq!(card("- one\n- **two**").0, "• one\n• two");
        assert_eq!(card("&lt;at&gt;x <b>y</b> &amp;amp;").0, "<at>x <b>y</b> &amp;");
        assert_eq!(card("{{DATE(2026-01-15T12:30:00Z, SHORT)}} {{TIME(2026-01-15T12:30:00Z)}} {{x}}").0, "2026-01-15 12:30 {{x}}");
        assert_eq!(card("`code` # no heading").0, "`code` # no heading");
    }

    #[test]
    fn messages_obey_tags_and_cards_do_not() {
        let read = read("# Big\n<b>a</b> `b*c*` <at>Ann</at> see https://a.example/.", Place::Message, &["<at>Ann</at>".into()]);
        assert_eq!(read.text, "Big\na b*c* @Ann see https://a.example/.");
        assert_eq!(read.links, ["https://a.example/"]);
        assert_eq!(super::read("<at>Eve</at> <x y", Place::Message, &[]).text, "Eve <x y");
    }
}
