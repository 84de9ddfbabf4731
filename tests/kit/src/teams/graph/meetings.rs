//! Calendars with meetings, and online meetings on nobody's calendar.
//! <https://learn.microsoft.com/graph/api/user-post-events>, <https://learn.microsoft.com/graph/api/application-post-onlinemeetings>

use super::people::{no_mailbox, owner};
use super::{Answer, Roles, list, wrong_method};
use crate::teams::call::{Call, Reply};
use crate::teams::state::{CalendarEvent, OnlineMeeting, Refusal, State, User};
use serde_json::{Value, json};

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ErrorInvalidRequest", message)
}

fn missing() -> Refusal {
    Refusal::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
}

/// A time with its zone: the local time has no offset.
fn timed(value: &Value, name: &str) -> Result<(), Refusal> {
    let (time, zone) = (value["dateTime"].as_str().unwrap_or_default(), value["timeZone"].as_str().unwrap_or_default());
    let local = time.parse::<chrono::NaiveDateTime>().is_ok() || time.trim_end_matches('Z').parse::<chrono::NaiveDateTime>().is_ok();
    let known = zone.parse::<chrono_tz::Tz>().is_ok()
        || ["W. Europe Standard Time", "Pacific Standard Time", "Eastern Standard Time"].contains(&zone);
    if local && known { Ok(()) } else { Err(bad(format!("{name}: {time:?} in {zone:?} is no local time in a known zone"))) }
}

fn shown(event: &CalendarEvent, later: bool) -> Value {
    let mut body = event.body.clone();
    body["id"] = json!(event.id);
    body["iCalUId"] = json!(format!("ical-{}", event.id));
    body["isCancelled"] = json!(event.cancelled);
    body["webLink"] = json!(format!("https://outlook.example/{}", event.id));
    let join = event.join.as_ref().filter(|_| !later || event.reads > 0);
    body["onlineMeeting"] = join.map_or(Value::Null, |join| json!({ "joinUrl": join }));
    body
}

fn checked(body: &Value) -> Result<(), Refusal> {
    for name in ["start", "end"] {
        timed(&body[name], name)?;
    }
    for attendee in body["attendees"].as_array().into_iter().flatten() {
        let address = attendee.pointer("/emailAddress/address").and_then(Value::as_str).unwrap_or_default();
        if !address.contains('@') {
            return Err(Refusal::new(400, "ErrorInvalidRecipients", format!("At least one recipient isn't valid: {address:?}")));
        }
    }
    Ok(())
}

pub(super) fn events(state: &mut State, call: &Call, roles: &Roles, who: &str, kind: &str, rest: &[&str]) -> Answer {
    let writes = call.method != "GET";
    let any: &[&str] = if writes { &["Calendars.ReadWrite"] } else { &["Calendars.ReadWrite", "Calendars.Read"] };
    roles.need_mailbox(any)?;
    let user = owner(state, who, false)?;
    if !user.spec.mailbox {
        return Err(no_mailbox());
    }
    let later = state.settings.link_later;
    match (call.method.as_str(), rest) {
        ("POST", []) if kind == "events" => make(state, &call.json()?, &user),
        ("GET", []) => {
            if kind == "calendarView" && (call.query("startDateTime").is_none() || call.query("endDateTime").is_none()) {
                return Err(bad(
                    "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.",
                ));
            }
            Ok(list(state.events.iter().filter(|event| event.owner == user.object && !event.cancelled).map(|event| shown(event, false))))
        }
        (method, [id, more @ ..]) => {
            let at = state
                .events
                .iter()
                .position(|event| event.id == *id && event.owner == user.object && !event.cancelled)
                .ok_or_else(missing)?;
            match (method, more) {
                ("GET", []) => {
                    let event = &mut state.events[at];
                    event.reads += 1;
                    Ok(Reply::json(200, &shown(event, later)))
                }
                ("PATCH", []) => {
                    let body = call.json()?;
                    let event = &mut state.events[at];
                    if let (Some(has), Some(more)) = (event.body.as_object_mut(), body.as_object()) {
                        has.extend(more.clone());
                    }
                    checked(&event.body)?;
                    Ok(Reply::json(200, &shown(event, false)))
                }
                ("DELETE", []) => {
                    state.events[at].cancelled = true;
                    Ok(Reply::empty(204))
                }
                ("POST", ["cancel"]) => {
                    state.events[at].cancelled = true;
                    Ok(Reply::empty(202))
                }
                _ => Err(wrong_method()),
            }
        }
        _ => Err(wrong_method()),
    }
}

