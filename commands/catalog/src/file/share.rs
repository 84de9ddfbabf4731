//! `file share`: a link to a file that works for a while, given to the one who asks or brought to another place.
//!
//! Links are Bellhop's own unless told: short, counted, and called back at any time. One that the store makes itself can't be
//! called back and lets anyone in who sees it, so that only the one who asks is shown it.

mod direct;

use super::unshare::{Unshare, UnshareArgs};
use super::{Located, block, complete, locate, size, stores_at};
use crate::channel::complete_place;
use crate::wording::code;
use bellhop_core::card::ActionStyle;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{CardKey, StoreName, VersionId};
use bellhop_core::period::Span as Length;
use bellhop_core::ports::{Announcer, FileInfo, Link, Links, NewLink, Places, Stores};
use bellhop_core::{
    Action, Address, Audience, Call, Card, Command, CommandError, Effect, Invoke, PlaceRef, PortErrorKind, Reply, Span, Tone,
};
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
    /// Ends the link with its first download
    #[arg(long)]
    #[serde(default)]
    pub once: bool,
    /// A link of the store's own, past Bellhop: shown to you alone, neither counted nor called back
    #[arg(long)]
    #[serde(default)]
    pub direct: bool,
    /// Binds the link to an access policy of the store's bucket: revoking that ends it
    #[arg(long, value_name = "ID")]
    #[serde(default)]
    pub policy: Option<String>,
}

impl ShareArgs {
    /// The file as it is, for as long as is usual.
    pub(crate) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), to: None, expires: None, version: None, store: None, once: false, direct: false, policy: None }
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

    /// Shows the file and its link in another place.
    async fn bring(&self, call: &Call, to: &Address, file: &Located, info: &FileInfo, given: &Given<'_>) -> Result<(), CommandError> {
        let mut card = Card::titled(info.name.clone()).and_spans(vec![
            Span::Bold(call.caller.name.clone()),
            " shares a file from ".into(),
            code(self.places.spell(&call.at).await),
            ".".into(),
        ]);
        card = card.and_fields(given.fields(info));
        // Where a link is good for one download, or as long as a policy allows, the file itself isn't left there for ever.
        if !given.bound() {
            card = card.block(block(file.store_name(), info));
        }
        // The key makes a repeated call change its first card instead of posting a second.
        let key = CardKey::new(format!("share/{}", call.id));
        self.announcer.announce(to, card.and_actions(given.actions()), Audience::Everyone, Some(key), call).await?;
        Ok(())
    }
}

/// A link of our own, and what it was asked to be.
struct Given<'a> {
    link: &'a Link,
    args: &'a ShareArgs,
}

impl Given<'_> {
    fn bound(&self) -> bool {
        self.args.once || self.args.policy.is_some()
    }

    fn fields(&self, info: &FileInfo) -> Vec<(&'static str, Span)> {
        let mut fields = vec![("Size", size(info.size)), ("Link works until", Span::Time(self.link.expires))];
        if self.args.once {
            fields.push(("Good for", "one download".into()));
        }
        if let Some(policy) = &self.args.policy {
            fields.push(("While allowed by", code(policy)));
        }
        fields
    }

    fn actions(&self) -> Vec<Action> {
        let revoke = Invoke::of::<Unshare>(&UnshareArgs { what: self.link.handle.clone(), store: None });
        vec![Action::open("Download", self.link.url.clone()), Action::invoke("Revoke", revoke).style(ActionStyle::Plain)]
    }
}

/// Arguments that don't go together.
fn sensible(args: &ShareArgs) -> Result<(), CommandError> {
    let together = |one: &str, other: &str, why: &str| CommandError::Refused(format!("{one} and {other} don't go together: {why}"));
    if args.direct && args.to.is_some() {
        return Err(together("--direct", "--to", "a link of the store's own is shown to the one who asks alone"));
    }
    if args.direct && args.once {
        return Err(together("--direct", "--once", "what passes Bellhop by isn't counted"));
    }
    if args.direct && args.policy.is_some() {
        return Err(together("--direct", "--policy", "--policy alone gives the link that the store binds to it"));
    }
    if args.policy.is_some() && args.expires.is_some() {
        return Err(together("--policy", "--expires", "the policy says how long; `bucket access NAME change ID --expires 7d` changes it"));
    }
    Ok(())
}

impl Command for Share {
    const NAME: &'static str = "file share";
    const SUMMARY: &'static str = "Makes a link to a file that expires, and brings it elsewhere";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] =
        &["file share report.pdf", "file share report.pdf --to #general --expires 10m", "file share report.pdf --once"];
    const COMPLETES: &'static [&'static str] = &["name", "to", "store", "policy"];
    type Args = ShareArgs;

    async fn run(&self, call: &Call, args: ShareArgs) -> Result<Reply, CommandError> {
        let length = args.expires.map_or(if args.policy.is_some() { LONGEST } else { DEFAULT }, |span| span.0);
        if length < SHORTEST || length > LONGEST {
            let why = format!("a link works for 10s at least and 7d at most, not for {}", Length(length));
            return Err(CommandError::invalid("expires", why));
        }
        sensible(&args)?;
        let file = locate(&*stores_at(&self.stores, call).await, &args.name, args.store.as_ref())?;
        let mut info = file.head(args.version.as_ref()).await?;
        if args.direct {
            return direct::own(call, &file, &info, &args, length).await;
        }
        if let Some(policy) = &args.policy {
            match file.store.share_bound(&file.name, args.version.as_ref(), policy).await {
                Ok(Some(_)) if args.once || args.to.is_some() => {
                    let why = "links that this store binds to a policy are its own: they are shown to you alone and aren't counted; leave \
                               --to and --once out";
                    return Err(CommandError::Refused(why.to_owned()));
                }
                Ok(Some(url)) => return Ok(direct::bound(call, &file, &info, &url, policy)),
                // Bellhop serves the bytes, and asks again each time whether the policy allows it.
                Ok(None) => {}
                Err(error) if matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Invalid | PortErrorKind::Denied) => {
                    return Err(CommandError::invalid("policy", error.message));
                }
                Err(error) if error.kind == PortErrorKind::Unsupported => return Err(CommandError::Refused(error.message)),
                Err(error) => return Err(error.into()),
            }
        }
        let to = match &args.to {
            Some(place) => Some(self.places.resolve(place, &call.at).await?),
            None => None,
        };
        let new = NewLink {
            store: file.store_name().clone(),
            name: file.name.clone(),
            version: args.version.clone(),
            seconds: length.as_secs(),
            once: args.once,
            policy: args.policy.clone(),
        };
        let link = self.links.make_with(call, &new).await?;
        let given = Given { link: &link, args: &args };
        let mut card = Card::titled(format!("Link to {}", info.name))
            .tone(Tone::Good)
            .and_spans(vec![Span::Link { text: link.url.clone(), url: link.url.clone() }])
            .and_fields(given.fields(&info));
        if let Some(to) = &to {
            // Without a version the newest is meant, also when it is fetched a little later.
            info.version.clone_from(&args.version);
            self.bring(call, to, &file, &info, &given).await?;
            card = card.and_spans(vec!["Brought to ".into(), code(self.places.spell(to).await), ".".into()]);
        }
        Ok(Reply::new(card.and_actions(given.actions())))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let stores = stores_at(&self.stores, call).await;
        match argument {
            "to" => complete_place(&*self.places, call, typed).await,
            "policy" => direct::complete_policy(&*stores, typed).await,
            _ => complete(&*stores, argument, typed).await,
        }
    }
}
