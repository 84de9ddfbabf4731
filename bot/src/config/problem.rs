//! What is wrong with a configuration, in words that say where and what to do.

use bellhop_core::nearest::nearest;
use std::path::PathBuf;

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("the configuration {path} can't be read: {why}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Something in it can't be used.
    #[error("{at}: {why}")]
    Wrong {
        /// The file and line, or the section.
        at: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// A reference gave nothing.
    #[error("configuration key {at}: {why}")]
    Secret {
        /// The key.
        at: String,
        /// What is missing.
        why: String,
    },
}

impl ConfigError {
    /// Something at a place can't be used.
    pub fn wrong(at: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Wrong { at: at.into(), why: why.into() }
    }

    /// The text isn't TOML. toml's own message shows the line itself, which may hold a secret: only its number is told.
    pub(super) fn syntax(source: &str, text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        Self::wrong(format!("{source}, line {line}"), error.message().to_owned())
    }

    /// A value of the frame doesn't fit.
    pub(super) fn frame(source: &str, text: &str, error: &toml::de::Error) -> Self {
        let why = explained(error.message());
        let path = key_path(error);
        let key = unknown(error.message())
            .map(|(key, _)| key)
            .or_else(|| path.as_deref().and_then(|path| path.rsplit('.').next()).map(str::to_owned));
        let line = key.and_then(|key| line_of(text, &key)).map(|line| format!(", line {line}")).unwrap_or_default();
        let path = path.map(|path| format!(", {path}")).unwrap_or_default();
        Self::wrong(format!("{source}{line}{path}"), why)
    }

    /// A value of an adapter's section doesn't fit.
    pub(super) fn section(name: &str, error: &toml::de::Error) -> Self {
        let path = key_path(error).map(|path| format!(" {path}")).unwrap_or_default();
        Self::wrong(format!("[{name}]{path}"), explained(error.message()))
    }
}

/// serde's message about an unknown key, taken apart: the key, and those that are known.
fn unknown(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Some((key.to_owned(), known))
}

/// The path of the key that a value's error is about, which toml writes on a line of its own.
fn key_path(error: &toml::de::Error) -> Option<String> {
    let shown = error.to_string();
    shown.lines().find_map(|line| line.trim().strip_prefix("in `")?.strip_suffix('`').map(str::to_owned))
}

fn explained(message: &str) -> String {
    let Some((key, known)) = unknown(message) else {
        return message.replace("missing field", "missing key");
    };
    match nearest(&key, known.iter().map(String::as_str)) {
        Some(near) => format!("there is no key `{key}`; did you mean `{near}`?"),
        None if known.is_empty() => format!("there is no key `{key}`"),
        None => format!("there is no key `{key}`; the keys here are {}", known.join(", ")),
    }
}

/// The first line that sets a key or opens a section of that name.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let opens = |line: &str| {
        let line = line.trim_start();
        let head = line.trim_start_matches('[').trim_start_matches('"');
        head.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with(['=', ']', '.']))
    };
    text.lines().position(opens).map(|at| at + 1)
}
