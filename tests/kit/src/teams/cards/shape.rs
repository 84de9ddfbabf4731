//! The shape of a card: known elements, known properties, and values of the right kind.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What every element may have.
const ANY: &str = "type id isVisible spacing separator height requires fallback";
const INPUT: &str = "label isRequired errorMessage labelPosition labelWidth";

fn element(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "TextBlock" => "text color fontType horizontalAlignment isSubtle maxLines size weight wrap style",
        "RichTextBlock" => "inlines horizontalAlignment",
        "Image" => "url altText backgroundColor horizontalAlignment selectAction size style width msteams",
        "ImageSet" => "images imageSize",
        "Media" => "sources poster altText captionSources",
        "Container" | "TableCell" => "items selectAction style verticalContentAlignment bleed backgroundImage minHeight rtl",
        "ColumnSet" => "columns selectAction style bleed minHeight horizontalAlignment",
        "Column" => "items selectAction style verticalContentAlignment bleed backgroundImage minHeight rtl width",
        "FactSet" => "facts",
        "ActionSet" => "actions",
        "Table" => "columns rows firstRowAsHeader showGridLines gridStyle horizontalCellContentAlignment verticalCellContentAlignment",
        "TableRow" => "cells style horizontalCellContentAlignment verticalCellContentAlignment",
        "CodeBlock" => "codeSnippet language startLineNumber",
        "Input.Text" => "isMultiline maxLength placeholder regex style inlineAction value",
        "Input.Number" | "Input.Date" | "Input.Time" => "max min placeholder value",
        "Input.Toggle" => "title value valueOff valueOn wrap",
        "Input.ChoiceSet" => "choices choices.data isMultiSelect style value placeholder wrap",
        _ => return None,
    })
}

fn action(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Action.OpenUrl" => "url",
        "Action.Submit" => "data associatedInputs msteams",
        "Action.Execute" => "verb data associatedInputs",
        "Action.ShowCard" => "card",
        "Action.ToggleVisibility" => "targetElements",
        _ => return None,
    })
}

const ACTION: &str = "type id title iconUrl style fallback tooltip isEnabled mode requires role";
const CARD: &str = "type version $schema body actions selectAction fallbackText speak lang refresh authentication metadata msteams \
     backgroundImage minHeight rtl verticalContentAlignment";

struct Check {
    problems: Vec<String>,
    ids: BTreeSet<String>,
}

pub(super) fn card(card: &Value) -> Vec<String> {
    let mut check = Check { problems: Vec::new(), ids: BTreeSet::new() };
    check.card(card, "card", true);
    check.mentions(card);
    check.problems
}

impl Check {
    fn wrong(&mut self, at: &str, what: impl AsRef<str>) {
        self.problems.push(format!("{at}: {}", what.as_ref()));
    }

    fn known(&mut self, at: &str, has: &Map<String, Value>, lists: &[&str]) {
        let strange: Vec<&String> =
            has.keys().filter(|key| !lists.iter().any(|list| list.split_whitespace().any(|one| one == *key))).collect();
        for key in strange {
            self.wrong(at, format!("the property {key:?} is not known"));
        }
    }

    fn card(&mut self, value: &Value, at: &str, outermost: bool) {
        let Some(has) = value.as_object() else { return self.wrong(at, "a card is an object") };
        if value["type"] != "AdaptiveCard" {
            return self.wrong(at, "type has to be AdaptiveCard");
        }
        self.known(at, has, &[CARD]);
        let version = value["version"].as_str().unwrap_or_default();
        if outermost && !["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"].contains(&version) {
            self.wrong(at, format!("the version {version:?} is not shown by Teams; 1.5 is the highest"));
        }
        if let Some(people) = value.pointer("/refresh/userIds").and_then(Value::as_array)
            && people.len() > 60
        {
            self.wrong(at, "refresh.userIds names more than 60 people");
        }
        if value["refresh"].is_object() {
            self.action(&value["refresh"]["action"], &format!("{at}.refresh"));
            if value.pointer("/refresh/action/type").and_then(Value::as_str) != Some("Action.Execute") {
                self.wrong(at, "a refresh is an Action.Execute");
            }
        }
        self.all(&value["body"], &format!("{at}.body"), Self::element);
        self.all(&value["actions"], &format!("{at}.actions"), Self::action);
        if outermost && value["body"].as_array().is_none_or(Vec::is_empty) && value["actions"].as_array().is_none_or(Vec::is_empty) {
            self.wrong(at, "the card is empty");
        }
    }

