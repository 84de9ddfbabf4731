//! `meet cancel`: calls a meeting off. Those who were invited are told by the platform; its card says so where it was announced.

use super::{BOOK, complete_id, named};
use crate::wording::{line, local};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::{Announcer, Platforms, Records};
use bellhop_core::{Access, Audience, Call, Card, Command, CommandError, Effect, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Arguments of `meet cancel`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct CancelArgs {
    /// The meeting's id, from `meet list`
    pub id: String,
}

/// Cancels a meeting.
pub struct Cancel {
    platforms: Arc<dyn Platforms>,
    announcer: Arc<dyn Announcer>,
    records: Arc<dyn Records>,
}

impl Cancel {
    /// With the connections, the way there, and the book of meetings.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { platforms: services.platforms.clone(), announcer: services.announcer.clone(), records: services.records.clone() }
    }
}

impl Command for Cancel {
    const NAME: &'static str = "meet cancel";
    const SUMMARY: &'static str = "Calls a meeting off, after asking";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &["meet cancel 3f9a1c"];
    const COMPLETES: &'static [&'static str] = &["id"];
    type Args = CancelArgs;

    async fn run(&self, call: &Call, args: CancelArgs) -> Result<Reply, CommandError> {
        let id = args.id.trim();
        let meeting = named(&*self.records, id, call).await?;
        let platform = super::platform(&*self.platforms, Some(&meeting.chat), call)?;
        let meetings = platform.meetings().ok_or_else(|| super::none(&meeting.chat))?;
        meetings.cancel(&meeting.made.id).await?;
        let when = local(meeting.wanted.starts, call.caller.zone);
        let title = line(&meeting.wanted.title);
        let off = Card::titled(format!("Cancelled: {title}")).tone(Tone::Warning).and_text(format!("It was to be on {when}."));
        for (place, key) in &meeting.shown {
            self.announcer.announce(place, off.clone(), Audience::Everyone, Some(key.clone()), call).await?;
        }
        self.records.remove(BOOK, id).await?;
        let told = if meeting.made.invited { " Those who were invited are told." } else { "" };
        Ok(Reply::new(Card::titled("Cancelled").tone(Tone::Good).and_text(format!("{title} on {when} is off.{told}"))))
    }

    async fn plan(&self, call: &Call, args: &CancelArgs) -> Result<Card, CommandError> {
        let meeting = named(&*self.records, &args.id, call).await?;
        let when = local(meeting.wanted.starts, call.caller.zone);
        Ok(Card::titled(format!("Cancel {}?", line(&meeting.wanted.title)))
            .and_text(format!("The meeting on {when} would be off for everyone, and its link would lead nowhere.")))
    }

    async fn complete(&self, _call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        if argument == "id" { complete_id(&*self.records, typed).await } else { Vec::new() }
    }
}
