//! What an interaction needs besides the inbox: modals, live options, App Home, the description of our own links, uploads
//! that came without a command. What has to survive is in the inbox before [`answer`] returns; calls that only show
//! something run beside it, so that the acknowledgement waits for nothing else.
//!
//! It runs no command: what a form or a click says goes through the inbox like everything else.

mod home;
mod modal;
mod submit;
mod tell;
mod unfurl;
mod upload;

use crate::Desk;
use crate::click::{self, Click};
use crate::handle::ReplyTo;
use crate::parse::Lifecycle;
use crate::render;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Attachment;
use bellhop_core::card::{Card, Tone};
use bellhop_core::clock::Timestamp;
use bellhop_core::command::Suggestion;
use bellhop_core::form::Answers;
use bellhop_core::grammar;
use bellhop_core::ids::EventKey;
use bellhop_core::ports::{Incoming, PortResult, Said};
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How long live options may take: Slack shows them to someone who is typing.
const OPTIONS: Duration = Duration::from_millis(1500);
/// How long a name is waited for before something is accepted without it.
const NAME: Duration = Duration::from_millis(400);

/// Who did something, where, and how it can be answered.
#[derive(Clone)]
pub struct Origin {
    /// What Slack calls the event.
    pub key: EventKey,
    /// Who.
    pub from: UserRef,
    /// The name to show; the id where Slack gave none.
    pub name: String,
    /// Where: a channel, or the person's id for their own conversation.
    pub at: Address,
    /// How it can be answered.
    pub reply: Option<ReplyTo>,
    /// When it arrived.
    pub received: Timestamp,
}

/// Something that needs more than the inbox.
#[derive(Clone)]
pub struct Interaction {
    /// Who and where.
    pub origin: Origin,
    /// What for.
    pub wants: Wants,
}

/// What an interaction needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Wants {
    /// A modal.
    Open(Opens),
    /// The form that raises an alert.
    Raise {
        /// What it is about: the first line of the message.
        title: String,
        /// The whole of the message, where that is more.
        text: String,
        /// The ts of the message that it is made of.
        message: Option<String>,
    },
    /// What is kept under this key of the clicks, and then what that is.
    Kept(String),
    /// A form that was filled in: to be accepted, unless the command doesn't take the answers.
    Submit {
        /// The command.
        command: String,
        /// The answers.
        answers: Answers,
        /// The ids of the modal's blocks, where a fault can be shown.
        blocks: Vec<String>,
        /// Files that were uploaded in it.
        attachments: Vec<Attachment>,
    },
    /// Values for an input.
    Options {
        /// The command.
        command: String,
        /// The argument's id.
        argument: String,
        /// What is typed.
        typed: String,
    },
    /// The home page.
    Home,
    /// Links to be described under a message.
    Unfurl {
        /// The message's ts.
        message: String,
        /// The links, exactly as Slack spells them.
        urls: Vec<String>,
    },
    /// A file that was shown in a conversation, perhaps without any command.
    Upload {
        /// Its id.
        file: String,
    },
}

/// Which modal.
#[derive(Clone, Debug, PartialEq)]
pub enum Opens {
    /// The form of a command.
    Form {
        /// The command.
        command: String,
        /// What is known already.
        answers: Answers,
    },
    /// A command line to be completed.
    Line(String),
    /// Files to be uploaded and stored.
    Save,
}

// What can be answered with may hold secrets.
impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origin").field("key", &self.key).field("from", &self.from).field("at", &self.at).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Interaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interaction").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Origin {
    /// Something said by this person, here.
    #[must_use]
    pub fn says(self, said: Said, attachments: Vec<Attachment>) -> Incoming {
        Incoming {
            key: self.key,
            from: self.from,
            name: self.name,
            zone: None,
            at: self.at,
            said,
            attachments,
            groups: None,
            reply: self.reply.map(|reply| reply.handle()),
            received: self.received,
        }
    }

    fn reply(&self) -> ReplyTo {
        self.reply.clone().unwrap_or_default()
    }
}

/// Does what an interaction needs. Returns the body of its acknowledgement, or none for an empty one.
///
/// # Errors
/// What was said could not be kept: Slack should deliver it again, or tell the person.
pub async fn answer(desk: &Arc<Desk>, interaction: Interaction) -> PortResult<Option<Value>> {
    let Interaction { origin, wants } = interaction;
    match wants {
        Wants::Open(opens) => aside(modal::open(desk.clone(), origin, opens)),
        Wants::Raise { title, text, message } => aside(modal::raise(desk.clone(), origin, title, text, message)),
        Wants::Kept(key) => kept(desk, origin, &key).await?,
        Wants::Submit { command, answers, blocks, attachments } => {
            // Boxed, as the large ones of several ways.
            return Box::pin(submit::submitted(desk, origin, command, answers, &blocks, attachments)).await;
        }
        Wants::Options { command, argument, typed } => return Ok(Some(options(desk, &origin, &command, &argument, &typed).await)),
        Wants::Home => aside(home::publish(desk.clone(), origin)),
        Wants::Unfurl { message, urls } => aside(unfurl::unfurl(desk.clone(), origin, message, urls)),
        Wants::Upload { file } => Box::pin(upload::shared(desk, origin, file)).await?,
    }
    Ok(None)
}

