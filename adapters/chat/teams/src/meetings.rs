//! Meetings by Graph: as an event in the organiser's calendar, which invites people, or as an online meeting alone.
//!
//! <https://learn.microsoft.com/graph/api/user-post-events>,
//! <https://learn.microsoft.com/graph/api/application-post-onlinemeetings>

use crate::config::MeetingsBy;
use crate::connector::{Called, Failure};
use crate::graph::{Ask, Op};
use crate::notes::{self, Kind};
use crate::{Desk, Teams, people};
use async_trait::async_trait;
use bellhop_core::PortErrorKind;
use bellhop_core::clock::Timestamp;
use bellhop_core::ports::{Meeting, Meetings, NewMeeting, PortResult};
use bellhop_http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const CALENDARS: &[&str] = &["Calendars.ReadWrite"];
const ONLINE: &[&str] = &["OnlineMeetings.ReadWrite.All"];
const EVENT: Op = Op { operation: "make a meeting", route: "/users/{id}/events", needs: CALENDARS, safe: true };
const READ: Op = Op { operation: "make a meeting", route: "/users/{id}/events/{id}", needs: CALENDARS, safe: true };
const CHANGE: Op = Op { operation: "change a meeting", route: "/users/{id}/events/{id}", needs: CALENDARS, safe: true };
const CANCEL: Op = Op { operation: "cancel a meeting", route: "/users/{id}/events/{id}", needs: CALENDARS, safe: true };
const MEET: Op = Op { operation: "make a meeting", route: "/users/{id}/onlineMeetings/createOrGet", needs: ONLINE, safe: true };
const MEET_CHANGE: Op = Op { operation: "change a meeting", route: "/users/{id}/onlineMeetings/{id}", needs: ONLINE, safe: true };
const MEET_CANCEL: Op = Op { operation: "cancel a meeting", route: "/users/{id}/onlineMeetings/{id}", needs: ONLINE, safe: true };

/// How often it is looked whether a new event has its address, and the pause before each look.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(700);

/// Who organises, as Graph knows the person.
struct Organizer {
    tenant: String,
    object: String,
    shown: String,
}

/// A meeting's id for the house: in whose calendar it is, and where there.
fn spelled(organizer: &Organizer, by: MeetingsBy, id: &str) -> String {
    let kind = if by == MeetingsBy::Calendar { "event" } else { "online" };
    format!("{kind} {} {} {id}", organizer.tenant, organizer.object)
}

struct Known<'a> {
    by: MeetingsBy,
    tenant: &'a str,
    object: &'a str,
    id: &'a str,
}

