//! What Teams makes of the app's answers to invokes: a card in the place of another, a line, a dialog, or a complaint.

use super::Person;
use crate::teams::cards;
use crate::teams::delivery::Taken;
use crate::teams::seen::Seen;
use crate::teams::state::Dialog;
use std::collections::BTreeMap;

const WRONG: &str = "Something went wrong. Please try again.";

/// What an answer shows.
pub(super) enum Shown {
    Dialog(Box<Dialog>),
    Message(String),
    Nothing,
}

impl Person {
    fn complain(&self, what: &str) -> String {
        self.world.state().violation(what);
        format!("{WRONG} ({what})")
    }

    /// The answer to `adaptiveCard/action`; what the person is told.
    pub(super) fn card_answer(&self, message: &Seen, taken: &Taken) -> Result<Option<String>, String> {
        if taken.status != 200 {
            return Err(self.complain(&format!("adaptiveCard/action was answered with the status {}", taken.status)));
        }
        let Some(answer) = taken.json() else {
            return Err(self.complain(&format!("adaptiveCard/action was answered with no JSON: {:?}", taken.body)));
        };
        let value = &answer["value"];
        match (answer["statusCode"].as_u64(), answer["type"].as_str().unwrap_or_default()) {
            (Some(200), "application/vnd.microsoft.card.adaptive") => {
                let problems = cards::check(value);
                if !problems.is_empty() {
                    return Err(self.complain(&format!("the card of an answer is out of shape: {problems:?}")));
                }
                self.world.state().replace_card(&message.conversation, &message.id, &self.id, value.clone());
                Ok(None)
            }
            (Some(200), "application/vnd.microsoft.activity.message") => match value.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(self.complain("a message of an answer is no text")),
            },
            (Some(400..=599), "application/vnd.microsoft.error") => {
                let said = value["message"].as_str().unwrap_or(WRONG);
                if !value["code"].is_string() || !value["message"].is_string() {
                    return Err(self.complain("an error of an answer has no code or message"));
                }
                Err(said.to_owned())
            }
            (status, kind) => Err(self.complain(&format!("adaptiveCard/action was answered with {status:?} {kind:?}"))),
        }
    }

    /// The answer to `task/fetch`, `task/submit` and their like.
    pub(super) fn task_answer(&self, taken: &Taken, conversation: &str, reply_to: Option<String>) -> Result<Shown, String> {
        if taken.status != 200 {
            return Err(self.complain(&format!("a dialog was answered with the status {}", taken.status)));
        }
        if taken.body.trim().is_empty() {
            return Ok(Shown::Nothing);
        }
        let Some(answer) = taken.json() else {
            return Err(self.complain(&format!("a dialog was answered with no JSON: {:?}", taken.body)));
        };
        let task = &answer["task"];
        if task.is_null() {
            return if answer.as_object().is_some_and(serde_json::Map::is_empty) || answer["composeExtension"].is_object() {
                Ok(Shown::Nothing)
            } else {
                Err(self.complain(&format!("a dialog was answered with {answer}")))
            };
        }
        let value = &task["value"];
        match task["type"].as_str().unwrap_or_default() {
            "message" => match value.as_str() {
                Some(text) => Ok(Shown::Message(text.to_owned())),
                None => Err(self.complain("a dialog's message is no text")),
            },
            "continue" => {
                let card = &value["card"];
                if card["contentType"] != "application/vnd.microsoft.card.adaptive" {
                    return Err(self.complain("a dialog has neither a card nor a page"));
                }
                let problems = cards::check(&card["content"]);
                if !problems.is_empty() {
                    return Err(self.complain(&format!("the card of a dialog is out of shape: {problems:?}")));
                }
                let size = |name: &str| value[name].is_u64() || ["small", "medium", "large"].iter().any(|known| value[name] == *known);
                if !value["title"].is_string() || !["height", "width"].iter().all(|name| value[*name].is_null() || size(name)) {
                    return Err(self.complain("a dialog has a title, and small, medium, large or pixels for its size"));
                }
                Ok(Shown::Dialog(Box::new(Dialog {
                    title: value["title"].as_str().unwrap_or_default().to_owned(),
                    card: card["content"].clone(),
                    values: BTreeMap::new(),
                    conversation: conversation.to_owned(),
                    command: None,
                    errors: Vec::new(),
                    reply_to,
                })))
            }
            other => Err(self.complain(&format!("a dialog was answered with the task {other:?}"))),
        }
    }
}
