//! Channels of the teams in which the bot is, by Graph: listed, found, made and changed. Rules that can be checked here are, so
//! that people get told what would be right instead of Graph's code for it.
//!
//! <https://learn.microsoft.com/graph/api/resources/channel>

mod people;

use crate::connector::{Called, Failure, Service};
use crate::graph::{Ask, Op};
use crate::references::{Conversation, Team};
use crate::{Desk, Teams};
use async_trait::async_trait;
use bellhop_core::PortErrorKind;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::ports::{Channel, ChannelAccess, Channels, PortResult};
use bellhop_http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const LIST: Op = op("list", "/teams/{id}/channels", &["ChannelSettings.Read.Group", "Channel.ReadBasic.All"], true);
const CREATE: Op = op("create", "/teams/{id}/channels", &["Channel.Create.Group", "Channel.Create"], false);
const RENAME: Op = op("rename", "/teams/{id}/channels/{id}", &["ChannelSettings.ReadWrite.Group", "ChannelSettings.ReadWrite.All"], true);
const TOPIC: Op = Op { operation: "topic", ..RENAME };
const DELETE: Op = op("delete", "/teams/{id}/channels/{id}", &["Channel.Delete.Group", "Channel.Delete.All"], true);
const ARCHIVE: Op = op("archive", "/teams/{id}/channels/{id}/archive", &["ChannelSettings.ReadWrite.All"], true);
const UNARCHIVE: Op = op("unarchive", "/teams/{id}/channels/{id}/unarchive", &["ChannelSettings.ReadWrite.All"], true);

/// The longest name and description.
const NAME: usize = 50;
const DESCRIPTION: usize = 1024;

const fn op(operation: &'static str, route: &'static str, needs: &'static [&'static str], safe: bool) -> Op {
    Op { operation, route, needs, safe }
}

/// A channel as Graph tells of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: String,
    display_name: Option<String>,
    description: Option<String>,
    membership_type: Option<String>,
    is_archived: Option<bool>,
}

/// A channel, and the team that it is in.
#[derive(Clone)]
pub(crate) struct Listed {
    pub shown: Channel,
    pub team: String,
    pub team_name: String,
    pub group: String,
}

/// A name as a place writes it: no spaces.
pub(crate) fn written(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join("-")
}

/// Whether two names are one to those who write them: the case and hyphens in place of spaces don't tell.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        text.split(|c: char| c.is_whitespace() || c == '-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-").to_lowercase()
    };
    let (one, other) = (plain(one), plain(other));
    !one.is_empty() && one == other
}

impl Told {
    fn shown(&self, desk: &Desk, tenant: &str) -> Channel {
        let name = self.display_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("General");
        Channel {
            address: Address::channel(desk.name.clone(), tenant, self.id.as_str()),
            name: written(name),
            topic: self.description.clone().unwrap_or_default(),
            private: self.membership_type.as_deref() == Some("private"),
            archived: self.is_archived.unwrap_or_default(),
        }
    }
}

/// The id of a team in Graph; the connector tells it where no activity has.
pub(crate) async fn group(desk: &Desk, id: &str, team: &Team) -> Called<String> {
    if !team.group.is_empty() {
        return Ok(team.group.clone());
    }
    let service = Service { url: team.service_url.clone(), tenant: team.tenant.clone() };
    let told = desk.connector.team(&service, id).await?;
    let Some(group) = told.aad_group_id.filter(|group| !group.is_empty()) else {
        return Err(desk.error(PortErrorKind::Broken, "list", "the connector doesn't say which team this is").into());
    };
    let known = Team { group: group.clone(), name: told.name.unwrap_or_default(), ..team.clone() };
    desk.references.keep_team(id, known).await?;
    Ok(group)
}