impl Desk {
    fn known<'a>(&self, id: &'a str, operation: &'static str) -> PortResult<Known<'a>> {
        let mut parts = id.splitn(4, ' ');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(kind @ ("event" | "online")), Some(tenant), Some(object), Some(id)) => {
                let by = if kind == "event" { MeetingsBy::Calendar } else { MeetingsBy::Online };
                Ok(Known { by, tenant, object, id })
            }
            _ => Err(self.error(PortErrorKind::NotFound, operation, "this is no meeting of this connection")),
        }
    }

    /// Who organises: the one who asks where they are of the organisation, or else the configured address.
    async fn organizer(&self, meeting: &NewMeeting) -> PortResult<Organizer> {
        let mut tried = Vec::new();
        if let Some(user) = meeting.organizer.as_ref().filter(|user| user.chat == self.name) {
            tried.push((user.workspace.to_string(), user.user.to_string()));
        }
        let names = [meeting.organizer_email.clone(), self.config.organizer.clone()];
        for tenant in people::tenants(self).await? {
            tried.extend(names.iter().flatten().map(|name| (tenant.clone(), name.clone())));
        }
        for (tenant, name) in &tried {
            if let Some(person) = people::find(self, tenant, name).await?.filter(|person| !person.object.is_empty()) {
                let shown = if person.name.is_empty() { name.clone() } else { person.name };
                return Ok(Organizer { tenant: tenant.clone(), object: person.object, shown });
            }
        }
        let message = "nobody can organise it: whoever asks has to be in the organisation, or `organizer` in the configuration has to name \
                       someone who is";
        Err(self.error(PortErrorKind::Invalid, "make a meeting", message))
    }

    async fn event(&self, organizer: &Organizer, meeting: &NewMeeting) -> Called<(String, String)> {
        let mut body = event(meeting);
        body["isOnlineMeeting"] = json!(true);
        body["onlineMeetingProvider"] = json!("teamsForBusiness");
        body["transactionId"] = json!(meeting.key);
        let path = ["users", organizer.object.as_str(), "events"];
        let ask = Ask::new(Method::POST, EVENT, &organizer.tenant, &path).body(&body);
        let mut made: Value = self.graph.ask(&ask).await.map_err(|failure| mailbox(failure, organizer))?;
        let id = made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if id.is_empty() {
            return Err(self.error(PortErrorKind::Broken, "make a meeting", "Graph doesn't say which event it made").into());
        }
        for _ in 0..LOOKS {
            if let Some(url) = made.pointer("/onlineMeeting/joinUrl").and_then(Value::as_str).filter(|url| !url.is_empty()) {
                return Ok((id, url.to_owned()));
            }
            // The address may come a moment after the event.
            tokio::time::sleep(PAUSE).await;
            made = self.graph.ask(&Ask::new(Method::GET, READ, &organizer.tenant, &["users", &organizer.object, "events", &id])).await?;
        }
        let message =
            format!("the event is in {}'s calendar, but Teams gave it no address to join: the mailbox has no Teams", organizer.shown);
        Err(self.error(PortErrorKind::Denied, "make a meeting", message).into())
    }

    async fn online(&self, organizer: &Organizer, meeting: &NewMeeting) -> Called<(String, String)> {
        let mut body = online(meeting);
        body["externalId"] = json!(meeting.key);
        let path = ["users", organizer.object.as_str(), "onlineMeetings", "createOrGet"];
        let made: Value = self
            .graph
            .ask(&Ask::new(Method::POST, MEET, &organizer.tenant, &path).body(&body))
            .await
            .map_err(|failure| self.policy(failure, organizer))?;
        let text = |name: &str| made.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        match (text("id"), text("joinWebUrl")) {
            (Some(id), Some(url)) => Ok((id, url)),
            _ => Err(self.error(PortErrorKind::Broken, "make a meeting", "Graph doesn't say how the meeting is joined").into()),
        }
    }

    /// Without a policy an app may make meetings for nobody.
    fn policy(&self, mut failure: Failure, organizer: &Organizer) -> Failure {
        if failure.error.kind == PortErrorKind::Denied && failure.error.message.contains("on behalf") {
            let app_id = self.config.bot.as_ref().map_or("", |bot| bot.app_id.as_str());
            failure.error.message = format!(
                "Teams lets the app make no meetings for {}: an administrator runs `New-CsApplicationAccessPolicy -Identity Bellhop -AppIds \
                 {app_id}` and `Grant-CsApplicationAccessPolicy -PolicyName Bellhop -Identity {}`; it holds after half an hour at most",
                organizer.shown, organizer.object
            );
        }
        failure
    }
}

#[async_trait]
impl Meetings for Teams {
    async fn schedule(&self, meeting: &NewMeeting) -> PortResult<Meeting> {
        let desk = &self.desk;
        if let Some(made) = notes::get::<Meeting>(desk, Kind::Meeting, &meeting.key).await? {
            return Ok(made);
        }
        let organizer = desk.organizer(meeting).await?;
        let by = desk.config.meetings;
        let (id, join_url) = match by {
            MeetingsBy::Calendar => desk.event(&organizer, meeting).await?,
            MeetingsBy::Online => desk.online(&organizer, meeting).await?,
        };
        let id = spelled(&organizer, by, &id);
        let invited = by == MeetingsBy::Calendar && !meeting.attendees.is_empty();
        let made = Meeting { id, join_url, organizer: organizer.shown, invited };
        notes::put(desk, Kind::Meeting, &meeting.key, &made).await?;
        Ok(made)
    }

