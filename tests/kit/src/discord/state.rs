//! What the world remembers. No network here; the rules by which it changes stand in `api` and `person`.

use super::gateway::Session;
use super::ids::{Id, IdSource};
use super::ledger::{Behaviour, Ledger};
use super::limits::{Meter, Micros};
use super::permissions::permission::{SEND_MESSAGES, VIEW_CHANNEL};
use super::records::{App, Channel, Command, File, Form, Guild, Interaction, Member, Message, Overwrite, Role, User, Webhook};
use super::settings::{ChannelSpec, GuildSpec, Kind, PersonSpec, Settings};
use crate::time::Time;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct State {
    pub settings: Settings,
    pub time: Time,
    pub ids: IdSource,
    pub behaviours: Vec<(Behaviour, u64)>,
    pub treated: u64,
    pub ledger: Ledger,
    pub meter: Meter,
    pub apps: Vec<App>,
    pub users: BTreeMap<Id, User>,
    pub guilds: BTreeMap<Id, Guild>,
    pub channels: BTreeMap<Id, Channel>,
    pub messages: BTreeMap<Id, Vec<Message>>,
    pub files: BTreeMap<Id, File>,
    pub webhooks: BTreeMap<Id, Webhook>,
    pub interactions: BTreeMap<Id, Interaction>,
    pub invites: BTreeMap<String, (Id, Id)>,
    pub sessions: Vec<Session>,
    pub forms: BTreeMap<Id, Form>,
    /// What the app offered each person last, by option: name and value.
    pub suggestions: BTreeMap<(Id, String), Vec<(String, Value)>>,
    /// Reasons for the audit log: route and reason.
    pub reasons: Vec<(String, String)>,
    pub nonces: BTreeMap<(Id, String), (Id, Id, i64)>,
    /// Where everything is but the gateway.
    pub url: String,
    pub gateway_url: String,
    pub resume_url: String,
    pub gateway_closed: bool,
}

impl State {
    pub(super) fn new(settings: Settings, urls: [String; 3]) -> Self {
        let [url, gateway_url, resume_url] = urls;
        let mut state = Self {
            time: Time(settings.clock.clone()),
            ids: IdSource::default(),
            behaviours: Vec::new(),
            treated: 0,
            ledger: Ledger::default(),
            meter: Meter::default(),
            apps: Vec::new(),
            users: BTreeMap::new(),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            messages: BTreeMap::new(),
            files: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            interactions: BTreeMap::new(),
            invites: BTreeMap::new(),
            sessions: Vec::new(),
            forms: BTreeMap::new(),
            suggestions: BTreeMap::new(),
            reasons: Vec::new(),
            nonces: BTreeMap::new(),
            url,
            gateway_url,
            resume_url,
            gateway_closed: false,
            settings,
        };
        let privileged = state.settings.privileged;
        state.add_app("bellhop", "Bellhop", privileged);
        for guild in state.settings.guilds.clone() {
            state.add_guild(&guild);
        }
        state
    }

    pub(super) fn fresh(&mut self) -> Id {
        self.ids.id(self.time.now())
    }

    pub(super) fn millis(&self) -> i64 {
        self.time.now().timestamp_millis()
    }

    pub(super) fn micros(&self) -> Micros {
        self.time.now().timestamp_micros()
    }

    pub(super) fn add_app(&mut self, name: &str, shown: &str, privileged: u64) -> Id {
        let id = self.fresh();
        let spec = PersonSpec::new(name, shown, "UTC");
        // As of every new application, the bot's id is the application's.
        self.users.insert(id, User { id, spec, bot: true });
        let token = self.token(id);
        let seed = self.ids.seed();
        self.apps.push(App {
            id,
            name: shown.to_owned(),
            bot: id,
            token,
            old_tokens: Vec::new(),
            seed,
            commands: Vec::new(),
            creates: Vec::new(),
            endpoint: None,
            privileged,
            identifies: Vec::new(),
            identified: BTreeMap::new(),
        });
        id
    }

    /// A token in the shape of the real ones: who, when, and a secret.
    pub(super) fn token(&mut self, bot: Id) -> String {
        use base64::Engine as _;
        let encoder = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let secret = self.ids.secret();
        format!("{}.{}.{}", encoder.encode(bot.to_string()), &secret[..6], &self.ids.secret()[..27])
    }

    pub(super) fn app(&self, id: Id) -> Option<&App> {
        self.apps.iter().find(|app| app.id == id)
    }

    pub(super) fn app_mut(&mut self, id: Id) -> Option<&mut App> {
        self.apps.iter_mut().find(|app| app.id == id)
    }

    pub(super) fn add_guild(&mut self, spec: &GuildSpec) -> Id {
        let id = self.fresh();
        let mut members = BTreeMap::new();
        let mut roles = vec![role(id, "@everyone", spec.everyone, 0, None)];
        let mut owner = 0;
        for (n, own) in spec.roles.iter().enumerate() {
            // One place is left for the bot's own.
            let position = n as u64 + 1 + u64::from(n >= spec.below_bot);
            let fresh = self.fresh();
            roles.push(Role { mentionable: own.mentionable, ..role(fresh, &own.name, own.permissions, position, None) });
        }
        let joined = self.millis();
        for person in &spec.people {
            let known = self.users.values().find(|user| !user.bot && user.spec.name == person.name).map(|user| user.id);
            let user = known.unwrap_or_else(|| self.fresh());
            self.users.entry(user).or_insert_with(|| User { id: user, spec: person.clone(), bot: false });
            let own = roles.iter().filter(|role| person.roles.contains(&role.name)).map(|role| role.id).collect();
            members.insert(user, Member { roles: own, joined });
            owner = if person.owner || owner == 0 { user } else { owner };
        }
        self.guilds.insert(
            id,
            Guild { id, name: spec.name.clone(), owner, members, roles, community: spec.community, rules: None, unavailable: false },
        );
        for channel in &spec.channels {
            self.add_channel(id, channel);
        }
        if spec.installed {
            let (app, permissions) = (self.apps[0].id, self.settings.permissions);
            self.install(id, app, permissions, spec.below_bot as u64 + 1);
            for channel in &spec.channels {
                self.let_bot_in(id, channel, app);
            }
        }
        id
    }