/// The channels of a team.
async fn of_team(desk: &Desk, id: &str, team: &Team) -> PortResult<Arc<Vec<Channel>>> {
    let read = async {
        let group = group(desk, id, team).await?;
        let told: Vec<Told> = desk.graph.list(&Ask::new(Method::GET, LIST, &team.tenant, &["teams", &group, "channels"])).await?;
        for channel in &told {
            let conversation = Conversation {
                service_url: team.service_url.clone(),
                tenant: team.tenant.clone(),
                kind: "channel".to_owned(),
                team: id.to_owned(),
                name: channel.display_name.clone().unwrap_or_default(),
                gone: false,
            };
            // An activity from there says more: only what is new is noted.
            if desk.references.conversation(&channel.id).await?.is_none() {
                desk.references.keep_conversation(&channel.id, conversation).await?;
            }
        }
        Ok::<_, Failure>(Arc::new(told.iter().map(|told| told.shown(desk, &team.tenant)).collect::<Vec<_>>()))
    };
    desk.directory.channels.try_get_with(id.to_owned(), read).await.map_err(|failure: Arc<Failure>| failure.error.clone())
}

/// How many channels a team has, as Graph tells now.
pub(crate) async fn look(desk: &Desk, id: &str, team: &Team) -> PortResult<usize> {
    desk.changed(id).await;
    Ok(of_team(desk, id, team).await?.len())
}

/// Every channel of every team; of teams that can't be read, those that activities have shown.
pub(crate) async fn every(desk: &Desk) -> PortResult<Vec<Listed>> {
    let mut all = Vec::new();
    let (mut unread, mut refusal) = (Vec::new(), None);
    for (id, team) in desk.references.teams().await? {
        match of_team(desk, &id, &team).await {
            Ok(channels) => {
                let team = desk.references.team(&id).await?.unwrap_or(team);
                all.extend(channels.iter().map(|channel| Listed {
                    shown: channel.clone(),
                    team: id.clone(),
                    team_name: team.name.clone(),
                    group: team.group.clone(),
                }));
            }
            Err(error) => {
                tracing::debug!(%error, team = id, "the channels of a team can't be listed");
                unread.push((id, team));
                refusal = Some(error);
            }
        }
    }
    if unread.is_empty() {
        return Ok(all);
    }
    let before = all.len();
    for (id, known) in desk.references.conversations().await?.into_iter().filter(|(_, known)| known.kind == "channel") {
        let Some((team, told)) = unread.iter().find(|(team, _)| *team == known.team) else { continue };
        // The channel that every team begins with has the team's id, and no name.
        let name = if known.name.is_empty() && id == *team { "General" } else { &known.name };
        if name.is_empty() {
            continue;
        }
        let shown = Channel {
            address: Address::channel(desk.name.clone(), known.tenant.as_str(), id.as_str()),
            name: written(name),
            topic: String::new(),
            private: false,
            archived: false,
        };
        all.push(Listed { shown, team: team.clone(), team_name: told.name.clone(), group: told.group.clone() });
    }
    match refusal {
        // Nothing at all is known: why not is said instead.
        Some(error) if all.len() == before && all.is_empty() => Err(error),
        _ => Ok(all),
    }
}

/// A team that a channel is in, or that one is to be made in.
pub(crate) struct InTeam {
    pub id: String,
    pub team: Team,
    pub group: String,
}

/// The team of a channel.
pub(crate) async fn team_of(desk: &Desk, at: &Address, operation: &'static str) -> PortResult<InTeam> {
    let known = desk.references.conversation(at.channel.as_str()).await?;
    let mut id = known.filter(|known| known.tenant == at.workspace.as_str()).map(|known| known.team).unwrap_or_default();
    if id.is_empty() {
        let listed = every(desk).await?.into_iter().find(|listed| listed.shown.address.channel == at.channel);
        id = listed.map(|listed| listed.team).unwrap_or_default();
    }
    let Some(team) = desk.references.team(&id).await?.filter(|team| !team.gone) else {
        let message = "this is no channel of a team in which the bot is; only those can be changed";
        return Err(desk.error(PortErrorKind::NotFound, operation, message));
    };
    let group = group(desk, &id, &team).await?;
    Ok(InTeam { id, team, group })
}

