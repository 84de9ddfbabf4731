//! `file tag`: short texts under short names that go with a file, shown or set.

use super::info::{Info, InfoArgs};
use super::{complete, locate, stores_at, tagged};
use crate::wording::{code, line};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::Stores;
use bellhop_core::{Access, Action, Call, Card, Command, CommandError, Effect, Invoke, Reply, Tone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Arguments of `file tag`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct TagArgs {
    /// The file's name, or STORE:NAME
    pub name: String,
    /// Tags to set, such as project=atlas; shows those that are there when left out
    #[arg(value_name = "NAME=VALUE", value_parser = checked)]
    #[serde(default)]
    pub tags: Vec<String>,
    /// Removes the tag of this name
    #[arg(long, value_name = "TAG")]
    #[serde(default)]
    pub remove: Vec<String>,
    /// Removes all tags that were there before
    #[arg(long)]
    #[serde(default)]
    pub clear: bool,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
}

/// A tag as it is typed, taken as it is when it can be read.
pub(super) fn checked(typed: &str) -> Result<String, String> {
    pair(typed).map(|_| typed.to_owned())
}

fn pair(typed: &str) -> Result<(String, String), String> {
    let shown = || line(typed);
    let Some((name, value)) = typed.split_once('=') else {
        return Err(format!("`{}` is no tag; write NAME=VALUE, such as project=atlas", shown()));
    };
    let name = name.trim();
    if name.is_empty() {
        return Err(format!("`{}` has no name before the =", shown()));
    }
    if typed.chars().any(|c| c.is_control() || bellhop_core::text::is_hidden(c)) {
        return Err(format!("`{}` has control or invisible characters", shown()));
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

/// Tags by name. One name twice is a mistake to be told.
pub(super) fn read(typed: &[String]) -> Result<BTreeMap<String, String>, CommandError> {
    let mut tags = BTreeMap::new();
    for one in typed {
        let (name, value) = pair(one).map_err(|why| CommandError::invalid("tag", why))?;
        if tags.insert(name.clone(), value).is_some() {
            return Err(CommandError::invalid("tag", format!("the tag {} is given twice", line(&name))));
        }
    }
    Ok(tags)
}

/// Shows and sets tags.
pub struct Tag {
    stores: Arc<dyn Stores>,
}

impl Tag {
    /// With the stores.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { stores: services.stores.clone() }
    }
}

impl Command for Tag {
    const NAME: &'static str = "file tag";
    const SUMMARY: &'static str = "Shows or sets a file's tags";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] =
        &["file tag report.pdf", "file tag report.pdf project=atlas year=2026", "file tag report.pdf --remove year"];
    const COMPLETES: &'static [&'static str] = &["name", "store"];
    type Args = TagArgs;

    fn weight(args: &TagArgs) -> (Access, Effect) {
        let shows = args.tags.is_empty() && args.remove.is_empty() && !args.clear;
        if shows { (Access::Member, Effect::Reads) } else { (Self::ACCESS, Self::EFFECT) }
    }

    async fn run(&self, call: &Call, args: TagArgs) -> Result<Reply, CommandError> {
        let file = locate(&*stores_at(&self.stores, call).await, &args.name, args.store.as_ref())?;
        let new = read(&args.tags)?;
        let before = match file.store.tags(&file.name).await {
            Ok(tags) => tags,
            Err(error) => return Err(file.failed(error).await),
        };
        let info = Action::invoke("Info", Invoke::of::<Info>(&InfoArgs { name: file.sure.clone(), version: None, store: None }));
        let told = |tags: &BTreeMap<String, String>| if tags.is_empty() { "none".to_owned() } else { tagged(tags) };
        if Self::weight(&args).1 == Effect::Reads {
            let mut card = Card::titled(format!("Tags of {}", line(&file.name)));
            card = if before.is_empty() {
                card.and_spans(vec!["It has none. ".into(), code("file tag NAME project=atlas"), " sets one.".into()])
            } else {
                card.and_fields(before.iter().map(|(name, value)| (line(name), code(value))).collect())
            };
            return Ok(Reply::new(card.and_actions(vec![info])));
        }
        if let Some(missing) = args.remove.iter().find(|name| !before.contains_key(name.as_str())) {
            let nearest = bellhop_core::nearest::nearest(missing, before.keys().map(String::as_str)).map(str::to_owned);
            return Err(CommandError::NotFound { what: "tag", name: line(missing), nearest });
        }
        let mut after = if args.clear { BTreeMap::new() } else { before.clone() };
        after.retain(|name, _| !args.remove.contains(name));
        after.extend(new);
        if let Err(error) = file.store.set_tags(&file.name, &after).await {
            return Err(file.failed(error).await);
        }
        let card = Card::titled(format!("Tagged {}", line(&file.name)))
            .tone(Tone::Good)
            .and_fields(vec![("Before", told(&before)), ("Now", told(&after))]);
        Ok(Reply::new(card.and_actions(vec![info])))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}
