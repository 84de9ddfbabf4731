//! `channel invite`: brings people into a channel.

use super::{cannot, complete_place, meant, platform};
use crate::wording::{code, count, line};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Places, Platforms};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many people one call brings in at most.
const MOST: usize = 100;

/// Arguments of `channel invite`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct InviteArgs {
    /// People, by mention, name or id
    #[arg(required = true, value_name = "PERSON")]
    pub people: Vec<String>,
    /// The channel, such as #ops or work/#ops; this one unless told
    #[arg(long = "in", value_name = "PLACE")]
    pub r#in: Option<PlaceRef>,
}

/// Invites people.
pub struct Invite {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
}

impl Invite {
    /// With the places and the connections.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { places: services.places.clone(), platforms: services.platforms.clone() }
    }
}

impl Command for Invite {
    const NAME: &'static str = "channel invite";
    const SUMMARY: &'static str = "Brings people into a channel";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["channel invite @ann @bob", "channel invite @ann --in #general"];
    const COMPLETES: &'static [&'static str] = &["in"];
    type Args = InviteArgs;

    async fn run(&self, call: &Call, args: InviteArgs) -> Result<Reply, CommandError> {
        let mut people: Vec<String> = Vec::new();
        for typed in args.people.iter().flat_map(|typed| typed.split(',')) {
            let person = typed.trim().trim_start_matches('@');
            if person.is_empty() || person.chars().any(char::is_control) {
                return Err(CommandError::invalid("people", format!("`{}` is nobody's name; write @name", line(typed))));
            }
            if !people.iter().any(|known| known == person) {
                people.push(person.to_owned());
            }
        }
        if people.len() > MOST {
            return Err(CommandError::invalid(
                "people",
                format!("{} are too many for one call; {MOST} at most", count(people.len(), "name")),
            ));
        }
        let at = meant(&*self.places, args.r#in.as_ref(), call).await?;
        let platform = platform(&*self.platforms, &at.chat)?;
        platform.channels().ok_or_else(|| cannot(&at.chat))?.invite(&at, &people).await?;
        let spelled = self.places.spell(&at).await;
        // Names only, no mentions: the platform itself tells those who were brought in.
        let names = people.iter().map(|name| line(name)).collect::<Vec<_>>().join(", ");
        Ok(Reply::new(Card::titled("Invited").tone(Tone::Good).and_spans(vec![names.into(), " → ".into(), code(spelled)])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
