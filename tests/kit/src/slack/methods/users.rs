//! `users.*`: who is there.

use super::Call;
use crate::slack::args::page;
use crate::slack::state::{Answer, State, User};
use bellhop_core::clock::Timestamp;
use chrono::Offset as _;
use serde_json::{Value, json};

/// A person as answers show them.
pub(crate) fn json(user: &User, email: bool, now: Timestamp) -> Value {
    let spec = &user.spec;
    let zone: chrono_tz::Tz = spec.zone.parse().unwrap_or(chrono_tz::UTC);
    let offset = now.with_timezone(&zone).offset().fix().local_minus_utc();
    let mut profile = json!({
        "real_name": spec.real_name,
        "real_name_normalized": spec.real_name,
        "display_name": spec.display_name,
        "display_name_normalized": spec.display_name,
        "title": "",
        "image_48": "",
        "team": user.team,
    });
    if email && !user.bot {
        profile["email"] = json!(format!("{}@acme.example", spec.name));
    }
    let mut shown = json!({
        "id": user.id,
        "team_id": user.team,
        "name": spec.name,
        "deleted": spec.deactivated,
        "profile": profile,
        "is_bot": user.bot,
        "is_app_user": false,
        "updated": user.updated,
    });
    if !spec.deactivated {
        let more = json!({
            "real_name": spec.real_name,
            "tz": spec.zone,
            "tz_label": spec.zone,
            "tz_offset": offset,
            "is_admin": spec.admin,
            "is_owner": false,
            "is_primary_owner": false,
            "is_restricted": spec.guest,
            "is_ultra_restricted": false,
            "is_email_confirmed": true,
        });
        if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
            shown.extend(more);
        }
    }
    shown
}

fn email(call: &Call) -> bool {
    call.scopes.iter().any(|scope| scope == "users:read.email")
}

pub(super) fn info(state: &mut State, call: &Call) -> Answer {
    call.wants(&["users:read"])?;
    let id = call.args.need("user")?;
    let user = state.member(&call.team, &id).ok_or("user_not_found")?;
    Ok(json!({ "user": json(user, email(call), state.time.now()) }))
}

pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    call.wants(&["users:read"])?;
    let now = state.time.now();
    let mut people: Vec<Value> =
        state.users.iter().filter(|user| user.team == call.team).map(|user| json(user, email(call), now)).collect();
    // Slackbot is listed as a person who is no bot.
    people.push(json!({
        "id": "USLACKBOT", "team_id": call.team, "name": "slackbot", "deleted": false, "real_name": "Slackbot", "tz": null,
        "profile": { "real_name": "Slackbot", "display_name": "Slackbot" }, "is_bot": false, "is_app_user": false, "updated": 0,
    }));
    let (members, more) = page(people, &call.args, state.settings.page, state.settings.empty_pages)?;
    Ok(json!({ "members": members, "cache_ts": now.timestamp(), "response_metadata": more }))
}

pub(super) fn by_email(state: &mut State, call: &Call) -> Answer {
    call.wants(&["users:read.email"])?;
    let wanted = call.args.need("email")?;
    let now = state.time.now();
    let mut people = state.users.iter().filter(|user| user.team == call.team && !user.bot && !user.spec.deactivated);
    let found = people.find(|user| format!("{}@acme.example", user.spec.name).eq_ignore_ascii_case(&wanted));
    found.map(|user| json!({ "user": json(user, true, now) })).ok_or_else(|| "users_not_found".into())
}
