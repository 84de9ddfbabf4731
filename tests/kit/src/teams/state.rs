//! What the world is at a moment. No network here; the rules by which it changes stand beside the calls and the person's hands.

use super::ids::IdSource;
use super::ledger::{Behaviour, Ledger};
use super::limits::Meter;
pub(super) use super::records::{
    CalendarEvent, Conversation, Dialog, DriveItem, Kind, Message, OnlineMeeting, Team, Token, Upload, User, Workflow,
};
use super::settings::{ChannelSpec, ChatSpec, PersonSpec, Settings, TeamSpec};
use bellhop_core::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) struct State {
    pub settings: Settings,
    /// The world's origin.
    pub url: String,
    pub ids: IdSource,
    pub tenant: String,
    pub app: String,
    pub secret: String,
    pub users: Vec<User>,
    pub teams: Vec<Team>,
    pub conversations: Vec<Conversation>,
    pub messages: BTreeMap<String, Vec<Message>>,
    pub items: BTreeMap<String, DriveItem>,
    pub uploads: BTreeMap<String, Upload>,
    /// Addresses that give a file to whoever has them, and until when: the file's id.
    pub downloads: BTreeMap<String, (String, Timestamp)>,
    /// Pictures that were pasted into a message.
    pub pictures: BTreeMap<String, (String, Vec<u8>)>,
    pub events: Vec<CalendarEvent>,
    pub meetings: Vec<OnlineMeeting>,
    pub tokens: BTreeMap<String, Token>,
    pub dialogs: BTreeMap<String, Vec<Dialog>>,
    /// What a person has entered into a message's inputs: person and message.
    pub entered: BTreeMap<(String, String), BTreeMap<String, Value>>,
    pub workflows: Vec<Workflow>,
    pub disabled: bool,
    pub ledger: Ledger,
    pub meter: Meter,
    pub behaviours: Vec<(Behaviour, u64)>,
    pub treated: u64,
    pub keys: super::keys::Keys,
    /// Activities that the app is to hear of, without anybody waiting for it.
    pub outgoing: Vec<Value>,
}

/// A failure of the connector or of Graph: status, code, what it says, and the seconds to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub wait: Option<u32>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), wait: None }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadArgument", message)
    }

    pub(super) fn limited(code: &str, seconds: u32) -> Self {
        Self { wait: Some(seconds), ..Self::new(429, code, "Too many requests") }
    }
}

impl State {
    pub(super) fn new(settings: Settings, url: String) -> Self {
        let mut ids = IdSource::default();
        let (tenant, app, secret) = (ids.guid(), ids.guid(), format!("{}~{}", ids.opaque(3), ids.opaque(26)));
        let mut state = Self {
            settings: settings.clone(),
            url,
            ids,
            tenant,
            app,
            secret,
            users: Vec::new(),
            teams: Vec::new(),
            conversations: Vec::new(),
            messages: BTreeMap::new(),
            items: BTreeMap::new(),
            uploads: BTreeMap::new(),
            downloads: BTreeMap::new(),
            pictures: BTreeMap::new(),
            events: Vec::new(),
            meetings: Vec::new(),
            tokens: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            entered: BTreeMap::new(),
            workflows: Vec::new(),
            disabled: false,
            ledger: Ledger::default(),
            meter: Meter::default(),
            behaviours: Vec::new(),
            treated: 0,
            keys: super::keys::Keys::default(),
            outgoing: Vec::new(),
        };
        for spec in settings.people {
            state.add_person(spec);
        }
        for spec in &settings.teams {
            state.add_team(spec);
        }
        for spec in &settings.chats {
            state.add_chat(spec);
        }
        state
    }

    pub(super) fn now(&self) -> Timestamp {
        self.settings.clock.now()
    }

    pub(super) fn micros(&self) -> i64 {
        self.now().timestamp_micros()
    }

    /// The bot's own id in conversations.
    pub(super) fn bot(&self) -> String {
        format!("28:{}", self.app)
    }

    /// Where the connector is, as activities name it.
    pub(super) fn service_url(&self) -> String {
        format!("{}/smba/emea/{}/", self.url, self.tenant)
    }

    pub(super) fn add_person(&mut self, spec: PersonSpec) -> String {
        let id = format!("29:1{}", self.ids.opaque(32));
        let chat = format!("a:1{}", self.ids.opaque(32));
        let (object, bot) = (self.ids.guid(), spec.installed);
        self.conversations.push(Conversation {
            id: chat.clone(),
            kind: Kind::Personal,
            team: None,
            name: String::new(),
            description: String::new(),
            membership: String::new(),
            members: vec![id.clone()],
            owners: Vec::new(),
            bot,
            archived: false,
            gone: false,
            folder: None,
        });
        self.users.push(User { spec, id: id.clone(), object, blocks: false, chat });
        id
    }

