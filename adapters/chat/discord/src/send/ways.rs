//! Which way a message goes. What an interaction was promised is filled in by its token, which is good for fifteen minutes; further
//! messages that all may see go by the bot's token, where a repetition is told by its nonce, or by the interaction's where the bot may
//! not post; what is for one person goes by the interaction's token, and directly to the person where there is none.
//!
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages>

use super::{answers, keep_clicks, look, nonce, post_in, with_files};
use crate::Desk;
use crate::address::{DIRECT, MessageRef};
use crate::handle::{Interaction, ReplyTo};
use crate::interact::EPHEMERAL;
use crate::parse::id;
use crate::render::{self, Message};
use crate::wire::{Route, WireResult};
use bellhop_core::PortErrorKind;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::Audience;
use bellhop_core::card::{Block, Card, Span};
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{PortResult, Post};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::Duration;

const FILL: Route = Route::patch("/webhooks/{}/{}/messages/@original", "deliver");
const WITHDRAW: Route = Route::delete("/webhooks/{}/{}/messages/@original", "deliver");
const FOLLOW: Route = Route::post("/webhooks/{}/{}", "deliver");

/// The interaction's token takes nothing any more: it is over, or was never acknowledged.
const OVER: [i64; 5] = [10008, 10015, 10062, 50027, 40001];
/// The token isn't known yet.
const UNKNOWN: [i64; 3] = [10008, 10015, 10062];
/// How long Discord may take to notice an acknowledgement, and the pauses between looks.
const YOUNG: TimeDelta = TimeDelta::seconds(4);
const NOTICED: [Duration; 5] = [
    Duration::from_millis(60),
    Duration::from_millis(150),
    Duration::from_millis(350),
    Duration::from_millis(800),
    Duration::from_millis(1600),
];
/// This person takes no direct messages.
const UNREACHABLE: [i64; 2] = [50007, 50278];
/// The bot may not answer to a message, since it may not read what was said.
const NO_ANSWER: [i64; 1] = [160_002];

/// Posts a card.
pub(crate) async fn deliver(desk: &Desk, post: &Post) -> PortResult<MessageId> {
    let began = desk.ports.clock.now();
    let message = render::message(&post.card, &post.to);
    keep_clicks(desk, &message.kept).await?;
    let sending = Sending { desk, post, message, reply: ReplyTo::of(post.reply.as_ref()) };
    let sent = match (post.audience, &post.answers) {
        (Audience::Caller, Some(person)) => sending.to_one(person).await,
        _ => sending.to_everyone().await,
    };
    match sent {
        Ok(sent) => Ok(sent.id()),
        Err(failure) => {
            if failure.error.maybe_done || failure.error.kind == PortErrorKind::TimedOut {
                look::doubt(desk, &post.key, began).await;
            }
            Err(failure.error)
        }
    }
}

/// One card on its way.
struct Sending<'a> {
    desk: &'a Desk,
    post: &'a Post,
    message: Message,
    reply: ReplyTo,
}

