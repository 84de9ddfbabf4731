//! `file unshare`: calls links back. One's own; those of others are for operators.

use super::{Located, complete, locate, stores_at};
use crate::wording::{code, count, line};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{GivenLink, LinkFilter, Links, Stores};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many links end at once.
const MOST: usize = 1000;
/// How many are named in the answer.
const NAMED: usize = 20;

/// Arguments of `file unshare`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct UnshareArgs {
    /// The link's id from `file links`, the link itself, or a file's name for all links to it
    #[arg(value_name = "ID|LINK|NAME")]
    pub what: String,
    /// The store of a file's name, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// Revokes links.
pub struct Unshare {
    stores: Arc<dyn Stores>,
    links: Arc<dyn Links>,
}

impl Unshare {
    /// With the stores and the links.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone(), links: services.links.clone() }
    }

    /// The links that are meant, whoever made them, and the file where one was named.
    async fn meant(&self, call: &Call, args: &UnshareArgs) -> Result<(Vec<GivenLink>, Option<Located>), CommandError> {
        let address = args.what.contains("://");
        let plain = !args.what.is_empty() && args.what.bytes().all(|b| b.is_ascii_alphanumeric());
        if args.store.is_none() && (address || plain) {
            let which = LinkFilter { which: Some(args.what.clone()), limit: 2, ..LinkFilter::default() };
            match self.links.list(&which).await?.as_slice() {
                [] if address => {
                    return Err(CommandError::Refused("no such link works here: it was never given out, or it has ended".to_owned()));
                }
                [] => {}
                [one] => return Ok((vec![one.clone()], None)),
                _ => {
                    let why = format!("more than one link begins with {}; give the link itself", line(&args.what));
                    return Err(CommandError::invalid("what", why));
                }
            }
        }
        let file = locate(&*stores_at(&self.stores, call).await, &args.what, args.store.as_ref())?;
        let of = LinkFilter { file: Some((file.store_name().clone(), file.name.clone())), limit: MOST, ..LinkFilter::default() };
        Ok((self.links.list(&of).await?, Some(file)))
    }
}

impl Command for Unshare {
    const NAME: &'static str = "file unshare";
    const SUMMARY: &'static str = "Revokes a link to a file, or all links to it";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &["file unshare 7k2m9x", "file unshare report.pdf"];
    const COMPLETES: &'static [&'static str] = &["what", "store"];
    type Args = UnshareArgs;

    async fn run(&self, call: &Call, args: UnshareArgs) -> Result<Reply, CommandError> {
        let (found, file) = self.meant(call, &args).await?;
        let own = |link: &GivenLink| call.caller.access >= Access::Operator || link.made_by == call.caller.user.to_string();
        let (mine, others): (Vec<GivenLink>, Vec<GivenLink>) = found.into_iter().partition(own);
        if mine.is_empty() {
            return Err(match (others.is_empty(), file) {
                (false, _) => CommandError::Refused("that link is someone else's: they or an operator can revoke it".to_owned()),
                (true, Some(file)) => {
                    CommandError::Refused(format!("no link to {} works now, and no link has that id", line(&file.spelled)))
                }
                (true, None) => CommandError::not_found("link", line(&args.what)),
            });
        }
        let mut ended: Vec<&GivenLink> = Vec::new();
        for link in &mine {
            if self.links.revoke(&link.handle).await? {
                ended.push(link);
            }
        }
        let title = match ended.as_slice() {
            [one] => format!("Revoked the link to {}", line(&one.of.name)),
            ended => format!("Revoked {}", count(ended.len(), "link")),
        };
        let mut spans: Vec<Span> = Vec::new();
        for link in ended.iter().take(NAMED) {
            spans.extend([code(&link.handle), " ".into()]);
        }
        spans.push(if ended.len() == 1 { "gives nothing any more.".into() } else { "give nothing any more.".into() });
        let mut card = Card::titled(title).tone(Tone::Good).and_spans(spans);
        if !others.is_empty() {
            card = card.and_text(format!("{} of others still work: an operator can revoke them.", count(others.len(), "link")));
        }
        Ok(Reply::new(card))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        if argument != "what" {
            return complete(&*stores_at(&self.stores, call).await, argument, typed).await;
        }
        let everyone = call.caller.access >= Access::Operator;
        let filter = LinkFilter { made_by: (!everyone).then(|| call.caller.user.to_string()), limit: 50, ..LinkFilter::default() };
        let links = self.links.list(&filter).await.unwrap_or_default();
        crate::wording::suggest(typed, links.into_iter().map(|link| (link.handle, format!("to {}", line(&link.of.name)))))
    }
}
