//! `file backup add`: what is backed up, where to, when, and how many runs stay.

use super::archive::{Keys, Run, find_runs};
use super::book::{Note, Plan, State};
use super::source::{Source, Typed, located, read};
use super::{Backup, BackupArgs, Verb, allowed, watch};
use crate::schedule::cron::next_runs;
use crate::schedule::keep;
use crate::wording::{code, local};
use bellhop_core::card::{Block, Field};
use bellhop_core::error::PortErrorKind;
use bellhop_core::ports::{Channel, Schedule};
use bellhop_core::{Action, Call, Card, CommandError, Invoke, Reply, Span, Tone};

/// The longest name: it is part of the name of every object.
const LONGEST: usize = 40;

impl Backup {
    pub(super) async fn add(&self, call: &Call, args: &BackupArgs) -> Result<Reply, CommandError> {
        let missing: Vec<&'static str> = [("name", args.name.is_none()), ("from", args.from.is_none()), ("to", args.to.is_none())]
            .iter()
            .filter_map(|(argument, missing)| missing.then_some(*argument))
            .collect();
        let (Some(name), Some(from), Some(to)) = (&args.name, &args.from, &args.to) else { return Err(CommandError::Missing(missing)) };
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(good) {
            return Err(CommandError::invalid("name", format!("a backup's name has 1 to {LONGEST} letters, digits, - or _")));
        }
        let source = self.source(call, from).await?;
        allowed(call, &source)?;
        if args.plain && source == Source::Database {
            return Err(CommandError::invalid(
                "plain",
                "the bot's own database has keys and secrets in it; its backup is always encrypted",
            ));
        }
        let stores = crate::file::stores_at(&self.stores, call).await;
        let (store, prefix) = located(&*stores, "to", to)?;
        let prefix = if prefix.is_empty() || prefix.ends_with('/') { prefix } else { format!("{prefix}/") };
        let keys = if args.plain { None } else { Some(Keys::of(&*self.seal)?) };
        let mut plan = Plan {
            name: name.clone(),
            source,
            store,
            prefix,
            keep: args.keep,
            plain: args.plain,
            every: None,
            schedule: None,
            owner: call.caller.user.clone(),
            owner_name: call.caller.name.clone(),
            made: call.now,
            by: call.id.clone(),
        };
        let first = Self::first_run(call, args, &mut plan)?;
        let kept = self.book.add(&plan).await?;
        if kept.by != call.id {
            return Err(CommandError::Refused(format!(
                "there is a backup {name} already, of {} to {}; give this one another name, or `file backup remove {name}` first",
                kept.source,
                kept.place()
            )));
        }
        if let Some(schedule) = first {
            let schedule = keep(&*self.schedules, call, schedule).await?;
            plan.schedule = Some(schedule.id);
            self.book.put(&plan).await?;
        }
        let found = self.adopt(call, &plan, keys.as_ref()).await?;
        Ok(Reply::new(added(call, &plan, keys.as_ref(), found)))
    }

    /// When it runs by itself.
    fn first_run(call: &Call, args: &BackupArgs, plan: &mut Plan) -> Result<Option<Schedule>, CommandError> {
        let Some(cron) = &args.every else {
            return if args.tz.is_some() { Err(CommandError::invalid("tz", "--tz goes with --every")) } else { Ok(None) };
        };
        let zone = args.tz.unwrap_or(call.caller.zone);
        let next = next_runs(cron.as_str(), zone, call.now, 1).map_err(|why| CommandError::invalid("every", why))?;
        let Some(next) = next.first().copied() else {
            return Err(CommandError::invalid("every", format!("`{cron}` is never due: no such day comes")));
        };
        plan.every = Some((cron.to_string(), zone));
        Ok(Some(Schedule {
            id: String::new(),
            cron: cron.to_string(),
            zone,
            invoke: Invoke::of::<Backup>(&BackupArgs::of(Verb::Run, &plan.name)),
            line: format!("file backup run {}", plan.name),
            owner: call.caller.user.clone(),
            owner_name: call.caller.name.clone(),
            to: call.at.clone(),
            next,
            last: None,
        }))
    }

