//! What the world remembers. No network here; the rules by which it changes stand in `methods` and `hands`.

use super::ledger::{Behaviour, Ledger};
use super::limits::Meter;
use super::settings::{ChannelSpec, PersonSpec, Settings, WorkspaceSpec};
use super::time::{IdSource, Time};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) use super::records::{
    Channel, Code, FileRecord, Kind, Message, Refresh, ResponseUrl, Scheduled, Team, Token, Trigger, User, ViewRecord,
};

/// A failure as the Web API words it: the code, and what else the answer has.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub code: String,
    pub more: Map<String, Value>,
    /// Where it is a 429: the seconds to wait.
    pub wait: Option<u32>,
}

impl Refusal {
    pub(super) fn with(code: &str, more: Value) -> Self {
        let more = if let Value::Object(more) = more { more } else { Map::new() };
        Self { code: code.to_owned(), more, wait: None }
    }

    pub(super) fn messages(code: &str, messages: &[String]) -> Self {
        Self::with(code, json!({ "response_metadata": { "messages": messages } }))
    }

    pub(super) fn limited(seconds: u32) -> Self {
        Self { wait: Some(seconds), ..Self::from("ratelimited") }
    }
}

impl From<&str> for Refusal {
    fn from(code: &str) -> Self {
        Self { code: code.to_owned(), more: Map::new(), wait: None }
    }
}

pub(super) type Answer = Result<Value, Refusal>;

/// Something that the app hears of.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub body: Value,
}

#[derive(Debug, Default)]
pub(super) struct App {
    pub id: String,
    pub client_id: String,
    pub client_secret: String,
    pub signing_secret: String,
    pub level_token: String,
}

pub(super) struct State {
    pub settings: Settings,
    pub time: Time,
    pub ids: IdSource,
    pub app: App,
    pub behaviours: Vec<(Behaviour, u64)>,
    pub treated: u64,
    pub ledger: Ledger,
    pub meter: Meter,
    pub teams: Vec<Team>,
    pub users: Vec<User>,
    pub channels: Vec<Channel>,
    pub messages: BTreeMap<String, Vec<Message>>,
    pub files: BTreeMap<String, FileRecord>,
    pub uploads: BTreeMap<String, String>,
    pub tokens: BTreeMap<String, Token>,
    pub triggers: BTreeMap<String, Trigger>,
    pub responses: BTreeMap<String, ResponseUrl>,
    pub views: BTreeMap<String, ViewRecord>,
    /// Open modals of each person, the one that is seen last.
    pub stacks: BTreeMap<String, Vec<String>>,
    pub homes: BTreeMap<String, String>,
    pub scheduled: Vec<Scheduled>,
    pub subteams: BTreeMap<String, (String, Vec<String>)>,
    pub unfurlable: BTreeMap<(String, String), Vec<String>>,
    pub codes: BTreeMap<String, Code>,
    pub refreshes: BTreeMap<String, Refresh>,
    pub tickets: BTreeMap<String, i64>,
    pub outgoing: Vec<Event>,
    /// Files that are completed and not yet shown, with the milliseconds of the world's time at which they will be.
    pub arriving: Vec<(i64, Message)>,
    pub url: String,
    /// Downloads answer with a redirect first.
    pub redirect_downloads: bool,
    /// What the app offered each person last, for selects whose options it gives.
    pub suggestions: BTreeMap<String, Vec<Value>>,
}

impl State {
    pub(super) fn new(settings: Settings, url: String) -> Self {
        let time = Time(settings.clock.clone());
        let mut ids = IdSource::default();
        let app = App {
            id: ids.id("A"),
            client_id: format!("{}.{}", ids.number(), ids.number()),
            client_secret: ids.secret(),
            signing_secret: ids.secret(),
            level_token: format!("xapp-1-{}", ids.secret()),
        };
        let workspaces = settings.workspaces.clone();
        let mut state = Self {
            settings,
            time,
            ids,
            app,
            behaviours: Vec::new(),
            treated: 0,
            ledger: Ledger::default(),
            meter: Meter::default(),
            teams: Vec::new(),
            users: Vec::new(),
            channels: Vec::new(),
            messages: BTreeMap::new(),
            files: BTreeMap::new(),
            uploads: BTreeMap::new(),
            tokens: BTreeMap::new(),
            triggers: BTreeMap::new(),
            responses: BTreeMap::new(),
            views: BTreeMap::new(),
            stacks: BTreeMap::new(),
            homes: BTreeMap::new(),
            scheduled: Vec::new(),
            subteams: BTreeMap::new(),
            unfurlable: BTreeMap::new(),
            codes: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            tickets: BTreeMap::new(),
            outgoing: Vec::new(),
            arriving: Vec::new(),
            url,
            redirect_downloads: false,
            suggestions: BTreeMap::new(),
        };
        let token = Token {
            team: String::new(),
            scopes: vec!["connections:write".into(), "authorizations:read".into()],
            app_level: true,
            revoked: None,
            expires: None,
            number: 0,
        };
        state.tokens.insert(state.app.level_token.clone(), token);
        for workspace in &workspaces {
            state.add_workspace(workspace);
        }
        state
    }

