//! What can be backed up, as people write it.

use bellhop_core::ids::StoreName;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{Stores, file_name};
use bellhop_core::{Address, CommandError, PlaceRef};
use serde::{Deserialize, Serialize};

/// The word for the bot's own database.
pub(crate) const OWN: &str = "bellhop";

/// What is backed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// The bot's own database.
    Database,
    /// Files of a store whose names begin so.
    Files { store: StoreName, prefix: String },
    /// Messages and files of a channel.
    Channel {
        at: Address,
        spelled: String,
        /// Whether only some may read there.
        private: bool,
    },
}

/// What was typed, before places are looked up.
pub(crate) enum Typed {
    Own,
    Files { store: StoreName, prefix: String },
    Place(PlaceRef),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Database => f.write_str(OWN),
            Self::Files { store, prefix } if prefix.is_empty() => write!(f, "{store}"),
            Self::Files { store, prefix } => write!(f, "{store}:{prefix}"),
            Self::Channel { spelled, .. } => f.write_str(spelled),
        }
    }
}

/// Reads `bellhop`, a place, `STORE` or `STORE:PREFIX`. A word without a mark is a store: channels have their `#`.
pub(crate) fn read(stores: &dyn Stores, argument: &'static str, text: &str) -> Result<Typed, CommandError> {
    if text.eq_ignore_ascii_case(OWN) {
        return Ok(Typed::Own);
    }
    let last = text.rsplit(['/', ':']).next().unwrap_or_default();
    if text.starts_with(['#', '@']) || last.starts_with(['#', '@']) {
        return text.parse().map(Typed::Place).map_err(|why| CommandError::invalid(argument, why));
    }
    let (store, prefix) = located(stores, argument, text)?;
    Ok(Typed::Files { store, prefix })
}

/// Reads `STORE` or `STORE:PREFIX`.
pub(crate) fn located(stores: &dyn Stores, argument: &'static str, text: &str) -> Result<(StoreName, String), CommandError> {
    let (name, prefix) = text.split_once(':').unwrap_or((text, ""));
    let (store, names) = (StoreName::new(name), stores.names());
    if !names.contains(&store) {
        let known: Vec<&str> = names.iter().map(StoreName::as_str).collect();
        let near = nearest(name, known.iter().copied()).map_or(String::new(), |near| format!("; did you mean {near}?"));
        let place = if argument == "from" { "; a channel is written with its #, and the bot's own database `bellhop`" } else { "" };
        return Err(CommandError::invalid(
            argument,
            format!("there is no store `{}` (there is {}){near}{place}", crate::wording::line(name), known.join(", ")),
        ));
    }
    let whole = prefix.trim_end_matches('/');
    if !whole.is_empty() {
        file_name(whole)?;
    }
    Ok((store, prefix.to_owned()))
}
