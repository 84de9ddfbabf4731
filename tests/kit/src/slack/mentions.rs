//! Slack's markup: what stands between `<` and `>`, entities, and the marks of `mrkdwn` as a reader sees them; whom a message
//! pings.
//!
//! <https://docs.slack.dev/messaging/formatting-message-text>

use super::state::{Message, State};
use serde_json::Value;

/// A part of marked-up text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Link {
        url: String,
        text: Option<String>,
    },
    User(String),
    Channel(String),
    /// `here`, `channel`, `everyone`.
    Everyone(String),
    Subteam(String),
    Date {
        at: i64,
        format: String,
        fallback: String,
    },
}

/// Takes marked-up text apart. Entities are still in it.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut plain = String::new();
    while let Some(start) = rest.find('<') {
        let (before, after) = rest.split_at(start);
        plain.push_str(before);
        let parsed = after[1..].find(['<', '>', '\n']).filter(|end| after[1 + end..].starts_with('>')).and_then(|end| {
            let inner = &after[1..=end];
            control(inner).map(|piece| (piece, end + 2))
        });
        if let Some((piece, length)) = parsed {
            if !plain.is_empty() {
                found.push(Piece::Text(std::mem::take(&mut plain)));
            }
            found.push(piece);
            rest = &after[length..];
        } else {
            plain.push('<');
            rest = &after[1..];
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        found.push(Piece::Text(plain));
    }
    found
}

fn control(inner: &str) -> Option<Piece> {
    let (target, label) = inner.split_once('|').map_or((inner, None), |(target, label)| (target, Some(label)));
    let id = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if let Some(user) = target.strip_prefix('@') {
        return id(user).then(|| Piece::User(user.to_owned()));
    }
    if let Some(channel) = target.strip_prefix('#') {
        return id(channel).then(|| Piece::Channel(channel.to_owned()));
    }
    if let Some(special) = target.strip_prefix('!') {
        if let Some(subteam) = special.strip_prefix("subteam^") {
            return Some(Piece::Subteam(subteam.to_owned()));
        }
        if let Some(date) = special.strip_prefix("date^") {
            let (at, format) = date.split_once('^')?;
            let format = format.split_once('^').map_or(format, |(format, _)| format);
            return Some(Piece::Date { at: at.parse().ok()?, format: format.to_owned(), fallback: label.unwrap_or_default().to_owned() });
        }
        return matches!(special, "here" | "channel" | "everyone" | "group").then(|| Piece::Everyone(special.to_owned()));
    }
    // Slack takes any scheme here, and shows what it doesn't know as a link too.
    let scheme = target.split_once(':')?.0;
    (!scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        .then(|| Piece::Link { url: unescaped(target), text: label.map(str::to_owned) })
}

/// The three entities as the characters that they stand for.
pub(super) fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// As Slack stores text that is parsed: a bare `&` becomes an entity, everything else stays.
pub(super) fn escaped(text: &str) -> String {
    let mut stored = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        stored.push_str(&rest[..at]);
        let entity = ["&amp;", "&lt;", "&gt;"].iter().any(|entity| rest[at..].starts_with(entity));
        stored.push_str(if entity { "&" } else { "&amp;" });
        rest = &rest[at + 1..];
    }
    stored.push_str(rest);
    stored
}

/// As Slack stores text that is not parsed.
pub(super) fn escaped_plain(text: &str) -> String {
    escaped(text).replace('<', "&lt;").replace('>', "&gt;")
}

/// Whom a message pings, of those who could be: people named, and everyone where everyone is called.
pub(super) fn notified(state: &State, message: &Message, team: &str, members: &[String]) -> Vec<String> {
    let mut named: Vec<Piece> = pieces(&message.text);
    for block in &message.blocks {
        collect(block, &mut named);
    }
    for attachment in &message.attachments {
        for name in ["text", "pretext"] {
            named.extend(attachment[name].as_str().map(pieces).into_iter().flatten());
        }
        for block in attachment["blocks"].as_array().into_iter().flatten() {
            collect(block, &mut named);
        }
    }
    let mut pinged = Vec::new();
    for piece in named {
        match piece {
            Piece::User(user) if members.contains(&user) => pinged.push(user),
            Piece::Everyone(_) => pinged.extend(members.iter().filter(|member| **member != message.user).cloned()),
            Piece::Subteam(id) => pinged.extend(state.subteams.get(&id).map(|(_, users)| users.clone()).unwrap_or_default()),
            _ => {}
        }
    }
    // In a direct conversation every message pings.
    let _ = team;
    let mut seen = Vec::new();
    for user in pinged {
        if !seen.contains(&user) && state.user(&user).is_some_and(|user| !user.bot) {
            seen.push(user);
        }
    }
    seen
}

