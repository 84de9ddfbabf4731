//! The blocks themselves.

use super::Surface;
use super::rich::shown;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) struct Checker {
    pub surface: Surface,
    wrong: Vec<String>,
    block_ids: BTreeSet<String>,
    markdown: usize,
    tables: usize,
    pub charts: usize,
    /// The action ids of the block that is being looked at.
    pub actions: BTreeSet<String>,
}

/// Elements that a section may have beside its text.
const ACCESSORIES: &[&str] = &[
    "button",
    "checkboxes",
    "datepicker",
    "timepicker",
    "image",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "overflow",
    "radio_buttons",
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "workflow_button",
];
/// Elements of an actions block.
const ACTIONS: &[&str] = &[
    "button",
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "timepicker",
    "overflow",
    "radio_buttons",
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "workflow_button",
];
/// Elements of an input block.
const INPUTS: &[&str] = &[
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "timepicker",
    "email_text_input",
    "file_input",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "number_input",
    "plain_text_input",
    "radio_buttons",
    "rich_text_input",
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "url_text_input",
];

const MARKDOWN: usize = 12_000;
/// All cells of a table together.
const TABLE: usize = 10_000;

impl Checker {
    pub(super) fn new(surface: Surface) -> Self {
        Self { surface, wrong: Vec::new(), block_ids: BTreeSet::new(), markdown: 0, tables: 0, charts: 0, actions: BTreeSet::new() }
    }

    pub(super) fn wrong(self) -> Vec<String> {
        self.wrong
    }

    pub(super) fn complain(&mut self, what: impl std::fmt::Display, at: &str) {
        self.wrong.push(format!("[ERROR] {what} [json-pointer:{at}]"));
    }

    pub(super) fn blocks(&mut self, blocks: &[Value]) {
        let most = if self.surface == Surface::Message { 50 } else { 100 };
        if blocks.len() > most {
            self.complain(format!("no more than {most} items allowed"), "/blocks");
        }
        for (n, block) in blocks.iter().enumerate() {
            self.block(block, &format!("/blocks/{n}"));
        }
    }

    fn block(&mut self, block: &Value, at: &str) {
        self.actions.clear();
        if let Some(id) = self.name(block, "block_id", 255, at)
            && !self.block_ids.insert(id.clone())
        {
            self.complain(format!("block_id is not unique: {id}"), &format!("{at}/block_id"));
        }
        let message = self.surface == Surface::Message;
        match block["type"].as_str().unwrap_or_default() {
            "section" => self.section(block, at),
            "header" => {
                self.members(block, "text level", at);
                self.text(&block["text"], &["plain_text"], 1, 150, &format!("{at}/text"));
            }
            "divider" => self.members(block, "", at),
            "context" => {
                self.members(block, "elements", at);
                for (n, element) in self.list(block, "elements", 1, 10, at).into_iter().enumerate() {
                    let at = format!("{at}/elements/{n}");
                    if element["type"] == "image" {
                        self.image(&element, &at, false);
                    } else {
                        self.text(&element, &["mrkdwn", "plain_text"], 1, 3000, &at);
                    }
                }
            }
            "actions" => {
                self.members(block, "elements", at);
                for (n, element) in self.list(block, "elements", 1, 25, at).into_iter().enumerate() {
                    self.element(&element, ACTIONS, &format!("{at}/elements/{n}"));
                }
            }
            "image" => {
                self.members(block, "image_url slack_file alt_text title", at);
                self.image(block, at, true);
            }
            "input" => self.input(block, at),
            "rich_text" => {
                self.members(block, "elements", at);
                self.rich_text(block, at);
            }
            "markdown" if message => {
                self.members(block, "text", at);
                self.string(block, "text", 1, MARKDOWN, at);
                self.markdown += block["text"].as_str().map_or(0, |text| text.chars().count());
                if self.markdown > MARKDOWN {
                    self.complain(
                        format!("must be less than {} characters, all markdown blocks together", MARKDOWN + 1),
                        &format!("{at}/text"),
                    );
                }
            }
            "table" if message => {
                self.members(block, "rows column_settings", at);
                self.tables += 1;
                if self.tables > 1 {
                    self.complain("only one table is allowed in a message", at);
                }
                self.table(block, at);
            }
            "data_visualization" if message => self.chart(block, at),
            "file" if message => {
                self.members(block, "external_id source", at);
                self.string(block, "external_id", 1, 255, at);
            }
            "video" => {
                self.members(
                    block,
                    "alt_text author_name description provider_icon_url provider_name title title_url thumbnail_url video_url",
                    at,
                );
                self.text(&block["title"], &["plain_text"], 1, 200, &format!("{at}/title"));
                for name in ["alt_text", "thumbnail_url", "video_url"] {
                    self.string(block, name, 1, 3000, at);
                }
            }
            other => self.complain(format!("unsupported type: {other}"), &format!("{at}/type")),
        }
    }

    fn section(&mut self, block: &Value, at: &str) {
        self.members(block, "text fields accessory expand", at);
        if block["text"].is_null() && block["fields"].is_null() {
            self.complain("missing required field: text or fields", at);
        }
        if !block["text"].is_null() {
            self.text(&block["text"], &["mrkdwn", "plain_text"], 1, 3000, &format!("{at}/text"));
        }
        if !block["fields"].is_null() {
            for (n, field) in self.list(block, "fields", 1, 10, at).into_iter().enumerate() {
                self.text(&field, &["mrkdwn", "plain_text"], 1, 2000, &format!("{at}/fields/{n}"));
            }
        }
        if !block["accessory"].is_null() {
            self.element(&block["accessory"], ACCESSORIES, &format!("{at}/accessory"));
        }
    }

