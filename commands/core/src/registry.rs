//! Every command by its name, and the way from a typed line to one of them.

use crate::access::{Access, Effect};
use crate::call::Invoke;
use crate::command::{About, AnyCommand};
use crate::form::Answers;
use crate::grammar::{self, Misunderstood};
use crate::nearest::nearest;
use crate::tokenise::{join, tokenise};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The commands of one bot.
pub struct Registry {
    commands: BTreeMap<&'static str, Arc<dyn AnyCommand>>,
}

/// A line that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// What to run.
    pub invoke: Invoke,
    /// Whether `--yes` at the end confirmed it beforehand.
    pub confirmed: bool,
}

/// What the word at the end of an unfinished line is.
#[derive(Clone, Debug, PartialEq)]
pub enum Typing<'a> {
    /// A command's or group's name.
    Name(String),
    /// A group's verb.
    Verb {
        /// The group.
        group: String,
        /// What is typed of it.
        typed: String,
    },
    /// An option's name, from the dashes on.
    Option {
        /// The command.
        about: &'a About,
        /// What is typed of it.
        typed: String,
    },
    /// An argument's value.
    Value {
        /// The command.
        about: &'a About,
        /// The argument's id.
        argument: String,
        /// Those values that it can have, where they are few and known.
        possible: Vec<String>,
        /// What is typed of it.
        typed: String,
    },
    /// Nothing more can follow, or the line is no command.
    Nothing(Option<&'a About>),
}

impl Registry {
    /// A registry of these commands. Of two with one name the last one counts; the list in the catalog is tested to have
    /// no such pair.
    #[must_use]
    pub fn new(commands: Vec<Arc<dyn AnyCommand>>) -> Self {
        Self { commands: commands.into_iter().map(|command| (command.about().name, command)).collect() }
    }

    /// A command by its full name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn AnyCommand>> {
        self.commands.get(name)
    }

    /// All commands, by name.
    pub fn all(&self) -> impl Iterator<Item = &About> {
        self.commands.values().map(|command| command.about())
    }

    /// The first words of all commands, each once, in order.
    #[must_use]
    pub fn groups(&self) -> Vec<&'static str> {
        self.all().map(About::group).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The commands of a group.
    pub fn group<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a About> {
        self.all().filter(move |about| about.group() == group)
    }

    /// The least that a call of a command needs and does, as far as its own examples show: where some of them only read, everyone
    /// may use it for that, whatever its other options need.
    #[must_use]
    pub fn least(&self, about: &About) -> (Access, Effect) {
        let examples = about.examples.iter().filter_map(|example| self.parse(example).ok());
        let weighed = examples.filter_map(|understood| {
            let command = self.get(&understood.invoke.command).filter(|command| command.about().name == about.name)?;
            let weighed = command.weighed(&understood.invoke.args);
            Some((weighed.access, weighed.effect))
        });
        weighed.min().unwrap_or((about.access, about.effect)).min((about.access, about.effect))
    }

    /// Reads a line. A leading slash, and the bot's own name as the first word, are dropped.
    ///
    /// # Errors
    /// Why it was not understood, with what may have been meant.
    pub fn parse(&self, line: &str) -> Result<Understood, Box<Misunderstood>> {
        self.parse_words(&tokenise(line).map_err(|error| Box::new(Misunderstood::Words(error)))?)
    }

    /// The same for words that are split already, as arguments of a program are.
    ///
    /// # Errors
    /// As [`Registry::parse`].
    pub fn parse_words(&self, words: &[String]) -> Result<Understood, Box<Misunderstood>> {
        let mut words = words.to_vec();
        normalise_start(&mut words);
        let (about, used) = self.find(&words)?;
        let command = &self.commands[about.name];
        let mut rest = words.split_off(used);
        let confirmed = rest.last().is_some_and(|word| word == "--yes") && !rest[..rest.len() - 1].iter().any(|word| word == "--");
        if confirmed {
            rest.pop();
        }
        let args = command.read(&rest).map_err(|error| Box::new(grammar::refusal(about, &rest, &error)))?;
        Ok(Understood { invoke: Invoke { command: about.name.to_owned(), args }, confirmed })
    }

    /// Reads the answers of a form.
    ///
    /// # Errors
    /// As [`Registry::parse`].
    pub fn parse_answers(&self, command: &str, answers: &Answers) -> Result<Invoke, Box<Misunderstood>> {
        let Some(command) = self.get(command) else {
            return Err(Box::new(Misunderstood::Name { typed: command.to_owned(), corrected: None }));
        };
        let about = command.about();
        let words = grammar::words(about, answers);
        let args = command.read(&words).map_err(|error| Box::new(grammar::refusal(about, &words, &error)))?;
        Ok(Invoke { command: about.name.to_owned(), args })
    }

    /// An invocation as the line that a person would type for it.
    #[must_use]
    pub fn line(&self, invoke: &Invoke) -> String {
        self.get(&invoke.command).map_or_else(|| invoke.command.clone(), |command| grammar::line(command.about(), invoke))
    }

    /// What the unfinished word at the end of `line` is, and how many bytes at the line's end it takes up.
    #[must_use]
    pub fn typing(&self, line: &str) -> (Typing<'_>, usize) {
        let fresh = line.is_empty() || line.ends_with(char::is_whitespace);
        // An open quote is still being typed: close it to see what is in it.
        let mut words =
            tokenise(line).or_else(|_| tokenise(&format!("{line}\""))).or_else(|_| tokenise(&format!("{line}'"))).unwrap_or_default();
        let typed = if fresh { String::new() } else { words.pop().unwrap_or_default() };
        let replaces = if fresh {
            0
        } else {
            line.len() - line.trim_end().rfind(char::is_whitespace).map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8))
        };
        let started = words.len();
        normalise_start(&mut words);
        let typed = if started == 0 { typed.trim_start_matches('/').to_lowercase() } else { typed };
        if words.is_empty() {
            return (Typing::Name(typed), replaces);
        }
        match self.find(&words) {
            Ok((about, used)) => (typing_argument(about, &words[used..], typed), replaces),
            Err(why) => match *why {
                Misunderstood::Verb { group, typed: none, .. } if none.is_empty() => {
                    (Typing::Verb { group, typed: typed.to_lowercase() }, replaces)
                }
                _ => (Typing::Nothing(None), replaces),
            },
        }
    }

    /// The command that the words begin with, and how many of them name it.
    fn find(&self, words: &[String]) -> Result<(&About, usize), Box<Misunderstood>> {
        let Some(first) = words.first() else { return Err(Box::new(Misunderstood::Nothing)) };
        let group = first.to_lowercase();
        let typed = words.get(1).cloned().unwrap_or_default();
        if let Some(command) = self.commands.get(format!("{group} {}", typed.to_lowercase()).as_str()) {
            return Ok((command.about(), 2));
        }
        if let Some(command) = self.commands.get(group.as_str()) {
            return Ok((command.about(), 1));
        }
        let verbs: Vec<&'static str> = self.group(&group).filter_map(About::verb).collect();
        let replaced = |at: usize, right: &str| {
            let mut words = words.to_vec();
            right.clone_into(&mut words[at]);
            join(&words)
        };
        if verbs.is_empty() {
            let near = nearest(&group, self.groups());
            // `list files` for `file list`: people swap them.
            let swapped = words
                .get(1)
                .map(|second| second.trim_end_matches('s').to_lowercase())
                .filter(|second| self.commands.contains_key(format!("{second} {group}").as_str()));
            let corrected = match (swapped, near) {
                (Some(second), _) => Some(join(&[&[second, group][..], &words[2..]].concat())),
                (None, near) => near.map(|right| replaced(0, right)),
            };
            return Err(Box::new(Misunderstood::Name { typed: first.clone(), corrected }));
        }
        let corrected = nearest(&typed, verbs.iter().copied()).map(|right| replaced(1, right));
        Err(Box::new(Misunderstood::Verb { group, typed, verbs, corrected }))
    }
}

