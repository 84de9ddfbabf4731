//! `file backup`: copies of a channel, of a store's files or of the bot's own database, encrypted and checked, made by the clock
//! or by hand. One file for each thing that can be done; the form in which backups lie is in [`archive`], the bot's notes about
//! them in [`book`].

mod add;
pub mod archive;
mod book;
mod channel;
mod gather;
mod list;
mod remove;
mod restore;
mod run;
mod source;
mod verify;

use crate::schedule::cron::CronLine;
use archive::{Keys, Run, Watch};
use bellhop_core::clock::Clock;
use bellhop_core::command::Suggestion;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{Announcer, FileStore, OwnDatabase, Places, Platforms, Records, ScheduleBook, Seal, Stores};
use bellhop_core::{Access, Call, Card, Command, CommandError, Effect, Reply};
use book::{Book, Note, Plan, State};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use source::Source;
use std::sync::Arc;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Sets a backup up, and runs it by the clock with --every
    Add,
    /// Shows the backups, or the runs of one
    List,
    /// Makes a backup now
    Run,
    /// Reads a backup from its first byte to its last, and says whether it is whole
    Verify,
    /// Brings a backup's files to another place
    Restore,
    /// Forgets a backup; what it has stored stays, unless --files is there
    Remove,
}

/// Arguments of `file backup`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option that people type")]
pub struct BackupArgs {
    /// What to do
    #[arg(value_enum)]
    pub action: Verb,
    /// The backup's name: letters, digits, - and _
    pub name: Option<String>,
    /// add: #channel, STORE, STORE:PREFIX, or `bellhop` for the bot's own database
    #[arg(long, value_name = "SOURCE")]
    #[serde(default)]
    pub from: Option<String>,
    /// add: the store that keeps it; restore: where files go, or a place for what was said
    #[arg(long, value_name = "STORE:FOLDER")]
    #[serde(default)]
    pub to: Option<String>,
    /// add: when it runs by itself, a cron line in quotes such as "0 3 * * *"
    #[arg(long, value_name = "CRON")]
    #[serde(default)]
    pub every: Option<CronLine>,
    /// add: the time zone of the cron line, such as Europe/Berlin; yours unless told
    #[arg(long, value_name = "ZONE", value_parser = crate::wording::zone)]
    #[serde(default)]
    pub tz: Option<Tz>,
    /// add: how many runs stay; older ones go once another one is complete and checked
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[serde(default)]
    pub keep: Option<u32>,
    /// add: stores it unencrypted
    #[arg(long)]
    #[serde(default)]
    pub plain: bool,
    /// verify, restore: which run; the last one unless told
    #[arg(long, value_name = "ID")]
    #[serde(default)]
    pub run: Option<String>,
    /// restore: replaces files that are there
    #[arg(long)]
    #[serde(default)]
    pub replace: bool,
    /// restore: only says what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
    /// remove: deletes what the backup has stored, too
    #[arg(long)]
    #[serde(default)]
    pub files: bool,
}

impl BackupArgs {
    /// Only the name of what is meant.
    pub(crate) fn of(action: Verb, name: &str) -> Self {
        Self {
            action,
            name: Some(name.to_owned()),
            from: None,
            to: None,
            every: None,
            tz: None,
            keep: None,
            plain: false,
            run: None,
            replace: false,
            dry_run: false,
            files: false,
        }
    }

    fn name(&self) -> Result<&str, CommandError> {
        self.name.as_deref().ok_or_else(|| CommandError::Missing(vec!["name"]))
    }

