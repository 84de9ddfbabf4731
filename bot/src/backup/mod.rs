//! `bellhop restore`: brings the bot's own database back from a backup, while no bot runs. What waited when the backup was made
//! is held, so that nothing is posted or run a second time: docs/backup.md says what that means.

mod folder;

use crate::cli::Restore;
use crate::clock::{RandomIds, SystemClock};
use crate::config::Config;
use crate::schedule::next_run;
use crate::secrets::{MasterKey, Otherwise, SealRing};
use crate::start::{StartError, make_private_folder};
use crate::wiring;
use bellhop_catalog::archive::{Keys, Kind, MANIFEST, Run, SERVICE, Watch, find_runs};
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::error::PortError;
use bellhop_core::ports::{FileStore, ScheduleBook as _, Seal, Stop};
use bellhop_core::text;
use bellhop_store::{AuditChain, Restored, Restoring, Store, Waiting, restore};
use folder::Folder;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Where a run lies.
struct Found {
    store: Arc<dyn FileStore>,
    /// `PREFIX/NAME/RUN/`
    base: String,
    /// Its names, where the place says them.
    names: Option<(String, String)>,
}

/// Brings the database back, and says what was done.
///
/// # Errors
/// Why it could not be done; the database is as it was then.
pub async fn bring_back(config: &Config, asked: &Restore, out: &mut (impl Write + Send)) -> Result<ExitCode, StartError> {
    let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(RandomIds));
    let data_dir = config.data_dir();
    make_private_folder(&data_dir)?;
    let found = find(config, &asked.from, &clock, &ids).await?;
    let keys = keys(config, &data_dir)?;
    let run = match &found.names {
        Some((name, run)) => Run::open(found.store.clone(), &found.base, name, run, keys.as_ref()).await,
        None => Run::open_folder(found.store.clone(), &found.base, keys.as_ref()).await,
    }
    .map_err(told_plainly)?;
    let manifest = &run.manifest;
    if manifest.kind != Kind::Database {
        return Err(StartError::System(format!(
            "this is a backup of {}, not of the bot's own database; in the chat, `file backup restore` brings it back",
            manifest.source
        )));
    }
    let url = asked.into.clone().unwrap_or_else(|| config.database_url());
    let made = manifest.began.format("%Y-%m-%d %H:%M:%S UTC");
    if asked.replace && !asked.yes {
        say(
            out,
            &format!(
                "The backup of {made} ({}) would take the place of the database; what is there now would be kept beside it.\nNothing was done. \
                 Add --yes to do it.\n",
                text::bytes(manifest.size)
            ),
        );
        return Ok(ExitCode::FAILURE);
    }
    let entry = match manifest.index.first() {
        Some(index) => run.entries(index).await.map_err(told_plainly)?.into_iter().next(),
        None => None,
    };
    let entry = entry.ok_or_else(|| StartError::System("the backup holds no database".to_owned()))?;
    let waiting = if asked.resume { Waiting::GoesOn } else { Waiting::Held };
    let how = Restoring { waiting, replace: asked.replace };
    let copy = run.content(&entry.piece).await.map_err(told_plainly)?;
    let restored = restore(&url, &*clock, copy, how).await.map_err(told_plainly)?;
    say(out, &told(&restored, &made.to_string()));
    let store = Store::open(&url, clock.clone(), ids).await?;
    if !asked.resume {
        missed(&store, &*clock, out).await?;
    }
    let audit = store.audit_verify().await?;
    store.close().await;
    match audit {
        AuditChain::Whole { rows, .. } => say(out, &format!("The audit log is whole: {rows} rows.\n")),
        AuditChain::Broken { seq, why } => {
            say(out, &format!("NOT GOOD: the audit log was changed before the backup was made: row {seq}: {why}\n"));
            return Ok(ExitCode::FAILURE);
        }
    }
    say(
        out,
        "Links and API keys that were revoked since the backup are good again: look them over (`bellhop key list`).\nThe bot can be started.\n",
    );
    Ok(ExitCode::SUCCESS)
}

/// What a backup itself says is wrong is no failure of a service.
fn told_plainly(error: PortError) -> StartError {
    if error.service == SERVICE { StartError::System(error.message) } else { error.into() }
}

