//! Components of messages. <https://docs.discord.com/developers/components/reference>

use super::Problems;
use serde_json::Value;
use std::collections::BTreeSet;

/// The flag of messages that are made of components alone.
pub(in crate::discord) const V2: u64 = 1 << 15;
/// Components of a message, nested ones counted.
const MOST: usize = 40;
/// Characters of all texts of such a message together.
const TEXTS: usize = 4000;

#[derive(Default)]
struct Seen {
    ids: BTreeSet<String>,
    numbers: BTreeSet<u64>,
    count: usize,
    texts: usize,
}

/// Looks at the components of a message.
pub(in crate::discord) fn components(problems: &mut Problems, value: &Value, v2: bool) {
    let list = problems.list(value, "components", 0, if v2 { MOST } else { 5 });
    let mut seen = Seen::default();
    for (n, component) in list.iter().enumerate() {
        problems.within(format!("components.{n}"), |problems| top(problems, component, v2, &mut seen));
    }
    if seen.count > MOST {
        problems.add("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", &format!("The total number of components is over {MOST}"));
    }
    if seen.texts > TEXTS {
        problems.add(
            "components",
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
            &format!("The total text displayed exceeds the maximum size of {TEXTS}"),
        );
    }
}

fn top(problems: &mut Problems, component: &Value, v2: bool, seen: &mut Seen) {
    let known: &[u64] = if v2 { &[1, 9, 10, 12, 13, 14, 17] } else { &[1] };
    let Some(kind) = problems.choice(component, "type", known, true) else { return };
    seen.count += 1;
    number(problems, component, seen);
    match kind {
        1 => row(problems, component, seen),
        17 => {
            problems.number(component, "accent_color", 0, 0xff_ffff);
            let inner = problems.list(component, "components", 1, MOST);
            for (n, inner) in inner.iter().enumerate() {
                problems.within(format!("components.{n}"), |problems| {
                    let known = [1, 9, 10, 12, 13, 14];
                    if let Some(kind) = problems.choice(inner, "type", &known, true) {
                        seen.count += 1;
                        number(problems, inner, seen);
                        laid_out(problems, inner, kind, seen);
                    }
                });
            }
        }
        kind => laid_out(problems, component, kind, seen),
    }
}

fn number(problems: &mut Problems, component: &Value, seen: &mut Seen) {
    if let Some(id) = problems.number(component, "id", 0, i64::from(i32::MAX))
        && id > 0
        && !seen.numbers.insert(id.unsigned_abs())
    {
        problems.add("id", "COMPONENT_ID_DUPLICATED", "Component ID must be unique");
    }
}

/// Rows, and what there is in messages of components alone.
fn laid_out(problems: &mut Problems, component: &Value, kind: u64, seen: &mut Seen) {
    match kind {
        1 => row(problems, component, seen),
        9 => {
            let texts = problems.list(component, "components", 1, 3);
            for (n, text) in texts.iter().enumerate() {
                problems.within(format!("components.{n}"), |problems| {
                    if problems.choice(text, "type", &[10], true).is_some() {
                        seen.count += 1;
                        display(problems, text, seen);
                    }
                });
            }
            let accessory = &component["accessory"];
            if accessory.is_null() {
                problems.required("accessory");
                return;
            }
            problems.within("accessory", |problems| match problems.choice(accessory, "type", &[2, 11], true) {
                Some(2) => {
                    seen.count += 1;
                    button(problems, accessory, seen);
                }
                Some(_) => {
                    seen.count += 1;
                    media(problems, accessory, "media", false);
                }
                None => {}
            });
        }
        10 => display(problems, component, seen),
        12 => {
            let items = problems.list(component, "items", 1, 10);
            for (n, item) in items.iter().enumerate() {
                problems.within(format!("items.{n}"), |problems| media(problems, item, "media", false));
            }
        }
        13 => media(problems, component, "file", true),
        14 => {
            problems.flag(component, "divider");
            problems.choice(component, "spacing", &[1, 2], false);
        }
        _ => {}
    }
}

