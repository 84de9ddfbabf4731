//! Message text as Slack writes it, as the text that a person typed: entities, mentions and links undone, the bot's own
//! name taken off the front. <https://docs.slack.dev/messaging/formatting-message-text>

/// The text that was typed. `<@U1|ann>` becomes `@U1`, `<#C1|ops>` becomes `#C1`, `<https://x|x>` becomes `https://x`, and the
/// three entities their characters. Where Slack itself made a link of a plain word (`notes.md`), the word is what was typed.
/// It is read once from left to right, so that nothing that was escaped is taken for markup afterwards.
#[must_use]
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        if let Some((said, after)) = markup(found) {
            out.push_str(&said);
            rest = after;
        } else {
            let (char, after) = entity(found);
            out.push(char);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// The character that stands at the front of a text, written as an entity or as itself.
fn entity(text: &str) -> (char, &str) {
    for (entity, char) in [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&')] {
        if let Some(rest) = text.strip_prefix(entity) {
            return (char, rest);
        }
    }
    let mut chars = text.chars();
    (chars.next().unwrap_or_default(), chars.as_str())
}

/// Entities only.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (char, after) = entity(rest);
        out.push(char);
        rest = after;
    }
    out
}

/// What the `<...>` at the front of a text says, and what follows it. `None` where it is none of Slack's.
fn markup(text: &str) -> Option<(String, &str)> {
    let (inner, rest) = text.strip_prefix('<')?.split_once('>')?;
    if inner.contains('<') {
        return None;
    }
    let (what, label) = inner.split_once('|').map_or((inner, ""), |(what, label)| (what, label));
    let said = match what.chars().next()? {
        mark @ ('@' | '#') => {
            let id = &what[1..];
            if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return None;
            }
            format!("{mark}{id}")
        }
        '!' => special(&what[1..], label),
        _ => link(what, label)?,
    };
    Some((said, rest))
}

/// `<!here>`, `<!subteam^S1|@ops>`, `<!date^1795878720^{date}|tomorrow>`: as a reader saw them.
fn special(what: &str, label: &str) -> String {
    let (name, rest) = what.split_once('^').unwrap_or((what, ""));
    match (name, label) {
        ("here" | "channel" | "everyone", _) => format!("@{name}"),
        (_, label) if !label.is_empty() => plain(label),
        ("subteam", _) => format!("@{rest}"),
        _ => plain(name),
    }
}

fn link(url: &str, label: &str) -> Option<String> {
    let (scheme, rest) = url.split_once(':')?;
    if scheme.is_empty()
        || rest.is_empty()
        || rest.contains(char::is_whitespace)
        || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    {
        return None;
    }
    let (url, label) = (plain(url), plain(label));
    // Slack makes a link of every word that looks like a host or a mail address; only then the label is the address
    // without what Slack put before it.
    let made = ["http://", "mailto:", "tel:"].iter().any(|before| {
        let bare = url.strip_prefix(before);
        bare.is_some_and(|bare| bare == label || bare.trim_end_matches('/') == label)
    });
    Some(if made && !label.is_empty() { label } else { url })
}

/// A command line as it was typed, without the marks that show it as code.
pub(super) fn typed(text: &str) -> String {
    unescape(uncoded(text.trim())).trim().to_owned()
}

/// People show commands as code; the marks are no part of the command.
fn uncoded(text: &str) -> &str {
    for mark in ["```", "`"] {
        let inner = text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
        if let Some(inner) = inner.filter(|inner| !inner.is_empty() && !inner.contains('`')) {
            return inner.trim();
        }
    }
    text
}

/// The command line in a message that speaks to the bot. Its name is taken off the front, however often it stands there;
/// where it stands further on, the line is what follows it, or what was before it if nothing follows.
pub(super) fn spoken(text: &str, bot: Option<&str>) -> String {
    let mut rest = text.trim();
    let mut named = false;
    while let Some(after) = after_mention(rest, bot) {
        rest = after.trim_start_matches([':', ',']).trim_start();
        named = true;
    }
    if !named && let Some(bot) = bot {
        let found = rest.match_indices("<@").find_map(|(at, _)| after_mention(&rest[at..], Some(bot)).map(|after| (at, after)));
        if let Some((at, after)) = found {
            let after = after.trim_start_matches([':', ',']).trim();
            rest = if after.is_empty() { rest[..at].trim() } else { after };
        }
    }
    typed(rest)
}

/// What follows the mention of the bot at the front of a text; of anyone, where the bot's own id isn't known.
fn after_mention<'a>(text: &'a str, bot: Option<&str>) -> Option<&'a str> {
    let (inner, rest) = text.strip_prefix("<@")?.split_once('>')?;
    let id = inner.split('|').next().unwrap_or_default();
    let named = match bot {
        Some(bot) => id == bot,
        None => !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()),
    };
    named.then_some(rest)
}

/// Whether a message's text mentions a person.
pub(crate) fn mentions(text: &str, user: &str) -> bool {
    text.match_indices("<@").any(|(at, _)| after_mention(&text[at..], Some(user)).is_some())
}