impl Sending<'_> {
    /// The interaction, while its token is good.
    fn interaction(&self) -> Option<&Interaction> {
        self.reply.interaction.as_ref().filter(|interaction| interaction.fresh(self.desk.ports.clock.now()))
    }

    /// Everyone in the channel sees it.
    async fn to_everyone(&self) -> WireResult<MessageRef> {
        let Some(interaction) = self.interaction() else { return self.by_token().await };
        let mut sent = None;
        if interaction.promised && answers::fills(self.desk, interaction, &self.post.key).await? {
            if interaction.private {
                // It was promised to one person: that goes, and all see the answer.
                self.withdraw(interaction).await?;
            } else {
                sent = self.fill(interaction).await?;
            }
        }
        if let Some(sent) = sent {
            return Ok(sent);
        }
        if !interaction.may_post
            && let Some(sent) = self.follow(interaction, false).await?
        {
            return Ok(sent);
        }
        match self.by_token().await {
            // What the interaction said the bot may do was not so, or is no longer.
            Err(failure) if failure.is(&[50001, 50013, 10003]) => match self.follow(interaction, false).await? {
                Some(sent) => Ok(sent),
                None => Err(failure),
            },
            other => other,
        }
    }

    /// Only one person sees it.
    async fn to_one(&self, person: &UserRef) -> WireResult<MessageRef> {
        if let Some(interaction) = self.interaction() {
            let fills = answers::fills(self.desk, interaction, &self.post.key).await?;
            if interaction.promised && fills {
                // In a conversation of two there is nobody from whom it would have to be hidden.
                if interaction.private || self.post.to.workspace.as_str() == DIRECT {
                    if let Some(sent) = self.fill(interaction).await? {
                        return Ok(sent);
                    }
                } else {
                    self.withdraw(interaction).await?;
                }
            }
            if let Some(sent) = self.follow(interaction, true).await? {
                return Ok(sent);
            }
        }
        if self.post.to.workspace.as_str() == DIRECT {
            return self.by_token().await;
        }
        self.directly(person).await
    }

    /// Fills in what was promised; `None` where nothing can be filled in any more. Filling in twice is harmless.
    async fn fill(&self, interaction: &Interaction) -> WireResult<Option<MessageRef>> {
        let parts = [interaction.application.as_str(), interaction.token.as_str()];
        match self.by_interaction(interaction, FILL, &parts, &self.message.change()).await {
            Ok(told) => Ok(Some(self.answer(interaction, &told, interaction.private || !interaction.may_post))),
            Err(failure) if failure.is(&OVER) || failure.status == Some(404) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Calls a route by the interaction's token. A command may be done before Discord has noticed that it was acknowledged: then the
    /// token is unknown for a moment more.
    async fn by_interaction(&self, interaction: &Interaction, route: Route, parts: &[&str], body: &Value) -> WireResult<Value> {
        for pause in NOTICED {
            let sent = self.desk.api.exchange(route, parts, &[], with_files(body.clone(), &self.message)).await;
            let young = self.desk.ports.clock.now() - interaction.received < YOUNG;
            match sent {
                Err(failure) if young && (failure.is(&UNKNOWN) || failure.status == Some(404)) => tokio::time::sleep(pause).await,
                other => return other,
            }
        }
        self.desk.api.exchange(route, parts, &[], with_files(body.clone(), &self.message)).await
    }

    /// Takes back what was promised.
    async fn withdraw(&self, interaction: &Interaction) -> WireResult<()> {
        let parts = [interaction.application.as_str(), interaction.token.as_str()];
        match self.desk.api.get::<Value>(WITHDRAW, &parts, &[]).await {
            Err(failure) if failure.is(&OVER) || failure.status == Some(404) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// A further message by the interaction's token; `None` where that takes nothing any more.
    async fn follow(&self, interaction: &Interaction, private: bool) -> WireResult<Option<MessageRef>> {
        // Changes of it go by the same token.
        answers::fills(self.desk, interaction, &self.post.key).await?;
        let mut body = self.message.body();
        if private {
            body["flags"] = json!(EPHEMERAL);
        }
        let parts = [interaction.application.as_str(), interaction.token.as_str()];
        match self.by_interaction(interaction, FOLLOW, &parts, &body).await {
            Ok(told) => Ok(Some(self.answer(interaction, &told, private || !interaction.may_post))),
            Err(failure) if failure.is(&OVER) || failure.status == Some(404) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// How an answer is changed later: by the interaction's token where the bot's doesn't reach it.
    fn answer(&self, interaction: &Interaction, told: &Value, by_interaction: bool) -> MessageRef {
        match (id(told, "/id"), id(told, "/channel_id")) {
            (Some(message), Some(channel)) if !by_interaction => {
                MessageRef::posted(crate::address::target(&self.post.to), &channel, &message)
            }
            (message, _) => {
                MessageRef::Answer { interaction: interaction.id.clone(), id: message.unwrap_or_else(|| "@original".to_owned()) }
            }
        }
    }

    /// With the bot's token, into the channel or thread.
    async fn by_token(&self) -> WireResult<MessageRef> {
        let mut body = self.message.body();
        body["nonce"] = json!(nonce(&self.post.key));
        body["enforce_nonce"] = json!(true);
        if let Some(message) = &self.reply.message {
            let mut answering = body.clone();
            answering["message_reference"] = json!({ "message_id": message, "fail_if_not_exists": false });
            answering["allowed_mentions"]["replied_user"] = json!(false);
            match self.post(&self.post.to, answering).await {
                Err(failure) if failure.is(&NO_ANSWER) => {}
                other => return other,
            }
        }
        self.post(&self.post.to, body).await
    }

    async fn post(&self, to: &Address, body: Value) -> WireResult<MessageRef> {
        post_in(self.desk, to, &self.post.card.title, || with_files(body.clone(), &self.message)).await
    }

    /// Tells a person in their conversation with the bot, and says where it was asked.
    async fn directly(&self, person: &UserRef) -> WireResult<MessageRef> {
        let channel = crate::address::target(&self.post.to);
        let refused = match self.desk.directory.direct(person.user.as_str()).await {
            Ok(direct) => {
                let to = Address::channel(self.desk.name.clone(), DIRECT, direct);
                let mut body = self.message.body();
                let note = format!("For you alone, about <#{channel}>:");
                let content = format!("{note}\n{}", self.message.content);
                body["content"] = json!(if content.chars().count() <= render::CONTENT {
                    content.trim_end().to_owned()
                } else {
                    self.message.content.clone()
                });
                body["nonce"] = json!(nonce(&self.post.key));
                body["enforce_nonce"] = json!(true);
                match post_in(self.desk, &to, &self.post.card.title, || with_files(body.clone(), &self.message)).await {
                    Ok(MessageRef::Channel { channel: None, id }) => {
                        return Ok(MessageRef::Channel { channel: Some(to.channel.to_string()), id });
                    }
                    Err(failure) if failure.is(&UNREACHABLE) => failure,
                    other => return other,
                }
            }
            Err(failure) if failure.is(&UNREACHABLE) => failure,
            Err(failure) => return Err(failure),
        };
        tracing::info!(error = %refused.error, "a person can't be written to; they are told in the channel");
        self.tell_unreachable(person).await
    }

    /// What was for one person alone is not said to all: only how to get it.
    async fn tell_unreachable(&self, person: &UserRef) -> WireResult<MessageRef> {
        let text = vec![
            Span::Mention { user: person.clone(), name: "you".into() },
            ", the answer is for you alone, and you take no direct messages from me. Use the slash command, whose answer only you see, or allow \
             direct messages in this server's Privacy Settings."
                .into(),
        ];
        let message = render::message(&Card::default().block(Block::Text(text)), &self.post.to);
        let mut body = message.body();
        body["nonce"] = json!(nonce(&self.post.key));
        body["enforce_nonce"] = json!(true);
        post_in(self.desk, &self.post.to, "", || with_files(body.clone(), &message)).await
    }
}
