//! What becomes of an answer: shown where it was asked, with its figures as a file, written into a store, posted to a channel,
//! and its question kept under a name. Every question that can be asked takes these options.

use super::asking::{CSV, attached, file_stem};
use super::saved::{self, Kept};
use crate::file::{locate, stores_at};
use crate::wording::{code, line};
use bellhop_core::analytics::Answer;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{CardKey, StoreName};
use bellhop_core::ports::{Announcer, NewFile, Places, Records, Sources, Stores};
use bellhop_core::{Access, Address, Audience, Call, Card, Command, CommandError, Effect, Invoke, PlaceRef, Registry, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Weak};

/// The folder that figures go to where no name is told.
const FOLDER: &str = "reports";

/// What is to become of an answer.
#[derive(Clone, Debug, Default, PartialEq, clap::Args, Serialize, Deserialize)]
pub struct Outcome {
    /// Adds the figures as a file
    #[arg(long)]
    #[serde(default)]
    pub csv: bool,
    /// Keeps the question under a name: `report NAME` asks it again
    #[arg(long, value_name = "NAME")]
    #[serde(default)]
    pub save: Option<String>,
    /// Writes the figures into a store: its name, or STORE:NAME for a file's name of your own
    #[arg(long, value_name = "STORE")]
    #[serde(default)]
    pub store: Option<String>,
    /// Posts the answer to that channel, such as #ops or work/#ops
    #[arg(long, value_name = "PLACE")]
    #[serde(default)]
    pub to: Option<PlaceRef>,
}

impl Outcome {
    /// What asking needs and does: only what leaves something behind is more than reading.
    pub(crate) fn weight(&self) -> (Access, Effect) {
        if self.save.is_some() || self.store.is_some() || self.to.is_some() {
            (Access::Operator, Effect::Writes)
        } else {
            (Access::Member, Effect::Reads)
        }
    }

    /// The same without what it leaves behind: as buttons and kept questions ask.
    pub(crate) fn only_shown(&self) -> Self {
        Self { csv: self.csv, ..Self::default() }
    }
}

/// What was found out.
pub(crate) struct Found {
    /// As it is shown.
    pub card: Card,
    /// The tables behind it, each with the name of its file without the ending.
    pub tables: Vec<(String, Answer)>,
}

impl Found {
    /// A card with the table of one answer.
    pub fn of(card: Card, answer: &Answer, stem: &str) -> Self {
        Self { card, tables: vec![(stem.to_owned(), answer.clone())] }
    }
}

/// The ways that answers take.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub sources: Arc<dyn Sources>,
    records: Arc<dyn Records>,
    stores: Arc<dyn Stores>,
    places: Arc<dyn Places>,
    announcer: Arc<dyn Announcer>,
    registry: Weak<Registry>,
}

