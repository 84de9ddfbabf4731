//! Block Kit's limits, each at its edge and one past it.

use super::{Surface, check, initial, stored, stored_view};
use crate::slack::time::IdSource;
use serde_json::{Value, json};

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

fn long(count: usize) -> String {
    "x".repeat(count)
}

fn wrong(block: &Value, surface: Surface) -> Vec<String> {
    match check(std::slice::from_ref(block), surface) {
        Ok(()) => Vec::new(),
        Err(refusal) => {
            assert_eq!(refusal.code, "invalid_blocks");
            let messages = refusal.more["response_metadata"]["messages"].as_array().unwrap();
            messages.iter().map(|message| message.as_str().unwrap().to_owned()).collect()
        }
    }
}

fn button(more: &Value) -> Value {
    let mut button = json!({ "type": "button", "text": plain("Go"), "action_id": "b" });
    button.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "type": "actions", "elements": [button] })
}

fn options(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({ "text": plain(&n.to_string()), "value": n.to_string() })).collect()
}

fn actions(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({ "type": "button", "text": plain("x"), "action_id": n.to_string() })).collect()
}

fn rows(count: usize, cells: usize) -> Vec<Vec<Value>> {
    vec![vec![json!({ "type": "raw_text", "text": "x" }); cells]; count]
}

