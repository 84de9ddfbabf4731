//! `person`: what a source knows about a person, and what they did last; with values, it is told more about them.

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
    /// To set: plan=pro sets, visits+=1 adds, plan= forgets
    #[arg(value_name = "NAME=VALUE")]
    #[serde(default)]
    pub values: Vec<String>,
    /// How many of the latest events are shown; 10 unless told
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,
    /// The source, where it isn't the default one
    #[arg(long, value_name = "NAME")]
    pub source: Option<SourceName>,
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
        let changes = changes(id, &args.values)?;
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
        let told = args.values.iter().map(|value| line(value)).collect::<Vec<_>>().join(", ");
        let card = Card::titled(format!("Set for {}", line(id))).tone(Tone::Good).and_fields(vec![
            ("Person", code(id)),
            ("Changed", told.into()),
            ("Source", code(source.name().as_str())),
        ]);
        if !source.capabilities().people {
            return Ok(card);
        }
        let show = PersonArgs { values: Vec::new(), ..args.clone() };
        Ok(card.and_actions(vec![Action::invoke("Show", Invoke::of::<Self>(&show))]))
    }
}

impl Command for People {
    const NAME: &'static str = "person";
    const SUMMARY: &'static str = "Shows what is known about a person, or sets it";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["person ann", "person ann --limit 50", "person ann plan=pro visits+=1 trial="];
    const COMPLETES: &'static [&'static str] = &["values", "source"];
    type Args = PersonArgs;

    fn weight(args: &PersonArgs) -> (Access, Effect) {
        if args.values.is_empty() { (Access::Member, Effect::Reads) } else { (Access::Operator, Effect::Writes) }
    }

    async fn run(&self, _call: &Call, args: PersonArgs) -> Result<Reply, CommandError> {
        let id = args.id.trim().trim_start_matches('@').to_owned();
        if id.is_empty() || id.contains('=') {
            return Err(CommandError::invalid("id", "the person's id comes first, as in `person ann plan=pro`"));
        }
        Ok(Reply::new(if args.values.is_empty() { self.show(&id, &args).await? } else { self.set(&id, &args).await? }))
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

/// What the words change: sets, additions and what is to be forgotten, one change each.
fn changes(id: &str, values: &[String]) -> Result<Vec<ProfileChange>, CommandError> {
    let (mut set, mut add, mut unset) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let mut names = Vec::new();
    for text in values {
        let added = text.find('=').filter(|at| text[..*at].ends_with('+'));
        let name = if let Some(at) = added {
            let name = text[..at - 1].trim();
            let number = text[at + 1..].trim().parse::<f64>().ok().filter(|number| number.is_finite());
            let number =
                number.ok_or_else(|| CommandError::invalid("values", format!("`{}` adds no number; write visits+=1", line(text))))?;
            add.insert(name.to_owned(), number);
            name.to_owned()
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
            return Err(CommandError::invalid("values", format!("`{}` has no name, or one that is there twice", line(text))));
        }
        names.push(name);
    }
    let mut operations = Vec::new();
    if !set.is_empty() {
        operations.push(ProfileOperation::Set(set));
    }
    if !add.is_empty() {
        operations.push(ProfileOperation::Add(add));
    }
    if !unset.is_empty() {
        operations.push(ProfileOperation::Unset(unset));
    }
    Ok(operations.into_iter().map(|change| ProfileChange { subject: Subject::Person(id.to_owned()), change }).collect())
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
        let words: Vec<String> = ["plan=pro", "visits+=2", "trial=", "seats=3", "note=a+=b"].map(str::to_owned).to_vec();
        let changes: Vec<ProfileOperation> = changes("ann", &words).unwrap().into_iter().map(|one| one.change).collect();
        let set = [("note", json!("a+=b")), ("plan", json!("pro")), ("seats", json!(3))].map(|(name, value)| (name.to_owned(), value));
        assert_eq!(
            changes,
            [
                ProfileOperation::Set(BTreeMap::from(set)),
                ProfileOperation::Add(BTreeMap::from([("visits".to_owned(), 2.0)])),
                ProfileOperation::Unset(vec!["trial".to_owned()]),
            ]
        );
        for bad in [&["plan"][..], &["=x"], &["+=1"], &["n+=x"], &["n+=inf"], &["n=1", "n+=1"]] {
            let words: Vec<String> = bad.iter().map(|word| (*word).to_owned()).collect();
            assert!(super::changes("ann", &words).is_err(), "{bad:?}");
        }
    }
}
