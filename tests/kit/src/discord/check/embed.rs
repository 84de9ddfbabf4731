//! Embeds. <https://docs.discord.com/developers/resources/message#embed-object>

use super::Problems;
use bellhop_core::Timestamp;
use serde_json::Value;

/// Characters over all embeds of a message.
const ALL: usize = 6000;

pub(in crate::discord) fn embeds(problems: &mut Problems, list: &[Value]) {
    let mut total = 0;
    for (n, embed) in list.iter().enumerate() {
        problems.within(format!("embeds.{n}"), |problems| total += one(problems, embed));
    }
    if total > ALL {
        problems.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", &format!("Embed size exceeds maximum size of {ALL}"));
    }
}

fn one(problems: &mut Problems, embed: &Value) -> usize {
    if !embed.is_object() {
        problems.add("", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType");
        return 0;
    }
    let mut total = 0;
    let mut count = |text: Option<&str>| total += text.map_or(0, |text| text.chars().count());
    count(problems.text(embed, "title", 0, 256, false));
    count(problems.text(embed, "description", 0, 4096, false));
    problems.address(embed, "url", &["http", "https"], 2048);
    problems.number(embed, "color", 0, 0xff_ffff);
    if let Some(moment) = embed["timestamp"].as_str()
        && moment.parse::<Timestamp>().is_err()
    {
        problems.add("timestamp", "DATE_TIME_TYPE_PARSE", &format!("Could not parse {moment}. Should be ISO8601."));
    }
    for (name, most, text) in [("footer", 2048, "text"), ("author", 256, "name")] {
        if embed[name].is_object() {
            problems.within(name, |problems| {
                count(problems.text(&embed[name], text, 0, most, true));
                problems.address(&embed[name], "icon_url", &["http", "https", "attachment"], 2048);
                problems.address(&embed[name], "url", &["http", "https"], 2048);
            });
        }
    }
    for name in ["image", "thumbnail"] {
        if embed[name].is_object() {
            problems.within(name, |problems| problems.address(&embed[name], "url", &["http", "https", "attachment"], 2048));
        }
    }
    let fields = problems.list(embed, "fields", 0, 25);
    for (n, field) in fields.iter().enumerate() {
        problems.within(format!("fields.{n}"), |problems| {
            count(problems.text(field, "name", 1, 256, true));
            count(problems.text(field, "value", 1, 1024, true));
            problems.flag(field, "inline");
        });
    }
    let empty = total == 0 && !embed["image"].is_object() && !embed["thumbnail"].is_object() && embed["url"].is_null();
    if empty {
        problems.add("description", "BASE_TYPE_REQUIRED", "This field is required");
    }
    total
}

/// Whether an embed shows anything.
pub(in crate::discord) fn pictures(embed: &Value) -> impl Iterator<Item = &str> {
    ["image", "thumbnail"].into_iter().filter_map(|name| embed[name]["url"].as_str())
}
