//! A form: the arguments of a command as questions. Derived from the command's own grammar (`grammar.rs`), so it can't
//! ask for anything that the command would not take.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Questions that complete one command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// The command it completes.
    pub command: String,
    /// What the submit button says.
    pub submit: String,
    /// The questions.
    pub inputs: Vec<Input>,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The argument's id, as [`Answers`] names it.
    pub id: String,
    /// What is asked.
    pub label: String,
    /// More about it, or empty.
    pub hint: String,
    /// Whether it must be answered.
    pub required: bool,
    /// What is wrong with the value it holds, where something is.
    pub problem: Option<String>,
    /// The value it holds.
    pub value: String,
    /// How it is asked.
    pub kind: InputKind,
}

/// How a question is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// A line of text.
    Text,
    /// A line of text for which [`crate::ports::Completer::choices`] has proposals while it is typed. What is typed is
    /// taken, too.
    Search,
    /// One of these.
    Choice(Vec<String>),
    /// Yes or no; the value is `true` or empty.
    Flag,
    /// Several values, one per line.
    Lines,
}

/// What was answered, by argument id. Several values of one argument are several strings.
pub type Answers = BTreeMap<String, Vec<String>>;