    pub(super) fn add_workspace(&mut self, spec: &WorkspaceSpec) -> String {
        let (id, bot_user, bot_id) = (self.ids.id("T"), self.ids.id("U"), self.ids.id("B"));
        self.teams.push(Team { id: id.clone(), name: spec.name.clone(), bot_user: bot_user.clone(), bot_id, installed: false });
        let bot = PersonSpec::new("bellhop", "Bellhop", "UTC");
        self.users.push(User { id: bot_user, team: id.clone(), spec: bot, bot: true, updated: self.time.seconds() });
        for person in &spec.people {
            self.add_person(&id, person.clone());
        }
        if !spec.channels.iter().any(|channel| channel.name == "general") {
            self.add_channel(&id, &ChannelSpec::public("general").without_bot());
        }
        for channel in &spec.channels {
            self.add_channel(&id, channel);
        }
        if spec.installed {
            let scopes = self.settings.scopes.clone();
            self.install(&id, scopes, None);
        }
        id
    }

    /// Gives the app a token for a workspace.
    pub(super) fn install(&mut self, team: &str, scopes: Vec<String>, expires: Option<i64>) -> String {
        let prefix = if expires.is_some() { "xoxe.xoxb-1" } else { "xoxb" };
        let number = self.ids.number();
        let token = format!("{prefix}-{number}-{}", self.ids.secret());
        self.tokens.insert(token.clone(), Token { team: team.to_owned(), scopes, app_level: false, revoked: None, expires, number });
        if let Some(team) = self.teams.iter_mut().find(|known| known.id == team) {
            team.installed = true;
        }
        token
    }

    pub(super) fn add_person(&mut self, team: &str, spec: PersonSpec) -> String {
        let id = self.ids.id("U");
        self.users.push(User { id: id.clone(), team: team.to_owned(), spec, bot: false, updated: self.time.seconds() });
        id
    }

    pub(super) fn add_channel(&mut self, team: &str, spec: &ChannelSpec) -> String {
        let people = self.users.iter().filter(|user| user.team == team && !user.bot);
        let mut members: Vec<String> = match &spec.members {
            None => people.filter(|user| !user.spec.guest && !user.spec.deactivated).map(|user| user.id.clone()).collect(),
            Some(names) => people.filter(|user| names.contains(&user.spec.name)).map(|user| user.id.clone()).collect(),
        };
        let creator = members.first().cloned().unwrap_or_default();
        if spec.bot && !spec.archived {
            members.push(self.bot_of(team));
        }
        let id = self.ids.id("C");
        self.channels.push(Channel {
            id: id.clone(),
            team: team.to_owned(),
            name: spec.name.clone(),
            kind: Kind::Channel,
            private: spec.private,
            archived: spec.archived,
            general: spec.name == "general",
            members,
            topic: spec.topic.clone(),
            purpose: String::new(),
            creator,
            created: self.time.seconds(),
        });
        id
    }

    pub(super) fn team(&self, id: &str) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == id)
    }

    pub(super) fn bot_of(&self, team: &str) -> String {
        self.team(team).map(|team| team.bot_user.clone()).unwrap_or_default()
    }

    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(super) fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    pub(super) fn channel_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    pub(super) fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.messages.get(channel)?.iter().find(|message| message.ts == ts && !message.gone)
    }

    pub(super) fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        self.messages.get_mut(channel)?.iter_mut().find(|message| message.ts == ts && !message.gone)
    }

    /// The direct conversation between these people, made when it is first needed.
    pub(super) fn direct(&mut self, team: &str, people: &[String]) -> String {
        let mut wanted = people.to_vec();
        wanted.sort();
        wanted.dedup();
        let found = self.channels.iter().find(|channel| {
            let mut members = channel.members.clone();
            members.sort();
            channel.kind != Kind::Channel && channel.team == team && members == wanted
        });
        if let Some(found) = found {
            return found.id.clone();
        }
        let kind = if wanted.len() > 2 { Kind::Group } else { Kind::Direct };
        let id = self.ids.id(if kind == Kind::Group { "C" } else { "D" });
        let names: Vec<&str> = wanted.iter().filter_map(|id| self.user(id)).map(|user| user.spec.name.as_str()).collect();
        let name = if kind == Kind::Group { format!("mpdm-{}-1", names.join("--")) } else { String::new() };
        self.channels.push(Channel {
            id: id.clone(),
            team: team.to_owned(),
            name,
            kind,
            private: true,
            archived: false,
            general: false,
            creator: self.bot_of(team),
            members: wanted,
            topic: String::new(),
            purpose: String::new(),
            created: self.time.seconds(),
        });
        id
    }

    pub(super) fn fresh_ts(&mut self) -> String {
        let now = self.time.now();
        self.ids.ts(now)
    }

    pub(super) fn millis(&self) -> i64 {
        self.time.now().timestamp_millis()
    }
}
