//! Cards and modals as Block Kit: the least of it that interactions need.

use crate::click::{BUTTON_VALUE, Click, Kept, ViewMeta};
use bellhop_core::address::Address;
use bellhop_core::card::{Block, Card, Does};
use bellhop_core::command::Suggestion;
use bellhop_core::form::{Answers, Form};
use serde_json::{Value, json};

pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) blocks: Vec<Value>,
    pub(crate) kept: Vec<Kept>,
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(crate) fn message(card: &Card, _at: &Address) -> Message {
    let text = bellhop_core::plain::card(card, &|invoke| invoke.command.clone());
    let mut kept = Vec::new();
    let mut buttons = Vec::new();
    for block in &card.blocks {
        let clicks: Vec<Click> = match block {
            Block::Form(form) => {
                let given = form.inputs.iter().filter(|input| !input.value.is_empty());
                let answers: Answers = given.map(|input| (input.id.clone(), vec![input.value.clone()])).collect();
                vec![Click::Form { command: form.command.clone(), answers }]
            }
            Block::Actions(actions) => actions
                .iter()
                .map(|action| match &action.does {
                    Does::Invoke(invoke) => Click::Invoke(invoke.clone()),
                    Does::Prefill(line) => Click::Prefill(line.clone()),
                    Does::Open(_) => Click::Nothing,
                })
                .collect(),
            _ => Vec::new(),
        };
        for click in clicks {
            let (value, keep) = click.written(BUTTON_VALUE);
            kept.extend(keep);
            let id = format!("b{}", buttons.len());
            buttons.push(json!({ "type": "button", "action_id": id, "text": { "type": "plain_text", "text": "Go" }, "value": value }));
        }
    }
    let mut blocks = vec![json!({ "type": "section", "text": { "type": "plain_text", "text": text } })];
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    Message { text: escape(&text), blocks, kept }
}

fn view(callback: &str, title: &str, meta: &ViewMeta, mut ids: Vec<(String, String)>) -> Value {
    if meta.channel.is_empty() {
        ids.push(("where".into(), String::new()));
    }
    let blocks: Vec<Value> = ids
        .iter()
        .map(|(id, value)| json!({ "type": "input", "block_id": id, "element": { "type": "plain_text_input", "action_id": "v", "initial_value": value } }))
        .collect();
    let metadata = serde_json::to_string(meta).unwrap_or_default();
    json!({ "type": "modal", "callback_id": callback, "title": { "type": "plain_text", "text": title }, "private_metadata": metadata, "blocks": blocks })
}

pub(crate) fn form_view(form: &Form, meta: &ViewMeta, title: &str) -> Value {
    view("form", title, meta, form.inputs.iter().map(|input| (format!("arg:{}", input.id), input.value.clone())).collect())
}

pub(crate) fn line_view(meta: &ViewMeta, line: &str) -> Value {
    view("line", "Run a command", meta, vec![("line".into(), line.to_owned())])
}

pub(crate) fn save_view(meta: &ViewMeta, name: &str) -> Value {
    view("save", "Save files", meta, vec![("files".into(), String::new()), ("arg:name".into(), name.to_owned())])
}

pub(crate) fn home_view(cards: &[Card], at: &Address) -> (Value, Vec<Kept>) {
    let parts: Vec<Message> = cards.iter().map(|card| message(card, at)).collect();
    let blocks: Vec<&Value> = parts.iter().flat_map(|part| &part.blocks).collect();
    (json!({ "type": "home", "blocks": blocks }), parts.iter().flat_map(|part| part.kept.clone()).collect())
}

pub(crate) fn options(suggestions: &[Suggestion], typed: &str) -> Value {
    let proposed = suggestions.iter().map(|one| one.value.as_str()).filter(|value| *value != typed);
    let values = std::iter::once(typed).filter(|typed| !typed.is_empty()).chain(proposed);
    let options: Vec<Value> = values.map(|value| json!({ "text": { "type": "plain_text", "text": value }, "value": value })).collect();
    json!({ "options": options })
}
