//! What a world is from its start: its workspaces, the app as it is configured there, and Slack's own numbers.

use crate::machine::MachineClock;
use bellhop_core::Clock;
use std::sync::Arc;
use std::time::Duration;

/// The scopes that the app has unless a test says otherwise.
pub const SCOPES: [&str; 30] = [
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "chat:write.public",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:read",
    "im:write",
    "links:read",
    "links:write",
    "mpim:history",
    "mpim:read",
    "mpim:write",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users.profile:read",
    "users:read",
    "users:read.email",
];

/// The events that the app is subscribed to unless a test says otherwise.
pub const EVENTS: [&str; 18] = [
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "channel_archive",
    "channel_created",
    "channel_rename",
    "channel_unarchive",
    "file_shared",
    "link_shared",
    "member_joined_channel",
    "member_left_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "team_join",
    "tokens_revoked",
    "user_change",
];

/// What a world is from its start.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, and all combinations make sense")]
pub struct Settings {
    /// Its workspaces; the first is the one that is meant where none is named.
    pub workspaces: Vec<WorkspaceSpec>,
    /// What the bot's tokens may do.
    pub scopes: Vec<String>,
    /// What the app is subscribed to, `message.im` and so on.
    pub events: Vec<String>,
    /// The domains whose links are reported (`link_shared`), with those below them.
    pub unfurl_domains: Vec<String>,
    /// Slack's limits on calls.
    pub limits: Limits,
    /// How long the app may take to acknowledge.
    pub acknowledge_within: Duration,
    /// The pauses before an event is delivered again, over HTTP.
    pub event_retries: Vec<Duration>,
    /// After how long without an acknowledgement an event is sent again through a socket, up to three times.
    pub envelope_retry: Duration,
    /// How often sockets are pinged.
    pub ping_every: Duration,
    /// What a socket's `hello` says about how long it will live, in seconds.
    pub socket_seconds: u64,
    /// Whether access tokens that OAuth gives expire after twelve hours.
    pub rotation: bool,
    /// Whether the app gets events of its own messages too, as real apps do.
    pub echo: bool,
    /// Whether it refuses what Slack lets pass and a careful app doesn't do, but Slack's own clients for Node.js do: to show a token to
    /// an upload address, which needs none, and to send it among the arguments beside the header.
    pub careful: bool,
    /// How long a file that the app has completed takes to be shown: until then no message has it and it is shared nowhere.
    pub file_processing: Duration,
    /// The largest file, in bytes.
    pub largest_file: u64,
    /// How many things a page holds at most, whatever the caller asks for; the real ones are smaller than asked now and then.
    pub page: usize,
    /// Whether a page may come empty, with a cursor to go on.
    pub empty_pages: bool,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceSpec {
    /// Its short name, which is its domain too.
    pub name: String,
    /// Its people.
    pub people: Vec<PersonSpec>,
    /// Its channels. `general` is always there.
    pub channels: Vec<ChannelSpec>,
    /// Whether the app is installed from the start, with a token that never expires.
    pub installed: bool,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonSpec {
    /// The short name, by which tests call for them.
    pub name: String,
    /// The name that is shown.
    pub display_name: String,
    /// The full name.
    pub real_name: String,
    /// Their zone, `Europe/Berlin`.
    pub zone: String,
    /// A guest, who sees only channels they are in.
    pub guest: bool,
    /// Gone.
    pub deactivated: bool,
    /// An administrator of the workspace.
    pub admin: bool,
}

/// A channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Its name.
    pub name: String,
    /// Seen only by its members.
    pub private: bool,
    /// Closed.
    pub archived: bool,
    /// Its members' short names; `None` for everyone but guests and those who are gone.
    pub members: Option<Vec<String>>,
    /// Whether the bot is in it.
    pub bot: bool,
    /// Its topic.
    pub topic: String,
}

/// Slack's limits on calls, <https://docs.slack.dev/apis/web-api/rate-limits/>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether methods have the limits of their tiers: so many calls within any minute, by method and workspace.
    pub tiers: bool,
    /// How many messages a channel takes at once; one a second after that. 0 for no limit.
    pub burst: u32,
    /// By how much a message may come early.
    pub tolerance: Duration,
    /// Messages a minute in a workspace, all channels together.
    pub messages_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tiers: true, burst: 1, tolerance: Duration::ZERO, messages_per_minute: 600 }
    }
}