/// Each at its limit and one past it, and the part of the message that says what and where.
#[test]
fn every_limit_holds() {
    let section = |length: usize| json!({ "type": "section", "text": { "type": "mrkdwn", "text": long(length) } });
    let fields = |count: usize, length: usize| json!({ "type": "section", "fields": vec![plain(&long(length)); count] });
    let header = |length: usize| json!({ "type": "header", "text": plain(&long(length)) });
    let image =
        |alt: usize, url: usize| json!({ "type": "image", "alt_text": long(alt), "image_url": format!("https://{}", long(url - 8)) });
    let context = |count: usize| json!({ "type": "context", "elements": vec![plain("x"); count] });
    let many = |count: usize| json!({ "type": "actions", "elements": actions(count) });
    let select = |count: usize| json!({ "type": "section", "text": plain("x"), "accessory": { "type": "static_select", "options": options(count) } });
    let menu = |kind: &str, count: usize| json!({ "type": "section", "text": plain("x"), "accessory": { "type": kind, "options": options(count) } });
    let option = |text: usize, value: usize, about: usize| {
        json!({ "type": "section", "text": plain("x"), "accessory": { "type": "static_select",
            "options": [{ "text": plain(&long(text)), "value": long(value), "description": plain(&long(about)) }] } })
    };
    let confirm = |title: usize, text: usize, yes: usize| {
        button(
            &json!({ "confirm": { "title": plain(&long(title)), "text": plain(&long(text)), "confirm": plain(&long(yes)), "deny": plain("No") } }),
        )
    };
    let table = |count: usize, cells: usize| json!({ "type": "table", "rows": rows(count, cells) });
    let markdown = |length: usize| json!({ "type": "markdown", "text": long(length) });
    let id = |length: usize| json!({ "type": "divider", "block_id": long(length) });
    let chart = |title: usize, label: usize, count: usize| {
        let categories: Vec<String> = (0..count).map(|n| format!("{n:0>label$}")).collect();
        let data: Vec<Value> = categories.iter().map(|name| json!({ "label": name, "value": 1.5 })).collect();
        json!({ "type": "data_visualization", "title": long(title), "chart": { "type": "line",
            "series": [{ "name": "s", "data": data }], "axis_config": { "categories": categories } } })
    };
    let placeholder = |length: usize| json!({ "type": "actions", "elements": [{ "type": "users_select", "action_id": "a", "placeholder": plain(&long(length)) }] });
    for (good, bad, says) in [
        (section(3000), section(3001), "less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        (section(1), section(0), "more than 0 characters"),
        (fields(10, 2000), fields(11, 2000), "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
        (fields(1, 2000), fields(1, 2001), "/blocks/0/fields/0/text"),
        (header(150), header(151), "less than 151"),
        (image(2000, 3000), image(2001, 3000), "/blocks/0/alt_text"),
        (image(1, 3000), image(1, 3001), "/blocks/0/image_url"),
        (context(10), context(11), "no more than 10"),
        (many(25), many(26), "no more than 25"),
        (button(&json!({ "value": long(2000) })), button(&json!({ "value": long(2001) })), "/elements/0/value"),
        (button(&json!({ "text": plain(&long(75)) })), button(&json!({ "text": plain(&long(76)) })), "/elements/0/text/text"),
        (button(&json!({ "action_id": long(255) })), button(&json!({ "action_id": long(256) })), "/action_id"),
        (button(&json!({ "style": "danger" })), button(&json!({ "style": "pretty" })), "must be one of primary, danger"),
        (button(&json!({ "url": "https://x.example" })), button(&json!({ "url": "javascript:x" })), "valid URL"),
        (button(&json!({ "accessibility_label": long(75) })), button(&json!({ "accessibility_label": long(76) })), "accessibility_label"),
        (select(100), select(101), "no more than 100"),
        (menu("overflow", 5), menu("overflow", 6), "no more than 5"),
        (menu("radio_buttons", 10), menu("checkboxes", 11), "no more than 10"),
        (option(75, 150, 75), option(76, 150, 75), "/options/0/text/text"),
        (option(75, 150, 75), option(75, 151, 75), "/options/0/value"),
        (option(75, 150, 75), option(75, 150, 76), "/options/0/description"),
        (confirm(100, 300, 30), confirm(101, 300, 30), "/confirm/title"),
        (confirm(100, 300, 30), confirm(100, 301, 30), "/confirm/text"),
        (confirm(100, 300, 30), confirm(100, 300, 31), "/confirm/confirm"),
        (table(100, 20), table(101, 20), "no more than 100"),
        (table(1, 20), table(1, 21), "1 to 20 cells"),
        (markdown(12_000), markdown(12_001), "less than 12001"),
        (id(255), id(256), "/blocks/0/block_id"),
        (chart(50, 20, 20), chart(51, 20, 20), "/blocks/0/title"),
        (chart(50, 20, 20), chart(50, 21, 20), "1 to 20 characters"),
        (chart(50, 20, 20), chart(50, 20, 21), "no more than 20"),
        (placeholder(150), placeholder(151), "placeholder"),
        (json!({ "type": "divider" }), json!({ "type": "dividend" }), "unsupported type: dividend [json-pointer:/blocks/0/type]"),
        (json!({ "type": "divider" }), json!({ "type": "divider", "colour": "red" }), "invalid additional property: colour"),
        (section(1), json!({ "type": "section" }), "text or fields"),
        (header(1), json!({ "type": "header", "text": { "type": "mrkdwn", "text": "x" } }), "of type plain_text"),
    ] {
        assert_eq!(wrong(&good, Surface::Message), Vec::<String>::new(), "{good}");
        let said = wrong(&bad, Surface::Message);
        assert!(said.iter().any(|said| said.contains(says)), "{says}: {said:?}");
    }
}

#[test]
fn what_counts_over_a_whole_message_is_counted() {
    let divider = json!({ "type": "divider" });
    assert!(check(&vec![divider.clone(); 50], Surface::Message).is_ok());
    assert!(check(&vec![divider.clone(); 51], Surface::Message).is_err());
    assert!(check(&vec![divider; 100], Surface::Modal).is_ok());
    let table = json!({ "type": "table", "rows": rows(1, 1) });
    assert!(check(&[table.clone(), table.clone()], Surface::Message).is_err());
    assert!(check(&[table], Surface::Home).is_err());
    let half = json!({ "type": "markdown", "text": long(6001) });
    assert!(check(&[half.clone(), half], Surface::Message).is_err());
    let cell = json!({ "type": "raw_text", "text": long(2001) });
    assert!(check(&[json!({ "type": "table", "rows": [vec![cell; 5]] })], Surface::Message).is_err());
    let chart =
        json!({ "type": "data_visualization", "title": "t", "chart": { "type": "pie", "segments": [{ "label": "a", "value": 1 }] } });
    assert!(check(&[chart.clone(), chart.clone()], Surface::Message).is_ok());
    assert!(check(&vec![chart; 3], Surface::Message).is_err());
    let twice = json!({ "type": "divider", "block_id": "x" });
    assert!(check(&[twice.clone(), twice], Surface::Message).is_err());
    let same = json!({ "type": "actions", "elements": [actions(1)[0], actions(1)[0]] });
    assert!(check(&[same], Surface::Message).is_err());
}

#[test]
fn charts_and_rich_text_are_checked_inside() {
    let pie = |value: f64| json!({ "type": "data_visualization", "title": "t", "chart": { "type": "pie", "segments": [{ "label": "a", "value": value }] } });
    assert!(wrong(&pie(1.0), Surface::Message).is_empty());
    assert!(wrong(&pie(0.0), Surface::Message)[0].contains("greater than 0"));
    let uneven = json!({ "type": "data_visualization", "title": "t", "chart": { "type": "bar",
        "series": [{ "name": "s", "data": [{ "label": "a", "value": 1 }] }], "axis_config": { "categories": ["a", "b"] } } });
    assert!(wrong(&uneven, Surface::Message)[0].contains("exactly one point for each category"));
    let rich = |run: Value| json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [run] }] });
    for good in [
        json!({ "type": "text", "text": "<x> & y", "style": { "bold": true } }),
        json!({ "type": "user", "user_id": "U1" }),
        json!({ "type": "date", "timestamp": 1, "format": "{date}", "fallback": "x" }),
        json!({ "type": "link", "url": "https://x.example" }),
    ] {
        assert_eq!(wrong(&rich(good), Surface::Message), Vec::<String>::new());
    }
    for bad in [
        json!({ "type": "text", "text": "" }),
        json!({ "type": "text", "text": "x", "style": { "loud": true } }),
        json!({ "type": "shout", "text": "x" }),
        json!({ "type": "date", "format": "{date}" }),
        json!({ "type": "broadcast", "range": "world" }),
    ] {
        assert!(!wrong(&rich(bad.clone()), Surface::Message).is_empty(), "{bad}");
    }
}

