//! REST: which route answers a call, and how refusals are worded.
//!
//! <https://docs.discord.com/developers/reference>

pub(super) mod call;
mod channels;
mod commands;
mod guilds;
mod interactions;
mod invites;
mod messages;
mod overwrites;
mod posting;
mod reactions;
mod threads;
mod webhooks;

pub(super) use posting::{Author, Draft};

use super::ids::Id;
use super::limits::TooMany;
use super::records::Channel;
use super::server::Reply;
use super::state::State;
use axum::http::StatusCode;
use call::{Body, Call};
use serde_json::{Value, json};

/// Why a call was refused.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Refused { status: StatusCode, body: Value },
    Limited(TooMany),
}

pub(super) type Answer = Result<Reply, Fault>;

/// A refusal with one of Discord's codes, <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json>.
pub(super) fn fault(status: StatusCode, code: u64, message: &str) -> Fault {
    Fault::Refused { status, body: json!({ "message": message, "code": code }) }
}

pub(super) fn unknown(code: u64, what: &str) -> Fault {
    fault(StatusCode::NOT_FOUND, code, &format!("Unknown {what}"))
}

pub(super) fn no_access() -> Fault {
    fault(StatusCode::FORBIDDEN, 50001, "Missing Access")
}

pub(super) fn no_permission() -> Fault {
    fault(StatusCode::FORBIDDEN, 50013, "Missing Permissions")
}

pub(super) fn ok(value: &Value) -> Reply {
    Reply::json(StatusCode::OK, value)
}

pub(super) fn made(value: &Value) -> Reply {
    Reply::json(StatusCode::CREATED, value)
}

pub(super) fn nothing() -> Reply {
    Reply::text(StatusCode::NO_CONTENT, "")
}

/// An id of a path. One that is none is a body's problem to Discord, too.
pub(super) fn id(text: &str, name: &str) -> Result<Id, Fault> {
    text.parse().map_err(|_| {
        let mut problems = super::check::Problems::default();
        problems.add(name, "NUMBER_TYPE_COERCE", &format!("Value \"{text}\" is not snowflake."));
        problems.done().err().unwrap_or_else(|| unknown(0, "resource"))
    })
}

impl State {
    /// The application whose token a call shows.
    pub(super) fn who(&self, call: &Call) -> Option<Id> {
        let token = call.authorization.as_deref()?.strip_prefix("Bot ")?;
        self.apps.iter().find(|app| app.token == token).map(|app| app.id)
    }

    /// What every call has to have.
    pub(super) fn checked(&mut self, call: &Call, app: Option<Id>) -> Result<(), Fault> {
        if !matches!(call.version.as_deref(), Some("9" | "10")) {
            self.ledger.careless.push(format!("{}: version {:?} of the API", call.route, call.version));
            return Err(fault(StatusCode::BAD_REQUEST, 50041, "Invalid API version provided"));
        }
        let first = call.parts.first().map_or("", String::as_str);
        let open = first == "interactions" || call.route.contains("/webhooks/{webhook}/{token}") || call.route == "GET /gateway";
        if !call.agent.starts_with("DiscordBot (") || !call.agent.contains(')') {
            if !open {
                return Err(fault(StatusCode::FORBIDDEN, 40333, "internal network error"));
            }
            // discord.py does that, and Discord lets it.
            self.ledger.careless.push(format!("{}: doesn't say which bot it is", call.route));
        }
        if open && call.authorization.is_some() && first != "gateway" {
            self.ledger.careless.push(format!("{}: shows a token where none is wanted", call.route));
        }
        if !open && app.is_none() {
            return Err(fault(StatusCode::UNAUTHORIZED, 0, "401: Unauthorized"));
        }
        if let Some(reason) = &call.reason {
            let plain = crate::args::pairs(reason.as_bytes()).into_iter().next().map(|(name, _)| name).unwrap_or_default();
            if !reason.is_ascii() || plain.is_empty() || plain.chars().count() > 512 {
                let mut problems = super::check::Problems::default();
                problems.add("X-Audit-Log-Reason", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 512 in length.");
                problems.done()?;
            }
            self.reasons.push((call.route.clone(), plain));
        }
        Ok(())
    }

    /// A channel that an app may see.
    pub(super) fn channel_for(&self, app: Id, text: &str) -> Result<Channel, Fault> {
        let channel = self.channels.get(&id(text, "channel_id")?).cloned().ok_or_else(|| unknown(10003, "Channel"))?;
        let bot = self.app(app).map_or(0, |app| app.bot);
        if !self.sees(&channel, bot) {
            return Err(no_access());
        }
        Ok(channel)
    }

    /// Whether an app may do this in a channel.
    pub(super) fn may(&self, app: Id, channel: &Channel, bits: u64) -> bool {
        let bot = self.app(app).map_or(0, |app| app.bot);
        self.permissions(channel, bot) & bits == bits
    }

    pub(super) fn need(&self, app: Id, channel: &Channel, bits: u64) -> Result<(), Fault> {
        if self.may(app, channel, bits) { Ok(()) } else { Err(no_permission()) }
    }

    /// Whether an app may do this in a guild.
    pub(super) fn need_in_guild(&self, app: Id, guild: Id, bits: u64) -> Result<(), Fault> {
        let bot = self.app(app).map_or(0, |app| app.bot);
        let guild = self.guilds.get(&guild).ok_or_else(|| unknown(10004, "Guild"))?;
        if guild.base_permissions(bot) & bits == bits { Ok(()) } else { Err(no_permission()) }
    }
}

/// Does what a call asks for.
pub(super) fn answer(state: &mut State, call: &Call, app: Option<Id>, body: Body) -> Answer {
    match body {
        Body::TooLarge => return Err(fault(StatusCode::PAYLOAD_TOO_LARGE, 40005, "Request entity too large")),
        Body::Broken => return Err(fault(StatusCode::BAD_REQUEST, 50109, "The request body contains invalid JSON.")),
        Body::Untyped => {
            let mut problems = super::check::Problems::default();
            problems.add("_misc", "CONTENT_TYPE_INVALID", "Expected \"Content-Type\" header to be one of {'application/json'}.");
            problems.done()?;
        }
        _ => {}
    }
    let parts: Vec<&str> = call.parts.iter().map(String::as_str).collect();
    // Routes that need no token stand first.
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", ["gateway"]) => return Ok(ok(&json!({ "url": state.gateway_url }))),
        ("POST", ["interactions", id, token, "callback"]) => return interactions::callback(state, call, id, token, body),
        (_, ["webhooks", id, token, rest @ ..]) => return webhooks::by_token(state, call, id, token, rest, body),
        _ => {}
    }
    let Some(me) = app else { return Err(fault(StatusCode::UNAUTHORIZED, 0, "401: Unauthorized")) };
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", ["gateway", "bot"]) => Ok(gateway(state, me)),
        ("GET", ["users", "@me"]) => {
            let bot = state.app(me).map_or(0, |app| app.bot);
            Ok(ok(&state.user_json(bot)))
        }
        ("GET", ["users", user]) => {
            let user = id(user, "user_id")?;
            if state.users.contains_key(&user) { Ok(ok(&state.user_json(user))) } else { Err(unknown(10013, "User")) }
        }
        ("POST", ["users", "@me", "channels"]) => channels::open_direct(state, me, &body.split().0),
        ("GET", ["users", "@me", "guilds"]) => Ok(guilds::own(state, me)),
        ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => Ok(ok(&state.app_json(me))),
        (_, ["applications", application, rest @ ..]) => commands::answer(state, call, me, application, rest, body),
        (_, ["channels", channel, rest @ ..]) => in_channel(state, call, me, channel, rest, body),
        (_, ["guilds", guild, rest @ ..]) => guilds::answer(state, call, me, guild, rest, body),
        (_, ["webhooks", webhook]) => webhooks::by_app(state, call, me, webhook),
        (_, ["invites", code]) => invites::by_code(state, call, me, code),
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}