fn collect(value: &Value, into: &mut Vec<Piece>) {
    match value {
        Value::Object(members) => match value["type"].as_str() {
            Some("mrkdwn" | "markdown") => into.extend(value["text"].as_str().map(pieces).into_iter().flatten()),
            Some("user") => into.extend(value["user_id"].as_str().map(|id| Piece::User(id.to_owned()))),
            Some("broadcast") => into.push(Piece::Everyone(value["range"].as_str().unwrap_or("here").to_owned())),
            Some("usergroup") => into.extend(value["usergroup_id"].as_str().map(|id| Piece::Subteam(id.to_owned()))),
            _ => members.values().for_each(|inner| collect(inner, into)),
        },
        Value::Array(list) => list.iter().for_each(|inner| collect(inner, into)),
        _ => {}
    }
}

/// Takes the marks of `mrkdwn` away: bold, italic, struck, code; a quote's `>`.
pub(super) fn formatted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (n, part) in text.split("```").enumerate() {
        if n % 2 == 1 {
            shown.push_str(part.trim_matches('\n'));
            continue;
        }
        for (n, line) in part.split('\n').enumerate() {
            if n > 0 {
                shown.push('\n');
            }
            let line = line.strip_prefix("&gt;").map_or(line, str::trim_start);
            for (n, piece) in line.split('`').enumerate() {
                if n % 2 == 1 { shown.push_str(piece) } else { shown.push_str(&unmarked(piece)) }
            }
        }
    }
    emoji(&shown)
}

fn unmarked(text: &str) -> String {
    let mut text = text.to_owned();
    for mark in ['*', '_', '~'] {
        let mut from = 0;
        while let Some((open, close)) = pair(&text, mark, from) {
            text.remove(close);
            text.remove(open);
            from = close - 1;
        }
    }
    text
}

/// A mark that opens, at the edge of a word, and the next that closes.
fn pair(text: &str, mark: char, from: usize) -> Option<(usize, usize)> {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != mark);
    let mut opens: Option<usize> = None;
    for (at, _) in text.match_indices(mark).filter(|(at, _)| *at >= from) {
        let (before, after) = (text[..at].chars().next_back(), text[at + 1..].chars().next());
        if let Some(open) = opens
            && at > open + 1
            && before.is_some_and(|c| !c.is_whitespace())
            && edge(after)
            && !text[open..at].contains('\n')
        {
            return Some((open, at));
        }
        if edge(before) && after.is_some_and(|c| !c.is_whitespace() && c != mark) {
            opens = Some(at);
        }
    }
    None
}

/// The names of a few emoji as the emoji. Enough to see that text was taken for one.
pub(super) fn emoji(text: &str) -> String {
    const NAMES: [(&str, &str); 10] = [
        (":rocket:", "\u{1f680}"),
        (":a:", "\u{1f170}"),
        (":smile:", "\u{1f604}"),
        (":tada:", "\u{1f389}"),
        (":warning:", "\u{26a0}"),
        (":white_check_mark:", "\u{2705}"),
        (":x:", "\u{274c}"),
        (":heart:", "\u{2764}"),
        (":+1:", "\u{1f44d}"),
        (":fire:", "\u{1f525}"),
    ];
    NAMES.iter().fold(text.to_owned(), |text, (name, emoji)| text.replace(name, emoji))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_taken_apart() {
        let found = pieces("Hi <@U1|ann>, see <https://x.example/?a=1&amp;b=2|here> in <#C1> <!here> <b> a < b <!subteam^S1>");
        let link = Piece::Link { url: "https://x.example/?a=1&b=2".into(), text: Some("here".into()) };
        assert_eq!(found[1], Piece::User("U1".into()));
        assert_eq!(found[3], link);
        assert_eq!(found[5], Piece::Channel("C1".into()));
        assert_eq!(found[7], Piece::Everyone("here".into()));
        assert_eq!(found[8], Piece::Text(" <b> a < b ".into()));
        assert_eq!(found[9], Piece::Subteam("S1".into()));
    }

    #[test]
    fn marks_vanish_where_slack_would_take_them() {
        assert_eq!(formatted("*bold* _it_ ~no~ `code` 2*3*4 a_b_c * x *"), "bold it no code 2*3*4 a_b_c * x *");
        assert_eq!(formatted("a ```\nx *y*\n``` b"), "a x *y* b");
        assert_eq!(formatted("&gt; quote\nplain"), "quote\nplain");
        assert_eq!(escaped("a & b &amp; c <@U1>"), "a &amp; b &amp; c <@U1>");
        assert_eq!(escaped_plain("a & b &lt; <@U1>"), "a &amp; b &lt; &lt;@U1&gt;");
    }
}
