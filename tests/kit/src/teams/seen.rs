//! Messages and dialogs as a person sees them.

use super::cards;
use super::markdown::{Place, decoded, read};
use super::state::{Dialog, Message, State, User};
use serde_json::Value;

/// A message as a person sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Its id in the conversation.
    pub id: String,
    /// The conversation's id.
    pub conversation: String,
    /// The name of whoever wrote it.
    pub author: String,
    /// Written by the bot.
    pub bot: bool,
    /// Every word that is shown, in reading order, one line a part.
    pub text: String,
    /// Where its links lead, buttons that open an address included.
    pub links: Vec<String>,
    /// The labels of its buttons.
    pub buttons: Vec<String>,
    /// The labels of the options of its selects.
    pub options: Vec<String>,
    /// Its inputs: label and id.
    pub inputs: Vec<(String, String)>,
    /// It has been changed since.
    pub edited: bool,
    /// Only this person sees it.
    pub ephemeral: bool,
    /// The message in whose thread it is an answer.
    pub thread: Option<String>,
    /// The ids of the people whom it pinged, `29:…`.
    pub notified: Vec<String>,
    /// The names and bytes of its files.
    pub files: Vec<(String, Vec<u8>)>,
    /// The name and size of a file that it asks to bring.
    pub offered: Option<(String, u64)>,
    /// The addresses of its pictures.
    pub images: Vec<String>,
    /// The kinds of its reactions.
    pub reactions: Vec<String>,
    /// The text that stands for its cards where they can't be shown.
    pub fallback: String,
    /// Its cards as they are for this person.
    pub cards: Vec<Value>,
    /// The activity as the bot sent it.
    pub activity: Value,
}

/// A dialog as a person sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenView {
    /// The title.
    pub title: String,
    /// Every word that is shown.
    pub text: String,
    /// The labels of its inputs, with their ids.
    pub inputs: Vec<(String, String)>,
    /// The labels of the options of its selects.
    pub options: Vec<String>,
    /// The labels of its buttons.
    pub buttons: Vec<String>,
    /// Where links lead.
    pub links: Vec<String>,
    /// What is wrong with an input, by its id, after a refused submission.
    pub errors: Vec<(String, String)>,
    /// The card.
    pub card: Value,
}

#[derive(Default)]
struct Reader {
    lines: Vec<String>,
    links: Vec<String>,
    buttons: Vec<String>,
    options: Vec<String>,
    inputs: Vec<(String, String)>,
    images: Vec<String>,
    mentions: Vec<String>,
}

impl Reader {
    fn markdown(&mut self, text: &str, place: Place) {
        let read = read(text, place, &self.mentions);
        self.lines.push(read.text);
        self.links.extend(read.links);
    }

    fn card(&mut self, card: &Value) {
        let entities = card.pointer("/msteams/entities").and_then(Value::as_array).into_iter().flatten();
        self.mentions = entities.filter_map(|entity| entity["text"].as_str().map(str::to_owned)).collect();
        self.elements(&card["body"]);
        self.actions(&card["actions"]);
    }

    fn elements(&mut self, list: &Value) {
        for one in list.as_array().into_iter().flatten().filter(|one| one["isVisible"] != false) {
            self.element(one);
        }
    }

    fn element(&mut self, one: &Value) {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        match text("type") {
            "TextBlock" => self.markdown(text("text"), Place::Card),
            "RichTextBlock" => self.runs(one),
            "FactSet" => {
                for fact in one["facts"].as_array().into_iter().flatten() {
                    self.markdown(fact["title"].as_str().unwrap_or_default(), Place::Card);
                    self.markdown(fact["value"].as_str().unwrap_or_default(), Place::Card);
                }
            }
            "Image" => {
                self.images.push(text("url").to_owned());
                self.lines.extend(one["altText"].as_str().map(str::to_owned));
            }
            "ImageSet" => self.elements(&one["images"]),
            "Container" | "Column" | "TableCell" => self.elements(&one["items"]),
            "ColumnSet" => self.elements(&one["columns"]),
            "Table" => self.elements(&one["rows"]),
            "TableRow" => self.elements(&one["cells"]),
            "ActionSet" => self.actions(&one["actions"]),
            "CodeBlock" => self.lines.push(text("codeSnippet").to_owned()),
            kind if kind.starts_with("Input.") => self.input(one, kind),
            _ => {}
        }
        if one["selectAction"].is_object() {
            self.links.extend(one.pointer("/selectAction/url").and_then(Value::as_str).map(str::to_owned));
        }
    }

    /// Runs are shown as they are: no marks, no entities.
    fn runs(&mut self, block: &Value) {
        let mut line = String::new();
        for run in block["inlines"].as_array().into_iter().flatten() {
            let said = run.as_str().or_else(|| run["text"].as_str()).unwrap_or_default();
            let mention = self.mentions.iter().find(|mention| *mention == said);
            match mention {
                Some(mention) => line.extend(["@", &decoded(mention.trim_start_matches("<at>").trim_end_matches("</at>"))]),
                None => line.push_str(said),
            }
            self.links.extend(run.pointer("/selectAction/url").and_then(Value::as_str).map(str::to_owned));
        }
        self.lines.push(line);
    }

    fn input(&mut self, one: &Value, kind: &str) {
        let label = one["label"].as_str().or(one["title"].as_str()).or(one["placeholder"].as_str()).unwrap_or_default();
        self.lines.push(label.to_owned());
        self.inputs.push((label.to_owned(), one["id"].as_str().unwrap_or_default().to_owned()));
        if kind == "Input.ChoiceSet" {
            for choice in one["choices"].as_array().into_iter().flatten() {
                self.options.extend(choice["title"].as_str().map(str::to_owned));
            }
        }
        if one["inlineAction"].is_object() {
            self.action(&one["inlineAction"]);
        }
    }

