//! Microsoft Graph: what an app may do with its own permissions in teams, channels, drives, calendars and online meetings.
//!
//! <https://learn.microsoft.com/graph/api/overview>

mod channels;
mod drives;
mod meetings;
mod messages;
mod people;

use super::call::{Call, Reply};
use super::state::{Refusal, State, Team};
use super::tokens::GRAPH;
use serde_json::{Value, json};

pub(super) type Answer = Result<Reply, Refusal>;

/// What a call shows of itself: the permissions in its token.
pub(super) struct Roles(Vec<String>);

/// How the ledger calls it, and what a pause holds for.
pub(super) fn name(call: &Call) -> (String, String) {
    let part = |at: usize| call.parts.get(at).map_or("", String::as_str);
    let name = match (part(2), part(4)) {
        ("teams", "channels") if part(6) == "filesFolder" => "files",
        ("teams", "channels") if part(6) == "messages" => "messages",
        ("teams", "channels") => "channels",
        ("teams", _) => "teams",
        ("drives" | "shares", _) => "files",
        ("users", "events" | "calendarView" | "calendar") => "events",
        ("users", "onlineMeetings") => "meetings",
        ("users", "teamwork") => "installed",
        ("users", _) => "users",
        ("chats", _) => "messages",
        _ => "other",
    };
    // A pause holds for one resource: a team, a person's mailbox, a drive.
    (format!("graph/{name}"), format!("graph/{name} {}", part(3)))
}

pub(super) fn answer(state: &mut State, call: &Call, name: &str) -> Reply {
    let token = match state.shown(call, GRAPH) {
        Ok(token) => token,
        Err(reply) => return reply,
    };
    if call.parts.get(1).map(String::as_str) != Some("v1.0") {
        return Reply::graph(&Refusal::new(400, "BadRequest", "Invalid version."));
    }
    if state.settings.limits.graph
        && let Err(seconds) = throttled(state, call, name)
    {
        return Reply::graph(&Refusal::limited("TooManyRequests", seconds));
    }
    let roles = Roles(token.roles);
    routed(state, call, &roles).unwrap_or_else(|refusal| Reply::graph(&refusal))
}

/// The windows of <https://learn.microsoft.com/graph/throttling-limits>: those of the app in the tenant, and four a second on one team
/// or channel.
fn throttled(state: &mut State, call: &Call, name: &str) -> Result<(), u32> {
    let now = state.micros();
    let channels = ["graph/channels", "graph/teams"].contains(&name);
    let a_second = match call.method.as_str() {
        "GET" if channels => 60,
        "DELETE" if channels => 15,
        _ => 30,
    };
    state.meter.call(&format!("{name} {} of the app", call.method), &[(a_second, 1)], now)?;
    let resource = call.parts.get(3).map_or("", String::as_str);
    if channels {
        return state.meter.call(&format!("{name} {resource}"), &[(4, 1)], now);
    }
    if name == "graph/events" {
        return state.meter.call(&format!("{name} {resource}"), &[(10_000, 600)], now);
    }
    Ok(())
}

fn routed(state: &mut State, call: &Call, roles: &Roles) -> Answer {
    let parts: Vec<&str> = call.parts.iter().skip(2).map(String::as_str).collect();
    match parts.as_slice() {
        ["teams", team, "channels"] => channels::all(state, call, roles, team),
        ["teams", team, "channels", channel, "messages", rest @ ..] => messages::of_channel(state, call, roles, team, channel, rest),
        ["teams", team, "channels", channel, "filesFolder"] => drives::folder(state, roles, team, channel),
        ["teams", team, "channels", channel, rest @ ..] => channels::one(state, call, roles, team, channel, rest),
        ["teams", team, "members"] => people::of_team(state, call, roles, team),
        ["teams", team] => people::team(state, roles, team),
        ["chats", chat, "messages", rest @ ..] => messages::of_chat(state, call, roles, chat, rest),
        ["users"] => people::search(state, call, roles),
        ["users", user] => people::one(state, roles, user),
        ["users", user, "teamwork", "installedApps"] => people::install(state, call, roles, user),
        ["users", user, "mailboxSettings", ..] => people::mailbox(state, roles, user),
        ["users", user, "events" | "calendarView", rest @ ..] => meetings::events(state, call, roles, user, parts[2], rest),
        ["users", user, "calendar", kind @ ("events" | "calendarView"), rest @ ..] => {
            meetings::events(state, call, roles, user, kind, rest)
        }
        ["users", user, "onlineMeetings", rest @ ..] => meetings::online(state, call, roles, user, rest),
        ["drives", drive, rest @ ..] => drives::answer(state, call, roles, drive, rest),
        ["shares", share, "driveItem", rest @ ..] => drives::shared(state, call, roles, share, rest),
        _ => Err(Refusal::new(400, "BadRequest", "Resource not found for the segment.")),
    }
}

impl Roles {
    fn has(&self, any: &[&str]) -> bool {
        any.iter().any(|name| self.0.iter().any(|known| known == name))
    }

    /// One of these permissions, or a resource-specific one of the team.
    fn need(&self, state: &State, team: Option<&Team>, any: &[&str], of_team: &[&str]) -> Result<(), Refusal> {
        let specific = team.is_some_and(|team| team.installed)
            && of_team.iter().any(|name| state.settings.resource_permissions.iter().any(|known| known == name));
        if specific || self.has(any) {
            return Ok(());
        }
        let wanted = [of_team, any].concat().join(", ");
        let message = format!(
            "Missing role permissions on the request. API requires one of '{wanted}'. Roles on the request '{}'.",
            self.0.join(", ")
        );
        Err(Refusal::new(403, "Forbidden", message))
    }

    /// One of these, of a mailbox.
    fn need_mailbox(&self, any: &[&str]) -> Result<(), Refusal> {
        let refusal = || Refusal::new(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.");
        if self.has(any) { Ok(()) } else { Err(refusal()) }
    }
}

impl State {
    /// A team by its group's id; bots' ids are not known here.
    fn group(&self, id: &str) -> Result<Team, Refusal> {
        let found = self.teams.iter().find(|team| team.group == id && !team.gone).cloned();
        found.ok_or_else(|| Refusal::new(404, "NotFound", format!("No team found with Group Id {id}")))
    }
}

/// A list as Graph gives it.
fn list(values: impl Iterator<Item = Value>) -> Reply {
    let values: Vec<Value> = values.collect();
    Reply::json(200, &json!({ "@odata.count": values.len(), "value": values }))
}

fn wrong_method() -> Refusal {
    Refusal::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
}
