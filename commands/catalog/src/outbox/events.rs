//! `outbox events`: how far the services are that are fed with events, and what they refused.

use super::resend::{Resend, ResendArgs};
use crate::wording::{code, count, line, local, table};
use bellhop_core::card::Block;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{Feed, Feeds};
use bellhop_core::text::grouped;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Invoke, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many refused events are shown.
const MOST: usize = 50;

/// Arguments of `outbox events`.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct EventsArgs {
    /// What this source refused; of all unless told
    #[arg(long, value_name = "NAME")]
    #[serde(default)]
    pub source: Option<SourceName>,
}

/// Lists the lanes of events and what was refused.
pub struct Events {
    feeds: Arc<dyn Feeds>,
}

impl Events {
    /// With the lanes.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { feeds: services.feeds.clone() }
    }
}

impl Command for Events {
    const NAME: &'static str = "outbox events";
    const SUMMARY: &'static str = "Lists events on their way to services, and those that were refused";
    const ACCESS: Access = Access::Operator;
    const EXAMPLES: &'static [&'static str] = &["outbox events", "outbox events --source product"];
    const COMPLETES: &'static [&'static str] = &["source"];
    type Args = EventsArgs;

    async fn run(&self, call: &Call, args: EventsArgs) -> Result<Reply, CommandError> {
        let feeds = known(&*self.feeds, args.source.as_ref()).await?;
        let card = Card::titled("Events on their way");
        if feeds.is_empty() {
            let said = "No service is fed with the events that come in. To feed one, write receives = true into its [analytics.NAME].";
            return Ok(Reply::private(card.and_text(said)));
        }
        let zone = call.caller.zone;
        let rows = feeds.iter().map(|feed| {
            vec![
                vec![code(feed.source.as_str())],
                vec![number(feed.waiting).into()],
                vec![feed.oldest.map_or_else(|| "–".to_owned(), |at| local(at, zone)).into()],
                vec![number(feed.refused).into()],
                vec![feed.dropped.map_or_else(|| "0".to_owned(), |(many, _)| number(many)).into()],
                vec![line(&state(feed, zone)).into()],
            ]
        });
        let lanes = table("services that are fed", &["Service", "Waiting#", "Since", "Refused#", "Dropped#", "State"], rows.collect());
        let refused = self.feeds.refused(args.source.as_ref(), MOST).await?;
        let trouble = !refused.is_empty() || feeds.iter().any(|feed| feed.rests.is_some() || feed.dropped.is_some());
        let card = card.tone(if trouble { Tone::Warning } else { Tone::Good }).block(Block::Table(lanes));
        if refused.is_empty() {
            return Ok(Reply::private(card.and_text("Nothing was refused.")));
        }
        let rows = refused.iter().map(|one| {
            vec![
                vec![code(one.source.as_str())],
                vec![code(line(&one.event.event))],
                vec![line(&one.event.distinct_id).into()],
                vec![local(one.at, zone).into()],
                vec![line(&one.reason).into()],
            ]
        });
        let listed = table("events that were refused", &["Service", "Event", "Person", "Refused", "Why"], rows.collect());
        let said = format!("The latest {}. Mend the reason, then have them sent again.", count(refused.len(), "refused event"));
        let again = feeds.iter().filter(|feed| feed.refused > 0 && feed.configured).take(5);
        let again = again.map(|feed| {
            let args = ResendArgs { source: feed.source.clone() };
            Action::invoke(format!("Send to {} again", feed.source), Invoke::of::<Resend>(&args))
        });
        Ok(Reply::private(card.and_text(said).block(Block::Table(listed)).and_actions(again.collect())))
    }

    async fn complete(&self, _call: &Call, _argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*self.feeds, typed).await
    }
}

fn number(count: u64) -> String {
    grouped(i64::try_from(count).unwrap_or(i64::MAX))
}

fn state(feed: &Feed, zone: chrono_tz::Tz) -> String {
    let mut said = match &feed.rests {
        Some((why, until)) => format!("waits until {}: {why}", local(*until, zone)),
        None if feed.waiting > 0 => "is being sent".to_owned(),
        None => "up to date".to_owned(),
    };
    if !feed.configured && feed.source.as_str() != crate::analytics::OWN {
        "not fed any more by the configuration".clone_into(&mut said);
    }
    match feed.dropped {
        Some((_, at)) => format!("{said}; the oldest were dropped for want of room, last {}", local(at, zone)),
        None => said,
    }
}

/// The lanes, or the one of a source.
pub(super) async fn known(feeds: &dyn Feeds, source: Option<&SourceName>) -> Result<Vec<Feed>, CommandError> {
    let all = feeds.feeds().await?;
    let Some(source) = source else { return Ok(all) };
    if let Some(feed) = all.iter().find(|feed| feed.source == *source) {
        return Ok(vec![feed.clone()]);
    }
    let nearest = bellhop_core::nearest::nearest(source.as_str(), all.iter().map(|feed| feed.source.as_str())).map(str::to_owned);
    Err(CommandError::NotFound { what: "service that is fed", name: source.to_string(), nearest })
}

pub(super) async fn complete(feeds: &dyn Feeds, typed: &str) -> Vec<Suggestion> {
    let Ok(all) = feeds.feeds().await else { return Vec::new() };
    crate::wording::suggest(typed, all.into_iter().map(|feed| (feed.source.to_string(), format!("{} refused", feed.refused))))
}
