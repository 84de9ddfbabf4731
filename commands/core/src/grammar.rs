//! What a command's clap model says about it: usage, forms, the way from answers to words, and why words were not
//! understood. Pure text work: nothing is run here.

use crate::call::Invoke;
use crate::command::About;
use crate::form::{Answers, Form, Input, InputKind};
use crate::tokenise::{TokeniseError, join};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction};
use std::fmt::Write as _;

/// Why a line was not understood. Each says enough for a helpful answer: what was typed, where, and what is near it.
#[derive(Clone, Debug, PartialEq)]
pub enum Misunderstood {
    /// Nothing was typed.
    Nothing,
    /// It can't be split into words.
    Words(TokeniseError),
    /// No command or group has that name.
    Name {
        /// What was typed.
        typed: String,
        /// The line with the nearest name in its place, where one is near.
        corrected: Option<String>,
    },
    /// The group has no such verb, or none was typed.
    Verb {
        /// The group.
        group: String,
        /// What was typed in the verb's place; empty for nothing.
        typed: String,
        /// The verbs there are.
        verbs: Vec<&'static str>,
        /// The line with the nearest verb in its place.
        corrected: Option<String>,
    },
    /// Required arguments are missing: this form asks for them.
    Missing {
        /// The command.
        command: &'static str,
        /// What is missing, by label.
        missing: Vec<String>,
        /// The questions, what was given filled in.
        form: Form,
    },
    /// An argument's value is not one of those it can have.
    Value {
        /// The command.
        command: &'static str,
        /// The argument.
        argument: String,
        /// What was typed.
        typed: String,
        /// What is wrong with it and what would be right.
        why: String,
        /// The line with the nearest value in its place.
        corrected: Option<String>,
        /// The questions, with the problem at its input.
        form: Form,
    },
    /// The command has no such option, or takes no more words.
    Surplus {
        /// The command.
        command: &'static str,
        /// What was typed.
        typed: String,
        /// How the command is written.
        usage: String,
        /// The line with the nearest option in its place.
        corrected: Option<String>,
    },
}

/// How a command is written: `file put [NAME] [--store STORE]`.
#[must_use]
pub fn usage(about: &About) -> String {
    let mut out = about.name.to_owned();
    for arg in positionals(&about.model).filter(|arg| !arg.is_hide_set()) {
        let name = label(arg);
        let dots = if many(arg) { "..." } else { "" };
        let _ = if arg.is_required_set() { write!(out, " {name}{dots}") } else { write!(out, " [{name}{dots}]") };
    }
    for arg in options(&about.model) {
        let long = arg.get_long().unwrap_or_default();
        let value = if takes_value(arg) { format!(" {}", label(arg)) } else { String::new() };
        let dots = if many(arg) { "..." } else { "" };
        let _ = if arg.is_required_set() { write!(out, " --{long}{value}{dots}") } else { write!(out, " [--{long}{value}]{dots}") };
    }
    out
}

/// A command's arguments for people: how each is written, and what it means.
#[must_use]
pub fn arguments(about: &About) -> Vec<(String, String)> {
    let row = |arg: &Arg| {
        let name = match arg.get_long() {
            Some(long) if takes_value(arg) => format!("--{long} {}", label(arg)),
            Some(long) => format!("--{long}"),
            None => label(arg),
        };
        (name, help(arg))
    };
    positionals(&about.model).filter(|arg| !arg.is_hide_set()).chain(options(&about.model)).map(row).collect()
}

/// The questions that a command's arguments are, with answers filled in; `problem` stands at one of them.
#[must_use]
pub fn form(about: &About, given: &Answers, problem: Option<(&str, &str)>) -> Form {
    let input = |arg: &Arg| {
        let id = arg.get_id().as_str();
        let kind = if !takes_value(arg) {
            InputKind::Flag
        } else if many(arg) {
            InputKind::Lines
        } else if possible(arg).is_empty() {
            if about.completes.contains(&id) { InputKind::Search } else { InputKind::Text }
        } else {
            InputKind::Choice(possible(arg))
        };
        Input {
            id: id.to_owned(),
            label: question(arg),
            hint: help(arg),
            required: arg.is_required_set(),
            problem: problem.filter(|(at, _)| *at == id).map(|(_, why)| why.to_owned()),
            value: given.get(id).map(|values| values.join("\n")).unwrap_or_default(),
            kind,
        }
    };
    Form {
        command: about.name.to_owned(),
        submit: format!("Run {}", about.name),
        inputs: positionals(&about.model).filter(|arg| !arg.is_hide_set()).chain(options(&about.model)).map(input).collect(),
    }
}

