//! `person`: what a source knows about a person, and what they did last; with values, it is told more about them, or about a
//! group of people such as a company.

use super::asking::able;
use super::{complete_source, properties, track};
use crate::wording::{code, line, suggest, table};
use bellhop_core::analytics::{Person, ProfileChange, ProfileOperation, Subject};
use bellhop_core::card::{Block, Field, Span};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::Sources;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Tone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many events are shown unless told, and at most.
const EVENTS: u32 = 10;
const MOST_EVENTS: u32 = 200;

/// Arguments of `person`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct PersonArgs {
    /// Who, by the id that events have
    pub id: String,
    /// To set: plan=pro sets, first?=web sets once, visits+=1 adds, tags|=a,b unites, plan= forgets
    #[arg(value_name = "NAME=VALUE")]
    #[serde(default)]
    pub values: Vec<String>,
    /// How many of the latest events are shown; 10 unless told
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
    /// The id is that of a group of this kind, such as company
    #[arg(long, value_name = "KIND")]
    #[serde(default)]
    pub group: Option<String>,
    /// The id is from now on known to be this person, such as a visitor who signed up
    #[arg(long, value_name = "ID")]
    #[serde(default)]
    pub merge: Option<String>,
    /// Forgets the whole profile; events stay
    #[arg(long)]
    #[serde(default)]
    pub forget: bool,
    /// The source, where it isn't the default one
    #[arg(long, value_name = "NAME")]
    pub source: Option<SourceName>,
}

impl PersonArgs {
    /// Whether something is to be changed.
    fn changes(&self) -> bool {
        !self.values.is_empty() || self.forget || self.merge.is_some() || self.group.is_some()
    }
}

/// Shows a person.
pub struct People {
    sources: Arc<dyn Sources>,
}

impl People {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }

    async fn show(&self, id: &str, args: &PersonArgs) -> Result<Card, CommandError> {
        let limit = args.limit.unwrap_or(EVENTS);
        if limit > MOST_EVENTS {
            return Err(CommandError::invalid("limit", format!("{MOST_EVENTS} events at most are shown")));
        }
        let source = able(&*self.sources, args.source.as_ref(), "facts about single people", |can| can.people)?;
        let person = source.person(id, limit as usize).await?;
        Ok(shown(&person, source.name()))
    }

    async fn set(&self, id: &str, args: &PersonArgs) -> Result<Card, CommandError> {
        let changes = asked(id, args)?;
        let source = able(&*self.sources, args.source.as_ref(), "way to set what is known about people", |can| can.profiles)?;
        let total = changes.len();
        let taken = source.identify(changes).await?;
        let refused: Vec<String> = taken.refused.iter().map(|refused| line(&refused.reason)).collect();
        if !refused.is_empty() && refused.len() >= total {
            return Err(CommandError::Refused(refused.join("; ")));
        }
        if !refused.is_empty() {
            let card = Card::titled("Only part of it was set").tone(Tone::Warning).and_text(format!("Refused: {}.", refused.join("; ")));
            return Err(CommandError::Partly(Box::new(card)));
        }
        let told = match (&args.merge, args.forget) {
            (Some(into), _) => format!("is known to be {} from now on", line(into)),
            (None, true) => "the profile is forgotten".to_owned(),
            (None, false) => args.values.iter().map(|value| line(value)).collect::<Vec<_>>().join(", "),
        };
        let card = Card::titled(format!("Set for {}", line(id))).tone(Tone::Good).and_fields(vec![
            (if args.group.is_some() { "Group" } else { "Person" }, code(id)),
            ("Changed", told.into()),
            ("Source", code(source.name().as_str())),
        ]);
        if !source.capabilities().people || args.group.is_some() || args.forget {
            return Ok(card);
        }
        let shown = args.merge.clone().unwrap_or_else(|| id.to_owned());
        let show = PersonArgs { id: shown, values: Vec::new(), merge: None, ..args.clone() };
        Ok(card.and_actions(vec![Action::invoke("Show", Invoke::of::<Self>(&show))]))
    }
}

