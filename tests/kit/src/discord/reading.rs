//! How a person reads a message: its words in reading order, with links, buttons and options.

use super::ids::Id;
use super::markup::Page;
use super::state::State;
use serde_json::Value;

/// Reads a message for one person.
pub(super) struct Reader<'a> {
    page: Page<'a>,
    pub lines: Vec<String>,
    pub buttons: Vec<String>,
    pub options: Vec<String>,
    pub alts: Vec<String>,
    /// Labels of inputs, with their custom ids.
    pub inputs: Vec<(String, String)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(state: &'a State, who: Id) -> Self {
        Self {
            page: Page::new(state, who),
            lines: Vec::new(),
            buttons: Vec::new(),
            options: Vec::new(),
            alts: Vec::new(),
            inputs: Vec::new(),
        }
    }

    pub(super) fn links(&self) -> Vec<String> {
        self.page.links.clone()
    }

    /// A text; `masked` lets words stand for an address in it.
    pub(super) fn text(&mut self, text: &str, masked: bool) {
        if !text.is_empty() {
            let line = self.page.read(text, masked);
            self.lines.push(line);
        }
    }

    fn plain(&mut self, value: &Value) {
        if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
            self.lines.push(text.to_owned());
        }
    }

    pub(super) fn embed(&mut self, embed: &Value) {
        self.plain(&embed["author"]["name"]);
        self.page.links.extend(embed["author"]["url"].as_str().map(str::to_owned));
        self.text(embed["title"].as_str().unwrap_or_default(), false);
        self.page.links.extend(embed["url"].as_str().map(str::to_owned));
        self.text(embed["description"].as_str().unwrap_or_default(), true);
        for field in embed["fields"].as_array().into_iter().flatten() {
            self.text(field["name"].as_str().unwrap_or_default(), false);
            self.text(field["value"].as_str().unwrap_or_default(), true);
        }
        self.plain(&embed["footer"]["text"]);
    }

    pub(super) fn components(&mut self, list: &[Value]) {
        for component in list {
            self.component(component);
        }
    }

    fn component(&mut self, component: &Value) {
        let inner = component["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        match component["type"].as_u64() {
            Some(2) => {
                let label = component["label"].as_str().or_else(|| component["emoji"]["name"].as_str()).unwrap_or_default().to_owned();
                self.lines.push(label.clone());
                self.buttons.push(label);
                self.page.links.extend(component["url"].as_str().map(str::to_owned));
            }
            Some(3) => {
                self.plain(&component["placeholder"]);
                for option in component["options"].as_array().into_iter().flatten() {
                    self.options.extend(option["label"].as_str().map(str::to_owned));
                    self.plain(&option["description"]);
                }
            }
            Some(5..=8) => self.plain(&component["placeholder"]),
            Some(9) => {
                self.components(inner);
                self.component(&component["accessory"]);
            }
            Some(10) => self.text(component["content"].as_str().unwrap_or_default(), true),
            Some(11) => self.alts.extend(component["description"].as_str().map(str::to_owned)),
            Some(12) => {
                let items = component["items"].as_array().into_iter().flatten();
                self.alts.extend(items.filter_map(|item| item["description"].as_str()).map(str::to_owned));
            }
            Some(18) => {
                self.plain(&component["label"]);
                self.plain(&component["description"]);
                self.input(&component["component"], component["label"].as_str().unwrap_or_default());
            }
            Some(4) => {
                self.plain(&component["label"]);
                self.input(component, component["label"].as_str().unwrap_or_default());
            }
            _ => self.components(inner),
        }
    }

    fn input(&mut self, input: &Value, label: &str) {
        let id = input["custom_id"].as_str().unwrap_or_default().to_owned();
        self.inputs.push((label.to_owned(), id));
        self.plain(&input["placeholder"]);
        for option in input["options"].as_array().into_iter().flatten() {
            self.options.extend(option["label"].as_str().map(str::to_owned));
        }
    }
}
