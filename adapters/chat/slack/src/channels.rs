//! Channels: listed, found by name, made and changed. Rules of Slack that can be checked here are, so that people get told
//! what would be right instead of Slack's code for it.

mod people;
#[cfg(test)]
mod tests;

use crate::address::is_id;
use crate::directory::{Known, OneChannel};
use crate::wire::{Failure, Method, WireResult};
use crate::workspaces::Workspace;
use crate::{Desk, Slack};
use async_trait::async_trait;
use bellhop_core::address::Address;
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::{Channel, Channels, PortResult};
use bellhop_core::{PortError, PortErrorKind, Retry};
use serde_json::{Value, json};

const CREATE: Method = Method { name: "conversations.create", operation: "create", per_minute: 20, safe: false };
const ARCHIVE: Method = Method { name: "conversations.archive", operation: "archive", per_minute: 20, safe: true };
const UNARCHIVE: Method = Method { name: "conversations.unarchive", operation: "unarchive", per_minute: 20, safe: true };
const RENAME: Method = Method { name: "conversations.rename", operation: "rename", per_minute: 20, safe: true };
const TOPIC: Method = Method { name: "conversations.setTopic", operation: "topic", per_minute: 20, safe: true };
const PURPOSE: Method = Method { name: "conversations.setPurpose", operation: "purpose", per_minute: 20, safe: true };
pub(crate) const JOIN: Method = Method { name: "conversations.join", operation: "join", per_minute: 50, safe: true };

/// The longest name of a channel (<https://docs.slack.dev/reference/methods/conversations.create>).
const NAME: usize = 80;
/// The longest topic and purpose.
const TOPIC_LENGTH: usize = 250;

#[async_trait]
impl Channels for Slack {
    async fn list(&self) -> PortResult<Vec<Channel>> {
        let desk = &self.desk;
        let mut channels = Vec::new();
        for workspace in desk.workspaces.all().await? {
            let known = desk.directory.channels(&workspace.id).await?;
            channels.extend(known.into_iter().map(|known| desk.shown(&workspace.id, known)));
        }
        channels.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.address.channel.cmp(&b.address.channel)));
        Ok(channels)
    }

    async fn create(&self, name: &str, private: bool) -> PortResult<Channel> {
        let desk = &self.desk;
        let name = desk.channel_name(name, "create")?;
        let workspace = desk.one_workspace("create").await?;
        let made = desk.api.call::<OneChannel>(&workspace.id, CREATE, &json!({ "name": name, "is_private": private })).await;
        let mut made = Known::from(made.map_err(|failure| desk.named(failure, &name))?.channel);
        made.private |= private;
        desk.directory.learn(&workspace.id, &made).await;
        Ok(desk.shown(&workspace.id, made))
    }

    async fn archive(&self, at: &Address) -> PortResult<()> {
        match self.desk.change::<Value>(at, ARCHIVE, json!({})).await {
            Err(failure) if failure.is(&["cant_archive_general", "cant_archive_required"]) => {
                return Err(self.desk.error(
                    PortErrorKind::Denied,
                    "archive",
                    "Slack lets nobody archive a channel that everyone has to be in",
                ));
            }
            Err(failure) if !failure.is(&["already_archived"]) => return Err(failure.error),
            _ => {}
        }
        self.desk.directory.changed(&at.workspace, at.channel.as_str(), |known| known.archived = true).await;
        Ok(())
    }

    async fn unarchive(&self, at: &Address) -> PortResult<()> {
        match self.desk.change(at, UNARCHIVE, json!({})).await {
            Err(failure) if failure.is(&["not_archived"]) => Ok(()),
            // Archiving has taken the bot out of the channel, and who is not in it may not open it.
            Err(failure) if failure.is(&["not_in_channel", "channel_not_found", "restricted_action", "not_allowed_token_type"]) => {
                Err(PortError::unsupported(
                    self.desk.service(),
                    "unarchive",
                    "Slack doesn't let a bot open a channel that it is no longer in, and archiving has taken it out; a person can, under \
                     the channel's settings",
                ))
            }
            other => {
                let _: Value = other?;
                self.desk.directory.changed(&at.workspace, at.channel.as_str(), |known| known.archived = false).await;
                Ok(())
            }
        }
    }

    async fn rename(&self, at: &Address, name: &str) -> PortResult<Channel> {
        let desk = &self.desk;
        let name = desk.channel_name(name, "rename")?;
        let renamed: WireResult<OneChannel> = desk.change(at, RENAME, json!({ "name": name })).await;
        match renamed {
            Err(failure) if failure.is(&["not_authorized"]) => Err(desk.error(
                PortErrorKind::Denied,
                "rename",
                "Slack lets only the channel's creator and administrators rename it; ask one of them",
            )),
            Err(failure) => Err(desk.named(failure, &name)),
            Ok(renamed) => {
                let renamed = Known::from(renamed.channel);
                let name = renamed.name.clone();
                desk.directory.changed(&at.workspace, at.channel.as_str(), |known| known.name = name).await;
                Ok(desk.shown(&at.workspace, renamed))
            }
        }
    }

    async fn set_topic(&self, at: &Address, topic: &str) -> PortResult<()> {
        self.desk.short_enough(topic, "topic")?;
        self.desk.change(at, TOPIC, json!({ "topic": topic })).await.map(|_: Value| ())?;
        self.desk.directory.changed(&at.workspace, at.channel.as_str(), |known| topic.clone_into(&mut known.topic)).await;
        Ok(())
    }

    async fn set_purpose(&self, at: &Address, purpose: &str) -> PortResult<()> {
        self.desk.short_enough(purpose, "purpose")?;
        Ok(self.desk.change(at, PURPOSE, json!({ "purpose": purpose })).await.map(|_: Value| ())?)
    }

    async fn join(&self, at: &Address) -> PortResult<()> {
        match self.desk.enter(&at.workspace, at.channel.as_str()).await {
            Err(failure) if failure.is(&["method_not_supported_for_channel_type", "channel_not_found"]) => Err(PortError::unsupported(
                self.desk.service(),
                "join",
                "into a private channel the bot has to be brought by someone who is in it: /invite it there",
            )),
            other => Ok(other?),
        }
    }

    async fn invite(&self, at: &Address, people: &[String]) -> PortResult<()> {
        people::invite(&self.desk, at, people).await
    }
}

