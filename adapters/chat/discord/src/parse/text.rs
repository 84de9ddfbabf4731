//! Message text as Discord writes it, as the text that a person typed: references undone, the bot's own name taken off the front.
//! <https://docs.discord.com/developers/reference#message-formatting>

use super::{field, list};
use bellhop_core::clock::Timestamp;
use serde_json::Value;

/// The text that was typed: `<@1>` becomes `@1`, `<#1>` `#1`, an emoji its name, a moment its date.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let found = &rest[at..];
        let said = found[1..].split_once('>').and_then(|(inner, after)| Some((reference(inner)?, after)));
        if let Some((said, after)) = said {
            out.push_str(&said);
            rest = after;
        } else {
            out.push('<');
            rest = &found[1..];
        }
    }
    out.push_str(rest);
    out
}

fn reference(inner: &str) -> Option<String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if let Some(id) = inner.strip_prefix("@!").or_else(|| inner.strip_prefix("@&")).or_else(|| inner.strip_prefix('@')) {
        return digits(id).then(|| format!("@{id}"));
    }
    if let Some(id) = inner.strip_prefix('#') {
        return digits(id).then(|| format!("#{id}"));
    }
    if let Some(emoji) = inner.strip_prefix("a:").or_else(|| inner.strip_prefix(':')) {
        let (name, id) = emoji.split_once(':')?;
        return (digits(id) && !name.is_empty()).then(|| format!(":{name}:"));
    }
    if let Some(moment) = inner.strip_prefix("t:") {
        let seconds = moment.split(':').next()?.parse().ok()?;
        return Some(Timestamp::from_timestamp(seconds, 0)?.format("%Y-%m-%d %H:%M UTC").to_string());
    }
    if let Some(command) = inner.strip_prefix('/') {
        let (name, id) = command.rsplit_once(':')?;
        return digits(id).then(|| format!("/{name}"));
    }
    // An address without its preview.
    (inner.starts_with("https://") || inner.starts_with("http://")).then(|| inner.to_owned())
}

/// What follows the mention of the bot at the front of a text.
fn after_mention<'a>(text: &'a str, bot: &str) -> Option<&'a str> {
    let (inner, rest) = text.strip_prefix("<@")?.split_once('>')?;
    (inner.trim_start_matches('!') == bot).then_some(rest)
}

/// The command line in a message that speaks to the bot. Its name is taken off the front; where it stands further on, the line is
/// what follows it, or what was before it if nothing follows.
pub(super) fn spoken(text: &str, bot: &str) -> String {
    let mut rest = text.trim();
    let mut named = false;
    while let Some(after) = after_mention(rest, bot) {
        rest = after.trim_start_matches([':', ',']).trim_start();
        named = true;
    }
    if !named {
        let found = rest.match_indices("<@").find_map(|(at, _)| after_mention(&rest[at..], bot).map(|after| (at, after)));
        if let Some((at, after)) = found {
            let after = after.trim_start_matches([':', ',']).trim();
            rest = if after.is_empty() { rest[..at].trim() } else { after };
        }
    }
    plain(uncoded(rest.trim())).trim().to_owned()
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

/// What a message says to a reader. Messages of programs often say it in embeds only.
pub(crate) fn shown(message: &Value) -> String {
    let mut said: Vec<String> = Vec::new();
    said.extend(field(message, "/content").map(plain));
    for embed in list(message, "/embeds") {
        said.extend([field(embed, "/author/name"), field(embed, "/title"), field(embed, "/description")].into_iter().flatten().map(plain));
        for one in list(embed, "/fields") {
            let (name, value) = (field(one, "/name").unwrap_or_default(), field(one, "/value").unwrap_or_default());
            said.push(plain(&format!("{name}: {value}")));
        }
        said.extend(field(embed, "/footer/text").map(plain));
    }
    words(message.get("components"), 6, &mut said);
    said.join("\n")
}

/// Texts of messages that are made of components.
fn words(value: Option<&Value>, deep: usize, said: &mut Vec<String>) {
    for component in value.and_then(Value::as_array).into_iter().flatten() {
        if component.get("type").and_then(Value::as_u64) == Some(10) {
            said.extend(field(component, "/content").map(plain));
        }
        if deep > 0 {
            words(component.get("components"), deep - 1, said);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_become_what_was_typed() {
        for (text, typed) in [
            ("<@1> and <@!2> and <@&3>", "@1 and @2 and @3"),
            ("in <#44>", "in #44"),
            ("<:ok:1> <a:dance:2>", ":ok: :dance:"),
            ("<t:0:R>", "1970-01-01 00:00 UTC"),
            ("</file list:7>", "/file list"),
            ("<https://x.example/a>", "https://x.example/a"),
            ("a < b > c <x> <@> <", "a < b > c <x> <@> <"),
        ] {
            assert_eq!(plain(text), typed);
        }
    }

    #[test]
    fn the_bots_name_is_no_part_of_the_line() {
        for (text, line) in [
            ("<@9> file list", "file list"),
            ("<@!9>: file list", "file list"),
            ("<@9> <@9> help", "help"),
            ("please <@9> help", "help"),
            ("file list <@9>", "file list"),
            ("<@9> `file list`", "file list"),
            ("<@9> ```\nfile list\n```", "file list"),
            ("<@9> role explain <@5> file list", "role explain @5 file list"),
            ("<@9>", ""),
        ] {
            assert_eq!(spoken(text, "9"), line, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in any::<String>()) {
            let _ = plain(&text);
            let _ = spoken(&text, "9");
        }
    }
}