    async fn change(&self, id: &str, meeting: &NewMeeting) -> PortResult<Meeting> {
        let desk = &self.desk;
        let known = desk.known(id, "change a meeting")?;
        let changed: Value = match known.by {
            MeetingsBy::Calendar => {
                let path = ["users", known.object, "events", known.id];
                desk.graph.ask(&Ask::new(Method::PATCH, CHANGE, known.tenant, &path).body(&event(meeting))).await?
            }
            MeetingsBy::Online => {
                let path = ["users", known.object, "onlineMeetings", known.id];
                desk.graph.ask(&Ask::new(Method::PATCH, MEET_CHANGE, known.tenant, &path).body(&online(meeting))).await?
            }
        };
        let said = |path: &str| changed.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let before = notes::all::<Meeting>(desk, Kind::Meeting).await?.into_iter().find(|(_, made)| made.id == id).map(|(_, made)| made);
        let url =
            said("/onlineMeeting/joinUrl").or_else(|| said("/joinWebUrl")).or_else(|| before.as_ref().map(|made| made.join_url.clone()));
        let organizer = before.map(|made| made.organizer).unwrap_or_default();
        let invited = known.by == MeetingsBy::Calendar && !meeting.attendees.is_empty();
        Ok(Meeting { id: id.to_owned(), join_url: url.unwrap_or_default(), organizer, invited })
    }

    async fn cancel(&self, id: &str) -> PortResult<()> {
        let desk = &self.desk;
        let known = desk.known(id, "cancel a meeting")?;
        let (op, path) = match known.by {
            MeetingsBy::Calendar => (CANCEL, ["users", known.object, "events", known.id]),
            MeetingsBy::Online => (MEET_CANCEL, ["users", known.object, "onlineMeetings", known.id]),
        };
        // From the organiser's calendar it tells those who were invited.
        match desk.graph.ask::<Value>(&Ask::new(Method::DELETE, op, known.tenant, &path)).await {
            Err(failure) if failure.error.kind == PortErrorKind::NotFound => Ok(()),
            other => Ok(other.map(|_| ())?),
        }
    }
}

/// A person without a mailbox has no calendar.
fn mailbox(mut failure: Failure, organizer: &Organizer) -> Failure {
    if failure.error.kind == PortErrorKind::NotFound || failure.is(&["MailboxNotEnabledForRESTAPI", "ErrorNonExistentMailbox"]) {
        failure.error.kind = PortErrorKind::Denied;
        failure.error.message =
            format!("{} has no mailbox, and so no calendar: let someone else organise it (`organizer`)", organizer.shown);
    }
    failure
}

/// A moment as calendars take it. In UTC it is the same moment for everyone; each reader's calendar shows it in their own zone.
fn moment(at: Timestamp) -> Value {
    json!({ "dateTime": at.format("%Y-%m-%dT%H:%M:%S").to_string(), "timeZone": "UTC" })
}

fn event(meeting: &NewMeeting) -> Value {
    let attendees: Vec<Value> =
        meeting.attendees.iter().map(|address| json!({ "emailAddress": { "address": address }, "type": "required" })).collect();
    json!({ "subject": meeting.title, "start": moment(meeting.starts), "end": moment(meeting.ends), "attendees": attendees })
}

fn online(meeting: &NewMeeting) -> Value {
    let attendees: Vec<Value> = meeting.attendees.iter().map(|address| json!({ "upn": address, "role": "attendee" })).collect();
    let at = |at: Timestamp| at.with_timezone(&meeting.zone).to_rfc3339();
    json!({
        "subject": meeting.title,
        "startDateTime": at(meeting.starts),
        "endDateTime": at(meeting.ends),
        "participants": { "attendees": attendees },
    })
}
