//! Actions as buttons, as a menu where they are many, and as text where Slack would not open what they lead to.

use super::rich::{line as one, link, paragraph, plain_text, run, styled};
use super::sketch::{Sketch, Surface};
use super::text::address;
use crate::click::{BUTTON_VALUE, Click, OPTION_VALUE};
use bellhop_core::call::Invoke;
use bellhop_core::card::{Action, ActionStyle, Does};
use bellhop_core::text::one_line;
use serde_json::{Value, json};

/// Up to so many actions are all buttons.
const ALL_BUTTONS: usize = 8;
/// The most buttons in a row, and how many stay buttons where the rest goes into a menu.
const ROW: usize = 5;

/// What runs, for people: the command with its arguments by name.
pub(super) fn line(invoke: &Invoke) -> String {
    let answers = bellhop_core::grammar::answers(invoke);
    let given: Vec<String> = answers.iter().map(|(id, values)| format!("{id}: {}", values.join(", "))).collect();
    let line = if given.is_empty() { invoke.command.clone() } else { format!("{} ({})", invoke.command, given.join("; ")) };
    one_line(&line)
}

/// The object with one more member.
pub(super) fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

impl Sketch<'_> {
    pub(super) fn actions(&mut self, actions: &[Action]) {
        let mut buttons = Vec::new();
        let mut written = Vec::new();
        let mut more = Vec::new();
        for (at, action) in actions.iter().enumerate() {
            let click = match &action.does {
                Does::Invoke(invoke) => Click::Invoke(invoke.clone()),
                Does::Prefill(line) => Click::Prefill(line.clone()),
                Does::Open(url) => {
                    match address(url).filter(|url| url.starts_with("http") && self.surface != Surface::Plain) {
                        Some(url) => buttons.push(self.opening(action, &url)),
                        None => written.push((action, url)),
                    }
                    continue;
                }
            };
            // A menu asks nothing before it acts, so what destroys stays a button.
            let menu = self.surface != Surface::Plain && action.style != ActionStyle::Danger;
            if actions.len() > ALL_BUTTONS && at >= ROW && menu {
                more.push((action, click));
            } else {
                buttons.push(self.acting(action, &click));
            }
        }
        for row in buttons.chunks(if self.surface == Surface::Plain { 25 } else { ROW }) {
            self.push(Some(json!({ "type": "actions", "elements": row })));
        }
        let menus: Vec<Value> = more.chunks(100).map(|more| self.menu(more)).collect();
        for menus in menus.chunks(ROW) {
            self.push(Some(json!({ "type": "actions", "elements": menus })));
        }
        self.addresses(&written);
    }

    /// A button. `about` is said after its label to those who don't see it.
    pub(super) fn button(&mut self, label: &str, click: &Click, about: &str) -> Value {
        let value = self.carry(click, BUTTON_VALUE);
        let id = format!("b{}", self.buttons);
        self.buttons += 1;
        json!({
            "type": "button",
            "action_id": id,
            "text": plain_text(label),
            "value": value,
            "accessibility_label": one(&format!("{label}: {about}"), 75, label),
        })
    }

    fn acting(&mut self, action: &Action, click: &Click) -> Value {
        let about = match &action.does {
            Does::Invoke(invoke) => format!("runs {}", invoke.command),
            Does::Prefill(line) => format!("starts {line}"),
            Does::Open(url) => format!("opens {url}"),
        };
        let mut button = styled_button(self.button(&label(action), click, &about), action.style);
        if let (ActionStyle::Danger, Does::Invoke(invoke)) = (action.style, &action.does) {
            let asked = self.beside(&format!("This runs {}", line(invoke)), 60, 300);
            button = with(
                button,
                "confirm",
                json!({
                    "title": plain_text("Run it?"),
                    "text": plain_text(&asked),
                    "confirm": plain_text("Run it"),
                    "deny": plain_text("Cancel"),
                    "style": "danger",
                }),
            );
        }
        button
    }

    fn opening(&mut self, action: &Action, url: &str) -> Value {
        let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let button = self.button(&label(action), &Click::Nothing, &format!("opens {host}"));
        with(styled_button(button, action.style), "url", json!(url))
    }

    fn menu(&mut self, more: &[(&Action, Click)]) -> Value {
        let options: Vec<Value> = more
            .iter()
            .map(|(action, click)| json!({ "text": plain_text(&label(action)), "value": self.carry(click, OPTION_VALUE) }))
            .collect();
        let id = format!("s{}", self.selects);
        self.selects += 1;
        json!({ "type": "static_select", "action_id": id, "placeholder": plain_text("More\u{2026}"), "options": options })
    }

    /// Addresses that no button can open, in words.
    fn addresses(&mut self, written: &[(&Action, &String)]) {
        let mut lines = Vec::new();
        for (action, url) in written {
            if !lines.is_empty() {
                lines.extend(run("\n"));
            }
            if let Some(url) = address(url).filter(|_| self.links()) {
                lines.push(link(&label(action), &url));
            } else {
                lines.extend(styled(&format!("{}:", label(action)), "bold"));
                lines.extend(run(&format!(" {}", self.beside(&one_line(url), 100, 4000))));
            }
        }
        self.push(paragraph(&lines));
    }
}

/// What is written on it; where that is nothing, what it does.
fn label(action: &Action) -> String {
    let does = match &action.does {
        Does::Invoke(invoke) => &invoke.command,
        Does::Prefill(line) => line,
        Does::Open(url) => url,
    };
    one(&action.label, 75, &one(does, 75, "\u{2026}"))
}

fn styled_button(button: Value, style: ActionStyle) -> Value {
    match style {
        ActionStyle::Plain => button,
        ActionStyle::Primary => with(button, "style", json!("primary")),
        ActionStyle::Danger => with(button, "style", json!("danger")),
    }
}