    /// Brings an application's bot into a guild, with a role of its own.
    pub(super) fn install(&mut self, guild: Id, app: Id, permissions: u64, position: u64) {
        let (own, joined) = (self.fresh(), self.millis());
        let Some((name, bot)) = self.app(app).map(|app| (app.name.clone(), app.bot)) else { return };
        let Some(guild) = self.guilds.get_mut(&guild) else { return };
        guild.roles.push(role(own, &name, permissions, position, Some(app)));
        guild.members.insert(bot, Member { roles: BTreeSet::from([own]), joined });
    }

    pub(super) fn let_bot_in(&mut self, guild: Id, spec: &ChannelSpec, app: Id) {
        let Some(bot) = self.app(app).map(|app| app.bot) else { return };
        let found = self.channels.values_mut().find(|channel| channel.guild == Some(guild) && channel.name == spec.name);
        let Some(channel) = found else { return };
        let allow = if spec.only.is_some() && spec.bot { VIEW_CHANNEL | SEND_MESSAGES } else { 0 };
        let deny = spec.bot_denied | if spec.bot { 0 } else { VIEW_CHANNEL };
        if allow | deny != 0 {
            channel.overwrites.push(Overwrite { id: bot, member: true, allow, deny });
        }
    }

    pub(super) fn add_channel(&mut self, guild: Id, spec: &ChannelSpec) -> Id {
        let id = self.fresh();
        let people: Vec<(Id, String)> = self.users.values().map(|user| (user.id, user.spec.name.clone())).collect();
        let mut overwrites = Vec::new();
        if let Some(names) = &spec.only {
            overwrites.push(Overwrite { id: guild, member: false, allow: 0, deny: VIEW_CHANNEL });
            let own = people.iter().filter(|(_, name)| names.contains(name));
            overwrites.extend(own.map(|(id, _)| Overwrite { id: *id, member: true, allow: VIEW_CHANNEL, deny: 0 }));
        }
        let parent = spec.parent.as_ref().and_then(|name| self.channel_named(guild, name)).map(|channel| channel.id);
        let position = self.channels.values().filter(|channel| channel.guild == Some(guild)).count() as u64;
        let channel = Channel {
            guild: Some(guild),
            name: spec.name.clone(),
            topic: spec.topic.clone(),
            parent,
            position,
            overwrites,
            ..Channel::new(id, spec.kind)
        };
        self.channels.insert(id, channel);
        if let Some(guild) = self.guilds.get_mut(&guild)
            && guild.community
            && guild.rules.is_none()
            && spec.kind == Kind::Text
        {
            guild.rules = Some(id);
        }
        id
    }

    pub(super) fn channel_named(&self, guild: Id, name: &str) -> Option<&Channel> {
        self.channels.values().find(|channel| channel.guild == Some(guild) && (channel.name == name || channel.id.to_string() == name))
    }

    pub(super) fn user_named(&self, name: &str) -> Option<&User> {
        self.users.values().find(|user| user.spec.name == name)
    }

    pub(super) fn message(&self, channel: Id, id: Id) -> Option<&Message> {
        self.messages.get(&channel)?.iter().find(|message| message.id == id && !message.gone)
    }

    pub(super) fn message_mut(&mut self, channel: Id, id: Id) -> Option<&mut Message> {
        self.messages.get_mut(&channel)?.iter_mut().find(|message| message.id == id && !message.gone)
    }

    /// The direct conversation between two, made when it is first needed.
    pub(super) fn direct(&mut self, one: Id, other: Id) -> Id {
        let both = BTreeSet::from([one, other]);
        if let Some(found) = self.channels.values().find(|channel| channel.kind == Kind::Direct && channel.recipients == both) {
            return found.id;
        }
        let id = self.fresh();
        self.channels.insert(id, Channel { recipients: both, ..Channel::new(id, Kind::Direct) });
        id
    }

    /// The commands that are to be had in a guild, or in direct conversations.
    pub(super) fn commands(&self, guild: Option<Id>) -> Vec<(Id, Command)> {
        let mut found = Vec::new();
        for app in &self.apps {
            let here = guild.is_none_or(|id| self.guilds.get(&id).is_some_and(|guild| guild.members.contains_key(&app.bot)));
            if here {
                let own = app.commands.iter().filter(|command| command.guild.is_none() || command.guild == guild);
                found.extend(own.map(|command| (app.id, command.clone())));
            }
        }
        found
    }
}

fn role(id: Id, name: &str, permissions: u64, position: u64, managed: Option<Id>) -> Role {
    Role { id, name: name.to_owned(), permissions, position, mentionable: false, managed, color: 0, hoist: false }
}

impl Channel {
    pub(super) fn new(id: Id, kind: Kind) -> Self {
        Self {
            id,
            guild: None,
            name: String::new(),
            kind,
            topic: String::new(),
            parent: None,
            position: 0,
            overwrites: Vec::new(),
            recipients: BTreeSet::new(),
            thread_members: BTreeSet::new(),
            owner: None,
            archived: false,
            locked: false,
            auto_archive: 4320,
            slowmode: 0,
            tags: Vec::new(),
            applied_tags: Vec::new(),
            nsfw: false,
        }
    }
}
