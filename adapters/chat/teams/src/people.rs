//! People and places by name: channels of the teams in which the bot is, and conversations with people. Names come from what
//! activities showed and from the members of teams, which need no further permission; addresses that nobody knows are asked of
//! Graph.

use crate::Desk;
use crate::address::{is_connector_id, is_guid};
use crate::channels;
use crate::connector::{Failure, Member, Service};
use crate::graph::{Ask, Op};
use crate::references::{Conversation, Person, Team};
use bellhop_core::address::{Address, UserRef};
use bellhop_core::ports::{Channel, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use bellhop_http::Method;
use moka::future::Cache;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const USER: Op = Op { operation: "find a person", route: "/users/{id}", needs: &["User.ReadBasic.All"], safe: true };

/// How long the members of a team and its channels are believed.
const BELIEVED: Duration = Duration::from_secs(60);

/// Members and channels of teams, for a while.
pub(crate) struct Directory {
    members: Cache<String, Arc<Vec<Person>>>,
    pub(crate) channels: Cache<String, Arc<Vec<Channel>>>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            members: Cache::builder().max_capacity(500).time_to_live(BELIEVED).build(),
            channels: Cache::builder().max_capacity(500).time_to_live(BELIEVED).build(),
        }
    }
}

impl Directory {
    /// Something changed in a team.
    pub async fn forget_team(&self, team: &str) {
        self.members.invalidate(team).await;
        self.channels.invalidate(team).await;
    }
}

/// The connector's address for an organisation: that of a team or a person there, or else where conversations are begun.
pub(crate) async fn service_url(desk: &Desk, tenant: &str) -> PortResult<String> {
    let of_team = desk.references.teams().await?.into_iter().find(|(_, team)| team.tenant == tenant).map(|(_, team)| team.service_url);
    if let Some(url) = of_team.filter(|url| desk.config.serves(url)) {
        return Ok(url);
    }
    let of_person = desk.references.people().await?.into_iter().find(|person| person.tenant == tenant).map(|person| person.service_url);
    Ok(of_person.filter(|url| desk.config.serves(url)).unwrap_or_else(|| desk.config.cloud.begin_url()))
}

/// A channel by name or id, or the conversation with a person.
pub(crate) async fn locate(desk: &Desk, workspace: Option<&str>, name: &str, direct: bool) -> PortResult<Option<Address>> {
    let Some(bot) = &desk.config.bot else { return Ok(crate::webhook::locate(desk, workspace, name, direct)) };
    let name = name.trim();
    if name.is_empty() {
        return Ok(None);
    }
    if !direct {
        return channel(desk, workspace, name).await;
    }
    let tenants = match workspace {
        Some(tenant) if bot.hears(tenant) || bot.emulator => vec![tenant.to_owned()],
        Some(_) => return Ok(None),
        None => tenants(desk).await?,
    };
    for tenant in tenants {
        if let Some(person) = find(desk, &tenant, name).await? {
            return self::direct(desk, &tenant, person.user()).await;
        }
    }
    Ok(None)
}

/// The organisations that are known.
pub(crate) async fn tenants(desk: &Desk) -> PortResult<Vec<String>> {
    let mut tenants: Vec<String> = Vec::new();
    if let Some(bot) = &desk.config.bot {
        tenants.extend(bot.tenants.iter().filter(|tenant| *tenant != "*").cloned());
    }
    for (_, team) in desk.references.teams().await? {
        if !tenants.contains(&team.tenant) {
            tenants.push(team.tenant);
        }
    }
    for person in desk.references.people().await? {
        if !tenants.contains(&person.tenant) {
            tenants.push(person.tenant);
        }
    }
    Ok(tenants)
}

async fn channel(desk: &Desk, workspace: Option<&str>, name: &str) -> PortResult<Option<Address>> {
    // By its id: one that was seen, wherever it is.
    if let Some(known) = desk.references.conversation(name).await?.filter(|known| !known.gone)
        && workspace.is_none_or(|workspace| workspace == known.tenant)
    {
        return Ok(Some(Address::channel(desk.name.clone(), known.tenant, name)));
    }
    let listed = channels::every(desk).await?;
    let in_workspace = |channel: &channels::Listed| {
        workspace.is_none_or(|workspace| {
            let team = channels::same_name(&channel.team_name, workspace) || channel.team == workspace || channel.group == workspace;
            team || channel.shown.address.workspace.as_str() == workspace
        })
    };
    let fits = |channel: &&channels::Listed| {
        in_workspace(channel) && (channel.shown.address.channel.as_str() == name || channels::same_name(&channel.shown.name, name))
    };
    let found: Vec<&channels::Listed> = listed.iter().filter(fits).collect();
    // One that is open goes before one that is closed.
    let open: Vec<&channels::Listed> = found.iter().copied().filter(|channel| !channel.shown.archived).collect();
    let meant = if open.is_empty() { &found } else { &open };
    match meant.as_slice() {
        [one] => Ok(Some(one.shown.address.clone())),
        [] => group_chat(desk, workspace, name).await,
        _ => {
            let all: Vec<String> = found
                .iter()
                .map(|channel| format!("{}:{}/#{}", desk.name, channels::written(&channel.team_name), channel.shown.name))
                .collect();
            Err(desk.error(PortErrorKind::Invalid, "locate", format!("several teams have a channel `{name}`; write {}", all.join(" or "))))
        }
    }
}

