//! Which way a message goes. With the bot's token where the bot may post; by the event's response address where it may not;
//! else the bot enters the channel if it can; and at last the one who asked is told directly, with a word on why. A card with a
//! form simply opens, where the click that asked for it is fresh.

use super::response::{Place, Use};
use super::{Posted, Sending, Through, look, metadata};
use crate::Desk;
use crate::address::{MessageRef, is_direct};
use crate::render;
use crate::wire::{Failure, Method, WireResult};
use bellhop_core::call::Audience;
use bellhop_core::card::Block;
use bellhop_core::form::Form;
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{PortResult, Post};
use bellhop_core::{PortErrorKind, Retry};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

const POST: Method = Method { name: "chat.postMessage", operation: "deliver", per_minute: 0, safe: false };
const EPHEMERAL: Method = Method { name: "chat.postEphemeral", operation: "deliver", per_minute: 100, safe: false };
const VIEW: Method = Method { name: "views.open", operation: "deliver", per_minute: 100, safe: true };

/// A trigger is good for three seconds; what is left must do for the call.
const TRIGGER: TimeDelta = TimeDelta::milliseconds(2500);

/// The bot isn't where it would have to be. `restricted_action` and its like are rules of the workspace, and not these.
pub(crate) const NOT_A_MEMBER: [&str; 2] = ["not_in_channel", "channel_not_found"];

/// The thread can't be answered in; the channel can.
const NO_THREAD: [&str; 4] =
    ["cannot_reply_to_message", "thread_not_found", "restricted_action_thread_locked", "restricted_action_non_threadable_channel"];

/// Posts a card.
pub(crate) async fn deliver(desk: &Desk, post: &Post) -> PortResult<MessageId> {
    let sending = Sending::new(desk, post);
    let began = desk.ports.clock.now();
    if let Some(view) = sending.open_form().await {
        return Ok(MessageRef::View(view).id());
    }
    let sent = match (post.audience, &post.answers) {
        (Audience::Caller, Some(person)) => sending.to_one(person.user.as_str()).await,
        _ => sending.to_everyone().await,
    };
    match sent {
        Ok(sent) => Ok(sent.id()),
        Err(failure) => {
            if failure.error.maybe_done {
                look::doubt(desk, &post.key, began).await;
            }
            Err(failure.error)
        }
    }
}