/// Answers as the words of a command line, without the command's name. Options come first and their values are tied to
/// them, so that no answer can be taken for an option.
#[must_use]
pub fn words(about: &About, answers: &Answers) -> Vec<String> {
    let mut out = Vec::new();
    for arg in options(&about.model) {
        let Some(values) = answers.get(arg.get_id().as_str()) else { continue };
        let long = arg.get_long().unwrap_or_default();
        if takes_value(arg) {
            out.extend(filled(arg, values).map(|value| format!("--{long}={value}")));
        } else if values.iter().any(|value| matches!(value.as_str(), "true" | "on" | "yes")) {
            out.push(format!("--{long}"));
        }
    }
    let positional: Vec<String> = positionals(&about.model)
        .flat_map(|arg| answers.get(arg.get_id().as_str()).into_iter().flat_map(|v| filled(arg, v)).collect::<Vec<_>>())
        .collect();
    if !positional.is_empty() {
        out.push("--".to_owned());
        out.extend(positional);
    }
    out
}

/// The answers that an invocation's arguments are.
#[must_use]
pub fn answers(invoke: &Invoke) -> Answers {
    fn texts(value: &serde_json::Value) -> Vec<String> {
        match value {
            serde_json::Value::Null => Vec::new(),
            serde_json::Value::String(text) => vec![text.clone()],
            serde_json::Value::Array(items) => items.iter().flat_map(texts).collect(),
            other => vec![other.to_string()],
        }
    }
    let serde_json::Value::Object(map) = &invoke.args else { return Answers::new() };
    map.iter().map(|(id, value)| (id.clone(), texts(value))).filter(|(_, values)| !values.is_empty()).collect()
}

/// An invocation as the line that a person would type for it.
#[must_use]
pub fn line(about: &About, invoke: &Invoke) -> String {
    let given = answers(invoke);
    let mut out = vec![about.name.to_owned()];
    let values = |arg: &Arg| given.get(arg.get_id().as_str()).cloned().unwrap_or_default();
    let positional: Vec<String> = positionals(&about.model).flat_map(values).collect();
    // What takes all the words to the line's end would take the options too.
    let greedy = positionals(&about.model).any(Arg::is_trailing_var_arg_set);
    if positional.iter().any(|word| word.starts_with('-')) || greedy && !positional.is_empty() {
        out.push("--".to_owned());
        out.insert(1, option_words(about, &values));
        out.push(join(&positional));
    } else {
        out.push(join(&positional));
        out.push(option_words(about, &values));
    }
    out.retain(|part| !part.is_empty());
    out.join(" ")
}

fn option_words(about: &About, values: &dyn Fn(&Arg) -> Vec<String>) -> String {
    let mut out = Vec::new();
    for arg in options(&about.model) {
        let long = arg.get_long().unwrap_or_default();
        for value in values(arg) {
            if !takes_value(arg) {
                if value == "true" {
                    out.push(format!("--{long}"));
                }
            } else if value.starts_with('-') {
                out.push(crate::tokenise::quote(&format!("--{long}={value}")));
            } else {
                out.push(format!("--{long} {}", crate::tokenise::quote(&value)));
            }
        }
    }
    out.join(" ")
}