    fn all(&mut self, list: &Value, at: &str, each: fn(&mut Self, &Value, &str)) {
        match list {
            Value::Null => {}
            Value::Array(all) => all.iter().enumerate().for_each(|(n, one)| each(self, one, &format!("{at}[{n}]"))),
            _ => self.wrong(at, "a list is wanted"),
        }
    }

    fn text(&mut self, value: &Value, name: &str, at: &str) {
        if value[name].as_str().is_none_or(str::is_empty) {
            self.wrong(at, format!("{name} has to be a text that isn't empty"));
        }
    }

    fn id(&mut self, value: &Value, at: &str) {
        if let Some(id) = value["id"].as_str()
            && !self.ids.insert(id.to_owned())
        {
            self.wrong(at, format!("the id {id:?} is used twice"));
        }
    }

    fn element(&mut self, value: &Value, at: &str) {
        let kind = value["type"].as_str().unwrap_or_default();
        let (Some(has), Some(own)) = (value.as_object(), element(kind)) else {
            return self.wrong(at, format!("there is no element {kind:?} in version 1.5"));
        };
        let input = if kind.starts_with("Input.") { INPUT } else { "" };
        self.known(at, has, &[ANY, own, input]);
        self.id(value, at);
        if value["selectAction"].is_object() {
            self.action(&value["selectAction"], &format!("{at}.selectAction"));
        }
        match kind {
            "TextBlock" => self.text(value, "text", at),
            "RichTextBlock" => self.all(&value["inlines"], &format!("{at}.inlines"), Self::inline),
            "Image" => self.image(value, at),
            "ImageSet" => self.all(&value["images"], &format!("{at}.images"), Self::element),
            "Container" | "Column" | "TableCell" => self.all(&value["items"], &format!("{at}.items"), Self::element),
            "ColumnSet" => self.all(&value["columns"], &format!("{at}.columns"), Self::element),
            "Table" => self.table(value, at),
            "TableRow" => self.all(&value["cells"], &format!("{at}.cells"), Self::element),
            "ActionSet" => self.all(&value["actions"], &format!("{at}.actions"), Self::action),
            "FactSet" => self.all(&value["facts"], &format!("{at}.facts"), |check, fact, at| {
                if fact.as_object().is_none_or(|fact| fact.len() != 2) || !fact["title"].is_string() || !fact["value"].is_string() {
                    check.wrong(at, "a fact has a title and a value, both texts");
                }
            }),
            "CodeBlock" => self.text(value, "codeSnippet", at),
            _ if kind.starts_with("Input.") => self.input(value, kind, at),
            _ => {}
        }
    }

    fn inline(&mut self, value: &Value, at: &str) {
        if value.is_string() {
            return;
        }
        let Some(has) = value.as_object().filter(|_| value["type"] == "TextRun") else {
            return self.wrong(at, "an inline is a TextRun");
        };
        let own = "type text color fontType highlight isSubtle italic selectAction size strikethrough underline weight";
        self.known(at, has, &[own]);
        self.text(value, "text", at);
        if value["selectAction"].is_object() {
            self.action(&value["selectAction"], at);
        }
    }

