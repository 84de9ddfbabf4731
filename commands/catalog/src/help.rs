//! `help`: the overview, a group, a command, or a search over all of them. Everything in it comes from the commands
//! themselves, so it can't be out of date.

use bellhop_core::access::Effect;
use bellhop_core::card::{ActionStyle, Block, Field};
use bellhop_core::command::Suggestion;
use bellhop_core::text::shorten;
use bellhop_core::{About, Access, Action, Call, Card, Command, CommandError, Invoke, Registry, Reply, Span, grammar};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// How many commands a search shows.
const FOUND: usize = 8;
/// How many commands of a search get a button.
const BUTTONS: usize = 5;
/// The longest search that is read, in words.
const WORDS: usize = 20;

/// Arguments of `help`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct HelpArgs {
    /// A command, a group of commands, or what you want to do
    pub words: Vec<String>,
}

/// Explains the commands.
pub struct Help {
    registry: Weak<Registry>,
}

impl Help {
    /// With the list of commands, of which it is one.
    pub(crate) fn new(registry: &Weak<Registry>) -> Self {
        Self { registry: registry.clone() }
    }

    fn registry(&self) -> Result<Arc<Registry>, CommandError> {
        self.registry.upgrade().ok_or_else(|| CommandError::Refused("the bot is stopping; try again in a moment".to_owned()))
    }
}

impl Command for Help {
    const NAME: &'static str = "help";
    const SUMMARY: &'static str = "Explains the commands, or finds the one you need";
    const EXAMPLES: &'static [&'static str] = &["help", "help file share", "help send a file to another channel"];
    const COMPLETES: &'static [&'static str] = &["words"];
    type Args = HelpArgs;

    async fn run(&self, _call: &Call, args: HelpArgs) -> Result<Reply, CommandError> {
        let registry = self.registry()?;
        let typed = args.words.join(" ");
        let words: Vec<String> = typed
            .split_whitespace()
            .take(WORDS)
            .map(|word| word.trim_start_matches('/').to_lowercase())
            .filter(|word| !word.is_empty())
            .collect();
        let card = match words.as_slice() {
            [] => overview(&registry),
            [one] if registry.get(one).is_none() && registry.group(one).next().is_some() => group(&registry, one),
            words => match named(&registry, words) {
                Some(about) => page(&registry, about),
                None => search(&registry, words, &typed),
            },
        };
        Ok(Reply::private(card))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        let Some(registry) = self.registry.upgrade() else { return Vec::new() };
        let names = registry.all().map(|about| (about.name.to_owned(), about.summary.to_owned()));
        crate::wording::suggest(typed, names)
    }
}

/// The command that the words name, alone or at their beginning.
fn named<'a>(registry: &'a Registry, words: &[String]) -> Option<&'a About> {
    let two = words.get(..2).and_then(|two| registry.get(&two.join(" ")));
    let one = || words.first().filter(|_| words.len() == 1).and_then(|one| registry.get(one));
    two.or_else(one).map(|command| command.about())
}

fn overview(registry: &Registry) -> Card {
    let mut groups: BTreeMap<&str, Vec<&About>> = BTreeMap::new();
    for about in registry.all() {
        groups.entry(about.group()).or_default().push(about);
    }
    let mut fields = Vec::new();
    for (group, members) in &groups {
        let value = match members.as_slice() {
            [one] if one.verb().is_none() => one.summary.to_owned(),
            members => members.iter().map(|about| about.verb().unwrap_or(about.name)).collect::<Vec<_>>().join(" · "),
        };
        fields.push(Field { name: (*group).to_owned(), value: vec![value.into()] });
    }
    let starts = ["status", "file list", "report page_views 7d", "alert list"];
    let buttons = starts.iter().filter_map(|example| button(registry, example)).collect();
    Card::titled("What I can do")
        .and_spans(vec![
            "Commands are a word, or a group and a verb. ".into(),
            Span::Code("help file".to_owned()),
            " shows a group, ".into(),
            Span::Code("help file share".to_owned()),
            " one command, and ".into(),
            Span::Code("help".to_owned()),
            " with your own words finds one.".into(),
        ])
        .block(Block::Fields(fields))
        .and_actions(buttons)
}

