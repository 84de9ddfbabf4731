//! Modals: a form, a command line to be typed, files to be kept; and the options of an input as it is typed into.
//! What a submitted one says is read by `interact`.

use super::rich::{line, plain_text};
use crate::click::{OPTION_VALUE, ViewMeta};
use bellhop_core::command::Suggestion;
use bellhop_core::form::{Form, Input, InputKind};
use bellhop_core::text::{shorten, visible};
use serde_json::{Value, json};

/// The most questions of one form: with what is wrong with some, and where the answer goes, a view's 100 blocks.
const INPUTS: usize = 90;
/// The most blocks of a view, less one for a notice and one for the conversation.
const BLOCKS: usize = 98;
/// The most characters of an answer (<https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element>).
const ANSWER: usize = 3000;
/// The most options of a menu.
const OPTIONS: usize = 100;
/// The longest option that a person may have typed. Slack's page says 150; what we propose ourselves stays under the 75 of
/// older clients.
const TYPED: usize = 150;

/// A form as a modal, with what it holds filled in.
pub(crate) fn form_view(form: &Form, meta: &ViewMeta, title: &str) -> Value {
    let mut blocks = Vec::new();
    let (shown, left) = asked(&form.inputs);
    let mut room = BLOCKS - shown.len();
    for input in shown {
        let mut said = Vec::new();
        said.extend(input.problem.clone());
        if input.value.chars().count() > ANSWER {
            said.push(format!(
                "What was given is longer than {ANSWER} characters and is cut here; type the command in the message box instead."
            ));
        }
        let warning = (!said.is_empty()).then(|| format!("\u{26a0}\u{fe0f} {}", said.join(" ")));
        let above = warning.filter(|_| room > 0);
        if let Some(warning) = &above {
            room -= 1;
            blocks.push(json!({ "type": "section", "text": plain_text(&shorten(&visible(warning), 3000)) }));
        }
        let hint = if above.is_none() { said.join(" ") } else { String::new() };
        blocks.push(question(input, &hint));
    }
    if left > 0 {
        let text = format!("{left} more can't be asked here; type {} with them in the message box.", form.command);
        blocks.push(json!({ "type": "context", "elements": [plain_text(&shorten(&text, 3000))] }));
    }
    blocks.extend(place(meta));
    if blocks.is_empty() {
        blocks.push(json!({ "type": "context", "elements": [plain_text("Nothing more is needed.")] }));
    }
    modal("form", title, &form.submit, &blocks, meta)
}

/// A modal in which a command line is typed, begun with this.
pub(crate) fn line_view(meta: &ViewMeta, line: &str) -> Value {
    let mut element = json!({ "type": "plain_text_input", "action_id": "v", "max_length": ANSWER, "focus_on_load": true });
    fill(&mut element, line);
    let mut blocks = vec![json!({
        "type": "input",
        "block_id": "line",
        "label": plain_text("Command"),
        "hint": plain_text("As you would type it after the slash; help lists all commands."),
        "element": element,
    })];
    blocks.extend(place(meta));
    modal("line", "Run a command", "Run", &blocks, meta)
}

/// A modal in which files are picked to be kept under a name.
pub(crate) fn save_view(meta: &ViewMeta, name: &str) -> Value {
    let mut element = json!({ "type": "plain_text_input", "action_id": "v", "max_length": ANSWER });
    fill(&mut element, name);
    let mut blocks = vec![
        json!({
            "type": "input",
            "block_id": "files",
            "label": plain_text("Files"),
            "element": { "type": "file_input", "action_id": "v", "max_files": 10 },
        }),
        json!({
            "type": "input",
            "block_id": "arg:name",
            "optional": true,
            "label": plain_text("Name"),
            "hint": plain_text("The name to keep it under; left empty, it keeps its own."),
            "element": element,
        }),
        json!({
            "type": "input",
            "block_id": "arg:tag",
            "optional": true,
            "label": plain_text("Tags"),
            "hint": plain_text("Short texts that go with it, such as project=atlas. One per line."),
            "element": { "type": "plain_text_input", "action_id": "v", "max_length": ANSWER, "multiline": true },
        }),
        json!({
            "type": "input",
            "block_id": "arg:encrypt",
            "optional": true,
            "label": plain_text("Encryption"),
            "hint": plain_text("aes256, kms, kms:KEY, scope:NAME or key:NAME; left empty, as is usual there."),
            "element": { "type": "plain_text_input", "action_id": "v", "max_length": ANSWER },
        }),
    ];
    blocks.extend(place(meta));
    modal("save", "Save files", "Save", &blocks, meta)
}

/// The answer to a request for options: what may be meant, and what was typed itself, so that it can always be chosen.
pub(crate) fn options(suggestions: &[Suggestion], typed: &str) -> Value {
    let mut options: Vec<Value> = Vec::new();
    let known = suggestions.iter().any(|suggestion| suggestion.value == typed);
    let length = typed.chars().count();
    if !known && !typed.trim().is_empty() && length <= TYPED {
        options.push(option(typed, "as typed"));
    }
    let mut seen: Vec<&str> = Vec::new();
    for Suggestion { value, about } in suggestions {
        // What is longer can be typed in the message box; a shortened value would be another one.
        let fits = !value.trim().is_empty() && (value.chars().count() <= OPTION_VALUE || value == typed && length <= TYPED);
        if fits && !seen.contains(&value.as_str()) && options.len() < OPTIONS {
            seen.push(value);
            options.push(option(value, about));
        }
    }
    json!({ "options": options })
}

