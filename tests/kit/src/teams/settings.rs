//! What a world is from its start: the tenant's people, teams and chats, what the app may do there, and the service's own numbers.

use crate::machine::MachineClock;
use bellhop_core::Clock;
use std::sync::Arc;
use std::time::Duration;

/// The permissions of Graph that the tenant's administrator has consented to unless a test says otherwise.
pub const PERMISSIONS: [&str; 12] = [
    "Calendars.ReadWrite",
    "Channel.Create",
    "Channel.Delete.All",
    "Channel.ReadBasic.All",
    "ChannelMember.ReadWrite.All",
    "ChannelMessage.Read.All",
    "ChannelSettings.ReadWrite.All",
    "Files.ReadWrite.All",
    "OnlineMeetings.ReadWrite.All",
    "TeamMember.Read.All",
    "User.Read.All",
    "User.ReadBasic.All",
];

/// What a world is from its start.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, and all combinations make sense")]
pub struct Settings {
    /// The tenant's people.
    pub people: Vec<PersonSpec>,
    /// Its teams; the first is the one that is meant where none is named.
    pub teams: Vec<TeamSpec>,
    /// Its group chats.
    pub chats: Vec<ChatSpec>,
    /// The app-only permissions of Graph that are consented to.
    pub permissions: Vec<String>,
    /// The resource-specific permissions of the installed app (`ChannelMessage.Read.Group`).
    pub resource_permissions: Vec<String>,
    /// Whether the app has a service principal in the tenant at all; without one it gets no token.
    pub consented: bool,
    /// Whether an application access policy lets the app make online meetings for people.
    pub access_policy: bool,
    /// The service's limits on calls.
    pub limits: Limits,
    /// How long the app may take to answer.
    pub answer_within: Duration,
    /// How long tokens last, in seconds.
    pub token_seconds: u32,
    /// The largest message, in bytes of UTF-16.
    pub largest_message: usize,
    /// Whether the tenant has slash commands and messages that only one person sees, as the developer preview has them.
    pub preview: bool,
    /// Whether the text of a slash command begins with the slash; nobody says so for sure.
    pub slash_in_text: bool,
    /// Whether `Action.Submit` comes as an invoke and not as a message with a value; the vendor's pages say both.
    pub submit_as_invoke: bool,
    /// Whether a channel's folder of files is missing until somebody opens its tab.
    pub folder_later: bool,
    /// Whether the link to join a meeting is missing in the answer that makes the event.
    pub link_later: bool,
    /// How many members a page holds at most, whatever the caller asks for.
    pub page: usize,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct PersonSpec {
    /// The short name, by which tests call for them.
    pub name: String,
    /// The name that is shown.
    pub display_name: String,
    /// Their zone, `Europe/Berlin`.
    pub zone: String,
    /// From another organisation.
    pub guest: bool,
    /// An owner of the teams that they are in.
    pub owner: bool,
    /// Has a mailbox, and so a calendar.
    pub mailbox: bool,
    /// Has the app installed for themselves.
    pub installed: bool,
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamSpec {
    /// Its name.
    pub name: String,
    /// Its channels beside General.
    pub channels: Vec<ChannelSpec>,
    /// Its members' short names; `None` for everyone.
    pub members: Option<Vec<String>>,
    /// Whether the app is installed in it.
    pub installed: bool,
}

/// A channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Its name.
    pub name: String,
    /// `standard`, `private` or `shared`.
    pub membership: String,
    /// Its members' short names, where it isn't standard.
    pub members: Vec<String>,
    /// Whether the app is in it; standard channels have it with the team.
    pub bot: bool,
    /// Closed.
    pub archived: bool,
}

/// A chat of several people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatSpec {
    /// Its topic, by which tests name it.
    pub name: String,
    /// Its members' short names.
    pub members: Vec<String>,
    /// Whether the app is installed in it.
    pub bot: bool,
}