    /// What was given and makes no sense with the action is a mistake to be told.
    fn sensible(&self) -> Result<(), CommandError> {
        use Verb::{Add, Remove, Restore, Verify};
        let given: [(&'static str, bool, &[Verb]); 10] = [
            ("from", self.from.is_some(), &[Add]),
            ("to", self.to.is_some(), &[Add, Restore]),
            ("every", self.every.is_some(), &[Add]),
            ("tz", self.tz.is_some(), &[Add]),
            ("keep", self.keep.is_some(), &[Add]),
            ("plain", self.plain, &[Add]),
            ("run", self.run.is_some(), &[Verify, Restore]),
            ("replace", self.replace, &[Restore]),
            ("dry_run", self.dry_run, &[Restore]),
            ("files", self.files, &[Remove]),
        ];
        for (argument, given, with) in given {
            if given && !with.contains(&self.action) {
                let with = with.iter().map(|verb| format!("{verb:?}").to_lowercase()).collect::<Vec<_>>().join(" and ");
                return Err(CommandError::invalid(argument, format!("--{} goes with {with}", argument.replace('_', "-"))));
            }
        }
        Ok(())
    }
}

/// Looks after backups.
pub struct Backup {
    stores: Arc<dyn Stores>,
    places: Arc<dyn Places>,
    platforms: Arc<dyn Platforms>,
    announcer: Arc<dyn Announcer>,
    schedules: Arc<dyn ScheduleBook>,
    database: Arc<dyn OwnDatabase>,
    seal: Arc<dyn Seal>,
    book: Book,
}

impl Backup {
    /// With what can be backed up, where to, and the notes about it.
    pub(crate) fn new(services: &crate::Services) -> Self {
        let (records, clock): (Arc<dyn Records>, Arc<dyn Clock>) = (services.records.clone(), services.clock.clone());
        Self {
            stores: services.stores.clone(),
            places: services.places.clone(),
            platforms: services.platforms.clone(),
            announcer: services.announcer.clone(),
            schedules: services.schedules.clone(),
            database: services.database.clone(),
            seal: services.seal.clone(),
            book: Book::new(records, clock),
        }
    }

    /// The backup that is meant, if the caller may do something with it: the bot's own database is the administrators'.
    async fn plan_of(&self, call: &Call, name: &str) -> Result<Plan, CommandError> {
        let plan = self.book.plan(name).await?;
        allowed(call, &plan.source)?;
        Ok(plan)
    }

    fn store(&self, plan: &Plan) -> Result<Arc<dyn FileStore>, CommandError> {
        self.stores.store(Some(&plan.store))
    }

    /// The key, unless the backup is plain.
    fn keys(&self, plan: &Plan) -> Result<Option<Keys>, CommandError> {
        if plan.plain { Ok(None) } else { Ok(Some(Keys::of(&*self.seal)?)) }
    }

    /// The complete run that is meant, with its note: the newest where none is named.
    async fn complete(&self, plan: &Plan, run: Option<&str>) -> Result<Note, CommandError> {
        let mut notes = self.book.notes(&plan.name).await?;
        notes.retain(|note| note.state == State::Done);
        match run {
            None => notes.pop().ok_or_else(|| {
                CommandError::Refused(format!(
                    "the backup {} has no complete run yet; `file backup run {}` makes one",
                    plan.name, plan.name
                ))
            }),
            Some(run) => {
                let near = nearest(run, notes.iter().map(|note| note.run.as_str())).map(str::to_owned);
                let found = notes.into_iter().find(|note| note.run == run);
                found.ok_or_else(|| CommandError::NotFound { what: "run", name: crate::wording::line(run), nearest: near })
            }
        }
    }