    pub(super) fn add_team(&mut self, spec: &TeamSpec) -> String {
        let id = format!("19:{}@thread.tacv2", self.ids.opaque(24));
        let named = |state: &Self, name: &String| state.users.iter().find(|user| user.spec.name == *name).map(|user| user.id.clone());
        let members = match &spec.members {
            Some(names) => names.iter().filter_map(|name| named(self, name)).collect(),
            None => self.users.iter().map(|user| user.id.clone()).collect(),
        };
        let (group, drive) = (self.ids.guid(), format!("b!{}", self.ids.opaque(30)));
        self.teams.push(Team { id: id.clone(), group, name: spec.name.clone(), installed: spec.installed, members, gone: false, drive });
        let general = self.add_channel(&id, &ChannelSpec::standard("General"));
        // The team and its first channel have the same id.
        if let Some(channel) = self.conversations.iter_mut().find(|channel| channel.id == general) {
            channel.id.clone_from(&id);
        }
        for channel in &spec.channels {
            self.add_channel(&id, channel);
        }
        id
    }

    pub(super) fn add_channel(&mut self, team: &str, spec: &ChannelSpec) -> String {
        let id = format!("19:{}@thread.tacv2", self.ids.opaque(24));
        let members: Vec<String> =
            self.users.iter().filter(|user| spec.members.contains(&user.spec.name)).map(|user| user.id.clone()).collect();
        self.conversations.push(Conversation {
            id: id.clone(),
            kind: Kind::Channel,
            team: Some(team.to_owned()),
            name: spec.name.clone(),
            description: String::new(),
            membership: spec.membership.clone(),
            owners: members.first().cloned().into_iter().collect(),
            members,
            bot: spec.bot,
            archived: spec.archived,
            gone: false,
            folder: None,
        });
        id
    }

    pub(super) fn add_chat(&mut self, spec: &ChatSpec) -> String {
        let id = format!("19:{}@thread.v2", self.ids.opaque(24));
        let members = self.users.iter().filter(|user| spec.members.contains(&user.spec.name)).map(|user| user.id.clone()).collect();
        self.conversations.push(Conversation {
            id: id.clone(),
            kind: Kind::Group,
            team: None,
            name: spec.name.clone(),
            description: String::new(),
            membership: String::new(),
            members,
            owners: Vec::new(),
            bot: spec.bot,
            archived: false,
            gone: false,
            folder: None,
        });
        id
    }

    /// A person by the id that the bot knows, the directory's id, or their address.
    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id || user.object == id || user.email().eq_ignore_ascii_case(id))
    }

    /// A conversation by its id, whatever message stands behind it.
    pub(super) fn conversation(&self, id: &str) -> Option<&Conversation> {
        let bare = bare(id);
        self.conversations.iter().find(|one| one.id == bare)
    }

    pub(super) fn conversation_mut(&mut self, id: &str) -> Option<&mut Conversation> {
        let bare = bare(id).to_owned();
        self.conversations.iter_mut().find(|one| one.id == bare)
    }

    /// A team by its own id or its group's.
    pub(super) fn team(&self, id: &str) -> Option<&Team> {
        self.teams.iter().find(|team| !team.gone && (team.id == id || team.group == id))
    }

    /// Who is in a conversation, people only.
    pub(super) fn members(&self, conversation: &Conversation) -> Vec<String> {
        match (conversation.membership.as_str(), conversation.team.as_deref().and_then(|team| self.team(team))) {
            ("standard", Some(team)) => team.members.clone(),
            _ => conversation.members.clone(),
        }
    }

    /// Whether the app is in it.
    pub(super) fn bot_in(&self, conversation: &Conversation) -> bool {
        let team = conversation.team.as_deref().map(|team| self.team(team).is_some_and(|team| team.installed));
        conversation.bot && team.unwrap_or(true)
    }

    pub(super) fn message(&self, conversation: &str, id: &str) -> Option<&Message> {
        self.messages.get(bare(conversation))?.iter().find(|message| message.id == id && !message.gone)
    }

    pub(super) fn message_mut(&mut self, conversation: &str, id: &str) -> Option<&mut Message> {
        self.messages.get_mut(bare(conversation))?.iter_mut().find(|message| message.id == id && !message.gone)
    }

    /// Puts a message where it belongs; its id.
    pub(super) fn post(&mut self, conversation: &str, from: &str, root: Option<String>, activity: Value) -> String {
        let now = self.now();
        let id = self.ids.message(now);
        let conversation = bare(conversation).to_owned();
        let bot = from == self.bot();
        let message = Message {
            id: id.clone(),
            conversation: conversation.clone(),
            root,
            from: from.to_owned(),
            bot,
            activity,
            made: now,
            edited: false,
            gone: false,
            only: None,
            notified: Vec::new(),
            mine: BTreeMap::new(),
            files: Vec::new(),
            reactions: Vec::new(),
        };
        self.messages.entry(conversation).or_default().push(message);
        id
    }

    /// Notes what no careful app does.
    pub(super) fn violation(&mut self, what: impl Into<String>) {
        self.ledger.violations.push(what.into());
    }

    /// A person as activities name them.
    pub(super) fn account(&self, user: &str) -> Value {
        let user = self.user(user);
        json!({ "id": user.map(|user| &user.id), "name": user.map(|user| &user.spec.display_name), "aadObjectId": user.map(|user| &user.object) })
    }
}

/// The conversation without the message whose thread is meant.
pub(super) fn bare(id: &str) -> &str {
    id.split_once(";messageid=").map_or(id, |(bare, _)| bare)
}

/// The message whose thread is meant.
pub(super) fn root(id: &str) -> Option<String> {
    id.split_once(";messageid=").map(|(_, root)| root.to_owned())
}