fn make(state: &mut State, body: &Value, user: &User) -> Answer {
    checked(body)?;
    let later = state.settings.link_later;
    let transaction = body["transactionId"].as_str().map(str::to_owned);
    if let Some(known) =
        state.events.iter().find(|event| event.owner == user.object && transaction.is_some() && event.transaction == transaction)
    {
        return Ok(Reply::json(201, &shown(known, false)));
    }
    let online = body["isOnlineMeeting"] == true;
    if online && body["onlineMeetingProvider"].as_str().is_some_and(|provider| provider != "teamsForBusiness") {
        return Err(bad("the provider of online meetings is not allowed for this calendar"));
    }
    let id = format!("AAMk{}", state.ids.opaque(30));
    let join = online.then(|| format!("https://teams.example/l/meetup-join/{}", state.ids.opaque(12)));
    let event = CalendarEvent { id, owner: user.object.clone(), body: body.clone(), join, transaction, cancelled: false, reads: 0 };
    let reply = Reply::json(201, &shown(&event, later));
    state.events.push(event);
    Ok(reply)
}

pub(super) fn online(state: &mut State, call: &Call, roles: &Roles, who: &str, rest: &[&str]) -> Answer {
    roles.need(state, None, &["OnlineMeetings.ReadWrite.All"], &[])?;
    let user = owner(state, who, true)?;
    if !state.settings.access_policy {
        let message = format!(
            "User ({}) is not authorized to Create meeting on behalf of user. No application access policy found for this app.",
            user.object
        );
        return Err(Refusal::new(403, "Forbidden", message));
    }
    let show = |meeting: &OnlineMeeting| {
        let mut body = meeting.body.clone();
        body["id"] = json!(meeting.id);
        body["joinWebUrl"] = json!(meeting.join);
        body["chatInfo"] = json!({ "threadId": format!("19:meeting_{}@thread.v2", meeting.id) });
        body
    };
    match (call.method.as_str(), rest) {
        ("POST", [] | ["createOrGet"]) => {
            let body = call.json()?;
            for name in ["startDateTime", "endDateTime"] {
                let text = body[name].as_str().unwrap_or_default();
                if chrono::DateTime::parse_from_rfc3339(text).is_err() {
                    return Err(Refusal::new(400, "BadRequest", format!("{name} {text:?} is no time with an offset")));
                }
            }
            if rest == ["createOrGet"] {
                let external = body["externalId"].as_str().ok_or_else(|| Refusal::new(400, "BadRequest", "externalId is missing"))?;
                let known = state.meetings.iter().find(|one| one.owner == user.object && !one.gone && one.body["externalId"] == external);
                if let Some(known) = known {
                    return Ok(Reply::json(200, &show(known)));
                }
            }
            let id = state.ids.opaque(20);
            let join = format!("https://teams.example/l/meetup-join/{}", state.ids.opaque(12));
            let meeting = OnlineMeeting { id, owner: user.object.clone(), body, join, gone: false };
            let reply = Reply::json(201, &show(&meeting));
            state.meetings.push(meeting);
            Ok(reply)
        }
        ("GET", []) => {
            let filter = call.query("$filter").unwrap_or_default();
            let join = filter.strip_prefix("JoinWebUrl eq '").and_then(|rest| rest.strip_suffix('\''));
            let join = join.ok_or_else(|| Refusal::new(400, "BadRequest", "$filter=JoinWebUrl eq '...' is wanted"))?;
            Ok(list(state.meetings.iter().filter(|one| one.owner == user.object && !one.gone && one.join == join).map(show)))
        }
        (method, [id]) => {
            let found = state.meetings.iter_mut().find(|one| one.id == *id && one.owner == user.object && !one.gone);
            let found = found.ok_or_else(|| Refusal::new(404, "NotFound", "Meeting not found."))?;
            match method {
                "GET" => Ok(Reply::json(200, &show(found))),
                "PATCH" => {
                    let body = call.json()?;
                    if let (Some(has), Some(more)) = (found.body.as_object_mut(), body.as_object()) {
                        has.extend(more.clone());
                    }
                    Ok(Reply::json(200, &show(found)))
                }
                "DELETE" => {
                    found.gone = true;
                    Ok(Reply::empty(204))
                }
                _ => Err(wrong_method()),
            }
        }
        _ => Err(wrong_method()),
    }
}