impl Command for People {
    const NAME: &'static str = "person";
    const SUMMARY: &'static str = "Shows what is known about a person, or sets it";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &[
        "person ann",
        "person ann --limit 50",
        "person ann plan=pro visits+=1 trial=",
        "person acme seats=20 --group company",
        "person visitor-81 --merge ann",
    ];
    const COMPLETES: &'static [&'static str] = &["values", "source"];
    type Args = PersonArgs;

    fn weight(args: &PersonArgs) -> (Access, Effect) {
        match args.changes() {
            true if args.forget => (Access::Operator, Effect::Destroys),
            true => (Access::Operator, Effect::Writes),
            false => (Access::Member, Effect::Reads),
        }
    }

    async fn run(&self, _call: &Call, args: PersonArgs) -> Result<Reply, CommandError> {
        let id = args.id.trim().trim_start_matches('@').to_owned();
        if id.is_empty() || id.contains('=') {
            return Err(CommandError::invalid("id", "the person's id comes first, as in `person ann plan=pro`"));
        }
        Ok(Reply::new(if args.changes() { self.set(&id, &args).await? } else { self.show(&id, &args).await? }))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "values" if !typed.contains('=') => {
                suggest(typed, properties(&*self.sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            "source" => complete_source(&*self.sources, typed),
            _ => Vec::new(),
        }
    }
}

/// What is to be changed, and of whom.
fn asked(id: &str, args: &PersonArgs) -> Result<Vec<ProfileChange>, CommandError> {
    let alone = |argument: &'static str| Err(CommandError::invalid(argument, "it stands alone: leave values and the other options out"));
    let subject = match &args.group {
        None => Subject::Person(id.to_owned()),
        Some(kind) if kind.trim().is_empty() => return Err(CommandError::invalid("group", "it is empty; write company")),
        Some(kind) => Subject::Group { kind: kind.trim().to_owned(), id: id.to_owned() },
    };
    if let Some(into) = &args.merge {
        if args.forget || args.group.is_some() || !args.values.is_empty() {
            return alone("merge");
        }
        let into = into.trim().trim_start_matches('@').to_owned();
        if into.is_empty() || into == id {
            return Err(CommandError::invalid("merge", "write the id of another person"));
        }
        let subject = Subject::Merge { from: id.to_owned(), into };
        return Ok(vec![ProfileChange { subject, change: ProfileOperation::Merge }]);
    }
    if args.forget {
        if !args.values.is_empty() {
            return alone("forget");
        }
        return Ok(vec![ProfileChange { subject, change: ProfileOperation::Delete }]);
    }
    if args.values.is_empty() {
        return Err(CommandError::invalid("values", "say what to set for the group, such as seats=20"));
    }
    Ok(changes(&args.values)?.into_iter().map(|change| ProfileChange { subject: subject.clone(), change }).collect())
}

/// The signs that stand before `=`.
const SIGNS: [char; 3] = ['+', '?', '|'];

/// What the words change: sets, sets once, additions, unions and what is to be forgotten, one change each.
fn changes(values: &[String]) -> Result<Vec<ProfileOperation>, CommandError> {
    let (mut set, mut once, mut add, mut union) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut unset, mut names): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for text in values {
        let wrong = |why: &str| CommandError::invalid("values", format!("`{}` {why}", line(text)));
        let sign = text.find('=').and_then(|at| text[..at].chars().next_back()).filter(|sign| SIGNS.contains(sign));
        let name = if let Some(sign) = sign {
            let (name, value) = text.split_once('=').map_or(("", ""), |(name, value)| (name.trim_end_matches(SIGNS), value));
            let name = name.trim().to_owned();
            let read = |value: &str| track::property(&format!("{name}={value}")).map(|(_, value)| value);
            if name.is_empty() || value.trim().is_empty() {
                return Err(wrong("has no name or no value; write first?=web, visits+=1 or tags|=a,b"));
            }
            match sign {
                '+' => {
                    let number = value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
                    add.insert(name.clone(), number.ok_or_else(|| wrong("adds no number; write visits+=1"))?);
                }
                '?' => {
                    once.insert(name.clone(), read(value)?);
                }
                _ => {
                    let list = value.split(',').filter(|one| !one.trim().is_empty()).map(read).collect::<Result<Vec<Value>, _>>()?;
                    union.insert(name.clone(), list);
                }
            }
            name
        } else {
            let (name, value) = track::property(text)?;
            if value == Value::String(String::new()) {
                unset.push(name.clone());
            } else {
                set.insert(name.clone(), value);
            }
            name
        };
        if name.is_empty() || names.contains(&name) {
            return Err(wrong("has no name, or one that is there twice"));
        }
        names.push(name);
    }
    let mut operations = Vec::new();
    if !set.is_empty() {
        operations.push(ProfileOperation::Set(set));
    }
    if !once.is_empty() {
        operations.push(ProfileOperation::SetOnce(once));
    }
    if !add.is_empty() {
        operations.push(ProfileOperation::Add(add));
    }
    if !union.is_empty() {
        operations.push(ProfileOperation::Union(union));
    }
    if !unset.is_empty() {
        operations.push(ProfileOperation::Unset(unset));
    }
    Ok(operations)
}

