//! Modals: a form, or a command line to be typed. What a submitted one says is read by `interact`.
//! <https://docs.discord.com/developers/components/reference#label>

use crate::click::{Click, Kept};
use bellhop_core::form::{Answers, Form, Input, InputKind};
use bellhop_core::text::{one_line, shorten, visible};
use serde_json::{Value, json};

/// What stands before an argument's id in the id of its input.
pub(crate) const ARGUMENT: &str = "a:";
/// The input of files.
pub(crate) const FILES: &str = "files";
/// The input of a line.
pub(crate) const LINE: &str = "line";

/// The most questions of a modal.
const QUESTIONS: usize = 5;
const TITLE: usize = 45;
const LABEL: usize = 45;
const HINT: usize = 100;
/// The most characters of an answer.
const ANSWER: usize = 4000;
/// The most options of a menu, and the most characters of one.
const OPTIONS: usize = 25;
const OPTION: usize = 100;
const FILES_AT_ONCE: usize = 10;

/// A form as a modal, with what is known filled in; what isn't asked is carried along. With `files` it asks for those first.
pub(crate) fn form_modal(form: &Form, answers: &Answers, files: bool) -> (Value, Option<Kept>) {
    let shown = asked(&form.inputs, if files { QUESTIONS - 1 } else { QUESTIONS });
    let left = form.inputs.len() - shown.len();
    let mut carried = answers.clone();
    carried.retain(|id, _| !shown.iter().any(|input| input.id == *id));
    let mut rows = Vec::new();
    if files {
        let upload = json!({ "type": 19, "custom_id": FILES, "min_values": 1, "max_values": FILES_AT_ONCE, "required": true });
        rows.push(row("Files", "What is to be kept", &upload));
    }
    for (at, input) in shown.iter().enumerate() {
        let mut hint = input.problem.clone().unwrap_or_else(|| input.hint.clone());
        if left > 0 && at + 1 == shown.len() && input.problem.is_none() {
            hint = format!("{} {left} more can be typed: /bellhop {}", shorten(&hint, 50), form.command);
        }
        rows.push(row(&input.label, &hint, &element(input)));
    }
    let (id, kept) = Click::Submit { command: form.command.clone(), answers: carried }.written(0);
    (json!({ "custom_id": id, "title": said(&form.command, TITLE, "Bellhop"), "components": rows }), kept)
}

/// A modal in which a command line is completed.
pub(crate) fn line_modal(line: &str) -> Value {
    let mut input = json!({ "type": 4, "custom_id": LINE, "style": 2, "min_length": 1, "max_length": ANSWER, "required": true });
    if !line.is_empty() {
        input["value"] = json!(shorten(&visible(line), ANSWER));
    }
    let (id, _) = Click::Line.written(0);
    let row = row("Command", "As you would type it after the slash; help lists all commands.", &input);
    json!({ "custom_id": id, "title": "Run a command", "components": [row] })
}

/// The questions that there is room for, in their order: what is wrong, what must be answered, and what was said before come first.
fn asked(inputs: &[Input], most: usize) -> Vec<&Input> {
    let weight = |input: &Input| {
        let long = input.value.chars().count() > ANSWER;
        match (input.problem.is_some(), input.required, input.value.is_empty()) {
            (true, ..) => 0,
            // What would be cut is carried along as it is.
            _ if long => 9,
            (_, true, true) => 1,
            (_, true, false) => 2,
            (_, false, false) => 3,
            (_, false, true) => 4,
        }
    };
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|at| (weight(&inputs[*at]), *at));
    order.retain(|at| weight(&inputs[*at]) < 9);
    order.truncate(most);
    order.sort_unstable();
    order.into_iter().map(|at| &inputs[at]).collect()
}

fn row(label: &str, hint: &str, element: &Value) -> Value {
    let mut row = json!({ "type": 18, "label": said(label, LABEL, "Value"), "component": element });
    let hint = said(hint, HINT, "");
    if !hint.is_empty() {
        row["description"] = json!(hint);
    }
    row
}

fn element(input: &Input) -> Value {
    let id = format!("{ARGUMENT}{}", input.id);
    match &input.kind {
        InputKind::Flag => {
            let yes = input.value == "true";
            let options = json!([
                { "label": "Yes", "value": "true", "default": yes },
                { "label": "No", "value": "false", "default": !yes },
            ]);
            json!({ "type": 3, "custom_id": id, "options": options, "min_values": 1, "max_values": 1, "required": true })
        }
        InputKind::Choice(choices)
            if (1..=OPTIONS).contains(&choices.len()) && choices.iter().all(|one| (1..=OPTION).contains(&one.chars().count())) =>
        {
            let options: Vec<Value> =
                choices.iter().map(|one| json!({ "label": one, "value": one, "default": *one == input.value })).collect();
            let least = u8::from(input.required);
            json!({
                "type": 3, "custom_id": id, "options": options, "placeholder": "Choose", "min_values": least, "max_values": 1,
                "required": input.required,
            })
        }
        kind => {
            let value = shorten(&visible(&input.value), ANSWER);
            let paragraph = *kind == InputKind::Lines || value.contains('\n') || value.chars().count() > 200;
            let mut element = json!({
                "type": 4, "custom_id": id, "style": if paragraph { 2 } else { 1 }, "max_length": ANSWER, "required": input.required,
            });
            if input.required {
                element["min_length"] = json!(1);
            }
            if !value.is_empty() {
                element["value"] = json!(value);
            }
            if *kind == InputKind::Lines {
                element["placeholder"] = json!("One per line");
            } else if let InputKind::Choice(choices) = kind {
                element["placeholder"] = json!(said(&choices.join(", "), HINT, "Choose"));
            }
            element
        }
    }
}

fn said(text: &str, most: usize, instead: &str) -> String {
    let line = shorten(one_line(text).trim(), most);
    if line.is_empty() { instead.to_owned() } else { line }
}
