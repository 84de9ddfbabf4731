//! Buttons, selects, inputs and what they are made of.

use super::shape::Checker;
use serde_json::Value;

impl Checker {
    pub(super) fn element(&mut self, element: &Value, allowed: &[&str], at: &str) {
        let kind = element["type"].as_str().unwrap_or_default();
        if !allowed.contains(&kind) {
            self.complain(format!("unsupported type: {kind}"), &format!("{at}/type"));
            return;
        }
        if kind == "image" {
            self.image(element, at, false);
            return;
        }
        if let Some(id) = self.name(element, "action_id", 255, at)
            && !self.actions.insert(id.clone())
        {
            self.complain(format!("action_id is not unique in its block: {id}"), &format!("{at}/action_id"));
        }
        if !element["confirm"].is_null() {
            self.confirm(&element["confirm"], &format!("{at}/confirm"));
        }
        if !element["placeholder"].is_null() {
            self.text(&element["placeholder"], &["plain_text"], 1, 150, &format!("{at}/placeholder"));
        }
        match kind {
            "button" => self.button(element, at),
            "workflow_button" => self.text(&element["text"], &["plain_text"], 1, 75, &format!("{at}/text")),
            "overflow" => {
                self.members(element, "action_id options confirm", at);
                self.options(element, "options", 1, 5, at, kind);
            }
            "checkboxes" | "radio_buttons" => {
                self.members(element, "action_id options initial_option initial_options confirm focus_on_load", at);
                self.options(element, "options", 1, 10, at, kind);
                self.initials(element, at);
            }
            "static_select" | "multi_static_select" => {
                self.members(
                    element,
                    "action_id options option_groups initial_option initial_options confirm focus_on_load placeholder max_selected_items",
                    at,
                );
                self.static_options(element, at, kind);
                self.initials(element, at);
            }
            "external_select" | "multi_external_select" => {
                self.members(
                    element,
                    "action_id min_query_length initial_option initial_options confirm focus_on_load placeholder max_selected_items",
                    at,
                );
                if !element["min_query_length"].is_null() && element["min_query_length"].as_u64().is_none() {
                    self.complain("must be an integer", &format!("{at}/min_query_length"));
                }
                if !element["initial_option"].is_null() {
                    self.option(&element["initial_option"], kind, &format!("{at}/initial_option"));
                }
            }
            kind if kind.ends_with("_select") => self.members(
                element,
                "action_id initial_user initial_users initial_conversation initial_conversations initial_channel initial_channels \
                 default_to_current_conversation response_url_enabled filter confirm focus_on_load placeholder max_selected_items",
                at,
            ),
            "datepicker" | "timepicker" | "datetimepicker" => {
                self.members(
                    element,
                    "action_id initial_date initial_time initial_date_time timezone confirm focus_on_load placeholder",
                    at,
                );
                self.moment(element, at);
            }
            kind => self.typed(element, kind, at),
        }
    }

    /// What is typed in, and files.
    fn typed(&mut self, element: &Value, kind: &str, at: &str) {
        match kind {
            "plain_text_input" => {
                self.members(
                    element,
                    "action_id initial_value multiline min_length max_length dispatch_action_config focus_on_load placeholder",
                    at,
                );
                for (name, least) in [("min_length", 0), ("max_length", 1)] {
                    if !element[name].is_null() && !element[name].as_u64().is_some_and(|n| (least..=3000).contains(&n)) {
                        self.complain(format!("must be a number from {least} to 3000"), &format!("{at}/{name}"));
                    }
                }
                if element["initial_value"].as_str().is_some_and(|text| text.chars().count() > 3000) {
                    self.complain("must be less than 3001 characters", &format!("{at}/initial_value"));
                }
            }
            "number_input" => {
                self.members(
                    element,
                    "action_id is_decimal_allowed initial_value min_value max_value dispatch_action_config focus_on_load placeholder",
                    at,
                );
                if !element["is_decimal_allowed"].is_boolean() {
                    self.complain("missing required field: is_decimal_allowed", at);
                }
                for name in ["initial_value", "min_value", "max_value"] {
                    // Numbers, written as text.
                    let number = element[name].as_str().is_some_and(|text| text.parse::<f64>().is_ok());
                    if !element[name].is_null() && !number {
                        self.complain("must be a number as a string", &format!("{at}/{name}"));
                    }
                }
            }
            "email_text_input" | "url_text_input" | "rich_text_input" => {
                self.members(element, "action_id initial_value dispatch_action_config focus_on_load placeholder", at);
            }
            "file_input" => {
                self.members(element, "action_id filetypes max_files", at);
                if !element["max_files"].is_null() && !element["max_files"].as_u64().is_some_and(|n| (1..=10).contains(&n)) {
                    self.complain("must be a number from 1 to 10", &format!("{at}/max_files"));
                }
            }
            _ => {}
        }
    }

