//! What each word of the command line does.

use crate::app::{App, Options};
use crate::cli::{Act, AuditAct, Cli, KeyAct, Manifest};
use crate::clock::{RandomIds, SystemClock};
use crate::config::Config;
use crate::secrets::Redaction;
use crate::start::StartError;
use crate::{backup, explain, say, telemetry, unplugged, wiring};
use bellhop_core::error::{CommandError, Retry};
use bellhop_store::{AuditChain, Store};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// The annotated configuration reference.
pub const REFERENCE: &str = include_str!("../../config/bellhop.example.toml");

/// How long a chat may take to be looked over: several requests, each with its own time-out.
const CHAT_CHECK: Duration = Duration::from_mins(1);
/// How long a service that counts is waited for: several questions in a row.
const SOURCE_CHECK: Duration = Duration::from_secs(60);

/// Does what the command line says.
///
/// # Errors
/// Why it could not be done, for the person at the terminal.
pub async fn run(cli: Cli, out: &mut (impl Write + Send)) -> Result<ExitCode, StartError> {
    let redaction = Redaction::default();
    let quiet = !matches!(cli.act, None | Some(Act::Run));
    telemetry::start_logs(&redaction, if quiet { "warn" } else { "info" });
    if matches!(cli.act, Some(Act::Config)) {
        print(out, REFERENCE);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(Act::Manifest(asked)) = &cli.act {
        return manifest(cli.config.as_deref(), asked, &redaction, out);
    }
    let config = Config::read(cli.config.as_deref(), &redaction)?;
    match cli.act {
        None | Some(Act::Run) => serve(config, out).await,
        Some(Act::Restore(asked)) => backup::bring_back(&config, &asked, out).await,
        Some(Act::Say(asked)) => Box::pin(say::say(config, asked, out)).await.map(|exit| ExitCode::from(exit.code())),
        Some(Act::Check { live }) => check(config, Options::default(), live, out).await,
        // Both were done above, without any configuration that has to be whole.
        Some(Act::Config | Act::Manifest(_)) => Ok(ExitCode::SUCCESS),
        Some(Act::Key { act }) => keys(&open(&config).await?, act, out).await,
        Some(Act::Audit { act: AuditAct::Verify }) => verify(&open(&config).await?, out).await,
    }
}

async fn serve(config: Config, out: &mut (impl Write + Send)) -> Result<ExitCode, StartError> {
    // Installed before anything counts; rendering happens only when asked.
    let _ = telemetry::metrics();
    let app = App::build(config, Options::default(), true).await?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|why| StartError::System(why.to_string()))?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    let mut line = Vec::new();
    app.run(stop, |running| {
        let _ = writeln!(line, "Bellhop listens on http://{}", running.address);
        if let Some(login) = running.login {
            let _ = writeln!(line, "\nOpen the console with this link; it works once:\n{login}\n");
        }
        let _ = out.write_all(&line).and_then(|()| out.flush());
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a manifest. Nothing is opened and no folder made for it, and the secrets that it will bring need not be there.
fn manifest(path: Option<&Path>, asked: &Manifest, redaction: &Redaction, out: &mut impl Write) -> Result<ExitCode, StartError> {
    let config = Config::read_without_secrets(path, redaction)?;
    let commands = unplugged::commands();
    let made = wiring::manifest(asked.platform, asked.name.as_deref(), asked.public_url.as_deref(), &config, &commands)?;
    if let Some(file) = &asked.zip {
        let Some(package) = wiring::package(asked.platform, &made.manifest) else {
            return Err(StartError::System(format!("--zip: {} takes the manifest alone, no package", asked.platform.word())));
        };
        std::fs::write(file, package).map_err(|error| StartError::System(format!("--zip {}: {error}", file.display())))?;
        print(out, &format!("{}\n", file.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let text = serde_json::to_string_pretty(&made.manifest).map_err(|error| StartError::System(error.to_string()))?;
    print(out, &format!("{text}\n"));
    if let Some(note) = made.note {
        // Beside the manifest, which programs read.
        let _ = writeln!(std::io::stderr(), "{note}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what is good and what isn't, and goes on to the end: one part that is bad hides no other.
///
/// # Errors
/// The bot can't even be built.
pub async fn check(config: Config, options: Options, live: bool, out: &mut (impl Write + Send)) -> Result<ExitCode, StartError> {
    let app = App::build(config, options, false).await?;
    app.stand_by().await?;
    let mut sound = true;
    for (place, why) in app.route_problems().await {
        // A platform that can't be asked just now says nothing about the configuration.
        let unasked = matches!(&why, CommandError::Port(error) if error.retry != Retry::No);
        sound &= unasked && !live;
        let _ =
            writeln!(std::io::stderr(), "bellhop: [[route]] to {place}: {}{why}", if unasked { "can't be looked up now: " } else { "" });
    }
    if sound {
        print(out, "The configuration can be used.\n");
    }
    if live {
        sound &= check_live(&app, out).await;
    }
    app.store().close().await;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn check_live(app: &App, out: &mut (impl Write + Send)) -> bool {
    let mut sound = true;
    let mut say = |good: bool, text: &str| {
        sound &= good;
        print(out, &format!("{}{text}\n", if good { "" } else { "NOT GOOD: " }));
    };
    match app.store().ping().await {
        Ok(()) => say(true, "The database answers."),
        Err(error) => say(false, &format!("The database: {}", explain::port(&error))),
    }
    for name in app.stores().names() {
        let answer = match app.stores().store(Some(&name)) {
            Ok(store) => store.list("", None, 1).await.map_err(|error| explain::port(&error)),
            Err(error) => Err(error.to_string()),
        };
        match answer {
            Ok(_) => say(true, &format!("The file store `{name}` answers.")),
            Err(why) => say(false, &format!("The file store `{name}`: {why}")),
        }
    }
    for chat in app.chats.all() {
        let name = chat.name();
        match tokio::time::timeout(CHAT_CHECK, chat.check()).await {
            Ok(Ok(findings)) => {
                if findings.iter().all(|finding| finding.good) {
                    say(true, &format!("The chat `{name}` can be used."));
                }
                for finding in findings {
                    say(finding.good, &format!("The chat `{name}`: {}", finding.text));
                }
            }
            Ok(Err(error)) => say(false, &format!("The chat `{name}` could not be asked: {}", explain::port(&error))),
            Err(_) => say(false, &format!("The chat `{name}` gave no answer within {} s.", CHAT_CHECK.as_secs())),
        }
    }
    for name in app.sources().names() {
        let Ok(source) = app.sources().source(Some(&name)) else { continue };
        match tokio::time::timeout(SOURCE_CHECK, source.check()).await {
            Ok(Ok(findings)) => {
                if findings.iter().all(|finding| finding.good) {
                    say(true, &format!("The source `{name}` can be used."));
                }
                for finding in findings {
                    say(finding.good, &format!("The source `{name}`: {}", finding.text));
                }
            }
            Ok(Err(error)) => say(false, &format!("The source `{name}` could not be asked: {}", explain::port(&error))),
            Err(_) => say(false, &format!("The source `{name}` gave no answer within {} s.", SOURCE_CHECK.as_secs())),
        }
    }
    sound
}

async fn keys(store: &Store, act: KeyAct, out: &mut (impl Write + Send)) -> Result<ExitCode, StartError> {
    let code = match act {
        KeyAct::Create { name, scope } => {
            let made = store.add_key(&name, &scope).await?;
            let may = if scope.is_empty() { "everything that a key can".to_owned() } else { scope.join(", ") };
            let _ = writeln!(std::io::stderr(), "The key `{name}` ({}) may do {may}. It is shown this once:", made.key.id);
            print(out, &format!("{}\n", made.secret));
            ExitCode::SUCCESS
        }
        KeyAct::List => {
            for key in store.keys().await? {
                let scopes = if key.scopes.is_empty() { "everything".to_owned() } else { key.scopes.join(",") };
                let state = key.revoked_at.map_or(String::new(), |at| format!("  revoked {}", at.format("%Y-%m-%d %H:%M UTC")));
                print(out, &format!("{}  {}  {scopes}  made {}{state}\n", key.id, key.name, key.created_at.format("%Y-%m-%d %H:%M UTC")));
            }
            ExitCode::SUCCESS
        }
        KeyAct::Revoke { id } => {
            if store.revoke_key(&id).await? {
                print(out, &format!("The key {id} is revoked.\n"));
                ExitCode::SUCCESS
            } else {
                let _ = writeln!(std::io::stderr(), "bellhop: there is no key `{id}` that is still good; `bellhop key list` shows them");
                ExitCode::FAILURE
            }
        }
    };
    store.close().await;
    Ok(code)
}

async fn verify(store: &Store, out: &mut (impl Write + Send)) -> Result<ExitCode, StartError> {
    let found = store.audit_verify().await?;
    store.close().await;
    Ok(match found {
        AuditChain::Whole { rows, head } => {
            print(out, &format!("The audit log is whole: {rows} rows, head {head}\n"));
            ExitCode::SUCCESS
        }
        AuditChain::Broken { seq, why } => {
            print(out, &format!("The audit log was changed: row {seq}: {why}\n"));
            ExitCode::FAILURE
        }
    })
}

async fn open(config: &Config) -> Result<Store, StartError> {
    Ok(Store::open(&config.database_url(), Arc::new(SystemClock), Arc::new(RandomIds)).await?)
}

fn print(out: &mut impl Write, text: &str) {
    // A closed pipe is the reader's wish to see no more.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
