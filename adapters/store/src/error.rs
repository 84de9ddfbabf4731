//! What databases answer when they can't, in the port's words.

use bellhop_core::{PortError, PortErrorKind};

/// The name under which the database appears in errors.
pub(crate) const SERVICE: &str = "database";

/// Where the database is, for messages: a path, or an address without its password.
#[derive(Debug)]
pub(crate) struct Place(pub(crate) String);

/// Puts a failure of the database into words that say what to do.
pub(crate) fn failure(error: &sqlx::Error, operation: &'static str, place: &Place) -> PortError {
    let Place(place) = place;
    let (kind, message) = match error {
        sqlx::Error::Database(answer) => {
            let code = answer.code().unwrap_or_default();
            if answer.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                sqlite(code.parse().unwrap_or(1), answer.message(), place)
            } else {
                postgres(&code, answer.message(), place)
            }
        }
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            (PortErrorKind::Denied, format!("{place} can't be opened: {error}; give the bot's user the right to write there"))
        }
        sqlx::Error::Io(error) => (PortErrorKind::Unavailable, format!("{place} can't be reached: {error}")),
        sqlx::Error::PoolTimedOut => {
            (PortErrorKind::Unavailable, format!("every connection to {place} stayed busy, or none could be made, for too long"))
        }
        sqlx::Error::PoolClosed => (PortErrorKind::Unavailable, format!("{place} was closed: the bot is stopping")),
        sqlx::Error::WorkerCrashed => (PortErrorKind::Unavailable, format!("the connection to {place} was lost")),
        sqlx::Error::Tls(error) => (PortErrorKind::Unavailable, format!("no secure connection to {place}: {error}")),
        sqlx::Error::Protocol(error) => {
            (PortErrorKind::Unavailable, format!("{place} speaks another protocol, or the connection was lost: {error}"))
        }
        other => (PortErrorKind::Broken, format!("{place}: {other}")),
    };
    PortError::new(kind, SERVICE, operation, message)
}

fn sqlite(code: i32, said: &str, place: &str) -> (PortErrorKind, String) {
    // The low byte is the kind, the rest says more about it.
    match code & 0xff {
        5 | 6 => (PortErrorKind::Unavailable, format!("{place} is locked by another program; close what has it open, or try again later")),
        8 => (
            PortErrorKind::Denied,
            format!("{place} can't be written: {said}; give the bot's user the right to write to the file and its folder"),
        ),
        3 | 14 | 23 => (
            PortErrorKind::Denied,
            format!("{place} can't be opened: {said}; check that the folder exists and that the bot's user may write there"),
        ),
        13 => (PortErrorKind::Full, format!("no room left for {place}; free space on its disk, nothing that was acknowledged is lost")),
        10 => (PortErrorKind::Unavailable, format!("reading or writing {place} failed: {said} (code {code}); check the disk")),
        7 => (PortErrorKind::Unavailable, format!("not enough memory to work with {place}")),
        11 => (PortErrorKind::Broken, format!("{place} is damaged: {said}; restore it from a backup")),
        26 => (PortErrorKind::Broken, format!("{place} is not a database; name another file, or move this one away")),
        19 if matches!(code, 1555 | 2067) => (PortErrorKind::Conflict, format!("something of that name is there already: {said}")),
        18 => (PortErrorKind::TooLarge, format!("too large for the database: {said}")),
        _ => (PortErrorKind::Broken, format!("{place}: {said} (code {code})")),
    }
}

fn postgres(code: &str, said: &str, place: &str) -> (PortErrorKind, String) {
    match code {
        "53100" => (PortErrorKind::Full, format!("no room left on the disk of {place}: {said}")),
        "23505" => (PortErrorKind::Conflict, format!("something of that name is there already: {said}")),
        "40001" | "40P01" | "55P03" => {
            (PortErrorKind::Unavailable, format!("{place} was busy with the same rows; it is tried again: {said}"))
        }
        "28P01" | "28000" => (PortErrorKind::Unauthenticated, format!("{place} refuses the user or the password: {said}")),
        "3D000" => (PortErrorKind::NotFound, format!("{place} has no such database: {said}; create it first")),
        "42501" => (PortErrorKind::Denied, format!("{place} doesn't let this user do that: {said}")),
        "54000" | "54001" | "54011" => (PortErrorKind::TooLarge, format!("too large for the database: {said}")),
        _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("53") => {
            (PortErrorKind::Unavailable, format!("{place} can't just now: {said}"))
        }
        _ if code.starts_with("22") => (PortErrorKind::Invalid, format!("the database can't take a value: {said}")),
        _ => (PortErrorKind::Broken, format!("{place}: {said} (code {code})")),
    }
}

/// A request that makes no sense to the database.
pub(crate) fn invalid(operation: &'static str, message: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::Invalid, SERVICE, operation, message)
}

/// Something changed meanwhile, or is there already.
pub(crate) fn conflict(operation: &'static str, message: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::Conflict, SERVICE, operation, message)
}

/// Nothing of that name.
pub(crate) fn not_found(operation: &'static str, message: impl Into<String>) -> PortError {
    PortError::not_found(SERVICE, operation, message)
}
