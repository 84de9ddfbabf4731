//! How a message comes to be: what it says, whom it pings, its files.

use super::call::Part;
use super::{Fault, fault};
use crate::discord::cdn::mime;
use crate::discord::ids::Id;
use crate::discord::markup::mentioned;
use crate::discord::permissions::permission::MENTION_EVERYONE;
use crate::discord::records::{Channel, File, Message};
use crate::discord::state::State;
use axum::http::StatusCode;
use serde_json::Value;

/// Who writes.
#[derive(Clone, Debug, Default)]
pub(in crate::discord) struct Author {
    pub user: Id,
    pub app: Option<Id>,
    pub webhook: Option<Id>,
    pub username: Option<String>,
    /// Only this person sees it.
    pub only: Option<Id>,
    /// The interaction that it answers: id, kind, who.
    pub answers: Option<(Id, u64, Id)>,
    /// Where nothing is said about mentions, only people are pinged.
    pub careful: bool,
}

/// What is written.
#[derive(Clone, Debug, Default)]
pub(in crate::discord) struct Draft {
    pub body: Value,
    pub parts: Vec<Part>,
}

/// Whom a text pings.
#[derive(Clone, Debug, Default)]
struct Pinged {
    people: Vec<Id>,
    roles: Vec<Id>,
    everyone: bool,
    notified: Vec<Id>,
}

fn ids(value: &Value) -> Vec<Id> {
    value.as_array().into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect()
}

impl State {
    fn pinged(&self, channel: &Channel, author: &Author, text: &str, allowed: &Value) -> Pinged {
        let found = mentioned(text);
        let list = |name: &str| allowed["parse"].as_array().is_some_and(|list| list.iter().any(|kind| kind == name));
        let given = !allowed.is_null();
        let may = |kind: &str| if given { list(kind) } else { !author.careful || kind == "users" };
        let (users, roles) = (ids(&allowed["users"]), ids(&allowed["roles"]));
        let mut pinged = Pinged::default();
        let everyone = self.permissions(channel, author.user) & MENTION_EVERYONE != 0;
        pinged.people = found.users.into_iter().filter(|id| may("users") || users.contains(id)).collect();
        let guild = channel.guild.and_then(|id| self.guilds.get(&id));
        let known = |id: &Id| guild.is_some_and(|guild| guild.roles.iter().any(|role| role.id == *id && (role.mentionable || everyone)));
        pinged.roles = found.roles.into_iter().filter(|id| (may("roles") || roles.contains(id)) && known(id)).collect();
        pinged.everyone = found.everyone && may("everyone") && everyone;
        let members = guild.into_iter().flat_map(|guild| &guild.members);
        for (id, member) in members {
            let by_role = pinged.roles.iter().any(|role| member.roles.contains(role));
            if (pinged.everyone || by_role || pinged.people.contains(id)) && self.sees(channel, *id) && *id != author.user {
                pinged.notified.push(*id);
            }
        }
        if guild.is_none() {
            pinged.notified = channel.recipients.iter().copied().filter(|id| *id != author.user).collect();
        }
        pinged
    }

    /// Writes a message.
    pub(in crate::discord) fn post(&mut self, channel: Id, author: Author, draft: &Draft) -> Id {
        let (id, at) = (self.fresh(), self.millis());
        let body = &draft.body;
        let text = body["content"].as_str().unwrap_or_default().to_owned();
        let pinged = match self.channels.get(&channel) {
            Some(home) => self.pinged(home, &author, &text, &body["allowed_mentions"]),
            None => Pinged::default(),
        };
        let files = self.take_files(channel, draft, author.only.is_some());
        let reference = body["message_reference"]["message_id"].as_str().and_then(|id| id.parse().ok()).map(|id| (channel, id));
        let mut notified = pinged.notified;
        let mut mentions = pinged.people;
        // Who is answered is pinged unless that is forbidden.
        let ping = body["allowed_mentions"]["replied_user"].as_bool().unwrap_or(body["allowed_mentions"].is_null());
        if let Some(answered) = reference.and_then(|(channel, id)| self.message(channel, id)).map(|message| message.author)
            && ping
            && answered != author.user
        {
            mentions.push(answered);
            notified.push(answered);
        }
        if let Some(only) = author.only {
            notified.retain(|id| *id == only);
        }
        notified.sort_unstable();
        notified.dedup();
        let kind = match (author.answers, reference) {
            (Some((_, 2, _)), _) => 20,
            (_, Some(_)) => 19,
            _ => 0,
        };
        let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
        let flags = body["flags"].as_u64().unwrap_or(0) & !64 | if author.only.is_some() { 64 } else { 0 };
        let message = Message {
            id,
            channel,
            author: author.user,
            app: author.app,
            webhook: author.webhook,
            username: author.username,
            content: text.trim().to_owned(),
            embeds: list("embeds"),
            components: list("components"),
            files,
            nonce: Some(body["nonce"].clone()).filter(|nonce| !nonce.is_null()),
            flags,
            kind,
            reference,
            mentions,
            mention_roles: pinged.roles,
            mention_everyone: pinged.everyone,
            notified,
            only: author.only,
            answers: author.answers,
            at,
            ..Message::default()
        };
        if message.app.is_some() {
            self.ledger.posted(channel, at);
        }
        self.messages.entry(channel).or_default().push(message);
        self.tell_message("MESSAGE_CREATE", channel, id);
        id
    }