impl Desk {
    /// The team in which a channel is to be made: that of the place, the configured one, or the only one.
    async fn team_near(&self, near: &Address) -> PortResult<InTeam> {
        if crate::address::is_channel(near.channel.as_str()) {
            return team_of(self, near, "create").await;
        }
        let teams = self.references.teams().await?;
        let here = |team: &Team| near.workspace.as_str().is_empty() || team.tenant == near.workspace.as_str();
        let chosen: Vec<&(String, Team)> = match &self.config.team {
            Some(name) => teams.iter().filter(|(id, team)| same_name(&team.name, name) || id == name || team.group == *name).collect(),
            None => teams.iter().filter(|(_, team)| here(team)).collect(),
        };
        match chosen.as_slice() {
            [(id, team)] => Ok(InTeam { id: id.clone(), team: team.clone(), group: group(self, id, team).await? }),
            [] => Err(self.error(PortErrorKind::NotFound, "create", "the bot is in no such team: add the app to a team first")),
            several => {
                let names: Vec<&str> = several.iter().map(|(_, team)| team.name.as_str()).collect();
                let message =
                    format!("the bot is in several teams ({}): ask in a channel of the right one, or set `team`", names.join(", "));
                Err(self.error(PortErrorKind::Invalid, "create", message))
            }
        }
    }

    async fn changed(&self, team: &str) {
        self.directory.forget_team(team).await;
    }

    /// A name that Teams takes.
    fn channel_name<'a>(&self, name: &'a str, operation: &'static str) -> PortResult<&'a str> {
        let wrong = |why: &str| {
            Err(self.error(
                PortErrorKind::Invalid,
                operation,
                format!("`{}` can't be a channel's name: {why}", bellhop_core::text::one_line(name)),
            ))
        };
        if name.chars().count() > NAME {
            return wrong("Teams takes at most 50 characters");
        }
        if name.contains(['~', '#', '%', '&', '*', '{', '}', '+', '/', '\\', ':', '<', '>', '?', '|', '\'', '"']) {
            return wrong("Teams takes none of ~ # % & * { } + / \\ : < > ? | and quotes");
        }
        if name.starts_with(['_', '.']) || name.ends_with('.') {
            return wrong("it begins with an underscore, or begins or ends with a dot");
        }
        Ok(name)
    }

    /// That no other channel of the team has the name.
    async fn free(&self, team: &InTeam, name: &str, operation: &'static str, but: Option<&str>) -> PortResult<()> {
        let channels = of_team(self, &team.id, &team.team).await?;
        let taken = channels.iter().any(|channel| same_name(&channel.name, name) && but != Some(channel.address.channel.as_str()));
        if taken {
            return Err(self.error(PortErrorKind::Conflict, operation, format!("the team has a channel `{name}` already")));
        }
        Ok(())
    }

    async fn channel_call(&self, at: &Address, op: Op, method: Method, action: Option<&str>, body: Option<&Value>) -> Called<()> {
        let team = team_of(self, at, op.operation).await?;
        let mut path = vec!["teams", team.group.as_str(), "channels", at.channel.as_str()];
        path.extend(action);
        let mut ask = Ask::new(method, op, &team.team.tenant, &path);
        ask.body = body;
        let answered = self.graph.ask::<Value>(&ask).await;
        self.changed(&team.id).await;
        answered.map(|_| ())
    }
}