/// The limits on calls, <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether conversations have their windows.
    pub windows: bool,
    /// Calls of the app a second in the tenant, all conversations together; 0 for no limit.
    pub per_second: usize,
    /// Whether Graph has its own.
    pub graph: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { windows: true, per_second: 50, graph: true }
    }
}

impl PersonSpec {
    /// A person of this short name, with a mailbox, who has the app.
    #[must_use]
    pub fn new(name: &str, display_name: &str, zone: &str) -> Self {
        let (name, display_name, zone) = (name.into(), display_name.into(), zone.into());
        Self { name, display_name, zone, mailbox: true, installed: true, ..Self::default() }
    }
}

impl ChannelSpec {
    /// A channel that the whole team is in, the app too.
    #[must_use]
    pub fn standard(name: &str) -> Self {
        Self { name: name.into(), membership: "standard".into(), bot: true, ..Self::default() }
    }

    /// A private one of these people, and of the app.
    #[must_use]
    pub fn private(name: &str, members: &[&str]) -> Self {
        Self { membership: "private".into(), members: members.iter().map(|name| (*name).to_owned()).collect(), ..Self::standard(name) }
    }

    /// The same without the app.
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

impl TeamSpec {
    /// A team of everyone with the channels General, `ops`, `random`, `vault` (private: ann, bob), `hidden` (private, without the
    /// app) and `old` (closed).
    #[must_use]
    pub fn new(name: &str) -> Self {
        let channels = vec![
            ChannelSpec::standard("ops"),
            ChannelSpec::standard("random"),
            ChannelSpec::private("vault", &["ann", "bob"]),
            ChannelSpec::private("hidden", &["ann"]).without_bot(),
            ChannelSpec::standard("old").archived(),
        ];
        Self { name: name.into(), channels, members: None, installed: true }
    }
}

impl Default for Settings {
    /// The tenant `acme` with `ann` (an owner), `bob`, `cem` (without a mailbox), the guest `gus` and `dee`, who hasn't installed the
    /// app; with one team of all of them but dee, and a chat `war room` of ann, bob and the app.
    fn default() -> Self {
        let ann = PersonSpec { owner: true, ..PersonSpec::new("ann", "Ann Archer", "Europe/Berlin") };
        let cem = PersonSpec { mailbox: false, ..PersonSpec::new("cem", "Cem Cook", "UTC") };
        let gus = PersonSpec { guest: true, ..PersonSpec::new("gus", "Gus Guest", "Asia/Kolkata") };
        let dee = PersonSpec { installed: false, ..PersonSpec::new("dee", "Dee Distant", "UTC") };
        let members = Some(["ann", "bob", "cem", "gus"].map(str::to_owned).to_vec());
        let chat = ChatSpec { name: "war room".into(), members: vec!["ann".into(), "bob".into()], bot: true };
        Self {
            people: vec![ann, PersonSpec::new("bob", "Bob Baker", "America/New_York"), cem, gus, dee],
            teams: vec![TeamSpec { members, ..TeamSpec::new("Acme") }],
            chats: vec![chat],
            permissions: PERMISSIONS.iter().map(|name| (*name).to_owned()).collect(),
            resource_permissions: Vec::new(),
            consented: true,
            access_policy: false,
            limits: Limits::default(),
            answer_within: Duration::from_secs(15),
            token_seconds: 3599,
            largest_message: 100 * 1024,
            preview: false,
            slash_in_text: false,
            submit_as_invoke: false,
            folder_later: false,
            link_later: false,
            page: 500,
            clock: Arc::new(MachineClock),
        }
    }
}

impl Settings {
    /// The same without limits on calls, for tests about something else.
    #[must_use]
    pub fn unlimited(mut self) -> Self {
        self.limits = Limits { windows: false, per_second: 0, graph: false };
        self
    }

    /// The same without this permission.
    #[must_use]
    pub fn without(mut self, permission: &str) -> Self {
        self.permissions.retain(|known| known != permission);
        self
    }
}