/// What stands at the end of a line whose command is known.
fn typing_argument<'a>(about: &'a About, before: &[String], typed: String) -> Typing<'a> {
    let value = |arg: &clap::Arg, typed: String| Typing::Value {
        about,
        argument: arg.get_id().to_string(),
        possible: grammar::possible(arg),
        typed,
    };
    if let Some(option) = before.last().and_then(|word| word.strip_prefix("--"))
        && let Some(arg) = grammar::options(&about.model).find(|arg| arg.get_long() == Some(option) && grammar::takes_value(arg))
    {
        return value(arg, typed);
    }
    if typed.starts_with('-') {
        return Typing::Option { about, typed };
    }
    let mut free = 0;
    let mut skip = false;
    for word in before {
        if std::mem::take(&mut skip) {
            continue;
        }
        match word.strip_prefix("--") {
            Some(option) => {
                skip = grammar::options(&about.model).any(|arg| arg.get_long() == Some(option) && grammar::takes_value(arg));
            }
            None => free += 1,
        }
    }
    let positionals: Vec<_> = grammar::positionals(&about.model).collect();
    match positionals.get(free).or_else(|| positionals.last().filter(|last| grammar::many(last))) {
        Some(arg) => value(arg, typed),
        None if typed.is_empty() && grammar::options(&about.model).next().is_some() => Typing::Option { about, typed },
        None => Typing::Nothing(Some(about)),
    }
}

/// Drops a leading slash and the bot's own name.
fn normalise_start(words: &mut Vec<String>) {
    if let Some(first) = words.first_mut() {
        if let Some(rest) = first.strip_prefix('/') {
            *first = rest.to_owned();
        }
        let bare = first.trim_start_matches('@');
        if bare.eq_ignore_ascii_case("bellhop") || first.is_empty() {
            words.remove(0);
        }
    }
    if let Some(first) = words.first_mut().filter(|first| first.starts_with('/')) {
        *first = first.trim_start_matches('/').to_owned();
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