    fn actions(&mut self, list: &Value) {
        for one in list.as_array().into_iter().flatten() {
            self.action(one);
        }
    }

    fn action(&mut self, one: &Value) {
        let title = one["title"].as_str().unwrap_or_default().to_owned();
        if let Some(url) = one["url"].as_str() {
            self.links.push(url.to_owned());
            self.lines.push(title);
            return;
        }
        self.buttons.push(title.clone());
        self.lines.push(title);
        if one["type"] == "Action.ShowCard" {
            self.elements(&one["card"]["body"]);
            self.actions(&one["card"]["actions"]);
        }
    }
}

impl State {
    pub(super) fn seen(&self, message: &Message, me: &User) -> Seen {
        let mut reader = Reader::default();
        let activity = &message.activity;
        let entities = activity["entities"].as_array().into_iter().flatten().filter(|entity| entity["type"] == "mention");
        reader.mentions = entities.filter_map(|entity| entity["text"].as_str().map(str::to_owned)).collect();
        if let Some(text) = activity["text"].as_str().filter(|text| !text.is_empty()) {
            match activity["textFormat"].as_str() {
                Some("plain") => reader.lines.push(text.to_owned()),
                _ => reader.markdown(text, Place::Message),
            }
        }
        let (mut shown, mut files, mut offered) = (Vec::new(), Vec::new(), None);
        for attachment in activity["attachments"].as_array().into_iter().flatten() {
            let content = &attachment["content"];
            let name = attachment["name"].as_str().unwrap_or_default();
            match attachment["contentType"].as_str().unwrap_or_default() {
                "application/vnd.microsoft.card.adaptive" => {
                    let card = message.mine.get(&me.id).unwrap_or(content).clone();
                    reader.card(&card);
                    shown.push(card);
                }
                "application/vnd.microsoft.teams.card.file.consent" => {
                    reader.lines.extend([name.to_owned(), content["description"].as_str().unwrap_or_default().to_owned()]);
                    reader.buttons.extend(["Allow".to_owned(), "Decline".to_owned()]);
                    offered = Some((name.to_owned(), content["sizeInBytes"].as_u64().unwrap_or(0)));
                }
                "application/vnd.microsoft.teams.card.file.info" => {
                    reader.lines.push(name.to_owned());
                    let item = content["uniqueId"].as_str().and_then(|id| self.items.get(id));
                    files.extend(item.map(|item| (item.name.clone(), item.bytes.clone())));
                }
                kind if kind.starts_with("image/") => {
                    reader.images.push(attachment["contentUrl"].as_str().unwrap_or_default().to_owned());
                    reader.lines.extend(attachment["name"].as_str().map(str::to_owned));
                }
                _ => reader.lines.extend(["title", "subtitle", "text"].iter().filter_map(|part| Some(content[*part].as_str()?.to_owned()))),
            }
        }
        // A link into the drive is shown with the file behind it, to whoever may open it.
        let linked: Vec<(String, Vec<u8>)> = reader.links.iter().filter_map(|link| self.linked(link)).collect();
        for file in linked {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        files.extend(message.files.iter().filter_map(|id| self.items.get(id)).map(|item| (item.name.clone(), item.bytes.clone())));
        let author = if message.bot { "Bellhop" } else { self.user(&message.from).map_or("Workflows", |user| &user.spec.name) };
        Seen {
            id: message.id.clone(),
            conversation: message.conversation.clone(),
            author: author.to_owned(),
            bot: message.bot,
            text: reader.lines.join("\n"),
            links: reader.links,
            buttons: reader.buttons,
            options: reader.options,
            inputs: reader.inputs,
            edited: message.edited,
            ephemeral: message.only.is_some(),
            thread: message.root.clone(),
            notified: message.notified.clone(),
            files,
            offered,
            images: reader.images,
            reactions: message.reactions.clone(),
            fallback: shown.first().and_then(|card| card["fallbackText"].as_str()).unwrap_or_default().to_owned(),
            cards: shown,
            activity: activity.clone(),
        }
    }

    /// The file of the drive that an address leads to.
    fn linked(&self, url: &str) -> Option<(String, Vec<u8>)> {
        let id = url.strip_prefix(&format!("{}/sites/acme/", self.url))?.split(['/', '?']).next()?;
        let item = self.items.get(id).filter(|item| !item.folder)?;
        Some((item.name.clone(), item.bytes.clone()))
    }

    pub(super) fn seen_view(dialog: &Dialog) -> SeenView {
        let mut reader = Reader::default();
        reader.card(&dialog.card);
        SeenView {
            title: dialog.title.clone(),
            text: reader.lines.join("\n"),
            inputs: reader.inputs,
            options: reader.options,
            buttons: reader.buttons,
            links: reader.links,
            errors: dialog.errors.clone(),
            card: dialog.card.clone(),
        }
    }
}

/// An action of a card by its label: the one that has it, or the first whose label begins so.
pub(super) fn labelled(cards: &[Value], wanted: &str) -> Result<Value, String> {
    let all: Vec<Value> = cards.iter().flat_map(cards::actions).collect();
    let label = |one: &Value| one["title"].as_str().unwrap_or_default().to_owned();
    let exact = all.iter().find(|one| label(one) == wanted);
    let found = exact.or_else(|| all.iter().find(|one| label(one).starts_with(wanted)));
    found.cloned().ok_or_else(|| format!("there is no button {wanted:?}; there are {:?}", all.iter().map(label).collect::<Vec<_>>()))
}
