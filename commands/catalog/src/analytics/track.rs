//! `track`: notes that something happened, in the bot's own events or another source.

use super::asking::able;
use super::{complete_metric, complete_source, properties};
use crate::wording::{code, line};
use bellhop_core::analytics::{NewEvent, Refused};
use bellhop_core::card::{Block, Field};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::Sources;
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply, Tone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Arguments of `track`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct TrackArgs {
    /// What happened, such as signup
    pub event: String,
    /// To whom; you unless told
    pub person: Option<String>,
    /// What else is known, such as plan=pro revenue=9.90
    #[arg(value_name = "NAME=VALUE")]
    #[serde(default)]
    pub properties: Vec<String>,
    /// The source, where it isn't the default one
    #[arg(long)]
    pub source: Option<SourceName>,
    /// Has the source check the event, and keeps nothing
    #[arg(long)]
    #[serde(default)]
    pub validate: bool,
}

/// Tracks an event.
pub struct Track {
    sources: Arc<dyn Sources>,
}

impl Track {
    /// With the sources.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { sources: services.sources.clone() }
    }
}

impl Command for Track {
    const NAME: &'static str = "track";
    const SUMMARY: &'static str = "Notes that something happened, for reports";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] =
        &["track signup", "track purchase ann plan=pro revenue=49.90", "track purchase ann revenue=49.90 --validate"];
    const COMPLETES: &'static [&'static str] = &["event", "properties", "source"];
    type Args = TrackArgs;

    fn weight(args: &TrackArgs) -> (Access, Effect) {
        (Self::ACCESS, if args.validate { Effect::Reads } else { Self::EFFECT })
    }

    async fn run(&self, call: &Call, args: TrackArgs) -> Result<Reply, CommandError> {
        let event = args.event.trim();
        if event.is_empty() || event.contains('=') {
            return Err(CommandError::invalid("event", "the event's name comes first, as in `track signup ann plan=pro`"));
        }
        // `track signup plan=pro` leaves the person out.
        let (person, first) = match args.person {
            Some(word) if word.contains('=') => (None, Some(word)),
            person => (person, None),
        };
        let person = person.map_or_else(|| call.caller.user.to_string(), |name| name.trim_start_matches('@').to_owned());
        if person.is_empty() {
            return Err(CommandError::invalid("person", "it is empty; leave it out to mean yourself"));
        }
        let properties = first.iter().chain(&args.properties).map(|text| property(text)).collect::<Result<BTreeMap<_, _>, _>>()?;
        let source = if args.validate {
            able(&*self.sources, args.source.as_ref(), "way to check events without keeping them", |can| can.validate)?
        } else {
            able(&*self.sources, args.source.as_ref(), "way in for events", |can| can.track)?
        };
        let fact = NewEvent {
            event: event.to_owned(),
            distinct_id: person.clone(),
            time: call.now,
            // The call's own name: however often the call is tried, it is one event.
            insert_id: call.id.to_string(),
            properties: properties.clone(),
        };
        if args.validate {
            return Ok(Reply::new(checked(&line(event), source.name(), &source.validate(&[fact]).await?)));
        }
        let taken = source.track(vec![fact]).await?;
        if let Some(refused) = taken.refused.first() {
            return Err(CommandError::Refused(refused.reason.clone()));
        }
        let field = |name: &str, value| Field { name: name.to_owned(), value: vec![value] };
        let mut fields = vec![field("Event", code(event)), field("Person", code(&person))];
        fields.extend(properties.iter().map(|(name, value)| {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            field(&line(name), line(&shown).into())
        }));
        fields.push(field("Source", code(source.name().as_str())));
        Ok(Reply::new(Card::titled(format!("Tracked {}", line(event))).tone(Tone::Good).block(Block::Fields(fields))))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "event" => complete_metric(&*self.sources, None, typed).await,
            "source" => complete_source(&*self.sources, typed),
            "properties" if !typed.contains('=') => {
                crate::wording::suggest(typed, properties(&*self.sources).await.into_iter().map(|name| (format!("{name}="), String::new())))
            }
            _ => Vec::new(),
        }
    }
}

/// What a source finds wrong with an event that it was only asked to check.
fn checked(event: &str, source: &SourceName, refused: &[Refused]) -> Card {
    if refused.is_empty() {
        return Card::titled(format!("{event} would be taken"))
            .tone(Tone::Good)
            .and_text(format!("{source} finds nothing wrong with it. Nothing was kept."));
    }
    let reasons: Vec<String> = refused.iter().map(|one| line(&one.reason)).collect();
    Card::titled(format!("{event} would be refused"))
        .tone(Tone::Warning)
        .and_text(format!("{source} says: {}. Nothing was kept.", reasons.join("; ")))
}

/// `NAME=VALUE`, the value as a number, a truth value or text, by how it looks.
pub(super) fn property(text: &str) -> Result<(String, Value), CommandError> {
    let wrong = || CommandError::invalid("properties", format!("`{}` is no NAME=VALUE; write plan=pro, or leave it out", line(text)));
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let name = name.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(wrong());
    }
    // What JSON would call a number is one. `007`, `+49` and `1e999` are text: they are codes and names, and stay as typed.
    let typed = match value {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        other => match serde_json::from_str::<serde_json::Number>(other) {
            Ok(number) if other.trim() == other && number.as_f64().is_some_and(f64::is_finite) => Value::Number(number),
            _ => Value::String(other.to_owned()),
        },
    };
    Ok((name.to_owned(), typed))
}

#[cfg(test)]
mod tests {
    use super::property;
    use serde_json::json;

    #[test]
    fn values_are_what_they_look_like() {
        for (text, value) in [
            ("n=3", json!(3)),
            ("n=-3.50", json!(-3.5)),
            ("n=true", json!(true)),
            ("n=007", json!("007")),
            ("n=+49", json!("+49")),
            ("n=1e999", json!("1e999")),
            ("n=NaN", json!("NaN")),
            ("n=", json!("")),
            ("n=a=b", json!("a=b")),
            ("n=null", json!("null")),
        ] {
            assert_eq!(property(text).unwrap(), ("n".to_owned(), value), "{text}");
        }
        for bad in ["n", "=3", " =3", ""] {
            assert!(property(bad).is_err(), "{bad}");
        }
    }
}