impl PersonSpec {
    /// A person of this short name, in this zone.
    #[must_use]
    pub fn new(name: &str, real_name: &str, zone: &str) -> Self {
        Self { name: name.into(), display_name: name.into(), real_name: real_name.into(), zone: zone.into(), ..Self::default() }
    }
}

impl ChannelSpec {
    /// A public channel that everyone is in, the bot too.
    #[must_use]
    pub fn public(name: &str) -> Self {
        Self { name: name.into(), bot: true, ..Self::default() }
    }

    /// A private one with these members and the bot.
    #[must_use]
    pub fn private(name: &str, members: &[&str]) -> Self {
        Self { private: true, members: Some(members.iter().map(|name| (*name).to_owned()).collect()), ..Self::public(name) }
    }

    /// The same without the bot.
    #[must_use]
    pub fn without_bot(self) -> Self {
        Self { bot: false, ..self }
    }

    /// The same, closed.
    #[must_use]
    pub fn archived(self) -> Self {
        Self { archived: true, ..self }
    }
}

impl WorkspaceSpec {
    /// A workspace with the people `ann` (an administrator), `bob`, `cem`, the guest `gus` and `dee`, who is gone; with the
    /// channels `general`, `ops`, `random` (without the bot), `vault` (private: ann, bob), `hidden` (private, without the bot)
    /// and `old` (archived).
    #[must_use]
    pub fn new(name: &str) -> Self {
        let ann = PersonSpec { admin: true, ..PersonSpec::new("ann", "Ann Archer", "Europe/Berlin") };
        let gus = PersonSpec { guest: true, ..PersonSpec::new("gus", "Gus Guest", "Asia/Kolkata") };
        let dee = PersonSpec { deactivated: true, ..PersonSpec::new("dee", "Dee Parted", "UTC") };
        let people =
            vec![ann, PersonSpec::new("bob", "Bob Baker", "America/New_York"), PersonSpec::new("cem", "Cem Cook", "UTC"), gus, dee];
        let channels = vec![
            ChannelSpec::public("general"),
            ChannelSpec::public("ops"),
            ChannelSpec::public("random").without_bot(),
            ChannelSpec::private("vault", &["ann", "bob"]),
            ChannelSpec::private("hidden", &["ann"]).without_bot(),
            ChannelSpec::public("old").archived(),
        ];
        Self { name: name.into(), people, channels, installed: true }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            workspaces: vec![WorkspaceSpec::new("acme")],
            scopes: SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
            events: EVENTS.iter().map(|event| (*event).to_owned()).collect(),
            unfurl_domains: vec!["127.0.0.1".into(), "localhost".into()],
            limits: Limits::default(),
            acknowledge_within: Duration::from_secs(3),
            event_retries: vec![Duration::ZERO, Duration::from_mins(1), Duration::from_mins(5)],
            envelope_retry: Duration::from_secs(3),
            ping_every: Duration::from_secs(5),
            socket_seconds: 3600,
            rotation: false,
            echo: true,
            careful: true,
            file_processing: Duration::ZERO,
            largest_file: 1 << 30,
            page: 100,
            empty_pages: true,
            clock: Arc::new(MachineClock),
        }
    }
}

impl Settings {
    /// The same without limits on calls, for tests about something else.
    #[must_use]
    pub fn unlimited(mut self) -> Self {
        self.limits = Limits { tiers: false, burst: 0, ..Limits::default() };
        self
    }
}