    /// What is meant, if it can be read at all.
    async fn source(&self, call: &Call, from: &str) -> Result<Source, CommandError> {
        let stores = crate::file::stores_at(&self.stores, call).await;
        Ok(match read(&*stores, "from", from)? {
            Typed::Own => Source::Database,
            Typed::Files { store, prefix } => Source::Files { store, prefix },
            Typed::Place(place) => {
                let at = self.places.resolve(&place, &call.at).await?;
                let platform = self.platforms.platform(&at.chat);
                let platform = platform.ok_or_else(|| CommandError::not_found("chat", at.chat.as_str()))?;
                platform.history(&at, None, 1).await.map_err(|error| match error.kind {
                    PortErrorKind::Unsupported => CommandError::invalid("from", error.message),
                    _ => error.into(),
                })?;
                let listed = |known: &Channel| known.private && known.address.chat == at.chat && known.address.channel == at.channel;
                let private = place.direct || self.places.channels().await?.iter().any(listed);
                Source::Channel { spelled: self.places.spell(&at).await, at, private }
            }
        })
    }

    /// Takes note of complete runs that lie there already, from an earlier life of the bot.
    pub(super) async fn adopt(&self, call: &Call, plan: &Plan, keys: Option<&Keys>) -> Result<usize, CommandError> {
        let store = self.store(plan)?;
        let watch = watch(call, format!("Looking for runs of {}", plan.name), None);
        let mut found = 0;
        let runs = find_runs(&*store, &plan.folder(), &watch).await?;
        for note in self.book.notes(&plan.name).await? {
            let there = runs.contains(&note.run);
            if note.state == State::Running && there {
                self.is_whole(plan, &store, &note).await?;
            } else if note.state == State::Done && !there {
                // Removed by hand, or by a life of the bot that a restored database knows nothing of.
                self.book.forget(&plan.name, &note.run).await?;
            }
        }
        for run in runs {
            if self.book.note(&plan.name, &run).await?.is_some() {
                continue;
            }
            // One that can't be opened is none of this bot's: it stays where it is.
            if let Ok(opened) = Run::open(store.clone(), &plan.base(&run), &plan.name, &run, keys).await {
                let note = Note::begun(&run, &call.id, opened.manifest.began).done(&opened.manifest);
                self.book.keep(&plan.name, &note).await?;
                found += 1;
            }
        }
        Ok(found)
    }
}

fn added(call: &Call, plan: &Plan, keys: Option<&Keys>, found: usize) -> Card {
    let field = |name: &str, value: Span| Field { name: name.to_owned(), value: vec![value] };
    let mut fields = vec![field("Backs up", code(plan.source.to_string())), field("To", code(plan.place()))];
    if let Some((cron, zone)) = &plan.every {
        let next = next_runs(cron, *zone, call.now, 1).ok().and_then(|next| next.first().copied());
        let next = next.map_or(String::new(), |at| format!(", next {}", local(at, *zone)));
        fields.push(field("When", format!("{cron} ({}){next}", zone.name()).into()));
    } else {
        fields.push(field("When", "when it is asked for".into()));
    }
    fields.push(field("Keeps", plan.keep.map_or("every run".to_owned(), |keep| crate::wording::count(keep as usize, "run")).into()));
    let mut card = Card::titled(format!("The backup {} is set up", plan.name)).tone(Tone::Good).block(Block::Fields(fields));
    if found > 0 {
        card = card.and_text(format!("{} that lay there already can be used.", crate::wording::count(found, "run")));
    }
    if let Source::Files { store, .. } = &plan.source
        && *store == plan.store
    {
        card = card.and_text("It goes to the same store: it protects from mistakes, not from the loss of the store.");
    }
    card = match keys {
        Some(keys) => card.and_text(format!(
            "It is encrypted under the bot's own key ({}): [secrets] master_key, or the file master.key in its data folder. Keep a copy of that key \
             elsewhere; without it nobody can read the backup.",
            keys.id()
        )),
        None => card.and_text("It is not encrypted: whoever can read the store can read it."),
    };
    let run = Invoke::of::<Backup>(&BackupArgs::of(Verb::Run, &plan.name));
    card.and_actions(vec![Action::invoke("Run now", run)])
}