fn group(registry: &Registry, name: &str) -> Card {
    let members: Vec<&About> = registry.group(name).collect();
    let fields = members
        .iter()
        .map(|about| {
            let access = if registry.least(about).0 == Access::Member { String::new() } else { format!(" ({} only)", about.access) };
            Field { name: grammar::usage(about), value: vec![format!("{}{access}", about.summary).into()] }
        })
        .collect();
    let buttons = members.iter().map(|about| help_on(about)).collect();
    Card::titled(name.to_owned()).block(Block::Fields(fields)).and_actions(buttons)
}

fn page(registry: &Registry, about: &About) -> Card {
    let mut card = Card::titled(about.name).and_text(format!("{}.", about.summary)).block(Block::Code(grammar::usage(about)));
    let arguments: Vec<Field> =
        grammar::arguments(about).into_iter().map(|(name, meaning)| Field { name, value: vec![meaning.into()] }).collect();
    if !arguments.is_empty() {
        card = card.block(Block::Fields(arguments));
    }
    let who = match about.access {
        Access::Member => "Everyone may use it".to_owned(),
        access => format!("It needs the role {access}"),
    };
    let what = match about.effect {
        Effect::Reads => vec!["it changes nothing.".into()],
        Effect::Writes => vec!["it changes something.".into()],
        Effect::Destroys => {
            vec!["it asks before it does anything; ".into(), Span::Code("--yes".to_owned()), " at the end confirms at once.".into()]
        }
    };
    let (least, lightest) = registry.least(about);
    card = if least == Access::Member && least < about.access && lightest == Effect::Reads {
        // What everyone may look at, and only some may change.
        card.and_spans(
            [vec![format!("Everyone may look with it. To change something, it needs the role {}; ", about.access).into()], what].concat(),
        )
    } else {
        card.and_spans([vec![format!("{who}; ").into()], what].concat())
    };
    if !about.examples.is_empty() {
        card = card.and_text("Examples:").block(Block::Code(about.examples.join("\n")));
    }
    let mut buttons: Vec<Action> = about.examples.iter().filter_map(|example| button(registry, example)).collect();
    if about.examples.is_empty() {
        buttons.push(Action::prefill("Write it", format!("/{} ", about.name)));
    }
    card.and_actions(buttons)
}

/// An example as a button: what only reads runs, anything else is put into the message box.
fn button(registry: &Registry, example: &str) -> Option<Action> {
    let understood = registry.parse(example).ok()?;
    let reads =
        registry.get(&understood.invoke.command).is_some_and(|command| command.weighed(&understood.invoke.args).effect == Effect::Reads);
    let label = shorten(example, 60);
    Some(if reads { Action::invoke(label, understood.invoke) } else { Action::prefill(label, format!("/{example}")) })
}

fn help_on(about: &About) -> Action {
    let words = about.name.split(' ').map(str::to_owned).collect();
    Action::invoke(format!("Help on {}", about.name), Invoke::of::<Help>(&HelpArgs { words }))
}