/// What clap's refusal means, with what is needed to mend it.
#[must_use]
pub fn refusal(about: &About, typed: &[String], error: &clap::Error) -> Misunderstood {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    let given = || best_effort(about, typed);
    let correct = |wrong: &str, right: &str| {
        let at = typed.iter().position(|word| word == wrong || word.split_once('=').is_some_and(|(_, value)| value == wrong))?;
        let mut words = typed.to_vec();
        words[at] = words[at].replace(wrong, right);
        Some(format!("{} {}", about.name, join(&words)))
    };
    let arg_of = |shown: &str| {
        about.model.get_arguments().find(|arg| {
            arg.get_long().is_some_and(|long| shown.starts_with(&format!("--{long}")))
                || shown.contains(&format!("<{}>", label(arg)))
                || shown.contains(&format!("[{}]", label(arg)))
        })
    };
    match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let missing = about
                .model
                .get_arguments()
                .filter(|arg| arg.is_required_set() && !given().contains_key(arg.get_id().as_str()))
                .map(label)
                .collect();
            Misunderstood::Missing { command: about.name, missing, form: form(about, &given(), None) }
        }
        ErrorKind::InvalidValue
        | ErrorKind::ValueValidation
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::TooManyValues => {
            let shown = text(ContextKind::InvalidArg);
            let value = text(ContextKind::InvalidValue);
            let arg = arg_of(&shown);
            let possible: Vec<String> = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) => values.clone(),
                _ => Vec::new(),
            };
            let near = crate::nearest::nearest(&value, possible.iter().map(String::as_str));
            let why = match (std::error::Error::source(error), value.is_empty()) {
                (_, true) => format!("{} needs a value", argument_name(arg, &shown)),
                (Some(source), _) => source.to_string(),
                (None, _) if !possible.is_empty() => format!("`{value}` is not one of {}", possible.join(", ")),
                (None, _) => format!("`{value}` can't be used here"),
            };
            let corrected = near.and_then(|right| correct(&value, right));
            let id = arg.map(|arg| arg.get_id().as_str()).unwrap_or_default();
            let mut filled = given();
            filled.insert(id.to_owned(), vec![value.clone()]);
            let form = form(about, &filled, Some((id, &why)));
            Misunderstood::Value { command: about.name, argument: argument_name(arg, &shown), typed: value, why, corrected, form }
        }
        _ => {
            let surplus = text(ContextKind::InvalidArg);
            let corrected = match error.get(ContextKind::SuggestedArg) {
                Some(ContextValue::String(right)) => correct(&surplus, right),
                _ => crate::nearest::nearest(surplus.trim_start_matches('-'), options(&about.model).filter_map(Arg::get_long))
                    .filter(|_| surplus.starts_with('-'))
                    .and_then(|right| correct(&surplus, &format!("--{right}"))),
            };
            Misunderstood::Surplus { command: about.name, typed: surplus, usage: usage(about), corrected }
        }
    }
}

/// As much of what was typed as can be told apart without being valid: it fills a form in.
fn best_effort(about: &About, typed: &[String]) -> Answers {
    let mut out = Answers::new();
    let mut free = positionals(&about.model);
    let mut words = typed.iter().peekable();
    let mut current = free.next();
    while let Some(word) = words.next() {
        if let Some(option) = word.strip_prefix("--").filter(|rest| !rest.is_empty()) {
            let (long, value) = option.split_once('=').map_or((option, None), |(long, value)| (long, Some(value.to_owned())));
            let Some(arg) = options(&about.model).find(|arg| arg.get_long() == Some(long)) else { continue };
            let value = if takes_value(arg) { value.or_else(|| words.next().cloned()) } else { Some("true".to_owned()) };
            out.entry(arg.get_id().to_string()).or_default().extend(value);
        } else if let Some(arg) = current {
            out.entry(arg.get_id().to_string()).or_default().push(word.clone());
            if !many(arg) {
                current = free.next();
            }
        }
    }
    out
}

/// What an argument is called for people: its value's name for positional ones, the option's word otherwise.
#[must_use]
pub fn label(arg: &Arg) -> String {
    let named = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    named.unwrap_or_else(|| arg.get_id().as_str().to_uppercase())
}

/// What an argument is called in a form: as a word rather than as in the usage, and an option by its own name, since
/// several options may take the same kind of value.
fn question(arg: &Arg) -> String {
    let word = arg.get_long().map_or_else(|| label(arg), str::to_owned).replace(['-', '_'], " ").to_lowercase();
    let mut letters = word.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// The values an argument can have, where they are few and known.
#[must_use]
pub fn possible(arg: &Arg) -> Vec<String> {
    arg.get_possible_values().iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name().to_owned()).collect()
}

/// Positional arguments in order.
pub fn positionals(model: &clap::Command) -> impl Iterator<Item = &Arg> {
    model.get_positionals()
}

/// Options and flags in order.
pub fn options(model: &clap::Command) -> impl Iterator<Item = &Arg> {
    model.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set())
}

/// Whether an argument has a value rather than being a flag.
#[must_use]
pub fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// Whether an argument can have several values.
#[must_use]
pub fn many(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append) && (!arg.is_positional() || arg.get_num_args().is_none_or(|n| n.max_values() > 1))
        || arg.get_num_args().is_some_and(|n| n.max_values() > 1)
}

fn help(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

fn argument_name(arg: Option<&Arg>, shown: &str) -> String {
    arg.map_or_else(|| shown.to_owned(), |arg| arg.get_long().map_or_else(|| label(arg), |long| format!("--{long}")))
}

/// The values of an answer that were filled in; several lines are several values where several can be.
fn filled<'a>(arg: &Arg, values: &'a [String]) -> impl Iterator<Item = String> + 'a {
    let split = many(arg);
    values
        .iter()
        .flat_map(move |value| if split { value.lines().map(str::to_owned).collect() } else { vec![value.clone()] })
        .filter(|value| !value.trim().is_empty())
}