    fn input(&mut self, block: &Value, at: &str) {
        self.members(block, "label element dispatch_action hint optional", at);
        self.text(&block["label"], &["plain_text"], 1, 2000, &format!("{at}/label"));
        if !block["hint"].is_null() {
            self.text(&block["hint"], &["plain_text"], 1, 2000, &format!("{at}/hint"));
        }
        let kind = block["element"]["type"].as_str().unwrap_or_default();
        if kind == "file_input" && self.surface != Surface::Modal {
            self.complain("file_input is for modals only", &format!("{at}/element"));
        }
        self.element(&block["element"], INPUTS, &format!("{at}/element"));
    }

    fn table(&mut self, block: &Value, at: &str) {
        let rows = self.list(block, "rows", 1, 100, at);
        for (n, row) in rows.iter().enumerate() {
            let at = format!("{at}/rows/{n}");
            let Some(cells) = row.as_array() else {
                self.complain("must be an array", &at);
                continue;
            };
            if cells.is_empty() || cells.len() > 20 {
                self.complain("must have 1 to 20 cells", &at);
            }
            for (n, cell) in cells.iter().enumerate() {
                let at = format!("{at}/{n}");
                match cell["type"].as_str().unwrap_or_default() {
                    "raw_text" => {
                        self.members(cell, "text", &at);
                        self.string(cell, "text", 1, 3000, &at);
                    }
                    "rich_text" => {
                        self.members(cell, "elements", &at);
                        self.rich_text(cell, &at);
                    }
                    other => self.complain(format!("unsupported type: {other}"), &format!("{at}/type")),
                }
            }
        }
        if shown(block).chars().count() > TABLE {
            self.complain(format!("all cells together must be less than {} characters", TABLE + 1), &format!("{at}/rows"));
        }
        let settings = block["column_settings"].as_array();
        if settings.is_some_and(|list| list.len() > 20) {
            self.complain("no more than 20 items allowed", &format!("{at}/column_settings"));
        }
        for (n, setting) in settings.into_iter().flatten().enumerate() {
            let at = format!("{at}/column_settings/{n}");
            if !setting.is_null() {
                self.members(setting, "align is_wrapped", &at);
                self.choice(setting, "align", &["left", "center", "right"], &at);
            }
        }
    }

    /// A text object, <https://docs.slack.dev/reference/block-kit/composition-objects/text-object>.
    pub(super) fn text(&mut self, text: &Value, kinds: &[&str], least: usize, most: usize, at: &str) {
        let Some(kind) = text["type"].as_str().filter(|kind| kinds.contains(kind)) else {
            self.complain(format!("must be a text object of type {}", kinds.join(" or ")), at);
            return;
        };
        self.members(text, if kind == "mrkdwn" { "text verbatim" } else { "text emoji" }, at);
        self.string(text, "text", least, most, at);
    }

    pub(super) fn string(&mut self, value: &Value, name: &str, least: usize, most: usize, at: &str) {
        let at = format!("{at}/{name}");
        match value[name].as_str().map(|text| text.chars().count()) {
            None => self.complain("must be a string", &at),
            Some(length) if length < least => self.complain(format!("must be more than {} characters", least.saturating_sub(1)), &at),
            Some(length) if length > most => self.complain(format!("must be less than {} characters", most + 1), &at),
            Some(_) => {}
        }
    }

    pub(super) fn choice(&mut self, value: &Value, name: &str, known: &[&str], at: &str) {
        if !value[name].is_null() && !value[name].as_str().is_some_and(|text| known.contains(&text)) {
            self.complain(format!("must be one of {}", known.join(", ")), &format!("{at}/{name}"));
        }
    }

    /// An optional id.
    pub(super) fn name(&mut self, value: &Value, name: &str, most: usize, at: &str) -> Option<String> {
        if value[name].is_null() {
            return None;
        }
        self.string(value, name, 1, most, at);
        value[name].as_str().map(str::to_owned)
    }

    pub(super) fn list(&mut self, value: &Value, name: &str, least: usize, most: usize, at: &str) -> Vec<Value> {
        let at = format!("{at}/{name}");
        let Some(list) = value[name].as_array() else {
            self.complain("must be an array", &at);
            return Vec::new();
        };
        if list.len() < least {
            self.complain(format!("no fewer than {least} items allowed"), &at);
        }
        if list.len() > most {
            self.complain(format!("no more than {most} items allowed"), &at);
        }
        list.clone()
    }

    /// Refuses members that the object doesn't have.
    pub(super) fn members(&mut self, value: &Value, known: &str, at: &str) {
        let Some(members) = value.as_object() else {
            self.complain("must be an object", at);
            return;
        };
        let unknown: Vec<&String> = members
            .keys()
            .filter(|key| !matches!(key.as_str(), "type" | "block_id") && !known.split(' ').any(|name| name == *key))
            .collect();
        for key in unknown {
            self.complain(format!("invalid additional property: {key}"), at);
        }
    }

    pub(super) fn image(&mut self, image: &Value, at: &str, block: bool) {
        if !block {
            self.members(image, "image_url slack_file alt_text", at);
        }
        match (image["image_url"].is_null(), image["slack_file"].is_null()) {
            (false, true) => {
                self.string(image, "image_url", 1, 3000, at);
                if !image["image_url"].as_str().is_some_and(|url| url.starts_with("https://") || url.starts_with("http://")) {
                    self.complain("must be a valid URL", &format!("{at}/image_url"));
                }
            }
            (true, false) => {}
            _ => self.complain("exactly one of image_url and slack_file is needed", at),
        }
        self.string(image, "alt_text", usize::from(block), 2000, at);
        if block && !image["title"].is_null() {
            self.text(&image["title"], &["plain_text"], 1, 2000, &format!("{at}/title"));
        }
    }
}
