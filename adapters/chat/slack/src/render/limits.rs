//! What Slack refuses, said once more without the renderer's own numbers: a strict reading of the pages under
//! <https://docs.slack.dev/reference/block-kit>. Whatever is not known here is a fault.

use super::Message;
use serde_json::{Map, Value};
use slack_morphism::prelude::{SlackBlock, SlackView};
use std::collections::HashSet;

/// What Slack would refuse of a message.
pub(super) fn of_message(message: &Message) -> Vec<String> {
    let mut look = Look::default();
    look.length("text", &message.text, 1, 4000);
    look.escaped("text", &message.text);
    look.check(!message.text.contains("<@"), "text: mentions");
    look.check(message.blocks.len() <= 50 && !message.blocks.is_empty(), "the number of blocks");
    look.blocks(&message.blocks, On::Message);
    look.check(look.characters <= 12_000, &format!("{} characters in all blocks", look.characters));
    look.faults
}

/// What Slack would refuse of a view.
pub(super) fn of_view(view: &Value) -> Vec<String> {
    let mut look = Look::default();
    let kind = view["type"].as_str().unwrap_or_default();
    let on = if kind == "home" { On::Home } else { On::Modal };
    let empty = Vec::new();
    let blocks = view["blocks"].as_array().unwrap_or(&empty);
    look.check(blocks.len() <= 100 && !blocks.is_empty(), "the number of blocks");
    look.check(view.to_string().len() <= 250_000, "view_too_large");
    if on == On::Modal {
        look.members(view, &["type", "callback_id", "title", "submit", "close", "private_metadata", "blocks"]);
        for part in ["title", "submit", "close"] {
            look.plain(part, &view[part], 24);
        }
        look.length("private_metadata", view["private_metadata"].as_str().unwrap_or_default(), 0, 3000);
    } else {
        look.members(view, &["type", "callback_id", "blocks"]);
    }
    look.length("callback_id", view["callback_id"].as_str().unwrap_or_default(), 1, 255);
    look.blocks(blocks, on);
    if let Err(error) = serde_json::from_value::<SlackView>(view.clone()) {
        look.faults.push(format!("slack-morphism: {error}"));
    }
    look.faults
}

#[derive(Clone, Copy, PartialEq)]
enum On {
    Message,
    Modal,
    Home,
}

#[derive(Default)]
struct Look {
    faults: Vec<String>,
    characters: usize,
    actions: HashSet<String>,
    tables: usize,
    charts: usize,
    cells: usize,
}

impl Look {
    fn check(&mut self, good: bool, what: &str) {
        if !good {
            self.faults.push(what.to_owned());
        }
    }

    fn length(&mut self, what: &str, text: &str, least: usize, most: usize) {
        let length = text.chars().count();
        self.check((least..=most).contains(&length), &format!("{what}: {length} characters, not {least} to {most}"));
    }

    fn members(&mut self, object: &Value, known: &[&str]) {
        let empty = Map::new();
        for name in object.as_object().unwrap_or(&empty).keys() {
            self.check(known.contains(&name.as_str()), &format!("{}: unknown member {name}", object["type"]));
        }
        self.check(object.is_object(), "not an object");
    }

    fn escaped(&mut self, what: &str, text: &str) {
        let loose = text.split('&').skip(1).any(|rest| !["amp;", "lt;", "gt;"].iter().any(|entity| rest.starts_with(entity)));
        self.check(!loose, &format!("{what}: a bare &"));
    }

    fn plain(&mut self, what: &str, object: &Value, most: usize) {
        self.members(object, &["type", "text", "emoji"]);
        self.check(object["type"] == "plain_text" && object["emoji"] == false, &format!("{what}: {object}"));
        let text = object["text"].as_str().unwrap_or_default();
        self.length(what, text, 1, most);
        self.check(!text.trim().is_empty(), &format!("{what}: blank"));
        self.characters += text.chars().count();
    }