impl Sending<'_> {
    fn channel(&self) -> &str {
        self.post.to.channel.as_str()
    }

    fn thread(&self) -> Option<&str> {
        self.post.to.thread.as_ref().map(bellhop_core::ids::ThreadId::as_str)
    }

    /// Opens the card's form as a modal. `None` where there is none, and where it can't be opened: the card with its button is
    /// posted then.
    async fn open_form(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Opened {
            view: View,
        }
        #[derive(Deserialize)]
        struct View {
            id: String,
        }
        let form: &Form = self.post.card.blocks.iter().find_map(|block| match block {
            Block::Form(form) => Some(form),
            _ => None,
        })?;
        let trigger = self.reply.trigger_id.as_deref()?;
        let age = self.desk.ports.clock.now() - self.reply.received?;
        if age > TRIGGER {
            return None;
        }
        let view = render::form_view(form, &self.view_meta(&form.command), &self.post.card.title);
        let opened = self.desk.api.call::<Opened>(&self.post.to.workspace, VIEW, &json!({ "trigger_id": trigger, "view": view })).await;
        match opened {
            Ok(opened) => Some(opened.view.id),
            Err(failure) => {
                let usual = failure.is(&[
                    "expired_trigger_id",
                    "exchanged_trigger_id",
                    "invalid_trigger_id",
                    "trigger_exchanged",
                    "trigger_expired",
                ]);
                if usual {
                    tracing::debug!(error = %failure.error, "a form comes as a message");
                } else {
                    tracing::warn!(error = %failure.error, "a form can't be opened, and comes as a message");
                }
                None
            }
        }
    }

    /// Everyone in the channel sees it.
    async fn to_everyone(&self) -> WireResult<MessageRef> {
        let refused = match self.by_token(self.channel(), self.thread(), None).await {
            Err(failure) if failure.is(&NOT_A_MEMBER) => failure,
            posted => {
                if posted.is_ok() && self.reply.ephemeral {
                    self.remove_clicked().await;
                }
                return posted;
            }
        };
        if let Some(sent) = self.by_response(false).await? {
            return Ok(sent);
        }
        if !is_direct(self.channel()) && self.desk.try_enter(&self.post.to.workspace, self.channel()).await? {
            return self.by_token(self.channel(), self.thread(), None).await;
        }
        self.directly(refused).await
    }

    /// Only one person sees it.
    async fn to_one(&self, person: &str) -> WireResult<MessageRef> {
        if is_direct(self.channel()) {
            // An answer to a click that only this person saw takes its place there as well.
            if self.reply.ephemeral
                && let Some(sent) = self.by_response(true).await?
            {
                return Ok(sent);
            }
            let refused = match self.by_token(self.channel(), self.thread(), None).await {
                Err(failure) if failure.is(&NOT_A_MEMBER) => failure,
                posted => return posted,
            };
            // A conversation of other people, in which the command was given.
            return match self.by_response(true).await? {
                Some(sent) => Ok(sent),
                None => self.directly(refused).await,
            };
        }
        // By a response address nothing but a channel's own flow is reached for certain, so threads go by the token first.
        let in_thread = self.thread().is_some() && !self.reply.ephemeral;
        if !in_thread && let Some(sent) = self.by_response(true).await? {
            return Ok(sent);
        }
        match self.ephemeral(person).await {
            Err(failure) if failure.is(&NOT_A_MEMBER) || failure.is(&["user_not_in_channel"]) => {
                if in_thread && let Some(sent) = self.by_response(true).await? {
                    return Ok(sent);
                }
                self.directly(failure).await
            }
            sent => sent,
        }
    }

    /// With the bot's token, into the channel or the thread.
    async fn by_token(&self, channel: &str, thread: Option<&str>, note: Option<&str>) -> WireResult<MessageRef> {
        let mut args = json!({
            "channel": channel,
            "thread_ts": thread,
            "metadata": metadata(&self.post.key),
            "unfurl_links": false,
            "unfurl_media": false,
        });
        let mut posted = self.show(&Through::Method(POST), &args, note).await;
        if thread.is_some()
            && let Err(failure) = &posted
            && failure.is(&NO_THREAD)
        {
            args["thread_ts"] = Value::Null;
            posted = self.show(&Through::Method(POST), &args, note).await;
        }
        let Posted { channel: shown_in, ts, .. } = posted?;
        let Some(ts) = ts else {
            // It is posted, and nobody knows where: found again by its key.
            let message = "chat.postMessage: the answer doesn't say which message it was";
            return Err(self.desk.error(PortErrorKind::Broken, POST.operation, message).maybe_done().into());
        };
        Ok(MessageRef::posted(self.channel(), shown_in.as_deref().unwrap_or(channel), &ts))
    }

    async fn ephemeral(&self, person: &str) -> WireResult<MessageRef> {
        let args = json!({ "channel": self.channel(), "thread_ts": self.thread(), "user": person });
        let posted = self.show(&Through::Method(EPHEMERAL), &args, None).await?;
        Ok(MessageRef::Ephemeral(posted.message_ts.or(posted.ts).unwrap_or_default()))
    }

    /// By the response address of the event that is answered; `None` where it has none that is still good.
    async fn by_response(&self, private: bool) -> WireResult<Option<MessageRef>> {
        let place = if private && self.reply.ephemeral { Place::Instead } else { Place::Beside };
        // What only says how far a thing is leaves the last use to the answer itself.
        let spare = u32::from(self.is_progress());
        let Some(used) = self.desk.responses.take(&self.reply, &self.post.key, place, spare).await? else { return Ok(None) };
        let args = json!({
            "response_type": if private { "ephemeral" } else { "in_channel" },
            "replace_original": used.replaces,
            "thread_ts": self.thread().filter(|_| !used.replaces),
            "metadata": (!private).then(|| metadata(&self.post.key)),
        });
        match self.respond(&used, args).await {
            Ok(true) => Ok(Some(MessageRef::Response { key: used.key, replaced: used.replaces })),
            Ok(false) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Sends by a response address; `false` where Slack no longer takes anything by it.
    pub(super) async fn respond(&self, used: &Use, mut args: Value) -> WireResult<bool> {
        // Arguments are JSON here, where null is not the same as nothing.
        if let Some(members) = args.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        let sent = self.show(&Through::Response(&used.url), &args, None).await;
        settle(self.desk, used, sent.map(|_| ())).await
    }

    /// Tells the one who asked, in their conversation with the bot, and says why there.
    async fn directly(&self, refused: Failure) -> WireResult<MessageRef> {
        let Some(person) = &self.post.answers else { return Err(refused) };
        let bot = match self.desk.workspaces.get(&self.post.to.workspace).await {
            Ok(Some(known)) if !known.bot_user.is_empty() => format!("<@{}>", known.bot_user),
            _ => "me".to_owned(),
        };
        let note = if is_direct(self.channel()) {
            "I am not part of the conversation in which you asked, so the answer comes here.".to_owned()
        } else if refused.is(&["user_not_in_channel"]) {
            format!("You are not in <#{}>, so the answer comes here.", self.channel())
        } else {
            format!(
                "I am not a member of <#{}>, so the answer comes here. To have answers there, type `/invite` in that channel and choose {bot}.",
                self.channel()
            )
        };
        match self.by_token(person.user.as_str(), None, Some(&note)).await {
            // The first refusal says more than that the person can't be reached either.
            Err(failure) if failure.error.retry == Retry::No && !failure.error.maybe_done => Err(refused),
            sent => sent,
        }
    }

    /// The message that was clicked, and that only one person saw, is done with: its answer stands where all see it.
    async fn remove_clicked(&self) {
        let taken = self.desk.responses.take(&self.reply, &self.post.key, Place::Instead, 0).await;
        if let Ok(Some(used)) = taken
            && used.replaces
        {
            let removed = self.desk.api.respond(&self.post.to.workspace, &used.url, &json!({ "delete_original": true })).await;
            if let Err(failure) = settle(self.desk, &used, removed).await {
                tracing::debug!(error = %failure.error, "a message that was answered stays");
            }
        }
    }
}

/// What became of a use of a response address; `false` where Slack no longer takes anything by it.
pub(super) async fn settle(desk: &Desk, used: &Use, sent: WireResult<()>) -> WireResult<bool> {
    let Err(failure) = sent else { return Ok(true) };
    if failure.error.kind == PortErrorKind::NotFound || failure.is(&["expired_url", "used_url"]) {
        desk.responses.spent(used).await?;
        return Ok(false);
    }
    if !failure.error.maybe_done {
        desk.responses.give_back(used).await?;
    }
    // The message in whose place this was to go is gone.
    if failure.is(&["message_not_found", "no_original_message"]) {
        return Ok(false);
    }
    Err(failure)
}
