//! How a person reads blocks: their words in reading order, markup resolved, with links, buttons and options.

use super::mentions::{Piece, emoji, formatted, pieces, unescaped};
use super::records::User;
use super::state::State;
use bellhop_core::clock::Timestamp;
use serde_json::Value;

/// Reads blocks for one person.
pub(super) struct Reader<'a> {
    state: &'a State,
    who: Option<&'a User>,
    pub lines: Vec<String>,
    pub links: Vec<String>,
    pub buttons: Vec<String>,
    pub options: Vec<String>,
    pub images: Vec<String>,
    pub inputs: Vec<(String, String)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(state: &'a State, who: Option<&'a User>) -> Self {
        Self {
            state,
            who,
            lines: Vec::new(),
            links: Vec::new(),
            buttons: Vec::new(),
            options: Vec::new(),
            images: Vec::new(),
            inputs: Vec::new(),
        }
    }

    /// Text with markup; `verbatim` leaves addresses in it alone.
    pub(super) fn mrkdwn(&mut self, text: &str, verbatim: bool) -> String {
        let mut marked = String::new();
        // Resolved pieces are put in after the marks are gone, so that a name's own marks stay.
        let mut names = Vec::new();
        for piece in pieces(text) {
            let shown = match piece {
                Piece::Text(text) => {
                    if !verbatim {
                        self.links.extend(addresses(&unescaped(&text)));
                    }
                    marked.push_str(&text);
                    continue;
                }
                Piece::Link { url, text } => {
                    let shown = text.map_or_else(|| url.clone(), |text| unescaped(&text));
                    self.links.push(url);
                    shown
                }
                Piece::User(id) => self.name(&id),
                Piece::Channel(id) => self.channel(&id),
                Piece::Everyone(range) => format!("@{range}"),
                Piece::Subteam(id) => self.subteam(&id),
                Piece::Date { at, format, fallback } => self.date(at, &format, &fallback),
            };
            marked.extend(["\u{1}", &names.len().to_string(), "\u{1}"]);
            names.push(shown);
        }
        let mut shown = unescaped(&formatted(&marked));
        for (n, name) in names.iter().enumerate() {
            shown = shown.replace(&format!("\u{1}{n}\u{1}"), name);
        }
        shown
    }

    fn name(&self, id: &str) -> String {
        self.state.user(id).map_or_else(|| format!("@{id}"), |user| format!("@{}", user.spec.display_name))
    }

    fn channel(&self, id: &str) -> String {
        self.state.channel(id).map_or_else(|| format!("#{id}"), |channel| format!("#{}", channel.name))
    }

    fn subteam(&self, id: &str) -> String {
        self.state.subteams.get(id).map_or_else(|| format!("@{id}"), |(name, _)| format!("@{name}"))
    }

    /// A moment in the reader's zone, <https://docs.slack.dev/messaging/formatting-message-text#date-formatting>.
    fn date(&self, at: i64, format: &str, fallback: &str) -> String {
        let zone: chrono_tz::Tz = self.who.and_then(|user| user.spec.zone.parse().ok()).unwrap_or(chrono_tz::UTC);
        let Some(moment) = Timestamp::from_timestamp(at, 0) else { return fallback.to_owned() };
        let local = moment.with_timezone(&zone);
        let patterns = [
            ("{date_num}", "%Y-%m-%d"),
            ("{date_slash}", "%m/%d/%Y"),
            ("{date_long_pretty}", "%A, %B %-d, %Y"),
            ("{date_short_pretty}", "%b %-d, %Y"),
            ("{date_pretty}", "%B %-d, %Y"),
            ("{date_long}", "%A, %B %-d, %Y"),
            ("{date_short}", "%b %-d, %Y"),
            ("{date_long_full}", "%A, %B %-d, %Y"),
            ("{date}", "%B %-d, %Y"),
            ("{day_divider_pretty}", "%A, %B %-d"),
            ("{time_secs}", "%-H:%M:%S"),
            ("{time}", "%-H:%M"),
            ("{ago}", "%B %-d, %Y"),
        ];
        patterns.iter().fold(format.to_owned(), |text, (token, pattern)| text.replace(token, &local.format(pattern).to_string()))
    }

    fn object(&mut self, text: &Value) -> String {
        let content = text["text"].as_str().unwrap_or_default();
        match text["type"].as_str() {
            Some("mrkdwn") => self.mrkdwn(content, text["verbatim"].as_bool().unwrap_or(false)),
            _ if text["emoji"].as_bool().unwrap_or(true) => emoji(&unescaped(content)),
            _ => unescaped(content),
        }
    }

    fn line(&mut self, text: &Value) {
        if text.is_object() {
            let line = self.object(text);
            self.lines.push(line);
        }
    }

    pub(super) fn blocks(&mut self, blocks: &[Value]) {
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Value) {
        match block["type"].as_str().unwrap_or_default() {
            "section" => {
                self.line(&block["text"]);
                for field in block["fields"].as_array().into_iter().flatten() {
                    self.line(field);
                }
                self.element(&block["accessory"]);
            }
            "header" => self.line(&block["text"]),
            "context" | "actions" => {
                for element in block["elements"].as_array().into_iter().flatten() {
                    if matches!(element["type"].as_str(), Some("mrkdwn" | "plain_text")) {
                        self.line(element);
                    } else {
                        self.element(element);
                    }
                }
            }
            "image" => {
                self.line(&block["title"]);
                self.element(block);
            }
            "input" => {
                let label = self.object(&block["label"]);
                self.lines.push(label.clone());
                self.inputs.push((label, block["block_id"].as_str().unwrap_or_default().to_owned()));
                self.line(&block["hint"]);
                self.element(&block["element"]);
            }
            "rich_text" => {
                let text = self.rich(block);
                self.lines.push(text);
            }
            "markdown" => {
                let text = self.mrkdwn(block["text"].as_str().unwrap_or_default(), false);
                self.lines.push(text.replace("**", ""));
            }
            "table" => {
                for row in block["rows"].as_array().into_iter().flatten() {
                    let cells: Vec<String> = row
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|cell| {
                            if cell["type"] == "rich_text" { self.rich(cell) } else { cell["text"].as_str().unwrap_or_default().to_owned() }
                        })
                        .collect();
                    self.lines.push(cells.join(" | "));
                }
            }
            "data_visualization" => self.chart(block),
            "video" => self.line(&block["title"]),
            _ => {}
        }
    }

    fn chart(&mut self, block: &Value) {
        let say = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.lines.push(say(&block["title"]));
        let chart = &block["chart"];
        for point in chart["segments"].as_array().into_iter().flatten() {
            self.lines.push(format!("{} {}", say(&point["label"]), say(&point["value"])));
        }
        for series in chart["series"].as_array().into_iter().flatten() {
            let points = series["data"].as_array().into_iter().flatten();
            let points: Vec<String> = points.map(|point| format!("{} {}", say(&point["label"]), say(&point["value"]))).collect();
            self.lines.push(format!("{}: {}", say(&series["name"]), points.join(", ")));
        }
    }

    fn element(&mut self, element: &Value) {
        match element["type"].as_str().unwrap_or_default() {
            "button" | "workflow_button" => {
                let label = self.object(&element["text"]);
                self.lines.push(label.clone());
                self.buttons.push(label);
                self.links.extend(element["url"].as_str().map(str::to_owned));
            }
            "image" => {
                self.lines.extend(element["alt_text"].as_str().map(unescaped));
                self.images.extend(element["image_url"].as_str().map(str::to_owned));
            }
            kind if !kind.is_empty() => {
                self.line(&element["placeholder"]);
                let groups = element["option_groups"].as_array().into_iter().flatten();
                let grouped: Vec<Value> = groups.filter_map(|group| group["options"].as_array()).flatten().cloned().collect();
                for option in element["options"].as_array().into_iter().flatten().chain(&grouped) {
                    let label = self.object(&option["text"]);
                    self.options.push(label);
                    if !option["description"].is_null() {
                        self.line(&option["description"]);
                    }
                    self.links.extend(option["url"].as_str().map(str::to_owned));
                }
            }
            _ => {}
        }
    }

    /// Rich text, which has no markup: what is written is what is shown.
    fn rich(&mut self, value: &Value) -> String {
        let mut text = String::new();
        for element in value["elements"].as_array().into_iter().flatten() {
            let get = |name: &str| element[name].as_str().unwrap_or_default();
            match element["type"].as_str().unwrap_or_default() {
                "text" => text.push_str(get("text")),
                "link" => {
                    self.links.push(get("url").to_owned());
                    text.push_str(if get("text").is_empty() { get("url") } else { get("text") });
                }
                "user" => text.push_str(&self.name(get("user_id"))),
                "channel" => text.push_str(&self.channel(get("channel_id"))),
                "usergroup" => text.push_str(&self.subteam(get("usergroup_id"))),
                "broadcast" => text.extend(["@", get("range")]),
                "emoji" => text.push_str(&emoji(&format!(":{}:", get("name")))),
                "date" => text.push_str(&self.date(element["timestamp"].as_i64().unwrap_or(0), get("format"), get("fallback"))),
                "rich_text_list" => {
                    for item in element["elements"].as_array().into_iter().flatten() {
                        let item = self.rich(item);
                        text.extend(["• ", &item, "\n"]);
                    }
                }
                _ => {
                    let inner = self.rich(element);
                    text.push_str(&inner);
                    text.push('\n');
                }
            }
        }
        text.trim_end_matches('\n').to_owned()
    }
}

/// Addresses that Slack makes links of by itself.
fn addresses(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '|'));
    let starts = words.filter_map(|word| ["https://", "http://"].iter().find_map(|scheme| word.find(scheme)).map(|at| &word[at..]));
    starts
        .map(|url| url.trim_end_matches(['.', ',', ')', ']', '!', '?', ';', ':', '*', '_', '~']).to_owned())
        .filter(|url| url.len() > 8)
        .collect()
}