    fn image(&mut self, value: &Value, at: &str) {
        let url = value["url"].as_str().unwrap_or_default();
        if !["http://", "https://", "data:image/"].iter().any(|scheme| url.starts_with(scheme)) {
            self.wrong(at, format!("{url:?} is no picture's address"));
        }
    }

    fn table(&mut self, value: &Value, at: &str) {
        let columns = value["columns"].as_array().map_or(0, Vec::len);
        if columns == 0 {
            self.wrong(at, "a table has columns");
        }
        for (n, row) in value["rows"].as_array().into_iter().flatten().enumerate() {
            let cells = row["cells"].as_array().map_or(0, Vec::len);
            if row["type"] != "TableRow" || cells > columns {
                self.wrong(at, format!("row {n} is no TableRow of at most {columns} cells"));
            }
        }
        self.all(&value["rows"], &format!("{at}.rows"), Self::element);
    }

    fn input(&mut self, value: &Value, kind: &str, at: &str) {
        self.text(value, "id", at);
        if value["isRequired"] == true && !value["label"].is_string() {
            self.wrong(at, "an input that has to be filled needs a label");
        }
        if kind == "Input.Toggle" {
            self.text(value, "title", at);
        }
        if kind == "Input.ChoiceSet" {
            self.all(&value["choices"], &format!("{at}.choices"), |check, choice, at| {
                if choice.as_object().is_none_or(|choice| choice.len() != 2) || !choice["title"].is_string() || !choice["value"].is_string()
                {
                    check.wrong(at, "a choice has a title and a value, both texts");
                }
            });
            let data = &value["choices.data"];
            if data.is_object() && (data["type"] != "Data.Query" || !data["dataset"].is_string()) {
                self.wrong(at, "choices.data is a Data.Query with a dataset");
            }
            if data.is_null() && value["choices"].as_array().is_none_or(Vec::is_empty) {
                self.wrong(at, "there is nothing to choose from");
            }
        }
    }

    fn action(&mut self, value: &Value, at: &str) {
        let kind = value["type"].as_str().unwrap_or_default();
        let (Some(has), Some(own)) = (value.as_object(), action(kind)) else {
            return self.wrong(at, format!("there is no action {kind:?} in version 1.5"));
        };
        self.known(at, has, &[ACTION, own]);
        self.id(value, at);
        match kind {
            "Action.OpenUrl" => {
                let url = value["url"].as_str().unwrap_or_default();
                if !["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme)) {
                    self.wrong(at, format!("{url:?} is no address that can be opened"));
                }
            }
            "Action.ShowCard" => self.card(&value["card"], &format!("{at}.card"), false),
            "Action.Submit" if value.get("isEnabled").is_some() => self.wrong(at, "Action.Submit has no isEnabled in Teams"),
            _ => {}
        }
        if let Some(fallback) = value["fallback"].as_object() {
            let fallback = Value::Object(fallback.clone());
            // It stands for the action, so it may have the same id.
            if let Some(id) = fallback["id"].as_str() {
                self.ids.remove(id);
            }
            self.action(&fallback, &format!("{at}.fallback"));
        }
        let style = value["style"].as_str().unwrap_or("default");
        if !["default", "positive", "destructive"].contains(&style) {
            self.wrong(at, format!("there is no style {style:?}"));
        }
    }

    /// Mentions of a card are entities whose words stand in it.
    fn mentions(&mut self, card: &Value) {
        let body = card["body"].to_string();
        for entity in card.pointer("/msteams/entities").and_then(Value::as_array).into_iter().flatten() {
            let said = entity["text"].as_str().unwrap_or_default();
            let quoted = Value::String(said.to_owned()).to_string();
            let stands = said.starts_with("<at>") && said.ends_with("</at>") && body.contains(quoted.trim_matches('"'));
            if !stands || entity.pointer("/mentioned/id").and_then(Value::as_str).is_none_or(str::is_empty) {
                self.wrong("msteams.entities", format!("the mention {said:?} doesn't stand in the card, or names nobody"));
            }
        }
    }
}