fn display(problems: &mut Problems, component: &Value, seen: &mut Seen) {
    if let Some(text) = problems.text(component, "content", 1, TEXTS, true) {
        seen.texts += text.chars().count();
    }
}

fn media(problems: &mut Problems, component: &Value, name: &str, own: bool) {
    problems.text(component, "description", 0, 1024, false);
    let media = &component[name];
    if !media["url"].is_string() {
        problems.required(&format!("{name}.url"));
        return;
    }
    let schemes: &[&str] = if own { &["attachment"] } else { &["http", "https", "attachment"] };
    problems.within(name, |problems| problems.address(media, "url", schemes, 2048));
}

fn row(problems: &mut Problems, component: &Value, seen: &mut Seen) {
    let inner = problems.list(component, "components", 1, 5);
    let selects = inner.iter().filter(|one| one["type"].as_u64().is_some_and(|kind| kind != 2)).count();
    if selects > 0 && inner.len() > 1 {
        problems.add("components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width");
    }
    for (n, one) in inner.iter().enumerate() {
        problems.within(format!("components.{n}"), |problems| {
            if let Some(kind) = problems.choice(one, "type", &[2, 3, 5, 6, 7, 8], true) {
                seen.count += 1;
                number(problems, one, seen);
                if kind == 2 {
                    button(problems, one, seen);
                } else {
                    select(problems, one, kind);
                    own_id(problems, one, seen);
                }
            }
        });
    }
}

fn own_id(problems: &mut Problems, component: &Value, seen: &mut Seen) {
    if let Some(id) = problems.text(component, "custom_id", 1, 100, true)
        && !seen.ids.insert(id.to_owned())
    {
        problems.add("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated");
    }
}

fn button(problems: &mut Problems, component: &Value, seen: &mut Seen) {
    problems.text(component, "label", 0, 80, false);
    problems.flag(component, "disabled");
    let Some(style) = problems.choice(component, "style", &[1, 2, 3, 4, 5, 6], true) else { return };
    let shows = component["label"].as_str().is_some_and(|label| !label.is_empty()) || component["emoji"].is_object();
    if !shows && style != 6 {
        problems.add("", "BUTTON_COMPONENT_INVALID_EMOJI_OR_LABEL", "A button needs a label or an emoji");
    }
    let (id, url) = (!component["custom_id"].is_null(), !component["url"].is_null());
    match style {
        5 => {
            if id {
                problems.add(
                    "custom_id",
                    "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                    "A custom id and url cannot both be specified",
                );
            }
            if url {
                problems.address(component, "url", &["http", "https", "discord"], 512);
            } else {
                problems.required("url");
            }
        }
        6 => {
            if component["sku_id"].is_null() {
                problems.required("sku_id");
            }
        }
        _ => {
            if url {
                problems.add("url", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified");
            }
            own_id(problems, component, seen);
        }
    }
}

/// A select, in a message or in a form.
pub(super) fn select(problems: &mut Problems, component: &Value, kind: u64) {
    problems.text(component, "placeholder", 0, 150, false);
    problems.flag(component, "disabled");
    let least = problems.number(component, "min_values", 0, 25);
    let most = problems.number(component, "max_values", 1, 25);
    if least.unwrap_or(1) > most.unwrap_or(1) {
        problems.add("min_values", "SELECT_COMPONENT_MIN_VALUES_GREATER_THAN_MAX_VALUES", "The minimum is over the maximum");
    }
    if kind != 3 {
        return;
    }
    let options = problems.list(component, "options", 1, 25);
    let mut values = BTreeSet::new();
    for (n, option) in options.iter().enumerate() {
        problems.within(format!("options.{n}"), |problems| {
            problems.text(option, "label", 1, 100, true);
            problems.text(option, "description", 0, 100, false);
            if let Some(value) = problems.text(option, "value", 1, 100, true)
                && !values.insert(value)
            {
                problems.add("value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used");
            }
        });
    }
    if most.is_some_and(|most| usize::try_from(most).is_ok_and(|most| most > options.len())) {
        problems.add("max_values", "BASE_TYPE_BAD_LENGTH", "There are fewer options than may be chosen");
    }
}
