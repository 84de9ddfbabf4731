//! What Discord's error codes mean, and what to do about them. Pure.
//!
//! <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json>

use bellhop_core::PortErrorKind;
use bellhop_core::text::{one_line, shorten};
use serde_json::Value;

/// How many wrong fields are named.
const FIELDS: usize = 3;

/// What a code means; the advice begins with a separator, or is empty.
pub(super) fn of(code: i64) -> Option<(PortErrorKind, &'static str)> {
    use PortErrorKind::{Conflict, Denied, Full, Invalid, NotFound, RateLimited, TooLarge, Unauthenticated, Unavailable, Unsupported};
    Some(match code {
        10003 => (NotFound, ": there is no such channel, or the bot doesn't see it"),
        10004 => (
            NotFound,
            ": there is no such server, or the bot is no longer in it; invite it again with the link of `bellhop manifest discord`",
        ),
        10007 | 10013 => (NotFound, ": there is no such person here"),
        10008 => (NotFound, ": the message is gone"),
        10011 => (NotFound, ": the role is gone"),
        10015 => (NotFound, ": the webhook, or the answer's token, is gone"),
        10062 => (NotFound, ": the interaction was not acknowledged within three seconds, or is over"),
        10001..=10100 => (NotFound, ""),
        20012 => (Denied, ": the token and the `application_id` are of different applications"),
        20016 => (RateLimited, ": the channel is in slow mode; give the bot the permission Bypass Slowmode there"),
        20022 | 20028 | 20029 | 40062 => (RateLimited, ""),
        30005 => (Full, ": the server has all the roles that it can have"),
        30007 => (Full, ": the channel has all the webhooks that it can have; delete some under Edit Channel > Integrations"),
        30010 => (Full, ": the message has 20 reactions, which is all it can have"),
        30013 => (Full, ": the server has 500 channels, which is all it can have; delete some"),
        30003 => (Full, ": the channel has all the pins that it can have"),
        30032 | 30034 => (RateLimited, ": 200 commands a day can be made in a server; Discord takes more tomorrow"),
        30046 => (RateLimited, ": messages older than an hour were changed too often"),
        40001 | 50014 => (Unauthenticated, ": Discord doesn't take the token"),
        40005 | 50045 => (TooLarge, ": Discord takes no file of this size here"),
        40060 => (Conflict, ": the interaction was answered already"),
        40333 => (Denied, ": Cloudflare blocks the request; a proxy may have changed its User-Agent"),
        50001 => (Denied, ": the bot doesn't see this channel; give it View Channel there (Edit Channel > Permissions)"),
        50003 => (Unsupported, ": this can't be done in a direct conversation"),
        50005 => (Denied, ": the message is someone else's"),
        50006 => (Invalid, ": the message says nothing that Discord shows; without the permission Embed Links its cards are dropped"),
        50007 => {
            (Denied, ": this person takes no direct messages from the bot; in the server's menu under Privacy Settings they can be allowed")
        }
        50008 => (Unsupported, ": nothing can be posted in a channel of this kind"),
        50013 => (
            Denied,
            ": the bot lacks a permission there, or its role stands below the one that it is to change (Server Settings > Roles); `bellhop check --live` names what is missing",
        ),
        50021 => (Denied, ": nobody can do that to a message of the system"),
        50024 => (Unsupported, ": this can't be done in a channel of this kind"),
        50025 => (Denied, ": the token is of another kind"),
        50027 => (NotFound, ": the answer's time of fifteen minutes is over"),
        50033 => (Invalid, ": these can't be written to"),
        50034 => (Invalid, ": messages older than two weeks can't be removed together"),
        50035 => (Invalid, ""),
        50074 => (Denied, ": a community server needs this channel; choose another one under Server Settings > Community first"),
        50083 => (Denied, ": the thread is closed; open it again first"),
        50109 => (Invalid, ": the request was no JSON"),
        110_000 | 130_000 => (Unavailable, ": Discord is too busy just now"),
        160_002 => (Denied, ": the bot needs the permission Read Message History to answer to a message"),
        160_004 => (Conflict, ": the message has a thread already"),
        160_005 => (Denied, ": the thread is locked; someone with Manage Threads can open it"),
        160_006 => (Full, ": the server has all the open threads that it can have; close some"),
        160_014 => (Denied, ": the bot can't read what was to be passed on"),
        _ => return None,
    })
}

/// The fields that an invalid form body has wrong, with what is wrong: `embeds[0].description: Must be 4096 or fewer in length.`
pub(super) fn wrong_fields(said: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(errors) = said.get("errors") {
        walk(errors, &mut String::new(), &mut found);
    }
    found
}

fn walk(value: &Value, path: &mut String, found: &mut Vec<String>) {
    let Some(members) = value.as_object() else { return };
    for (name, inner) in members {
        if found.len() >= FIELDS || path.len() > 300 {
            return;
        }
        if name == "_errors" {
            let messages = inner.as_array().into_iter().flatten().filter_map(|error| error.get("message")?.as_str());
            for message in messages.take(1) {
                let at = if path.is_empty() { "the whole" } else { path.as_str() };
                found.push(format!("{}: {}", shorten(&one_line(at), 100), shorten(&one_line(message), 150)));
            }
            continue;
        }
        let before = path.len();
        if name.bytes().all(|c| c.is_ascii_digit()) {
            path.push('[');
            path.push_str(name);
            path.push(']');
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        walk(inner, path, found);
        path.truncate(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrong_fields_are_named_with_their_place() {
        let said = json!({ "code": 50035, "message": "Invalid Form Body", "errors": {
            "embeds": { "0": { "fields": { "2": { "value": { "_errors": [{ "code": "BASE_TYPE_BAD_LENGTH", "message": "Must be 1024 or fewer in length." }] } } } } },
            "_errors": [{ "code": "X", "message": "bad" }],
        } });
        let found = wrong_fields(&said);
        assert!(found.contains(&"embeds[0].fields[2].value: Must be 1024 or fewer in length.".to_owned()), "{found:?}");
        assert!(found.contains(&"the whole: bad".to_owned()), "{found:?}");
        assert_eq!(wrong_fields(&json!({ "errors": "odd" })), Vec::<String>::new());
    }

    #[test]
    fn every_code_of_the_sheet_is_known() {
        for code in [
            10003, 10004, 10007, 10008, 10011, 10013, 10015, 10062, 20012, 20016, 20022, 20028, 30005, 30007, 30010, 30013, 30046, 40001,
            40005, 40060, 40062, 40333, 50001, 50003, 50005, 50006, 50007, 50008, 50013, 50021, 50024, 50027, 50033, 50034, 50035, 50045,
            50074, 50083, 50109, 110_000, 130_000, 160_002, 160_004, 160_005, 160_014,
        ] {
            assert!(of(code).is_some(), "{code}");
        }
        assert!(of(1).is_none());
    }
}