    fn blocks(&mut self, blocks: &[Value], on: On) {
        let mut ids = HashSet::new();
        for block in blocks {
            self.block(block, on);
            if let Some(id) = block["block_id"].as_str() {
                self.length("block_id", id, 1, 255);
                self.check(ids.insert(id.to_owned()), "block_id twice");
            }
            match serde_json::from_value::<SlackBlock>(block.clone()) {
                Ok(known) => {
                    let again = serde_json::to_value(&known).unwrap_or_default();
                    self.check(again["type"] == block["type"], &format!("slack-morphism reads {block} as {again}"));
                }
                Err(error) => self.faults.push(format!("slack-morphism: {error} in {block}")),
            }
        }
        self.check(self.tables <= 1, "more than one table");
        self.check(self.charts <= 2, "more than two charts");
        self.check(self.cells <= 10_000, "table cells of more than 10,000 characters");
    }

    fn block(&mut self, block: &Value, on: On) {
        let list = |name: &str| block[name].as_array().cloned().unwrap_or_default();
        match block["type"].as_str().unwrap_or_default() {
            "header" => {
                self.members(block, &["type", "text"]);
                self.plain("header", &block["text"], 150);
            }
            "section" => {
                self.members(block, &["type", "text", "fields"]);
                let fields = list("fields");
                self.check(fields.len() <= 10, "fields");
                self.check(block.get("text").is_some() || !fields.is_empty(), "section without anything");
                if block.get("text").is_some() {
                    self.plain("section", &block["text"], 3000);
                }
                for field in fields {
                    self.members(&field, &["type", "text", "verbatim"]);
                    let text = field["text"].as_str().unwrap_or_default();
                    self.check(field["type"] == "mrkdwn" && field["verbatim"] == true, "field");
                    self.length("field", text, 1, 2000);
                    self.escaped("field", text);
                    self.characters += text.chars().count();
                }
            }
            "context" => {
                self.members(block, &["type", "elements"]);
                self.check((1..=10).contains(&list("elements").len()), "context");
                for element in &list("elements") {
                    self.plain("context", element, 3000);
                }
            }
            "divider" => self.members(block, &["type"]),
            "rich_text" => self.rich(block),
            "table" => self.table(block, on),
            "data_visualization" => self.chart(block, on),
            "actions" => {
                self.members(block, &["type", "elements"]);
                self.check((1..=25).contains(&list("elements").len()), "actions");
                self.check(on != On::Modal, "actions in a modal");
                for element in &list("elements") {
                    self.clickable(element);
                }
            }
            "input" => self.input(block, on),
            other => self.faults.push(format!("a block of type {other}")),
        }
    }

    fn rich(&mut self, block: &Value) {
        self.members(block, &["type", "elements"]);
        let parts = block["elements"].as_array().cloned().unwrap_or_default();
        self.check(!parts.is_empty(), "rich_text without elements");
        for part in &parts {
            self.members(part, &["type", "elements"]);
            let preformatted = part["type"] == "rich_text_preformatted";
            self.check(preformatted || part["type"] == "rich_text_section", &format!("rich_text with {part}"));
            let elements = part["elements"].as_array().cloned().unwrap_or_default();
            self.check(!elements.is_empty(), "rich_text_section without elements");
            for element in &elements {
                self.characters += self.element(element, preformatted);
            }
        }
    }

    fn element(&mut self, element: &Value, preformatted: bool) -> usize {
        let text = |name: &str| element[name].as_str().unwrap_or_default();
        match text("type") {
            "text" => {
                self.members(element, &["type", "text", "style"]);
                self.check(!text("text").is_empty(), "an empty text");
                for (style, on) in element["style"].as_object().into_iter().flatten() {
                    self.check(matches!(style.as_str(), "bold" | "code") && *on == true, "style");
                }
            }
            "link" => {
                self.members(element, &["type", "url", "text"]);
                self.address(text("url"));
                self.check(element.get("text").is_none_or(|text| text.as_str().is_some_and(|text| !text.is_empty())), "an empty link");
            }
            "user" if !preformatted => {
                self.members(element, &["type", "user_id"]);
                self.check(text("user_id").starts_with(['U', 'W']), "user_id");
            }
            "date" if !preformatted => {
                self.members(element, &["type", "timestamp", "format", "fallback"]);
                self.check(element["timestamp"].as_i64().is_some_and(|seconds| seconds > 0), "timestamp");
                self.check(text("format").contains("{time}") && !text("fallback").is_empty(), "date");
            }
            other => self.faults.push(format!("an element of type {other}")),
        }
        text("text").chars().count()
    }