fn gateway(state: &mut State, me: Id) -> Reply {
    let now = state.millis();
    let limits = state.settings.gateway.clone();
    let spent = state.app(me).map_or(&[][..], |app| &app.identifies);
    let within: Vec<i64> = spent.iter().copied().filter(|at| now - at < 86_400_000).collect();
    let remaining = usize::try_from(limits.identifies_a_day).unwrap_or(0).saturating_sub(within.len());
    let reset_after = within.first().map_or(86_400_000, |first| first + 86_400_000 - now);
    ok(&json!({
        "url": state.gateway_url, "shards": limits.shards,
        "session_start_limit": {
            "total": limits.identifies_a_day, "remaining": remaining, "reset_after": reset_after, "max_concurrency": limits.max_concurrency,
        },
    }))
}

fn in_channel(state: &mut State, call: &Call, me: Id, channel: &str, rest: &[&str], body: Body) -> Answer {
    let channel = state.channel_for(me, channel)?;
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(ok(&state.channel_json(&channel))),
        ("PATCH", []) => channels::change(state, me, &channel, &body.split().0),
        ("DELETE", []) => channels::delete(state, me, &channel),
        ("GET", ["messages"]) => messages::list(state, call, me, &channel),
        ("POST", ["messages"]) => messages::create(state, me, &channel, body),
        ("POST", ["messages", "bulk-delete"]) => messages::bulk_delete(state, me, &channel, &body.split().0),
        (method, ["messages", "pins", rest @ ..]) => reactions::pins(state, me, &channel, method, rest),
        ("GET", ["messages", message]) => messages::get(state, me, &channel, id(message, "message_id")?),
        ("PATCH", ["messages", message]) => messages::edit(state, me, &channel, id(message, "message_id")?, body),
        ("DELETE", ["messages", message]) => messages::delete(state, me, &channel, id(message, "message_id")?),
        ("POST", ["messages", message, "threads"]) => threads::on_message(state, me, &channel, id(message, "message_id")?, &body.split().0),
        (method, ["messages", message, "reactions", rest @ ..]) => {
            reactions::answer(state, me, &channel, id(message, "message_id")?, method, rest)
        }
        ("POST", ["threads"]) => threads::create(state, me, &channel, body),
        (method, ["thread-members", rest @ ..]) => threads::members(state, me, &channel, method, rest),
        ("POST", ["typing"]) => {
            state.need(me, &channel, super::permissions::permission::SEND_MESSAGES)?;
            Ok(nothing())
        }
        ("PUT" | "DELETE", ["permissions", overwrite]) => {
            overwrites::change(state, me, &channel, &call.method, id(overwrite, "overwrite_id")?, &body.split().0)
        }
        (_, ["invites"]) => invites::of_channel(state, call, me, &channel, &body),
        (_, ["webhooks"]) => webhooks::of_channel(state, call, me, &channel, body),
        _ => Err(fault(StatusCode::NOT_FOUND, 0, "404: Not Found")),
    }
}