impl Desk {
    /// The configured name of the connection, as errors carry it.
    pub(crate) fn service(&self) -> &str {
        self.api.wire().service()
    }

    /// An error of this connection.
    pub(crate) fn error(&self, kind: PortErrorKind, operation: &'static str, message: impl Into<String>) -> PortError {
        PortError::new(kind, self.service(), operation, message)
    }

    fn shown(&self, workspace: &WorkspaceId, known: Known) -> Channel {
        Channel {
            address: Address::channel(self.name.clone(), workspace.clone(), known.id),
            name: known.name,
            topic: known.topic,
            private: known.private,
            archived: known.archived,
        }
    }

    /// The bot enters a public channel.
    pub(crate) async fn enter(&self, workspace: &WorkspaceId, channel: &str) -> WireResult<()> {
        self.api.call::<Value>(workspace, JOIN, &json!({ "channel": channel })).await?;
        self.directory.changed(workspace, channel, |known| known.member = true).await;
        Ok(())
    }

    /// The bot enters a channel where it may; `false` where it can't. A failure that passes is one.
    pub(crate) async fn try_enter(&self, workspace: &WorkspaceId, channel: &str) -> WireResult<bool> {
        match self.enter(workspace, channel).await {
            Ok(()) => Ok(true),
            Err(failure) if failure.error.retry == Retry::No => {
                tracing::debug!(error = %failure.error, channel, "the bot can't enter a channel");
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Changes a channel, after entering it where Slack wants the bot to be in it and it may.
    async fn change<T: serde::de::DeserializeOwned>(&self, at: &Address, method: Method, mut args: Value) -> WireResult<T> {
        args["channel"] = json!(at.channel);
        let mut changed = self.api.call(&at.workspace, method, &args).await;
        if let Err(failure) = &changed
            && failure.is(&["not_in_channel"])
            && method != UNARCHIVE
            && self.try_enter(&at.workspace, at.channel.as_str()).await?
        {
            changed = self.api.call(&at.workspace, method, &args).await;
        }
        changed
    }

    /// The one workspace, for what doesn't say which.
    async fn one_workspace(&self, operation: &'static str) -> PortResult<Workspace> {
        let mut all = self.workspaces.all().await?;
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(self.error(PortErrorKind::Unauthenticated, operation, "no workspace is connected yet")),
            (Some(_), false) => Err(PortError::unsupported(
                self.service(),
                operation,
                "more than one workspace is connected here, and this doesn't say in which; make the channel in Slack",
            )),
        }
    }

    /// A name as Slack takes it: in small letters, a hyphen for a space.
    fn channel_name(&self, name: &str, operation: &'static str) -> PortResult<String> {
        let name = name.trim().trim_start_matches('#').to_lowercase().replace(' ', "-");
        let wrong = if name.is_empty() {
            "it is empty"
        } else if name.chars().count() > NAME {
            "it is over 80 characters"
        } else if !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
            "it may have letters, digits, - and _ only"
        } else if !name.chars().any(char::is_alphanumeric) {
            "it needs a letter or a digit"
        } else {
            return Ok(name);
        };
        let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(&name), 90);
        Err(self.error(PortErrorKind::Invalid, operation, format!("`{shown}` can't be a channel's name: {wrong}")))
    }

