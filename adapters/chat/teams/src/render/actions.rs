//! Actions as buttons, and as text where Teams would not open what they lead to.

use super::text::{address, bold, run};
use super::{Look, Sketch};
use crate::click::{Click, MEMBER};
use bellhop_core::call::Invoke;
use bellhop_core::card::{Action, ActionStyle, Does};
use bellhop_core::text::{one_line, shorten};
use serde_json::{Value, json};

/// How many buttons are seen; the others stand in a menu beside them.
const SEEN: usize = 6;
/// The longest label.
const LABEL: usize = 60;

/// What runs, for people: the command with its arguments by name.
pub(super) fn line(invoke: &Invoke) -> String {
    let answers = bellhop_core::grammar::answers(invoke);
    let given: Vec<String> = answers.iter().map(|(id, values)| format!("{id}: {}", values.join(", "))).collect();
    let line = if given.is_empty() { invoke.command.clone() } else { format!("{} ({})", invoke.command, given.join("; ")) };
    one_line(&line)
}

impl Sketch<'_> {
    pub(super) fn actions(&mut self, actions: &[Action]) {
        let mut buttons = Vec::new();
        let mut written = Vec::new();
        for action in actions {
            let label = label(action);
            let button = match &action.does {
                Does::Invoke(invoke) => self.executes(&label, &Click::Invoke(invoke.clone())),
                Does::Prefill(line) => self.dialog(&label, &Click::Prefill(line.clone())),
                Does::Open(url) => {
                    let Some(url) = address(url) else {
                        written.extend(run(if written.is_empty() { "" } else { "\n" }));
                        written.extend(bold(&format!("{label}:")));
                        written.extend(run(&format!(" {}", one_line(url))));
                        continue;
                    };
                    json!({ "type": "Action.OpenUrl", "title": label, "url": url })
                }
            };
            buttons.push(styled(button, action.style));
        }
        for (at, button) in buttons.iter_mut().enumerate() {
            if at >= SEEN {
                button["mode"] = json!("secondary");
            }
        }
        if !buttons.is_empty() {
            self.body.push(json!({ "type": "ActionSet", "actions": buttons }));
        }
        if !written.is_empty() {
            self.body.push(super::text::runs(&written));
        }
    }

    /// A button that is answered at once; on clients that don't know it, one that sends a message.
    fn executes(&mut self, label: &str, click: &Click) -> Value {
        let data = json!({ MEMBER: self.carry(click) });
        let mut button = json!({ "type": "Action.Execute", "title": label, "verb": "run", "data": data });
        if self.look == Look::Whole {
            button["fallback"] = json!({ "type": "Action.Submit", "title": label, "data": data });
        }
        button
    }

    /// A button that opens a dialog.
    pub(super) fn dialog(&mut self, label: &str, click: &Click) -> Value {
        let carried = self.carry(click);
        json!({ "type": "Action.Submit", "title": label, "data": { "msteams": { "type": "task/fetch" }, MEMBER: carried } })
    }

    /// What a button carries; what is too long is kept.
    fn carry(&mut self, click: &Click) -> Value {
        let (value, kept) = click.carried();
        if let Some(kept) = kept.filter(|kept| self.kept.iter().all(|other| other.key != kept.key)) {
            self.kept.push(kept);
        }
        value
    }
}

/// What is written on it; where that is nothing, what it does.
fn label(action: &Action) -> String {
    let does = match &action.does {
        Does::Invoke(invoke) => &invoke.command,
        Does::Prefill(line) => line,
        Does::Open(url) => url,
    };
    let text = one_line(&action.label);
    let text = if text.trim().is_empty() { one_line(does) } else { text };
    shorten(text.trim(), LABEL)
}

fn styled(mut button: Value, style: ActionStyle) -> Value {
    match style {
        ActionStyle::Plain => {}
        ActionStyle::Primary => button["style"] = json!("positive"),
        ActionStyle::Danger => button["style"] = json!("destructive"),
    }
    button
}
