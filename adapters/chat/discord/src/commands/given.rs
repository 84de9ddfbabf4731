//! What a person filled in, as a command with its answers. Lenient: options that nobody knows any more are left.

use super::{Argument, Kind, LINE, ROOT, arguments};
use bellhop_core::command::About;
use bellhop_core::form::Answers;
use bellhop_core::ids::ChatName;
use bellhop_core::text::visible;
use bellhop_core::tokenise::tokenise;
use serde_json::Value;
use std::sync::Arc;

/// A slash command that was filled in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filled {
    /// A line under the root.
    Line(String),
    /// A command.
    Command {
        /// Its name.
        command: String,
        /// The answers.
        answers: Answers,
        /// The ids of files.
        files: Vec<String>,
        /// The option that is being typed into, and what is in it.
        focused: Option<(Argument, String)>,
    },
    /// A line under the root that is being typed.
    Typing(String),
    /// A command that isn't there (any more).
    Unknown(String),
}

/// Reads the `data` of a command or of a request for completion.
pub(crate) fn filled(data: &Value, commands: &[Arc<About>], chat: &ChatName) -> Filled {
    let name = data.get("name").and_then(Value::as_str).unwrap_or_default();
    let mut words = vec![name.to_owned()];
    let mut options = list(data);
    // A group's verb holds the options; a group of verbs would hold the verb.
    while let [only] = options
        && matches!(only.get("type").and_then(Value::as_u64), Some(1 | 2))
    {
        words.push(only.get("name").and_then(Value::as_str).unwrap_or_default().to_owned());
        options = list(only);
    }
    if name == ROOT {
        let line = options.iter().find(|option| option.get("name").and_then(Value::as_str) == Some(LINE));
        let typed =
            line.and_then(|option| option.get("value")?.as_str()).map(|text| visible(text).trim_start().to_owned()).unwrap_or_default();
        let focused = line.is_some_and(is_focused);
        return if focused { Filled::Typing(typed) } else { Filled::Line(if typed.trim().is_empty() { "help".into() } else { typed }) };
    }
    let full = words.join(" ");
    let bare = words.first().map(String::as_str).unwrap_or_default();
    let known = commands
        .iter()
        .find(|about| about.name == full)
        .or_else(|| commands.iter().find(|about| about.name == bare && words.get(1).is_none_or(|verb| verb == super::BARE)));
    let Some(about) = known else { return Filled::Unknown(full) };
    let (mut answers, mut files, mut focused) = (Answers::new(), Vec::new(), None);
    let arguments = arguments(about);
    for option in options {
        let name = option.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some(argument) = arguments.iter().find(|argument| argument.name == name) else { continue };
        let value = option.get("value").unwrap_or(&Value::Null);
        if is_focused(option) {
            focused = Some((argument.clone(), text(value)));
            continue;
        }
        if argument.kind == Kind::File {
            files.extend(value.as_str().map(str::to_owned));
            continue;
        }
        let values = values(argument, value, chat);
        if !values.is_empty() {
            answers.entry(argument.id.clone()).or_default().extend(values);
        }
    }
    Filled::Command { command: about.name.to_owned(), answers, files, focused }
}

fn values(argument: &Argument, value: &Value, chat: &ChatName) -> Vec<String> {
    let text = visible(&text(value));
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    match argument.kind {
        Kind::Flag => (text == "true").then(|| text.to_owned()).into_iter().collect(),
        Kind::Person => vec![format!("@{text}")],
        // With the connection's name, since another one may have a channel of this name.
        Kind::Channel => vec![format!("{chat}:#{text}")],
        // Quotes hold together what belongs together; what can't be read so is one value.
        _ if argument.words => tokenise(text).unwrap_or_else(|_| vec![text.to_owned()]),
        _ => vec![text.to_owned()],
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.get("options").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_focused(option: &Value) -> bool {
    option.get("focused").and_then(Value::as_bool).unwrap_or_default()
}
