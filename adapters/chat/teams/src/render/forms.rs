//! Forms as the cards of dialogs: one input for each question.
//!
//! <https://adaptivecards.io/explorer/Input.ChoiceSet.html>

use super::text::{paragraph, runs};
use crate::click::{Click, MEMBER};
use crate::interact::{ARGUMENT, LINE};
use bellhop_core::card::Span;
use bellhop_core::form::{Form, Input, InputKind};
use bellhop_core::text::{one_line, shorten, visible};
use serde_json::{Value, json};

/// What stands between a command and an argument in the name by which an input asks for values.
pub(crate) const DATASET: char = '/';
/// The most choices of a menu that is shown as a whole.
const CHOICES: usize = 200;
/// The most characters of an answer.
const ANSWER: usize = 4000;

/// A form, with what it holds filled in. `carried` is what its answers come back with.
pub(crate) fn form_card(form: &Form, carried: &Value) -> Value {
    let mut body = Vec::new();
    for input in &form.inputs {
        if let Some(problem) = &input.problem {
            let mut line = super::text::styled(&format!("\u{26a0}\u{fe0f} {problem}"), "color", "Attention").unwrap_or_default();
            line["weight"] = json!("Bolder");
            body.push(runs(&[line]));
        }
        body.push(question(&form.command, input));
        let hint = one_line(&input.hint);
        if !hint.trim().is_empty() && *hint != *one_line(&input.label) {
            body.extend(paragraph(&[Span::Plain(hint)]).map(|mut hint| {
                hint["spacing"] = json!("None");
                hint
            }));
        }
    }
    if body.is_empty() {
        body.push(super::text::block("Nothing more is needed."));
    }
    dialog(&body, &form.submit, carried)
}

/// A card in which a command line is typed, begun with this.
pub(crate) fn line_card(line: &str) -> Value {
    let input = json!({
        "type": "Input.Text",
        "id": LINE,
        "label": "Command",
        "placeholder": "As you would type it in the message box; help lists all commands",
        "value": visible(line),
        "maxLength": ANSWER,
        "isRequired": true,
        "errorMessage": "Type a command",
    });
    let (carried, _) = Click::Line.carried();
    dialog(&[input], "Run", &carried)
}

fn dialog(body: &[Value], submit: &str, carried: &Value) -> Value {
    json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": body,
        "actions": [{ "type": "Action.Submit", "title": shorten(&one_line(submit), 60), "style": "positive", "data": { MEMBER: carried } }],
    })
}

fn question(command: &str, input: &Input) -> Value {
    let label = one_line(&input.label);
    let mut element = match &input.kind {
        InputKind::Flag => {
            return json!({
                "type": "Input.Toggle",
                "id": format!("{ARGUMENT}{}", input.id),
                "title": label,
                "valueOn": "true",
                "valueOff": "",
                "value": if input.value == "true" { "true" } else { "" },
            });
        }
        InputKind::Choice(choices) if choices.len() <= CHOICES => {
            let choices: Vec<Value> = choices.iter().map(|choice| json!({ "title": choice, "value": choice })).collect();
            json!({ "type": "Input.ChoiceSet", "style": "compact", "choices": choices })
        }
        InputKind::Choice(_) | InputKind::Search => {
            let held: Vec<Value> = Some(&input.value)
                .filter(|value| !value.is_empty())
                .map(|value| json!({ "title": value, "value": value }))
                .into_iter()
                .collect();
            let dataset = format!("{command}{DATASET}{}", input.id);
            json!({
                "type": "Input.ChoiceSet",
                "style": "filtered",
                "choices": held,
                "choices.data": { "type": "Data.Query", "dataset": dataset },
            })
        }
        InputKind::Text => json!({ "type": "Input.Text", "maxLength": ANSWER }),
        InputKind::Lines => json!({ "type": "Input.Text", "isMultiline": true, "maxLength": ANSWER, "placeholder": "One per line" }),
    };
    element["id"] = json!(format!("{ARGUMENT}{}", input.id));
    element["label"] = json!(label);
    if !input.value.is_empty() {
        element["value"] = json!(shorten(&visible(&input.value), ANSWER));
    }
    if input.required {
        element["isRequired"] = json!(true);
        element["errorMessage"] = json!("This is needed");
    }
    element
}