/// A group chat or a channel that no list has, by the name that activities showed.
async fn group_chat(desk: &Desk, workspace: Option<&str>, name: &str) -> PortResult<Option<Address>> {
    let all = desk.references.conversations().await?;
    let fits = |known: &Conversation| {
        known.kind != "personal" && channels::same_name(&known.name, name) && workspace.is_none_or(|workspace| workspace == known.tenant)
    };
    let found = all.into_iter().find(|(_, known)| !known.name.is_empty() && fits(known));
    Ok(found.map(|(id, known)| Address::channel(desk.name.clone(), known.tenant, id.as_str())))
}

/// The conversation with a person; `None` for nobody.
pub(crate) async fn direct(desk: &Desk, tenant: &str, person: &str) -> PortResult<Option<Address>> {
    let known = desk.references.person(person).await?.filter(|known| known.tenant == tenant);
    if let Some(known) = &known
        && !known.chat.is_empty()
    {
        return Ok(Some(Address::channel(desk.name.clone(), tenant, known.chat.as_str())));
    }
    let id = match &known {
        Some(known) if !known.id.is_empty() => known.id.clone(),
        _ if is_guid(person) || is_connector_id(person) => person.to_owned(),
        _ => return Ok(None),
    };
    let url = match &known {
        Some(known) if desk.config.serves(&known.service_url) => known.service_url.clone(),
        _ => service_url(desk, tenant).await?,
    };
    let service = Service { url: url.clone(), tenant: tenant.to_owned() };
    let body = json!({
        "members": [{ "id": id }],
        "tenantId": tenant,
        "channelData": { "tenant": { "id": tenant } },
    });
    let begun = desk.connector.begin(&service, person, &body).await.map_err(|mut failure: Failure| {
        if failure.error.kind == PortErrorKind::Denied {
            failure.error.message =
                format!("{}; to be written to, a person has to have the app, or be in a team that has it", failure.error.message);
        }
        failure.error
    })?;
    let url = begun.service_url.filter(|url| desk.config.serves(url)).unwrap_or(url);
    let conversation =
        Conversation { service_url: url.clone(), tenant: tenant.to_owned(), kind: "personal".to_owned(), ..Conversation::default() };
    desk.references.keep_conversation(&begun.id, conversation).await?;
    let object = if is_guid(person) { person.to_owned() } else { String::new() };
    let told = Person {
        id: if is_connector_id(&id) { id } else { String::new() },
        object,
        tenant: tenant.to_owned(),
        chat: begun.id.clone(),
        service_url: url,
        ..known.unwrap_or_default()
    };
    desk.references.keep_person(told).await?;
    Ok(Some(Address::channel(desk.name.clone(), tenant, begun.id.as_str())))
}

/// A person by id, address or shown name.
///
/// # Errors
/// `Invalid` with the candidates where a shown name is that of several.
pub(crate) async fn find(desk: &Desk, tenant: &str, name: &str) -> PortResult<Option<Person>> {
    let name = name.trim().trim_start_matches('@');
    if name.is_empty() {
        return Ok(None);
    }
    if let Some(known) = desk.references.person(name).await?.filter(|known| known.tenant == tenant) {
        return Ok(Some(known));
    }
    let mut all: Vec<Person> = desk.references.people().await?.into_iter().filter(|person| person.tenant == tenant).collect();
    let mut found = choose(desk, &all, name)?;
    if found.is_none() {
        for (id, team) in teams(desk, tenant).await? {
            let service = Service { url: team.service_url.clone(), tenant: tenant.to_owned() };
            for member in members(desk, &service, &id).await?.iter() {
                // Activities show no address, the members of a team do.
                match all.iter_mut().find(|known| known.user() == member.user()) {
                    Some(known) if known.email.is_empty() => known.email.clone_from(&member.email),
                    Some(_) => {}
                    None => all.push(member.clone()),
                }
            }
        }
        found = choose(desk, &all, name)?;
    }
    match found {
        Some(person) => Ok(Some(person)),
        None if is_guid(name) || name.contains('@') => user(desk, tenant, name).await,
        None => Ok(None),
    }
}

/// The teams of an organisation.
async fn teams(desk: &Desk, tenant: &str) -> PortResult<Vec<(String, Team)>> {
    let all = desk.references.teams().await?;
    Ok(all.into_iter().filter(|(_, team)| team.tenant == tenant).collect())
}

