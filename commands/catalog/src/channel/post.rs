//! `channel post`: says something in a channel in the bot's name, with who had it said, now or later. It notifies nobody:
//! mentions in the text stay text.

use super::complete_place;
use crate::schedule::keep;
use crate::schedule::remove::{Remove, RemoveArgs};
use crate::wording::{code, local, sentence};
use bellhop_core::command::Suggestion;
use bellhop_core::fit::fit;
use bellhop_core::ids::{CardKey, DeliveryKey};
use bellhop_core::moment::Moment;
use bellhop_core::ports::{self, Announcer, Places, Platforms, Schedule, ScheduleBook};
use bellhop_core::{
    Access, Action, Address, Audience, Call, Card, Command, CommandError, Effect, Invoke, PlaceRef, PortErrorKind, Registry, Reply, Span,
    Timestamp, Tone,
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Weak};

/// Arguments of `channel post`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct PostArgs {
    /// What to say
    #[arg(allow_hyphen_values = true)]
    pub text: String,
    /// The rest of a text that was typed without quotes
    #[arg(hide = true)]
    #[serde(default)]
    pub rest: Vec<String>,
    /// The channel, such as #ops or work/#ops; this one unless told
    #[arg(long = "in", value_name = "PLACE")]
    pub r#in: Option<PlaceRef>,
    /// When, on your clock: 15:00, "tomorrow 9:00", "2026-12-01 09:00" or 2h from now; at once unless told
    #[arg(long, value_name = "TIME")]
    #[serde(default)]
    pub at: Option<Moment>,
}

/// Posts a text.
pub struct Post {
    places: Arc<dyn Places>,
    announcer: Arc<dyn Announcer>,
    platforms: Arc<dyn Platforms>,
    schedules: Arc<dyn ScheduleBook>,
    registry: Weak<Registry>,
}

impl Post {
    /// With the places, the way there, what runs later, and the list of commands.
    pub(crate) fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self {
            places: services.places.clone(),
            announcer: services.announcer.clone(),
            platforms: services.platforms.clone(),
            schedules: services.schedules.clone(),
            registry: registry.clone(),
        }
    }

    /// Leaves it to the platform, where that plans messages; false where it doesn't plan this one.
    async fn left_to_platform(&self, call: &Call, to: &Address, card: &Card, at: Timestamp) -> Result<bool, CommandError> {
        let Some(platform) = self.platforms.platform(&to.chat) else { return Ok(false) };
        let mut cards = fit(card, &platform.capabilities());
        let (Some(card), true) = (cards.pop(), cards.is_empty()) else { return Ok(false) };
        let post = ports::Post {
            // The key makes a repeated call plan the same message.
            key: DeliveryKey::new(format!("post/{}", call.id)),
            to: to.clone(),
            card,
            audience: Audience::Everyone,
            answers: None,
            reply: None,
        };
        match platform.post_later(&post, at).await {
            Ok(_) => Ok(true),
            // It plans none, none so far ahead, or none so long: then it is posted from here.
            Err(error) if matches!(error.kind, PortErrorKind::Unsupported | PortErrorKind::Invalid | PortErrorKind::TooLarge) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Has this very command run at that time, without the time.
    async fn keep_for_later(&self, call: &Call, args: PostArgs, at: Timestamp) -> Result<Schedule, CommandError> {
        let registry =
            self.registry.upgrade().ok_or_else(|| CommandError::Refused("the bot is stopping; try again in a moment".to_owned()))?;
        let invoke = Invoke::of::<Self>(&PostArgs { at: None, ..args });
        let schedule = Schedule {
            id: String::new(),
            cron: Schedule::ONCE.to_owned(),
            zone: call.caller.zone,
            line: registry.line(&invoke),
            invoke,
            owner: call.caller.user.clone(),
            owner_name: call.caller.name.clone(),
            to: call.at.clone(),
            next: at,
            last: None,
        };
        keep(&*self.schedules, call, schedule).await
    }

    async fn later(&self, call: &Call, args: PostArgs, moment: &Moment, to: &Address, card: &Card) -> Result<Reply, CommandError> {
        let at = moment.resolve(call.now, call.caller.zone).map_err(|why| CommandError::invalid("at", why))?;
        let spelled = code(self.places.spell(to).await);
        let said = |at: Timestamp| vec!["Posted to ".into(), spelled, " on ".into(), Span::Bold(local(at, call.caller.zone)), ".".into()];
        if self.left_to_platform(call, to, card, at).await? {
            let card = Card::titled("Planned").tone(Tone::Good).and_spans(said(at));
            return Ok(Reply::private(card.and_text("The chat itself keeps it and posts it then.")));
        }
        let kept = self.keep_for_later(call, args, at).await?;
        let remove = Invoke::of::<Remove>(&RemoveArgs { id: kept.id.clone() });
        Ok(Reply::private(
            Card::titled("Planned")
                .tone(Tone::Good)
                .and_spans(said(kept.next))
                .and_fields(vec![("Id", code(&kept.id))])
                .and_actions(vec![Action::invoke("Remove", remove)]),
        ))
    }
}

impl Command for Post {
    const NAME: &'static str = "channel post";
    const SUMMARY: &'static str = "Posts a message to a channel, now or later";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "channel post \"The release is out\" --in #general",
        "channel post \"Stand-up in five minutes\" --at \"tomorrow 9:25\"",
        "channel post \"The build is frozen\" --in #general --at 2h",
    ];
    const COMPLETES: &'static [&'static str] = &["in"];
    type Args = PostArgs;

    async fn run(&self, call: &Call, args: PostArgs) -> Result<Reply, CommandError> {
        let text = sentence("text", &args.text, &args.rest)?;
        let to = match &args.r#in {
            Some(place) => self.places.resolve(place, &call.at).await?,
            None => call.at.clone(),
        };
        let card = Card::default().and_text(text).and_spans(vec!["— ".into(), Span::Bold(call.caller.name.clone())]);
        if let Some(moment) = args.at.clone() {
            return self.later(call, args, &moment, &to, &card).await;
        }
        // The key makes a repeated call change its first message instead of posting a second.
        let key = CardKey::new(format!("post/{}", call.id));
        self.announcer.announce(&to, card, Audience::Everyone, Some(key), call).await?;
        let spelled = self.places.spell(&to).await;
        Ok(Reply::private(Card::default().tone(Tone::Good).and_spans(vec!["Posted to ".into(), code(spelled), ".".into()])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "in" => complete_place(&*self.places, call, typed).await,
            _ => Vec::new(),
        }
    }
}
