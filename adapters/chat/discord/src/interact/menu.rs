//! The commands in the menus of messages and people.

use super::{first_line, opened, promised, target, tell, warning};
use crate::Desk;
use crate::address::target as channel_of;
use crate::commands::{EXPLAIN, RAISE, SAVE};
use crate::parse::{self, Origin, field, id};
use bellhop_core::form::Answers;
use bellhop_core::grammar;
use bellhop_core::ports::{PortResult, Said};
use bellhop_core::text::shorten;
use serde_json::Value;
use std::sync::Arc;

/// The longest title and text of an alert that are taken from a message, in characters.
const TITLE: usize = 150;
const TEXT: usize = 3000;

/// Someone chose a command of ours in a menu.
pub(super) async fn chosen(desk: &Arc<Desk>, origin: Origin, data: &Value) -> PortResult<Value> {
    match field(data, "/name").unwrap_or_default() {
        SAVE => save(desk, origin, data).await,
        RAISE => {
            let answers = alert(&origin, data);
            form(desk, origin, "alert raise", answers).await
        }
        EXPLAIN => {
            let mut answers = Answers::new();
            answers.extend(field(data, "/target_id").map(|person| ("user".to_owned(), vec![format!("@{person}")])));
            form(desk, origin, "role explain", answers).await
        }
        other => {
            let shown = shorten(&bellhop_core::text::one_line(other), 40);
            tell(desk, &origin, &warning(format!("This bot has no `{shown}` any more."))).await
        }
    }
}

async fn form(desk: &Arc<Desk>, origin: Origin, command: &str, answers: Answers) -> PortResult<Value> {
    let Some(about) = desk.about(command) else {
        return tell(desk, &origin, &warning(format!("This bot has no command `{command}` just now."))).await;
    };
    opened(desk, grammar::form(&about, &answers, None), &answers, false).await
}

/// What an alert can be made of.
fn alert(origin: &Origin, data: &Value) -> Answers {
    let mut answers = Answers::new();
    let Some(message) = target(data, "messages") else { return answers };
    let said = parse::shown(message);
    let title = first_line(&said, TITLE);
    if !title.is_empty() {
        if title != said.trim() {
            answers.insert("summary".to_owned(), vec![shorten(said.trim(), TEXT)]);
        }
        answers.insert("name".to_owned(), vec![title]);
    }
    if let Some(message) = id(message, "/id") {
        answers.insert("url".to_owned(), vec![parse::message_link(origin.at.workspace.as_str(), channel_of(&origin.at), &message)]);
    }
    answers
}

/// Keeps the files of a message, or its text where it has none.
async fn save(desk: &Arc<Desk>, origin: Origin, data: &Value) -> PortResult<Value> {
    let message = target(data, "messages").unwrap_or(&Value::Null);
    let of = id(message, "/id").or_else(|| id(data, "/target_id")).unwrap_or_default();
    let channel = id(message, "/channel_id").unwrap_or_else(|| channel_of(&origin.at).to_owned());
    let mut files = parse::attachments(message, "/attachments", Some((&channel, &of)));
    let said = parse::shown(message);
    if files.is_empty() && !said.trim().is_empty() {
        let at = crate::address::made(&of).unwrap_or(origin.received);
        files.push(parse::message_text(format!("msg:{of}"), format!("message-{}.txt", at.format("%Y-%m-%d-%H%M")), said));
    }
    if files.is_empty() {
        return tell(desk, &origin, &warning("This message has neither files nor text that could be kept.")).await;
    }
    promised(desk, origin, Said::Line("file put".to_owned()), files, false).await
}
