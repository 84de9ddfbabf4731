//! `meet create`: a meeting that can be joined over a link, on the connection that makes meetings, announced where it was asked.

use super::{Kept, addresses, answer_of, card, keep, platform, short, until};
use crate::channel::complete_place;
use crate::wording::{line, suggest};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{CardKey, ChatName};
use bellhop_core::moment::Moment;
use bellhop_core::period::Span as Length;
use bellhop_core::ports::{Announcer, Meetings, NewMeeting, Places, Platforms, Records};
use bellhop_core::{Access, Audience, Call, Command, CommandError, Effect, PlaceRef, Reply};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest title, in characters.
const TITLE: usize = 200;

/// Arguments of `meet create`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct CreateArgs {
    /// What it is about
    pub title: String,
    /// When, on your clock: 15:00, "tomorrow 9:00", "2026-12-01 09:00" or 2h from now
    #[arg(long, value_name = "TIME")]
    pub at: Moment,
    /// How long, such as 30m
    #[arg(long = "for", value_name = "LENGTH", default_value = "30m")]
    pub r#for: Length,
    /// Who is asked to come: mentions or addresses
    #[arg(long, value_name = "PERSON", value_delimiter = ',')]
    #[serde(default)]
    pub with: Vec<String>,
    /// Where it is announced besides, such as work/#ops
    #[arg(long, value_name = "PLACE")]
    pub to: Option<PlaceRef>,
    /// The chat connection that makes it, where it isn't this one
    #[arg(long, value_name = "NAME")]
    pub chat: Option<ChatName>,
}

/// Makes a meeting.
pub struct Create {
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
    announcer: Arc<dyn Announcer>,
    records: Arc<dyn Records>,
}

impl Create {
    /// With the places, the connections, the way there, and the book of meetings.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self {
            places: services.places.clone(),
            platforms: services.platforms.clone(),
            announcer: services.announcer.clone(),
            records: services.records.clone(),
        }
    }
}

impl Command for Create {
    const NAME: &'static str = "meet create";
    const SUMMARY: &'static str = "Makes a meeting that is joined over a link";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] =
        &["meet create \"Incident 42\" --at 15:00 --with @ann", "meet create Planning --at \"tomorrow 9:00\" --for 1h"];
    const COMPLETES: &'static [&'static str] = &["to", "chat"];
    type Args = CreateArgs;

    async fn run(&self, call: &Call, args: CreateArgs) -> Result<Reply, CommandError> {
        let title = line(&args.title);
        if title.trim().is_empty() || title.chars().count() > TITLE {
            return Err(CommandError::invalid("title", format!("a title has between 1 and {TITLE} characters")));
        }
        let starts = args.at.resolve(call.now, call.caller.zone).map_err(|why| CommandError::invalid("at", why))?;
        let ends = until(starts, args.r#for)?;
        let also = match &args.to {
            Some(place) => Some(self.places.resolve(place, &call.at).await?),
            None => None,
        };
        let platform = platform(&*self.platforms, args.chat.as_ref(), call)?;
        let attendees = addresses(&*self.platforms, call, &args.with).await?;
        let asking = self.platforms.platform(&call.at.chat);
        let organizer_email = match asking {
            Some(asking) if asking.name() != platform.name() => asking.email(&call.caller.user).await?,
            _ => None,
        };
        let wanted = NewMeeting {
            key: call.id.to_string(),
            title,
            starts,
            ends,
            zone: call.caller.zone,
            attendees,
            organizer: Some(call.caller.user.clone()),
            organizer_email,
        };
        let meetings: &dyn Meetings = platform.meetings().ok_or_else(|| super::none(platform.name()))?;
        let made = meetings.schedule(&wanted).await?;
        let id = short(call);
        let mut shown = vec![(call.at.clone(), answer_of(call))];
        let elsewhere = also.filter(|also| *also != call.at).map(|also| (also, CardKey::new(format!("meeting:{id}"))));
        shown.extend(elsewhere.clone());
        let meeting =
            Kept { chat: platform.name().clone(), wanted, made, by: call.caller.user.clone(), by_name: call.caller.name.clone(), shown };
        keep(&*self.records, &id, &meeting).await?;
        let card = card(&id, &meeting, call.caller.zone);
        if let Some((place, key)) = elsewhere {
            self.announcer.announce(&place, card.clone(), Audience::Everyone, Some(key), call).await?;
        }
        Ok(Reply::new(card))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "to" => complete_place(&*self.places, call, typed).await,
            "chat" => suggest(typed, self.platforms.names().into_iter().map(|name| (name.to_string(), String::new()))),
            _ => Vec::new(),
        }
    }
}
