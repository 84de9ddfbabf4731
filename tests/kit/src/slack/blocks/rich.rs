//! Rich text and charts: blocks that are trees of their own.

use super::shape::Checker;
use serde_json::Value;
use std::collections::BTreeSet;

impl Checker {
    pub(super) fn rich_text(&mut self, block: &Value, at: &str) {
        for (n, element) in self.list(block, "elements", 1, 1000, at).into_iter().enumerate() {
            let at = format!("{at}/elements/{n}");
            match element["type"].as_str().unwrap_or_default() {
                "rich_text_section" | "rich_text_preformatted" | "rich_text_quote" => {
                    self.members(&element, "elements border language", &at);
                    self.runs(&element, &at);
                }
                "rich_text_list" => {
                    self.members(&element, "elements style indent offset border", &at);
                    self.choice(&element, "style", &["bullet", "ordered"], &at);
                    if element["style"].is_null() {
                        self.complain("missing required field: style", &at);
                    }
                    for (n, item) in self.list(&element, "elements", 1, 1000, &at).into_iter().enumerate() {
                        self.runs(&item, &format!("{at}/elements/{n}"));
                    }
                }
                other => self.complain(format!("unsupported type: {other}"), &format!("{at}/type")),
            }
        }
    }

    fn runs(&mut self, holder: &Value, at: &str) {
        for (n, run) in self.list(holder, "elements", 0, 1000, at).into_iter().enumerate() {
            let at = format!("{at}/elements/{n}");
            let (known, needed) = match run["type"].as_str().unwrap_or_default() {
                "text" => ("text style", "text"),
                "link" => ("url text unsafe style", "url"),
                "user" => ("user_id style", "user_id"),
                "channel" => ("channel_id style", "channel_id"),
                "usergroup" => ("usergroup_id style", "usergroup_id"),
                "broadcast" => ("range", "range"),
                "emoji" => ("name unicode style skin_tone", "name"),
                "color" => ("value", "value"),
                "date" => ("timestamp format url fallback style", "format"),
                other => {
                    self.complain(format!("unsupported type: {other}"), &format!("{at}/type"));
                    continue;
                }
            };
            self.members(&run, known, &at);
            self.string(&run, needed, 1, 12_000, &at);
            self.choice(&run, "range", &["here", "channel", "everyone"], &at);
            if run["type"] == "date" && run["timestamp"].as_i64().is_none() {
                self.complain("must be an integer", &format!("{at}/timestamp"));
            }
            for (style, value) in run["style"].as_object().into_iter().flatten() {
                let good = ["bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"];
                if !good.contains(&style.as_str()) || !value.is_boolean() {
                    self.complain(format!("invalid additional property: {style}"), &format!("{at}/style"));
                }
            }
        }
    }

    /// <https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block>
    pub(super) fn chart(&mut self, block: &Value, at: &str) {
        self.members(block, "title chart", at);
        self.string(block, "title", 1, 50, at);
        self.charts += 1;
        if self.charts > 2 {
            self.complain("no more than 2 charts are allowed in a message", at);
        }
        let (chart, at) = (&block["chart"], format!("{at}/chart"));
        match chart["type"].as_str().unwrap_or_default() {
            "pie" => {
                self.members(chart, "segments", &at);
                for (n, segment) in self.list(chart, "segments", 1, 12, &at).into_iter().enumerate() {
                    let at = format!("{at}/segments/{n}");
                    self.point(&segment, &at);
                    if segment["value"].as_f64().is_none_or(|value| value <= 0.0) {
                        self.complain("must be greater than 0", &format!("{at}/value"));
                    }
                }
            }
            "bar" | "area" | "line" => self.series(chart, &at),
            other => self.complain(format!("unsupported type: {other}"), &format!("{at}/type")),
        }
    }

    fn point(&mut self, point: &Value, at: &str) {
        self.members(point, "label value", at);
        self.string(point, "label", 1, 20, at);
        if !point["value"].is_number() {
            self.complain("must be a number", &format!("{at}/value"));
        }
    }

    fn series(&mut self, chart: &Value, at: &str) {
        self.members(chart, "series axis_config", at);
        let axis = &chart["axis_config"];
        self.members(axis, "categories x_label y_label", &format!("{at}/axis_config"));
        let categories = self.list(axis, "categories", 1, 20, &format!("{at}/axis_config"));
        let wanted: BTreeSet<&str> = categories.iter().filter_map(Value::as_str).collect();
        if wanted.len() != categories.len() || wanted.iter().any(|name| name.is_empty() || name.chars().count() > 20) {
            self.complain("must be different strings of 1 to 20 characters", &format!("{at}/axis_config/categories"));
        }
        for name in ["x_label", "y_label"] {
            if !axis[name].is_null() {
                self.string(axis, name, 1, 50, &format!("{at}/axis_config"));
            }
        }
        let mut names = BTreeSet::new();
        for (n, series) in self.list(chart, "series", 1, 12, at).into_iter().enumerate() {
            let at = format!("{at}/series/{n}");
            self.members(&series, "name data", &at);
            self.string(&series, "name", 1, 20, &at);
            if !names.insert(series["name"].to_string()) {
                self.complain("must be unique", &format!("{at}/name"));
            }
            let data = self.list(&series, "data", 1, 20, &at);
            for (n, point) in data.iter().enumerate() {
                self.point(point, &format!("{at}/data/{n}"));
            }
            let given: BTreeSet<&str> = data.iter().filter_map(|point| point["label"].as_str()).collect();
            if given != wanted || data.len() != categories.len() {
                self.complain("must have exactly one point for each category", &format!("{at}/data"));
            }
        }
    }
}

/// Every text in a tree of blocks, to count it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, inner)| match inner {
                Value::String(text) if name == "text" => text.clone(),
                inner => shown(inner),
            })
            .collect(),
        Value::Array(list) => list.iter().map(shown).collect(),
        _ => String::new(),
    }
}
