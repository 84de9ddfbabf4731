//! Blocks as Slack keeps them: with ids where none were given, and text with its entities.

use crate::slack::mentions::{escaped, escaped_plain};
use crate::slack::time::IdSource;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Blocks as they come back in messages and payloads.
pub(crate) fn stored(mut blocks: Vec<Value>, ids: &mut IdSource) -> Vec<Value> {
    for block in &mut blocks {
        if block["block_id"].is_null() {
            block["block_id"] = json!(ids.id("b"));
        }
        texts(block);
        for name in ["element", "accessory"] {
            action_id(&mut block[name], ids);
        }
        for element in block["elements"].as_array_mut().into_iter().flatten() {
            action_id(element, ids);
        }
        if let Some(members) = block.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
    }
    blocks
}

fn action_id(element: &mut Value, ids: &mut IdSource) {
    const STATIC: [&str; 4] = ["image", "mrkdwn", "plain_text", ""];
    let kind = element["type"].as_str().unwrap_or_default().to_owned();
    let acts = !STATIC.contains(&kind.as_str()) && !kind.starts_with("rich_text_") || kind == "rich_text_input";
    if acts && element["action_id"].is_null() {
        element["action_id"] = json!(ids.id("a"));
    }
}

fn texts(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let kind = members.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            // Rich text is kept as it is; it has no markup.
            if matches!(kind.as_str(), "mrkdwn" | "plain_text") {
                if let Some(Value::String(text)) = members.get_mut("text") {
                    *text = if kind == "mrkdwn" { escaped(text) } else { escaped_plain(text) };
                }
                members.entry(if kind == "mrkdwn" { "verbatim" } else { "emoji" }).or_insert(json!(kind == "plain_text"));
                return;
            }
            members.values_mut().for_each(texts);
        }
        Value::Array(list) => list.iter_mut().for_each(texts),
        _ => {}
    }
}

/// A view as it comes back.
pub(crate) fn stored_view(mut view: Value, ids: &mut IdSource) -> Value {
    for name in ["title", "submit", "close"] {
        texts(&mut view[name]);
    }
    if let Some(members) = view.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    let blocks = view["blocks"].as_array().cloned().unwrap_or_default();
    view["blocks"] = json!(stored(blocks, ids));
    view
}

/// What the inputs of a view hold before anybody touches them, `block_id -> action_id -> value`.
pub(crate) fn initial(view: &Value) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut values: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for block in view["blocks"].as_array().into_iter().flatten() {
        let block_id = block["block_id"].as_str().unwrap_or_default();
        let elements = block["elements"].as_array().into_iter().flatten();
        for element in elements.chain([&block["element"], &block["accessory"]]) {
            let (Some(kind), Some(action)) = (element["type"].as_str(), element["action_id"].as_str()) else { continue };
            if let Some((member, value)) = held(element, kind) {
                let state = json!({ "type": kind, member: value });
                values.entry(block_id.to_owned()).or_default().insert(action.to_owned(), state);
            }
        }
    }
    values
}

/// The member of the state in which an element keeps what was entered, and what it is at first.
pub(crate) fn held(element: &Value, kind: &str) -> Option<(&'static str, Value)> {
    Some(match kind {
        "plain_text_input" | "number_input" | "email_text_input" | "url_text_input" => ("value", element["initial_value"].clone()),
        "rich_text_input" => ("rich_text_value", element["initial_value"].clone()),
        "static_select" | "external_select" | "radio_buttons" => ("selected_option", element["initial_option"].clone()),
        "multi_static_select" | "multi_external_select" | "checkboxes" => {
            ("selected_options", element["initial_options"].as_array().map_or_else(|| json!([]), |list| json!(list)))
        }
        "users_select" => ("selected_user", element["initial_user"].clone()),
        "multi_users_select" => ("selected_users", element["initial_users"].as_array().map_or_else(|| json!([]), |list| json!(list))),
        "conversations_select" => ("selected_conversation", element["initial_conversation"].clone()),
        "multi_conversations_select" => {
            ("selected_conversations", json!(element["initial_conversations"].as_array().cloned().unwrap_or_default()))
        }
        "channels_select" => ("selected_channel", element["initial_channel"].clone()),
        "multi_channels_select" => ("selected_channels", json!(element["initial_channels"].as_array().cloned().unwrap_or_default())),
        "datepicker" => ("selected_date", element["initial_date"].clone()),
        "timepicker" => ("selected_time", element["initial_time"].clone()),
        "datetimepicker" => ("selected_date_time", element["initial_date_time"].clone()),
        "file_input" => ("files", json!([])),
        _ => return None,
    })
}