#[async_trait]
impl Channels for Teams {
    async fn list(&self) -> PortResult<Vec<Channel>> {
        let mut channels: Vec<Channel> = every(&self.desk).await?.into_iter().map(|listed| listed.shown).collect();
        channels.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.address.channel.cmp(&b.address.channel)));
        Ok(channels)
    }

    async fn create(&self, name: &str, private: bool) -> PortResult<Channel> {
        let near = Address::channel(self.desk.name.clone(), "", "");
        self.create_near(&near, name, if private { ChannelAccess::Private } else { ChannelAccess::Open }, None).await
    }

    async fn create_near(&self, near: &Address, name: &str, access: ChannelAccess, owner: Option<&UserRef>) -> PortResult<Channel> {
        let desk = &self.desk;
        let name = desk.channel_name(name, "create")?;
        let team = desk.team_near(near).await?;
        desk.free(&team, name, "create", None).await?;
        let mut body = json!({
            "displayName": name,
            "membershipType": match access {
                ChannelAccess::Open => "standard",
                ChannelAccess::Private => "private",
                ChannelAccess::Shared => "shared",
            },
        });
        if access != ChannelAccess::Open {
            // An app owns nothing: a channel with members of its own begins with one of them as its owner.
            let owner = people::owner(desk, &team, owner).await?;
            body["members"] = json!([people::conversation_member(desk, &owner, true)]);
        }
        let path = ["teams", team.group.as_str(), "channels"];
        let ask = Ask::new(Method::POST, CREATE, &team.team.tenant, &path).body(&body);
        let made: Result<Option<Told>, Failure> = desk.graph.ask(&ask).await;
        desk.changed(&team.id).await;
        let made = if let Some(told) = made? {
            told.shown(desk, &team.team.tenant)
        } else {
            // A shared channel may be made a little later.
            let found = of_team(desk, &team.id, &team.team).await?.iter().find(|channel| same_name(&channel.name, name)).cloned();
            found.ok_or_else(|| {
                let message = "Teams is making the channel; it will be there in a moment";
                desk.error(PortErrorKind::Unavailable, "create", message).after(std::time::Duration::from_secs(5))
            })?
        };
        let conversation = Conversation {
            service_url: team.team.service_url.clone(),
            tenant: team.team.tenant.clone(),
            kind: "channel".to_owned(),
            team: team.id.clone(),
            name: name.to_owned(),
            gone: false,
        };
        desk.references.keep_conversation(made.address.channel.as_str(), conversation).await?;
        Ok(Channel { private: made.private || access == ChannelAccess::Private, ..made })
    }

    async fn delete(&self, at: &Address) -> PortResult<()> {
        match self.desk.channel_call(at, DELETE, Method::DELETE, None, None).await {
            Err(failure) if failure.error.kind == PortErrorKind::NotFound => {}
            other => other?,
        }
        if let Some(known) = self.desk.references.conversation(at.channel.as_str()).await? {
            self.desk.references.keep_conversation(at.channel.as_str(), Conversation { gone: true, ..known }).await?;
        }
        Ok(())
    }

    async fn archive(&self, at: &Address) -> PortResult<()> {
        match self.desk.channel_call(at, ARCHIVE, Method::POST, Some("archive"), Some(&json!({}))).await {
            Err(failure) if already(&failure) => Ok(()),
            other => Ok(other?),
        }
    }

    async fn unarchive(&self, at: &Address) -> PortResult<()> {
        match self.desk.channel_call(at, UNARCHIVE, Method::POST, Some("unarchive"), None).await {
            Err(failure) if already(&failure) => Ok(()),
            other => Ok(other?),
        }
    }

    async fn rename(&self, at: &Address, name: &str) -> PortResult<Channel> {
        let desk = &self.desk;
        let name = desk.channel_name(name, "rename")?;
        let team = team_of(desk, at, "rename").await?;
        desk.free(&team, name, "rename", Some(at.channel.as_str())).await?;
        if at.channel.as_str() == team.id {
            let message = "the channel that every team begins with can't be renamed by a bot";
            return Err(desk.error(PortErrorKind::Denied, "rename", message));
        }
        desk.channel_call(at, RENAME, Method::PATCH, None, Some(&json!({ "displayName": name }))).await?;
        let known = of_team(desk, &team.id, &team.team).await?.iter().find(|channel| channel.address.channel == at.channel).cloned();
        let gone = || desk.error(PortErrorKind::NotFound, "rename", "the channel is gone");
        let known = known.ok_or_else(gone)?;
        if let Some(kept) = desk.references.conversation(at.channel.as_str()).await? {
            desk.references.keep_conversation(at.channel.as_str(), Conversation { name: name.to_owned(), ..kept }).await?;
        }
        Ok(Channel { name: written(name), ..known })
    }

    async fn set_topic(&self, at: &Address, topic: &str) -> PortResult<()> {
        if topic.chars().count() > DESCRIPTION {
            let message = format!("Teams takes at most {DESCRIPTION} characters about a channel");
            return Err(self.desk.error(PortErrorKind::Invalid, "topic", message));
        }
        Ok(self.desk.channel_call(at, TOPIC, Method::PATCH, None, Some(&json!({ "description": topic }))).await?)
    }

    async fn invite(&self, at: &Address, people: &[String]) -> PortResult<()> {
        people::invite(&self.desk, at, people).await
    }
}

/// Whether a refusal says that it is so already.
fn already(failure: &Failure) -> bool {
    let said = failure.error.message.to_lowercase();
    matches!(failure.error.kind, PortErrorKind::Conflict | PortErrorKind::Invalid) && said.contains("archived")
}
