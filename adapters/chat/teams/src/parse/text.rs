//! Message text as Teams writes it, as the text that a person typed: mentions by their entities, entities of HTML undone, the
//! bot's own name taken out. It is read once from left to right, so that nothing that was escaped is taken for markup afterwards.

use super::text as member;
use bellhop_core::text::visible;
use serde_json::Value;

/// The command line that was typed. A mention of the bot goes; one of a person becomes `@ID`.
pub(super) fn typed(text: &str, mentions: &[&Value], bot: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut used = vec![false; mentions.len()];
    while let Some(at) = rest.find(['<', '&']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let mention = mentions
            .iter()
            .enumerate()
            .find(|(n, entity)| !used[*n] && member(entity, "/text").is_some_and(|text| found.starts_with(text)));
        if let Some((n, entity)) = mention {
            used[n] = true;
            let id = member(entity, "/mentioned/id").unwrap_or_default();
            if id != bot {
                let id = member(entity, "/mentioned/aadObjectId").unwrap_or(id);
                out.push('@');
                out.push_str(id);
            }
            rest = &found[member(entity, "/text").unwrap_or_default().len()..];
        } else if let Some((said, after)) = markup(found).or_else(|| entity(found)) {
            out.push_str(&said);
            rest = after;
        } else {
            let (first, after) = found.split_at(1);
            out.push_str(first);
            rest = after;
        }
    }
    out.push_str(rest);
    let line = visible(&out.replace('\u{a0}', " "));
    let line = line.trim();
    uncoded(line).trim().to_owned()
}

/// The few elements that clients send in text: a line's end, and marks that say nothing. Anything else was typed.
fn markup(text: &str) -> Option<(String, &str)> {
    let (inner, rest) = text.strip_prefix('<')?.split_once('>')?;
    let name = inner.trim_matches('/').split_whitespace().next()?.to_ascii_lowercase();
    match name.as_str() {
        "br" => Some(("\n".into(), rest)),
        "at" | "p" | "div" | "span" | "b" | "strong" | "i" | "em" => Some((String::new(), rest)),
        _ => None,
    }
}

/// The entity at the front of a text.
fn entity(text: &str) -> Option<(String, &str)> {
    let (name, rest) = text.strip_prefix('&')?.split_once(';')?;
    if name.len() > 10 {
        return None;
    }
    let char = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((char.to_string(), rest))
}

/// People show commands as code; the marks are no part of the command.
fn uncoded(text: &str) -> &str {
    for mark in ["```", "`"] {
        let inner = text.strip_prefix(mark).and_then(|text| text.strip_suffix(mark));
        if let Some(inner) = inner.filter(|inner| !inner.is_empty() && !inner.contains('`')) {
            return inner;
        }
    }
    text
}
