//! Small turns of phrase that several answers share, so that they all count, date and tabulate alike.

use bellhop_core::card::{Column, Span, Table};
use bellhop_core::command::Suggestion;
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{CommandError, Timestamp};
use chrono::TimeDelta;
use chrono_tz::Tz;

/// `1 file`, `2 files`, `1 234 files`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let shown = bellhop_core::text::grouped(i64::try_from(number).unwrap_or(i64::MAX));
    if number == 1 { format!("{shown} {noun}") } else { format!("{shown} {noun}s") }
}

/// A name, an id or a command, at a length that a card can bear.
pub(crate) fn code(text: impl AsRef<str>) -> Span {
    Span::Code(shorten(&one_line(text.as_ref()), 200))
}

/// Text from outside on one line of a card.
pub(crate) fn line(text: &str) -> String {
    shorten(&one_line(text), 200)
}

/// A table with these headings; those that end in `#` are of numbers, set flush right.
pub(crate) fn table(caption: impl Into<String>, headings: &[&str], rows: Vec<Vec<Vec<Span>>>) -> Table {
    let columns =
        headings.iter().map(|heading| Column { name: heading.trim_end_matches('#').to_owned(), numeric: heading.ends_with('#') }).collect();
    Table { caption: caption.into(), columns, rows }
}

/// How long something has been so: `5 min`, `3 h`, `2 d`.
pub(crate) fn ago(since: Timestamp, now: Timestamp) -> String {
    let past = (now - since).max(TimeDelta::zero());
    match past.num_minutes() {
        0 => "under a minute".to_owned(),
        m if m < 120 => format!("{m} min"),
        m if m < 48 * 60 => format!("{} h", m / 60),
        m => format!("{} d", m / (24 * 60)),
    }
}

/// A moment on the caller's clock: `Mon 2026-11-23 09:00 CET`.
pub(crate) fn local(at: Timestamp, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z").to_string()
}

/// A time zone by its IANA name, with the nearest one where there is none of that name.
pub(crate) fn zone(text: &str) -> Result<Tz, String> {
    if let Ok(zone) = text.parse() {
        return Ok(zone);
    }
    if let Some(zone) = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text)) {
        return Ok(*zone);
    }
    // `Berlin` is enough for a person to mean Europe/Berlin.
    let city = text.replace(' ', "_");
    let by_city =
        chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&city)));
    let near = by_city
        .map(|zone| zone.name())
        .or_else(|| bellhop_core::nearest::nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())));
    let shown = line(text);
    Err(match near {
        Some(near) => format!("`{shown}` is no time zone; did you mean {near}?"),
        None => format!("`{shown}` is no time zone; write an IANA name such as Europe/Berlin or UTC"),
    })
}

/// Time zones that begin with what is typed, or whose city does.
pub(crate) fn zones(typed: &str) -> Vec<Suggestion> {
    let typed = typed.to_lowercase();
    let fits = |zone: &&Tz| {
        let name = zone.name().to_lowercase();
        name.starts_with(&typed) || name.rsplit('/').next().is_some_and(|city| city.starts_with(&typed))
    };
    chrono_tz::TZ_VARIANTS
        .iter()
        .filter(fits)
        .take(SUGGESTIONS)
        .map(|zone| Suggestion { value: zone.name().to_owned(), about: String::new() })
        .collect()
}

/// How many values are proposed while one is typed.
pub(crate) const SUGGESTIONS: usize = 25;

/// Those of the values that begin with what is typed and, after them, those that have it in them.
pub(crate) fn suggest(typed: &str, values: impl IntoIterator<Item = (String, String)>) -> Vec<Suggestion> {
    let typed = typed.to_lowercase();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (value, about) in values {
        let lower = value.to_lowercase();
        if lower.starts_with(&typed) {
            first.push(Suggestion { value, about });
        } else if lower.contains(&typed) {
            second.push(Suggestion { value, about });
        }
    }
    first.extend(second);
    first.truncate(SUGGESTIONS);
    first
}

/// The words of a text that was typed without quotes, as one text. Not empty, and harmless to show.
pub(crate) fn sentence(argument: &'static str, first: &str, rest: &[String]) -> Result<String, CommandError> {
    let text = std::iter::once(first).chain(rest.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    let text = bellhop_core::text::visible(&text).trim().to_owned();
    if text.is_empty() { Err(CommandError::invalid(argument, "it is empty; write some text")) } else { Ok(text) }
}