    /// Changes what is said, as far as it is.
    pub(in crate::discord) fn rewrite(&mut self, channel: Id, id: Id, draft: &Draft) -> bool {
        let body = &draft.body;
        let ephemeral = self.message(channel, id).is_some_and(|message| message.only.is_some());
        let files = self.take_files(channel, draft, ephemeral);
        let at = self.millis();
        let Some(message) = self.message_mut(channel, id) else { return false };
        if let Some(text) = body.get("content") {
            text.as_str().unwrap_or_default().trim().clone_into(&mut message.content);
        }
        if let Some(embeds) = body.get("embeds") {
            message.embeds = embeds.as_array().cloned().unwrap_or_default();
        }
        if let Some(components) = body.get("components") {
            message.components = components.as_array().cloned().unwrap_or_default();
        }
        if let Some(flags) = body["flags"].as_u64() {
            message.flags = flags & !64 | message.flags & 64;
        }
        // Those that are named stay; all do where nothing is said.
        if let Some(kept) = body["attachments"].as_array() {
            let kept: Vec<Id> =
                kept.iter().filter_map(|one| one["id"].as_u64().or_else(|| one["id"].as_str().and_then(|id| id.parse().ok()))).collect();
            message.files.retain(|id| kept.contains(id));
        }
        message.files.extend(files);
        if message.loading {
            message.loading = false;
        } else {
            message.edited = Some(at);
        }
        self.tell_message("MESSAGE_UPDATE", channel, id);
        true
    }

    fn take_files(&mut self, channel: Id, draft: &Draft, ephemeral: bool) -> Vec<Id> {
        let mut made = Vec::new();
        for (n, part) in (0_u64..).zip(&draft.parts) {
            let number = part.number.unwrap_or(n);
            let of = |one: &&Value| one["id"].as_u64() == Some(number) || one["id"].as_str().and_then(|id| id.parse().ok()) == Some(number);
            let about = draft.body["attachments"].as_array().into_iter().flatten().find(of);
            let name = about.and_then(|one| one["filename"].as_str()).unwrap_or(&part.name).to_owned();
            let id = self.fresh();
            let file = File {
                id,
                mime: part
                    .mime
                    .clone()
                    .filter(|kind| kind != "application/octet-stream")
                    .unwrap_or_else(|| mime(&name, &part.bytes).into()),
                name,
                bytes: part.bytes.clone(),
                description: about.and_then(|one| one["description"].as_str()).map(str::to_owned),
                channel,
                ephemeral,
                gone: false,
            };
            self.files.insert(id, file);
            made.push(id);
        }
        made
    }

    /// Whether files are small enough.
    pub(in crate::discord) fn sizes(&self, parts: &[Part]) -> Result<(), Fault> {
        let largest = self.settings.largest_file;
        if parts.iter().any(|part| part.bytes.len() as u64 > largest) {
            return Err(fault(StatusCode::PAYLOAD_TOO_LARGE, 40005, "Request entity too large"));
        }
        Ok(())
    }

    /// Writes down what is careless about a call.
    pub(in crate::discord) fn careless(&mut self, route: &str, what: Vec<String>) {
        self.ledger.careless.extend(what.into_iter().map(|what| format!("{route}: {what}")));
    }
}
