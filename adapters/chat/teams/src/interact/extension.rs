//! Extensions that people use on a message: its files, or its words, into the storage; or an alert made of it.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/action-commands/define-action-command>

use super::dialog;
use crate::Desk;
use crate::handle::FileHandle;
use crate::parse::Extension;
use bellhop_core::call::Attachment;
use bellhop_core::form::Answers;
use bellhop_core::grammar;
use bellhop_core::ports::PortResult;
use bellhop_core::text::{one_line, shorten, visible};
use serde_json::Value;

/// The extension that saves a message's files, by its id in the manifest.
pub(crate) const SAVE: &str = "save";
/// The one that makes an alert of a message.
pub(crate) const ALERT: &str = "alert";

/// The dialog of an extension, with what is known of the message that it is used on.
pub(super) async fn open(desk: &Desk, extension: &Extension) -> PortResult<Value> {
    let (command, answers, attachments) = match extension.command.as_str() {
        SAVE => ("file put", Answers::new(), files(extension)),
        ALERT => ("alert raise", about(extension), Vec::new()),
        // A slash command without more: the line is typed in the dialog.
        other => return Ok(dialog::continues("Run a command", &crate::render::line_card(other))),
    };
    if command == "file put" && attachments.is_empty() {
        return Ok(dialog::said("There is nothing in this message that could be saved: neither a file nor words."));
    }
    match desk.about(command) {
        Some(known) => dialog::form(desk, &grammar::form(&known, &answers, None), &known, &attachments).await,
        None => Ok(dialog::said("The bot is still starting. Please try again in a moment.")),
    }
}

/// The message's files, or else its words as one.
fn files(extension: &Extension) -> Vec<Attachment> {
    if !extension.attachments.is_empty() {
        return extension.attachments.clone();
    }
    let text = visible(extension.text.trim());
    if text.is_empty() {
        return Vec::new();
    }
    vec![Attachment {
        id: format!("text:{}", extension.message),
        name: format!("message-{}.txt", if extension.message.is_empty() { "text" } else { &extension.message }),
        content_type: "text/plain; charset=utf-8".to_owned(),
        size: Some(text.len() as u64),
        handle: FileHandle::Text(text).handle(),
    }]
}

/// What the message says about an alert: its first line is the name, the whole the summary.
fn about(extension: &Extension) -> Answers {
    let text = visible(extension.text.trim());
    let first = shorten(&one_line(text.lines().next().unwrap_or_default()), 100);
    let mut answers = Answers::new();
    for (argument, said) in [("name", first.clone()), ("summary", if text == first { String::new() } else { text })] {
        if !said.trim().is_empty() {
            answers.insert(argument.to_owned(), vec![said]);
        }
    }
    answers.extend(extension.link.clone().map(|link| ("url".to_owned(), vec![link])));
    answers
}
