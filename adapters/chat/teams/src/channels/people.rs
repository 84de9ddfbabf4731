//! People of a channel: those who own a new one, and those who are brought in. Into a private or shared channel by the channel,
//! into an open one by its team.

use super::{InTeam, team_of};
use crate::Desk;
use crate::connector::Service;
use crate::graph::{Ask, Op};
use crate::people;
use crate::references::Person;
use bellhop_core::PortErrorKind;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::ports::PortResult;
use bellhop_http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const CHANNEL: Op = Op {
    operation: "invite",
    route: "/teams/{id}/channels/{id}/members",
    needs: &["ChannelMember.ReadWrite.Group", "ChannelMember.ReadWrite.All"],
    safe: true,
};
const TEAM: Op = Op { operation: "invite", route: "/teams/{id}/members", needs: &["TeamMember.ReadWriteNonOwnerRole.All"], safe: true };
const OWNERS: Op =
    Op { operation: "create", route: "/teams/{id}/members", needs: &["TeamMember.Read.Group", "TeamMember.Read.All"], safe: true };
const ABOUT: Op = Op {
    operation: "invite",
    route: "/teams/{id}/channels/{id}",
    needs: &["ChannelSettings.Read.Group", "Channel.ReadBasic.All"],
    safe: true,
};

/// A member as Graph takes one.
pub(super) fn conversation_member(desk: &Desk, object: &str, owner: bool) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "roles": if owner { vec!["owner"] } else { vec![] },
        "user@odata.bind": format!("{}/v1.0/users('{object}')", desk.config.cloud.graph_resource),
    })
}

/// Who owns a new channel: the one who asks for it, or else an owner of the team.
pub(super) async fn owner(desk: &Desk, team: &InTeam, asked: Option<&UserRef>) -> PortResult<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        user_id: Option<String>,
        #[serde(default)]
        roles: Vec<String>,
    }
    if let Some(asked) = asked.filter(|asked| asked.chat == desk.name)
        && let Some(person) = people::find(desk, &team.team.tenant, asked.user.as_str()).await?
        && !person.object.is_empty()
    {
        return Ok(person.object);
    }
    let path = ["teams", team.group.as_str(), "members"];
    let members: Vec<Told> = desk.graph.list(&Ask::new(Method::GET, OWNERS, &team.team.tenant, &path)).await?;
    let owner = members.into_iter().find(|member| member.roles.iter().any(|role| role == "owner"));
    owner.and_then(|owner| owner.user_id).ok_or_else(|| {
        let message = "a private or shared channel needs an owner, and the team has none: ask for it in Teams, so that it is yours";
        desk.error(PortErrorKind::Invalid, "create", message)
    })
}

/// Brings people in.
pub(super) async fn invite(desk: &Desk, at: &Address, names: &[String]) -> PortResult<()> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        membership_type: Option<String>,
    }
    let team = team_of(desk, at, "invite").await?;
    let tenant = team.team.tenant.as_str();
    let mut meant: Vec<(Person, &String)> = Vec::new();
    for name in names {
        match people::find(desk, tenant, name).await? {
            Some(person) if !person.object.is_empty() => meant.push((person, name)),
            _ => {
                let shown = bellhop_core::text::one_line(name);
                return Err(desk.error(PortErrorKind::NotFound, "invite", format!("nobody here is `{shown}`; write a name or an address")));
            }
        }
    }
    let path = ["teams", team.group.as_str(), "channels", at.channel.as_str()];
    let told: Told = desk.graph.ask(&Ask::new(Method::GET, ABOUT, tenant, &path)).await?;
    let open = told.membership_type.as_deref().is_none_or(|kind| kind == "standard");
    let service = Service { url: team.team.service_url.clone(), tenant: tenant.to_owned() };
    for (person, name) in meant {
        if open && people::members(desk, &service, &team.id).await?.iter().any(|member| member.object == person.object) {
            continue;
        }
        let body = conversation_member(desk, &person.object, false);
        let added = if open {
            desk.graph.ask::<Value>(&Ask::new(Method::POST, TEAM, tenant, &["teams", &team.group, "members"]).body(&body)).await
        } else {
            let path = ["teams", team.group.as_str(), "channels", at.channel.as_str(), "members"];
            desk.graph.ask::<Value>(&Ask::new(Method::POST, CHANNEL, tenant, &path).body(&body)).await
        };
        match added {
            Err(failure) if failure.error.kind == PortErrorKind::Conflict || failure.error.message.contains("already") => {}
            Err(mut failure) => {
                failure.error.message = format!("{}: {}", bellhop_core::text::one_line(name), failure.error.message);
                return Err(failure.error);
            }
            Ok(_) => {}
        }
    }
    desk.directory.forget_team(&team.id).await;
    Ok(())
}