/// The key that the backup is sealed under. None is made here: a fresh one opens nothing.
fn keys(config: &Config, data_dir: &Path) -> Result<Option<Keys>, StartError> {
    let configured = config.frame.secrets.key()?;
    let file = data_dir.join("master.key");
    let known = MasterKey::of_file(&file).map_err(|why| StartError::System(why.to_string()))?;
    if configured.is_none() && known.is_none() {
        return Ok(None);
    }
    Ok(Some(Keys::of(&SealRing::new(configured, Otherwise::File(file)))?))
}

/// `STORE:PREFIX/NAME/RUN`, `STORE:PREFIX/NAME` for its newest run, or a folder of this machine.
async fn find(config: &Config, from: &str, clock: &Arc<dyn Clock>, ids: &Arc<dyn Ids>) -> Result<Found, StartError> {
    let seal: Arc<dyn Seal> = Arc::new(SealRing::new(config.frame.secrets.key()?, Otherwise::File(config.data_dir().join("master.key"))));
    let stores = wiring::files(config, clock, ids, &seal)?;
    let configured =
        from.split_once(':').and_then(|(name, path)| Some((stores.iter().find(|store| store.name().as_str() == name)?.clone(), path)));
    let (store, path): (Arc<dyn FileStore>, String) = match configured {
        Some((store, path)) => (store, path.trim_matches('/').to_owned()),
        None if Path::new(from).is_dir() => (Arc::new(Folder::new(Path::new(from))), String::new()),
        None => {
            let names: Vec<String> = stores.iter().map(|store| store.name().to_string()).collect();
            return Err(StartError::System(format!(
                "--from {from}: there is no such folder, and no store of that name (there is {}); write STORE:FOLDER/NAME, or a folder",
                names.join(", ")
            )));
        }
    };
    let base = if path.is_empty() { String::new() } else { format!("{path}/") };
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    if store.head(&format!("{base}{MANIFEST}"), None).await.is_ok() {
        let names = path.rsplit_once('/').map(|(before, run)| (last(before), run.to_owned()));
        return Ok(Found { store, base, names });
    }
    let watch = Watch::new("Looking for runs", None, Arc::new(|_| ()), Stop::new());
    let Some(run) = find_runs(&*store, &base, &watch).await?.pop() else {
        return Err(StartError::System(format!("--from {from}: there is no complete backup: no folder in it has a {MANIFEST}")));
    };
    let names = (!path.is_empty()).then(|| (last(&path), run.clone()));
    Ok(Found { store, base: format!("{base}{run}/"), names })
}

fn told(restored: &Restored, made: &str) -> String {
    let mut lines = format!(
        "The database is back as it was at {made}: {} tables, {} rows (made from {}).\n",
        restored.tables, restored.rows, restored.made_from
    );
    if let Some(kept) = &restored.kept {
        let _ = writeln!(lines, "What was there before is kept: {kept}");
    }
    if restored.messages > 0 {
        let _ = writeln!(
            lines,
            "{} messages waited to be posted and are held, since they may have been posted since: `outbox list` shows them, `outbox retry NUMBER` posts one.",
            restored.messages
        );
    }
    if restored.commands > 0 {
        let _ = writeln!(
            lines,
            "{} commands waited and are not run, since they may have run since: type them again where that is not so.",
            restored.commands
        );
    }
    if restored.reports > 0 {
        let _ =
            writeln!(lines, "{} reports of monitors waited and are not looked at: a monitor repeats what still holds.", restored.reports);
    }
    lines
}

/// Schedules go on with their next run from now; what was to run once, and would have by now, is said and left out.
async fn missed(store: &Store, clock: &dyn Clock, out: &mut impl Write) -> Result<(), StartError> {
    let now = clock.now();
    loop {
        let due = store.due_schedules(now).await?;
        if due.is_empty() {
            return Ok(());
        }
        for schedule in due {
            let next = if schedule.once() { None } else { next_run(&schedule, now) };
            if let Some(next) = next {
                store.advance_schedule(&schedule.id, schedule.next, next, schedule.last.unwrap_or(schedule.next)).await?;
            } else {
                store.remove(&schedule.id).await?;
                let due = schedule.next.format("%Y-%m-%d %H:%M UTC");
                say(out, &format!("Left out, since it was due at {due}: {}\n", text::one_line(&schedule.line)));
            }
        }
    }
}

fn say(out: &mut impl Write, text: &str) {
    // A closed pipe is the reader's wish to see no more.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