fn search(registry: &Registry, words: &[String], typed: &str) -> Card {
    let wanted: Vec<&str> = words.iter().map(String::as_str).filter(|word| !FILLERS.contains(word)).collect();
    let mut found: Vec<(u32, &About)> =
        registry.all().map(|about| (score(about, &wanted), about)).filter(|(score, _)| *score > 0).collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.name.cmp(b.1.name)));
    let shown = shorten(&bellhop_core::text::one_line(typed), 60);
    if found.is_empty() {
        let names: Vec<&str> = registry.all().map(|about| about.name).chain(registry.groups()).collect();
        let near = bellhop_core::nearest::nearest(&words.join(" "), names.iter().copied())
            .or_else(|| words.iter().find_map(|word| bellhop_core::nearest::nearest(word, names.iter().copied())));
        let card = Card::titled("Nothing found").and_spans(vec!["No command is about ".into(), Span::Code(shown), ".".into()]);
        let all = Action::invoke("All commands", Invoke::of::<Help>(&HelpArgs { words: Vec::new() }));
        return match near {
            Some(near) => {
                let words = near.split(' ').map(str::to_owned).collect();
                let button = Action::invoke(format!("Help on {near}"), Invoke::of::<Help>(&HelpArgs { words })).style(ActionStyle::Primary);
                card.and_spans(vec!["Did you mean ".into(), Span::Code(near.to_owned()), "?".into()]).and_actions(vec![button, all])
            }
            None => card.and_actions(vec![all]),
        };
    }
    // What scores far below the best is noise.
    let best = found[0].0;
    found.retain(|(score, _)| score * 4 >= best);
    found.truncate(FOUND);
    let fields = found.iter().map(|(_, about)| Field { name: grammar::usage(about), value: vec![about.summary.into()] }).collect();
    let buttons = found.iter().take(BUTTONS).map(|(_, about)| help_on(about)).collect();
    Card::titled(format!("Commands about “{shown}”")).block(Block::Fields(fields)).and_actions(buttons)
}

/// Words that say nothing about what is wanted.
const FILLERS: [&str; 28] = [
    "a", "an", "the", "to", "of", "in", "on", "for", "with", "and", "or", "is", "it", "i", "my", "me", "do", "how", "can", "want", "what",
    "from", "another", "please", "some", "this", "that", "all",
];

/// What people say, and what it is called here.
const SYNONYMS: [(&str, &str); 20] = [
    ("undelete", "restore"),
    ("undo", "restore"),
    ("upload", "put"),
    ("save", "put"),
    ("download", "get"),
    ("fetch", "get"),
    ("send", "share"),
    ("remove", "delete"),
    ("rm", "delete"),
    ("ls", "list"),
    ("cp", "copy"),
    ("mv", "move"),
    ("graph", "report"),
    ("chart", "report"),
    ("metrics", "report"),
    ("statistics", "report"),
    ("cron", "schedule"),
    ("log", "audit"),
    ("permission", "role"),
    ("why", "explain"),
];

/// How well a command answers to the words: its name counts most, then its summary, its arguments, its examples.
fn score(about: &About, words: &[&str]) -> u32 {
    let arguments = grammar::arguments(about).into_iter().flat_map(|(name, meaning)| [name, meaning]).collect::<Vec<_>>().join(" ");
    let fields = [
        (about.name.to_owned(), 12),
        (about.summary.to_lowercase(), 6),
        (arguments.to_lowercase(), 3),
        (about.examples.join(" ").to_lowercase(), 2),
    ];
    let matched = |word: &str| -> u32 {
        let stem = stem(word);
        fields
            .iter()
            .map(|(text, weight)| {
                let parts = || text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|part| !part.is_empty());
                if parts().any(|part| part == word || self::stem(part) == stem) {
                    *weight
                } else if stem.len() >= 3 && parts().any(|part| part.starts_with(stem)) {
                    weight / 2
                } else {
                    0
                }
            })
            .sum()
    };
    let meant = |word: &str| SYNONYMS.iter().filter(|(typed, _)| *typed == word).map(|(_, meant)| matched(meant)).max().unwrap_or(0);
    let scores: Vec<u32> = words.iter().map(|word| matched(word).max(meant(word))).collect();
    let hits = u32::try_from(scores.iter().filter(|score| **score > 0).count()).unwrap_or(0);
    // A command that answers to more of the words is better than one that answers loudly to one.
    scores.iter().sum::<u32>() * hits
}

/// A word without the endings that English adds.
fn stem(word: &str) -> &str {
    for ending in ["ing", "ies", "es", "ed", "s", "e"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.len() >= 3
        {
            return stem;
        }
    }
    word
}