    fn address(&mut self, url: &str) {
        self.length("url", url, 1, 3000);
        let scheme = ["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
        self.check(scheme && !url.contains(|c: char| c.is_whitespace() || c.is_control() || "<>|\"".contains(c)), &format!("url {url}"));
    }

    fn table(&mut self, block: &Value, on: On) {
        self.members(block, &["type", "rows", "column_settings"]);
        self.check(on == On::Message, "a table outside a message");
        self.tables += 1;
        let rows = block["rows"].as_array().cloned().unwrap_or_default();
        self.check((2..=100).contains(&rows.len()), "rows");
        let width = rows.first().and_then(Value::as_array).map_or(0, Vec::len);
        self.check((1..=20).contains(&width), "columns");
        self.check(block["column_settings"].as_array().is_some_and(|settings| settings.len() <= 20), "column_settings");
        for setting in block["column_settings"].as_array().into_iter().flatten() {
            self.members(setting, &["align", "is_wrapped"]);
            self.check(setting["align"] == "left" || setting["align"] == "right", "align");
        }
        for row in &rows {
            self.check(row.as_array().is_some_and(|cells| cells.len() == width), "a row of another width");
            for cell in row.as_array().into_iter().flatten() {
                let before = self.characters;
                if cell["type"] == "raw_text" {
                    self.members(cell, &["type", "text"]);
                    let text = cell["text"].as_str().unwrap_or_default();
                    self.check(!text.is_empty(), "an empty cell");
                    self.characters += text.chars().count();
                } else {
                    self.check(cell["type"] == "rich_text", "cell");
                    self.rich(cell);
                }
                self.cells += self.characters - before;
            }
        }
    }

    fn chart(&mut self, block: &Value, on: On) {
        self.members(block, &["type", "title", "chart"]);
        self.check(on == On::Message, "a chart outside a message");
        self.charts += 1;
        self.length("title", block["title"].as_str().unwrap_or_default(), 1, 50);
        let chart = &block["chart"];
        self.members(chart, &["type", "series", "axis_config"]);
        self.check(chart["type"] == "line" || chart["type"] == "bar", "chart");
        self.members(&chart["axis_config"], &["categories", "x_label", "y_label"]);
        for name in ["x_label", "y_label"] {
            if let Some(label) = chart["axis_config"].get(name) {
                self.length(name, label.as_str().unwrap_or_default(), 1, 50);
            }
        }
        let categories: Vec<&str> = chart["axis_config"]["categories"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        self.check((1..=20).contains(&categories.len()), "categories");
        self.check(categories.iter().collect::<HashSet<_>>().len() == categories.len(), "a category twice");
        for name in &categories {
            self.length("category", name, 1, 20);
        }
        let series = chart["series"].as_array().cloned().unwrap_or_default();
        self.check((1..=6).contains(&series.len()), "series");
        let mut names = HashSet::new();
        for row in &series {
            self.members(row, &["name", "data"]);
            let name = row["name"].as_str().unwrap_or_default();
            self.length("series", name, 1, 20);
            self.check(names.insert(name.to_owned()), "a series twice");
            let labels: Vec<&str> = row["data"].as_array().into_iter().flatten().filter_map(|point| point["label"].as_str()).collect();
            self.check(labels == categories, "labels are not the categories");
            self.check(row["data"].as_array().into_iter().flatten().all(|point| point["value"].is_number()), "a value that is no number");
        }
    }

    fn clickable(&mut self, element: &Value) {
        let text = |name: &str| element[name].as_str().unwrap_or_default();
        self.length("action_id", text("action_id"), 1, 255);
        let fresh = self.actions.insert(text("action_id").to_owned());
        self.check(fresh, "action_id twice");
        match text("type") {
            "button" => {
                self.members(element, &["type", "action_id", "text", "value", "url", "style", "confirm", "accessibility_label"]);
                self.plain("button", &element["text"], 75);
                self.length("value", text("value"), 1, 2000);
                self.length("accessibility_label", text("accessibility_label"), 1, 75);
                if let Some(url) = element.get("url") {
                    self.address(url.as_str().unwrap_or_default());
                    self.check(!url.as_str().unwrap_or_default().starts_with("mailto"), "a button for mail");
                }
                self.check(element.get("style").is_none_or(|style| style == "primary" || style == "danger"), "style");
                if let Some(confirm) = element.get("confirm") {
                    self.members(confirm, &["title", "text", "confirm", "deny", "style"]);
                    for (part, most) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
                        self.plain(part, &confirm[part], most);
                    }
                }
            }
            "static_select" => {
                self.members(element, &["type", "action_id", "placeholder", "options"]);
                self.plain("placeholder", &element["placeholder"], 150);
                self.options(&element["options"], 75);
            }
            other => self.faults.push(format!("a clickable {other}")),
        }
    }

    /// Options of a menu, or of what is typed.
    pub(super) fn options(&mut self, options: &Value, value: usize) {
        let options = options.as_array().cloned().unwrap_or_default();
        self.check((1..=100).contains(&options.len()), "options");
        for option in &options {
            self.option(option, value);
        }
    }

    fn option(&mut self, option: &Value, value: usize) {
        self.members(option, &["text", "value", "description"]);
        self.plain("option", &option["text"], 75);
        self.length("option's value", option["value"].as_str().unwrap_or_default(), 1, value);
        if let Some(description) = option.get("description") {
            self.plain("description", description, 75);
        }
    }

    fn input(&mut self, block: &Value, on: On) {
        self.members(block, &["type", "block_id", "optional", "label", "hint", "element"]);
        self.check(on == On::Modal && block["block_id"].is_string(), "input");
        self.plain("label", &block["label"], 2000);
        if let Some(hint) = block.get("hint") {
            self.plain("hint", hint, 2000);
        }
        let element = &block["element"];
        self.check(element["action_id"] == "v", "action_id of an input");
        match element["type"].as_str().unwrap_or_default() {
            "plain_text_input" => {
                self.members(element, &["type", "action_id", "max_length", "multiline", "initial_value", "focus_on_load"]);
                let most = element["max_length"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(3000);
                self.check((1..=3000).contains(&most), "max_length");
                if let Some(value) = element.get("initial_value") {
                    self.length("initial_value", value.as_str().unwrap_or_default(), 1, most);
                }
            }
            "static_select" => {
                self.members(element, &["type", "action_id", "placeholder", "options", "initial_option"]);
                self.options(&element["options"], 75);
                let among = |held: &Value| element["options"].as_array().is_some_and(|options| options.contains(held));
                self.check(element.get("initial_option").is_none_or(among), "initial_option is none of the options");
            }
            "external_select" => {
                self.members(element, &["type", "action_id", "placeholder", "min_query_length", "initial_option"]);
                if let Some(held) = element.get("initial_option") {
                    self.option(held, 75);
                }
            }
            "checkboxes" => {
                self.members(element, &["type", "action_id", "options", "initial_options"]);
                self.options(&element["options"], 75);
                self.check(element["options"].as_array().is_some_and(|options| options.len() <= 10), "checkboxes");
            }
            "conversations_select" => {
                self.members(element, &["type", "action_id", "default_to_current_conversation", "response_url_enabled"]);
            }
            "file_input" => {
                self.members(element, &["type", "action_id", "max_files"]);
                self.check(element["max_files"].as_u64().is_some_and(|most| (1..=10).contains(&most)), "max_files");
            }
            other => self.faults.push(format!("an input of type {other}")),
        }
    }
}

/// What Slack would refuse of an answer to a request for options.
pub(super) fn of_options(answer: &Value) -> Vec<String> {
    let mut look = Look::default();
    look.members(answer, &["options"]);
    let options = answer["options"].as_array().cloned().unwrap_or_default();
    look.check(options.len() <= 100, "options");
    for option in &options {
        look.option(option, 150);
    }
    look.faults
}