fn said(value: &Value) -> String {
    line(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn shown(person: &Person, source: &SourceName) -> Card {
    let field = |name: &str, value: Span| Field { name: name.to_owned(), value: vec![value] };
    let mut fields = Vec::new();
    let others: Vec<String> = person.ids.iter().filter(|id| **id != person.id).map(|id| line(id)).collect();
    if !others.is_empty() {
        fields.push(field("Also known as", others.join(", ").into()));
    }
    fields.extend(person.first_seen.map(|at| field("First seen", Span::Time(at))));
    fields.extend(person.last_seen.map(|at| field("Last seen", Span::Time(at))));
    fields.extend(
        person.events_total.map(|total| field("Events", bellhop_core::text::grouped(i64::try_from(total).unwrap_or(i64::MAX)).into())),
    );
    if !person.cohorts.is_empty() {
        fields.push(field("Cohorts", person.cohorts.iter().map(|name| line(name)).collect::<Vec<_>>().join(", ").into()));
    }
    fields.push(field("Source", code(source.as_str())));
    let mut card = Card::titled(line(&person.id)).block(Block::Fields(fields));
    if person.properties.is_empty() {
        card = card.and_text("No property is known.");
    } else {
        let rows = person.properties.iter().map(|(name, value)| vec![vec![line(name).into()], vec![said(value).into()]]).collect();
        card = card.block(Block::Table(table(format!("What is known about {}", line(&person.id)), &["Property", "Value"], rows)));
    }
    if person.events.is_empty() {
        return card.and_text("No event of theirs is known.");
    }
    let rows = person.events.iter().map(|event| {
        let told: Vec<String> = event.properties.iter().map(|(name, value)| format!("{}={}", line(name), said(value))).collect();
        vec![vec![Span::Time(event.time)], vec![line(&event.event).into()], vec![line(&told.join(" ")).into()]]
    });
    let caption = format!("The latest events of {}", line(&person.id));
    card.block(Block::Table(table(caption, &["When", "Event", "Properties"], rows.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_become_changes() {
        let words: Vec<String> =
            ["plan=pro", "visits+=2", "trial=", "seats=3", "note=a+=b", "first?=web", "tags|=a,b"].map(str::to_owned).to_vec();
        let changes: Vec<ProfileOperation> = changes(&words).unwrap();
        let set = [("note", json!("a+=b")), ("plan", json!("pro")), ("seats", json!(3))].map(|(name, value)| (name.to_owned(), value));
        assert_eq!(
            changes,
            [
                ProfileOperation::Set(BTreeMap::from(set)),
                ProfileOperation::SetOnce(BTreeMap::from([("first".to_owned(), json!("web"))])),
                ProfileOperation::Add(BTreeMap::from([("visits".to_owned(), 2.0)])),
                ProfileOperation::Union(BTreeMap::from([("tags".to_owned(), vec![json!("a"), json!("b")])])),
                ProfileOperation::Unset(vec!["trial".to_owned()]),
            ]
        );
        for bad in [&["plan"][..], &["=x"], &["+=1"], &["n+=x"], &["n+=inf"], &["n=1", "n+=1"], &["x?="], &["|=a"]] {
            let words: Vec<String> = bad.iter().map(|word| (*word).to_owned()).collect();
            assert!(super::changes(&words).is_err(), "{bad:?}");
        }
    }
}