/// The questions that a view has room for, and how many it has none for. Those that must be answered come before others.
fn asked(inputs: &[Input]) -> (Vec<&Input>, usize) {
    let left = inputs.len().saturating_sub(INPUTS);
    let mut room = INPUTS.saturating_sub(inputs.iter().filter(|input| input.required).count());
    let mut shown: Vec<&Input> = Vec::new();
    for input in inputs {
        if input.required {
            shown.push(input);
        } else if room > 0 {
            room -= 1;
            shown.push(input);
        }
    }
    shown.truncate(INPUTS);
    (shown, left)
}

fn option(value: &str, about: &str) -> Value {
    let mut option = json!({ "text": plain_text(&line(value, 75, "\u{2026}")), "value": value });
    let about = line(about, 75, "");
    if !about.is_empty() {
        option["description"] = plain_text(&about);
    }
    option
}

fn question(input: &Input, warning: &str) -> Value {
    let optional = !input.required || input.kind == InputKind::Flag;
    let mut hint = vec![warning.to_owned(), input.hint.clone()];
    let element = element(input, &mut hint);
    hint.retain(|part| !part.trim().is_empty());
    let mut block = json!({
        "type": "input",
        "block_id": format!("arg:{}", input.id),
        "optional": optional,
        "label": plain_text(&line(&input.label, 2000, &input.id)),
        "element": element,
    });
    let hint = line(&hint.join(" "), 2000, "");
    if !hint.is_empty() {
        block["hint"] = plain_text(&hint);
    }
    block
}

fn element(input: &Input, hint: &mut Vec<String>) -> Value {
    let carries = |value: &str| !value.trim().is_empty() && value.chars().count() <= OPTION_VALUE;
    let held = || option(&input.value, "");
    match &input.kind {
        InputKind::Flag => {
            let yes = json!({ "text": plain_text("Yes"), "value": "true" });
            let mut element = json!({ "type": "checkboxes", "action_id": "v", "options": [yes] });
            if input.value == "true" {
                element["initial_options"] = json!([yes]);
            }
            element
        }
        InputKind::Search if input.value.is_empty() || carries(&input.value) => search(input, held),
        InputKind::Choice(choices) if !choices.is_empty() && choices.iter().all(|choice| carries(choice)) => {
            let known = choices.contains(&input.value);
            if choices.len() > OPTIONS {
                return search(&Input { value: if known { input.value.clone() } else { String::new() }, ..input.clone() }, held);
            }
            let mut options: Vec<&String> = Vec::new();
            for choice in choices {
                if !options.contains(&choice) {
                    options.push(choice);
                }
            }
            let options: Vec<Value> = options.into_iter().map(|choice| option(choice, "")).collect();
            let mut element = json!({ "type": "static_select", "action_id": "v", "placeholder": plain_text("Choose"), "options": options });
            if known {
                element["initial_option"] = held();
            }
            element
        }
        kind => {
            if let InputKind::Choice(choices) = kind {
                hint.push(format!("One of: {}", choices.join(", ")));
            }
            let mut element = json!({ "type": "plain_text_input", "action_id": "v", "max_length": ANSWER });
            if *kind == InputKind::Lines {
                element["multiline"] = json!(true);
                hint.push("One per line.".into());
            }
            fill(&mut element, &input.value);
            element
        }
    }
}

fn search(input: &Input, held: impl Fn() -> Value) -> Value {
    let mut element =
        json!({ "type": "external_select", "action_id": "v", "min_query_length": 0, "placeholder": plain_text("Type to search") });
    if !input.value.is_empty() {
        element["initial_option"] = held();
    }
    element
}

fn fill(element: &mut Value, value: &str) {
    if !value.is_empty() {
        element["initial_value"] = json!(shorten(value, ANSWER));
    }
}

/// Where the answer goes, asked only where nobody knows: a global shortcut comes from no channel.
fn place(meta: &ViewMeta) -> Option<Value> {
    meta.channel.is_empty().then(|| {
        json!({
            "type": "input",
            "block_id": "where",
            "optional": true,
            "label": plain_text("Where to answer"),
            "hint": plain_text("The conversation in which the answer is posted."),
            "element": {
                "type": "conversations_select",
                "action_id": "v",
                "default_to_current_conversation": true,
                "response_url_enabled": true,
            },
        })
    })
}

fn modal(callback: &str, title: &str, submit: &str, blocks: &[Value], meta: &ViewMeta) -> Value {
    // Plain data always serialises. The answer's address is the only part of it that can be long, and it can be done without.
    let mut metadata = serde_json::to_string(meta).unwrap_or_default();
    if metadata.chars().count() > 3000 {
        metadata = serde_json::to_string(&ViewMeta { response_url: None, ..meta.clone() }).unwrap_or_default();
    }
    json!({
        "type": "modal",
        "callback_id": callback,
        "title": plain_text(&line(title, 24, "Bellhop")),
        "submit": plain_text(&line(submit, 24, "Run")),
        "close": plain_text("Cancel"),
        "private_metadata": metadata,
        "blocks": blocks,
    })
}
