//! A command's arguments as the options of a slash command. Pure.

use super::is_name;
use bellhop_core::command::About;
use bellhop_core::grammar;
use clap::Arg;
use std::any::TypeId;

/// The most options of a command.
const OPTIONS: usize = 25;
/// The most choices of an option, and the most characters of one.
const CHOICES: usize = 25;
const CHOICE: usize = 100;
/// How many people can be named where a command takes several: an option holds one.
const PEOPLE: usize = 5;
/// The command that takes files, and how many at once.
const PUT: &str = "file put";
const FILES: usize = 5;

/// An option of a slash command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Argument {
    /// Its name in Discord.
    pub name: String,
    /// The argument that it fills; several options may fill one. Empty for files.
    pub id: String,
    /// What it is for.
    pub about: String,
    /// What it takes.
    pub kind: Kind,
    /// Whether several values may be in it, separated as words of a line are.
    pub words: bool,
}

/// What an option takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A file.
    File,
    /// Yes or no.
    Flag,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// A person.
    Person,
    /// A channel.
    Channel,
    /// Text.
    Text,
    /// Text that is completed while it is typed.
    Search,
    /// One of these.
    Choice(Vec<String>),
}

/// The options of a command, those that matter most first.
pub(crate) fn arguments(about: &About) -> Vec<Argument> {
    let mut all = Vec::new();
    if about.name == PUT {
        all.extend(numbered("file", "", "A file to keep", &Kind::File, FILES));
    }
    let shown = grammar::positionals(&about.model).filter(|arg| !arg.is_hide_set()).chain(grammar::options(&about.model));
    let (needed, others): (Vec<&Arg>, Vec<&Arg>) = shown.partition(|arg| arg.is_required_set());
    for arg in needed.into_iter().chain(others) {
        let id = arg.get_id().as_str();
        let name = id.to_lowercase();
        if !is_name(&name) {
            continue;
        }
        let kind = kind(about, arg);
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let many = grammar::takes_value(arg) && grammar::many(arg);
        if kind == Kind::Person && many {
            all.extend(numbered(&name, id, &help, &kind, PEOPLE));
        } else {
            all.push(Argument { name, id: id.to_owned(), about: help, words: many, kind });
        }
    }
    let mut seen: Vec<String> = Vec::new();
    all.retain(|argument| {
        let new = !seen.contains(&argument.name);
        seen.push(argument.name.clone());
        new
    });
    all.truncate(OPTIONS);
    all
}

fn numbered(name: &str, id: &str, about: &str, kind: &Kind, count: usize) -> Vec<Argument> {
    let one = |at: usize| Argument {
        name: if at == 1 { name.to_owned() } else { format!("{name}{at}") },
        id: id.to_owned(),
        about: if at == 1 { about.to_owned() } else { "One more".to_owned() },
        kind: kind.clone(),
        words: false,
    };
    (1..=count).map(one).collect()
}

fn kind(about: &About, arg: &Arg) -> Kind {
    if !grammar::takes_value(arg) {
        return Kind::Flag;
    }
    let many = grammar::many(arg);
    let possible = grammar::possible(arg);
    let searched = about.completes.contains(&arg.get_id().as_str());
    match grammar::label(arg).as_str() {
        "PERSON" | "USER" => return Kind::Person,
        // Elsewhere a place may be one of another platform, which only text can say.
        "PLACE" if about.group() == "channel" && !many => return Kind::Channel,
        _ => {}
    }
    if !possible.is_empty() && !many {
        let fits = possible.len() <= CHOICES && possible.iter().all(|choice| choice.chars().count() <= CHOICE);
        return if fits { Kind::Choice(possible) } else { Kind::Search };
    }
    if searched {
        return Kind::Search;
    }
    let of = arg.get_value_parser().type_id();
    let is = |types: &[TypeId]| !many && types.iter().any(|one| of == *one);
    if is(&[TypeId::of::<u64>(), TypeId::of::<u32>(), TypeId::of::<u16>(), TypeId::of::<usize>(), TypeId::of::<i64>(), TypeId::of::<i32>()])
    {
        Kind::Whole
    } else if is(&[TypeId::of::<f64>(), TypeId::of::<f32>()]) {
        Kind::Number
    } else {
        Kind::Text
    }
}