/// Who is meant among these: by id, by address, by name.
fn choose(desk: &Desk, all: &[Person], name: &str) -> PortResult<Option<Person>> {
    let exact = all.iter().find(|person| person.id == name || person.object == name || person.email.eq_ignore_ascii_case(name));
    if let Some(person) = exact {
        return Ok(Some(person.clone()));
    }
    let short = |person: &&Person| person.email.split_once('@').is_some_and(|(short, _)| short.eq_ignore_ascii_case(name));
    let mut named: Vec<&Person> = all.iter().filter(|person| channels::same_name(&person.name, name)).collect();
    if named.is_empty() {
        named = all.iter().filter(short).collect();
    }
    match named.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        several => {
            let ways: Vec<&str> =
                several.iter().map(|person| if person.email.is_empty() { person.user() } else { &person.email }).collect();
            let shown = bellhop_core::text::one_line(name);
            let message = format!("`{shown}` is the name of several people; write one of {}", ways.join(", "));
            Err(desk.error(PortErrorKind::Invalid, "find a person", message))
        }
    }
}

/// Everyone in a team or another conversation.
pub(crate) async fn members(desk: &Desk, service: &Service, conversation: &str) -> PortResult<Arc<Vec<Person>>> {
    let read = async {
        let told = desk.connector.members(service, conversation).await?;
        Ok::<_, Failure>(Arc::new(told.into_iter().map(|member| person(member, service)).collect::<Vec<_>>()))
    };
    desk.directory.members.try_get_with(conversation.to_owned(), read).await.map_err(|failure: Arc<Failure>| failure.error.clone())
}

fn person(member: Member, service: &Service) -> Person {
    Person {
        id: member.id,
        object: member.aad_object_id.or(member.object_id).unwrap_or_default(),
        name: member.name.unwrap_or_default(),
        tenant: service.tenant.clone(),
        email: member.email.or(member.user_principal_name).unwrap_or_default(),
        chat: String::new(),
        service_url: service.url.clone(),
    }
}

/// A person as Graph knows them.
async fn user(desk: &Desk, tenant: &str, name: &str) -> PortResult<Option<Person>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        id: String,
        display_name: Option<String>,
        mail: Option<String>,
        user_principal_name: Option<String>,
    }
    let path = ["users", name];
    let ask = Ask { thing: "", ..Ask::new(Method::GET, USER, tenant, &path) };
    match desk.graph.ask::<Told>(&ask).await {
        Ok(told) => Ok(Some(Person {
            id: String::new(),
            object: told.id,
            name: told.display_name.unwrap_or_default(),
            tenant: tenant.to_owned(),
            email: told.mail.or(told.user_principal_name).unwrap_or_default(),
            ..Person::default()
        })),
        Err(failure) if matches!(failure.error.kind, PortErrorKind::NotFound | PortErrorKind::Unsupported | PortErrorKind::Invalid) => {
            Ok(None)
        }
        // Nobody of that name is known, and whether there is one can't be looked up without the right.
        Err(failure) if failure.error.kind == PortErrorKind::Denied => {
            tracing::info!(error = %failure.error, "a person can't be looked up");
            Ok(None)
        }
        Err(failure) => Err(failure.error),
    }
}

/// The address of a person's mail.
pub(crate) async fn email(desk: &Desk, of: &UserRef) -> PortResult<Option<String>> {
    if desk.config.bot.is_none() {
        return Ok(None);
    }
    let (tenant, id) = (of.workspace.as_str(), of.user.as_str());
    let known = find(desk, tenant, id).await?;
    if let Some(person) = known.as_ref().filter(|person| !person.email.is_empty()) {
        return Ok(Some(person.email.clone()));
    }
    // Activities don't say addresses; the members of a conversation do.
    let person = known.unwrap_or_default();
    if !person.chat.is_empty() {
        let service = Service { url: person.service_url.clone(), tenant: tenant.to_owned() };
        let asked = desk.connector.member(&service, &person.chat, &person.id).await.map_err(PortError::from)?;
        if let Some(email) = asked.and_then(|member| member.email.or(member.user_principal_name)) {
            return Ok(Some(email));
        }
    }
    for (team, told) in teams(desk, tenant).await? {
        let service = Service { url: told.service_url, tenant: tenant.to_owned() };
        let found = members(desk, &service, &team).await?;
        let here = found.iter().find(|member| member.user() == id || member.id == id);
        if let Some(email) = here.map(|member| member.email.clone()).filter(|email| !email.is_empty()) {
            return Ok(Some(email));
        }
    }
    let object = if is_guid(id) { id } else { person.object.as_str() };
    if object.is_empty() {
        return Ok(None);
    }
    Ok(user(desk, tenant, object).await?.map(|person| person.email).filter(|email| !email.is_empty()))
}