/// Notes what changed at Slack.
///
/// # Errors
/// The end of an installation could not be kept: Slack should say it again.
pub async fn lifecycle(desk: &Arc<Desk>, lifecycle: Lifecycle) -> PortResult<()> {
    match lifecycle {
        Lifecycle::Changed { workspace, people: true } => desk.directory.forget(&workspace).await,
        Lifecycle::Changed { workspace, people: false } => desk.directory.forget_channels(&workspace).await,
        Lifecycle::Ended { installations, at } => {
            for installation in installations {
                desk.workspaces.end(&installation, at).await?;
                desk.directory.forget(&installation).await;
            }
        }
    }
    Ok(())
}

/// Fills in the name and the time zone of the one who said something, as far as they are known without much waiting.
/// Events have nobody's name, and no delivery has a time zone.
pub async fn introduce(desk: &Desk, incoming: &mut Incoming) {
    let person = tokio::time::timeout(NAME, desk.directory.user(&incoming.from.workspace, incoming.from.user.as_str())).await;
    let Some(person) = person.ok().flatten() else { return };
    if !person.name.is_empty() {
        incoming.name.clone_from(&person.name);
    }
    incoming.zone = incoming.zone.or(person.zone);
}

/// A click whose meaning was too long for its button.
async fn kept(desk: &Arc<Desk>, origin: Origin, key: &str) -> PortResult<()> {
    let found = desk.ports.records.get(&click::collection(desk.name.as_str()), key).await?;
    let (said, attachments) = match found.and_then(|value| serde_json::from_value::<Click>(value).ok()) {
        Some(Click::Invoke(invoke)) => (Said::Invoke(invoke), Vec::new()),
        Some(Click::Put { line, attachments }) => (Said::Line(line), attachments),
        Some(Click::Form { command, answers }) => {
            aside(modal::open(desk.clone(), origin, Opens::Form { command, answers }));
            return Ok(());
        }
        Some(Click::Prefill(line)) => {
            aside(modal::open(desk.clone(), origin, Opens::Line(line)));
            return Ok(());
        }
        // It was kept too long ago, or by another version.
        Some(Click::Kept(_) | Click::Nothing) | None => {
            let card =
                Card::text("This button is too old: what it did is no longer known. Please type the command again.").tone(Tone::Warning);
            aside(tell::privately(desk.clone(), origin, card));
            return Ok(());
        }
    };
    accept(desk, origin.says(said, attachments)).await
}

async fn accept(desk: &Desk, mut incoming: Incoming) -> PortResult<()> {
    introduce(desk, &mut incoming).await;
    desk.ports.inbox.accept(incoming).await.map(|_| ())
}

async fn options(desk: &Desk, origin: &Origin, command: &str, argument: &str, typed: &str) -> Value {
    let asked = desk.ports.completer.choices(&origin.from, &origin.at, command, argument, typed);
    // What was typed can be chosen whatever happens.
    let mut suggestions = tokio::time::timeout(OPTIONS, asked).await.unwrap_or_default();
    if suggestions.is_empty() {
        suggestions = few(desk, command, argument, typed);
    }
    render::options(&suggestions, typed)
}

/// The values that an argument can have by the grammar: too many of them for a menu are asked for like any others.
fn few(desk: &Desk, command: &str, argument: &str, typed: &str) -> Vec<Suggestion> {
    let Some(about) = desk.about(command) else { return Vec::new() };
    let typed = typed.to_lowercase();
    let arg = about.model.get_arguments().find(|arg| arg.get_id().as_str() == argument);
    let fits = arg.map(grammar::possible).unwrap_or_default().into_iter().filter(|value| value.to_lowercase().contains(&typed));
    fits.map(|value| Suggestion { value, about: String::new() }).collect()
}

/// Runs something whose loss a crash may cause: a modal that doesn't open, a page that isn't fresh.
fn aside(task: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "it is bounded by its own calls' time-outs, nothing durable hangs on it")]
    drop(tokio::spawn(task));
}

#[cfg(test)]
mod tests;
