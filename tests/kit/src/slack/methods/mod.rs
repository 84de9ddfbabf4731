//! The methods of the Web API, each with its tier, the scopes it wants and the failures it answers with.
//!
//! <https://docs.slack.dev/reference/methods>

mod chat;
mod conversations;
mod files;
mod history;
mod membership;
mod oauth;
mod scheduled;
mod session;
mod users;
mod views;

pub(super) use chat::{Content, content};
pub(super) use files::json as file_json;
pub(super) use history::json as message_json;
pub(super) use oauth::authorize;
pub(super) use scheduled::due;
pub(super) use users::json as user_json;
pub(super) use views::{check as check_view, json as view_json};

use super::args::Args;
use super::state::{Answer, Channel, Kind, Refusal, State, Token};
use serde_json::json;

/// A method as it is offered.
pub(super) struct Method {
    pub name: &'static str,
    /// Calls a minute, by workspace.
    pub per_minute: u32,
    /// Whether it takes JSON.
    pub json: bool,
    /// Whether it needs a token.
    pub token: Wants,
    /// The arguments that it has.
    pub args: &'static str,
    run: fn(&mut State, &Call) -> Answer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    Bot,
    App,
    None,
}

/// One call.
pub(super) struct Call {
    pub args: Args,
    pub token: String,
    pub team: String,
    pub scopes: Vec<String>,
    /// From the header of HTTP Basic.
    pub basic: Option<(String, String)>,
}

const fn method(name: &'static str, per_minute: u32, json: bool, args: &'static str, run: fn(&mut State, &Call) -> Answer) -> Method {
    Method { name, per_minute, json, token: Wants::Bot, args, run }
}

const READS: bool = false;
const WRITES: bool = true;

static METHODS: &[Method] = &[
    method("auth.test", 600, WRITES, "", session::test),
    method("auth.revoke", 50, WRITES, "test", session::revoke),
    Method { token: Wants::App, ..method("apps.connections.open", 50, WRITES, "", session::open) },
    Method {
        token: Wants::None,
        ..method(
            "oauth.v2.access",
            600,
            READS,
            "client_id client_secret code code_verifier grant_type redirect_uri refresh_token",
            oauth::access,
        )
    },
    Method { token: Wants::None, ..method("api.test", 600, WRITES, "error", session::api_test) },
    method("team.info", 50, READS, "domain team", session::team),
    method(
        "chat.postMessage",
        0,
        WRITES,
        "as_user attachments blocks channel icon_emoji icon_url link_names markdown_text metadata mrkdwn parse reply_broadcast text \
         thread_ts unfurl_links unfurl_media username",
        chat::post,
    ),
    method(
        "chat.postEphemeral",
        100,
        WRITES,
        "as_user attachments blocks channel icon_emoji icon_url link_names markdown_text parse text thread_ts user username",
        chat::ephemeral,
    ),
    method(
        "chat.update",
        50,
        WRITES,
        "as_user attachments blocks channel file_ids link_names markdown_text metadata parse reply_broadcast text ts",
        chat::update,
    ),
    method("chat.delete", 50, WRITES, "as_user channel ts", chat::delete),
    method(
        "chat.unfurl",
        50,
        WRITES,
        "channel source ts unfurl_id unfurls user_auth_blocks user_auth_message user_auth_required user_auth_url",
        chat::unfurl,
    ),
    method("chat.getPermalink", 600, READS, "channel message_ts", chat::permalink),
    method(
        "chat.scheduleMessage",
        50,
        WRITES,
        "as_user attachments blocks channel link_names markdown_text metadata parse post_at reply_broadcast text thread_ts unfurl_links \
         unfurl_media",
        scheduled::schedule,
    ),
    method("chat.deleteScheduledMessage", 50, WRITES, "as_user channel scheduled_message_id", scheduled::delete),
    method("chat.scheduledMessages.list", 50, WRITES, "channel cursor latest limit oldest team_id", scheduled::list),
    method("conversations.list", 20, READS, "cursor exclude_archived limit team_id types", conversations::list),
    method("conversations.info", 50, READS, "channel include_locale include_num_members", conversations::info),
    method("conversations.members", 100, READS, "channel cursor limit", membership::members),
    method("conversations.create", 20, WRITES, "is_private name team_id", conversations::create),
    method("conversations.archive", 20, WRITES, "channel", conversations::archive),
    method("conversations.unarchive", 20, WRITES, "channel", conversations::unarchive),
    method("conversations.rename", 20, WRITES, "channel name", conversations::rename),
    method("conversations.setTopic", 20, WRITES, "channel topic", conversations::topic),
    method("conversations.setPurpose", 20, WRITES, "channel purpose", conversations::purpose),
    method("conversations.invite", 50, WRITES, "channel force users", membership::invite),
    method("conversations.kick", 50, WRITES, "channel user", membership::kick),
    method("conversations.join", 50, WRITES, "channel", membership::join),
    method("conversations.leave", 50, WRITES, "channel", membership::leave),
    method("conversations.open", 50, WRITES, "channel prevent_creation return_im users", membership::open),
    method("conversations.close", 20, WRITES, "channel", membership::close),
    method("conversations.history", 50, READS, "channel cursor include_all_metadata inclusive latest limit oldest", history::history),
    method("conversations.replies", 50, READS, "channel cursor include_all_metadata inclusive latest limit oldest ts", history::replies),
    method("users.info", 100, READS, "include_locale user", users::info),
    method("users.list", 20, READS, "cursor include_locale limit team_id", users::list),
    method("users.lookupByEmail", 50, READS, "email", users::by_email),
    method("users.conversations", 50, READS, "cursor exclude_archived limit team_id types user", conversations::of_user),
    method("files.getUploadURLExternal", 100, READS, "alt_txt filename length snippet_type", files::upload_url),
    method("files.completeUploadExternal", 100, WRITES, "blocks channel_id channels files initial_comment thread_ts", files::complete),
    method("files.info", 100, READS, "count cursor file limit page", files::info),
    method("files.list", 50, READS, "channel count page show_files_hidden_by_limit team_id ts_from ts_to types user", files::list),
    method("files.delete", 50, WRITES, "file", files::delete),
    method("views.open", 100, WRITES, "interactivity_pointer trigger_id view", views::open),
    method("views.push", 100, WRITES, "interactivity_pointer trigger_id view", views::push),
    method("views.update", 100, WRITES, "external_id hash view view_id", views::update),
    method("views.publish", 100, WRITES, "hash user_id view", views::publish),
];

pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

impl Method {
    /// Does what is asked.
    pub(super) fn run(&self, state: &mut State, call: &Call) -> Answer {
        (self.run)(state, call)
    }
}

impl Call {
    /// Whether the token has one of these scopes.
    pub(super) fn wants(&self, any: &[&str]) -> Result<(), Refusal> {
        if any.iter().any(|scope| self.scopes.iter().any(|has| has == scope)) {
            return Ok(());
        }
        Err(Refusal::with("missing_scope", json!({ "needed": any.join(","), "provided": self.scopes.join(",") })))
    }

    /// Whether the token has the scope for this kind of conversation, `read` or `history` or `write`.
    pub(super) fn wants_for(&self, channel: &Channel, what: &str) -> Result<(), Refusal> {
        let family = match channel.kind {
            Kind::Channel if channel.private => "groups",
            Kind::Channel => "channels",
            Kind::Direct => "im",
            Kind::Group => "mpim",
        };
        if what == "write" && family == "channels" {
            return self.wants(&["channels:manage", "channels:write"]);
        }
        self.wants(&[&format!("{family}:{what}")])
    }
}

impl State {
    /// A conversation that this workspace's bot may know of: public, or one that it is in.
    pub(super) fn visible(&self, call: &Call, id: &str) -> Result<&Channel, Refusal> {
        let bot = self.bot_of(&call.team);
        let found = self.channel(id).filter(|channel| channel.team == call.team);
        found.filter(|channel| !channel.private || channel.members.contains(&bot)).ok_or_else(|| "channel_not_found".into())
    }

    /// The same, and the bot has to be in it.
    pub(super) fn joined(&self, call: &Call, id: &str) -> Result<&Channel, Refusal> {
        let bot = self.bot_of(&call.team);
        let channel = self.visible(call, id)?;
        if channel.members.contains(&bot) { Ok(channel) } else { Err("not_in_channel".into()) }
    }

    /// A person or bot of this workspace.
    pub(super) fn member(&self, team: &str, id: &str) -> Option<&super::state::User> {
        self.user(id).filter(|user| user.team == team)
    }

    /// What a token is good for.
    pub(super) fn token(&self, token: &str) -> Result<&Token, Refusal> {
        let known = self.tokens.get(token).ok_or_else(|| Refusal::from("invalid_auth"))?;
        if let Some(code) = &known.revoked {
            return Err(code.as_str().into());
        }
        if known.expires.is_some_and(|at| self.time.seconds() >= at) {
            return Err("token_expired".into());
        }
        Ok(known)
    }
}
