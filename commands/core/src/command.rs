//! What a command is, to the one who writes it and to everyone who runs it.

use crate::access::{Access, Effect};
use crate::call::{Call, Reply};
use crate::card::Card;
use crate::error::CommandError;
use async_trait::async_trait;
use clap::{Args as _, FromArgMatches as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use std::borrow::Cow;
use std::future::Future;

/// One thing the bot can do. Its struct holds, by its constructor, the few ports that it uses.
pub trait Command: Send + Sync + 'static {
    /// Its name: a group and a verb (`file put`), or one word (`help`).
    const NAME: &'static str;
    /// What it does, in one sentence without a full stop.
    const SUMMARY: &'static str;
    /// Who may run it.
    const ACCESS: Access = Access::Member;
    /// What it does to the world. What destroys asks first, showing [`Command::plan`].
    const EFFECT: Effect = Effect::Reads;
    /// Lines that work as they stand, without the leading slash.
    const EXAMPLES: &'static [&'static str] = &[];
    /// The ids of the arguments whose values [`Command::complete`] proposes: forms and schemas ask for them with live
    /// suggestions.
    const COMPLETES: &'static [&'static str] = &[];
    /// Its typed arguments; help, schemas, forms and completion are derived from them.
    type Args: Args;

    /// What a call of it with these arguments needs and does, where that is less than [`Command::ACCESS`] and
    /// [`Command::EFFECT`] say: showing a setting doesn't change it. Never more.
    #[must_use]
    fn weight(_args: &Self::Args) -> (Access, Effect) {
        (Self::ACCESS, Self::EFFECT)
    }

    /// Does it.
    ///
    /// # Errors
    /// What went wrong; the caller is told by the one place that words failures.
    fn run(&self, call: &Call, args: Self::Args) -> impl Future<Output = Result<Reply, CommandError>> + Send;

    /// What running it would do, for a command that destroys: shown before anyone confirms.
    ///
    /// # Errors
    /// As `run`: what can't be done need not be confirmed.
    fn plan(&self, _call: &Call, _args: &Self::Args) -> impl Future<Output = Result<Card, CommandError>> + Send {
        async { Ok(Card::titled(Self::SUMMARY)) }
    }

    /// Values that the argument `argument` may have and that begin with `typed`, best first.
    fn complete(&self, _call: &Call, _argument: &str, _typed: &str) -> impl Future<Output = Vec<Suggestion>> + Send {
        async { Vec::new() }
    }
}

/// Arguments: a clap derive (`#[derive(clap::Args, Serialize, Deserialize)]`) of plain data whose fields keep their
/// names, so that text, forms and buttons all arrive at the same type.
pub trait Args: clap::Args + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: clap::Args + Serialize + DeserializeOwned + Send + Sync + 'static> Args for T {}

/// No arguments at all.
#[derive(Clone, Copy, Debug, Default, clap::Args, Serialize, serde::Deserialize)]
pub struct NoArgs {}

/// A value that may be meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// What is put into the line.
    pub value: String,
    /// A word about it, or empty.
    pub about: String,
}

/// What there is to know about a command without running it.
#[derive(Clone, Debug)]
pub struct About {
    /// `file put`.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Who may run it.
    pub access: Access,
    /// What it does to the world.
    pub effect: Effect,
    /// Lines that work.
    pub examples: &'static [&'static str],
    /// The arguments whose values are proposed while they are typed, by id.
    pub completes: &'static [&'static str],
    /// Its grammar: the model from which help, forms, schemas and completion are derived.
    pub model: clap::Command,
}

impl PartialEq for About {
    /// Names are unique.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl About {
    /// The first word of the name.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.name.split_once(' ').map_or(self.name, |(group, _)| group)
    }

    /// The second word of the name, where there is one.
    #[must_use]
    pub fn verb(&self) -> Option<&'static str> {
        self.name.split_once(' ').map(|(_, verb)| verb)
    }
}

/// A command whose argument type is forgotten, as the registry holds it.
#[async_trait]
pub trait AnyCommand: Send + Sync {
    /// What there is to know about it.
    fn about(&self) -> &About;

    /// The same for a call with these arguments, which may need and do less. Arguments of another shape need and do the most.
    fn weighed(&self, _args: &serde_json::Value) -> Cow<'_, About> {
        Cow::Borrowed(self.about())
    }

    /// Reads words (without the command's name) into arguments.
    ///
    /// # Errors
    /// clap's own, with its context.
    fn read(&self, words: &[String]) -> Result<serde_json::Value, clap::Error>;

    /// Runs it with arguments that [`AnyCommand::read`] or [`crate::Invoke::of`] made.
    ///
    /// # Errors
    /// As [`Command::run`], and `Refused` for arguments of another shape (a button from an older version).
    async fn run(&self, call: &Call, args: &serde_json::Value) -> Result<Reply, CommandError>;

    /// As [`Command::plan`].
    ///
    /// # Errors
    /// As [`AnyCommand::run`].
    async fn plan(&self, call: &Call, args: &serde_json::Value) -> Result<Card, CommandError>;

    /// As [`Command::complete`].
    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion>;
}

/// A command together with what is known about it.
pub struct Registered<C> {
    command: C,
    about: About,
}

impl<C: Command> Registered<C> {
    /// Wraps a command.
    pub fn new(command: C) -> Self {
        let model = C::Args::augment_args(clap::Command::new(C::NAME))
            .no_binary_name(true)
            .disable_help_flag(true)
            .disable_version_flag(true)
            .about(C::SUMMARY);
        Self {
            command,
            about: About {
                name: C::NAME,
                summary: C::SUMMARY,
                access: C::ACCESS,
                effect: C::EFFECT,
                examples: C::EXAMPLES,
                completes: C::COMPLETES,
                model,
            },
        }
    }

    fn args(args: &serde_json::Value) -> Result<C::Args, CommandError> {
        C::Args::deserialize(args).map_err(|error| {
            CommandError::Refused(format!(
                "this button or schedule was made by another version of `{}` ({error}); type the command anew",
                C::NAME
            ))
        })
    }
}

#[async_trait]
impl<C: Command> AnyCommand for Registered<C> {
    fn about(&self) -> &About {
        &self.about
    }

    fn weighed(&self, args: &serde_json::Value) -> Cow<'_, About> {
        let Ok(args) = C::Args::deserialize(args) else { return Cow::Borrowed(&self.about) };
        let (access, effect) = C::weight(&args);
        if (access, effect) == (self.about.access, self.about.effect) {
            return Cow::Borrowed(&self.about);
        }
        Cow::Owned(About { access: access.min(self.about.access), effect: effect.min(self.about.effect), ..self.about.clone() })
    }

    fn read(&self, words: &[String]) -> Result<serde_json::Value, clap::Error> {
        let matches = self.about.model.clone().try_get_matches_from(words)?;
        let args = C::Args::from_arg_matches(&matches)?;
        serde_json::to_value(args).map_err(|e| clap::Error::raw(clap::error::ErrorKind::InvalidValue, e.to_string()))
    }

    async fn run(&self, call: &Call, args: &serde_json::Value) -> Result<Reply, CommandError> {
        self.command.run(call, Self::args(args)?).await
    }

    async fn plan(&self, call: &Call, args: &serde_json::Value) -> Result<Card, CommandError> {
        self.command.plan(call, &Self::args(args)?).await
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        self.command.complete(call, argument, typed).await
    }
}
