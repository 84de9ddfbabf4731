//! Messages as they are made and changed. <https://docs.discord.com/developers/resources/message#create-message>

use super::components::{V2, components};
use super::embed::{embeds, pictures};
use super::{Problems, unknown};
use crate::discord::api::call::Part;
use crate::discord::api::{Fault, fault};
use axum::http::StatusCode;
use serde_json::Value;

const KNOWN: &[&str] = &[
    "content",
    "nonce",
    "enforce_nonce",
    "tts",
    "embeds",
    "allowed_mentions",
    "message_reference",
    "components",
    "sticker_ids",
    "attachments",
    "flags",
    "poll",
    "username",
    "avatar_url",
    "thread_name",
    "applied_tags",
    "payload_json",
];
const SUPPRESS_EMBEDS: u64 = 4;
const EPHEMERAL: u64 = 64;
const SILENT: u64 = 4096;

/// What a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::discord) enum For {
    /// A new message.
    Create,
    /// A new message by a webhook.
    Webhook,
    /// A response to an interaction, or what follows it.
    Response,
    /// A change of a message, which has been made of components alone where that is true.
    Edit(bool),
}

/// Looks at a message; returns what is careless in it.
pub(in crate::discord) fn message(body: &Value, parts: &[Part], purpose: For, kept: usize) -> Result<Vec<String>, Fault> {
    let mut problems = Problems::default();
    if !body.is_object() {
        problems.add("", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType");
        problems.done()?;
    }
    let mut careless: Vec<String> = unknown(body, KNOWN).map(|name| format!("unknown field {name}")).collect();
    let content = problems.text(body, "content", 0, 2000, false).unwrap_or_default();
    let allowed_flags = match purpose {
        For::Response => SUPPRESS_EMBEDS | EPHEMERAL | SILENT | V2,
        For::Edit(_) => SUPPRESS_EMBEDS | V2,
        For::Create | For::Webhook => SUPPRESS_EMBEDS | SILENT | V2,
    };
    let flags = body["flags"].as_u64().unwrap_or(0);
    if flags & !allowed_flags != 0 {
        careless.push(format!("flags {flags} that can't be set here"));
    }
    let v2 = flags & V2 != 0 || purpose == For::Edit(true);
    if purpose == For::Edit(true) && !body["flags"].is_null() && flags & V2 == 0 {
        problems.add("flags", "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG", "The components v2 flag cannot be removed");
    }
    match &body["nonce"] {
        Value::Null | Value::Number(_) => {}
        Value::String(text) if text.chars().count() <= 25 => {}
        _ => problems.add("nonce", "NONCE_TYPE_TOO_LONG", "Message nonce must be 25 or fewer characters."),
    }
    problems.flag(body, "enforce_nonce");
    problems.flag(body, "tts");
    let list = problems.list(body, "embeds", 0, 10);
    embeds(&mut problems, list);
    components(&mut problems, body, v2);
    if v2 {
        for name in ["content", "embeds", "poll", "sticker_ids"] {
            let given = match &body[name] {
                Value::Null => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(list) => !list.is_empty(),
                _ => true,
            };
            if given {
                let message = format!("The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2");
                problems.add(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", &message);
            }
        }
    }
    mentions(&mut problems, &body["allowed_mentions"]);
    if body["allowed_mentions"].is_null() && !content.is_empty() && !matches!(purpose, For::Edit(_)) {
        careless.push("says nothing about whom it may mention (allowed_mentions)".into());
    }
    let described = attachments(&mut problems, body, parts, kept);
    references(&mut problems, body, parts, v2, described);
    problems.done()?;
    let parts_of_it = parts.len() + kept + list.len() + body["components"].as_array().map_or(0, Vec::len);
    let others = body["sticker_ids"].as_array().map_or(0, Vec::len) + usize::from(body["poll"].is_object());
    let empty = content.trim().is_empty() && parts_of_it + others == 0;
    if empty && !matches!(purpose, For::Edit(_)) {
        return Err(fault(StatusCode::BAD_REQUEST, 50006, "Cannot send an empty message"));
    }
    Ok(careless)
}

fn mentions(problems: &mut Problems, allowed: &Value) {
    if allowed.is_null() {
        return;
    }
    problems.within("allowed_mentions", |problems| {
        let parse: Vec<String> =
            problems.list(allowed, "parse", 0, 3).iter().map(|kind| kind.as_str().unwrap_or_default().to_owned()).collect();
        for (n, kind) in parse.iter().enumerate() {
            if !["roles", "users", "everyone"].contains(&kind.as_str()) {
                problems.add(&format!("parse.{n}"), "BASE_TYPE_CHOICES", "Value must be one of ('roles', 'users', 'everyone').");
            }
        }
        for name in ["users", "roles"] {
            let given = problems.list(allowed, name, 0, 100);
            for (n, id) in given.iter().enumerate() {
                if id.as_str().is_none_or(|id| id.parse::<u64>().is_err()) {
                    problems.add(&format!("{name}.{n}"), "NUMBER_TYPE_COERCE", &format!("Value \"{id}\" is not snowflake."));
                }
            }
            if !given.is_empty() && parse.iter().any(|kind| kind == name) {
                problems.add(
                    name,
                    "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                    &format!("parse:[\"{name}\"] and {name}: [ids...] are mutually exclusive."),
                );
            }
        }
    });
}

/// The attachments that the body describes; returns how many of them are new.
fn attachments(problems: &mut Problems, body: &Value, parts: &[Part], kept: usize) -> usize {
    let list = problems.list(body, "attachments", 0, 10);
    let mut fresh = 0;
    for (n, one) in list.iter().enumerate() {
        problems.within(format!("attachments.{n}"), |problems| {
            problems.text(one, "filename", 0, 1024, false);
            problems.text(one, "description", 0, 1024, false);
            let id = one["id"].as_u64().or_else(|| one["id"].as_str().and_then(|id| id.parse().ok()));
            match id {
                None => problems.required("id"),
                // What is there already is called by its id, and what comes by its number.
                Some(id) if id < 100 => {
                    fresh += 1;
                    if !parts.iter().any(|part| part.number == Some(id)) {
                        problems.add("", "ATTACHMENT_NOT_FOUND", "Attachment data not found");
                    }
                }
                Some(_) => {}
            }
        });
    }
    if parts.len() + kept > 10 {
        problems.add("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.");
    }
    fresh
}

/// `attachment://` has to lead to a file that comes along, and every file of a message of components has to be shown.
fn references(problems: &mut Problems, body: &Value, parts: &[Part], v2: bool, described: usize) {
    let known = |name: &str| {
        let listed = body["attachments"].as_array().into_iter().flatten().any(|one| one["filename"] == name);
        listed || parts.iter().any(|part| part.name == name)
    };
    let any = !parts.is_empty() || described > 0;
    for (n, embed) in body["embeds"].as_array().into_iter().flatten().enumerate() {
        for url in pictures(embed) {
            if let Some(name) = url.strip_prefix("attachment://")
                && !known(name)
                && any
            {
                problems.add(&format!("embeds.{n}"), "ATTACHMENT_NOT_FOUND", &format!("There is no attachment {name}"));
            }
        }
    }
    if v2 {
        let text = body["components"].to_string();
        for part in parts {
            if !text.contains(&format!("attachment://{}\"", part.name)) {
                let message = format!("The attachment {} is not referenced by a component", part.name);
                problems.add("attachments", "UNREFERENCED_ATTACHMENT", &message);
            }
        }
    }
}