    fn button(&mut self, element: &Value, at: &str) {
        self.members(element, "action_id text url value style confirm accessibility_label", at);
        self.text(&element["text"], &["plain_text"], 1, 75, &format!("{at}/text"));
        for (name, most) in [("value", 2000), ("url", 3000), ("accessibility_label", 75)] {
            if !element[name].is_null() {
                self.string(element, name, 0, most, at);
            }
        }
        if let Some(url) = element["url"].as_str()
            && !["http://", "https://", "mailto:", "slack://"].iter().any(|scheme| url.starts_with(scheme))
        {
            self.complain("must be a valid URL", &format!("{at}/url"));
        }
        self.choice(element, "style", &["primary", "danger"], at);
    }

    fn moment(&mut self, element: &Value, at: &str) {
        let digits = |text: &str, shape: &str| {
            text.len() == shape.len() && text.chars().zip(shape.chars()).all(|(c, s)| if s == '0' { c.is_ascii_digit() } else { c == s })
        };
        for (name, shape) in [("initial_date", "0000-00-00"), ("initial_time", "00:00")] {
            if !element[name].is_null() && !element[name].as_str().is_some_and(|text| digits(text, shape)) {
                self.complain(format!("must be of the shape {shape}"), &format!("{at}/{name}"));
            }
        }
        if !element["initial_date_time"].is_null() && element["initial_date_time"].to_string().len() != 10 {
            self.complain("must be a Unix time of 10 digits", &format!("{at}/initial_date_time"));
        }
    }

    fn confirm(&mut self, confirm: &Value, at: &str) {
        self.members(confirm, "title text confirm deny style", at);
        self.text(&confirm["title"], &["plain_text"], 1, 100, &format!("{at}/title"));
        self.text(&confirm["text"], &["plain_text", "mrkdwn"], 1, 300, &format!("{at}/text"));
        self.text(&confirm["confirm"], &["plain_text"], 1, 30, &format!("{at}/confirm"));
        self.text(&confirm["deny"], &["plain_text"], 1, 30, &format!("{at}/deny"));
        self.choice(confirm, "style", &["primary", "danger"], at);
    }

    fn static_options(&mut self, element: &Value, at: &str, kind: &str) {
        match (element["options"].is_null(), element["option_groups"].is_null()) {
            (false, true) => self.options(element, "options", 1, 100, at, kind),
            (true, false) => {
                for (n, group) in self.list(element, "option_groups", 1, 100, at).into_iter().enumerate() {
                    let at = format!("{at}/option_groups/{n}");
                    self.members(&group, "label options", &at);
                    self.text(&group["label"], &["plain_text"], 1, 75, &format!("{at}/label"));
                    self.options(&group, "options", 1, 100, &at, kind);
                }
            }
            _ => self.complain("exactly one of options and option_groups is needed", at),
        }
    }

    pub(super) fn options(&mut self, holder: &Value, name: &str, least: usize, most: usize, at: &str, kind: &str) {
        for (n, option) in self.list(holder, name, least, most, at).into_iter().enumerate() {
            self.option(&option, kind, &format!("{at}/{name}/{n}"));
        }
    }

    fn option(&mut self, option: &Value, kind: &str, at: &str) {
        self.members(option, if kind == "overflow" { "text value description url" } else { "text value description" }, at);
        let boxes = matches!(kind, "checkboxes" | "radio_buttons");
        let kinds: &[&str] = if boxes { &["plain_text", "mrkdwn"] } else { &["plain_text"] };
        self.text(&option["text"], kinds, 1, 75, &format!("{at}/text"));
        self.string(option, "value", 1, 150, at);
        if !option["description"].is_null() {
            self.text(&option["description"], kinds, 1, 75, &format!("{at}/description"));
        }
        if !option["url"].is_null() {
            self.string(option, "url", 1, 3000, at);
        }
    }

    /// What is chosen from the start has to be one of the options, exactly.
    fn initials(&mut self, element: &Value, at: &str) {
        let groups = element["option_groups"].as_array().into_iter().flatten().filter_map(|group| group["options"].as_array()).flatten();
        let known: Vec<&Value> = element["options"].as_array().into_iter().flatten().chain(groups).collect();
        let one = Some(&element["initial_option"]).filter(|option| !option.is_null());
        let many = element["initial_options"].as_array().into_iter().flatten();
        let strangers = one.into_iter().chain(many).filter(|option| !known.contains(option)).count();
        if strangers > 0 {
            self.complain("must be one of the options", &format!("{at}/initial_option"));
        }
    }
}

/// Checks what answers a request for options, <https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload>.
///
/// # Errors
/// What is wrong and where.
pub(crate) fn check_suggestions(answer: &Value) -> Result<(), Vec<String>> {
    let mut checker = Checker::new(super::Surface::Modal);
    match (answer["options"].is_null(), answer["option_groups"].is_null()) {
        (false, true) => checker.options(answer, "options", 0, 100, "", "external_select"),
        (true, false) => {
            for (n, group) in checker.list(answer, "option_groups", 0, 100, "").into_iter().enumerate() {
                let at = format!("/option_groups/{n}");
                checker.text(&group["label"], &["plain_text"], 1, 75, &format!("{at}/label"));
                checker.options(&group, "options", 0, 100, &at, "external_select");
            }
        }
        _ => checker.complain("exactly one of options and option_groups is needed", ""),
    }
    let wrong = checker.wrong();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}
