//! Webhooks in: what their commands share. Taking in what is posted to them is the listener's.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod test;

use crate::wording::{line, suggest};
use bellhop_core::command::Suggestion;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::Hooks;
use bellhop_core::{CommandError, PortError, PortErrorKind};
use serde::{Deserialize, Serialize};

/// The longest name, in characters.
const LONGEST_NAME: usize = 60;

/// One webhook.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct HookRef {
    /// The webhook's name, from `hook list`
    pub name: String,
}

/// A webhook's name as it is typed.
fn hook_name(typed: &str) -> Result<&str, CommandError> {
    let fits = typed.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if typed.is_empty() || !fits || typed.starts_with('-') || typed.len() > LONGEST_NAME {
        let why = format!(
            "`{}` can't be a webhook's name: write 1 to {LONGEST_NAME} letters, digits, hyphens, dots and underscores",
            line(typed)
        );
        return Err(CommandError::invalid("name", why));
    }
    Ok(typed)
}

/// A port's failure as a command's: `NotFound` gets the nearest name.
async fn failed(hooks: &dyn Hooks, name: &str, error: PortError) -> CommandError {
    if error.kind == PortErrorKind::NotFound { unknown(hooks, name).await } else { error.into() }
}

/// There is no webhook of that name.
async fn unknown(hooks: &dyn Hooks, name: &str) -> CommandError {
    let known: Vec<String> = hooks.list().await.unwrap_or_default().into_iter().map(|hook| hook.name).collect();
    let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
    CommandError::NotFound { what: "webhook", name: name.to_owned(), nearest }
}

/// Names to propose while one is typed.
async fn complete(hooks: &dyn Hooks, argument: &str, typed: &str) -> Vec<Suggestion> {
    if argument != "name" {
        return Vec::new();
    }
    let Ok(known) = hooks.list().await else { return Vec::new() };
    suggest(typed, known.into_iter().map(|hook| (hook.name, hook.to.to_string())))
}