#[test]
fn inputs_know_where_they_belong() {
    let input = |element: Value| json!({ "type": "input", "label": plain("L"), "element": element });
    let file = input(json!({ "type": "file_input", "action_id": "v" }));
    assert!(wrong(&file, Surface::Modal).is_empty());
    assert!(!wrong(&file, Surface::Message).is_empty());
    assert!(!wrong(&input(json!({ "type": "button", "text": plain("x") })), Surface::Modal).is_empty());
    assert!(!wrong(&input(json!({ "type": "number_input" })), Surface::Modal).is_empty());
    assert!(!wrong(&input(json!({ "type": "plain_text_input", "max_length": 3001 })), Surface::Modal).is_empty());
    let strange = json!({ "type": "static_select", "options": options(2), "initial_option": { "text": plain("9"), "value": "9" } });
    assert!(wrong(&input(strange), Surface::Modal)[0].contains("must be one of the options"));
}

#[test]
fn what_is_kept_has_ids_and_entities() {
    let mut ids = IdSource::default();
    let kept = stored(vec![button(&json!({ "text": plain("a & <b> &amp;") }))], &mut ids);
    assert!(kept[0]["block_id"].is_string());
    assert_eq!(kept[0]["elements"][0]["text"]["text"], "a &amp; &lt;b&gt; &amp;");
    let view = json!({ "type": "modal", "title": plain("T"), "submit": null, "blocks": [
        { "type": "input", "block_id": "b", "label": plain("L"), "element": { "type": "plain_text_input", "action_id": "v", "initial_value": "x" } },
    ] });
    let view = stored_view(view, &mut ids);
    assert!(view.get("submit").is_none());
    assert_eq!(initial(&view)["b"]["v"], json!({ "type": "plain_text_input", "value": "x" }));
}