    async fn open(&self, plan: &Plan, run: &str) -> Result<Arc<Run>, CommandError> {
        let keys = self.keys(plan)?;
        Ok(Arc::new(Run::open(self.store(plan)?, &plan.base(run), &plan.name, run, keys.as_ref()).await?))
    }
}

/// The bot's own database holds everything about everyone, and what is said in private stays among those who were there.
fn allowed(call: &Call, source: &Source) -> Result<(), CommandError> {
    let why = match source {
        _ if call.caller.access >= Access::Admin => return Ok(()),
        Source::Database => "a backup of the bot's own database is for administrators; ask one of them".to_owned(),
        Source::Channel { at, spelled, private: true } if at.lane() != call.at.lane() => {
            format!("{spelled} is private: ask for it there, or ask an administrator")
        }
        Source::Files { .. } | Source::Channel { .. } => return Ok(()),
    };
    Err(CommandError::Refused(why))
}

/// What a backup itself says is wrong is no failure of a service: it is told as it is.
fn own(error: CommandError) -> CommandError {
    match error {
        CommandError::Port(error) if error.service == archive::SERVICE => CommandError::Refused(error.message),
        error => error,
    }
}

fn watch(call: &Call, what: impl Into<String>, total: Option<u64>) -> Arc<Watch> {
    Watch::new(what, total, call.progress.clone(), call.stop.clone())
}

impl Command for Backup {
    const NAME: &'static str = "file backup";
    const SUMMARY: &'static str = "Backs up channels, files and the bot's own database, and brings them back";
    const ACCESS: Access = Access::Operator;
    const EFFECT: Effect = Effect::Destroys;
    const EXAMPLES: &'static [&'static str] = &[
        "file backup add reports --from local:reports/ --to local:backups --every \"0 3 * * *\" --keep 7",
        "file backup add talk --from #general --to local:backups",
        "file backup add own --from bellhop --to local:backups --every \"30 3 * * *\" --tz Europe/Berlin --keep 14",
        "file backup list",
        "file backup verify reports",
        "file backup restore reports --to local:restored/",
    ];
    const COMPLETES: &'static [&'static str] = &["name", "from", "to", "tz", "run"];
    type Args = BackupArgs;

    fn weight(args: &BackupArgs) -> (Access, Effect) {
        let effect = match args.action {
            Verb::List => Effect::Reads,
            Verb::Restore if args.dry_run => Effect::Reads,
            Verb::Restore if args.replace => Effect::Destroys,
            Verb::Remove if args.files => Effect::Destroys,
            Verb::Add | Verb::Run | Verb::Verify | Verb::Restore | Verb::Remove => Effect::Writes,
        };
        (Self::ACCESS, effect)
    }

    async fn run(&self, call: &Call, args: BackupArgs) -> Result<Reply, CommandError> {
        args.sensible()?;
        match args.action {
            Verb::Add => self.add(call, &args).await,
            Verb::List => self.list(call, &args).await,
            Verb::Run => self.make(call, &args).await,
            Verb::Verify => self.verify(call, &args).await,
            Verb::Restore => self.restore(call, &args).await,
            Verb::Remove => self.remove(call, &args).await,
        }
        .map_err(own)
    }

    async fn plan(&self, call: &Call, args: &BackupArgs) -> Result<Card, CommandError> {
        args.sensible()?;
        match args.action {
            Verb::Restore => self.restore_plan(call, args).await,
            Verb::Remove => self.remove_plan(call, args).await,
            _ => Ok(Card::titled(Self::SUMMARY)),
        }
        .map_err(own)
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        match argument {
            "name" => {
                let plans = self.book.plans().await.unwrap_or_default();
                crate::wording::suggest(typed, plans.into_iter().map(|plan| (plan.name.clone(), plan.source.to_string())))
            }
            "tz" => crate::wording::zones(typed),
            "run" => {
                let mut found = Vec::new();
                for plan in self.book.plans().await.unwrap_or_default() {
                    let notes = self.book.notes(&plan.name).await.unwrap_or_default();
                    found
                        .extend(notes.into_iter().rev().filter(|note| note.state == State::Done).map(|note| (note.run, plan.name.clone())));
                }
                crate::wording::suggest(typed, found)
            }
            "from" if typed.starts_with(['#', '@']) => crate::channel::complete_place(&*self.places, call, typed).await,
            "from" | "to" => {
                let own = (source::OWN.to_owned(), "the bot's own database".to_owned());
                let stores = self.stores.names().into_iter().map(|name| (name.to_string(), "a store".to_owned()));
                crate::wording::suggest(typed, stores.chain((argument == "from").then_some(own)))
            }
            _ => Vec::new(),
        }
    }
}
