//! Actions as buttons, as a menu where they are many, and as text where Discord would not open what they lead to.

use super::embeds::Sketch;
use super::text::{address, escaped};
use crate::click::Click;
use bellhop_core::card::{Action, ActionStyle, Does};
use bellhop_core::text::{one_line, shorten};
use serde_json::Value;
use serenity::builder::{CreateActionRow, CreateButton, CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption};
use serenity::model::application::ButtonStyle;

/// Up to so many actions are all buttons.
const ALL_BUTTONS: usize = 10;
/// The most buttons in a row, and how many stay buttons where the rest goes into a menu.
const ROW: usize = 5;
/// The most characters of a label and of an address that a button opens.
const LABEL: usize = 80;
const URL: usize = 512;
/// The most options of a menu, and the most rows.
const OPTIONS: usize = 25;
const ROWS: usize = 5;

fn value(thing: impl serde::Serialize) -> Value {
    // Plain data always serialises.
    serde_json::to_value(thing).unwrap_or_default()
}

impl Sketch<'_> {
    pub(super) fn actions(&mut self, actions: &[Action]) {
        let mut written: Vec<String> = Vec::new();
        let mut more: Vec<CreateSelectMenuOption> = Vec::new();
        for (at, action) in actions.iter().enumerate() {
            let click = match &action.does {
                Does::Invoke(invoke) => Click::Invoke(invoke.clone()),
                Does::Prefill(line) => Click::Prefill(line.clone()),
                Does::Open(url) => {
                    match address(url).filter(|url| url.starts_with("http") && url.len() <= URL) {
                        Some(url) => self.buttons.push(value(CreateButton::new_link(url).label(label(action)))),
                        None => written.push(match address(url).filter(|url| url.starts_with("http")) {
                            Some(to) => format!("[{}]({to})", escaped(&label(action))),
                            None => format!("{}: {}", escaped(&label(action)), escaped(&one_line(url))),
                        }),
                    }
                    continue;
                }
            };
            // What destroys stays a button of its colour.
            if actions.len() > ALL_BUTTONS && at >= ROW && action.style != ActionStyle::Danger && more.len() < OPTIONS {
                let option = CreateSelectMenuOption::new(label(action), self.carried(&click));
                more.push(option.description(about(action)));
            } else {
                let style = match action.style {
                    ActionStyle::Plain => ButtonStyle::Secondary,
                    ActionStyle::Primary => ButtonStyle::Primary,
                    ActionStyle::Danger => ButtonStyle::Danger,
                };
                let id = self.carried(&click);
                self.buttons.push(value(CreateButton::new(id).style(style).label(label(action))));
            }
        }
        if !more.is_empty() {
            let id = self.carried(&Click::Menu);
            let menu = CreateSelectMenu::new(id, CreateSelectMenuKind::String { options: more });
            self.menus.push(value(CreateActionRow::SelectMenu(menu.placeholder("More\u{2026}"))));
        }
        if !written.is_empty() {
            self.text(&written.join("\n"), "\n\n");
        }
    }

    /// A button that opens a form.
    pub(super) fn opening(&mut self, text: &str, click: &Click) {
        let id = self.carried(click);
        let label = shorten(&one_line(text), LABEL);
        self.buttons.push(value(CreateButton::new(id).style(ButtonStyle::Primary).label(label)));
    }

    fn carried(&mut self, click: &Click) -> String {
        let (text, kept) = click.written(self.clicks);
        self.clicks += 1;
        self.kept.extend(kept);
        text
    }

    /// Everything to be clicked, in rows.
    pub(super) fn rows(&self) -> Vec<Value> {
        let buttons = self.buttons.chunks(ROW).map(|row| serde_json::json!({ "type": 1, "components": row }));
        buttons.chain(self.menus.iter().cloned()).take(ROWS).collect()
    }
}

/// What is written on it; where that is nothing, what it does.
fn label(action: &Action) -> String {
    let own = one_line(&action.label);
    let own = shorten(own.trim(), LABEL);
    if !own.is_empty() {
        return own;
    }
    let does = shorten(about(action).trim(), LABEL);
    if does.is_empty() { "\u{2026}".to_owned() } else { does }
}

fn about(action: &Action) -> String {
    let text = match &action.does {
        Does::Invoke(invoke) => super::line(invoke),
        Does::Prefill(line) => one_line(line),
        Does::Open(url) => one_line(url),
    };
    shorten(&text, 100)
}
