//! `file share`: a link to a file that works for a while, given to the one who asks or brought to another place.

use super::{block, complete, locate, size, stores_at};
use crate::channel::complete_place;
use crate::wording::code;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{CardKey, StoreName, VersionId};
use bellhop_core::period::Span as Length;
use bellhop_core::ports::{Announcer, Links, Places, Stores};
use bellhop_core::{Action, Audience, Call, Card, Command, CommandError, Effect, PlaceRef, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

const DEFAULT: Duration = Duration::from_hours(1);
const SHORTEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// Arguments of `file share`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ShareArgs {
    /// The file's name, or STORE:NAME
    pub name: String,
    /// Sends it to that channel too, such as #ops or work/#ops
    #[arg(long, value_name = "PLACE")]
    pub to: Option<PlaceRef>,
    /// How long the link works, such as 10m, 2h or 7d; 1h unless told, 7d at most
    #[arg(long, value_name = "SPAN")]
    pub expires: Option<Length>,
    /// An older version, by its id from `file versions`
    #[arg(long, value_name = "ID")]
    pub version: Option<VersionId>,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

impl ShareArgs {
    /// The file as it is, for as long as is usual.
    pub(crate) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), to: None, expires: None, version: None, store: None }
    }
}

/// Shares a file.
pub struct Share {
    stores: Arc<dyn Stores>,
    links: Arc<dyn Links>,
    places: Arc<dyn Places>,
    announcer: Arc<dyn Announcer>,
}

impl Share {
    /// With the stores, the links, and the way to other places.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self {
            stores: services.stores.clone(),
            links: services.links.clone(),
            places: services.places.clone(),
            announcer: services.announcer.clone(),
        }
    }
}

impl Command for Share {
    const NAME: &'static str = "file share";
    const SUMMARY: &'static str = "Makes a link to a file that expires, and brings it elsewhere";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["file share report.pdf", "file share report.pdf --to #general --expires 10m"];
    const COMPLETES: &'static [&'static str] = &["name", "to", "store"];
    type Args = ShareArgs;

    async fn run(&self, call: &Call, args: ShareArgs) -> Result<Reply, CommandError> {
        let length = args.expires.map_or(DEFAULT, |span| span.0);
        if length < SHORTEST || length > LONGEST {
            let why = format!("a link works for 10s at least and 7d at most, not for {}", Length(length));
            return Err(CommandError::invalid("expires", why));
        }
        let file = locate(&*stores_at(&self.stores, call).await, &args.name, args.store.as_ref())?;
        let mut info = file.head(args.version.as_ref()).await?;
        let to = match &args.to {
            Some(place) => Some(self.places.resolve(place, &call.at).await?),
            None => None,
        };
        let link = self.links.make(call, file.store_name(), &file.name, args.version.as_ref(), length.as_secs()).await?;
        let fields = vec![("Size", size(info.size)), ("Link works until", Span::Time(link.expires))];
        let download = Action::open("Download", link.url.clone());
        let mut card = Card::titled(format!("Link to {}", info.name))
            .tone(Tone::Good)
            .and_spans(vec![Span::Link { text: link.url.clone(), url: link.url.clone() }])
            .and_fields(fields.clone());
        if let Some(to) = &to {
            info.version = args.version;
            let there = Card::titled(info.name.clone())
                .and_spans(vec![
                    Span::Bold(call.caller.name.clone()),
                    " shares a file from ".into(),
                    code(self.places.spell(&call.at).await),
                    ".".into(),
                ])
                .and_fields(fields)
                .block(block(file.store_name(), &info))
                .and_actions(vec![download.clone()]);
            // The key makes a repeated call change its first card instead of posting a second.
            let key = CardKey::new(format!("share/{}", call.id));
            self.announcer.announce(to, there, Audience::Everyone, Some(key), call).await?;
            card = card.and_spans(vec!["Brought to ".into(), code(self.places.spell(to).await), ".".into()]);
        }
        Ok(Reply::new(card.and_actions(vec![download])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "to" => complete_place(&*self.places, call, typed).await,
            _ => complete(&*stores_at(&self.stores, call).await, argument, typed).await,
        }
    }
}