    /// What Slack said against a name.
    fn named(&self, failure: Failure, name: &str) -> PortError {
        let operation = failure.error.operation;
        if failure.is(&["name_taken"]) {
            // A private channel that the bot can't see holds its name, too.
            return self.error(
                PortErrorKind::Conflict,
                operation,
                format!("there is a channel #{name} already, perhaps a private one or one that is archived"),
            );
        }
        if failure.code.as_deref().is_some_and(|code| code.starts_with("invalid_name")) {
            return self.error(
                PortErrorKind::Invalid,
                operation,
                format!("Slack doesn't take #{name} as a name; take up to 80 small letters, digits, - and _, and no word that Slack keeps for itself"),
            );
        }
        failure.error
    }

    fn short_enough(&self, text: &str, what: &'static str) -> PortResult<()> {
        let length = text.chars().count();
        if length <= TOPIC_LENGTH {
            return Ok(());
        }
        Err(self.error(
            PortErrorKind::Invalid,
            what,
            format!("the {what} has {length} characters, and Slack takes at most {TOPIC_LENGTH}; shorten it"),
        ))
    }

    /// Finds a channel by its name or id, or the conversation with a person.
    pub(crate) async fn locate(&self, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>> {
        let name = name.trim().trim_start_matches(if direct { '@' } else { '#' });
        if name.is_empty() {
            return Ok(None);
        }
        let all = self.workspaces.all().await?;
        let meant = all.into_iter().filter(|known| workspace.is_none_or(|text| is_called(known, text)));
        let mut found: Vec<(Workspace, Address)> = Vec::new();
        for known in meant {
            let address = if direct { self.person_at(&known.id, name).await? } else { self.channel_at(&known.id, name).await? };
            found.extend(address.map(|address| (known, address)));
        }
        if found.len() > 1 {
            let mark = if direct { '@' } else { '#' };
            let all: Vec<String> = found.iter().map(|(known, _)| format!("{}:{}/{mark}{name}", self.name, domain(known))).collect();
            return Err(self.error(
                PortErrorKind::Invalid,
                "find a channel",
                format!("`{}` is in more than one workspace; write {}", bellhop_core::text::one_line(name), all.join(" or ")),
            ));
        }
        Ok(found.pop().map(|(_, address)| address))
    }

    async fn channel_at(&self, workspace: &WorkspaceId, name: &str) -> PortResult<Option<Address>> {
        let mut known = None;
        if is_id(name, &['C', 'G', 'D']) {
            known = self.directory.channel(workspace, name).await?;
        }
        if known.is_none() {
            known = self.directory.channel_named(workspace, name).await?;
        }
        Ok(known.map(|known| Address::channel(self.name.clone(), workspace.clone(), known.id)))
    }

    async fn person_at(&self, workspace: &WorkspaceId, name: &str) -> PortResult<Option<Address>> {
        let Some(person) = self.directory.find_person(workspace, name).await? else { return Ok(None) };
        let channel = match self.directory.direct(workspace, &person.id).await {
            Ok(channel) => channel,
            // Messages reach a person by their id as well, only the conversation's own id stays unknown.
            Err(failure) if failure.is(&["missing_scope"]) => person.id.clone(),
            Err(failure) => return Err(failure.error),
        };
        Ok(Some(Address::channel(self.name.clone(), workspace.clone(), channel)))
    }
}

/// Whether a workspace is meant by its id, its name or its domain.
fn is_called(workspace: &Workspace, text: &str) -> bool {
    workspace.id.as_str() == text || workspace.name.eq_ignore_ascii_case(text) || domain(workspace).eq_ignore_ascii_case(text)
}

/// `acme` of `https://acme.slack.com/`, or the id where the address is another.
fn domain(workspace: &Workspace) -> String {
    let host = workspace.url.parse::<url::Url>().ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    match host.split_once('.') {
        Some((domain, "slack.com" | "enterprise.slack.com")) if !domain.is_empty() => domain.to_owned(),
        _ => workspace.id.to_string(),
    }
}
