//! Members of a payload by their path, as leniently as they are sent: an empty text is no text.

use super::Unreadable;
use serde_json::Value;

/// The text at a path (`/user/id`), if there is one and it isn't empty.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The first text among several paths.
pub(super) fn first<'a>(value: &'a Value, paths: &[&str]) -> Option<&'a str> {
    paths.iter().find_map(|path| text(value, path))
}

/// The text at a path that a delivery makes no sense without.
pub(super) fn needed<'a>(value: &'a Value, path: &'static str) -> Result<&'a str, Unreadable> {
    text(value, path).ok_or(Unreadable { member: path })
}

/// The list at a path; nothing where there is none.
pub(crate) fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

/// Whether the member at a path is true, in whichever way Slack writes it there.
pub(super) fn truth(value: &Value, path: &str) -> bool {
    match value.pointer(path) {
        Some(Value::Bool(is)) => *is,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// The thread that a message is in. The message that a thread hangs on is not in it, though it has the thread's ts, too.
pub(super) fn thread(message: &Value) -> Option<&str> {
    text(message, "/thread_ts").filter(|thread| text(message, "/ts") != Some(thread))
}