impl Outlet {
    /// With the sources, the notes, the stores, the places, the way there, and the list of commands.
    pub fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self {
            sources: services.sources.clone(),
            records: services.records.clone(),
            stores: services.stores.clone(),
            places: services.places.clone(),
            announcer: services.announcer.clone(),
            registry: registry.clone(),
        }
    }

    /// Sees to it that what was asked for can be done, before anything is asked of a source.
    pub async fn ready<C: Command>(&self, call: &Call, outcome: &Outcome, asked: &C::Args, subjects: &[&str]) -> Result<(), CommandError> {
        if let Some(name) = &outcome.save {
            saved::free(&*self.sources, name, subjects).await?;
            if let Some(there) = self.saved(name).await? {
                saved::unlike(&there, &self.kept::<C>(call, name, asked)?)?;
            }
        }
        if let Some(store) = &outcome.store {
            let stores = stores_at(&self.stores, call).await;
            target(&*stores, store, "figures")?;
        }
        self.place(call, outcome).await?;
        Ok(())
    }

    async fn place(&self, call: &Call, outcome: &Outcome) -> Result<Option<Address>, CommandError> {
        match &outcome.to {
            Some(place) => Ok(Some(self.places.resolve(place, &call.at).await?)),
            None => Ok(None),
        }
    }

    /// Does with an answer what was asked for. What could not be done is told on the card: the answer itself is never lost.
    pub async fn give<C: Command>(&self, call: &Call, outcome: &Outcome, asked: &C::Args, found: Found) -> Result<Reply, CommandError> {
        let Found { mut card, tables } = found;
        let (mut told, mut undone): (Vec<Vec<Span>>, bool) = (Vec::new(), false);
        if outcome.csv {
            for (stem, answer) in &tables {
                card = card.block(attached(answer, stem));
            }
        }
        if let Some(typed) = &outcome.store {
            for (stem, answer) in &tables {
                match self.stored(call, typed, stem, tables.len() > 1, answer).await {
                    Ok(name) => told.push(vec!["The figures are stored as ".into(), code(name), ".".into()]),
                    Err(error) => {
                        undone = true;
                        told.push(vec!["The figures could not be stored: ".into(), line(&error.to_string()).into(), ".".into()]);
                    }
                }
            }
        }
        if let Some(name) = &outcome.save {
            let kept = self.kept::<C>(call, name, asked)?;
            saved::keep(&*self.records, &kept).await?;
            told.push(vec![
                "Saved as ".into(),
                code(&kept.name),
                ": ".into(),
                code(format!("report {}", quoted(&kept.name))),
                " asks it again.".into(),
            ]);
        }
        let Some(to) = self.place(call, outcome).await? else {
            let card = told.into_iter().fold(card, Card::and_spans);
            let card = if undone { card.tone(Tone::Warning) } else { card };
            return Ok(Reply { undone, ..Reply::new(card) });
        };
        let key = CardKey::new(format!("report/{}", call.id));
        let posted = card.and_spans(vec!["— asked by ".into(), Span::Bold(call.caller.name.clone())]);
        self.announcer.announce(&to, posted, Audience::Everyone, Some(key), call).await?;
        told.push(vec!["Posted to ".into(), code(self.places.spell(&to).await), ".".into()]);
        let card = told.into_iter().fold(Card::default().tone(if undone { Tone::Warning } else { Tone::Good }), Card::and_spans);
        Ok(Reply { undone, ..Reply::private(card) })
    }

    fn kept<C: Command>(&self, call: &Call, name: &str, asked: &C::Args) -> Result<Kept, CommandError> {
        let registry = self.registry()?;
        let mut invoke = Invoke::of::<C>(asked);
        // Kept is the question, and not where its answer went: whoever asks it again says that anew.
        for option in ["save", "store", "to"] {
            if let Some(value) = invoke.args.get_mut(option) {
                *value = serde_json::Value::Null;
            }
        }
        let line = registry.line(&invoke);
        let (by, by_name) = (call.caller.user.clone(), call.caller.name.clone());
        Ok(Kept { name: name.trim().to_owned(), line, invoke, by, by_name, at: call.now })
    }

    fn registry(&self) -> Result<Arc<Registry>, CommandError> {
        self.registry.upgrade().ok_or_else(|| CommandError::Refused("the bot is stopping; try again in a moment".to_owned()))
    }

    async fn stored(&self, call: &Call, typed: &str, stem: &str, several: bool, answer: &Answer) -> Result<String, CommandError> {
        let stores = stores_at(&self.stores, call).await;
        let (at, own) = target(&*stores, typed, stem)?;
        // Two tables can't have one name.
        let at = match (several && own, at.rsplit_once('.')) {
            (true, Some((start, ending))) if !ending.contains('/') => format!("{start}-{}.{ending}", file_stem(stem)),
            (true, _) => format!("{at}-{}", file_stem(stem)),
            (false, _) => at,
        };
        let to = locate(&*stores, &at, None)?;
        let bytes = bytes::Bytes::from(answer.frame().csv().into_bytes());
        let file = NewFile::new(&to.name, CSV, Some(bytes.len() as u64));
        to.store.write(file, Box::pin(futures::stream::iter([Ok(bytes)]))).await?;
        Ok(to.sure)
    }

    /// The question kept under a name, if there is one.
    pub async fn saved(&self, name: &str) -> Result<Option<Kept>, CommandError> {
        saved::find(&*self.records, name).await
    }

    /// Asks a kept question again, with what was typed beside its name in place of what was kept. `named` are the arguments that
    /// hold the name itself.
    pub async fn again<C: Command>(&self, call: &Call, kept: Kept, given: &C::Args, named: &[&str]) -> Result<Reply, CommandError> {
        let registry = self.registry()?;
        let mut invoke = kept.invoke;
        let given = Invoke::of::<C>(given).args;
        let set = |value: &serde_json::Value| match value {
            serde_json::Value::Null | serde_json::Value::Bool(false) => false,
            serde_json::Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        for (option, value) in
            given.as_object().into_iter().flatten().filter(|(option, value)| !named.contains(&option.as_str()) && set(value))
        {
            // The period is an argument here and an option there.
            let option = if option == "last" && invoke.args.get("period").is_some() { "period" } else { option };
            let Some(place) = invoke.args.get_mut(option) else {
                return Err(CommandError::Refused(format!(
                    "`{}` was kept as `{}`, and {} has no --{option}",
                    line(&kept.name),
                    line(&kept.line),
                    invoke.command
                )));
            };
            *place = value.clone();
        }
        let Some(command) = registry.get(&invoke.command) else {
            return Err(CommandError::Refused(format!(
                "there is no command `{}` any more; remove the saved report",
                line(&invoke.command)
            )));
        };
        command.run(call, &invoke.args).await
    }

    /// Places, stores and kept names to propose for the options.
    pub async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "to" => crate::channel::complete_place(&*self.places, call, typed).await,
            "store" => crate::file::complete_store(&*self.stores, typed),
            _ => Vec::new(),
        }
    }

    /// Kept names to propose where one may stand.
    pub async fn complete_saved(&self, typed: &str, only: Option<&str>) -> Vec<Suggestion> {
        let kept = saved::all(&*self.records).await.unwrap_or_default();
        let fits = kept.into_iter().filter(|one| only.is_none_or(|only| one.invoke.command == only));
        crate::wording::suggest(typed, fits.map(|one| (one.name, format!("saved: {}", one.line))))
    }

    /// The notes, for what lists them.
    pub fn records(&self) -> &dyn Records {
        &*self.records
    }
}

/// Where figures go: the whole name with its store, and whether a file's own name was told.
fn target(stores: &dyn Stores, typed: &str, stem: &str) -> Result<(String, bool), CommandError> {
    let wrong = |error: CommandError| match error {
        CommandError::Invalid { why, .. } => CommandError::Invalid { argument: "store", why },
        other => other,
    };
    let typed = typed.trim();
    let file = format!("{}.csv", file_stem(stem));
    if let Some((store, name)) = typed.split_once(':') {
        let whole = match name {
            "" => format!("{store}:{FOLDER}/{file}"),
            folder if folder.ends_with('/') => format!("{typed}{file}"),
            _ => typed.to_owned(),
        };
        locate(stores, &whole, None).map_err(wrong)?;
        return Ok((whole, !name.is_empty() && !name.ends_with('/')));
    }
    let store = stores.store(Some(&StoreName::new(typed)))?;
    Ok((format!("{}:{FOLDER}/{file}", store.name()), false))
}

/// A name as it is typed in a line.
pub(crate) fn quoted(name: &str) -> String {
    bellhop_core::tokenise::quote(name)
}
