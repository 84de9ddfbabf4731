//! `meet change`: another title, time or length for a meeting, or more people. Its link stays, and its card changes where it was
//! announced.

use super::{addresses, card, complete_id, keep, named, until};
use crate::wording::line;
use bellhop_core::command::Suggestion;
use bellhop_core::moment::Moment;
use bellhop_core::period::Span as Length;
use bellhop_core::ports::{Announcer, Platforms, Records};
use bellhop_core::{Access, Audience, Call, Card, Command, CommandError, Effect, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `meet change`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ChangeArgs {
    /// The meeting's id, from `meet list`
    pub id: String,
    /// When instead, on your clock
    #[arg(long, value_name = "TIME")]
    pub at: Option<Moment>,
    /// How long instead
    #[arg(long = "for", value_name = "LENGTH")]
    pub r#for: Option<Length>,
    /// What it is about instead
    #[arg(long, value_name = "TITLE")]
    pub title: Option<String>,
    /// Who is asked to come as well: mentions or addresses
    #[arg(long, value_name = "PERSON", value_delimiter = ',')]
    #[serde(default)]
    pub with: Vec<String>,
}

/// Changes a meeting.
pub struct Change {
    platforms: Arc<dyn Platforms>,
    announcer: Arc<dyn Announcer>,
    records: Arc<dyn Records>,
}

impl Change {
    /// With the connections, the way there, and the book of meetings.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { platforms: services.platforms.clone(), announcer: services.announcer.clone(), records: services.records.clone() }
    }
}

impl Command for Change {
    const NAME: &'static str = "meet change";
    const SUMMARY: &'static str = "Moves a meeting, renames it or asks more people to it";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["meet change 3f9a1c --at \"tomorrow 9:00\"", "meet change 3f9a1c --with @bob"];
    const COMPLETES: &'static [&'static str] = &["id"];
    type Args = ChangeArgs;

    async fn run(&self, call: &Call, args: ChangeArgs) -> Result<Reply, CommandError> {
        let id = args.id.trim();
        let mut meeting = named(&*self.records, id, call).await?;
        let length = meeting.wanted.ends - meeting.wanted.starts;
        if let Some(title) = &args.title {
            meeting.wanted.title = line(title);
        }
        if let Some(at) = &args.at {
            meeting.wanted.starts = at.resolve(call.now, call.caller.zone).map_err(|why| CommandError::invalid("at", why))?;
        }
        meeting.wanted.ends = match args.r#for {
            Some(length) => until(meeting.wanted.starts, length)?,
            None => meeting.wanted.starts + length,
        };
        for address in addresses(&*self.platforms, call, &args.with).await? {
            if !meeting.wanted.attendees.iter().any(|known| known.eq_ignore_ascii_case(&address)) {
                meeting.wanted.attendees.push(address);
            }
        }
        let platform = super::platform(&*self.platforms, Some(&meeting.chat), call)?;
        let meetings = platform.meetings().ok_or_else(|| super::none(&meeting.chat))?;
        let changed = meetings.change(&meeting.made.id, &meeting.wanted).await?;
        meeting.made.invited |= changed.invited;
        keep(&*self.records, id, &meeting).await?;
        let shown = card(id, &meeting, call.caller.zone);
        for (place, key) in &meeting.shown {
            self.announcer.announce(place, shown.clone(), Audience::Everyone, Some(key.clone()), call).await?;
        }
        let when = crate::wording::local(meeting.wanted.starts, call.caller.zone);
        let title = line(&meeting.wanted.title);
        Ok(Reply::new(Card::titled("Changed").tone(Tone::Good).and_text(format!("{title} is on {when} now. The link stays."))))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        if argument == "id" { complete_id(&*self.records, typed).await } else { Vec::new() }
    }
}
